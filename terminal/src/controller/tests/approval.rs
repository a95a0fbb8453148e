//! Rights and approvals, by the drawer that is opened without a sale.

use super::duty::{cashier, locked_for, log_in, person, type_pin, unlocked};
use super::rig::*;
use crate::controller::*;
use crate::sync::Answer;
use crate::view::{ApprovalPage, LockState, Page};
use evertill_shared::cashier::Cashier;
use evertill_shared::journal::DrawerReason;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;

pub const REASON: DrawerReason = DrawerReason::ChangeMoney;

fn staff(version: u64, people: Vec<TillPerson>) -> TillStaff {
    TillStaff { version, people: Some(people) }
}

/// Two cashiers, two managers, and one of IT.
pub fn everybody() -> TillStaff {
    let people = vec![
        person("bo", "Bo", Role::Cashier),
        person("ivy", "Ivy", Role::It),
        person("lin", "Lin", Role::Manager),
        person("mei", "Mei", Role::Cashier),
        person("wang", "Wang", Role::Manager),
    ];
    staff(1, people)
}

/// A till of theirs at which this one serves.
pub fn served_by(login: &str) -> Till {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, login);
    till
}

fn ask(till: &mut Till) {
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ChooseNoSale);
    till.act(UserAction::NoSale { reason: REASON });
}

fn approval(till: &Till) -> &ApprovalPage {
    match till.page() {
        Page::Approval(page) => page,
        other => panic!("no approval is asked for: {other:?}"),
    }
}

/// Types the PIN and says that it is right.
pub fn approve(till: &mut Till, login: &str) {
    assert!(type_pin(till, login, "4711"), "{:?}", till.page());
    till.give(Input::PinChecked { login: login.into(), right: true });
}

fn wrong(till: &mut Till, login: &str) {
    assert!(type_pin(till, login, "0815"), "{:?}", till.page());
    till.give(Input::PinChecked { login: login.into(), right: false });
}

/// Who opened the drawer, and who approved it.
fn opened(till: &Till) -> Vec<(Option<Cashier>, Option<Cashier>)> {
    let entries = till.entries().into_iter();
    entries
        .filter_map(|entry| match entry.body {
            Body::DrawerOpened { reason: REASON, cashier, approved_by } => Some((cashier, approved_by)),
            _ => None,
        })
        .collect()
}

#[test]
fn who_holds_the_right_opens_the_drawer_at_once_and_once_however_often_it_is_pressed() {
    let mut till = served_by("lin");
    ask(&mut till);
    for _ in 0..3 {
        till.act(UserAction::NoSale { reason: REASON });
    }
    assert_eq!(opened(&till), [(Some(cashier("lin", "Lin")), None)]);
    assert_eq!((till.kicks, till.notice()), (1, None), "asked for, and not known yet");
    till.give(Input::Kicked { kick: 1, report: PrintReport::Confirmed });
    assert_eq!(till.notice(), Some(&Notice::DrawerOpened));
    assert!(matches!(till.page(), Page::Sale(_)));
}

#[test]
fn a_store_without_pins_needs_no_approval_and_writes_it_down_all_the_same() {
    let mut till = Till::in_memory();
    ask(&mut till);
    assert_eq!((opened(&till), till.kicks), (vec![(None, None)], 1));
}

#[test]
fn who_may_not_asks_a_manager_whose_name_stands_on_it_and_who_is_not_logged_in_by_it() {
    let mut till = served_by("mei");
    ask(&mut till);
    let page = approval(&till);
    assert_eq!((page.right, page.amount_minor, &page.state), (Right::NoSale, None, &LockState::ChoosePerson));
    let names: Vec<_> = page.people.iter().map(|person| person.login.as_str()).collect();
    assert_eq!(names, ["lin", "wang"], "only who holds the right");
    for nobody in ["bo", "ivy", "mei", "stranger"] {
        till.act(UserAction::ChoosePerson { login: nobody.into() });
        assert_eq!(approval(&till).chosen, None, "{nobody} cannot approve it");
    }
    assert_eq!((opened(&till).len(), till.kicks), (0, 0));
    approve(&mut till, "lin");
    assert_eq!(opened(&till), [(Some(cashier("mei", "Mei")), Some(cashier("lin", "Lin")))]);
    assert_eq!(till.kicks, 1);
    assert_eq!(till.screen.as_ref().unwrap().status.cashier.as_deref(), Some("Mei"));
}

#[test]
fn an_answer_that_comes_twice_approves_once() {
    let mut till = served_by("mei");
    ask(&mut till);
    approve(&mut till, "lin");
    till.give(Input::PinChecked { login: "lin".into(), right: true });
    till.act(UserAction::NoSale { reason: REASON });
    till.act(UserAction::Unlock { pin: SecretText::new("4711".into()) });
    assert_eq!((opened(&till).len(), till.kicks), (1, 1));
}

#[test]
fn wrong_pins_count_as_at_the_lock_and_no_matter_where_they_were_typed() {
    let mut till = served_by("mei");
    ask(&mut till);
    for left in [4, 3, 2] {
        wrong(&mut till, "lin");
        assert_eq!(approval(&till).state, LockState::Wrong { tries_left: left });
    }
    till.act(UserAction::Lock);
    wrong(&mut till, "lin");
    log_in(&mut till, "mei");
    ask(&mut till);
    wrong(&mut till, "lin");
    assert_eq!(approval(&till).state, LockState::Wait { seconds: 10 });
    assert!(!type_pin(&mut till, "lin", "4711"), "not even the right one is looked at");
    till.act(UserAction::ChoosePerson { login: "wang".into() });
    assert_eq!(approval(&till).state, LockState::EnterPin, "nobody else has to wait");
    let kept = till.other.iter().filter(|command| matches!(command, Command::KeepWrongPins(_))).count();
    assert_eq!(kept, 5, "each is on the disk");
    assert_eq!((opened(&till).len(), till.kicks), (0, 0));
}

#[test]
fn a_wrong_pin_counts_though_nobody_waits_for_the_answer_any_more_and_a_right_one_opens_nothing() {
    for leave in [UserAction::Back, UserAction::Lock] {
        for right in [false, true] {
            let mut till = served_by("mei");
            ask(&mut till);
            assert!(type_pin(&mut till, "lin", "4711"));
            till.act(leave.clone());
            // The same person's PIN is asked for somewhere else before the answer comes.
            if leave == UserAction::Back {
                till.act(UserAction::NoSale { reason: REASON });
            }
            till.act(UserAction::ChoosePerson { login: "lin".into() });
            assert!(!type_pin(&mut till, "lin", "0815"), "one check at a time");
            till.give(Input::PinChecked { login: "lin".into(), right });
            let counted = till.other.iter().any(|command| matches!(command, Command::KeepWrongPins(_)));
            assert_eq!(counted, !right);
            assert!(matches!(till.page(), Page::Lock(_) | Page::Approval(_)), "{:?}", till.page());
            assert_eq!((opened(&till).len(), till.kicks), (0, 0));
        }
    }
}

#[test]
fn an_approval_that_was_asked_for_is_dropped_by_a_no_the_lock_a_scan_and_time() {
    type Leaves = fn(&mut Till);
    let leave: [(&str, Leaves); 5] = [
        ("no", |till| till.act(UserAction::Back)),
        ("lock", |till| till.act(UserAction::Lock)),
        ("scan", |till| till.scan(TEA)),
        ("time", |till| till.pass(61)),
        ("another list of people", |till| {
            let people = everybody().people.unwrap();
            till.give(Input::Net(Answer::Staff(Ok(staff(2, people)))));
        }),
    ];
    for (why, leave) in leave {
        let mut till = served_by("mei");
        ask(&mut till);
        approval(&till);
        leave(&mut till);
        assert!(!matches!(till.page(), Page::Approval(_)), "{why}");
        if !unlocked(&till) {
            log_in(&mut till, "mei");
        }
        assert!(!matches!(till.page(), Page::Approval(_)), "{why}: it does not come back");
        till.give(Input::PinChecked { login: "lin".into(), right: true });
        assert_eq!((opened(&till).len(), till.kicks), (0, 0), "{why}");
    }
}

#[test]
fn while_an_approval_is_asked_for_nothing_else_can_be_touched() {
    let mut till = served_by("mei");
    till.scan(TEA);
    ask(&mut till);
    for action in [
        UserAction::TenderCash,
        UserAction::CashConfirm,
        UserAction::OpenOrders,
        UserAction::VoidSale,
        UserAction::NoSale { reason: DrawerReason::Other },
        UserAction::Confirm { question: 1, yes: true },
    ] {
        till.act(action);
        approval(&till);
    }
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Drawer), "where it was asked for");
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1), "the goods are there");
}

#[test]
fn where_nobody_holds_the_right_it_says_so_and_the_only_one_who_does_is_chosen() {
    let mut till = locked_for(
        staff(1, vec![person("mei", "Mei", Role::Cashier), person("ivy", "Ivy", Role::It)]),
        &BTreeMap::new(),
    );
    log_in(&mut till, "mei");
    ask(&mut till);
    assert_eq!(till.notice(), Some(&Notice::NobodyMayApprove));
    assert!(matches!(till.page(), Page::Drawer));
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    let two = vec![person("mei", "Mei", Role::Cashier), person("wang", "Wang", Role::Manager)];
    till.give(Input::Net(Answer::Staff(Ok(staff(2, two)))));
    ask(&mut till);
    let page = approval(&till);
    assert_eq!((page.chosen.as_deref(), &page.state), (Some("wang"), &LockState::EnterPin));
}

#[test]
fn a_manager_who_became_a_cashier_while_the_pin_was_checked_approves_nothing() {
    let mut till = served_by("mei");
    ask(&mut till);
    assert!(type_pin(&mut till, "lin", "4711"));
    let mut people = everybody().people.unwrap();
    people[2].role = Role::Cashier;
    till.give(Input::Net(Answer::Staff(Ok(staff(2, people)))));
    till.give(Input::PinChecked { login: "lin".into(), right: true });
    assert_eq!((opened(&till).len(), till.kicks), (0, 0));
}

#[test]
fn a_restart_after_the_entry_opens_no_drawer_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    ask(&mut till);
    assert_eq!((opened(&till).len(), till.kicks), (1, 1));
    till.controller.journal = None;
    let mut till = Till::at(&path);
    till.pass(5);
    till.act(UserAction::NoSale { reason: REASON });
    assert_eq!((opened(&till).len(), till.kicks), (1, 0));
}
