//! Cash of earlier customers whose payments came to nothing: it stays until somebody says what became of it.

use super::approval::{approve, served_by};
use super::duty::cashier;
use super::parts::{part_of_tea, parts_back, scan_rest, start};
use super::rig::*;
use crate::controller::*;
use crate::sync::PaymentQuestion as Q;
use crate::view::{Confirm, Page};
use evertill_shared::payment::PaymentState as P;
use evertill_shared::rights::Right;

/// An earlier customer's payment is taken back while others are served.
fn left_behind(till: &mut Till) -> u64 {
    part_of_tea(till);
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
