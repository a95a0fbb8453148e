//! When the till must not sell, and bring-up.

use super::rig::*;
use crate::controller::*;
use crate::journal_store::JournalStore;
use crate::sync::Answer;
use crate::view::{EnrolFailure, EnrolPage, Page};
use evertill_shared::journal::{EntryHash, Head};
use evertill_shared::protocol::enrol::Enrolled;
use evertill_shared::protocol::error::ErrorCode;

fn fault(till: &Till) -> Option<&FaultPage> {
    match till.page() {
        Page::Fault(page) => Some(page),
        _ => None,
    }
}

fn sell_for_cash(till: &mut Till) {
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
}

#[test]
fn an_older_copy_of_the_journal_put_back_is_noticed_and_the_till_sells_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let old = dir.path().join("old.db");
    let mut till = Till::at(&path);
    sell_for_cash(&mut till);
    std::fs::copy(&path, &old).unwrap();
    std::fs::copy(path.with_extension("db-wal"), old.with_extension("db-wal")).unwrap();
    sell_for_cash(&mut till);
    let known = till.controller.journal.as_ref().unwrap().head();
    drop(till);

    let mut till = Till::at(&old);
    let status = TerminalStatus { journal_head: known, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status.clone()))));
    assert_eq!(fault(&till), Some(&FaultPage::JournalForked));
    let before = till.entries().len();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::RetryFault);
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    till.pass(30);
    assert_eq!(fault(&till), Some(&FaultPage::JournalForked), "a retry does not mend it");
    assert_eq!(till.entries().len(), before);
    let shown = till.sent.iter().filter(|r| matches!(r, Request::HandIn { .. })).count();
    assert_eq!(shown, 1, "the server is shown once what this disk holds, so that IT hears of it");
    let nothing_else = |r: &Request| matches!(r, Request::Heartbeat | Request::HandIn { .. });
    assert!(till.sent.iter().all(nothing_else), "{:?}", till.sent);
}

#[test]
fn the_servers_head_must_be_one_of_our_entries() {
    let mut till = Till::in_memory();
    sell_for_cash(&mut till);
    let other = Head { sequence: 2, hash: EntryHash([9; 32]), ..start_head() };
    let status = TerminalStatus { journal_head: other, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    assert_eq!(fault(&till), Some(&FaultPage::JournalForked));
}

#[test]
fn chain_an_older_disk_is_told_by_an_order_that_rests_on_an_entry_which_was_never_handed_in() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("till.db"), dir.path().join("old.db"));
    let mut till = Till::at(&path);
    std::fs::copy(&path, &old).unwrap();
    std::fs::copy(path.with_extension("db-wal"), old.with_extension("db-wal")).unwrap();
    sell_for_cash(&mut till);
    let used = till.controller.journal.as_ref().unwrap().head();
    let status = TerminalStatus { furthest_used: Some(used), ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status.clone()))));
    assert_eq!(fault(&till), None, "it is this journal's own");
    drop(till);
    let mut till = Till::at(&old);
    till.give(Input::Net(Answer::Heartbeat(Ok(TerminalStatus { furthest_used: None, ..status.clone() }))));
    assert_eq!(fault(&till), None, "nothing that was handed in tells");
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    assert_eq!(fault(&till), Some(&FaultPage::JournalForked));
}

#[test]
fn a_conflict_or_a_broken_chain_stops_the_till_and_keeps_everything() {
    for code in [ErrorCode::Conflict, ErrorCode::ChainBroken] {
        let mut till = Till::online();
        sell_for_cash(&mut till);
        let entries = till.entries();
        till.give(Input::Net(Answer::HandIn(Err(refused(code)))));
        assert_eq!(fault(&till), Some(&FaultPage::JournalForked));
        assert_eq!(till.entries(), entries);
        assert_eq!(till.controller.journal.as_ref().unwrap().queue().unwrap().len(), 1);
    }
}

#[test]
fn a_blocked_till_sells_nothing_uploads_its_queue_and_goes_on_when_unblocked() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.sent.clear();
    till.give(Input::Net(Answer::Draft { sale: 99, result: Err(refused(ErrorCode::TerminalBlocked)) }));
    assert_eq!(fault(&till), Some(&FaultPage::Blocked));
    till.heartbeat(TerminalState::Blocked);
    till.act(UserAction::NextSale);
    till.scan(TEA);
    assert_eq!(fault(&till), Some(&FaultPage::Blocked));
    till.pass(2);
    let adopt = till.take(|r| if let Request::Adopt { sale, .. } = r { Some(*sale) } else { None });
    assert_eq!(adopt, Some(sale), "what was honestly sold is brought in, for a person to accept");
    till.give(Input::Net(Answer::Adopt { sale, result: Ok(Box::new(order(sale, 1, true))) }));
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 0);
    till.heartbeat(TerminalState::Active);
    assert_eq!(fault(&till), None);
}

#[test]
fn a_blocked_till_tells_what_it_holds_and_whether_its_journal_is_handed_in() {
    let mut till = Till::in_memory();
    sell_for_cash(&mut till);
    till.heartbeat(TerminalState::Blocked);
    assert_eq!(fault(&till), Some(&FaultPage::Blocked));
    let kept = |till: &Till| till.screen.as_ref().unwrap().status.unsent.map(|u| (u.count, u.entries));
    assert_eq!(kept(&till), Some((1, 3)), "the sale has no number and stays; nothing is handed in");
    till.pass(1);
    let handed_in = till.take(|r| matches!(r, Request::HandIn { .. }).then_some(()));
    assert_eq!(handed_in, Some(()), "the journal goes up all the same");
    let head = till.controller.journal.as_ref().unwrap().head();
    till.give(Input::Net(Answer::HandIn(Ok(evertill_shared::protocol::terminal::HandedIn {
        head,
        quarantined: true,
    }))));
    assert_eq!(kept(&till), Some((1, 0)), "still no order, and the server has every entry");
}

#[test]
fn what_a_journal_holds_that_cannot_be_opened_is_not_called_sent() {
    let mut till = Till::off(NOON);
    till.give(Input::Started { identity: Some(identity()), fingerprint: "F".into() });
    till.give(Input::JournalOpened(Err(JournalError::Damaged { entry: 1, why: "changed".into() })));
    assert_eq!(till.screen.as_ref().unwrap().status.unsent, None);
}

#[test]
fn a_damaged_journal_shows_which_entry_and_sells_nothing() {
    let mut till = Till::off(NOON);
    till.give(Input::Started { identity: Some(identity()), fingerprint: "F".into() });
    let error = JournalError::Damaged { entry: 17, why: "changed".into() };
    till.give(Input::JournalOpened(Err(error)));
    assert_eq!(fault(&till), Some(&FaultPage::JournalDamaged { entry: Some(17) }));
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.pass(10);
    assert_eq!(fault(&till), Some(&FaultPage::JournalDamaged { entry: Some(17) }));
    till.other.clear();
    till.act(UserAction::RetryFault);
    assert!(matches!(till.other[..], [Command::Start]), "it is opened anew, from the beginning");
}

/// A journal whose disk is full.
struct Full(JournalStore, bool);

mod full {
    use super::*;
    use crate::journal_store::records::{RefundRecord, SaleRecord};
    use crate::journal_store::{
        Archived, Archiving, Carts, HeldSale, KeptCart, PrintJob, PrintJobState, QueuedSale, SalesWanted,
        StoredSale, Unsent,
    };
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::RefundId;
    use evertill_shared::journal::SignedEntry;
    use evertill_shared::order_number::OrderNumber;
    use evertill_shared::protocol::countersign::Countersigned;
    use evertill_shared::receipt::Receipt;
    type R<T> = Result<T, JournalError>;

    impl Carts for Full {
        fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError> {
            self.0.kept_cart()
        }
        fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError> {
            if self.1 { Err(JournalError::DiskFull) } else { self.0.keep_cart(record) }
        }
        fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError> {
            if self.1 { Err(JournalError::DiskFull) } else { self.0.hold(name, record, at) }
        }
        fn recall(&mut self, id: u64) -> Result<bool, JournalError> {
            if self.1 { Err(JournalError::DiskFull) } else { self.0.recall(id) }
        }
        fn held(&self) -> Result<Vec<HeldSale>, JournalError> {
            self.0.held()
        }
    }

    impl Archiving for Full {
        fn countersigned_to(&self) -> R<u64> {
            self.0.countersigned_to()
        }
        fn is_archived(&self, sale: u64) -> R<bool> {
            self.0.is_archived(sale)
        }
        fn keep_countersigned(&mut self, signed: &Countersigned) -> R<bool> {
            self.0.keep_countersigned(signed)
        }
        fn archive(&mut self, said_before: Timestamp, at_most: u64) -> R<Archived> {
            self.0.archive(said_before, at_most)
        }
    }

    impl Journal for Full {
        fn head(&self) -> Head {
            self.0.head()
        }
        fn append(&mut self, body: &Body, at: Timestamp) -> R<u64> {
            if self.1 { Err(JournalError::DiskFull) } else { self.0.append(body, at) }
        }
        fn entry(&self, sequence: u64) -> R<SignedEntry> {
            self.0.entry(sequence)
        }
        fn entries_after(&self, sequence: u64, limit: usize) -> R<Vec<SignedEntry>> {
            self.0.entries_after(sequence, limit)
        }
        fn sale(&self, sequence: u64) -> R<Option<StoredSale>> {
            self.0.sale(sequence)
        }
        fn open_sales(&self) -> R<Vec<SaleRecord>> {
            self.0.open_sales()
        }
        fn recent_sales(&self, limit: usize) -> R<Vec<StoredSale>> {
            self.0.recent_sales(limit)
        }
        fn find_sales(&self, wanted: &SalesWanted) -> R<Vec<StoredSale>> {
            self.0.find_sales(wanted)
        }
        fn nearest_sale(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> R<Option<Timestamp>> {
            self.0.nearest_sale(from, until)
        }
        fn sale_of_order(&self, number: OrderNumber) -> R<Option<StoredSale>> {
            self.0.sale_of_order(number)
        }
        fn queue(&self) -> R<Vec<QueuedSale>> {
            self.0.queue()
        }
        fn unsent(&self) -> R<Unsent> {
            self.0.unsent()
        }
        fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> R<()> {
            self.0.confirm_sale(sequence, quarantined)
        }
        fn refund(&self, id: &RefundId) -> R<Option<RefundRecord>> {
            self.0.refund(id)
        }
        fn open_refunds(&self) -> R<Vec<RefundRecord>> {
            self.0.open_refunds()
        }
        fn refunds_of(&self, number: OrderNumber) -> R<Vec<RefundRecord>> {
            self.0.refunds_of(number)
        }
        fn last_shift(&self) -> R<Option<evertill_shared::shift::Shift>> {
            self.0.last_shift()
        }
        fn last_closed_shift(&self) -> R<Option<evertill_shared::shift::Shift>> {
            self.0.last_closed_shift()
        }
        fn handed_in(&self) -> R<u64> {
            self.0.handed_in()
        }
        fn set_handed_in(&mut self, sequence: u64) -> R<()> {
            self.0.set_handed_in(sequence)
        }
        fn new_print_job(&mut self, about: &str, receipt: &Receipt, at: Timestamp) -> R<PrintJob> {
            self.0.new_print_job(about, receipt, at)
        }
        fn set_print_job(&mut self, id: u64, state: PrintJobState) -> R<()> {
            self.0.set_print_job(id, state)
        }
        fn last_print_job(&self, about: &str) -> R<Option<PrintJob>> {
            self.0.last_print_job(about)
        }
        fn copies(&self, about: &str) -> R<u32> {
            self.0.copies(about)
        }
        fn fact(&self, name: &str) -> R<Option<String>> {
            self.0.fact(name)
        }
        fn facts(&self, prefix: &str) -> R<Vec<(String, String)>> {
            self.0.facts(prefix)
        }
        fn set_fact(&mut self, name: &str, value: Option<&str>) -> R<()> {
            self.0.set_fact(name, value)
        }
        fn has_room(&mut self) -> bool {
            self.1 = false;
            true
        }
    }
}

#[test]
fn a_full_disk_keeps_the_sale_in_the_cart_and_goes_on_when_there_is_room() {
    let store = JournalStore::in_memory(start_head(), key(), NOON).unwrap();
    let mut till = Till::with(Box::new(Full(store, true)), NOON);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    assert_eq!(fault(&till), Some(&FaultPage::DiskFull));
    assert_eq!(till.entries().len(), 1, "nothing is half done");
    till.act(UserAction::RetryFault);
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 450), "the goods are still there");
    till.act(UserAction::TenderCash);
    assert!(matches!(till.page(), Page::Cash(_)));
}

#[test]
fn bring_up_from_the_form_to_the_first_sale() {
    let mut till = Till::off(NOON);
    till.give(Input::Started { identity: None, fingerprint: "AB12 CD34".into() });
    let submit = |server: &str| UserAction::EnrolSubmit { server: server.into(), code: "ONE-TIME".into() };
    assert!(
        matches!(till.page(), Page::Enrol(EnrolPage::Form(form)) if form.server == "https://configured:8443")
    );
    let scanned = |till: &Till| match till.page() {
        Page::Enrol(EnrolPage::Form(form)) => {
            form.scanned.as_ref().map(|code| (code.code.expose().to_owned(), code.times))
        }
        other => panic!("{other:?}"),
    };
    till.scan("0001-ABCD-EFGH");
    assert_eq!(scanned(&till), Some(("0001-ABCD-EFGH".into(), 1)), "IT's code goes into its box");
    till.scan("https://nobody.example/?q=1");
    assert_eq!(till.notice(), Some(&Notice::NoEnrolmentCode));
    till.scan("0001-ABCD-EFGH");
    assert_eq!(scanned(&till).unwrap().1, 2, "and again, whatever was typed meanwhile");
    assert!(till.other.is_empty(), "nothing is asked of a server unasked");
    till.act(submit("not an address"));
    assert!(
        matches!(till.page(), Page::Enrol(EnrolPage::Form(f)) if f.failure == Some(EnrolFailure::AddressInvalid))
    );
    till.act(submit("store.example:8443"));
    till.act(submit("store.example:8443"));
    assert_eq!(till.other.len(), 1, "pressed twice, asked once");
    till.give(Input::Enrolled(Err(EnrolError(EnrolFailure::WrongCode { tries_left: None }))));
    till.act(submit("store.example:8443"));
    let id = identity();
    let enrolled = Enrolled {
        terminal: id.terminal,
        name: id.name,
        epoch: 1,
        registration_code: id.registration_code,
        state: TerminalState::Pending,
        store: id.store,
    };
    till.other.clear();
    till.give(Input::Enrolled(Ok(EnrolledAs { server: "https://store.example:8443".into(), enrolled })));
    assert!(
        matches!(&till.other[..], [Command::SaveIdentity(saved)] if !saved.activated && saved.servers.len() == 2)
    );
    till.heartbeat(TerminalState::Pending);
    match till.page() {
        Page::Enrol(EnrolPage::Waiting(waiting)) => {
            assert_eq!(
                (waiting.registration_code.as_str(), waiting.fingerprint.as_str()),
                ("AB12", "AB12 CD34")
            );
        }
        other => panic!("{other:?}"),
    }
    till.pass(2);
    assert!(till.sent.iter().any(|r| matches!(r, Request::Heartbeat)), "it asks again by itself");
    till.other.clear();
    till.heartbeat(TerminalState::Active);
    till.heartbeat(TerminalState::Active);
    assert!(
        matches!(&till.other[..], [Command::SaveIdentity(saved), Command::OpenJournal(_)] if saved.activated)
    );
    let journal = JournalStore::in_memory(start_head(), key(), NOON).unwrap();
    till.give(Input::JournalOpened(Ok(Box::new(Strict(Box::new(journal))))));
    assert!(matches!(till.page(), Page::Sale(_)));
    assert_eq!(till.count(|body| matches!(body, Body::Opened { .. })), 1);
}

#[test]
fn a_clock_that_is_far_off_is_told_once() {
    let mut till = Till::in_memory();
    let behind = TerminalStatus {
        server_time: till.now.wall.minus(Duration::from_secs(3600)),
        ..till.status(TerminalState::Active)
    };
    till.give(Input::Net(Answer::Heartbeat(Ok(behind.clone()))));
    assert_eq!(till.notice(), Some(&Notice::ClockWrong { ahead_seconds: 3600 }));
    till.act(UserAction::DismissNotice);
    till.give(Input::Net(Answer::Heartbeat(Ok(behind))));
    assert_eq!(till.notice(), None);
}
