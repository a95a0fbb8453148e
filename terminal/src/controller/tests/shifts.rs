//! Shifts at the till: float, money in and out, the blind count, the report; restarts and second presses in between.

use super::approval::{approve, served_by};
use super::duty::{cashier, log_in, unlocked};
use super::rig::*;
use crate::controller::*;
use crate::sync::PaymentQuestion;
use crate::view::{AmountPurpose, Confirm, Page, ReceiptState, ReportPage, ReportSum, ShiftPage};
use evertill_shared::journal::CashReason;
use evertill_shared::receipt::{ReceiptKind, ShiftReport};
use evertill_shared::rights::Right;
use evertill_shared::shift::Closing;
use std::path::Path;

fn amount(till: &mut Till, purpose: AmountPurpose, minor: i64) {
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::DrawerAmount(purpose));
    till.act(UserAction::AmountTyped { minor });
    till.act(UserAction::ChooseCashReason(CashReason::Expense));
    till.act(UserAction::AmountConfirm);
}

fn sell_for_cash(till: &mut Till) {
    till.act(UserAction::Back);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    // The number that was asked for meanwhile comes; the sale itself waits for the server.
    if let Some(sale) = till.take_draft() {
        till.answer_draft(sale, 900);
    }
    till.act(UserAction::NextSale);
}

/// Counts so many notes of 100 yuan; the question is on screen then.
fn count(till: &mut Till, hundreds: &str) {
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::EndShift);
    till.act(UserAction::CountChoose { value_minor: 10_000 });
    hundreds.chars().for_each(|digit| till.act(UserAction::CountKey(digit.to_string())));
    till.act(UserAction::CountConfirm);
}

fn shift_page(till: &Till) -> &ShiftPage {
    match till.page() {
        Page::Shift(page) => page,
        other => panic!("{other:?}"),
    }
}

fn report(till: &Till) -> &ReportPage {
    match till.page() {
        Page::Report(page) => page,
        other => panic!("{other:?}"),
    }
}

fn sum(page: &ReportPage, of: ReportSum) -> (Option<u32>, Option<i64>) {
    let line = page.lines.iter().find(|line| line.of == of).unwrap();
    (line.count, line.minor)
}

fn ends(till: &Till) -> Vec<Closing> {
    let bodies = till.entries().into_iter().map(|entry| entry.body);
    bodies
        .filter_map(|body| if let Body::ShiftClosed(closing) = body { Some(*closing) } else { None })
        .collect()
}

fn paper(till: &Till) -> ShiftReport {
    match &till.printed.last().unwrap().receipt.kind {
        ReceiptKind::Shift(report) => (**report).clone(),
        other => panic!("{other:?}"),
    }
}

fn start(path: &Path) -> Till {
    let mut till = Till::at(path);
    till.heartbeat(TerminalState::Active);
    // The last sale, whose customer may still stand there.
    till.act(UserAction::NextSale);
    till
}

#[test]
fn a_shift_from_its_float_to_its_report() {
    let mut till = Till::online();
    amount(&mut till, AmountPurpose::Float, 20_000);
    assert!(shift_page(&till).open.is_some());
    amount(&mut till, AmountPurpose::PayIn, 5_000);
    amount(&mut till, AmountPurpose::PayOut, 4_900);
    assert_eq!(till.kicks, 3, "one for each");
    sell_for_cash(&mut till);
    let attempt = till.pay_for_tea();
    till.answer_payment(attempt, PaymentQuestion::Pay, evertill_shared::payment::PaymentState::Paid);
    till.act(UserAction::NextSale);
    till.printed.clear();
    count(&mut till, "2");
    assert_eq!(till.screen.as_ref().unwrap().confirm, Some(Confirm::EndShift { counted_minor: 20_000 }));
    assert!(ends(&till).is_empty());
    till.confirm(true);
    let page = report(&till);
    assert!(page.ended);
    assert_eq!(page.over_minor, Some(20_000 - 20_550));
    assert_eq!(sum(page, ReportSum::CashSales), (Some(1), Some(450)));
    assert_eq!(sum(page, ReportSum::WalletSales(crate::view::Wallet::WeChatPay)), (Some(1), Some(450)));
    assert_eq!(sum(page, ReportSum::AllSales), (Some(2), Some(900)));
    assert_eq!(sum(page, ReportSum::Expected), (None, Some(20_550)));
    assert_eq!(sum(page, ReportSum::NoSales), (Some(0), None), "opening it to count is none");
    assert_eq!((till.printed.len(), paper(&till).over_minor), (1, Some(-550)));
    let template = evertill_shared::receipt::template::Template::default();
    let look = crate::print::Look { language: Language::English, template: &template };
    let text = crate::print::document(&till.printed[0].receipt, look).to_text(42);
    assert!(text.contains("Z REPORT") && text.contains("SHORT") && text.contains("205.50"), "{text}");
}

#[test]
fn whatever_is_pressed_twice_is_written_once() {
    let mut till = Till::online();
    for purpose in [AmountPurpose::Float, AmountPurpose::PayIn, AmountPurpose::PayOut] {
        amount(&mut till, purpose, 1_000);
        for _ in 0..3 {
            till.act(UserAction::AmountConfirm);
        }
    }
    count(&mut till, "1");
    for _ in 0..3 {
        till.act(UserAction::CountConfirm);
        till.confirm(true);
    }
    let written = |body: &Body| !matches!(body, Body::Opened { .. } | Body::DrawerOpened { .. });
    assert_eq!((till.count(written), ends(&till).len()), (4, 1));
    assert_eq!((till.kicks, till.printed.len()), (4, 1), "three amounts and the count");
}

#[test]
fn what_should_be_there_is_on_no_screen_before_the_count_is_confirmed() {
    let mut till = Till::online();
    amount(&mut till, AmountPurpose::Float, 12_345);
    sell_for_cash(&mut till);
    count(&mut till, "1");
    let shown = format!("{:?}", till.screen.as_ref().unwrap());
    for secret in ["12795", "12345"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    till.confirm(false);
    assert!(matches!(till.page(), Page::Count(page) if page.total_minor == 10_000), "the count goes on");
    till.act(UserAction::Back);
    assert!(!format!("{:?}", shift_page(&till)).contains("12345"));
    assert!(ends(&till).is_empty());
}

#[test]
fn neither_an_unsent_sale_nor_an_unknown_payment_keeps_a_shift_from_ending() {
    let mut till = Till::online();
    amount(&mut till, AmountPurpose::Float, 0);
    sell_for_cash(&mut till);
    let attempt = till.pay_for_tea();
    till.payment_error(attempt, PaymentQuestion::Pay, no_answer());
    till.act(UserAction::SetAside);
    till.confirm(true);
    count(&mut till, "");
    till.confirm(true);
    let page = report(&till);
    assert_eq!((page.unsent, page.unknown, page.unknown_minor), (1, 1, 450));
    assert_eq!(sum(page, ReportSum::AllSales), (Some(1), Some(450)));
    let pending = paper(&till).pending;
    assert_eq!((pending.unsent, pending.unknown.count), (1, 1), "and the paper says so");
    // It is paid in the end: it counts in the shift that is open then, and in no other.
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    amount(&mut till, AmountPurpose::Float, 0);
    till.pass(2);
    let asked = till.take_ask().unwrap();
    till.answer_payment(asked, PaymentQuestion::Ask, evertill_shared::payment::PaymentState::Paid);
    count(&mut till, "");
    till.confirm(true);
    assert_eq!(sum(report(&till), ReportSum::AllSales), (Some(1), Some(450)));
}

#[test]
fn a_restart_in_the_middle_of_the_count_ends_nothing_and_opens_no_drawer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = start(&path);
    amount(&mut till, AmountPurpose::Float, 10_000);
    sell_for_cash(&mut till);
    count(&mut till, "1");
    drop(till);
    let mut till = start(&path);
    till.confirm(true);
    till.pass(2);
    assert_eq!((ends(&till).len(), till.kicks, till.printed.len()), (0, 0, 0));
    // The clock was set back a day meanwhile.
    till.now.wall = till.now.wall.plus(Duration::ZERO);
    till.now.wall.0 -= 86_400_000;
    count(&mut till, "1");
    till.confirm(true);
    assert_eq!(report(&till).over_minor, Some(10_000 - 10_450));
    drop(till);
    // After the end, before the paper was known to be out: it is offered, and only as a copy.
    let mut till = start(&path);
    assert_eq!((ends(&till).len(), till.printed.len()), (1, 0));
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::LastShift);
    assert_eq!(report(&till).paper, ReceiptState::Unknown);
    till.act(UserAction::PrintReport);
    till.act(UserAction::PrintReport);
    assert_eq!(till.printed.len(), 1);
    assert!(till.printed[0].receipt.copy);
}

#[test]
fn a_store_that_demands_shifts_begins_no_sale_without_one_and_others_sell() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    assert!(matches!(till.page(), Page::Cash(_)), "a store that does not demand them");
    let mut till = Till::online();
    till.controller.options.demand_shifts = true;
    till.scan(TEA);
    for tender in [UserAction::TenderCash, UserAction::TenderCode] {
        till.act(tender);
        assert_eq!(till.notice(), Some(&Notice::ShiftNeeded));
        assert!(matches!(till.page(), Page::Sale(page) if page.item_count == 1));
    }
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_))), 0);
    amount(&mut till, AmountPurpose::Float, 0);
    till.act(UserAction::Back);
    till.act(UserAction::TenderCash);
    assert!(matches!(till.page(), Page::Cash(_)), "the goods were kept");
}

#[test]
fn a_cashier_ends_a_shift_but_asks_for_money_in_or_out_and_for_the_sums() {
    let mut till = served_by("mei");
    amount(&mut till, AmountPurpose::Float, 10_000);
    assert!(shift_page(&till).open.as_ref().is_some_and(|open| open.by.as_deref() == Some("Mei")));
    amount(&mut till, AmountPurpose::PayOut, 700);
    assert!(
        matches!(till.page(), Page::Approval(page) if (page.right, page.amount_minor) == (Right::PayInOut, Some(700)))
    );
    approve(&mut till, "lin");
    let (mei, lin) = (Some(cashier("mei", "Mei")), Some(cashier("lin", "Lin")));
    let paid_out = |body: &Body| matches!(body, Body::CashPaidOut { cashier, approved_by, .. } if *cashier == mei && *approved_by == lin);
    assert_eq!((till.count(paid_out), till.kicks), (1, 2));
    till.act(UserAction::ReadShift);
    assert!(matches!(till.page(), Page::Approval(page) if page.right == Right::ReadShift));
    approve(&mut till, "lin");
    assert_eq!((report(&till).ended, report(&till).over_minor), (false, None));
    assert_eq!(sum(report(&till), ReportSum::Expected), (None, Some(9_300)));
    till.act(UserAction::PrintReport);
    assert!(!paper(&till).ended && paper(&till).counted.is_empty());
    till.act(UserAction::Back);
    count(&mut till, "1");
    till.confirm(true);
    let closing = &ends(&till)[0];
    assert_eq!((&closing.cashier, &closing.approved_by, closing.over_minor()), (&mei, &None, 700));
}

#[test]
fn a_count_is_not_gone_on_with_by_somebody_else_nor_left_for_a_scan() {
    let mut till = served_by("mei");
    amount(&mut till, AmountPurpose::Float, 0);
    count(&mut till, "3");
    till.confirm(false);
    till.scan(TEA);
    assert_eq!(till.notice(), Some(&Notice::ScanNotUsed));
    till.act(UserAction::Lock);
    log_in(&mut till, "mei");
    assert!(matches!(till.page(), Page::Count(page) if page.total_minor == 30_000), "hers is there");
    till.act(UserAction::Lock);
    assert!(!unlocked(&till));
    log_in(&mut till, "lin");
    assert!(shift_page(&till).open.is_some(), "the shift is open, and the count begins anew");
    assert!(ends(&till).is_empty());
}

#[test]
fn opening_the_drawer_again_to_count_it_is_an_opening_without_a_sale() {
    let mut till = served_by("mei");
    amount(&mut till, AmountPurpose::Float, 0);
    let kicks = till.kicks;
    for _ in 0..3 {
        till.act(UserAction::EndShift);
        till.act(UserAction::Back);
    }
    count(&mut till, "");
    till.confirm(true);
    assert_eq!((till.kicks - kicks, sum(report(&till), ReportSum::NoSales)), (4, (Some(3), None)));
}

#[test]
fn what_the_drawer_should_hold_is_not_shown_to_who_comes_next() {
    let mut till = served_by("lin");
    amount(&mut till, AmountPurpose::Float, 12_300);
    till.act(UserAction::ReadShift);
    assert!(!report(&till).ended);
    till.act(UserAction::Lock);
    log_in(&mut till, "lin");
    assert!(!report(&till).ended, "it is hers");
    till.act(UserAction::Lock);
    log_in(&mut till, "mei");
    assert!(shift_page(&till).open.is_some());
    assert!(!format!("{:?}", till.screen).contains("12300"));
}

#[test]
fn what_is_given_up_counts_and_what_only_changes_does_not() {
    let mut till = served_by("lin");
    amount(&mut till, AmountPurpose::Float, 0);
    till.act(UserAction::Back);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::Back);
    // The goods change: it is another sale, and none is given up.
    till.scan(BREAD);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::Back);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ReadShift);
    assert_eq!(sum(report(&till), ReportSum::Voids), (Some(2), Some(1_250 + 450)));
}

#[test]
fn the_report_of_the_shift_before_is_shown_while_the_next_is_open() {
    let mut till = Till::online();
    amount(&mut till, AmountPurpose::Float, 10_000);
    assert!(!shift_page(&till).has_last);
    count(&mut till, "1");
    till.confirm(true);
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    amount(&mut till, AmountPurpose::Float, 7_700);
    assert!(shift_page(&till).has_last && shift_page(&till).open.is_some());
    till.act(UserAction::LastShift);
    assert_eq!((report(&till).ended, report(&till).over_minor), (true, Some(0)));
    assert_eq!(sum(report(&till), ReportSum::Expected), (None, Some(10_000)));
    till.act(UserAction::Back);
    till.act(UserAction::ReadShift);
    assert_eq!(sum(report(&till), ReportSum::Expected), (None, Some(7_700)));
}
