//! What comes at a bad moment: scans on any page, ends of payments behind a question, a line that goes.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion as Q};
use crate::view::Page;
use evertill_shared::id::RefundId;
use evertill_shared::order::PaidBy;
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::refunds::{RefundInbox, RefundOrder};
use evertill_shared::refund::{Refund, RefundState};

fn total(till: &Till) -> Option<i64> {
    if let Page::Sale(page) = till.page() { Some(page.total_minor) } else { None }
}

fn asked(till: &Till) -> bool {
    till.screen.as_ref().unwrap().confirm.is_some()
}

#[test]
fn goods_scanned_on_a_page_beside_the_sale_are_not_missed() {
    for page in [UserAction::OpenRefunds, UserAction::OpenOrders, UserAction::OpenAbout] {
        let mut till = Till::online();
        till.scan(TEA);
        till.act(page.clone());
        till.scan("4006381333931");
        assert!(matches!(till.notice(), Some(Notice::UnknownBarcode { .. })), "{page:?}");
        assert_eq!(total(&till), None, "nothing was added, so the page stays");
        till.scan(BREAD);
        assert_eq!(total(&till), Some(1250), "{page:?}");
        assert_eq!(till.notice(), None);
    }
}

#[test]
fn a_scan_behind_a_question_is_not_used_and_that_is_told() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::VoidSale);
    till.scan(BREAD);
    assert!(asked(&till));
    assert_eq!(till.notice(), Some(&Notice::ScanNotUsed));
    till.confirm(false);
    assert_eq!(total(&till), Some(450));
}

#[test]
fn goods_scanned_while_a_payment_runs_are_told_apart_from_a_code_scanned_twice() {
    let mut till = Till::online();
    till.pay_for_tea();
    till.scan(WECHAT);
    assert_eq!(till.notice(), Some(&Notice::DoubleScanIgnored));
    till.scan(BREAD);
    assert_eq!(till.notice(), Some(&Notice::SaleUnderWay));
}

#[test]
fn a_payment_that_ends_behind_the_question_whether_to_leave_it_takes_the_question_away() {
    for end in [P::Paid, P::Declined, P::Reversed] {
        let mut till = Till::online();
        let attempt = till.pay_for_tea();
        till.payment_error(attempt, Q::Pay, no_answer());
        till.act(UserAction::SetAside);
        assert!(asked(&till));
        till.answer_payment(attempt, Q::Ask, end);
        assert!(!asked(&till), "{end:?}: it would hide how it ended");
        till.confirm(true);
        assert!(matches!(till.page(), Page::Done(_) | Page::Payment(_)), "{end:?}");
    }
}

#[test]
fn what_became_of_an_earlier_customers_money_stays_until_it_is_put_away() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.scan(BREAD);
    till.answer_payment(attempt, Q::Ask, P::Reversed);
    let told = Notice::EarlierPaymentReversed { order_number: number(1).to_string() };
    assert_eq!(till.notice(), Some(&told));
    till.scan("4006381333931");
    assert!(matches!(till.notice(), Some(Notice::UnknownBarcode { .. })), "the last scan comes first");
    till.scan(TEA);
    assert_eq!(till.notice(), Some(&told), "goods that were added have wiped it away");
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 1_250 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    assert_eq!(till.notice(), Some(&told));
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), None);
}

fn inbox(till: &mut Till, state: RefundState) {
    let refund = Refund {
        id: RefundId("R1".into()),
        order: number(1),
        amount: cny(450),
        state,
        requested_by: "Mei".into(),
        reason: "broken".into(),
        requested_at: NOON,
        refused: None,
    };
    let paid_by = PaidBy::Cash { given: cny(450), change: cny(0) };
    let refunds = vec![RefundOrder { refund, paid_by, next_at: None }];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
}

/// A till that asks whether to carry out a refund.
fn asking_for_refund() -> Till {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    till.act(UserAction::OpenRefunds);
    inbox(&mut till, RefundState::Reserved);
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    assert!(asked(&till));
    till
}

#[test]
fn a_refund_is_not_begun_when_the_line_went_while_it_was_asked_about() {
    let mut till = asking_for_refund();
    till.line_lost();
    till.confirm(true);
    assert_eq!(till.notice(), Some(&Notice::NoNetwork));
    assert_eq!(till.count(|body| matches!(body, Body::RefundCarriedOut { .. })), 0);
}

#[test]
fn a_refund_withdrawn_while_it_is_asked_about_is_not_asked_about_any_longer() {
    let mut till = asking_for_refund();
    inbox(&mut till, RefundState::Refused);
    assert!(!asked(&till));
    till.confirm(true);
    assert_eq!(till.count(|body| matches!(body, Body::RefundCarriedOut { .. })), 0);
}

#[test]
fn a_till_that_waits_for_it_anew_sells_again_by_itself_when_activated() {
    let mut till = Till::online();
    till.heartbeat(TerminalState::Pending);
    assert!(matches!(till.page(), Page::Fault(_)));
    till.heartbeat(TerminalState::Active);
    assert!(matches!(till.page(), Page::Sale(_)));
}
