//! Parked sales, and the cart itself, through restarts and crashes at every moment.

use super::rig::*;
use crate::controller::*;
use crate::journal_store::records::{RefundRecord, SaleRecord};
use crate::journal_store::{
    Archived, Archiving, Carts, HeldSale, JournalStore, KeptCart, PrintJob, PrintJobState, QueuedSale,
    SalesWanted, StoredSale, Unsent,
};
use crate::view::{HeldPage, Page, SalePage, TypedOff};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Entry, Head, SignedEntry};
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::countersign::Countersigned;
use evertill_shared::receipt::Receipt;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn sale_page(till: &Till) -> &SalePage {
    match till.page() {
        Page::Sale(page) => page,
        other => panic!("{other:?}"),
    }
}

fn held_page(till: &mut Till) -> HeldPage {
    till.act(UserAction::OpenHeld);
    match till.page() {
        Page::Held(page) => page.clone(),
        other => panic!("{other:?}"),
    }
}

fn hold(till: &mut Till, name: &str) {
    till.act(UserAction::OpenHeld);
    till.act(UserAction::Hold { name: name.into() });
}

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("till.db")
    }

    fn start(&self) -> Till {
        let mut till = Till::at(&self.path());
        till.heartbeat(TerminalState::Active);
        till
    }
}

#[test]
fn a_sale_is_held_under_a_name_or_a_number_and_comes_back_as_it_was() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    let reason = Reason::usual(ReasonKind::Regular);
    till.act(UserAction::TakeOff { off: TypedOff::Points(1_000), reason });
    hold(&mut till, " red\nhat ");
    assert_eq!(till.notice(), Some(&Notice::SaleHeld { name: "red hat".into() }));
    assert_eq!((sale_page(&till).lines.len(), sale_page(&till).held), (0, 1));
    till.scan(BREAD);
    hold(&mut till, "");
    let page = held_page(&mut till);
    let rows: Vec<_> =
        page.rows.iter().map(|row| (row.name.as_str(), row.item_count, row.total_minor)).collect();
    assert_eq!(rows, [("#2", 1, 800), ("red hat", 2, 810)]);
    till.act(UserAction::Recall { id: page.rows[1].id });
    assert_eq!((sale_page(&till).total_minor, sale_page(&till).held), (810, 1));
    assert!(sale_page(&till).discount.is_some());
    till.act(UserAction::OpenHeld);
    till.act(UserAction::Recall { id: page.rows[0].id });
    assert_eq!(till.notice(), Some(&Notice::HoldFirst), "nothing is mixed");
    till.act(UserAction::Recall { id: page.rows[1].id });
    till.act(UserAction::Hold { name: String::new() });
    assert_eq!(sale_page(&till).held, 2);
}

#[test]
fn a_sale_that_was_closed_for_payment_becomes_another_when_it_is_held() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::Back);
    hold(&mut till, "");
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 1);
    let page = held_page(&mut till);
    till.act(UserAction::Recall { id: page.rows[0].id });
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 1);
    till.act(UserAction::NextSale);
    assert_eq!((sale_page(&till).lines.len(), sale_page(&till).held), (0, 0));
}

#[test]
fn no_more_sales_are_held_than_anybody_waits_for() {
    let mut till = Till::online();
    for _ in 0..50 {
        till.scan(TEA);
        hold(&mut till, "");
    }
    till.scan(TEA);
    hold(&mut till, "");
    assert_eq!(till.notice(), Some(&Notice::TooManyHeld));
    till.act(UserAction::Back);
    assert_eq!((sale_page(&till).item_count, sale_page(&till).held), (1, 50));
}

#[test]
fn the_cart_comes_back_after_kill_9_with_all_that_was_said_about_it() {
    let disk = Disk::new();
    let mut till = disk.start();
    till.scan(TEA);
    till.scan(BREAD);
    let line = sale_page(&till).lines[1].line;
    till.act(UserAction::OpenLine { line });
    till.act(UserAction::OverridePrice { minor: 700, reason: Reason::usual(ReasonKind::PriceTag) });
    till.act(UserAction::OpenWhole);
    till.act(UserAction::WriteNote { text: "for the office".into() });
    let before = sale_page(&till).clone();
    drop(till);
    let mut till = disk.start();
    assert_eq!(sale_page(&till), &before);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    drop(till);
    assert!(sale_page(&disk.start()).lines.is_empty(), "what was voided stays so");
}

#[test]
fn goods_that_are_paid_never_come_back() {
    let disk = Disk::new();
    let mut till = disk.start();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    drop(till);
    // Closed for payment, and opened again from the journal: still one sale.
    let mut till = disk.start();
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    drop(till);
    let mut till = disk.start();
    till.act(UserAction::NextSale);
    assert!(sale_page(&till).lines.is_empty());
    drop(till);
    let disk = Disk::new();
    let attempt = disk.start().pay_for_tea();
    let mut till = disk.start();
    till.answer_payment(
        attempt,
        crate::sync::PaymentQuestion::Ask,
        evertill_shared::payment::PaymentState::Paid,
    );
    drop(till);
    let mut till = disk.start();
    till.act(UserAction::NextSale);
    assert!(sale_page(&till).lines.is_empty());
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_))), 1);
}

#[test]
fn a_journal_from_before_there_were_held_sales_gets_a_place_for_them() {
    let disk = Disk::new();
    drop(disk.start());
    let connection = rusqlite::Connection::open(disk.path()).unwrap();
    connection.execute_batch("DROP TABLE cart; DROP TABLE held").unwrap();
    drop(connection);
    let mut till = disk.start();
    till.scan(TEA);
    hold(&mut till, "");
    drop(till);
    assert_eq!(sale_page(&disk.start()).held, 1);
}

/// A journal whose program dies at the n-th write, before it or just after it.
struct Dies {
    inner: JournalStore,
    left: usize,
    after: bool,
}

impl Dies {
    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut JournalStore) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let dead = || JournalError::Io("killed".into());
        if self.left == 0 {
            return Err(dead());
        }
        self.left -= 1;
        if self.left > 0 {
            return write(&mut self.inner);
        }
        if self.after {
            write(&mut self.inner)?;
        }
        Err(dead())
    }
}

impl Archiving for Dies {
    fn countersigned_to(&self) -> Result<u64, JournalError> {
        self.inner.countersigned_to()
    }
    fn is_archived(&self, sale: u64) -> Result<bool, JournalError> {
        self.inner.is_archived(sale)
    }
    fn keep_countersigned(&mut self, signed: &Countersigned) -> Result<bool, JournalError> {
        self.write(|journal| journal.keep_countersigned(signed))
    }
    fn archive(&mut self, said_before: Timestamp, at_most: u64) -> Result<Archived, JournalError> {
        self.write(|journal| journal.archive(said_before, at_most))
    }
}

impl Carts for Dies {
    fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError> {
        self.inner.kept_cart()
    }
    fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError> {
        self.write(|journal| journal.keep_cart(record))
    }
    fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError> {
        self.write(|journal| journal.hold(name, record, at))
    }
    fn recall(&mut self, id: u64) -> Result<bool, JournalError> {
        self.write(|journal| journal.recall(id))
    }
    fn held(&self) -> Result<Vec<HeldSale>, JournalError> {
        self.inner.held()
    }
}

impl Journal for Dies {
    fn head(&self) -> Head {
        self.inner.head()
    }
    fn append(&mut self, body: &Body, at: Timestamp) -> Result<u64, JournalError> {
        self.write(|journal| journal.append(body, at))
    }
    fn entry(&self, sequence: u64) -> Result<SignedEntry, JournalError> {
        self.inner.entry(sequence)
    }
    fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<SignedEntry>, JournalError> {
        self.inner.entries_after(sequence, limit)
    }
    fn sale(&self, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
        self.inner.sale(sequence)
    }
    fn open_sales(&self) -> Result<Vec<SaleRecord>, JournalError> {
        self.inner.open_sales()
    }
    fn recent_sales(&self, limit: usize) -> Result<Vec<StoredSale>, JournalError> {
        self.inner.recent_sales(limit)
    }
    fn queue(&self) -> Result<Vec<QueuedSale>, JournalError> {
        self.inner.queue()
    }
    fn unsent(&self) -> Result<Unsent, JournalError> {
        self.inner.unsent()
    }
    fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> Result<(), JournalError> {
        self.write(|journal| journal.confirm_sale(sequence, quarantined))
    }
    fn refund(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
        self.inner.refund(id)
    }
    fn open_refunds(&self) -> Result<Vec<RefundRecord>, JournalError> {
        self.inner.open_refunds()
    }
    fn refunds_of(&self, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
        self.inner.refunds_of(number)
    }
    fn find_sales(&self, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError> {
        self.inner.find_sales(wanted)
    }
    fn nearest_sale(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, JournalError> {
        self.inner.nearest_sale(from, until)
    }
    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<StoredSale>, JournalError> {
        self.inner.sale_of_order(number)
    }
    fn copies(&self, about: &str) -> Result<u32, JournalError> {
        self.inner.copies(about)
    }
    fn fact(&self, name: &str) -> Result<Option<String>, JournalError> {
        self.inner.fact(name)
    }
    fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, JournalError> {
        self.inner.facts(prefix)
    }
    fn set_fact(&mut self, name: &str, value: Option<&str>) -> Result<(), JournalError> {
        self.write(|journal| journal.set_fact(name, value))
    }
    fn last_shift(&self) -> Result<Option<evertill_shared::shift::Shift>, JournalError> {
        self.inner.last_shift()
    }
    fn last_closed_shift(&self) -> Result<Option<evertill_shared::shift::Shift>, JournalError> {
        self.inner.last_closed_shift()
    }
    fn handed_in(&self) -> Result<u64, JournalError> {
        self.inner.handed_in()
    }
    fn set_handed_in(&mut self, sequence: u64) -> Result<(), JournalError> {
        self.write(|journal| journal.set_handed_in(sequence))
    }
    fn new_print_job(
        &mut self,
        about: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<PrintJob, JournalError> {
        self.write(|journal| journal.new_print_job(about, receipt, at))
    }
    fn set_print_job(&mut self, id: u64, state: PrintJobState) -> Result<(), JournalError> {
        self.write(|journal| journal.set_print_job(id, state))
    }
    fn last_print_job(&self, about: &str) -> Result<Option<PrintJob>, JournalError> {
        self.inner.last_print_job(about)
    }
    fn has_room(&mut self) -> bool {
        self.inner.has_room()
    }
}

fn dying(path: &Path, left: usize, after: bool) -> Till {
    let inner = JournalStore::open(path, start_head(), key(), NOON).unwrap();
    Till::with(Box::new(Dies { inner, left, after }), NOON)
}

/// One step at the till. The names of all sales, held or in hand, are their goods.
#[derive(Clone, Debug)]
enum Step {
    Tea,
    Bread,
    Close,
    Back,
    Hold,
    Recall(u8),
    Pay,
    Discount(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Tea),
        2 => Just(Step::Bread),
        2 => Just(Step::Close),
        1 => Just(Step::Back),
        4 => Just(Step::Hold),
        4 => any::<u8>().prop_map(Step::Recall),
        1 => Just(Step::Pay),
        1 => (1_u16..9_000).prop_map(Step::Discount),
    ]
}

fn run(till: &mut Till, step: &Step) {
    match step {
        Step::Tea => till.scan(TEA),
        Step::Bread => till.scan(BREAD),
        Step::Close => till.act(UserAction::TenderCash),
        Step::Back => till.act(UserAction::Back),
        Step::Hold => hold(till, ""),
        Step::Recall(which) => {
            till.act(UserAction::OpenHeld);
            if let Page::Held(page) = till.page().clone()
                && let Some(row) = page.rows.get(usize::from(*which) % page.rows.len().max(1))
            {
                till.act(UserAction::Recall { id: row.id });
            }
            till.act(UserAction::Back);
        }
        Step::Pay => {
            till.act(UserAction::TenderCash);
            till.act(UserAction::CashGiven { minor: 1_000_000 });
            till.act(UserAction::CashConfirm);
            till.confirm(true);
            till.act(UserAction::NextSale);
        }
        Step::Discount(points) => {
            till.act(UserAction::Back);
            till.act(UserAction::OpenWhole);
            let reason = Reason::usual(ReasonKind::Regular);
            till.act(UserAction::TakeOff { off: TypedOff::Points(*points), reason });
            till.act(UserAction::Back);
        }
    }
}

/// What is where: the goods in hand, the goods that are held, and how many pieces were paid.
fn pieces(till: &mut Till) -> (u32, Vec<u32>, u32) {
    till.act(UserAction::Back);
    till.act(UserAction::NextSale);
    let held = held_page(till);
    till.act(UserAction::Back);
    let count = |body: &Body, entries: &[Entry]| match body {
        Body::CashTaken { sale, .. } => entries
            .iter()
            .find(|entry| entry.sequence == *sale)
            .map(|entry| match &entry.body {
                Body::Sale(sale) => sale.lines.iter().map(|line| line.quantity).sum(),
                other => panic!("{other:?}"),
            })
            .unwrap_or(0),
        _ => 0_u32,
    };
    let entries = till.entries();
    let paid = entries.iter().map(|entry| count(&entry.body, &entries)).sum();
    let mut rows: Vec<u32> = held.rows.iter().map(|row| row.item_count).collect();
    rows.sort_unstable();
    (held.item_count, rows, paid)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// The program dies at any write of a step, or after it: afterwards everything is as before the step or as after it.
    #[test]
    fn killed_at_any_write_each_piece_is_in_one_place(
        steps in prop::collection::vec(step(), 1..14),
        last in step(),
        left in 1_usize..5,
        after in any::<bool>(),
    ) {
        let disk = Disk::new();
        let mut till = disk.start();
        steps.iter().for_each(|step| run(&mut till, step));
        let before = pieces(&mut till);
        drop(till);
        let copy = Disk::new();
        for end in ["db", "db-wal"] {
            let from = disk.path().with_extension(end);
            if from.exists() {
                std::fs::copy(&from, copy.path().with_extension(end)).unwrap();
            }
        }
        let mut whole = copy.start();
        prop_assert_eq!(&pieces(&mut whole), &before, "a restart changes nothing");
        run(&mut whole, &last);
        let behind = pieces(&mut whole);
        let mut dying = dying(&disk.path(), left, after);
        run(&mut dying, &last);
        drop(dying);
        let mut till = disk.start();
        let found = pieces(&mut till);
        prop_assert!(found == before || found == behind, "{:?} is neither {:?} nor {:?}", found, before, behind);
    }
}
