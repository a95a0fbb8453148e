//! Cash, with and without a line, and how it reaches the server.

use super::rig::*;
use crate::controller::*;
use crate::sync::Answer;
use crate::view::{Confirm, DonePage, OrderState, Page, PaidBy, PrinterState, ReceiptState};
use evertill_shared::journal::Head;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::DraftCreated;
use evertill_shared::protocol::terminal::HandedIn;

fn sell_for_cash(till: &mut Till) {
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
}

fn done(till: &Till) -> &DonePage {
    match till.page() {
        Page::Done(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_button_pressed_twice_takes_cash_once_and_opens_the_drawer_once() {
    let mut till = Till::in_memory();
    till.scan(TEA);
    for _ in 0..2 {
        till.act(UserAction::TenderCash);
    }
    till.act(UserAction::CashGiven { minor: 500 });
    for _ in 0..3 {
        till.act(UserAction::CashConfirm);
    }
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 1);
    assert_eq!((till.kicks, till.printed.len()), (1, 1));
    assert_eq!(done(&till).paid_by, PaidBy::Cash { given_minor: 500, change_minor: 50 });
    till.act(UserAction::NextSale);
    till.act(UserAction::NextSale);
    assert!(matches!(till.page(), Page::Sale(page) if page.lines.is_empty()));
}

#[test]
fn too_little_cash_is_not_taken() {
    let mut till = Till::in_memory();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 449 });
    till.act(UserAction::CashConfirm);
    assert_eq!(till.notice(), Some(&Notice::NotEnoughCash));
    assert_eq!((till.kicks, till.count(|body| matches!(body, Body::CashTaken { .. }))), (0, 0));
}

#[test]
fn offline_codes_are_refused_with_the_reason_and_cash_goes_on() {
    let mut till = Till::online();
    till.line_lost();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    assert_eq!(till.notice(), Some(&Notice::CodeNeedsNetwork));
    let status = &till.screen.as_ref().unwrap().status;
    assert!(status.cash_works && !status.code_works);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert_eq!(done(&till).order_number, None);
    let receipt = &till.printed[0].receipt;
    assert!(receipt.offline && receipt.qr_text() == "T0001-1-2");
    till.pass(60);
    let unsent = till.screen.as_ref().unwrap().status.unsent.unwrap();
    assert_eq!((unsent.count, unsent.oldest_seconds), (1, 60));
}

#[test]
fn with_a_line_the_number_is_on_the_receipt() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert_eq!(done(&till).order_number, Some(number(1).to_string()));
    assert!(!till.printed[0].receipt.offline);
}

#[test]
fn the_queue_goes_up_in_order_and_each_sale_exactly_once_however_often_the_line_breaks() {
    let mut till = Till::in_memory();
    for _ in 0..3 {
        sell_for_cash(&mut till);
        till.act(UserAction::NextSale);
    }
    till.heartbeat(TerminalState::Active);
    let mut confirmed = Vec::new();
    for (round, random) in (0..60).zip(1_u32..) {
        till.pass(5);
        till.sent.retain(|r| matches!(r, Request::Draft { .. } | Request::Adopt { .. }));
        assert!(till.sent.len() <= 1, "one at a time: {:?}", till.sent);
        match till.sent.pop() {
            // Every second answer is lost, though the server may have done it.
            Some(Request::Draft { sale, .. }) if round % 2 == 0 => {
                till.give(Input::Net(Answer::Draft { sale, result: Err(no_answer()) }));
            }
            Some(Request::Draft { sale, .. }) => till.answer_draft(sale, random),
            Some(Request::Adopt { sale, body, .. }) => {
                assert!(body.cash.is_some());
                confirmed.push(sale);
                let result =
                    if round % 2 == 0 { Err(no_answer()) } else { Ok(Box::new(order(sale, 1, false))) };
                till.give(Input::Net(Answer::Adopt { sale, result }));
            }
            _ => {}
        }
        till.heartbeat(TerminalState::Active);
    }
    confirmed.dedup();
    assert_eq!(confirmed, [2, 4, 6].map(|n| nth_sale(&till, n)), "in order");
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 0);
    assert_eq!(till.count(|body| matches!(body, Body::Adopted { .. })), 3, "one number each");
}

#[test]
fn isolation_a_group_that_is_away_holds_up_no_sale_of_another() {
    let mut till = Till::in_memory();
    for _ in 0..2 {
        sell_for_cash(&mut till);
        till.act(UserAction::NextSale);
    }
    till.heartbeat(TerminalState::Active);
    let (first, second) = (nth_sale(&till, 2), nth_sale(&till, 4));
    let mut taken = Vec::new();
    let mut serve = |till: &mut Till, is_away: bool, seconds: u64| {
        for _ in 0..seconds {
            till.pass(1);
            if let Some(sale) = till.take_draft() {
                let group = if sale == first { 1_u8 } else { 2 };
                let number = OrderNumber::new(NOON, 7, group.try_into().unwrap()).unwrap();
                let business_day = "2025-11-20".parse().unwrap();
                let result = Ok(DraftCreated { number, business_day, jumps: 0 });
                till.give(Input::Net(Answer::Draft { sale, result }));
            }
            let adopt = |r: &Request| if let Request::Adopt { sale, .. } = r { Some(*sale) } else { None };
            let Some(sale) = till.take(adopt) else { continue };
            let result = match is_away && sale == first {
                true => Err(refused(ErrorCode::GroupUnavailable)),
                false => Ok(Box::new(order(sale, 7, false))),
            };
            if result.is_ok() {
                taken.push(sale);
            }
            till.give(Input::Net(Answer::Adopt { sale, result }));
        }
        taken.clone()
    };
    assert_eq!(serve(&mut till, true, 10), [second], "its own group is well");
    assert_eq!(serve(&mut till, false, 45), [second, first]);
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 0);
}

fn nth_sale(till: &Till, which: usize) -> u64 {
    let sales = till.entries().into_iter().filter(|entry| matches!(entry.body, Body::Sale(_)));
    sales.map(|entry| entry.sequence).nth(which / 2 - 1).unwrap()
}

#[test]
fn the_journal_is_handed_in_until_the_server_has_it_all() {
    let mut till = Till::online();
    sell_for_cash(&mut till);
    let mut had = 0;
    for _ in 0..5 {
        till.pass(2);
        let asked = till.take(|r| if let Request::HandIn { body } = r { Some(body.clone()) } else { None });
        for entry in asked.iter().flat_map(|body| &body.entries) {
            let sequence = entry.read_unverified().unwrap().sequence;
            assert_eq!(sequence, had + 1, "in order, none twice");
            had = sequence;
        }
        if let Some(last) = asked.and_then(|body| body.entries.last().cloned()) {
            let head = Head { sequence: had, hash: last.hash(), ..start_head() };
            till.give(Input::Net(Answer::HandIn(Ok(HandedIn { head, quarantined: false }))));
        }
        till.heartbeat(TerminalState::Active);
    }
    let head = till.controller.journal.as_ref().unwrap().head();
    assert_eq!((had, head.sequence), (3, 3));
    assert_eq!(till.controller.journal.as_ref().unwrap().handed_in().unwrap(), 3);
}

#[test]
fn a_sale_that_the_server_cannot_read_does_not_hold_up_the_others() {
    let mut till = Till::in_memory();
    for _ in 0..2 {
        sell_for_cash(&mut till);
        till.act(UserAction::NextSale);
    }
    till.heartbeat(TerminalState::Active);
    till.pass(1);
    let first = till.take_draft().unwrap();
    till.give(Input::Net(Answer::Draft { sale: first, result: Err(refused(ErrorCode::BadRequest)) }));
    till.pass(5);
    let second = till.take_draft().unwrap();
    assert_ne!(first, second);
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 2, "both are still in the queue");
}

/// Two cash sales that wait, of which the server has refused the first; the second has its number.
fn first_refused() -> (Till, u64, u64) {
    let mut till = Till::in_memory();
    for _ in 0..2 {
        sell_for_cash(&mut till);
        till.act(UserAction::NextSale);
    }
    till.heartbeat(TerminalState::Active);
    till.pass(1);
    let first = till.take_draft().unwrap();
    till.give(Input::Net(Answer::Draft { sale: first, result: Err(refused(ErrorCode::BadRequest)) }));
    till.pass(5);
    let second = till.take_draft().unwrap();
    bring_in(&mut till, second, 2);
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 1, "the other one went through");
    (till, first, second)
}

/// The server gives a sale its number and takes it in.
fn bring_in(till: &mut Till, sale: u64, random: u32) {
    till.answer_draft(sale, random);
    till.pass(2);
    let adopt = till.take(|r| if let Request::Adopt { sale, .. } = r { Some(*sale) } else { None });
    assert_eq!(adopt, Some(sale));
    till.give(Input::Net(Answer::Adopt { sale, result: Ok(Box::new(order(sale, random, false))) }));
}

#[test]
fn nothing_lost_a_sale_that_was_refused_is_sent_again_after_a_while_and_taken_in() {
    let (mut till, first, _) = first_refused();
    till.pass(9 * 60);
    assert_eq!(till.take_draft(), None, "not at once");
    till.pass(61);
    assert_eq!(till.take_draft(), Some(first));
    bring_in(&mut till, first, 1);
    assert_eq!(till.screen.as_ref().unwrap().status.unsent.unwrap().count, 0);
}

#[test]
fn nothing_lost_a_sale_that_was_refused_is_sent_again_when_the_server_was_away_behind_all_others() {
    let (mut till, first, second) = first_refused();
    till.line_lost();
    sell_for_cash(&mut till);
    till.act(UserAction::NextSale);
    till.heartbeat(TerminalState::Active);
    till.pass(2);
    let third = till.take_draft().unwrap();
    assert!(third != first && third != second, "what was refused holds up no other");
    bring_in(&mut till, third, 3);
    till.pass(2);
    assert_eq!(till.take_draft(), Some(first), "the servers may have been brought up to date");
}

#[test]
fn a_receipt_that_may_have_come_out_is_offered_as_a_copy_and_never_sent_again_by_itself() {
    let mut till = Till::in_memory();
    sell_for_cash(&mut till);
    let first = till.printed.remove(0);
    assert!(!first.receipt.copy);
    assert_eq!(done(&till).receipt, ReceiptState::Printing);
    till.act(UserAction::PrintCopy);
    assert!(till.printed.is_empty(), "the printer still has it");
    till.give(Input::Printed { job: first.job, report: PrintReport::Unknown });
    assert_eq!(done(&till).receipt, ReceiptState::Unknown);
    till.act(UserAction::PrintReceipt);
    till.pass(30);
    assert!(till.printed.is_empty());
    till.act(UserAction::PrintCopy);
    till.act(UserAction::PrintCopy);
    assert_eq!(till.printed.len(), 1);
    assert!(till.printed[0].receipt.copy && till.printed[0].job != first.job);
    assert_eq!(till.kicks, 1, "no drawer for a copy");
}

#[test]
fn a_receipt_that_surely_did_not_come_out_is_printed_again_as_itself() {
    let mut till = Till::in_memory();
    sell_for_cash(&mut till);
    let first = till.printed.remove(0);
    till.give(Input::Printed { job: first.job, report: PrintReport::NotStarted(PrinterState::PaperOut) });
    assert_eq!(done(&till).receipt, ReceiptState::Failed { printer: PrinterState::PaperOut });
    till.act(UserAction::PrintReceipt);
    till.act(UserAction::PrintReceipt);
    assert_eq!(till.printed, [first]);
}

#[test]
fn the_orders_of_the_day_say_where_each_stands() {
    let mut till = Till::online();
    sell_for_cash(&mut till);
    till.act(UserAction::NextSale);
    till.act(UserAction::OpenOrders);
    match till.page() {
        Page::Orders(page) => {
            assert_eq!(page.orders.len(), 1);
            assert_eq!((page.orders[0].state, page.orders[0].total_minor), (OrderState::PaidUnsent, 450));
        }
        other => panic!("{other:?}"),
    }
    till.printed.clear();
    let job = till.controller.journal.as_ref().unwrap().last_print_job("sale:2").unwrap().unwrap().id;
    till.give(Input::Printed { job, report: PrintReport::Confirmed });
    till.act(UserAction::Reprint { id: "2".into() });
    assert!(till.printed[0].receipt.copy);
}

#[test]
fn an_absurd_amount_of_cash_is_asked_about_before_it_is_believed() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 6_901_234_567_892 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::CashConfirm);
    let asked = till.screen.as_ref().unwrap().confirm.clone();
    let change_minor = 6_901_234_567_892 - 450;
    assert_eq!(asked, Some(Confirm::LargeChange { given_minor: 6_901_234_567_892, change_minor }));
    assert_eq!((till.kicks, till.count(|body| matches!(body, Body::CashTaken { .. }))), (0, 0));
    till.confirm(false);
    assert!(matches!(till.page(), Page::Cash(_)));
    till.act(UserAction::CashGiven { minor: i64::MAX });
    till.act(UserAction::CashConfirm);
    till.confirm(true);
    till.confirm(true);
    assert!(matches!(till.page(), Page::Done(_)), "who insists is believed");
    assert_eq!((till.kicks, till.count(|body| matches!(body, Body::CashTaken { .. }))), (1, 1));
}

#[test]
fn a_receipt_that_waits_behind_another_is_not_called_doubtful() {
    let mut till = Till::online();
    for _ in 0..2 {
        till.scan(TEA);
        till.act(UserAction::TenderCash);
        till.act(UserAction::CashGiven { minor: 450 });
        till.act(UserAction::CashConfirm);
    }
    // The second customer is served; now the first receipt comes out.
    let first = till.printed[0].job;
    till.give(Input::Printed { job: first, report: PrintReport::Confirmed });
    assert!(matches!(till.page(), Page::Done(page) if page.receipt == ReceiptState::Printing));
    let second = till.printed[1].job;
    till.act(UserAction::PrintCopy);
    assert_eq!(till.printed.len(), 2, "what is being printed is not printed again");
    till.give(Input::Printed { job: second, report: PrintReport::Confirmed });
    assert!(matches!(till.page(), Page::Done(page) if page.receipt == ReceiptState::Printed));
}
