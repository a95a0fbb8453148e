//! Refunds at the till that sold.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, NetError};
use crate::view::{Page, RefundRefusal, RefundState as Shown};
use evertill_shared::id::RefundId;
use evertill_shared::journal::RefundSettled;
use evertill_shared::order::PaidBy;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{RefundInbox, RefundOrder};
use evertill_shared::receipt::ReceiptKind;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};

pub(super) fn refund(state: RefundState) -> Refund {
    Refund {
        id: RefundId("R1".into()),
        order: number(1),
        amount: cny(450),
        state,
        requested_by: "Mei".into(),
        reason: "broken".into(),
        requested_at: NOON,
        refused: (state == RefundState::Refused).then_some(RefundRefused::Withdrawn),
    }
}

/// A till that has sold tea for cash, with a refund of it in its inbox and the list open.
pub(super) fn waiting() -> Till {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    (till.kicks, till.printed) = (0, Vec::new());
    let status = TerminalStatus { refunds_waiting: 1, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    assert_eq!(till.notice(), Some(&Notice::RefundsArrived { count: 1 }));
    till.act(UserAction::OpenRefunds);
    assert!(till.take(|r| matches!(r, Request::Refunds).then_some(())).is_some());
    let paid_by = PaidBy::Cash { given: cny(450), change: cny(0) };
    let refunds = vec![RefundOrder { refund: refund(RefundState::Reserved), paid_by }];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
    till
}

fn shown(till: &Till) -> Shown {
    match till.page() {
        Page::Refunds(page) => page.items[0].state.clone(),
        other => panic!("{other:?}"),
    }
}

fn take_carry_out(till: &mut Till) -> bool {
    till.take(|r| matches!(r, Request::CarryOutRefund { .. }).then_some(())).is_some()
}

pub(super) fn answer(till: &mut Till, result: Result<Refund, NetError>) {
    till.give(Input::Net(Answer::CarryOutRefund { refund: RefundId("R1".into()), result }));
}

pub(super) fn carry_out(till: &mut Till) {
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    till.act(UserAction::Confirm(true));
}

#[test]
fn a_refund_is_carried_out_once_however_often_it_is_pressed() {
    let mut till = waiting();
    assert_eq!(shown(&till), Shown::Waiting);
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    till.act(UserAction::Confirm(false));
    assert!(!take_carry_out(&mut till));
    carry_out(&mut till);
    carry_out(&mut till);
    assert_eq!(shown(&till), Shown::Working);
    assert!(take_carry_out(&mut till));
    assert!(!take_carry_out(&mut till));
    answer(&mut till, Ok(refund(RefundState::Done)));
    answer(&mut till, Ok(refund(RefundState::Done)));
    assert_eq!(shown(&till), Shown::Done);
    assert_eq!(till.count(|body| matches!(body, Body::RefundCarriedOut { .. })), 1);
    assert_eq!(
        till.count(|body| matches!(body, Body::RefundSettled { outcome: RefundSettled::Done, .. })),
        1
    );
    assert_eq!((till.kicks, till.printed.len()), (1, 1), "one drawer, one receipt");
    assert!(matches!(till.printed[0].receipt.kind, ReceiptKind::Refund { .. }));
}

#[test]
fn a_refund_without_an_answer_is_unknown_and_asked_about_under_its_number() {
    let mut till = waiting();
    carry_out(&mut till);
    assert!(take_carry_out(&mut till));
    answer(&mut till, Err(no_answer()));
    assert_eq!(shown(&till), Shown::Unknown);
    till.heartbeat(TerminalState::Active);
    till.pass(3);
    assert!(take_carry_out(&mut till), "the same request again");
    answer(&mut till, Err(refused(ErrorCode::GroupUnavailable)));
    assert_eq!(shown(&till), Shown::Unknown);
    till.heartbeat(TerminalState::Active);
    till.pass(6);
    assert!(take_carry_out(&mut till));
    answer(&mut till, Ok(refund(RefundState::Done)));
    assert_eq!(shown(&till), Shown::Done);
    assert_eq!(till.kicks, 1);
}

#[test]
fn a_refused_refund_moves_no_money() {
    let mut till = waiting();
    carry_out(&mut till);
    answer(&mut till, Ok(refund(RefundState::Refused)));
    assert_eq!(shown(&till), Shown::Refused(RefundRefusal::Withdrawn));
    assert_eq!((till.kicks, till.printed.len()), (0, 0));
    assert_eq!(
        till.count(|body| matches!(body, Body::RefundSettled { outcome: RefundSettled::Refused, .. })),
        1
    );
}

#[test]
fn without_a_line_no_refund_is_begun() {
    let mut till = waiting();
    till.line_lost();
    carry_out(&mut till);
    assert_eq!(till.notice(), Some(&Notice::NoNetwork));
    assert_eq!(till.count(|body| matches!(body, Body::RefundCarriedOut { .. })), 0);
}
