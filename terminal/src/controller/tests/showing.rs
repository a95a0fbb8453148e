//! A code on the screen for the customer to scan: one charge, and a certain end, whatever is pressed, lost or late.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion as Q};
use crate::view::{Page, PaymentState as Shown, UnknownStep, Wallet as Kind};
use evertill_shared::id::Attempt;
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{PaymentView, ShownView};
use evertill_shared::wallet::Wallet;

const SHOW: UserAction = UserAction::ShowCode { wallet: Kind::Alipay };
const CODE: &str = "https://qr.alipay.com/bax1";

fn view(till: &Till, attempt: Attempt, state: P) -> PaymentView {
    let at = |seconds| till.now.wall.plus(Duration::from_secs(seconds));
    let content = (state == P::Waiting).then(|| CODE.to_owned());
    PaymentView {
        wallet: Wallet::Alipay,
        deadline: at(90),
        shown: Some(ShownView { content, until: at(90), over_at: at(120) }),
        ..till.view(attempt, state)
    }
}

fn answer(till: &mut Till, (sale, attempt): (u64, Attempt), question: Q, state: P) {
    let result = Ok(view(till, attempt, state));
    till.give(Input::Net(Answer::Payment { sale, attempt, question, result }));
}

/// One tea, and the customer is to scan.
fn show_for_tea(till: &mut Till) -> (u64, Attempt) {
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(SHOW);
    till.take_show().unwrap()
}

#[test]
fn a_code_is_shown_and_the_till_says_when_it_is_paid() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    assert_eq!(*shown(&till), Shown::PreparingCode);
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1, "the journal first");
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.pass(4);
    let wanted = Shown::ShowingCode { code: CODE.into(), remaining_seconds: 86, server_answers: true };
    assert_eq!(*shown(&till), wanted);
    assert_eq!(till.take_ask(), Some(attempt));
    answer(&mut till, attempt, Q::Ask, P::Paid);
    assert!(matches!(till.page(), Page::Done(_)));
    assert_eq!(till.printed.len(), 1);
}

#[test]
fn the_code_is_asked_for_only_with_a_number_in_the_journal_and_only_where_the_wallet_has_codes() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.act(UserAction::ShowCode { wallet: Kind::WeChatPay });
    assert!(matches!(till.page(), Page::AwaitCode(page) if page.shows == [Kind::Alipay]));
    till.act(SHOW);
    assert_eq!(*shown(&till), Shown::PreparingCode);
    assert_eq!(till.take_show(), None);
    till.answer_draft(sale, 1);
    assert_eq!(till.take_show(), Some((sale, 1)));
}

#[test]
fn one_charge_whatever_is_pressed_while_a_code_is_shown() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    for action in [
        UserAction::TenderCode,
        SHOW,
        UserAction::TenderCash,
        UserAction::CashConfirm,
        UserAction::Back,
        UserAction::VoidSale,
        UserAction::NextSale,
        UserAction::SetAside,
        UserAction::Confirm { question: 1, yes: true },
    ] {
        till.act(action);
    }
    till.scan(WECHAT);
    till.scan(TEA);
    assert!(matches!(shown(&till), Shown::ShowingCode { .. }));
    assert_eq!((till.take_pay(), till.take_show()), (None, None));
    assert_eq!(till.count(|body| matches!(body, Body::PaymentRequested { .. })), 1);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. } | Body::SaleVoided { .. })), 0);
}

#[test]
fn one_charge_a_cancelled_code_is_gone_from_the_screen_at_once_and_cash_waits_until_it_is_surely_over() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.act(UserAction::TakeBack);
    assert_eq!(till.take_take_back(), Some(attempt));
    assert!(matches!(shown(&till), Shown::Unknown { step: UnknownStep::ClosingCode, .. }));
    answer(&mut till, attempt, Q::TakeBack, P::Reversing);
    match shown(&till) {
        Shown::Unknown { step: UnknownStep::ClosingCode, deadline_seconds, .. } => {
            assert_eq!(*deadline_seconds, Some(120));
        }
        other => panic!("{other:?}"),
    }
    till.act(UserAction::TenderCash);
    till.act(SHOW);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 0);
    assert_eq!(till.take_show(), None);
    answer(&mut till, attempt, Q::Ask, P::Reversed);
    assert_eq!(*shown(&till), Shown::Reversed);
    till.act(UserAction::TenderCode);
    till.act(SHOW);
    assert_eq!(till.take_show(), Some((attempt.0, 2)), "a new attempt, a new number");
}

#[test]
fn a_customer_who_was_quicker_than_the_cancelling_has_paid() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.act(UserAction::TakeBack);
    answer(&mut till, attempt, Q::TakeBack, P::Reversing);
    answer(&mut till, attempt, Q::Ask, P::Paid);
    assert!(matches!(till.page(), Page::Done(_)));
}

#[test]
fn known_or_unknown_the_code_stays_while_the_server_is_away_and_not_longer_than_it_lives() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.pass(1);
    till.payment_error(attempt, Q::Ask, no_answer());
    assert!(matches!(shown(&till), Shown::ShowingCode { server_answers: false, .. }));
    till.pass(90);
    assert!(matches!(shown(&till), Shown::Unknown { step: UnknownStep::NoServer, .. }));
    till.act(UserAction::TenderCash);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 0);
}

#[test]
fn known_or_unknown_a_code_that_nobody_paid_in_time_is_being_closed_and_nobody_is_said_to_type() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.pass(89);
    assert!(matches!(shown(&till), Shown::ShowingCode { remaining_seconds: 1, .. }));
    till.pass(3);
    let closing = |since_seconds, deadline| Shown::Unknown {
        step: UnknownStep::ClosingCode,
        since_seconds,
        deadline_seconds: Some(deadline),
        can_set_aside: true,
    };
    assert_eq!(*shown(&till), closing(2, 28));
    // The next customer need not wait for it.
    till.act(UserAction::SetAside);
    assert!(till.screen.as_ref().unwrap().confirm.is_some());
    till.confirm(false);
    // The server, which has not closed it yet, still calls it waiting.
    let mut late = view(&till, attempt.1, P::Waiting);
    let until = late.server_time;
    late.shown = Some(ShownView { content: None, until, over_at: until.plus(Duration::from_secs(28)) });
    let (sale, attempt) = attempt;
    till.give(Input::Net(Answer::Payment { sale, attempt, question: Q::Ask, result: Ok(late) }));
    till.pass(1);
    assert_eq!(*shown(&till), closing(1, 27));
    answer(&mut till, (sale, attempt), Q::Ask, P::Reversed);
    assert_eq!(*shown(&till), Shown::Reversed);
}

#[test]
fn known_or_unknown_a_word_from_before_the_cancelling_does_not_undo_it() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    till.pass(1);
    assert_eq!(till.take_ask(), Some(attempt));
    till.act(UserAction::TakeBack);
    answer(&mut till, attempt, Q::Ask, P::Waiting);
    assert!(matches!(shown(&till), Shown::Unknown { step: UnknownStep::ClosingCode, .. }));
}

#[test]
fn a_request_for_a_code_that_never_arrived_is_sent_again_unchanged_and_never_after_it_was_cancelled() {
    let mut till = Till::online();
    let attempt = show_for_tea(&mut till);
    till.payment_error(attempt, Q::Pay, no_answer());
    till.pass(1);
    assert_eq!(till.take_ask(), Some(attempt));
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_show(), Some(attempt));
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::TakeBack);
    assert_eq!(till.take_take_back(), Some(attempt));
    till.payment_error(attempt, Q::TakeBack, no_answer());
    till.pass(1);
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!((till.take_show(), till.take_take_back()), (None, Some(attempt)));
}

#[test]
fn after_a_kill_the_code_comes_back_as_the_server_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let mut till = Till::at_time(&path, NOON);
    till.heartbeat(TerminalState::Active);
    let attempt = show_for_tea(&mut till);
    answer(&mut till, attempt, Q::Pay, P::Waiting);
    drop(till);
    let mut till = Till::at_time(&path, NOON);
    till.heartbeat(TerminalState::Active);
    assert!(matches!(shown(&till), Shown::Unknown { .. }), "not guessed");
    assert_eq!(till.take_ask(), Some(attempt));
    answer(&mut till, attempt, Q::Ask, P::Waiting);
    assert!(matches!(shown(&till), Shown::ShowingCode { code, .. } if code == CODE));
    assert_eq!(till.take_show(), None);
}
