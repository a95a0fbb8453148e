//! The pages of earlier sales, and of a refund that is asked for.

use super::*;

pub fn orders() -> OrdersPage {
    use OrderState as S;
    let states = [S::Open, S::Paid, S::PaidUnsent, S::Unknown, S::Reversed, S::NotPaid, S::PartlyRefunded];
    let row = |(index, state): (usize, &OrderState)| OrderRow {
        id: index.to_string(),
        number: format!("20261120{index:02}1405123456781792"),
        time: format!("14:{index:02}"),
        total_minor: 2_000 + 77_700 * index as i64,
        state: *state,
        can_reprint: matches!(state, S::Paid | S::PaidUnsent | S::PartlyRefunded),
    };
    OrdersPage {
        orders: states.iter().enumerate().map(row).collect(),
        day: "2026-11-20".into(),
        is_today: true,
        has_older: true,
        has_earlier_day: true,
        ..OrdersPage::default()
    }
}

/// A search in the list of orders.
pub fn orders_found(search: &str, hint: OrdersHint, found: usize) -> OrdersPage {
    let mut page = OrdersPage { search: search.into(), hint, has_older: false, ..orders() };
    page.orders.truncate(found);
    page.orders.iter_mut().for_each(|row| row.time = format!("11-20 {}", row.time));
    page
}

pub fn order(state: OrderState, advice: OrderAdvice) -> OrderPage {
    let line = |name: &str, quantity, unit_price_minor: i64| OrderLine {
        name: name.into(),
        serial: None,
        quantity,
        unit_price_minor,
        total_minor: unit_price_minor * i64::from(quantity),
    };
    OrderPage {
        id: "7".into(),
        number: Some("20261 12014 05123 45678 17927".into()),
        sale_number: "T0003-1-000123".into(),
        at: "2026-11-20 14:05".into(),
        cashier: Some("王丽 Wang Li".into()),
        total_minor: 20_902,
        state,
        advice,
        lines: vec![
            line("农夫山泉 550ml", 2, 200),
            line("Extra long name of imported olive oil, cold pressed, 1 litre", 1, 12_900),
            line("茶叶蛋", 12, 250),
            line("Bag", 100, 30),
        ],
        tenders: vec![OrderTender::Wallet {
            wallet: Wallet::WeChatPay,
            minor: 20_902,
            transaction: Some("4200002647202611209876543210".into()),
        }],
        attempts: Vec::new(),
        refunds: Vec::new(),
        receipt: ReceiptState::Printed,
        copies: 0,
        can_reprint: true,
        can_print: false,
        can_refund: true,
    }
}

/// An order with a long story.
pub fn order_with_story() -> OrderPage {
    let attempt = |number, end| OrderAttempt { number, wallet: Wallet::Alipay, time: "14:03".into(), end };
    let refund = |amount_minor, state| OrderRefund {
        amount_minor,
        time: "15:20".into(),
        approved_by: Some("李娜 Li Na".into()),
        state,
    };
    OrderPage {
        attempts: vec![
            attempt(1, AttemptEnd::Declined(DeclineReason::InsufficientFunds)),
            attempt(2, AttemptEnd::Reversed),
            attempt(3, AttemptEnd::Paid),
        ],
        refunds: vec![refund(3_000, RefundState::Done), refund(12_900, RefundState::Waiting)],
        copies: 2,
        ..order(OrderState::PartlyRefunded, OrderAdvice::RefundWaits)
    }
}

pub fn ask_refund(approving: bool, pin: LockState, said: AskedSaid) -> Screen {
    let lines = order(OrderState::Paid, OrderAdvice::Nothing).lines;
    let line = |(index, line): (usize, OrderLine)| AskedLine {
        name: line.name,
        serial: line.serial,
        quantity: line.quantity,
        picked: u32::try_from(index).unwrap_or(0),
        total_minor: line.total_minor,
    };
    let people = staff(6).into_iter().filter(|person| person.role == StaffRole::Manager).collect();
    screen(Page::AskRefund(Box::new(AskRefundPage {
        order_number: "20261 12014 05123 45678 17927".into(),
        lines: lines.into_iter().enumerate().map(line).collect(),
        left_minor: 20_902,
        amount_minor: 13_490,
        parts_minor: None,
        reason: "Goods damaged".into(),
        approving,
        may_wait: true,
        ready: true,
        people,
        chosen: Some("wang".into()),
        pin,
        said,
    })))
}

/// Pieces that were sold by their serial numbers.
pub fn order_by_serial() -> OrderPage {
    let mut page = order(OrderState::Paid, OrderAdvice::Nothing);
    number_lines(page.lines.iter_mut().map(|line| &mut line.serial));
    page
}

/// The same where a refund is asked for.
pub fn ask_refund_by_serial() -> Screen {
    let mut screen = ask_refund(false, LockState::EnterPin, AskedSaid::Nothing);
    if let Page::AskRefund(page) = &mut screen.page {
        number_lines(page.lines.iter_mut().map(|line| &mut line.serial));
    }
    screen
}

fn number_lines<'a>(serials: impl Iterator<Item = &'a mut Option<String>>) {
    let numbers = ["356938035643809", super::LONGEST_SERIAL];
    serials.zip(numbers).for_each(|(serial, number)| *serial = Some(number.into()));
}

pub fn order_unsent() -> OrderPage {
    OrderPage {
        number: None,
        cashier: None,
        tenders: vec![OrderTender::Cash { given_minor: 30_000, change_minor: 9_098 }],
        receipt: ReceiptState::Failed { printer: PrinterState::PaperOut },
        can_reprint: false,
        can_print: true,
        can_refund: false,
        ..order(OrderState::PaidUnsent, OrderAdvice::SendsItself)
    }
}

pub fn refund(id: &str, cash: bool, state: RefundState) -> RefundItem {
    RefundItem {
        id: id.into(),
        order_number: format!("2026112014051234567{id}92"),
        amount_minor: 12_900,
        cash,
        asked_by: "王丽 Wang Li".into(),
        why: "顾客退货，包装破损 (damaged packing)".into(),
        asked_at: "13:58".into(),
        begun_at: if state == RefundState::Waiting { String::new() } else { "14:02".into() },
        next_at: if state == RefundState::Unknown { "14:07".into() } else { String::new() },
        state,
    }
}
