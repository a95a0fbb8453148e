//! What is said about a drawer that was to open: what is known, and no more.

use super::approval::{approve, served_by};
use super::duty::log_in;
use super::rig::{TEA, Till};
use crate::controller::{Input, PrintReport};
use crate::view::{DrawerState, Notice, Page, PrinterState, UserAction};
use evertill_shared::journal::{Body, DrawerReason};
use evertill_shared::rights::Right;

fn paid_in_cash() -> Till {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)), "{:?}", till.page());
    till
}

fn drawer(till: &Till) -> DrawerState {
    let Page::Done(page) = till.page() else { panic!("{:?}", till.page()) };
    page.drawer
}

fn again(till: &Till) -> usize {
    till.count(|body| matches!(body, Body::DrawerOpened { reason: DrawerReason::DidNotOpen, .. }))
}

const SHUT: PrintReport = PrintReport::NotStarted(PrinterState::PaperOut);

#[test]
fn a_drawer_is_open_only_when_the_printer_has_said_so() {
    let mut till = paid_in_cash();
    assert_eq!((drawer(&till), till.kicks), (DrawerState::Asked, 1));
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, again(&till)), (1, 0), "not before it is known that it failed");
    till.give(Input::Kicked { kick: 1, report: PrintReport::Confirmed });
    assert_eq!(drawer(&till), DrawerState::Opened);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, again(&till)), (1, 0), "never a second kick for one that opened");
}

#[test]
fn a_drawer_that_stayed_shut_is_told_and_opened_once_more_for_each_kick_that_failed() {
    let mut till = paid_in_cash();
    till.give(Input::Kicked { kick: 1, report: SHUT });
    assert_eq!(drawer(&till), DrawerState::Shut(PrinterState::PaperOut));
    till.pass(30);
    assert_eq!((till.kicks, again(&till)), (1, 0), "nothing is tried unasked");
    till.act(UserAction::OpenDrawerAgain);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(
        (till.kicks, again(&till), drawer(&till)),
        (2, 1, DrawerState::Asked),
        "once, and written down"
    );
    till.give(Input::Kicked { kick: 2, report: PrintReport::Unknown });
    assert_eq!(drawer(&till), DrawerState::Unknown);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, again(&till)), (3, 2), "that one failed too");
    till.give(Input::Kicked { kick: 3, report: PrintReport::Confirmed });
    assert_eq!(drawer(&till), DrawerState::Opened);
}

#[test]
fn who_went_on_to_the_next_customer_is_told_above_the_page() {
    let mut till = paid_in_cash();
    till.act(UserAction::NextSale);
    till.give(Input::Kicked { kick: 1, report: SHUT });
    assert_eq!(till.notice(), Some(&Notice::DrawerShut(PrinterState::PaperOut)));
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, again(&till)), (1, 0), "that sale is not in hand any more");
}

#[test]
fn without_a_sale_nothing_is_said_to_be_open_before_it_is_known() {
    let mut till = Till::online();
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ChooseNoSale);
    till.act(UserAction::NoSale { reason: DrawerReason::Check });
    assert_eq!((till.kicks, till.notice()), (1, None));
    till.give(Input::Kicked { kick: 1, report: PrintReport::Unknown });
    assert_eq!(till.notice(), Some(&Notice::DrawerUnknown));
}

#[test]
fn a_till_without_a_drawer_says_how_to_open_it() {
    let mut till = Till::online();
    till.controller.options.has_printer = false;
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ChooseNoSale);
    till.act(UserAction::NoSale { reason: DrawerReason::Check });
    assert_eq!((till.kicks, till.notice()), (0, Some(&Notice::DrawerByKey)));
}

/// Bo has taken cash for a tea, and the printer says nothing of the drawer.
fn cash_taken_by_bo() -> Till {
    let mut till = served_by("bo");
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    silent(&mut till, 1);
    till
}

/// Nobody knows what became of this kick.
fn silent(till: &mut Till, kick: u64) {
    assert_eq!(till.kicks as u64, kick);
    till.give(Input::Kicked { kick, report: PrintReport::Unknown });
    assert_eq!(drawer(till), DrawerState::Unknown);
}

fn right_is_asked_for(till: &Till) -> bool {
    matches!(till.page(), Page::Approval(page) if page.right == Right::NoSale)
}

#[test]
fn a_drawer_of_which_nobody_knows_opens_once_more_and_then_with_the_right_to_open_it() {
    let mut till = cash_taken_by_bo();
    till.act(UserAction::OpenDrawerAgain);
    silent(&mut till, 2);
    for _ in 0..3 {
        till.act(UserAction::OpenDrawerAgain);
        assert_eq!((till.kicks, again(&till), right_is_asked_for(&till)), (2, 1, true));
        till.act(UserAction::Back);
    }
    till.act(UserAction::OpenDrawerAgain);
    approve(&mut till, "lin");
    assert_eq!((till.kicks, again(&till), drawer(&till)), (3, 2, DrawerState::Asked));
    let approved =
        |body: &Body| matches!(body, Body::DrawerOpened { approved_by: Some(by), .. } if by.login == "lin");
    assert_eq!(till.count(approved), 1);
    silent(&mut till, 3);
    till.act(UserAction::OpenDrawerAgain);
    assert!(right_is_asked_for(&till), "each time anew");
    // It became known meanwhile: nothing is left to approve.
    till.give(Input::Kicked { kick: 3, report: PrintReport::Confirmed });
    approve(&mut till, "lin");
    assert_eq!((till.kicks, again(&till), drawer(&till)), (3, 2, DrawerState::Opened));
}

#[test]
fn a_drawer_of_which_nobody_knows_opens_without_a_right_soon_and_by_who_took_the_cash() {
    let mut till = cash_taken_by_bo();
    till.pass(61);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, right_is_asked_for(&till)), (1, true), "the money is in by now");

    let mut till = cash_taken_by_bo();
    till.act(UserAction::Lock);
    log_in(&mut till, "mei");
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((till.kicks, right_is_asked_for(&till)), (1, true), "somebody else");

    let mut till = cash_taken_by_bo();
    till.act(UserAction::Lock);
    log_in(&mut till, "lin");
    for kick in 2..5 {
        till.act(UserAction::OpenDrawerAgain);
        silent(&mut till, kick);
    }
    assert_eq!(again(&till), 3, "a manager holds the right");
}

#[test]
fn a_drawer_that_surely_stayed_shut_opens_without_a_right_as_often_as_it_failed() {
    let mut till = served_by("bo");
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    for kick in 1..5 {
        till.give(Input::Kicked { kick, report: SHUT });
        till.pass(40);
        till.act(UserAction::OpenDrawerAgain);
    }
    assert_eq!((till.kicks, again(&till)), (5, 4));
}
