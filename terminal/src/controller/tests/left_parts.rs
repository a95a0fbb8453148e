//! Cash of earlier customers whose payments came to nothing: it stays until somebody says what became of it.

use super::approval::{approve, served_by};
use super::duty::cashier;
use super::parts::{part_of_tea_under, parts_back, scan_rest, start};
use super::rig::*;
use super::training::served;
use crate::controller::keeping::Holds;
use crate::controller::*;
use crate::sync::PaymentQuestion as Q;
use crate::view::{Confirm, Page};
use evertill_shared::payment::PaymentState as P;
use evertill_shared::rights::Right;

/// An earlier customer's payment is taken back while others are served.
fn left_behind(till: &mut Till) -> u64 {
    left_behind_under(till, 1)
}

pub fn left_behind_under(till: &mut Till, random: u32) -> u64 {
    part_of_tea_under(till, random);
    let attempt = scan_rest(till);
    till.answer_payment(attempt, Q::Pay, P::Unknown);
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.scan(BREAD);
    till.answer_payment(attempt, Q::Ask, P::Reversed);
    attempt.0
}

#[test]
fn cash_of_a_customer_who_was_set_aside_stays_until_somebody_says_that_it_went_back() {
    let mut till = Till::online();
    left_behind(&mut till);
    let confirm = |till: &Till| till.screen.as_ref().unwrap().confirm.clone();
    assert_eq!(confirm(&till), None, "another customer is being served");
    assert_eq!((parts_back(&till), till.count(|body| matches!(body, Body::SaleVoided { .. }))), (0, 0));
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(1);
    let left = Confirm::CashLeft { number: number(1).to_string(), minor: 200 };
    assert_eq!(confirm(&till), Some(left.clone()));
    till.confirm(false);
    till.pass(30);
    assert_eq!((confirm(&till), parts_back(&till)), (None, 0));
    till.pass(301);
    assert_eq!(confirm(&till), Some(left));
    till.confirm(true);
    assert_eq!(till.notice(), Some(&Notice::EarlierPaymentReversed { order_number: number(1).to_string() }));
    till.act(UserAction::DismissNotice);
    assert!(matches!(till.notice(), Some(Notice::HandBack { minor: 200, .. })));
    assert_eq!((parts_back(&till), till.count(|body| matches!(body, Body::SaleVoided { .. }))), (1, 1));
    till.pass(400);
    assert_eq!(confirm(&till), None, "once");
}

#[test]
fn cash_of_a_customer_who_was_set_aside_is_asked_about_after_a_restart_too() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    left_behind(&mut till);
    drop(till);
    let mut till = start(disk.path());
    assert_eq!((parts_back(&till), till.count(|body| matches!(body, Body::SaleVoided { .. }))), (0, 0));
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(1);
    assert!(matches!(till.screen.as_ref().unwrap().confirm, Some(Confirm::CashLeft { minor: 200, .. })));
}

#[test]
fn whoever_pays_a_part_out_later_needs_the_right_to_and_both_names_stand_on_it() {
    let mut till = served_by("bo");
    left_behind(&mut till);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(1);
    till.confirm(true);
    let asked = |till: &Till| matches!(till.page(), Page::Approval(page) if (page.right, page.amount_minor) == (Right::PayInOut, Some(200)));
    assert!(asked(&till), "{:?}", till.page());
    till.act(UserAction::Back);
    assert_eq!((parts_back(&till), till.kicks), (0, 1), "nobody approved it");
    // It is asked again in time.
    till.pass(200);
    till.act(UserAction::DismissNotice);
    till.pass(110);
    till.confirm(true);
    assert!(asked(&till), "{:?}", till.page());
    approve(&mut till, "lin");
    let (bo, lin) = (Some(cashier("bo", "Bo")), Some(cashier("lin", "Lin")));
    let back = |body: &Body| matches!(body, Body::CashPartBack { later: true, cashier, approved_by, .. } if *cashier == bo && *approved_by == lin);
    assert_eq!((till.count(back), parts_back(&till), till.kicks), (1, 1, 2));
    assert_eq!(till.count(|body| matches!(body, Body::SaleVoided { .. })), 1);
}

fn question(till: &Till) -> Option<Confirm> {
    till.screen.as_ref().unwrap().confirm.clone()
}

fn nobody_came(till: &mut Till) {
    till.act(UserAction::NobodyCame { question: till.question() });
}

fn kept(till: &Till) -> usize {
    till.count(|body| matches!(body, Body::CashPartKept { .. }))
}

/// The question about it is on screen.
fn asked_about(till: &mut Till) -> u64 {
    let sale = left_behind(till);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(1);
    assert!(matches!(question(till), Some(Confirm::CashLeft { minor: 200, .. })));
    sale
}

#[test]
fn cash_that_nobody_came_for_ends_as_money_that_was_put_in_and_never_as_handed_back() {
    let mut till = Till::online();
    till.controller.write(&Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None });
    let sale = asked_about(&mut till);
    nobody_came(&mut till);
    let once_more = Confirm::CashKept { number: number(1).to_string(), minor: 200 };
    assert_eq!((question(&till), kept(&till)), (Some(once_more), 0), "it is asked once more");
    // The answer that lay under the first question is none to the second.
    nobody_came(&mut till);
    assert_eq!(kept(&till), 0);
    till.confirm(false);
    till.pass(301);
    nobody_came(&mut till);
    till.confirm(true);
    till.confirm(true);
    assert_eq!((kept(&till), parts_back(&till), till.kicks), (1, 0, 1), "the drawer stays shut");
    let open = till.controller.journal.as_ref().unwrap().open_sales().unwrap();
    assert!(open.iter().all(|record| record.sequence != sale), "the sale is given up");
    let totals = till.controller.journal.as_ref().unwrap().last_shift().unwrap().unwrap().totals;
    assert_eq!((totals.paid_in.minor, totals.parts_back.count, totals.expected().minor), (200, 0, 1_200));
    till.pass(400);
    assert_eq!(question(&till), None);
}

#[test]
fn that_nobody_came_is_said_with_the_right_to_move_money_and_only_where_it_is_asked() {
    let mut till = served_by("bo");
    nobody_came(&mut till);
    till.scan(TEA);
    till.act(UserAction::VoidSale);
    nobody_came(&mut till);
    assert!(matches!(question(&till), Some(Confirm::VoidSale { .. })), "that is another question");
    till.confirm(true);
    asked_about(&mut till);
    nobody_came(&mut till);
    till.confirm(true);
    assert!(
        matches!(till.page(), Page::Approval(page) if (page.right, page.amount_minor) == (Right::PayInOut, Some(200)))
    );
    assert_eq!(kept(&till), 0);
    approve(&mut till, "lin");
    let (bo, lin) = (Some(cashier("bo", "Bo")), Some(cashier("lin", "Lin")));
    let signed = |body: &Body| matches!(body, Body::CashPartKept { cashier, approved_by, .. } if *cashier == bo && *approved_by == lin);
    assert_eq!((till.count(signed), kept(&till)), (1, 1));
}

/// A program that begins anew does not know when the customer left.
#[test]
fn after_a_restart_it_is_not_in_hand_and_takes_the_same_right() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("till.db");
    asked_about(&mut served(&path, "bo"));
    let mut till = served(&path, "bo");
    assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 0), "{:?}", till.page());
    till.pass(1);
    assert!(matches!(question(&till), Some(Confirm::CashLeft { minor: 200, .. })));
    till.confirm(true);
    assert!(
        matches!(till.page(), Page::Approval(page) if page.right == Right::PayInOut),
        "{:?}",
        till.page()
    );
    approve(&mut till, "lin");
    assert_eq!(parts_back(&till), 1);
}

#[test]
fn what_keeps_everything_out_of_the_archive_is_named() {
    let mut till = Till::online();
    let sale = asked_about(&mut till);
    let later = till.now.wall.plus(Duration::from_secs(1));
    let holds = |till: &Till, at| till.controller.what_holds(at).map(Result::unwrap);
    assert_eq!(holds(&till, NOON), None, "it is not that old");
    assert_eq!(holds(&till, later), Some(Holds::CashLeft { entry: sale, cash: cny(200) }));
    nobody_came(&mut till);
    till.confirm(true);
    assert_eq!(holds(&till, later), None);
    let unsent = till.cash_for_tea(2);
    let later = till.now.wall.plus(Duration::from_secs(1));
    assert_eq!(holds(&till, later), Some(Holds::Unsent { entry: unsent }));
}
