//! Staff cards: at the lock, between two customers, and everywhere else where one is scanned.

use super::approval::{REASON, approve};
use super::duty::{cashier, locked_for, log_in, person, type_pin, unlocked};
use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion};
use crate::view::{AskRefundPage, LockState, Page, TypedOff};
use evertill_hardware::label::Prefixes;
use evertill_shared::cashier::Cashier;
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::CardCode;
use std::collections::BTreeMap;

/// The card with this number: nobody has two.
pub fn card(number: u8) -> CardCode {
    CardCode::of([number; 19])
}

pub fn with_card(person: TillPerson, number: u8) -> TillPerson {
    TillPerson { card: Some(card(number).mark()), ..person }
}

fn without_pin(person: TillPerson) -> TillPerson {
    TillPerson { verifier: None, ..person }
}

/// Two cashiers and a manager, each with a PIN and a card, and a third cashier who has a card alone.
pub fn carriers(version: u64) -> TillStaff {
    let people = vec![
        with_card(person("bo", "Bo", Role::Cashier), 1),
        with_card(person("lin", "Lin", Role::Manager), 2),
        with_card(person("mei", "Mei", Role::Cashier), 3),
        without_pin(with_card(person("tan", "Tan", Role::Cashier), 4)),
    ];
    TillStaff { version, people: Some(people) }
}

fn locked() -> Till {
    locked_for(carriers(1), &BTreeMap::new())
}

fn scan(till: &mut Till, number: u8) {
    till.scan(card(number).expose());
}

fn at_work(number: u8) -> Till {
    let mut till = locked();
    scan(&mut till, number);
    assert!(unlocked(&till), "{:?}", till.notice());
    till
}

fn serves(till: &Till) -> Option<&str> {
    till.screen.as_ref().unwrap().status.cashier.as_deref()
}

fn state(till: &Till) -> LockState {
    match till.page() {
        Page::Lock(page) => page.state,
        other => panic!("not locked: {other:?}"),
    }
}

/// Who closed each sale.
fn sales(till: &Till) -> Vec<Option<Cashier>> {
    let entries = till.entries().into_iter();
    entries.filter_map(|e| if let Body::Sale(sale) = e.body { Some(sale.cashier) } else { None }).collect()
}

/// Nothing of a card stands in the journal, on the screen or in what is sent or kept.
fn left_nowhere(till: &Till) {
    let all = format!("{:?} {:?} {:?}", till.entries(), till.screen, till.sent);
    assert!(!all.to_ascii_uppercase().contains("EVTC-A") && !all.contains("EVTC-B"), "{all}");
    (1..5).for_each(|number| assert!(!all.contains(&card(number).expose()[5..16])));
}

#[test]
fn a_card_logs_in_at_the_lock_with_one_scan_also_without_the_line() {
    let mut till = locked();
    till.line_lost();
    let Page::Lock(page) = till.page() else { panic!("not locked") };
    assert!(page.cards && page.people.len() == 4);
    scan(&mut till, 3);
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), None));
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert_eq!(sales(&till), [Some(cashier("mei", "Mei"))]);
    left_nowhere(&till);
}

#[test]
fn a_store_without_cards_says_nothing_of_them_and_knows_none() {
    let staff = TillStaff { version: 1, people: Some(vec![person("bo", "Bo", Role::Cashier)]) };
    let mut till = locked_for(staff, &BTreeMap::new());
    assert!(matches!(till.page(), Page::Lock(page) if !page.cards));
    scan(&mut till, 1);
    assert_eq!((unlocked(&till), till.notice()), (false, Some(&Notice::CardUnknown)));
    // Where nobody logs in at all it is no goods' code either.
    let mut till = Till::online();
    scan(&mut till, 1);
    assert_eq!(till.notice(), Some(&Notice::CardUnknown));
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 0));
    left_nowhere(&till);
}

#[test]
fn a_card_of_another_store_a_damaged_one_and_goods_open_nothing() {
    let mut till = locked();
    scan(&mut till, 9);
    assert_eq!((unlocked(&till), till.notice()), (false, Some(&Notice::CardUnknown)));
    let code = card(3);
    let text = code.expose();
    let swapped = text.replace("EVTC-D", "EVTC-C");
    for damaged in [&text[..20], "EVTC-", &swapped, &format!("{text}A"), "evtc-x"] {
        till.scan(damaged);
        assert_eq!((unlocked(&till), till.notice()), (false, Some(&Notice::CardUnreadable)), "{damaged}");
    }
    till.scan(TEA);
    assert_eq!((unlocked(&till), till.notice()), (false, Some(&Notice::LockedScan)));
    till.scan(&text.to_ascii_lowercase());
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), None), "what was said is over");
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_) | Body::CartVoided { .. })), 0);
}

#[test]
fn a_card_that_was_replaced_or_removed_is_dead_once_the_till_has_heard_and_so_is_who_came_in_by_it() {
    let mut till = at_work(3);
    till.scan(TEA);
    till.line_lost();
    till.act(UserAction::Lock);
    scan(&mut till, 3);
    assert!(unlocked(&till), "the till has not heard yet");
    // Replaced: whoever is there by the old one is out, the sale stays.
    let mut people = carriers(2).people.unwrap();
    people[2] = with_card(person("mei", "Mei", Role::Cashier), 7);
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 2, people: Some(people.clone()) }))));
    assert!(!unlocked(&till), "the old card may be in a thief's hand");
    scan(&mut till, 3);
    assert_eq!((unlocked(&till), till.notice()), (false, Some(&Notice::CardUnknown)));
    scan(&mut till, 7);
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1), "{:?}", till.page());
    // The same list once more changes nothing.
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 3, people: Some(people.clone()) }))));
    assert!(unlocked(&till));
    // Who came in by PIN stays when the card is removed.
    till.act(UserAction::Lock);
    log_in(&mut till, "mei");
    people[2].card = None;
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 4, people: Some(people.clone()) }))));
    assert!(unlocked(&till) && serves(&till) == Some("Mei"));
    // Who left is nobody's card any more.
    people.remove(0);
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 5, people: Some(people) }))));
    scan(&mut till, 1);
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardUnknown)));
}

#[test]
fn a_list_that_is_older_than_what_the_server_says_is_asked_for_anew_and_its_dead_card_dies_again() {
    let mut till = at_work(1);
    let mut people = carriers(2).people.unwrap();
    people[2].card = None;
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 2, people: Some(people.clone()) }))));
    // It came late, or from a base that was put back: no signature makes it newer.
    till.give(Input::Net(Answer::Staff(Ok(carriers(1)))));
    let status = TerminalStatus { staff_version: 2, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    till.pass(2);
    till.take(|request| matches!(request, Request::Staff { since: 1 }).then_some(())).unwrap();
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 2, people: Some(people) }))));
    scan(&mut till, 3);
    assert_eq!((serves(&till), till.notice()), (Some("Bo"), Some(&Notice::CardUnknown)));
}

#[test]
fn between_two_customers_one_scan_changes_hands_and_the_sale_goes_with_it() {
    let mut till = at_work(3);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)));
    scan(&mut till, 1);
    assert!(matches!(till.page(), Page::Done(_)), "the change is still on screen");
    assert_eq!((serves(&till), till.notice()), (Some("Bo"), Some(&Notice::LoggedIn { name: "Bo".into() })));
    till.act(UserAction::NextSale);
    // Twice is once.
    (0..3).for_each(|_| scan(&mut till, 1));
    assert_eq!(till.notice(), Some(&Notice::LoggedIn { name: "Bo".into() }));
    till.scan(TEA);
    scan(&mut till, 3);
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1));
    till.act(UserAction::TenderCash);
    assert_eq!(sales(&till), [Some(cashier("mei", "Mei")), Some(cashier("mei", "Mei"))]);
    left_nowhere(&till);
}

#[test]
fn nobody_takes_over_by_card_where_money_is_on_its_way() {
    let ways: [&[UserAction]; 3] = [
        &[UserAction::TenderCash],
        &[UserAction::TenderCash, UserAction::CashGiven { minor: 200 }],
        &[UserAction::TenderCode],
    ];
    for way in ways {
        let mut till = at_work(3);
        till.heartbeat(TerminalState::Active);
        till.scan(TEA);
        way.iter().for_each(|action| till.act(action.clone()));
        let page = std::mem::discriminant(till.page());
        scan(&mut till, 1);
        assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardNotNow)), "{way:?}");
        assert_eq!(std::mem::discriminant(till.page()), page, "{way:?}");
        assert!(till.take_pay().is_none(), "it is nobody's payment code");
        assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 0);
    }
    let mut till = at_work(3);
    till.heartbeat(TerminalState::Active);
    let attempt = till.pay_for_tea();
    scan(&mut till, 1);
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardNotNow)));
    // Locked by hand the rules are those of the PIN: the payment goes on as Mei's.
    till.act(UserAction::Lock);
    scan(&mut till, 1);
    assert!(matches!(till.page(), Page::Payment(_)) && serves(&till) == Some("Bo"));
    till.answer_payment(attempt, PaymentQuestion::Pay, PaymentState::Paid);
    assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Mei"));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
    left_nowhere(&till);
}

#[test]
fn before_a_question_a_card_is_no_answer_and_nobody_takes_over() {
    let mut till = at_work(3);
    till.scan(TEA);
    till.act(UserAction::VoidSale);
    scan(&mut till, 1);
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardNotNow)));
    assert!(till.screen.as_ref().unwrap().confirm.is_some());
    till.confirm(false);
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1));
}

fn ask_no_sale(till: &mut Till) {
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ChooseNoSale);
    till.act(UserAction::NoSale { reason: REASON });
}

#[test]
fn a_card_approves_nothing_not_even_a_managers() {
    let mut till = at_work(3);
    ask_no_sale(&mut till);
    for number in [2, 3, 1, 9] {
        scan(&mut till, number);
        assert!(matches!(till.page(), Page::Approval(_)), "{:?}", till.page());
        assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardApprovesNothing)));
    }
    till.scan("EVTC-AAAAA");
    assert_eq!((till.kicks, till.notice()), (0, Some(&Notice::CardApprovesNothing)));
    approve(&mut till, "lin");
    assert_eq!(till.kicks, 1);
}

#[test]
fn a_managers_card_that_was_lent_is_no_manager_and_the_pin_makes_one() {
    let mut till = at_work(2);
    assert_eq!(serves(&till), Some("Lin"));
    ask_no_sale(&mut till);
    let Page::Approval(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!((page.chosen.as_deref(), page.state), (Some("lin"), LockState::EnterPin));
    assert_eq!(till.kicks, 0);
    approve(&mut till, "lin");
    assert_eq!(till.kicks, 1);
    let by = Some(cashier("lin", "Lin"));
    let opened = |body: &Body| matches!(body, Body::DrawerOpened { cashier, approved_by, .. } if *cashier == by && *approved_by == by);
    assert_eq!(till.count(opened), 1);
    // Logged in by the PIN there is nothing to ask.
    till.act(UserAction::Lock);
    log_in(&mut till, "lin");
    ask_no_sale(&mut till);
    assert_eq!(till.kicks, 2);
    // And by the card again there is, in the same name.
    till.act(UserAction::Lock);
    scan(&mut till, 2);
    ask_no_sale(&mut till);
    assert!(matches!(till.page(), Page::Approval(_)) && till.kicks == 2);
}

#[test]
fn a_cashiers_own_rights_need_no_pin() {
    let mut till = at_work(4);
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::DrawerAmount(crate::view::AmountPurpose::Float));
    till.act(UserAction::AmountTyped { minor: 10_000 });
    till.act(UserAction::AmountConfirm);
    assert_eq!(till.count(|body| matches!(body, Body::ShiftOpened { .. })), 1, "{:?}", till.page());
}

#[test]
fn a_card_gives_no_new_guesses_and_does_not_wait_for_wrong_pins() {
    let mut till = locked_for(carriers(1), &BTreeMap::from([("mei".to_owned(), 7)]));
    assert!(!type_pin(&mut till, "mei", "4711"), "too many wrong ones");
    scan(&mut till, 3);
    assert_eq!(serves(&till), Some("Mei"), "a card is no guess");
    till.act(UserAction::Lock);
    assert!(!type_pin(&mut till, "mei", "4711"), "and takes no wrong guess back");
    assert!(till.other.iter().all(|command| !matches!(command, Command::KeepWrongPins(_))));
}

#[test]
fn a_pin_that_is_being_checked_when_a_card_comes_opens_nothing_and_counts_if_it_is_wrong() {
    for right in [true, false] {
        let mut till = locked();
        assert!(type_pin(&mut till, "bo", "4711"));
        scan(&mut till, 3);
        assert_eq!(serves(&till), Some("Mei"));
        till.give(Input::PinChecked { login: "bo".into(), right });
        assert_eq!(serves(&till), Some("Mei"), "Bo was not waited for");
        let kept =
            till.other.iter().any(|c| matches!(c, Command::KeepWrongPins(k) if k.get("bo") == Some(&1)));
        assert_eq!(kept, !right);
    }
}

#[test]
fn who_has_no_pin_is_told_to_scan_and_approves_nothing() {
    let mut till = locked();
    till.act(UserAction::ChoosePerson { login: "tan".into() });
    assert_eq!(state(&till), LockState::CardOnly);
    for typed in ["4711", "47", ""] {
        till.act(UserAction::Unlock { pin: SecretText::new(typed.into()) });
        assert_eq!(state(&till), LockState::CardOnly);
    }
    assert!(till.other.iter().all(|command| !matches!(command, Command::CheckPin { .. })));
    scan(&mut till, 4);
    assert_eq!(serves(&till), Some("Tan"));
    // A manager without a PIN is not among those who approve; with nobody else it is said.
    let only = vec![
        without_pin(with_card(person("lin", "Lin", Role::Manager), 2)),
        without_pin(with_card(person("tan", "Tan", Role::Cashier), 4)),
    ];
    till.give(Input::Net(Answer::Staff(Ok(TillStaff { version: 2, people: Some(only) }))));
    ask_no_sale(&mut till);
    assert_eq!((till.kicks, till.notice()), (0, Some(&Notice::NobodyMayApprove)));
}

#[test]
fn a_card_that_is_typed_instead_of_scanned_stands_nowhere() {
    let mut till = at_work(3);
    till.scan(TEA);
    let text = card(1).expose().to_owned();
    let around = format!("P0{}\t", text.to_ascii_lowercase());
    for typed in [text.clone(), around] {
        till.act(UserAction::SetSearch(typed.clone()));
        assert_eq!(till.notice(), Some(&Notice::SecretTyped), "{typed}");
        assert!(matches!(till.page(), Page::Sale(page) if page.search.is_empty()));
        till.act(UserAction::SubmitSearch(typed[..12].into()));
        assert_eq!(till.notice(), Some(&Notice::SecretTyped));
        till.act(UserAction::Hold { name: typed.clone() });
        assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1), "it is not held under that");
        till.act(UserAction::OpenWhole);
        till.act(UserAction::WriteNote { text: typed.clone() });
        let reason = Reason { kind: ReasonKind::Other, text: typed.clone() };
        till.act(UserAction::TakeOff { off: TypedOff::Minor(10), reason });
        assert_eq!(till.notice(), Some(&Notice::SecretTyped));
        till.act(UserAction::Back);
        till.act(UserAction::OpenOrders);
        till.act(UserAction::SetOrderSearch(typed.clone()));
        till.act(UserAction::SubmitOrderSearch(typed));
        assert_eq!(till.notice(), Some(&Notice::SecretTyped));
        till.act(UserAction::Back);
    }
    assert_eq!(serves(&till), Some("Mei"), "typing is no scan");
    left_nowhere(&till);
}

#[test]
fn a_scanner_that_marks_its_codes_otherwise_than_it_is_set_up_gives_no_card_away() {
    for prefixes in [Prefixes::Aim, Prefixes::Zebra, Prefixes::Datalogic] {
        let mut till = Till::online_with(prefixes);
        for mark in ["", "]Q1", "P01", "QR", "y", "A", "E", "]"] {
            till.scan(&format!("{mark}{}", card(1).expose()));
            let said = till.notice().cloned();
            assert!(matches!(said, Some(Notice::CardUnknown | Notice::CardUnreadable)), "{mark}: {said:?}");
            left_nowhere(&till);
        }
        till.give(Input::Net(Answer::Staff(Ok(carriers(1)))));
        till.pass(1);
        scan(&mut till, 1);
        assert_eq!(serves(&till), Some("Bo"), "a scanner that marks nothing is read as it is: {prefixes:?}");
    }
}

#[test]
fn on_every_page_a_card_leaves_what_is_being_done() {
    let pages: [(&[UserAction], bool); 9] = [
        (&[UserAction::OpenOrders], true),
        (&[UserAction::OpenRefunds], true),
        (&[UserAction::OpenAbout], true),
        (&[UserAction::OpenDay], true),
        (&[UserAction::OpenHeld], true),
        (&[UserAction::OpenDrawerPage], true),
        (&[UserAction::OpenDrawerPage, UserAction::ChooseNoSale], true),
        (&[UserAction::OpenWhole], false),
        (&[UserAction::OpenDrawerPage, UserAction::DrawerAmount(crate::view::AmountPurpose::Float)], false),
    ];
    for (way, changes) in pages {
        let mut till = at_work(3);
        till.scan(TEA);
        way.iter().for_each(|action| till.act(action.clone()));
        let page = std::mem::discriminant(till.page());
        scan(&mut till, 1);
        assert_eq!(std::mem::discriminant(till.page()), page, "{way:?}");
        assert_eq!(serves(&till), Some(if changes { "Bo" } else { "Mei" }), "{way:?}");
        assert_eq!(matches!(till.notice(), Some(Notice::CardNotNow)), !changes, "{way:?}");
    }
}

#[test]
fn a_refund_that_is_being_asked_for_is_approved_by_no_card() {
    let mut till = at_work(3);
    till.heartbeat(TerminalState::Active);
    let sale = till.cash_for_tea(1);
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    till.act(UserAction::NextSale);
    till.scan(&number(1).to_string());
    till.act(UserAction::AskRefund);
    let form = |till: &Till| -> AskRefundPage {
        let Page::AskRefund(page) = till.page() else { panic!("{:?}", till.page()) };
        (**page).clone()
    };
    let before = form(&till);
    scan(&mut till, 2);
    assert_eq!((serves(&till), till.notice()), (Some("Mei"), Some(&Notice::CardApprovesNothing)));
    assert_eq!(form(&till), before);
    assert!(till.take(|r| matches!(r, Request::AskRefund { .. }).then_some(())).is_none());
}

#[test]
fn a_till_that_has_not_begun_to_work_takes_no_card() {
    let mut till = Till::off(NOON);
    till.give(Input::StaffLoaded { staff: carriers(1), wrong: BTreeMap::new() });
    scan(&mut till, 1);
    assert_eq!(serves(&till), None);
    left_nowhere_off(&till);
}

fn left_nowhere_off(till: &Till) {
    let all = format!("{:?}", till.screen);
    assert!(!all.contains("EVTC"), "{all}");
}
