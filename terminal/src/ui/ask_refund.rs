//! A refund that is asked for at this till. The PIN is typed where all PINs are.

use super::generated::{AskRefund, AskedKind, AskedLineData, MainWindow, RefusalKind};
use super::lock::show_pin;
use super::money::{entry_minor, format_amount, press};
use super::pages::refusal_kind;
use super::status::whole;
use super::{Act, list};
use crate::view::{AskRefundPage, AskedLine, AskedSaid, MoneyStyle, UserAction};
use evertill_shared::protocol::refunds::CodeRefused;
use slint::{ComponentHandle, SharedString};

pub fn connect(window: &MainWindow, act: &Act) {
    let ask = window.global::<AskRefund>();
    let send = act.clone();
    ask.on_open(move || send(UserAction::AskRefund));
    let send = act.clone();
    ask.on_pick(move |line, delta| {
        send(UserAction::RefundPick { line: line.unsigned_abs(), delta });
    });
    let send = act.clone();
    ask.on_whole(move || send(UserAction::RefundWhole));
    let send = act.clone();
    ask.on_choose_reason(move |reason| send(UserAction::RefundReason(reason.into())));
    let send = act.clone();
    ask.on_go_on(move || send(UserAction::RefundGoOn));
    let send = act.clone();
    ask.on_to_console(move || send(UserAction::RefundToConsole));
    let (send, weak) = (act.clone(), window.as_weak());
    ask.on_key(move |key| {
        let Some(window) = weak.upgrade() else { return };
        let ask = window.global::<AskRefund>();
        let decimals = ask.get_decimals().try_into().unwrap_or(2);
        let entry = press(&ask.get_entry(), &key, decimals);
        let minor = entry_minor(&entry, decimals);
        ask.set_entry(entry.into());
        send(UserAction::RefundAmount { minor });
    });
}

pub fn show(window: &MainWindow, page: &AskRefundPage, money: &MoneyStyle, fresh: bool) {
    let ask = window.global::<AskRefund>();
    let begins = fresh || ask.get_approving() != page.approving;
    show_pin(window, &page.people, page.chosen.as_deref(), page.pin, begins);
    // What was picked or chosen as a whole is not what was typed.
    if fresh || entry_minor(&ask.get_entry(), money.decimals) != page.amount_minor {
        ask.set_entry(SharedString::new());
    }
    ask.set_decimals(money.decimals.into());
    ask.set_has_point(money.decimals > 0);
    ask.set_order_number(page.order_number.as_str().into());
    let lines = page.lines.iter().map(|line| line_data(line, money)).collect();
    if let Some(lines) = list::update(&ask.get_lines(), lines) {
        ask.set_lines(lines);
    }
    ask.set_left(format_amount(page.left_minor, money).into());
    ask.set_amount(format_amount(page.amount_minor, money).into());
    let part = |minor: Option<i64>| minor.map_or_else(String::new, |minor| format_amount(minor, money));
    ask.set_to_wallet(part(page.parts_minor.map(|(wallet, _)| wallet)).into());
    ask.set_in_cash(part(page.parts_minor.map(|(_, cash)| cash)).into());
    ask.set_too_much(page.amount_minor > page.left_minor);
    ask.set_reason(page.reason.as_str().into());
    ask.set_approving(page.approving);
    ask.set_ready(page.ready);
    ask.set_may_wait(page.may_wait);
    let (kind, (refusal, text)) = match &page.said {
        AskedSaid::Nothing => (AskedKind::Nothing, (RefusalKind::None, "")),
        AskedSaid::Refused(why) => (AskedKind::Refused, refusal_kind(why)),
        AskedSaid::NotApprover => (AskedKind::NotApprover, (RefusalKind::None, "")),
        AskedSaid::CodeRefused(why) => (code_kind(*why), (RefusalKind::None, "")),
        AskedSaid::Offline => (AskedKind::Offline, (RefusalKind::None, "")),
        AskedSaid::NoAnswer => (AskedKind::NoAnswer, (RefusalKind::None, "")),
        AskedSaid::AskedBefore => (AskedKind::AskedBefore, (RefusalKind::None, "")),
        AskedSaid::WaitsInConsole => (AskedKind::WaitsInConsole, (RefusalKind::None, "")),
        AskedSaid::RefusedInConsole(by) => (AskedKind::RefusedInConsole, (RefusalKind::None, by.as_str())),
        AskedSaid::Expired => (AskedKind::Expired, (RefusalKind::None, "")),
    };
    ask.set_said(kind);
    ask.set_refusal(refusal);
    ask.set_refusal_text(text.into());
}

fn code_kind(why: CodeRefused) -> AskedKind {
    match why {
        CodeRefused::Unknown => AskedKind::CodeUnknown,
        CodeRefused::Expired => AskedKind::CodeExpired,
        CodeRefused::Used => AskedKind::CodeUsed,
        CodeRefused::TooMuch => AskedKind::CodeTooMuch,
        CodeRefused::AnotherOrder => AskedKind::CodeAnotherOrder,
        CodeRefused::AnotherTill => AskedKind::CodeAnotherTill,
        CodeRefused::NotApprover => AskedKind::NotApprover,
    }
}

fn line_data(line: &AskedLine, money: &MoneyStyle) -> AskedLineData {
    AskedLineData {
        name: line.name.as_str().into(),
        serial: line.serial.as_deref().unwrap_or_default().into(),
        quantity: whole(line.quantity),
        picked: whole(line.picked),
        total: format_amount(line.total_minor, money).into(),
    }
}
