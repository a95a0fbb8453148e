//! The drawer of a part in cash: it opens once for each entry, and once more where somebody asks because it did not.

use super::approval::served_by;
use super::parts::{give_back, part_of_tea, scan_rest, start};
use super::rig::*;
use super::training::served;
use crate::controller::*;
use crate::sync::PaymentQuestion as Q;
use crate::view::{DrawerState, Page, PrinterState};
use evertill_shared::journal::DrawerReason;
use evertill_shared::payment::PaymentState as P;
use evertill_shared::rights::Right;

const SHUT: PrintReport = PrintReport::NotStarted(PrinterState::PaperOut);
const STAYED_SHUT: DrawerState = DrawerState::Shut(PrinterState::PaperOut);

/// What the screen says of the drawer.
fn drawer(till: &Till) -> DrawerState {
    match (till.page(), till.notice()) {
        (Page::AwaitCode(page), _) => page.drawer,
        (Page::Cash(page), _) => page.drawer,
        (Page::Done(page), _) => page.drawer,
        (_, Some(Notice::HandBack { drawer, .. })) => *drawer,
        (page, notice) => panic!("{page:?} {notice:?}"),
    }
}

fn kicked(till: &mut Till, report: PrintReport) {
    let kick = u64::try_from(till.kicks).unwrap();
    till.give(Input::Kicked { kick, report });
}

/// How often the drawer was opened, and how often because it had not opened.
fn opened(till: &Till) -> (usize, usize) {
    let again = |body: &Body| matches!(body, Body::DrawerOpened { reason: DrawerReason::DidNotOpen, .. });
    (till.kicks, till.count(again))
}

fn right_is_asked_for(till: &Till) -> bool {
    matches!(till.page(), Page::Approval(page) if page.right == Right::NoSale)
}

#[test]
fn a_drawer_that_stayed_shut_for_a_part_is_told_on_the_page_and_opened_once_more() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    assert_eq!(drawer(&till), DrawerState::Asked);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(opened(&till), (1, 0), "not before it is known that it failed");
    kicked(&mut till, SHUT);
    assert_eq!((drawer(&till), till.notice()), (STAYED_SHUT, None));
    till.act(UserAction::OpenDrawerAgain);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((opened(&till), drawer(&till)), ((2, 1), DrawerState::Asked));
    kicked(&mut till, SHUT);
    // On the page before it, too.
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Cash(_)));
    till.act(UserAction::OpenDrawerAgain);
    kicked(&mut till, PrintReport::Confirmed);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((opened(&till), drawer(&till)), ((3, 2), DrawerState::Opened));
}

#[test]
fn the_drawer_of_a_part_that_stayed_shut_until_the_wallet_paid_opens_on_the_last_page() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    let attempt = scan_rest(&mut till);
    kicked(&mut till, SHUT);
    assert_eq!(till.notice(), Some(&Notice::DrawerShut(PrinterState::PaperOut)));
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(opened(&till), (1, 0), "while the wallet is asked nothing else is done");
    till.answer_payment(attempt, Q::Pay, P::Paid);
    assert_eq!(drawer(&till), STAYED_SHUT);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(opened(&till), (2, 1));
}

#[test]
fn the_drawer_that_stayed_shut_when_a_part_was_to_go_back_opens_until_that_is_put_away() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    kicked(&mut till, PrintReport::Confirmed);
    give_back(&mut till);
    kicked(&mut till, SHUT);
    assert_eq!(drawer(&till), STAYED_SHUT);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((opened(&till), drawer(&till)), ((3, 1), DrawerState::Asked));
    kicked(&mut till, SHUT);
    till.act(UserAction::DismissNotice);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(opened(&till), (3, 1), "somebody said that it was handed back");
    till.act(UserAction::TenderCode);
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Paid);
    assert_eq!(drawer(&till), DrawerState::NotAsked, "what a wallet paid asks for no drawer");
}

#[test]
fn where_nobody_knows_whether_it_opened_it_opens_once_more_for_each_time_money_is_in_hand() {
    let mut till = served_by("bo");
    part_of_tea(&mut till);
    kicked(&mut till, PrintReport::Unknown);
    till.act(UserAction::OpenDrawerAgain);
    kicked(&mut till, PrintReport::Unknown);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((opened(&till), right_is_asked_for(&till)), ((2, 1), true), "a drawer without a sale");
    till.act(UserAction::Back);
    // The part goes back: that is money in hand anew.
    give_back(&mut till);
    kicked(&mut till, PrintReport::Unknown);
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!((opened(&till), right_is_asked_for(&till)), ((4, 2), false));
    kicked(&mut till, PrintReport::Unknown);
    till.act(UserAction::OpenDrawerAgain);
    assert!(right_is_asked_for(&till));
}

#[test]
fn killed_before_the_drawer_opened_for_a_part_it_opens_once_more_for_who_took_it() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("till.db");
    let again = |login: &str| {
        let mut till = served(&path, login);
        assert_eq!((drawer(&till), till.kicks), (DrawerState::Unknown, 0), "no drawer opens by itself");
        till.act(UserAction::OpenDrawerAgain);
        (till.kicks, right_is_asked_for(&till))
    };
    part_of_tea(&mut served(&path, "bo"));
    assert_eq!(again("mei"), (0, true), "somebody else");
    assert_eq!(again("bo"), (1, false));
    assert_eq!(again("bo"), (0, true), "once, also after another start");
}

#[test]
fn killed_before_the_drawer_opened_for_what_goes_back_it_opens_once_more() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    part_of_tea(&mut till);
    give_back(&mut till);
    drop(till);
    let mut till = start(disk.path());
    assert_eq!((drawer(&till), till.kicks), (DrawerState::Unknown, 0));
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(opened(&till), (1, 1));
}
