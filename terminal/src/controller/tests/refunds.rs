//! Refunds at the till that sold.

use super::duty::log_in;
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
use std::collections::BTreeMap;

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
    asked_in(&mut till);
    till
}

/// The same at this till, which is on line and has nothing in hand.
pub(super) fn asked_in(till: &mut Till) {
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
    let refunds = vec![RefundOrder { refund: refund(RefundState::Reserved), paid_by, next_at: None }];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
}

fn shown(till: &Till) -> Shown {
    match till.page() {
        Page::Refunds(page) => page.items[0].state.clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn take_carry_out(till: &mut Till) -> bool {
    till.take(|r| matches!(r, Request::CarryOutRefund { .. }).then_some(())).is_some()
}

pub(super) fn answer(till: &mut Till, result: Result<Refund, NetError>) {
    till.give(Input::Net(Answer::CarryOutRefund { refund: RefundId("R1".into()), result }));
}

pub(super) fn carry_out(till: &mut Till) {
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    till.confirm(true);
}

#[test]
fn a_refund_is_carried_out_once_however_often_it_is_pressed() {
    let mut till = waiting();
    assert_eq!(shown(&till), Shown::Waiting);
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    till.confirm(false);
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
fn of_a_refund_under_way_it_is_shown_since_when_and_when_the_wallet_is_asked_again() {
    let mut till = waiting();
    let times = |till: &Till| match till.page() {
        Page::Refunds(page) => (page.items[0].begun_at.clone(), page.items[0].next_at.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(times(&till), (String::new(), String::new()));
    carry_out(&mut till);
    let begun = till.controller.time_of_day(till.now.wall);
    assert_eq!(times(&till), (begun.clone(), String::new()), "a server from before does not say");
    let paid_by = PaidBy::Cash { given: cny(450), change: cny(0) };
    let next_at = till.now.wall.plus(Duration::from_secs(300));
    let refunds = vec![RefundOrder { refund: refund(RefundState::Unknown), paid_by, next_at: Some(next_at) }];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
    assert_eq!((shown(&till), times(&till)), (Shown::Unknown, (begun, till.controller.time_of_day(next_at))));
}

/// Another refund of the same order, in the inbox.
pub(super) fn second_arrives(till: &mut Till) -> Refund {
    let second = Refund {
        id: RefundId("R2".into()),
        requested_at: NOON.plus(Duration::from_secs(1)),
        ..refund(RefundState::Reserved)
    };
    let paid_by = PaidBy::Cash { given: cny(450), change: cny(0) };
    let refunds = vec![RefundOrder { refund: second.clone(), paid_by, next_at: None }];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
    second
}

fn sent_refund(till: &mut Till) -> Option<String> {
    till.take(|r| match r {
        Request::CarryOutRefund { refund, .. } => Some(refund.0.clone()),
        _ => None,
    })
}

#[test]
fn isolation_a_refund_whose_end_is_not_known_holds_up_no_other() {
    // The wallet works on the first one, or its group does not answer.
    let not_over: [fn() -> Result<Refund, NetError>; 2] =
        [|| Ok(refund(RefundState::Unknown)), || Err(refused(ErrorCode::GroupUnavailable))];
    for first_says in not_over {
        let mut till = waiting();
        carry_out(&mut till);
        assert_eq!(sent_refund(&mut till).as_deref(), Some("R1"));
        answer(&mut till, first_says());
        let second = second_arrives(&mut till);
        till.act(UserAction::CarryOutRefund { id: "R2".into() });
        till.confirm(true);
        till.pass(4);
        assert_eq!(sent_refund(&mut till).as_deref(), Some("R2"), "its customer stands there");
        let done = Refund { state: RefundState::Done, ..second };
        till.give(Input::Net(Answer::CarryOutRefund { refund: done.id.clone(), result: Ok(done) }));
        assert_eq!(till.kicks, 1);
        // And the first is asked about on, under its number.
        till.pass(4);
        assert_eq!(sent_refund(&mut till).as_deref(), Some("R1"));
    }
}

#[test]
fn refunds_that_are_not_over_are_asked_about_in_turn() {
    let mut till = waiting();
    carry_out(&mut till);
    second_arrives(&mut till);
    till.act(UserAction::CarryOutRefund { id: "R2".into() });
    till.confirm(true);
    let mut sent = Vec::new();
    for _ in 0..6 {
        till.pass(4);
        let Some(id) = sent_refund(&mut till) else { continue };
        let unknown = Refund { id: RefundId(id.clone()), ..refund(RefundState::Unknown) };
        till.give(Input::Net(Answer::CarryOutRefund { refund: unknown.id.clone(), result: Ok(unknown) }));
        sent.push(id);
    }
    assert_eq!(sent, ["R1", "R2", "R1", "R2", "R1", "R2"]);
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

/// The same refund by its end, as the server tells it without an inbox.
pub(super) fn done() -> Result<Refund, NetError> {
    Ok(refund(RefundState::Done))
}

pub(super) fn to_pay_out() -> Notice {
    to_pay_out_of("R1")
}

pub(super) fn to_pay_out_of(refund: &str) -> Notice {
    let order_number = number(1).to_string();
    Notice::RefundToPayOut { refund: RefundId(refund.into()), order_number, amount_minor: 450 }
}

#[test]
fn a_cash_refund_that_is_done_after_a_restart_prints_its_receipt_and_opens_no_drawer_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    asked_in(&mut till);
    carry_out(&mut till);
    assert!(take_carry_out(&mut till));
    till.controller.journal = None; // the program ends before the answer comes
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    till.pass(1);
    assert!(take_carry_out(&mut till), "asked about again at once");
    assert!(till.controller.desk.of_order(number(1)).is_empty(), "no inbox was read");
    answer(&mut till, done());
    answer(&mut till, done());
    assert_eq!((till.kicks, till.printed.len()), (0, 1));
    let receipt = &till.printed[0].receipt;
    assert!(matches!(&receipt.kind, ReceiptKind::Refund { amount, approved_by, .. }
        if *amount == cny(450) && approved_by == "Mei"));
    assert!(matches!(receipt.tenders[..], [evertill_shared::receipt::ReceiptTender::Cash { .. }]));
    assert_eq!(till.notice(), Some(&to_pay_out()));
    // It stays until somebody puts it away; the drawer opens by a touch, with an entry.
    till.scan(TEA);
    assert_eq!(till.notice(), Some(&to_pay_out()));
    assert_eq!(till.count(|body| matches!(body, Body::DrawerOpened { .. })), 0);
}

#[test]
fn a_cash_refund_that_is_done_when_nobody_stands_there_opens_no_drawer() {
    let mut till = waiting();
    carry_out(&mut till);
    assert!(take_carry_out(&mut till));
    till.pass(181);
    answer(&mut till, done());
    assert_eq!((till.kicks, till.printed.len()), (0, 1));
    assert_eq!(till.notice(), Some(&to_pay_out()));
}

#[test]
fn a_cash_refund_that_is_done_at_a_locked_till_or_before_somebody_else_opens_no_drawer() {
    for other in [None, Some("mei")] {
        let mut till = super::duty::locked_for(super::approval::everybody(), &BTreeMap::new());
        log_in(&mut till, "bo");
        till.heartbeat(TerminalState::Active);
        asked_in(&mut till);
        carry_out(&mut till);
        assert!(take_carry_out(&mut till));
        till.act(UserAction::Lock);
        if let Some(login) = other {
            log_in(&mut till, login);
        }
        answer(&mut till, done());
        assert_eq!((till.kicks, till.printed.len()), (0, 1), "{other:?}");
        assert_eq!(till.printed[0].receipt.cashier.as_deref(), Some("Bo"));
        if other.is_none() {
            assert_ne!(till.notice(), Some(&to_pay_out()), "it is told to somebody with a name");
            log_in(&mut till, "bo");
        }
        assert_eq!(till.notice(), Some(&to_pay_out()), "{other:?}");
    }
}

fn inbox(till: &mut Till, refunds: Vec<Refund>, groups_unreachable: u32) {
    let paid_by = PaidBy::Cash { given: cny(450), change: cny(0) };
    let order = |refund| RefundOrder { refund, paid_by: paid_by.clone(), next_at: None };
    let refunds = refunds.into_iter().map(order).collect();
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable }))));
}

fn listed(till: &Till) -> Vec<(String, Shown)> {
    let Page::Refunds(page) = till.page() else { panic!("{:?}", till.page()) };
    page.items.iter().map(|item| (item.id.clone(), item.state.clone())).collect()
}

fn may_be_refunded(till: &mut Till) -> bool {
    till.act(UserAction::OpenOrders);
    let id = match till.page() {
        Page::Orders(page) => page.orders[0].id.clone(),
        other => panic!("{other:?}"),
    };
    till.act(UserAction::OpenOrder { id });
    let Page::Order(page) = till.page() else { panic!("{:?}", till.page()) };
    page.can_refund
}

#[test]
fn a_refund_that_the_server_names_no_more_is_gone_from_the_list_and_from_its_order() {
    let mut till = Till::online();
    let sale = till.cash_for_tea(1);
    till.pass(1);
    till.give(Input::Net(Answer::Adopt { sale, result: Ok(Box::new(order(sale, 1, false))) }));
    till.act(UserAction::NextSale);
    assert!(may_be_refunded(&mut till));
    inbox(&mut till, vec![refund(RefundState::Reserved)], 0);
    assert!(!may_be_refunded(&mut till), "all of it is asked for");
    till.act(UserAction::OpenRefunds);
    assert_eq!(listed(&till), [("R1".to_owned(), Shown::Waiting)]);
    inbox(&mut till, Vec::new(), 1);
    assert_eq!(listed(&till).len(), 1, "it may be in the group that could not be asked");
    inbox(&mut till, Vec::new(), 0);
    assert_eq!(listed(&till), []);
    assert!(may_be_refunded(&mut till), "as before it was asked for");
}

#[test]
fn a_refund_that_was_withdrawn_is_noticed_though_nobody_looks_at_the_list() {
    let mut till = waiting();
    till.act(UserAction::Back);
    till.heartbeat(TerminalState::Active);
    till.sent.clear();
    till.pass(4);
    assert!(
        till.take(|r| matches!(r, Request::Refunds).then_some(())).is_some(),
        "the heartbeat counts none"
    );
    inbox(&mut till, Vec::new(), 0);
    till.sent.clear();
    till.pass(10);
    assert!(till.take(|r| matches!(r, Request::Refunds).then_some(())).is_none(), "and no more is asked");
}

#[test]
fn what_was_carried_out_here_stays_in_the_list_until_the_day_is_over_and_what_is_under_way_until_it_ends() {
    let mut till = waiting();
    carry_out(&mut till);
    inbox(&mut till, Vec::new(), 0);
    assert_eq!(listed(&till), [("R1".to_owned(), Shown::Working)]);
    answer(&mut till, done());
    inbox(&mut till, Vec::new(), 0);
    assert_eq!(listed(&till), [("R1".to_owned(), Shown::Done)]);
    let second = second_arrives(&mut till);
    till.act(UserAction::CarryOutRefund { id: "R2".into() });
    till.confirm(true);
    till.now.wall = till.now.wall.plus(Duration::from_secs(24 * 3600));
    till.give(Input::Tick);
    inbox(&mut till, Vec::new(), 0);
    assert_eq!(listed(&till), [("R2".to_owned(), Shown::Working)], "its end is not known yet");
    let done = Refund { state: RefundState::Done, ..second };
    till.give(Input::Net(Answer::CarryOutRefund { refund: done.id.clone(), result: Ok(done) }));
    inbox(&mut till, Vec::new(), 0);
    assert_eq!(listed(&till), [], "it was yesterday's");
}
