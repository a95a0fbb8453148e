//! Earlier sales: the list, and one of them.

use super::generated::{
    MainWindow, Order, OrderAdviceKind, OrderData, OrderEntryData, OrderEntryKind, OrderKind, OrderLineData,
    Orders, OrdersHintKind,
};
use super::money::format_amount;
use super::pages::{refund_kind, refusal_kind};
use super::payment::{decline, receipt_kind};
use super::status::whole;
use super::{Act, list, wallets};
use crate::view::{
    AttemptEnd, DayStep, MoneyStyle, OrderAdvice, OrderAttempt, OrderLine, OrderPage, OrderRefund, OrderRow,
    OrderState, OrderTender, OrdersHint, OrdersPage, RefundState, UserAction,
};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let orders = window.global::<Orders>();
    let send = act.clone();
    orders.on_reprint(move |id| send(UserAction::Reprint { id: id.into() }));
    let send = act.clone();
    orders.on_open(move |id| send(UserAction::OpenOrder { id: id.into() }));
    let send = act.clone();
    orders.on_set_search(move |text| send(UserAction::SetOrderSearch(text.into())));
    let send = act.clone();
    orders.on_submit_search(move |text| send(UserAction::SubmitOrderSearch(text.into())));
    let send = act.clone();
    orders.on_turn(move |older| send(UserAction::TurnOrders { older }));
    let send = act.clone();
    orders.on_step_day(move |step| {
        send(UserAction::OrdersOf(match step.as_str() {
            "earlier" => DayStep::Earlier,
            "later" => DayStep::Later,
            _ => DayStep::Today,
        }));
    });
    let order = window.global::<Order>();
    let send = act.clone();
    order.on_print_receipt(move || send(UserAction::PrintReceipt));
    let send = act.clone();
    order.on_print_copy(move || send(UserAction::PrintCopy));
}

pub fn show_list(window: &MainWindow, page: &OrdersPage, money: &MoneyStyle) {
    let view = window.global::<Orders>();
    let items = page.orders.iter().map(|order| order_data(order, money)).collect();
    if let Some(items) = list::update(&view.get_items(), items) {
        view.set_items(items);
    }
    let (hint, count, text) = match page.hint {
        OrdersHint::Day => (OrdersHintKind::Day, 0, String::new()),
        OrdersHint::Time => (OrdersHintKind::Time, 0, String::new()),
        OrdersHint::Named => (OrdersHintKind::Named, 0, String::new()),
        OrdersHint::Amount { minor } => (OrdersHintKind::Amount, 0, format_amount(minor, money)),
        OrdersHint::MoreDigits { have } => (OrdersHintKind::MoreDigits, whole(have), String::new()),
        OrdersHint::TooManyDigits { have } => (OrdersHintKind::TooManyDigits, whole(have), String::new()),
        OrdersHint::Mistyped => (OrdersHintKind::Mistyped, 0, String::new()),
        OrdersHint::NotUnderstood => (OrdersHintKind::NotUnderstood, 0, String::new()),
    };
    let (hint, count, text) = match &page.archive_missing {
        Some(file) => (OrdersHintKind::ArchiveMissing, 0, file.clone()),
        None => (hint, count, text),
    };
    view.set_hint(hint);
    view.set_hint_count(count);
    view.set_hint_text(text.into());
    view.set_day(page.day.as_str().into());
    view.set_is_today(page.is_today);
    view.set_has_newer(page.has_newer);
    view.set_has_older(page.has_older);
    view.set_has_earlier_day(page.has_earlier_day);
    view.set_has_later_day(page.has_later_day);
    // The box belongs to the person who is typing; it is emptied when a search has ended.
    if page.search.is_empty() && !view.get_shown_search().is_empty() {
        view.set_search(slint::SharedString::new());
    }
    view.set_shown_search(page.search.as_str().into());
}

fn order_data(order: &OrderRow, money: &MoneyStyle) -> OrderData {
    OrderData {
        id: order.id.as_str().into(),
        number: order.number.as_str().into(),
        time: order.time.as_str().into(),
        total: format_amount(order.total_minor, money).into(),
        state: order_kind(order.state),
        can_reprint: order.can_reprint,
    }
}

fn order_kind(state: OrderState) -> OrderKind {
    match state {
        OrderState::Open => OrderKind::Open,
        OrderState::Paid => OrderKind::Paid,
        OrderState::PaidUnsent => OrderKind::PaidUnsent,
        OrderState::Unknown => OrderKind::Unknown,
        OrderState::Reversed => OrderKind::Reversed,
        OrderState::NotPaid => OrderKind::NotPaid,
        OrderState::PartlyRefunded => OrderKind::PartlyRefunded,
        OrderState::Refunded => OrderKind::Refunded,
        OrderState::Quarantined => OrderKind::Quarantined,
    }
}

pub fn show_one(window: &MainWindow, page: &OrderPage, money: &MoneyStyle) {
    let view = window.global::<Order>();
    view.set_number(page.number.as_deref().unwrap_or_default().into());
    view.set_sale_number(page.sale_number.as_str().into());
    view.set_at(page.at.as_str().into());
    view.set_cashier(page.cashier.as_deref().unwrap_or_default().into());
    view.set_total(format_amount(page.total_minor, money).into());
    view.set_state(order_kind(page.state));
    view.set_advice(advice(page.advice));
    view.set_copies(whole(page.copies));
    view.set_receipt(receipt_kind(page.receipt));
    view.set_can_reprint(page.can_reprint);
    view.set_can_print(page.can_print);
    view.set_can_refund(page.can_refund);
    let lines = page.lines.iter().map(|line| line_data(line, money)).collect();
    if let Some(lines) = list::update(&view.get_lines(), lines) {
        view.set_lines(lines);
    }
    if let Some(entries) = list::update(&view.get_entries(), entries(page, money)) {
        view.set_entries(entries);
    }
}

fn advice(advice: OrderAdvice) -> OrderAdviceKind {
    match advice {
        OrderAdvice::FinishSale => OrderAdviceKind::FinishSale,
        OrderAdvice::Wait => OrderAdviceKind::Wait,
        OrderAdvice::SendsItself => OrderAdviceKind::SendsItself,
        OrderAdvice::SellAgain => OrderAdviceKind::SellAgain,
        OrderAdvice::Quarantined => OrderAdviceKind::Quarantined,
        OrderAdvice::RefundWaits => OrderAdviceKind::RefundWaits,
        OrderAdvice::RefundUnderWay => OrderAdviceKind::RefundUnderWay,
        OrderAdvice::AllRefunded => OrderAdviceKind::AllRefunded,
        OrderAdvice::AnotherDay => OrderAdviceKind::AnotherDay,
        OrderAdvice::Nothing => OrderAdviceKind::Nothing,
    }
}

fn line_data(line: &OrderLine, money: &MoneyStyle) -> OrderLineData {
    OrderLineData {
        name: line.name.as_str().into(),
        serial: line.serial.as_deref().unwrap_or_default().into(),
        quantity: whole(line.quantity),
        unit_price: format_amount(line.unit_price_minor, money).into(),
        total: format_amount(line.total_minor, money).into(),
    }
}

fn entries(page: &OrderPage, money: &MoneyStyle) -> Vec<OrderEntryData> {
    let tenders = page.tenders.iter().map(|tender| tender_data(tender, money));
    let attempts = page.attempts.iter().map(attempt_data);
    let refunds = page.refunds.iter().map(|refund| refund_data(refund, money));
    let paper = OrderEntryData {
        kind: OrderEntryKind::Receipt,
        receipt: receipt_kind(page.receipt),
        number: whole(page.copies),
        ..OrderEntryData::default()
    };
    let has_paper = !page.tenders.is_empty();
    tenders.chain(attempts).chain(refunds).chain(has_paper.then_some(paper)).collect()
}

fn tender_data(tender: &OrderTender, money: &MoneyStyle) -> OrderEntryData {
    match tender {
        OrderTender::Cash { given_minor, change_minor } => OrderEntryData {
            kind: OrderEntryKind::Cash,
            amount: format_amount(*given_minor, money).into(),
            second: format_amount(*change_minor, money).into(),
            ..OrderEntryData::default()
        },
        OrderTender::Wallet { wallet: whose, minor, transaction } => OrderEntryData {
            kind: OrderEntryKind::Wallet,
            wallet: wallets::place(*whose),
            amount: format_amount(*minor, money).into(),
            name: transaction.as_deref().unwrap_or_default().into(),
            ..OrderEntryData::default()
        },
    }
}

fn attempt_data(attempt: &OrderAttempt) -> OrderEntryData {
    let mut data = OrderEntryData {
        kind: match attempt.end {
            AttemptEnd::Unknown => OrderEntryKind::AttemptUnknown,
            AttemptEnd::Paid => OrderEntryKind::AttemptPaid,
            AttemptEnd::Declined(_) => OrderEntryKind::AttemptDeclined,
            AttemptEnd::Reversed => OrderEntryKind::AttemptReversed,
        },
        number: whole(attempt.number),
        time: attempt.time.as_str().into(),
        wallet: wallets::place(attempt.wallet),
        ..OrderEntryData::default()
    };
    if let AttemptEnd::Declined(reason) = &attempt.end {
        let (kind, text) = decline(reason);
        (data.decline, data.text) = (kind, text.into());
    }
    data
}

fn refund_data(refund: &OrderRefund, money: &MoneyStyle) -> OrderEntryData {
    let mut data = OrderEntryData {
        kind: OrderEntryKind::Refund,
        amount: format_amount(refund.amount_minor, money).into(),
        time: refund.time.as_str().into(),
        name: refund.approved_by.as_deref().unwrap_or_default().into(),
        refund: refund_kind(&refund.state),
        ..OrderEntryData::default()
    };
    if let RefundState::Refused(why) = &refund.state {
        let (kind, text) = refusal_kind(why);
        (data.refusal, data.text) = (kind, text.into());
    }
    data
}
