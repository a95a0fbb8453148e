//! Earlier sales: found by everything that somebody may have in hand, and printed again as what they are, copies.

use super::rig::*;
use crate::controller::*;
use crate::journal_store::{JournalStore, SalesWanted};
use crate::sync::{Answer, PaymentQuestion};
use crate::view::{
    AttemptEnd, DayStep, OrderAdvice, OrderPage, OrderState, OrderTender, OrdersHint, OrdersPage, Page,
};
use evertill_shared::payment::PaymentState;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn sell_tea(till: &mut Till, random: u32) -> u64 {
    let sale = till.cash_for_tea(random);
    till.act(UserAction::NextSale);
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    sale
}

fn list(till: &Till) -> &OrdersPage {
    let Page::Orders(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

fn one(till: &Till) -> &OrderPage {
    let Page::Order(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

fn search(till: &mut Till, text: &str) -> usize {
    till.act(UserAction::SetOrderSearch(text.into()));
    list(till).orders.len()
}

fn days_pass(till: &mut Till, days: u32) {
    till.now.wall = till.now.wall.plus(DAY * days);
    till.now.monotonic += DAY * days;
    till.give(Input::Tick);
    till.heartbeat(TerminalState::Active);
}

#[test]
fn orders_are_found_by_number_amount_time_and_day() {
    let mut till = Till::online();
    let first = sell_tea(&mut till, 1);
    days_pass(&mut till, 3);
    till.scan(BREAD);
    let second = sell_tea(&mut till, 2);
    till.act(UserAction::OpenOrders);
    assert_eq!(list(&till).orders.len(), 1, "today's only: {:?}", list(&till));
    assert!(list(&till).is_today && list(&till).has_earlier_day && !list(&till).has_later_day);

    assert_eq!(search(&mut till, "4.5"), 1);
    assert_eq!(list(&till).orders[0].id, first.to_string(), "an amount is looked for on all days");
    assert_eq!(list(&till).orders[0].time, "11-20 20:00");
    assert_eq!((search(&mut till, "12.50"), search(&mut till, "99")), (1, 0));
    assert_eq!((search(&mut till, "20:00"), search(&mut till, "19:59")), (1, 0));
    assert_eq!(search(&mut till, "2025-11-20"), 1);
    assert_eq!(list(&till).orders[0].id, first.to_string());
    assert!(list(&till).has_later_day && !list(&till).has_earlier_day);
    till.act(UserAction::OrdersOf(DayStep::Later));
    assert_eq!((list(&till).orders[0].id.clone(), list(&till).is_today), (second.to_string(), true));
    till.act(UserAction::OrdersOf(DayStep::Earlier));
    assert_eq!((list(&till).day.as_str(), list(&till).search.as_str()), ("2025-11-20", ""));
    till.act(UserAction::OrdersOf(DayStep::Today));
    assert!(list(&till).is_today);

    let typed = number(1).to_string();
    assert_eq!((search(&mut till, &typed[..20]), list(&till).hint), (0, OrdersHint::MoreDigits { have: 20 }));
    let slip = typed.replacen("2025", "2035", 1);
    assert_eq!((search(&mut till, &slip), list(&till).hint), (0, OrdersHint::Mistyped));
    assert_eq!(search(&mut till, &number(1).grouped()), 1);
    till.act(UserAction::SubmitOrderSearch(typed));
    assert_eq!(one(&till).id, first.to_string());
    till.act(UserAction::Back);
    assert_eq!(list(&till).hint, OrdersHint::Named, "back where it was found");
    till.act(UserAction::SubmitOrderSearch(number(77).to_string()));
    assert_eq!(till.notice(), Some(&Notice::OrderNotHere { number: number(77).to_string() }));
    till.act(UserAction::SubmitOrderSearch(format!("t0001-1-{second}")));
    assert_eq!(one(&till).id, second.to_string());
}

/// How often the journal was searched since this was asked last.
fn looks() -> usize {
    LOOKS.replace(0)
}

#[test]
fn an_open_list_is_looked_for_once_and_again_only_when_it_may_be_another() {
    let mut till = super::approval::served_by("bo");
    till.heartbeat(TerminalState::Active);
    let first = till.cash_for_tea(1);
    till.act(UserAction::NextSale);
    till.act(UserAction::OpenOrders);
    assert_eq!((search(&mut till, "4.50"), list(&till).orders[0].state), (1, OrderState::PaidUnsent));
    looks();
    till.pass(20);
    till.scan("nothing that anybody knows");
    till.act(UserAction::OpenOrders);
    assert_eq!(looks(), 0, "time, scans and touches that change nothing");
    search(&mut till, "4.50");
    assert_eq!(looks(), 1, "looked for by a person: once");
    till.give(Input::Net(Answer::Adopt { sale: first, result: Ok(Box::new(order(first, 1, false))) }));
    assert_eq!((looks(), list(&till).orders[0].state), (1, OrderState::Paid), "the server has it now");
    // Behind the lock, over night.
    till.act(UserAction::Lock);
    till.pass(60);
    till.line_lost();
    till.heartbeat(TerminalState::Active);
    assert_eq!(looks(), 0);
    super::duty::log_in(&mut till, "bo");
    assert_eq!((looks(), list(&till).orders.len()), (0, 1));
    // By a number it is the same.
    search(&mut till, &number(1).to_string());
    looks();
    till.pass(20);
    assert_eq!((looks(), list(&till).orders.len()), (0, 1));
    // A new day is another list.
    search(&mut till, "");
    assert_eq!((looks(), list(&till).orders.len()), (1, 1));
    days_pass(&mut till, 1);
    super::duty::log_in(&mut till, "bo");
    assert!(list(&till).orders.is_empty(), "{:?}", list(&till));
}

#[test]
fn a_file_of_the_archive_that_is_missing_is_looked_for_and_logged_once() {
    let mut till = Till::with(Box::new(JournalStore::in_memory(start_head(), key(), NOON).unwrap()), NOON);
    till.heartbeat(TerminalState::Active);
    sell_tea(&mut till, 1);
    till.act(UserAction::OpenOrders);
    looks();
    MISSING.set(Some("T0001-1.jsonl.gz"));
    search(&mut till, "4.50");
    till.pass(50);
    assert_eq!((looks(), list(&till).archive_missing.as_deref()), (1, Some("T0001-1.jsonl.gz")));
    // It was put back: whoever looks again finds it.
    MISSING.set(None);
    assert_eq!((search(&mut till, "4.50"), looks()), (1, 1));
    assert_eq!(list(&till).archive_missing, None);
}

#[test]
fn a_long_day_is_turned_page_by_page_and_none_is_missed() {
    let mut till = Till::online();
    let sold: Vec<u64> = (0..95).map(|random| sell_tea(&mut till, random)).collect();
    till.act(UserAction::OpenOrders);
    let mut seen = Vec::new();
    loop {
        seen.extend(list(&till).orders.iter().map(|row| row.id.parse::<u64>().unwrap()));
        if !list(&till).has_older {
            break;
        }
        till.act(UserAction::TurnOrders { older: true });
        assert!(list(&till).has_newer);
    }
    seen.reverse();
    assert_eq!(seen, sold);
    till.act(UserAction::TurnOrders { older: true });
    assert!(!list(&till).orders.is_empty(), "behind the last page is none");
    (0..5).for_each(|_| till.act(UserAction::TurnOrders { older: false }));
    assert_eq!(list(&till).orders[0].id, sold[94].to_string());
}

#[test]
fn a_scanned_receipt_opens_its_order_from_every_page_that_may_be_left() {
    let mut till = Till::online();
    let sale = sell_tea(&mut till, 1);
    let (code, own) = (number(1).to_string(), format!("T0001-1-{sale}"));
    for open in
        [None, Some(UserAction::OpenRefunds), Some(UserAction::OpenOrders), Some(UserAction::OpenAbout)]
    {
        for code in [&code, &own] {
            if let Some(open) = open.clone() {
                till.act(open);
            }
            till.scan(code);
            assert_eq!((one(&till).id.clone(), till.notice()), (sale.to_string(), None), "{open:?}");
            till.scan(code);
            assert_eq!(one(&till).id, sale.to_string(), "scanned again on its own page");
            till.act(UserAction::Back);
            till.act(UserAction::Back);
            assert!(matches!(till.page(), Page::Sale(_)));
        }
    }
    // A cart in hand waits; what a customer brings goes into it.
    till.scan(TEA);
    till.scan(&code);
    assert_eq!(one(&till).id, sale.to_string());
    till.scan(BREAD);
    let Page::Sale(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!(page.lines.len(), 2);
    // What is being paid is not left.
    till.act(UserAction::TenderCode);
    till.scan(&code);
    assert_eq!(till.notice(), Some(&Notice::OrderCodeAtTender));
    assert!(matches!(till.page(), Page::AwaitCode(_)));
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 2);
    till.scan(WECHAT);
    assert!(till.take_pay().is_some(), "a payment code is one all the same");
    till.scan(&code);
    assert_eq!(till.notice(), Some(&Notice::SaleUnderWay));
}

#[test]
fn orders_of_other_tills_goods_and_payment_codes_are_told_apart() {
    let mut till = Till::online();
    sell_tea(&mut till, 1);
    for other in [number(9).to_string(), "T0002-1-2".into(), "T0001-2-2".into(), "T0001-1-99".into()] {
        till.scan(&other);
        assert_eq!(till.notice(), Some(&Notice::OrderNotHere { number: other }));
        assert!(matches!(till.page(), Page::Sale(_)));
    }
    till.scan(WECHAT);
    assert_eq!(till.notice(), Some(&Notice::PaymentCodeBeforeTender));
    // Goods may be named with any digits: they are goods, unless the number is that of an order in these books.
    let mut goods = products();
    let by_piece = goods.iter_mut().find(|product| !product.sold_by_weight).unwrap();
    by_piece.barcodes = vec![number(9).to_string(), number(1).to_string()];
    till.give(goods_on_disk(&goods));
    till.scan(&number(9).to_string());
    let Page::Sale(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!((page.lines.len(), till.notice()), (1, None));
    till.scan(&number(1).to_string());
    assert!(matches!(till.page(), Page::Order(_)));
}

#[test]
fn an_orders_page_tells_its_whole_story_and_what_to_do() {
    let mut till = Till::online();
    let (sale, attempt) = till.pay_for_tea();
    till.answer_payment((sale, attempt), PaymentQuestion::Pay, PaymentState::Declined);
    till.act(UserAction::TenderCode);
    till.scan("134567890123456780");
    let again = till.take_pay().unwrap();
    till.answer_payment(again, PaymentQuestion::Pay, PaymentState::Paid);
    till.scan(&number(1).to_string());
    let page = one(&till);
    assert_eq!((page.state, page.advice), (OrderState::Paid, OrderAdvice::Nothing));
    assert_eq!(page.number.as_deref(), Some(number(1).grouped().as_str()));
    assert_eq!((page.lines.len(), page.lines[0].total_minor, page.total_minor), (1, 450, 450));
    assert!(
        matches!(page.attempts[0].end, AttemptEnd::Declined(_)) && page.attempts[1].end == AttemptEnd::Paid
    );
    assert!(matches!(&page.tenders[..], [OrderTender::Wallet { transaction: Some(t), .. }] if t == "4200"));
    days_pass(&mut till, 1);
    assert_eq!(one(&till).advice, OrderAdvice::AnotherDay);

    till.act(UserAction::Back);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.scan(&format!("T0001-1-{sale}"));
    assert_eq!((one(&till).state, one(&till).advice), (OrderState::PaidUnsent, OrderAdvice::SendsItself));
}

#[test]
fn copies_are_counted_over_restarts_and_stand_in_no_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    let sale = sell_tea(&mut till, 1);
    let original = till.printed.remove(0);
    till.give(Input::Printed { job: original.job, report: PrintReport::Confirmed });
    till.kicks = 0;
    let entries = till.entries().len();
    let copy = |till: &mut Till, report: PrintReport| {
        till.scan(&number(1).to_string());
        till.act(UserAction::PrintCopy);
        till.act(UserAction::PrintCopy);
        assert_eq!(till.printed.len(), 1, "a second touch while it prints prints nothing");
        let order = till.printed.remove(0);
        till.give(Input::Printed { job: order.job, report });
        assert!(order.receipt.copy);
        (order.receipt.copy_number, one(till).copies)
    };
    assert_eq!(copy(&mut till, PrintReport::Confirmed), (1, 1));
    // Nobody knows whether it came out: it counts.
    assert_eq!(copy(&mut till, PrintReport::Unknown), (2, 2));
    // Not a byte went out: there is no such paper.
    assert_eq!(copy(&mut till, PrintReport::NotStarted(PrinterState::PaperOut)), (3, 2));
    till.act(UserAction::PrintReceipt);
    let again = till.printed.remove(0);
    assert_eq!((again.receipt.copy_number, again.receipt.copy), (3, true), "the same copy, still marked");
    till.give(Input::Printed { job: again.job, report: PrintReport::Confirmed });
    assert_eq!(one(&till).copies, 3);

    till.controller.journal = None;
    let journal = JournalStore::open(&path, start_head(), key(), till.now.wall).unwrap();
    let mut till = Till::with(Box::new(journal), till.now.wall);
    assert_eq!(till.entries().len(), entries, "a copy is no entry");
    assert_eq!(copy(&mut till, PrintReport::Confirmed), (4, 4));
    till.act(UserAction::Back);
    till.act(UserAction::OpenOrders);
    till.act(UserAction::Reprint { id: sale.to_string() });
    assert_eq!(till.printed.remove(0).receipt.copy_number, 5);
    assert_eq!((till.kicks, till.entries().len()), (0, entries), "no drawer, no entry");
}

#[test]
fn earlier_sales_are_found_by_the_journal_that_older_programs_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    let sale = sell_tea(&mut till, 1);
    drop(till);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(
        "DROP INDEX sale_time; DROP INDEX sale_total; DROP INDEX sale_number; DROP INDEX refund_number",
    )
    .unwrap();
    drop(raw);
    let journal = JournalStore::open(&path, start_head(), key(), NOON).unwrap();
    let wanted = SalesWanted { total_minor: Some(450), limit: 5, ..SalesWanted::default() };
    assert_eq!(journal.find_sales(&wanted).unwrap()[0].record.sequence, sale);
    assert_eq!(journal.sale_of_order(number(1)).unwrap().unwrap().record.sequence, sale);
    drop(journal);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let indexes: u32 =
        raw.query_row("SELECT count(*) FROM sqlite_master WHERE name IN ('sale_time', 'sale_total', 'sale_number', 'refund_number')", [], |row| row.get(0)).unwrap();
    assert_eq!(indexes, 4);
}
