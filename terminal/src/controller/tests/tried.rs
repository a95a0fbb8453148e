//! Codes that were tried, and payments that were taken back: what a phone that still lies before the scanner may begin.

use super::rig::*;
use crate::controller::*;
use crate::sync::PaymentQuestion as Q;
use crate::view::{Page, PaymentState as Shown};
use evertill_shared::id::Attempt;
use evertill_shared::payment::PaymentState as P;

/// Another code of the same wallet.
const OTHER_CODE: &str = "134567890123456780";

/// The cashier touches *Take back* and the wallet says that it is done.
fn take_back(till: &mut Till, attempt: (u64, Attempt)) {
    till.payment_error(attempt, Q::Pay, no_answer());
    till.act(UserAction::TakeBack);
    assert_eq!(till.take_take_back(), Some(attempt));
    till.answer_payment(attempt, Q::TakeBack, P::Reversed);
    assert_eq!(*shown(till), Shown::Reversed);
}

#[test]
fn one_charge_nothing_begins_by_a_scan_alone_after_a_payment_was_taken_back() {
    let mut till = Till::online();
    let (sale, first) = till.pay_for_tea();
    take_back(&mut till, (sale, first));
    let begun = |till: &Till| till.count(|body| matches!(body, Body::PaymentRequested { .. }));
    // The phone still lies before the scanner, and shows a new code by itself after a while.
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::DoubleScanIgnored)));
    till.scan(OTHER_CODE);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::PaymentCodeBeforeTender)));
    // The customer counts out notes.
    till.act(UserAction::TenderCash);
    for code in [WECHAT, OTHER_CODE] {
        till.scan(code);
        assert_eq!((till.take_pay(), begun(&till)), (None, 1), "{code}");
    }
    assert!(matches!(till.page(), Page::Cash(_)));
    // With the touch the other code is used, and the one that was tried is not.
    till.act(UserAction::TenderCode);
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::CodeTriedBefore)));
    till.scan(OTHER_CODE);
    assert_eq!(till.take_pay(), Some((sale, first + 1)));
    // That choice counts on: a decline of it is followed by a third code without a touch.
    till.answer_payment((sale, first + 1), Q::Pay, P::Declined);
    till.scan("134567890123456788");
    assert_eq!(till.take_pay(), Some((sale, first + 2)));
}

#[test]
fn one_charge_a_code_too_old_to_be_sent_again_is_remembered_all_the_same() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, Q::Pay, no_answer());
    till.pass(70);
    till.heartbeat(TerminalState::Active);
    till.answer_payment(attempt, Q::Ask, P::Declined);
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::DoubleScanIgnored)));
    till.pass(70);
    till.heartbeat(TerminalState::Active);
    till.act(UserAction::TenderCode);
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::CodeTriedBefore)));
}

#[test]
fn one_charge_an_earlier_payment_that_ends_makes_no_tried_code_good_again() {
    let mut till = Till::online();
    let first = till.pay_for_tea();
    till.payment_error(first, Q::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.scan(BREAD);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 2);
    till.scan(WECHAT);
    assert_eq!(till.notice(), Some(&Notice::CodeTriedBefore), "the first customer's, who is still watched");
    till.scan(OTHER_CODE);
    let second = till.take_pay().unwrap();
    till.answer_payment(second, Q::Pay, P::Declined);
    till.pass(56);
    till.heartbeat(TerminalState::Active);
    till.answer_payment(first, Q::Ask, P::Reversed);
    for code in [OTHER_CODE, WECHAT] {
        till.scan(code);
        assert_eq!(till.take_pay(), None, "{code}");
    }
    // Nobody took the second one's payment back: a new code of theirs is what they want.
    till.scan("134567890123456788");
    assert_eq!(till.take_pay(), Some((second.0, second.1 + 1)));
}

#[test]
fn one_charge_after_a_restart_a_payment_taken_back_asks_for_a_touch_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    let (sale, first) = till.pay_for_tea();
    take_back(&mut till, (sale, first));
    till.controller.journal = None;
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    till.act(UserAction::TenderCash);
    till.scan(OTHER_CODE);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::PaymentCodeBeforeTender)));
    till.act(UserAction::TenderCode);
    till.scan(OTHER_CODE);
    assert_eq!(till.take_pay(), Some((sale, first + 1)));
}

#[test]
fn a_phone_that_paid_and_still_lies_there_pays_no_other_sale_without_a_touch() {
    let mut till = Till::online();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Paid);
    till.act(UserAction::NextSale);
    till.scan(BREAD);
    till.act(UserAction::TenderCash);
    till.scan(WECHAT);
    assert_eq!((till.take_pay(), till.notice()), (None, Some(&Notice::DoubleScanIgnored)));
    // Whether the wallet takes it for another sale is the wallet's to say, if somebody asks for it.
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 2);
    till.scan(WECHAT);
    assert_eq!(till.take_pay(), Some((sale, 1)));
}
