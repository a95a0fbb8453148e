//! Training: everything as in a sale, and nothing of it anywhere. The till, its journal on a real disk, and the training over
//! it; whatever either wants done outside is recorded by who wants it.

mod desk;
mod split;

use super::approval::everybody;
use super::card::{card, carriers};
use super::duty::{locked_for, log_in};
use super::rig::*;
use crate::controller::*;
use crate::front::Heard;
use crate::journal_store::JournalStore;
use crate::sync::{Answer, PaymentQuestion};
use crate::training::{Customer, PinFor, Told};
use crate::view::{
    AmountPurpose, DrawerState, Page, PaymentState as Shown, PracticeCustomer, ReceiptState, RefundState,
    TypedOff,
};
use desk::Desk;
use evertill_shared::journal::{CashReason, DrawerReason};
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::wallet::Wallet;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A till of everybody's at which this one serves, its journal in this file.
pub fn served(path: &Path, login: &str) -> Till {
    let mut till = Till::off(NOON);
    till.give(Input::Started { identity: Some(identity()), fingerprint: "AB12 CD34".into() });
    till.give(goods_on_disk(&products()));
    till.give(Input::StaffLoaded { staff: everybody(), wrong: BTreeMap::new() });
    let journal = JournalStore::open(path, start_head(), key(), NOON).unwrap();
    till.give(Input::JournalOpened(Ok(Box::new(Strict(Box::new(journal))))));
    let status = TerminalStatus { staff_version: 1, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    log_in(&mut till, login);
    till.other.clear();
    till
}

/// All that stands in the file, table by table.
fn everything_in(path: &Path) -> Vec<String> {
    let connection = crate::journal_store::open_read_only(path).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let tables: Vec<String> = connection
        .prepare(names)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut all = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            all.push(format!("{table}: {values:?}"));
        }
    }
    all
}

/// The till asked for nothing but what it would have asked for without a training.
fn only_what_was_before(desk: &Desk, head: u64) {
    for request in desk.sent() {
        match request {
            Request::Heartbeat => {}
            Request::Adopt { sale, .. } => assert!(*sale <= head),
            Request::HandIn { body } => {
                for entry in &body.entries {
                    assert!(entry.verify(&key().public()).unwrap().sequence <= head);
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The name of the first line of the sale.
fn first_line(desk: &Desk) -> u32 {
    match desk.page() {
        Page::Sale(page) => page.lines[0].line,
        other => panic!("{other:?}"),
    }
}

fn damaged() -> Reason {
    Reason::usual(ReasonKind::Damaged)
}

fn open_shift(desk: &mut Desk) {
    desk.act(UserAction::OpenDrawerPage);
    desk.act(UserAction::DrawerAmount(AmountPurpose::Float));
    desk.act(UserAction::AmountTyped { minor: 20_000 });
    desk.act(UserAction::AmountConfirm);
    desk.act(UserAction::Back);
}

fn hold_and_recall(desk: &mut Desk) {
    desk.scan(BREAD);
    desk.act(UserAction::OpenHeld);
    desk.act(UserAction::Hold { name: "red coat".into() });
    desk.act(UserAction::OpenHeld);
    let Page::Held(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let id = page.rows[0].id;
    desk.act(UserAction::Recall { id });
    desk.act(UserAction::VoidSale);
    desk.confirm();
}

/// All of the newest order is to go back; whoever approves it is asked for.
fn ask_for_the_newest_back(desk: &mut Desk) {
    desk.act(UserAction::OpenOrders);
    let Page::Orders(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let id = page.orders[0].id.clone();
    desk.act(UserAction::OpenOrder { id });
    desk.act(UserAction::AskRefund);
    desk.act(UserAction::RefundWhole);
    desk.act(UserAction::RefundReason("Goods damaged".into()));
    desk.act(UserAction::RefundGoOn);
}

fn refund_the_newest(desk: &mut Desk) {
    ask_for_the_newest_back(desk);
    desk.type_pin("lin");
    assert!(matches!(desk.pins.last(), Some((_, PinFor::Refund(_), _))), "{:?}", desk.page());
    desk.pin_is(true);
    desk.pass(2);
    let Page::Refunds(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!(page.items[0].state, RefundState::Done);
    desk.act(UserAction::Back);
}

fn drawer_and_end_of_shift(desk: &mut Desk) {
    desk.act(UserAction::OpenDrawerPage);
    desk.act(UserAction::DrawerAmount(AmountPurpose::PayOut));
    desk.act(UserAction::AmountTyped { minor: 1_000 });
    desk.act(UserAction::ChooseCashReason(CashReason::Supplier));
    desk.act(UserAction::AmountConfirm);
    desk.act(UserAction::ChooseNoSale);
    desk.act(UserAction::NoSale { reason: DrawerReason::ChangeMoney });
    assert_eq!(desk.notice(), Some(&Notice::DrawerInTraining));
    desk.act(UserAction::OpenDrawerPage);
    desk.act(UserAction::ReadShift);
    assert!(matches!(desk.page(), Page::Report(page) if !page.ended), "{:?}", desk.page());
    desk.act(UserAction::Back);
    desk.act(UserAction::EndShift);
    desk.act(UserAction::CountChoose { value_minor: 10_000 });
    desk.act(UserAction::CountKey("2".into()));
    desk.act(UserAction::CountConfirm);
    desk.confirm();
    assert!(matches!(desk.page(), Page::Report(page) if page.ended), "{:?}", desk.page());
    desk.act(UserAction::Back);
    desk.act(UserAction::Back);
}

#[test]
fn training_a_whole_day_of_sales_refunds_and_shifts_leaves_nothing_in_the_books() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = served(&path, "lin");
    // What was before, real: a shift, a sale, a held sale, goods in hand.
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::DrawerAmount(AmountPurpose::Float));
    till.act(UserAction::AmountConfirm);
    till.act(UserAction::Back);
    till.cash_for_tea(1);
    till.act(UserAction::NextSale);
    till.scan(BREAD);
    let mut desk = Desk::of(till);
    let before = everything_in(&path);
    let head = desk.front.core().journal.as_ref().unwrap().head().sequence;
    let files = |dir: &Path| {
        std::fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().file_name())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let files_before = files(dir.path());
    desk.train();

    open_shift(&mut desk);
    desk.scan(TEA);
    let line = first_line(&desk);
    desk.act(UserAction::OpenLine { line });
    desk.act(UserAction::TakeOff { off: TypedOff::Minor(50), reason: damaged() });
    assert!(matches!(desk.page(), Page::Sale(page) if page.total_minor == 400), "{:?}", desk.page());
    desk.act(UserAction::TenderCash);
    desk.pass(1);
    desk.act(UserAction::CashGiven { minor: 500 });
    desk.act(UserAction::CashConfirm);
    let Page::Done(done) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!(done.drawer, DrawerState::InTraining);
    desk.act(UserAction::NextSale);
    hold_and_recall(&mut desk);
    desk.code_sale(PracticeCustomer::Pays);
    desk.paid();
    desk.code_sale(PracticeCustomer::IsAsked);
    desk.payment(|state| matches!(state, Shown::CustomerConfirming { .. }));
    desk.paid();
    desk.code_sale(PracticeCustomer::HasNoMoney);
    desk.payment(|state| matches!(state, Shown::Declined(_)));
    desk.act(UserAction::TenderCash);
    desk.act(UserAction::CashGiven { minor: 450 });
    desk.act(UserAction::CashConfirm);
    desk.paid();
    desk.code_sale(PracticeCustomer::StaysSilent);
    desk.payment(|state| matches!(state, Shown::Unknown { .. }));
    desk.payment(|state| matches!(state, Shown::Reversed));
    desk.act(UserAction::TenderCode);
    desk.pass(1);
    desk.act(UserAction::ShowCode { wallet: crate::view::Wallet::WeChatPay });
    desk.payment(|state| matches!(state, Shown::ShowingCode { .. }));
    desk.paid();
    refund_the_newest(&mut desk);
    drawer_and_end_of_shift(&mut desk);
    desk.pass(30);

    assert!(desk.papers.len() >= 6, "{}", desk.papers.len());
    assert_eq!(everything_in(&path), before, "something of the training stands in the till's books");
    assert_eq!(files(dir.path()), files_before, "the training made a file");
    only_what_was_before(&desk, head);
    let outside = |c: &&Command| !matches!(c, Command::Send(_));
    assert_eq!(desk.till.iter().filter(outside).count(), 0, "the drawer, or a setting, of the till");

    // And back: the goods that were in hand, for whoever logs in.
    desk.act(UserAction::EndTraining);
    assert!(desk.is_for_real() && matches!(desk.page(), Page::Lock(_)), "{:?}", desk.page());
    desk.type_pin("mei");
    let asked =
        desk.till.iter().any(|command| matches!(command, Command::CheckPin { login, .. } if login == "mei"));
    assert!(asked);
    desk.give(Input::PinChecked { login: "mei".into(), right: true });
    assert!(matches!(desk.page(), Page::Sale(page) if page.total_minor == 800), "{:?}", desk.page());
}

#[test]
fn training_never_lets_a_real_customers_code_go_anywhere() {
    let mut desk = Desk::of(Till::online());
    desk.train();
    desk.scan(TEA);
    desk.act(UserAction::TenderCash);
    desk.scan(WECHAT);
    assert_eq!(desk.notice(), Some(&Notice::RealCodeInTraining));
    desk.act(UserAction::TenderCode);
    desk.pass(1);
    for real in [WECHAT, "281234567890123456", "101234567890123456"] {
        desk.act(UserAction::DismissNotice);
        desk.scan(real);
        assert_eq!(desk.notice(), Some(&Notice::RealCodeInTraining), "{real}");
        assert!(matches!(desk.page(), Page::AwaitCode(_)), "{:?}", desk.page());
    }
    desk.pass(5);
    only_what_was_before(&desk, 1);
    // Nor does a practice code at the till itself charge anybody: it is as unknown to the wallets as a made-up one.
    desk.scan(&Customer::Pays.code(Wallet::Alipay));
    desk.paid();
}

#[test]
fn training_that_breaks_ends_the_training_and_the_till_sells_on() {
    let mut desk = Desk::of(Till::online());
    desk.scan(TEA);
    desk.train();
    desk.scan(BREAD);
    desk.front.practice().unwrap().journal_failed(JournalError::Io("the disk of nothing".into()));
    desk.give(Input::Tick);
    assert!(desk.is_for_real());
    assert_eq!(desk.notice(), Some(&Notice::TrainingBroken));
    assert!(matches!(desk.page(), Page::Sale(page) if page.total_minor == 450), "{:?}", desk.page());
    desk.act(UserAction::TenderCash);
    desk.act(UserAction::CashGiven { minor: 450 });
    desk.act(UserAction::CashConfirm);
    assert!(matches!(desk.page(), Page::Done(_)), "{:?}", desk.page());
    assert!(desk.till.iter().any(|command| matches!(command, Command::KickDrawer { .. })), "the real drawer");
    // Nor is anything lost if there is nothing to make one of.
    desk.act(UserAction::NextSale);
    desk.ask_to_train();
    desk.hear(Heard::Provisions(Err("no goods".into())));
    assert!(desk.is_for_real());
    assert_eq!(desk.notice(), Some(&Notice::TrainingBroken));
}

#[test]
fn training_hears_only_what_it_asked_for_and_the_till_only_what_the_till_did() {
    let mut till = Till::online();
    till.cash_for_tea(1);
    till.act(UserAction::NextSale);
    let mut desk = Desk::of(till);
    desk.train();
    desk.cash_sale();
    let printing = |desk: &Desk| match desk.page() {
        Page::Done(done) => done.receipt,
        other => panic!("{other:?}"),
    };
    let (session, order) = desk.papers.pop().unwrap();
    assert_eq!(order.job, 1, "as the till's own first job was");
    // The till's kick and its first paper: theirs, although the training has a first paper, too.
    desk.give(Input::Kicked { kick: 1, report: PrintReport::Unknown });
    desk.give(Input::Printed { job: 1, report: PrintReport::Unknown });
    assert_eq!((printing(&desk), desk.notice()), (ReceiptState::Printing, None));
    desk.hear(Heard::Training {
        session: session + 1,
        told: Told::Printed { job: 1, report: PrintReport::Unknown },
    });
    assert_eq!(printing(&desk), ReceiptState::Printing, "another training's");
    desk.hear(Heard::Training { session, told: Told::Printed { job: 1, report: PrintReport::Confirmed } });
    assert_eq!(printing(&desk), ReceiptState::Printed);
    // Of the till's own they became what was said of them.
    let till = desk.front.core();
    assert_eq!(
        till.journal.as_ref().unwrap().last_print_job("sale:2").unwrap().unwrap().state,
        crate::journal_store::PrintJobState::Unknown
    );
    desk.act(UserAction::EndTraining);
    // What comes for a training that is over reaches nobody, not even the next one.
    let notice = desk.notice().cloned();
    let report = PrintReport::NotStarted(PrinterState::PaperOut);
    desk.hear(Heard::Training { session, told: Told::Printed { job: 1, report } });
    assert_eq!(desk.notice().cloned(), notice);
    desk.act(UserAction::DismissNotice);
    desk.train();
    desk.cash_sale();
    desk.hear(Heard::Training { session, told: Told::Printed { job: 1, report: PrintReport::Confirmed } });
    assert_eq!(printing(&desk), ReceiptState::Printing);
}

#[test]
fn training_its_customers_come_as_often_as_is_practised() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::of(served(&dir.path().join("till.db"), "lin"));
    desk.train();
    for _ in 0..3 {
        desk.code_sale(PracticeCustomer::Pays);
        desk.paid();
    }
    for _ in 0..2 {
        desk.code_sale(PracticeCustomer::HasNoMoney);
        desk.payment(|state| matches!(state, Shown::Declined(_)));
        desk.act(UserAction::TenderCash);
        desk.act(UserAction::CashGiven { minor: 450 });
        desk.act(UserAction::CashConfirm);
        desk.paid();
    }
}

#[test]
fn training_does_not_begin_while_a_payment_or_a_refund_is_unsettled() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, PaymentQuestion::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    let answer = Answer::Payment {
        sale: attempt.0,
        attempt: attempt.1,
        question: PaymentQuestion::Ask,
        result: Ok(till.view(attempt.1, PaymentState::Reversed)),
    };
    let mut desk = Desk::of(till);
    desk.ask_to_train();
    assert_eq!(desk.notice(), Some(&Notice::NoTrainingNow));
    assert!(!desk.till.iter().any(|command| matches!(command, Command::BeginTraining)));
    desk.give(Input::Net(answer));
    desk.act(UserAction::DismissNotice);
    desk.act(UserAction::DismissNotice);
    desk.act(UserAction::BeginTraining);
    // Asked for, and the person goes on with something else before it is there.
    desk.act(UserAction::Back);
    desk.scan(TEA);
    desk.provide();
    assert!(desk.is_for_real(), "it came too late");
    desk.train();
}

#[test]
fn training_does_not_begin_while_a_refund_waits_for_this_till() {
    let mut till = Till::online();
    let status = TerminalStatus { refunds_waiting: 1, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    let nothing_waits = till.status(TerminalState::Active);
    let mut desk = Desk::of(till);
    desk.act(UserAction::DismissNotice);
    desk.ask_to_train();
    assert_eq!(
        desk.notice(),
        Some(&Notice::NoTrainingNow),
        "only this till may give it back, and only today"
    );
    desk.act(UserAction::DismissNotice);
    desk.give(Input::Net(Answer::Heartbeat(Ok(nothing_waits))));
    desk.train();
}

#[test]
fn training_is_gone_after_a_crash_and_the_goods_in_hand_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    let mut desk = Desk::of(till);
    desk.scan(BREAD);
    desk.scan(TEA);
    desk.train();
    desk.cash_sale();
    desk.act(UserAction::NextSale);
    desk.scan(TEA);
    // The power fails: nothing is said to anybody.
    drop(desk);
    let mut again = Till::at(&path);
    again.heartbeat(TerminalState::Active);
    let desk = Desk::of(again);
    assert!(desk.is_for_real());
    let Page::Sale(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!((page.lines.len(), page.total_minor), (2, 1_250));
}

#[test]
fn training_is_wiped_when_it_ends() {
    let mut desk = Desk::of(Till::online());
    desk.train();
    open_shift(&mut desk);
    desk.cash_sale();
    desk.act(UserAction::NextSale);
    desk.scan(BREAD);
    desk.act(UserAction::OpenHeld);
    desk.act(UserAction::Hold { name: "left behind".into() });
    desk.act(UserAction::EndTraining);
    desk.train();
    assert!(matches!(desk.page(), Page::Sale(page) if page.held == 0 && page.lines.is_empty()));
    desk.act(UserAction::OpenOrders);
    assert!(matches!(desk.page(), Page::Orders(page) if page.orders.is_empty()), "{:?}", desk.page());
    desk.act(UserAction::OpenDrawerPage);
    assert!(matches!(desk.page(), Page::Shift(page) if page.open.is_none() && !page.has_last));
}

#[test]
fn training_locks_by_itself_counts_wrong_pins_and_knows_who_has_left() {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, "lin");
    let mut desk = Desk::of(till);
    desk.train();
    let serves = |desk: &Desk| desk.screen.as_ref().unwrap().status.cashier.clone();
    assert_eq!(serves(&desk).as_deref(), Some("Lin"), "whoever serves practises, without a PIN anew");
    desk.pass(301);
    assert!(matches!(desk.page(), Page::Lock(_)), "{:?}", desk.page());
    assert!(desk.screen.as_ref().unwrap().training.is_some(), "the lock says that it is training");
    desk.type_pin("mei");
    desk.pin_is(false);
    let kept = |desk: &Desk| {
        desk.till
            .iter()
            .rev()
            .find_map(|c| if let Command::KeepWrongPins(counts) = c { Some(counts.clone()) } else { None })
    };
    assert_eq!(kept(&desk).unwrap().get("mei"), Some(&1), "it counts, and is kept");
    desk.type_pin("mei");
    desk.pin_is(true);
    assert_eq!(serves(&desk).as_deref(), Some("Mei"));
    assert_eq!(kept(&desk).unwrap().get("mei"), None);
    // She leaves the store while she practises.
    let people = everybody().people.unwrap().into_iter().filter(|person| person.login != "mei").collect();
    let staff = TillStaff { version: 2, people: Some(people) };
    desk.give(Input::Net(Answer::Staff(Ok(staff))));
    assert!(matches!(desk.page(), Page::Lock(page) if page.people.iter().all(|p| p.login != "mei")));
    // A guess that nobody waits for any more counts all the same.
    desk.type_pin("bo");
    let (session, asked, login) = desk.pins.pop().unwrap();
    // Locked or not, training can be ended; the till itself is locked then, and nobody's.
    desk.act(UserAction::EndTraining);
    assert!(desk.is_for_real() && matches!(desk.page(), Page::Lock(_)));
    desk.hear(Heard::Training { session, told: Told::Pin { asked, login, right: false } });
    assert_eq!(kept(&desk).unwrap().get("bo"), Some(&1));
    assert_eq!(serves(&desk), None);
}

#[test]
fn training_wrong_pins_for_a_refund_cost_what_they_cost_at_the_lock() {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, "lin");
    let mut desk = Desk::of(till);
    desk.train();
    desk.cash_sale();
    desk.act(UserAction::NextSale);
    desk.pass(2);
    ask_for_the_newest_back(&mut desk);
    for _ in 0..5 {
        desk.type_pin("wang");
        desk.pin_is(false);
        desk.pass(1);
    }
    desk.type_pin("wang");
    desk.pass(1);
    assert!(desk.pins.is_empty(), "a sixth guess was looked at");
    desk.act(UserAction::EndTraining);
    desk.type_pin("wang");
    assert!(
        !desk.till.iter().any(|c| matches!(c, Command::CheckPin { login, .. } if login == "wang")),
        "nor at the till"
    );
}

#[test]
fn training_hears_staff_cards_as_the_till_does_and_leaves_none() {
    let serves = |desk: &Desk| desk.screen.as_ref().unwrap().status.cashier.clone();
    let mut till = locked_for(carriers(1), &BTreeMap::new());
    log_in(&mut till, "lin");
    let mut desk = Desk::of(till);
    desk.train();
    assert_eq!(serves(&desk).as_deref(), Some("Lin"));
    desk.scan(card(3).expose());
    assert_eq!(serves(&desk).as_deref(), Some("Mei"));
    desk.act(UserAction::Lock);
    desk.scan(card(9).expose());
    assert_eq!(desk.notice(), Some(&Notice::CardUnknown));
    desk.scan(card(1).expose());
    assert_eq!(serves(&desk).as_deref(), Some("Bo"));
    desk.scan(TEA);
    desk.act(UserAction::TenderCode);
    desk.pass(1);
    desk.scan(card(3).expose());
    assert_eq!(desk.notice(), Some(&Notice::CardNotNow));
    // The till itself heard nothing of it, and is nobody's.
    desk.act(UserAction::EndTraining);
    assert!(desk.is_for_real() && matches!(desk.page(), Page::Lock(_)) && serves(&desk).is_none());
    desk.scan(card(2).expose());
    assert_eq!(serves(&desk).as_deref(), Some("Lin"));
    desk.ask_to_train();
    assert!(matches!(desk.page(), Page::Approval(_)), "a manager's card alone begins no training");
}

#[test]
fn training_needs_a_right_and_rights_count_in_it_as_ever() {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, "mei");
    let mut desk = Desk::of(till);
    desk.ask_to_train();
    let Page::Approval(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let may: Vec<&str> = page.people.iter().map(|person| person.login.as_str()).collect();
    assert_eq!(may, ["ivy", "lin", "wang"]);
    desk.type_pin("ivy");
    desk.give(Input::PinChecked { login: "ivy".into(), right: true });
    desk.provide();
    assert!(desk.front.is_training());
    desk.pass(1);
    desk.scan(TEA);
    let line = first_line(&desk);
    desk.act(UserAction::OpenLine { line });
    desk.act(UserAction::TakeOff { off: TypedOff::Minor(50), reason: damaged() });
    let Page::Approval(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!(page.right, evertill_shared::rights::Right::Discount);
    desk.type_pin("wang");
    assert!(matches!(desk.pins.last(), Some((1, PinFor::Till, login)) if login == "wang"));
    desk.pin_is(true);
    assert!(matches!(desk.page(), Page::Sale(page) if page.total_minor == 400), "{:?}", desk.page());
    // What is the till's own is not touched from here.
    desk.act(UserAction::OpenAbout);
    for own in
        [UserAction::OpenScanners, UserAction::EndProgram, UserAction::BeginTraining, UserAction::OpenDay]
    {
        desk.act(UserAction::DismissNotice);
        desk.act(own);
        assert_eq!(desk.notice(), Some(&Notice::NotInTraining));
    }
}

#[test]
fn training_ends_when_the_till_itself_has_something_to_say() {
    let till = Till::online();
    let blocked = till.status(TerminalState::Blocked);
    let mut desk = Desk::of(till);
    desk.train();
    desk.scan(TEA);
    desk.give(Input::Net(Answer::Heartbeat(Ok(blocked))));
    assert!(
        desk.is_for_real() && matches!(desk.page(), Page::Fault(FaultPage::Blocked)),
        "{:?}",
        desk.page()
    );
}

#[test]
fn training_speaks_and_looks_as_the_till_does_also_after_it() {
    let mut desk = Desk::of(Till::online());
    desk.train();
    desk.act(UserAction::Language { code: "zh".into() });
    desk.act(UserAction::Colours(Colours::Dark));
    assert_eq!(desk.screen.as_ref().unwrap().language, Language::Chinese);
    assert!(desk.till.iter().any(|command| matches!(command, Command::KeepLanguage(Language::Chinese))));
    desk.give(Input::Printer(PrinterState::PaperLow));
    assert_eq!(desk.screen.as_ref().unwrap().status.printer, PrinterState::PaperLow);
    desk.act(UserAction::EndTraining);
    let screen = desk.screen.as_ref().unwrap();
    assert_eq!((screen.language, screen.colours), (Language::Chinese, Colours::Dark));
    assert_eq!(screen.status.printer, PrinterState::PaperLow);
}
