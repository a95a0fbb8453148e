//! The journal under kill -9, a full disk, altered bytes and rules that somebody tries to break.

mod archive;
mod damage;
mod finding;
mod kill;
mod parts;
mod put_aside;
mod shifts;
mod space;

use super::records::RuleBroken;
use super::*;
use evertill_shared::id::{ChannelNumber, RefundId, StoreId, TerminalId};
use evertill_shared::journal::{RefundSettled, Settled};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::DeclineReason;
use evertill_shared::wallet::Wallet;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::path::PathBuf;
use std::sync::Mutex;

const NOW: Timestamp = Timestamp(1_763_647_387_000);

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap())
}

fn start() -> Head {
    Head::start(TerminalId::try_from(1).unwrap(), 1)
}

fn open(path: &Path) -> Result<JournalStore, JournalError> {
    JournalStore::open(path, start(), key(), NOW)
}

fn memory() -> JournalStore {
    JournalStore::in_memory(start(), key(), NOW).unwrap()
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn store_id() -> StoreId {
    StoreId::try_from(7).unwrap()
}

fn sale(minor: i64) -> Body {
    let line = Line::new("p".into(), "Tea".into(), 1, cny(minor), TaxRate(1300)).unwrap();
    Body::Sale(Sale::new(store_id(), NOW, Currency::CNY, vec![line]).unwrap())
}

fn number(random: u32) -> OrderNumber {
    OrderNumber::new(NOW, random, 1.try_into().unwrap()).unwrap()
}

#[test]
fn what_is_kept_without_waiting_for_the_disk_leaves_entries_waiting_for_it() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    let waits = |journal: &JournalStore| -> i64 {
        journal.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
    };
    assert_eq!(waits(&journal), 2, "FULL");
    journal.keep_cart(Some("one")).unwrap();
    assert_eq!(waits(&journal), 2);
    let sold = journal.append(&sale(500), NOW).unwrap();
    let kept = KeptCart { record: "one".into(), sale: Some(sold) };
    assert_eq!(journal.kept_cart().unwrap(), Some(kept), "the goods are that sale's now");
    journal.append(&cash(sold, 500), NOW).unwrap();
    assert_eq!(journal.kept_cart().unwrap(), None, "and gone when it is paid");
    let id = journal.hold("a", "two", NOW).unwrap();
    journal.keep_cart(Some("three")).unwrap();
    assert!(journal.recall(id).unwrap() && !journal.recall(id).unwrap(), "once");
    assert_eq!(journal.kept_cart().unwrap().unwrap().record, "two");
    assert_eq!((journal.held().unwrap(), waits(&journal)), (Vec::new(), 2));
}

#[test]
fn goods_that_were_given_up_do_not_come_back_and_those_of_a_sale_that_changes_do() {
    let mut journal = memory();
    let mut kept_after = |close: bool, then: fn(u64) -> Body| {
        journal.keep_cart(Some("goods")).unwrap();
        let sold = if close { journal.append(&sale(500), NOW).unwrap() } else { 0 };
        journal.append(&then(sold), NOW).unwrap();
        journal.kept_cart().unwrap().is_some()
    };
    assert!(kept_after(true, |sale| Body::SaleChanged { sale }));
    assert!(!kept_after(true, |sale| Body::SaleVoided { sale }));
    assert!(!kept_after(false, |_| Body::CartVoided { lines: 1, total: cny(500), cashier: None }));
}

#[test]
fn an_emptied_cart_waits_for_the_disk() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    journal.keep_cart(Some("one")).unwrap();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let tell = told.clone();
    let watch = move |asked: AuthContext<'_>| {
        if let AuthAction::Pragma { pragma_name: "synchronous", pragma_value: Some(value) } = asked.action {
            tell.lock().unwrap().push(value.to_owned());
        }
        Authorization::Allow
    };
    journal.connection.authorizer(Some(watch)).unwrap();
    journal.keep_cart(None).unwrap();
    assert_eq!(*told.lock().unwrap(), Vec::<String>::new(), "it was FULL all the time");
    journal.keep_cart(Some("two")).unwrap();
    assert_eq!(*told.lock().unwrap(), ["NORMAL", "FULL"]);
}

#[test]
fn a_journal_whose_entries_would_not_wait_for_the_disk_writes_none() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    let refuse = |asked: AuthContext<'_>| match asked.action {
        AuthAction::Pragma { pragma_name: "synchronous", pragma_value: Some("FULL") } => Authorization::Deny,
        _ => Authorization::Allow,
    };
    journal.connection.authorizer(Some(refuse)).unwrap();
    assert!(matches!(journal.keep_cart(Some("one")), Err(JournalError::Io(_))));
    assert!(matches!(journal.append(&sale(500), NOW), Err(JournalError::Io(_))));
    drop(journal);
    assert_eq!(open(&path).unwrap().head().sequence, 1);
}

fn requested(sale: u64, attempt: u8, minor: i64) -> Body {
    let key = evertill_shared::id::SaleKey { terminal: start().terminal, epoch: 1, sequence: sale };
    Body::PaymentRequested {
        sale,
        number: number(1),
        attempt,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(store_id(), key, attempt),
        amount: cny(minor),
    }
}

fn cash(sale: u64, total: i64) -> Body {
    Body::CashTaken { sale, given: cny(total + 50), change: cny(50) }
}

/// A journal with something of everything: entries 1 to 10.
fn filled(path: &Path) -> Head {
    let mut journal = open(path).unwrap();
    for body in [
        sale(500),
        Body::Adopted { sale: 2, number: number(1) },
        requested(2, 1, 500),
        Body::PaymentSettled { sale: 2, attempt: 1, outcome: Settled::Paid { transaction: "42".into() } },
        sale(800),
        cash(6, 800),
        sale(900),
        Body::SaleVoided { sale: 8 },
        Body::RefundCarriedOut {
            refund: RefundId("R1".into()),
            number: number(1),
            amount: cny(100),
            cashier: None,
        },
    ] {
        journal.append(&body, NOW).unwrap();
    }
    journal.head()
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    (dir, path)
}

#[test]
fn a_journal_opens_where_it_was_left_and_its_books_are_there() {
    let (_dir, path) = file();
    let head = filled(&path);
    let journal = open(&path).unwrap();
    assert_eq!((journal.head(), head.sequence), (head, 10));
    assert!(journal.sale(2).unwrap().unwrap().record.paid_attempt().is_some());
    assert_eq!(journal.queue().unwrap(), [QueuedSale { sequence: 6, at: NOW }]);
    assert!(journal.open_sales().unwrap().is_empty(), "paid, paid, given up");
    assert_eq!(journal.open_refunds().unwrap().len(), 1);
    assert_eq!(journal.entries_after(8, 200).unwrap().len(), 2);
}

#[test]
fn two_programs_never_have_one_journal() {
    let (_dir, path) = file();
    let first = open(&path).unwrap();
    assert!(matches!(open(&path), Err(JournalError::InUse)));
    drop(first);
    assert!(open(&path).is_ok());
}

#[test]
fn another_tills_journal_is_not_taken() {
    let (_dir, path) = file();
    filled(&path);
    let other = Head::start(TerminalId::try_from(2).unwrap(), 1);
    assert!(matches!(JournalStore::open(&path, other, key(), NOW), Err(JournalError::Foreign { .. })));
    let new_epoch = Head::start(TerminalId::try_from(1).unwrap(), 2);
    assert!(matches!(JournalStore::open(&path, new_epoch, key(), NOW), Err(JournalError::Foreign { .. })));
}

/// Each body is refused, and the journal stands where it stood.
fn refuses(journal: &mut JournalStore, body: &Body, rule: &RuleBroken) {
    let before = journal.head();
    match journal.append(body, NOW) {
        Err(JournalError::Rule(broken)) => assert_eq!(broken, *rule, "{body:?}"),
        other => panic!("{body:?}: {other:?}"),
    }
    assert_eq!(journal.head(), before);
}

#[test]
fn a_sale_never_adopts_a_second_number() {
    let mut journal = memory();
    journal.append(&sale(500), NOW).unwrap();
    journal.append(&Body::Adopted { sale: 2, number: number(1) }, NOW).unwrap();
    for again in [1, 2] {
        refuses(
            &mut journal,
            &Body::Adopted { sale: 2, number: number(again) },
            &RuleBroken::AdoptedBefore(2),
        );
    }
}

#[test]
fn nothing_is_charged_or_given_up_while_an_attempt_is_not_settled() {
    let mut journal = memory();
    journal.append(&sale(500), NOW).unwrap();
    refuses(&mut journal, &requested(2, 1, 500), &RuleBroken::DoesNotFit(2));
    journal.append(&Body::Adopted { sale: 2, number: number(1) }, NOW).unwrap();
    refuses(&mut journal, &requested(2, 1, 499), &RuleBroken::DoesNotFit(2));
    refuses(&mut journal, &requested(2, 2, 500), &RuleBroken::DoesNotFit(2));
    journal.append(&requested(2, 1, 500), NOW).unwrap();
    let open = RuleBroken::Unsettled { sale: 2, attempt: 1 };
    refuses(&mut journal, &requested(2, 2, 500), &open);
    refuses(&mut journal, &cash(2, 500), &open);
    refuses(&mut journal, &Body::SaleVoided { sale: 2 }, &open);
    let declined = Settled::Declined { reason: DeclineReason::NotEnoughFunds };
    journal.append(&Body::PaymentSettled { sale: 2, attempt: 1, outcome: declined }, NOW).unwrap();
    journal.append(&requested(2, 2, 500), NOW).unwrap();
    let paid = Settled::Paid { transaction: "1".into() };
    journal.append(&Body::PaymentSettled { sale: 2, attempt: 2, outcome: paid.clone() }, NOW).unwrap();
    let again = Body::PaymentSettled { sale: 2, attempt: 2, outcome: paid };
    refuses(&mut journal, &again, &RuleBroken::DoesNotFit(2));
    for late in [requested(2, 3, 500), cash(2, 500), Body::SaleVoided { sale: 2 }] {
        refuses(&mut journal, &late, &RuleBroken::Closed(2));
    }
}

#[test]
fn cash_is_taken_once_and_adds_up() {
    let mut journal = memory();
    journal.append(&sale(500), NOW).unwrap();
    let short = Body::CashTaken { sale: 2, given: cny(400), change: cny(-100) };
    refuses(&mut journal, &short, &RuleBroken::CashDiffers(2));
    let odd = Body::CashTaken { sale: 2, given: cny(600), change: cny(90) };
    refuses(&mut journal, &odd, &RuleBroken::CashDiffers(2));
    journal.append(&cash(2, 500), NOW).unwrap();
    refuses(&mut journal, &cash(2, 500), &RuleBroken::Closed(2));
    refuses(&mut journal, &cash(3, 500), &RuleBroken::NoSuchSale(3));
}

#[test]
fn a_refund_is_carried_out_once() {
    let mut journal = memory();
    let id = RefundId("R1".into());
    let out =
        Body::RefundCarriedOut { refund: id.clone(), number: number(1), amount: cny(100), cashier: None };
    let done = Body::RefundSettled { refund: id.clone(), outcome: RefundSettled::Done };
    refuses(&mut journal, &done, &RuleBroken::NoSuchRefund(id.clone()));
    journal.append(&out, NOW).unwrap();
    refuses(&mut journal, &out, &RuleBroken::RefundBefore(id.clone()));
    journal.append(&done, NOW).unwrap();
    refuses(&mut journal, &done, &RuleBroken::RefundBefore(id));
}

#[test]
fn what_the_server_confirmed_leaves_the_queue_and_stays_confirmed() {
    let (_dir, path) = file();
    filled(&path);
    let mut journal = open(&path).unwrap();
    journal.confirm_sale(6, true).unwrap();
    journal.confirm_sale(6, true).unwrap();
    journal.set_handed_in(9).unwrap();
    drop(journal);
    let journal = open(&path).unwrap();
    assert!(journal.queue().unwrap().is_empty());
    assert!(journal.sale(6).unwrap().unwrap().quarantined);
    assert_eq!(journal.handed_in().unwrap(), 9);
}

#[test]
fn a_print_job_that_was_with_the_printer_is_unknown_after_a_restart() {
    let (_dir, path) = file();
    filled(&path);
    let mut journal = open(&path).unwrap();
    let record = journal.sale(6).unwrap().unwrap().record;
    let receipt = crate::print::receipt_of_sale(&crate::controller::tests_identity(), &record);
    let pending = journal.new_print_job("sale:6", &receipt, NOW).unwrap();
    let done = journal.new_print_job("sale:2", &receipt, NOW).unwrap();
    journal.set_print_job(done.id, PrintJobState::Confirmed).unwrap();
    drop(journal);
    let journal = open(&path).unwrap();
    let last = journal.last_print_job("sale:6").unwrap().unwrap();
    assert_eq!((last.id, last.state), (pending.id, PrintJobState::Unknown));
    assert_eq!(last.receipt, receipt);
    assert_eq!(journal.last_print_job("sale:2").unwrap().unwrap().state, PrintJobState::Confirmed);
}
