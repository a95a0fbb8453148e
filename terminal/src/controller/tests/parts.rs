//! A part in cash and the rest by a wallet: the cash stays where it is, whatever becomes of the rest.

use super::approval::served_by;
use super::duty::{cashier, log_in};
use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, PaymentQuestion as Q};
use crate::view::{
    CashBalance, CashPage, CashRest, Confirm, Page, PaidBy, PaymentState as Shown, ReportLine, ReportSum,
};
use evertill_shared::id::{Attempt, RefundId};
use evertill_shared::journal::Entry;
use evertill_shared::order::WalletPart;
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{RefundInbox, RefundOrder};
use evertill_shared::receipt::ReceiptTender;
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::wallet::Wallet;

fn cash(till: &Till) -> &CashPage {
    match till.page() {
        Page::Cash(page) => page,
        other => panic!("{other:?}"),
    }
}

fn give(till: &mut Till, minor: i64) {
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor });
}

/// Tea for 450, of which 200 is in the drawer; the rest is to be scanned.
pub fn part_of_tea(till: &mut Till) -> u64 {
    part_of_tea_under(till, 1)
}

/// The same, under that number.
pub fn part_of_tea_under(till: &mut Till, random: u32) -> u64 {
    till.scan(TEA);
    give(till, 200);
    assert_eq!(cash(till).rest, CashRest::ByWallet);
    till.act(UserAction::CashPart);
    let sale = till.controller.frozen.unwrap();
    if let Some(sale) = till.take_draft() {
        till.answer_draft(sale, random);
    }
    sale
}

/// The part goes back to the customer of the sale in hand.
pub fn give_back(till: &mut Till) {
    till.act(UserAction::Back);
    till.act(UserAction::CashBack);
    till.confirm(true);
}

pub fn scan_rest(till: &mut Till) -> (u64, Attempt) {
    till.scan(WECHAT);
    till.take_pay().unwrap()
}

fn amounts(till: &Till) -> Vec<(i64, i64)> {
    let asked = |entry: Entry| match entry.body {
        Body::RestRequested { amount, cash, .. } => Some((amount.minor, cash.minor)),
        Body::PaymentRequested { amount, .. } => Some((amount.minor, 0)),
        _ => None,
    };
    till.entries().into_iter().filter_map(asked).collect()
}

pub fn parts_back(till: &Till) -> usize {
    till.count(|body| matches!(body, Body::CashPartBack { .. }))
}

#[test]
fn the_part_is_in_the_drawer_before_the_wallet_is_asked_for_the_rest() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    assert_eq!((till.kicks, till.count(|body| matches!(body, Body::CashPart { .. }))), (1, 1));
    match till.page() {
        Page::AwaitCode(page) => assert_eq!((page.total_minor, page.part_minor), (450, 200)),
        other => panic!("{other:?}"),
    }
    let attempt = scan_rest(&mut till);
    assert_eq!(amounts(&till), [(250, 200)]);
    assert!(matches!(till.page(), Page::Payment(page) if (page.total_minor, page.part_minor) == (450, 200)));
    till.answer_payment(attempt, Q::Pay, P::Paid);
    let Page::Done(page) = till.page() else { panic!() };
    let split = PaidBy::Split { cash_minor: 200, wallet: crate::view::Wallet::WeChatPay, wallet_minor: 250 };
    assert_eq!((page.total_minor, page.paid_by), (450, split));
    let tenders = &till.printed[0].receipt.tenders;
    assert!(
        matches!(tenders[0], ReceiptTender::Cash { given, change } if (given, change) == (cny(200), cny(0)))
    );
    assert!(matches!(tenders[1], ReceiptTender::Wallet { amount, .. } if amount == cny(250)));
    assert_eq!((tenders.len(), till.kicks), (2, 1), "the drawer opened once, for the cash");
}

#[test]
fn a_part_is_taken_once_however_often_it_is_pressed_and_leaves_something() {
    let mut till = Till::online();
    till.scan(TEA);
    for minor in [0, 450, 500] {
        give(&mut till, minor);
        assert_ne!(cash(&till).rest, CashRest::ByWallet);
        till.act(UserAction::CashPart);
        assert_eq!(till.count(|body| matches!(body, Body::CashPart { .. })), 0, "{minor}");
    }
    give(&mut till, 449);
    for _ in 0..3 {
        till.act(UserAction::CashPart);
    }
    assert_eq!((till.count(|body| matches!(body, Body::CashPart { .. })), till.kicks), (1, 1));
}

#[test]
fn after_a_payment_that_failed_the_cash_is_in_place_and_another_code_pays_the_same_rest() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    let (sale, first) = scan_rest(&mut till);
    till.answer_payment((sale, first), Q::Pay, P::Declined);
    assert!(matches!(till.page(), Page::Payment(page) if page.part_minor == 200));
    till.act(UserAction::TenderCode);
    till.scan("134567890123456780");
    let second = till.take_pay().unwrap();
    assert_eq!(second, (sale, first + 1));
    till.answer_payment(second, Q::Pay, P::Paid);
    assert_eq!(amounts(&till), [(250, 200), (250, 200)]);
    assert_eq!((parts_back(&till), till.kicks), (0, 1));
}

#[test]
fn after_a_payment_that_failed_the_rest_can_be_paid_in_cash_too() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Reversed);
    till.act(UserAction::TenderCash);
    let page = cash(&till);
    assert_eq!((page.part_minor, page.balance), (200, CashBalance::Missing { minor: 250 }));
    till.act(UserAction::CashGiven { minor: 249 });
    till.act(UserAction::CashConfirm);
    assert_eq!(till.notice(), Some(&Notice::NotEnoughCash));
    till.act(UserAction::CashGiven { minor: 300 });
    till.act(UserAction::CashConfirm);
    let Page::Done(page) = till.page() else { panic!() };
    assert_eq!(page.paid_by, PaidBy::Cash { given_minor: 500, change_minor: 50 });
    let rest = |body: &Body| matches!(body, Body::CashRest { given, change, part, .. } if (given.minor, change.minor, part.minor) == (300, 50, 200));
    assert_eq!((till.count(rest), till.kicks), (1, 2));
}

#[test]
fn a_sale_with_a_part_in_the_drawer_is_not_left_until_it_went_back() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    till.act(UserAction::Back);
    assert_eq!(cash(&till).part_minor, 200);
    for action in [UserAction::Back, UserAction::OpenHeld, UserAction::VoidSale, UserAction::OpenOrders] {
        till.act(action);
        assert!(matches!(till.page(), Page::Cash(_)));
    }
    till.scan(BREAD);
    assert_eq!(till.notice(), Some(&Notice::SaleUnderWay), "the goods are what they were");
    till.act(UserAction::CashBack);
    assert_eq!(till.screen.as_ref().unwrap().confirm, Some(Confirm::CashBack { minor: 200 }));
    till.confirm(false);
    assert_eq!(parts_back(&till), 0);
    till.act(UserAction::CashBack);
    till.confirm(true);
    till.confirm(true);
    assert_eq!((parts_back(&till), till.kicks), (1, 2));
    assert!(matches!(till.notice(), Some(Notice::HandBack { minor: 200, .. })));
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 450));
    till.act(UserAction::VoidSale);
    till.confirm(true);
    assert_eq!(till.count(|body| matches!(body, Body::SaleVoided { .. })), 1);
}

#[test]
fn while_the_payment_is_unknown_nothing_of_it_can_be_changed() {
    let mut till = Till::online();
    part_of_tea(&mut till);
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Unknown);
    let before = till.entries().len();
    for action in [
        UserAction::TenderCash,
        UserAction::CashGiven { minor: 300 },
        UserAction::CashConfirm,
        UserAction::CashPart,
        UserAction::CashBack,
        UserAction::Back,
        UserAction::TenderCode,
        UserAction::VoidSale,
    ] {
        till.act(action);
    }
    assert_eq!((till.entries().len(), till.kicks), (before, 1));
    assert!(matches!(till.page(), Page::Payment(page) if matches!(page.state, Shown::Unknown { .. })));
}

#[test]
fn offline_or_with_a_server_from_before_no_part_is_taken_and_what_was_taken_ends_in_cash() {
    let mut till = Till::online();
    let mut before = till.status(TerminalState::Active);
    before.splits = false;
    till.give(Input::Net(Answer::Heartbeat(Ok(before))));
    till.scan(TEA);
    give(&mut till, 200);
    assert_eq!(cash(&till).rest, CashRest::NotNow);
    till.act(UserAction::CashPart);
    assert_eq!(till.count(|body| matches!(body, Body::CashPart { .. })), 0);
    till.heartbeat(TerminalState::Active);
    till.act(UserAction::CashPart);
    till.line_lost();
    give(&mut till, 250);
    assert_eq!(cash(&till).rest, CashRest::NotNow);
    till.act(UserAction::CashConfirm);
    let Page::Done(page) = till.page() else { panic!() };
    assert_eq!(page.paid_by, PaidBy::Cash { given_minor: 450, change_minor: 0 });
    assert!(till.printed[0].receipt.offline);
}

pub fn start(path: &std::path::Path) -> Till {
    let mut till = Till::at(&path.join("till.db"));
    till.heartbeat(TerminalState::Active);
    till
}

#[test]
fn killed_between_the_part_and_the_payment_the_till_comes_back_with_the_part_in_place() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    part_of_tea(&mut till);
    drop(till);
    let mut till = start(disk.path());
    assert_eq!((cash(&till).part_minor, cash(&till).balance), (200, CashBalance::Missing { minor: 250 }));
    assert_eq!(till.kicks, 0, "no drawer opens by itself");
    till.act(UserAction::CashPart);
    let attempt = scan_rest(&mut till);
    drop(till);
    // Killed with the payment under way, too: asked about, and never charged anew.
    let mut till = start(disk.path());
    assert!(matches!(till.page(), Page::Payment(page) if (page.total_minor, page.part_minor) == (450, 200)));
    assert_eq!(till.take_ask(), Some(attempt));
    till.payment_error(attempt, Q::Ask, refused(ErrorCode::NotFound));
    assert_eq!(till.take_take_back(), Some(attempt));
    till.answer_payment(attempt, Q::TakeBack, P::Reversed);
    till.act(UserAction::Back);
    assert_eq!(cash(&till).part_minor, 200);
    assert_eq!(amounts(&till), [(250, 200)]);
}

#[test]
fn killed_when_the_part_was_to_go_back_the_till_says_so_again() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    part_of_tea(&mut till);
    give_back(&mut till);
    drop(till);
    let till = start(disk.path());
    assert!(matches!(till.notice(), Some(Notice::HandBack { minor: 200, .. })));
    assert!(matches!(till.page(), Page::Sale(page) if page.total_minor == 450));
    assert_eq!(parts_back(&till), 1);
}

#[test]
fn a_part_that_went_back_long_ago_is_not_handed_back_a_second_time() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    part_of_tea(&mut till);
    give_back(&mut till);
    till.act(UserAction::TenderCode);
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Declined);
    assert_eq!(amounts(&till), [(450, 0)], "all of it, now that no part is in the drawer");
    drop(till);
    let till = start(disk.path());
    assert_eq!(till.notice(), None);
}

#[test]
fn the_drawer_and_the_day_count_each_part_where_its_money_is() {
    let mut till = Till::online();
    till.controller.write(&Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None });
    let expected = |till: &Till| {
        let shift = till.controller.journal.as_ref().unwrap().last_shift().unwrap().unwrap();
        let wallets: i64 = shift.totals.wallet_sales.values().map(|tally| tally.minor).sum();
        (shift.totals.expected().minor, wallets, shift.totals.sales())
    };
    part_of_tea(&mut till);
    assert_eq!(expected(&till).0, 1_200, "in the drawer as soon as it is taken");
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Paid);
    let (drawer, wallets, sales) = expected(&till);
    assert_eq!((drawer, wallets, sales.count, sales.minor), (1_200, 250, 1, 450));
}

#[test]
fn who_takes_a_part_and_who_gives_it_back_sign_for_it_and_the_report_counts_it() {
    let mut till = served_by("mei");
    till.controller.write(&Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None });
    part_of_tea(&mut till);
    // The sale stays in the name of who took the part; who gives it back is somebody else.
    till.act(UserAction::Lock);
    log_in(&mut till, "lin");
    give_back(&mut till);
    assert!(matches!(till.page(), Page::Sale(_)), "in front of the customer it takes no right");
    let (mei, lin) = (Some(cashier("mei", "Mei")), Some(cashier("lin", "Lin")));
    let taken = |body: &Body| matches!(body, Body::CashPart { cashier, .. } if *cashier == mei);
    let back = |body: &Body| matches!(body, Body::CashPartBack { later: false, cashier, approved_by: None, .. } if *cashier == lin);
    assert_eq!((till.count(taken), till.count(back)), (1, 1));
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.act(UserAction::OpenDrawerPage);
    till.act(UserAction::ReadShift);
    let Page::Report(page) = till.page() else { panic!("{:?}", till.page()) };
    let counted = ReportLine { of: ReportSum::PartsBack, count: Some(1), minor: Some(200) };
    assert!(page.lines.contains(&counted), "{:?}", page.lines);
    till.act(UserAction::PrintReport);
    let template = evertill_shared::receipt::template::Template::default();
    for (language, words) in
        [(Language::English, "Cash parts back (1)"), (Language::Chinese, "部分现金退回 (1)")]
    {
        let look = crate::print::Look { language, template: &template };
        let text = crate::print::document(&till.printed.last().unwrap().receipt, look).to_text(42);
        assert!(text.contains(words), "{text}");
    }
}

fn refund(id: &str, minor: i64, paid_by: evertill_shared::order::PaidBy) -> RefundOrder {
    let refund = Refund {
        id: RefundId(id.into()),
        order: number(1),
        amount: cny(minor),
        state: RefundState::Reserved,
        requested_by: "Mei".into(),
        reason: "broken".into(),
        requested_at: NOON,
        refused: None,
    };
    RefundOrder { refund, paid_by, next_at: None }
}

#[test]
fn a_refund_of_both_parts_goes_to_the_wallet_and_out_of_the_drawer() {
    let mut till = Till::online();
    till.controller.write(&Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None });
    part_of_tea(&mut till);
    let attempt = scan_rest(&mut till);
    till.answer_payment(attempt, Q::Pay, P::Paid);
    till.act(UserAction::NextSale);
    (till.kicks, till.printed) = (0, Vec::new());
    let part = WalletPart { wallet: Wallet::WeChatPay, transaction: "T".into(), amount: cny(250) };
    let split = evertill_shared::order::PaidBy::through(cny(450), part);
    let refunds = vec![refund("R1", 250, split.one_part(false)), refund("R2", 200, split.one_part(true))];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox {
        refunds: refunds.clone(),
        groups_unreachable: 0,
    }))));
    till.act(UserAction::OpenRefunds);
    for item in refunds {
        till.act(UserAction::CarryOutRefund { id: item.refund.id.0.clone() });
        till.confirm(true);
        let done = Refund { state: RefundState::Done, ..item.refund.clone() };
        till.give(Input::Net(Answer::CarryOutRefund { refund: item.refund.id, result: Ok(done) }));
    }
    let cash = |body: &Body| matches!(body, Body::CashRefund { amount, .. } if *amount == cny(200));
    let wallet = |body: &Body| matches!(body, Body::RefundCarriedOut { amount, .. } if *amount == cny(250));
    assert_eq!((till.count(cash), till.count(wallet), till.kicks), (1, 1, 1));
    let shift = till.controller.journal.as_ref().unwrap().last_shift().unwrap().unwrap();
    assert_eq!((shift.totals.cash_refunds.minor, shift.totals.expected().minor), (200, 1_000));
    assert_eq!(shift.totals.wallet_refunds.values().map(|tally| tally.minor).sum::<i64>(), 250);
    assert_eq!(till.printed.len(), 2);
}

/// The server asks for a refund of what was paid in cash of an order that is in no journal of this till: its disk was replaced.
fn cash_refund_of_an_earlier_journal(till: &mut Till) -> Refund {
    let paid_by = evertill_shared::order::PaidBy::Cash { given: cny(200), change: cny(0) };
    let order = refund("R1", 200, paid_by);
    let refunds = vec![order.clone()];
    till.give(Input::Net(Answer::Refunds(Ok(RefundInbox { refunds, groups_unreachable: 0 }))));
    till.act(UserAction::OpenRefunds);
    till.act(UserAction::CarryOutRefund { id: "R1".into() });
    till.confirm(true);
    Refund { state: RefundState::Done, ..order.refund }
}

#[test]
fn a_cash_refund_of_a_sale_that_is_in_no_journal_here_leaves_the_drawer_and_its_books() {
    let mut till = Till::online();
    till.controller.write(&Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None });
    let done = cash_refund_of_an_earlier_journal(&mut till);
    till.give(Input::Net(Answer::CarryOutRefund { refund: done.id.clone(), result: Ok(done) }));
    assert_eq!(till.kicks, 1, "the customer gets the money");
    let totals = till.controller.journal.as_ref().unwrap().last_shift().unwrap().unwrap().totals;
    assert_eq!((totals.cash_refunds.minor, totals.other_refunds.minor), (200, 0));
    assert_eq!(totals.expected().minor, 800);
}

#[test]
fn a_cash_refund_of_an_earlier_journal_that_ends_after_a_restart_is_told() {
    let disk = tempfile::tempdir().unwrap();
    let mut till = start(disk.path());
    let done = cash_refund_of_an_earlier_journal(&mut till);
    drop(till);
    let mut till = start(disk.path());
    let (refund, order_number) = (done.id.clone(), number(1).to_string());
    till.give(Input::Net(Answer::CarryOutRefund { refund: done.id.clone(), result: Ok(done) }));
    let told = Notice::RefundToPayOut { refund, order_number, amount_minor: 200 };
    assert_eq!((till.notice(), till.kicks), (Some(&told), 0), "no drawer opens by itself");
}
