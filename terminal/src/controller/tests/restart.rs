//! Kill -9 at each step: the journal is opened by a new program, and the sale goes on where it surely stands.

use super::rig::*;
use crate::controller::*;
use crate::sync::PaymentQuestion as Q;
use crate::view::{Page, PaymentState as Shown, ReceiptState};
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::error::ErrorCode;

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The till's program ends here and now, and another begins.
    fn start(&self) -> Till {
        self.start_later(0)
    }

    fn start_later(&self, seconds: i64) -> Till {
        let wall = evertill_shared::clock::Timestamp(NOON.0 + seconds * 1000);
        let mut till = Till::at_time(&self.0.path().join("till.db"), wall);
        till.heartbeat(TerminalState::Active);
        till
    }
}

#[test]
fn a_sale_closed_for_payment_comes_back_into_hand() {
    let disk = Disk::new();
    let mut till = disk.start();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    drop(till);
    let mut till = disk.start();
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 450));
    till.act(UserAction::TenderCode);
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_))), 1, "it is still the same sale");
    assert_eq!(till.take_draft(), Some(2));
}

#[test]
fn killed_between_journal_and_send_the_attempt_is_asked_about_and_taken_back_never_charged_anew() {
    let disk = Disk::new();
    let mut till = disk.start();
    let attempt = till.pay_for_tea();
    drop(till); // the request never left
    let mut till = disk.start();
    assert!(matches!(till.page(), Page::Payment(page) if matches!(page.state, Shown::Unknown { .. })));
    till.act(UserAction::TenderCash);
    till.act(UserAction::TenderCode);
    assert_eq!(till.take_ask(), Some(attempt));
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_pay(), None, "the code is gone with the program");
    assert_eq!(till.take_take_back(), Some(attempt));
    till.answer_payment(attempt, Q::TakeBack, P::Reversed);
    till.act(UserAction::TenderCode);
    till.scan(WECHAT);
    assert_eq!(till.take_pay(), Some((attempt.0, 2)));
}

#[test]
fn killed_between_request_and_answer_the_payment_ends_as_paid_once() {
    let disk = Disk::new();
    let attempt = disk.start().pay_for_tea();
    let mut till = disk.start();
    assert_eq!(till.take_ask(), Some(attempt));
    till.answer_payment(attempt, Q::Ask, P::Paid);
    assert!(matches!(till.page(), Page::Done(_)));
    assert_eq!(till.printed.len(), 1);
    drop(till);
    let mut till = disk.start();
    till.pass(5);
    assert_eq!((till.take_ask(), till.printed.len(), till.kicks), (None, 0, 0), "nothing is done twice");
}

#[test]
fn killed_after_cash_was_taken_nothing_is_taken_printed_or_opened_again() {
    let disk = Disk::new();
    let mut till = disk.start();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    drop(till);
    let mut till = disk.start();
    till.pass(5);
    assert!(matches!(till.page(), Page::Done(_)), "the cashier is told that it is paid");
    assert_eq!((till.printed.len(), till.kicks), (0, 0));
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 1);
    assert_eq!(till.controller.receipt_state(2), ReceiptState::Unknown, "it may be on paper");
}

#[test]
fn the_end_of_the_last_sale_is_shown_again_only_while_its_receipt_is_out_and_its_customer_may_stand_there() {
    let disk = Disk::new();
    let mut till = disk.start();
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Paid);
    drop(till);
    let mut till = disk.start();
    assert!(matches!(till.page(), Page::Done(_)), "killed between journal and screen");
    till.scan(BREAD);
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800), "it is in nobody's way");
    drop(till);
    let mut till = disk.start_later(11 * 60);
    assert!(matches!(till.page(), Page::Sale(_)), "that customer has gone");
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, Q::Pay, P::Paid);
    let job = till.printed[0].job;
    till.give(Input::Printed { job, report: PrintReport::Confirmed });
    drop(till);
    assert!(matches!(disk.start_later(11 * 60).page(), Page::Sale(_)), "its receipt was printed");
}

#[test]
fn of_several_sales_under_way_the_newest_is_in_hand_and_all_payments_are_watched() {
    let disk = Disk::new();
    let mut till = disk.start();
    let first = till.pay_for_tea();
    till.payment_error(first, Q::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    till.scan(BREAD);
    till.act(UserAction::TenderCash);
    drop(till);
    let mut till = disk.start();
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800));
    assert_eq!(till.take_ask(), Some(first));
    till.answer_payment(first, Q::Ask, P::Paid);
    assert!(matches!(till.notice(), Some(Notice::EarlierPaymentPaid { .. })));
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 800));
}
