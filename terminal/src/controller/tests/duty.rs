//! The lock, the PIN, and one cashier taking over from another.

use super::refunds;
use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion};
use crate::view::{LockPage, LockState, Page, PaymentState as Shown, UnderWay};
use evertill_shared::cashier::Cashier;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::refund::RefundState;
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;

pub fn person(login: &str, name: &str, role: Role) -> TillPerson {
    let verifier = SecretText::new(format!("verifier of {login}"));
    TillPerson { login: login.into(), name: name.into(), role, verifier: Some(verifier), card: None }
}

fn list(version: u64, people: &[(&str, &str)]) -> TillStaff {
    let people = people.iter().map(|(login, name)| person(login, name, Role::Cashier)).collect();
    TillStaff { version, people: Some(people) }
}

const BOTH: [(&str, &str); 2] = [("bo", "Bo"), ("mei", "Mei")];

pub fn cashier(login: &str, name: &str) -> Cashier {
    Cashier { login: login.into(), name: name.into() }
}

/// A till of a store with PINs that has just been switched on, the list on its disk.
fn locked() -> Till {
    locked_with(&BTreeMap::new())
}

fn locked_with(wrong: &BTreeMap<String, u32>) -> Till {
    locked_for(list(1, &BOTH), wrong)
}

/// A till of a store with these people that has just been switched on.
pub fn locked_for(staff: TillStaff, wrong: &BTreeMap<String, u32>) -> Till {
    let mut till = Till::off(NOON);
    till.give(Input::Started { identity: Some(identity()), fingerprint: "AB12 CD34".into() });
    till.give(goods_on_disk(&products()));
    till.give(Input::StaffLoaded { staff, wrong: wrong.clone() });
    let journal = crate::journal_store::JournalStore::in_memory(start_head(), key(), NOON).unwrap();
    till.give(Input::JournalOpened(Ok(Box::new(Strict(Box::new(journal))))));
    heartbeat(&mut till, 1);
    till.other.clear();
    till
}

fn heartbeat(till: &mut Till, staff_version: u64) {
    let status = TerminalStatus { staff_version, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
}

fn lock_page(till: &Till) -> &LockPage {
    match till.page() {
        Page::Lock(page) => page,
        other => panic!("not locked: {other:?}"),
    }
}

pub fn unlocked(till: &Till) -> bool {
    !matches!(till.page(), Page::Lock(_))
}

/// Types a PIN; the check's end is for the test to say.
pub fn type_pin(till: &mut Till, login: &str, pin: &str) -> bool {
    till.act(UserAction::ChoosePerson { login: login.into() });
    till.act(UserAction::Unlock { pin: SecretText::new(pin.into()) });
    let asked =
        till.other.iter().any(|command| matches!(command, Command::CheckPin { login: l, .. } if l == login));
    till.other.retain(|command| !matches!(command, Command::CheckPin { .. }));
    asked
}

pub fn log_in(till: &mut Till, login: &str) {
    assert!(type_pin(till, login, "4711"));
    till.give(Input::PinChecked { login: login.into(), right: true });
    assert!(unlocked(till), "{:?}", till.page());
}

fn wrong_pin(till: &mut Till, login: &str) {
    assert!(type_pin(till, login, "0815"), "{:?}", lock_page(till).state);
    till.give(Input::PinChecked { login: login.into(), right: false });
}

fn sales(till: &Till) -> Vec<Option<Cashier>> {
    let entries = till.entries().into_iter();
    entries.filter_map(|e| if let Body::Sale(sale) = e.body { Some(sale.cashier) } else { None }).collect()
}

#[test]
fn a_till_of_a_store_without_pins_never_locks() {
    let mut till = Till::online();
    till.act(UserAction::Lock);
    assert!(unlocked(&till));
    till.pass(1_000);
    assert!(unlocked(&till));
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    assert_eq!(sales(&till), [None]);
    assert_eq!(till.screen.as_ref().unwrap().status.cashier, None);
}

#[test]
fn a_till_starts_locked_and_sells_under_the_name_of_who_logs_in_also_without_the_line() {
    let mut till = locked();
    till.line_lost();
    let page = lock_page(&till);
    assert_eq!((page.people.len(), &page.state), (2, &LockState::ChoosePerson));
    till.act(UserAction::Unlock { pin: SecretText::new("4711".into()) });
    assert_eq!(lock_page(&till).state, LockState::ChoosePerson, "nobody is chosen");
    assert!(type_pin(&mut till, "mei", "4711"));
    assert_eq!(lock_page(&till).state, LockState::Checking);
    till.act(UserAction::ChoosePerson { login: "bo".into() });
    assert_eq!(lock_page(&till).chosen.as_deref(), Some("mei"), "while hers is being checked");
    till.give(Input::PinChecked { login: "bo".into(), right: true });
    assert!(!unlocked(&till), "nobody asked about Bo");
    till.give(Input::PinChecked { login: "mei".into(), right: true });
    assert!(unlocked(&till));
    assert_eq!(till.screen.as_ref().unwrap().status.cashier.as_deref(), Some("Mei"));
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    assert_eq!(sales(&till), [Some(cashier("mei", "Mei"))]);
    assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Mei"));
}

#[test]
fn a_scan_or_a_touch_on_a_locked_till_does_nothing() {
    let mut till = locked();
    let before = till.entries().len();
    for code in [TEA, WECHAT, "garbage"] {
        till.scan(code);
        assert_eq!(till.notice(), Some(&Notice::LockedScan));
        till.act(UserAction::DismissNotice);
    }
    for action in [
        UserAction::AddProduct { id: "tea".into() },
        UserAction::TenderCode,
        UserAction::TenderCash,
        UserAction::CashConfirm,
        UserAction::OpenRefunds,
        UserAction::VoidSale,
        UserAction::Lock,
    ] {
        till.act(action);
    }
    assert_eq!(till.entries().len(), before);
    assert!(lock_page(&till).under_way.is_none() && till.kicks == 0);
}

#[test]
fn the_cart_is_there_when_the_same_person_comes_back() {
    let mut till = locked();
    log_in(&mut till, "mei");
    till.scan(TEA);
    till.scan(BREAD);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 2_000 });
    till.act(UserAction::Lock);
    let waits = UnderWay::Sale { item_count: 2, total_minor: 1_250 };
    assert_eq!(lock_page(&till).under_way, Some(waits));
    till.act(UserAction::CashConfirm);
    assert_eq!(till.kicks, 0, "no drawer opens at a locked till");
    log_in(&mut till, "mei");
    assert!(matches!(till.page(), Page::Cash(page) if page.given_minor == 2_000), "{:?}", till.page());
    till.act(UserAction::CashConfirm);
    assert_eq!(sales(&till), [Some(cashier("mei", "Mei"))]);
}

#[test]
fn a_sale_that_another_closed_is_closed_anew_by_who_takes_the_money() {
    let mut till = locked();
    log_in(&mut till, "mei");
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::Lock);
    log_in(&mut till, "bo");
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1), "the goods are there");
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 1);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert_eq!(sales(&till), [Some(cashier("mei", "Mei")), Some(cashier("bo", "Bo"))]);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 1);
    assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Bo"));
}

#[test]
fn a_sale_that_another_closed_is_closed_anew_whatever_page_the_till_was_left_on() {
    let leave: [&[UserAction]; 5] = [
        &[UserAction::OpenOrders],
        &[UserAction::OpenRefunds],
        &[UserAction::OpenAbout],
        &[UserAction::OpenDrawerPage],
        &[UserAction::OpenDrawerPage, UserAction::ChooseNoSale],
    ];
    for actions in leave {
        let mut till = locked();
        log_in(&mut till, "mei");
        till.scan(TEA);
        till.act(UserAction::TenderCash);
        till.act(UserAction::Back);
        actions.iter().for_each(|action| till.act(action.clone()));
        till.act(UserAction::Lock);
        log_in(&mut till, "bo");
        while !matches!(till.page(), Page::Sale(_)) {
            till.act(UserAction::Back);
        }
        till.act(UserAction::TenderCash);
        till.act(UserAction::CashGiven { minor: 450 });
        till.act(UserAction::CashConfirm);
        assert_eq!(sales(&till), [Some(cashier("mei", "Mei")), Some(cashier("bo", "Bo"))], "{actions:?}");
        assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Bo"));
    }
}

#[test]
fn a_payment_goes_on_under_the_lock_and_is_never_hidden_or_begun_again() {
    let mut till = locked();
    log_in(&mut till, "mei");
    let attempt = till.pay_for_tea();
    till.act(UserAction::Lock);
    let state = |till: &Till| match &lock_page(till).under_way {
        Some(UnderWay::Payment(page)) => page.state.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(state(&till), Shown::Sending);
    till.payment_error(attempt, PaymentQuestion::Pay, no_answer());
    assert!(matches!(state(&till), Shown::Unknown { .. }));
    for action in [UserAction::SetAside, UserAction::TakeBack, UserAction::TenderCash, UserAction::Back] {
        till.act(action);
    }
    assert!(till.take_take_back().is_none());
    // Bo takes over: the payment is still Mei's sale, and still under way.
    log_in(&mut till, "bo");
    assert!(matches!(till.page(), Page::Payment(_)));
    assert_eq!(till.count(|body| matches!(body, Body::SaleVoided { .. } | Body::SaleChanged { .. })), 0);
    till.act(UserAction::Lock);
    till.pass(2);
    let asked = till.take_ask().unwrap();
    till.answer_payment(asked, PaymentQuestion::Ask, PaymentState::Paid);
    assert!(matches!(&lock_page(&till).under_way, Some(UnderWay::Paid(_))), "paid, and said so");
    assert_eq!(till.printed.len(), 1);
    assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Mei"));
    log_in(&mut till, "bo");
    assert!(matches!(till.page(), Page::Done(_)));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
}

#[test]
fn who_comes_during_a_payment_that_fails_takes_cash_under_the_own_name() {
    for tender in [UserAction::TenderCash, UserAction::TenderCode] {
        let mut till = locked();
        log_in(&mut till, "mei");
        let attempt = till.pay_for_tea();
        till.act(UserAction::Lock);
        log_in(&mut till, "bo");
        assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 0, "it is under way");
        till.answer_payment(attempt, PaymentQuestion::Pay, PaymentState::Declined);
        till.act(tender);
        assert_eq!(sales(&till), [Some(cashier("mei", "Mei")), Some(cashier("bo", "Bo"))]);
        assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 1);
    }
}

#[test]
fn what_is_told_about_another_customers_money_waits_for_somebody_with_a_name() {
    let mut till = locked();
    log_in(&mut till, "mei");
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, PaymentQuestion::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.act(UserAction::Lock);
    till.pass(2);
    let asked = till.take_ask().unwrap();
    till.answer_payment(asked, PaymentQuestion::Ask, PaymentState::Paid);
    assert_eq!(till.notice(), None);
    till.act(UserAction::DismissNotice);
    log_in(&mut till, "mei");
    assert!(matches!(till.notice(), Some(Notice::EarlierPaymentPaid { .. })));
}

#[test]
fn five_wrong_pins_are_told_and_then_one_has_to_wait_longer_and_longer() {
    let mut till = locked();
    for left in [4, 3, 2, 1] {
        wrong_pin(&mut till, "mei");
        assert_eq!(lock_page(&till).state, LockState::Wrong { tries_left: left });
    }
    wrong_pin(&mut till, "mei");
    assert_eq!(lock_page(&till).state, LockState::Wait { seconds: 10 });
    assert!(!type_pin(&mut till, "mei", "4711"), "not even the right one is looked at");
    till.pass(4);
    assert_eq!(lock_page(&till).state, LockState::Wait { seconds: 6 });
    till.act(UserAction::ChoosePerson { login: "bo".into() });
    assert_eq!(lock_page(&till).state, LockState::EnterPin, "nobody else has to wait");
    till.pass(6);
    wrong_pin(&mut till, "mei");
    assert_eq!(lock_page(&till).state, LockState::Wait { seconds: 20 });
    till.pass(20);
    log_in(&mut till, "mei");
    let kept: Vec<_> = till
        .other
        .iter()
        .filter_map(|c| if let Command::KeepWrongPins(k) = c { Some(k) } else { None })
        .collect();
    assert_eq!(kept.len(), 7);
    assert_eq!((kept[5].get("mei"), kept[6].len()), (Some(&6), 0));
}

#[test]
fn who_had_to_wait_has_to_wait_after_a_restart_too() {
    let mut till = locked_with(&BTreeMap::from([("mei".to_owned(), 7)]));
    assert!(!type_pin(&mut till, "mei", "4711"));
    assert_eq!(lock_page(&till).state, LockState::Wait { seconds: 40 });
}

#[test]
fn what_is_no_pin_is_no_try() {
    let mut till = locked();
    for typed in ["", "47", "471147114", "abcd"] {
        assert!(!type_pin(&mut till, "mei", typed));
        assert_eq!(lock_page(&till).state, LockState::NotAPin, "{typed}");
    }
    wrong_pin(&mut till, "mei");
    assert_eq!(lock_page(&till).state, LockState::Wrong { tries_left: 4 });
}

#[test]
fn a_till_that_nobody_touches_locks_and_waits_for_who_was_there() {
    let mut till = locked();
    log_in(&mut till, "mei");
    till.scan(TEA);
    till.pass(299);
    assert!(unlocked(&till));
    till.act(UserAction::SetSearch("t".into()));
    till.pass(299);
    assert!(unlocked(&till), "a touch begins the time anew");
    till.act(UserAction::VoidSale);
    till.pass(301);
    let page = lock_page(&till);
    assert_eq!((page.chosen.as_deref(), &page.state), (Some("mei"), &LockState::EnterPin));
    assert!(till.screen.as_ref().unwrap().confirm.is_none(), "nobody stands before the question");
    log_in(&mut till, "mei");
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1));
}

#[test]
fn a_store_that_begins_to_use_pins_locks_its_tills_between_two_customers() {
    let mut till = Till::online();
    till.scan(TEA);
    heartbeat(&mut till, 1);
    till.take(|request| matches!(request, Request::Staff { since: 0 }).then_some(())).unwrap();
    till.give(Input::Net(Answer::Staff(Ok(list(1, &BOTH)))));
    assert!(unlocked(&till), "not in the middle of a sale");
    assert!(
        till.other.iter().any(|command| matches!(command, Command::SaveStaff(staff) if staff.version == 1))
    );
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.pass(1);
    assert!(matches!(till.page(), Page::Done(_)), "the change is still on screen");
    till.act(UserAction::NextSale);
    assert_eq!(lock_page(&till).people.len(), 2);
    heartbeat(&mut till, 1);
    till.pass(10);
    assert!(till.take(|request| matches!(request, Request::Staff { .. }).then_some(())).is_none());
}

#[test]
fn who_lost_the_pin_or_left_is_not_at_the_till_any_more() {
    let mut till = locked();
    log_in(&mut till, "mei");
    till.scan(TEA);
    till.give(Input::Net(Answer::Staff(Ok(list(2, &[("bo", "Bo"), ("mei", "Mei Lin")])))));
    assert_eq!(till.screen.as_ref().unwrap().status.cashier.as_deref(), Some("Mei Lin"), "a new name counts");
    till.give(Input::Net(Answer::Staff(Ok(list(3, &[("bo", "Bo")])))));
    let page = lock_page(&till);
    assert_eq!((page.people.len(), page.chosen.as_deref()), (1, Some("bo")));
    assert_eq!(page.under_way, Some(UnderWay::Sale { item_count: 1, total_minor: 450 }), "the sale stays");
    // The list changes while a PIN is being checked: it may have been another PIN.
    assert!(type_pin(&mut till, "bo", "4711"));
    till.give(Input::Net(Answer::Staff(Ok(list(4, &BOTH)))));
    till.give(Input::PinChecked { login: "bo".into(), right: true });
    assert!(!unlocked(&till));
    // Nobody has a PIN any more: the till works as it did without.
    till.give(Input::Net(Answer::Staff(Ok(list(5, &[])))));
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1));
}

#[test]
fn a_refund_names_who_carried_it_out_and_so_does_its_receipt() {
    let mut till = refunds::waiting();
    till.give(Input::Net(Answer::Staff(Ok(list(1, &BOTH)))));
    refunds::carry_out(&mut till);
    assert_eq!(till.count(|body| matches!(body, Body::RefundCarriedOut { .. })), 0, "the till is locked");
    log_in(&mut till, "bo");
    refunds::carry_out(&mut till);
    let by = cashier("bo", "Bo");
    assert_eq!(
        till.count(|body| matches!(body, Body::RefundCarriedOut { cashier: Some(c), .. } if *c == by)),
        1
    );
    // It ends when another is at the till.
    till.act(UserAction::Lock);
    log_in(&mut till, "mei");
    refunds::answer(&mut till, Ok(refunds::refund(RefundState::Done)));
    assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Bo"));
}
