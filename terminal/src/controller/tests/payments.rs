//! Payment codes: one charge, whatever is pressed, lost or late.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion as Q};
use crate::view::{DeclineReason, Page, PaymentState as Shown, UnknownStep};
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::error::ErrorCode;

/// Another code of the same wallet.
const OTHER_CODE: &str = "134567890123456780";

#[test]
fn two_actions_from_the_total_to_paid() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    assert_eq!(*shown(&till), Shown::Sending);
    till.answer_payment(attempt, Q::Pay, P::Paid);
    match till.page() {
        Page::Done(page) => assert_eq!(page.order_number, Some(number(1).to_string())),
        other => panic!("{other:?}"),
    }
    assert_eq!((till.printed.len(), till.kicks), (1, 0), "a receipt, and no drawer");
    assert!(till.controller.journal.as_ref().unwrap().queue().unwrap().is_empty());
}

#[test]
fn the_number_is_asked_for_while_the_phone_is_taken_out_and_a_quick_scan_waits_for_it() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.scan(WECHAT);
    assert_eq!(*shown(&till), Shown::Sending);
    assert_eq!(till.take_pay(), None, "nothing is charged without a number in the journal");
    till.answer_draft(sale, 1);
    assert_eq!(till.take_pay(), Some((sale, 1)));
}

#[test]
fn goods_and_unknown_codes_are_refused_where_a_payment_code_is_expected() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    till.scan(BREAD);
    assert_eq!(till.notice(), Some(&Notice::GoodsCodeAtTender));
    till.scan("6212345678901234567");
    assert_eq!(till.notice(), Some(&Notice::UnknownPaymentCode));
    assert!(matches!(till.page(), Page::AwaitCode(page) if page.total_minor == 450));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 0);
}

#[test]
fn whatever_is_pressed_or_scanned_during_a_payment_there_is_one_charge() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    for action in [
        UserAction::TenderCode,
        UserAction::TenderCash,
        UserAction::CashConfirm,
        UserAction::Back,
        UserAction::VoidSale,
        UserAction::NextSale,
        UserAction::SetAside,
        UserAction::Confirm { question: 1, yes: true },
        UserAction::OpenOrders,
        UserAction::RemoveLine { line: 0 },
    ] {
        till.act(action);
    }
    till.scan(WECHAT);
    till.scan(TEA);
    assert_eq!(*shown(&till), Shown::Sending);
    till.answer_payment(attempt, Q::Pay, P::Paid);
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. } | Body::SaleVoided { .. })), 0);
}

#[test]
fn unknown_payment_is_queried_not_charged_again() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    assert!(matches!(shown(&till), Shown::Unknown { step: UnknownStep::NoServer, .. }));
    for _ in 0..5 {
        till.pass(1);
        assert_eq!(till.take_ask(), Some(attempt), "asked each second");
        till.answer_payment(attempt, Q::Ask, P::Unknown);
    }
    match shown(&till) {
        Shown::Unknown {
            step: UnknownStep::AskingWallet,
            since_seconds: 5,
            deadline_seconds,
            can_set_aside,
        } => {
            assert_eq!(*deadline_seconds, Some(45));
            assert!(can_set_aside);
        }
        other => panic!("{other:?}"),
    }
    till.act(UserAction::TenderCode);
    till.act(UserAction::TenderCash);
    assert_eq!(till.take_pay(), None);
    till.pass(1);
    till.answer_payment(attempt, Q::Ask, P::Reversing);
    assert!(matches!(
        shown(&till),
        Shown::Unknown { step: UnknownStep::TakingBack, deadline_seconds: None, .. }
    ));
    till.answer_payment(attempt, Q::Ask, P::Reversed);
    assert_eq!(*shown(&till), Shown::Reversed);
}

#[test]
fn a_new_attempt_has_a_new_number_and_begins_only_after_the_old_one_is_surely_dead() {
    let mut till = Till::online();
    let (sale, first) = till.pay_for_tea();
    till.answer_payment((sale, first), Q::Pay, P::Declined);
    assert_eq!(*shown(&till), Shown::Declined(DeclineReason::InsufficientFunds));
    till.act(UserAction::TenderCode);
    till.scan(OTHER_CODE);
    assert_eq!(till.take_pay(), Some((sale, 2)));
    // A late word about the first attempt changes nothing.
    till.answer_payment((sale, first), Q::Ask, P::Paid);
    assert_eq!(*shown(&till), Shown::Sending);
    till.answer_payment((sale, 2), Q::Pay, P::Paid);
    let numbers: Vec<_> = till
        .entries()
        .into_iter()
        .filter_map(|e| match e.body {
            Body::PaymentRequested { channel_number, .. } => Some(channel_number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers.len(), 2);
    assert_ne!(numbers[0], numbers[1]);
    assert_eq!(till.count(|body| matches!(body, Body::Adopted { .. })), 1);
}

#[test]
fn a_declined_sale_may_be_paid_in_cash() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Declined);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)));
}

#[test]
fn a_request_that_never_arrived_is_sent_again_while_the_code_lives_and_then_taken_back() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.pass(1);
    till.take_ask().unwrap();
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_pay(), Some(attempt), "the same attempt, unchanged");
    till.payment_error(attempt, Q::Pay, no_answer());
    till.pass(60);
    till.sent.retain(|r| matches!(r, Request::Heartbeat));
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_pay(), None, "the code on the phone is another by now");
    assert_eq!(till.take_take_back(), Some(attempt));
    till.answer_payment(attempt, Q::TakeBack, P::Reversing);
    till.answer_payment(attempt, Q::Ask, P::Reversed);
    assert_eq!(*shown(&till), Shown::Reversed);
}

#[test]
fn a_lost_take_back_is_asked_for_again() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::TakeBack);
    till.act(UserAction::TakeBack);
    assert_eq!(till.take_take_back(), Some(attempt));
    assert_eq!(till.take_take_back(), None, "pressed twice, sent once");
    till.payment_error(attempt, Q::TakeBack, no_answer());
    till.pass(1);
    till.take_ask().unwrap();
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_pay(), None, "what is being taken back is not charged again");
    assert_eq!(till.take_take_back(), Some(attempt));
}

#[test]
fn a_payment_set_aside_is_watched_while_the_next_customer_is_served() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.scan(BREAD);
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800));
    till.pass(1);
    assert_eq!(till.take_ask(), Some(attempt));
    till.answer_payment(attempt, Q::Ask, P::Paid);
    assert_eq!(till.notice(), Some(&Notice::EarlierPaymentPaid { order_number: number(1).to_string() }));
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800), "the sale in hand stays");
    assert_eq!(till.printed.len(), 1, "the earlier customer's receipt");
}

#[test]
fn a_payment_set_aside_that_is_taken_back_gives_its_sale_up() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.answer_payment(attempt, Q::Ask, P::Reversed);
    assert!(matches!(till.notice(), Some(Notice::EarlierPaymentReversed { .. })));
    assert_eq!(till.count(|body| matches!(body, Body::SaleVoided { .. })), 1);
    assert!(till.printed.is_empty());
}

#[test]
fn a_code_without_a_number_is_dropped_after_a_while_and_nothing_was_charged() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.scan(WECHAT);
    till.give(Input::Net(Answer::Draft { sale, result: Err(refused(ErrorCode::NoGroupAvailable)) }));
    till.pass(2);
    assert_eq!(till.take_draft(), Some(sale), "asked again");
    till.pass(16);
    assert_eq!(*shown(&till), Shown::Declined(DeclineReason::NotSent));
    till.answer_draft(sale, 1);
    assert_eq!(till.take_pay(), None);
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 0);
}

#[test]
fn of_two_drafts_of_one_sale_the_first_is_adopted_and_the_second_left() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.answer_draft(sale, 2);
    assert_eq!(till.count(|body| matches!(body, Body::Adopted { .. })), 1);
    assert_eq!(till.count(|body| matches!(body, Body::Adopted { number: n, .. } if *n == number(1))), 1);
}

#[test]
fn a_customer_who_types_a_password_is_waited_for() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Waiting);
    till.pass(3);
    assert_eq!(*shown(&till), Shown::CustomerConfirming { since_seconds: 3 });
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::GroupUnavailable));
    assert!(matches!(shown(&till), Shown::Unknown { step: UnknownStep::WaitingForGroup, .. }));
    till.answer_payment(attempt, Q::Ask, P::Paid);
    assert!(matches!(till.page(), Page::Done(_)));
}

#[test]
fn a_code_scanned_again_after_it_paid_leaves_the_page_that_says_paid() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Paid);
    till.scan(WECHAT);
    assert!(matches!(till.page(), Page::Done(_)), "{:?}", till.page());
    assert_eq!(till.notice(), Some(&Notice::DoubleScanIgnored));
    till.scan(BREAD);
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800), "goods begin the next sale");
    assert_eq!(till.notice(), None);
}

#[test]
fn after_a_declined_payment_the_next_code_begins_the_next_attempt_and_the_same_one_does_not() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Declined);
    // The phone still lies before the scanner.
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::DoubleScanIgnored)));
    till.act(UserAction::TenderCash);
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::DoubleScanIgnored)), "nor beside cash");
    assert!(matches!(till.page(), Page::Cash(_)));
    // Another code: without a touch.
    till.scan(OTHER_CODE);
    let (sale, second) = till.take_pay().unwrap();
    assert_eq!((sale, second), (attempt.0, attempt.1 + 1));
    till.scan("134567890123456788");
    assert_eq!(till.take_pay(), None, "one at a time");
    till.answer_payment((sale, second), Q::Pay, P::Paid);
    assert!(matches!(till.page(), Page::Done(_)));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 2);
}

#[test]
fn no_code_begins_an_attempt_while_nobody_knows_how_the_last_one_ended() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.scan(OTHER_CODE);
    till.pass(90);
    till.scan(OTHER_CODE);
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
    // Off line after the end: told why, and nothing begun.
    till.answer_payment(attempt, Q::Ask, P::Declined);
    assert_eq!(*shown(&till), Shown::Declined(DeclineReason::InsufficientFunds));
    till.line_lost();
    till.scan(OTHER_CODE);
    assert_eq!(till.notice(), Some(&Notice::CodeNeedsNetwork));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
}

#[test]
fn a_code_scanned_where_cash_is_counted_is_not_used_and_before_it_is() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 300 });
    till.scan(WECHAT);
    assert_eq!(till.notice(), Some(&Notice::PaymentCodeBeforeTender));
    till.act(UserAction::CashGiven { minor: 0 });
    till.scan(WECHAT);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    assert_eq!(till.take_pay(), Some((sale, 1)));
}
