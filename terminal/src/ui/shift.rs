//! The drawer and its shift: the keypad's display lives here, what it means with the controller.

use super::generated::{
    AmountKind, CashReasonKind, Count, CountData, DrawerAmount, MainWindow, Report, ReportData, ReportKind,
    Shift,
};
use super::money::{entry_minor, format_amount, press};
use super::status::whole;
use super::{Act, list, payment, wallets};
use crate::view::{
    AmountPurpose, CountPage, DrawerAmountPage, MoneyStyle, ReportPage, ReportSum, ShiftPage, UserAction,
};
use evertill_shared::journal::CashReason;
use slint::{ComponentHandle, SharedString};

pub fn connect(window: &MainWindow, act: &Act) {
    let shift = window.global::<Shift>();
    let send = act.clone();
    shift.on_amount(move |kind| {
        send(UserAction::DrawerAmount(match kind {
            AmountKind::Float => AmountPurpose::Float,
            AmountKind::PayIn => AmountPurpose::PayIn,
            AmountKind::PayOut => AmountPurpose::PayOut,
        }));
    });
    let send = act.clone();
    shift.on_no_sale(move || send(UserAction::ChooseNoSale));
    let send = act.clone();
    shift.on_read(move || send(UserAction::ReadShift));
    let send = act.clone();
    shift.on_last(move || send(UserAction::LastShift));
    let send = act.clone();
    shift.on_end(move || send(UserAction::EndShift));
    connect_amount(window, act);
    let count = window.global::<Count>();
    let send = act.clone();
    count.on_choose(move |minor| {
        if let Ok(value_minor) = minor.parse() {
            send(UserAction::CountChoose { value_minor });
        }
    });
    let send = act.clone();
    count.on_key(move |key| send(UserAction::CountKey(key.into())));
    let send = act.clone();
    count.on_confirm(move || send(UserAction::CountConfirm));
    let send = act.clone();
    window.global::<Report>().on_print(move || send(UserAction::PrintReport));
}

fn connect_amount(window: &MainWindow, act: &Act) {
    let amount = window.global::<DrawerAmount>();
    let (send, weak) = (act.clone(), window.as_weak());
    amount.on_key(move |key| {
        let Some(window) = weak.upgrade() else { return };
        let amount = window.global::<DrawerAmount>();
        let decimals = amount.get_decimals().try_into().unwrap_or(2);
        let entry = press(&amount.get_entry(), &key, decimals);
        let minor = entry_minor(&entry, decimals);
        amount.set_entry(entry.into());
        send(UserAction::AmountTyped { minor });
    });
    let send = act.clone();
    amount.on_choose(move |reason| {
        send(UserAction::ChooseCashReason(match reason {
            CashReasonKind::Safe => CashReason::Safe,
            CashReasonKind::Expense => CashReason::Expense,
            CashReasonKind::Supplier => CashReason::Supplier,
            CashReasonKind::Correction => CashReason::Correction,
            CashReasonKind::Other => CashReason::Other,
        }));
    });
    let send = act.clone();
    amount.on_confirm(move || send(UserAction::AmountConfirm));
}

pub fn show_shift(window: &MainWindow, page: &ShiftPage) {
    let shift = window.global::<Shift>();
    shift.set_is_open(page.open.is_some());
    let open = page.open.as_ref();
    shift.set_since(open.map(|open| open.since.as_str()).unwrap_or_default().into());
    shift.set_by(open.and_then(|open| open.by.as_deref()).unwrap_or_default().into());
    shift.set_has_last(page.has_last);
    shift.set_demanded(page.demanded);
}

pub fn show_amount(window: &MainWindow, page: &DrawerAmountPage, money: &MoneyStyle, fresh: bool) {
    let amount = window.global::<DrawerAmount>();
    amount.set_decimals(money.decimals.into());
    if fresh && entry_minor(&amount.get_entry(), money.decimals) != page.minor {
        amount.set_entry(SharedString::new());
    }
    amount.set_kind(match page.purpose {
        AmountPurpose::Float => AmountKind::Float,
        AmountPurpose::PayIn => AmountKind::PayIn,
        AmountPurpose::PayOut => AmountKind::PayOut,
    });
    amount.set_shown(format_amount(page.minor, money).into());
    amount.set_has_reason(page.reason.is_some());
    if let Some(reason) = page.reason {
        amount.set_reason(match reason {
            CashReason::Safe => CashReasonKind::Safe,
            CashReason::Expense => CashReasonKind::Expense,
            CashReason::Supplier => CashReasonKind::Supplier,
            CashReason::Correction => CashReasonKind::Correction,
            CashReason::Other => CashReasonKind::Other,
        });
    }
    amount.set_ready(page.ready);
}

pub fn show_count(window: &MainWindow, page: &CountPage, money: &MoneyStyle) {
    let count = window.global::<Count>();
    let rows = page.rows.iter().map(|row| CountData {
        minor: row.value_minor.to_string().into(),
        value: format_amount(row.value_minor, money).into(),
        pieces: row.pieces.to_string().into(),
        sum: format_amount(row.sum_minor, money).into(),
    });
    if let Some(rows) = list::update(&count.get_rows(), rows.collect()) {
        count.set_rows(rows);
    }
    count.set_chosen(page.chosen_minor.to_string().into());
    count.set_total(format_amount(page.total_minor, money).into());
}

pub fn show_report(window: &MainWindow, page: &ReportPage, money: &MoneyStyle) {
    let report = window.global::<Report>();
    report.set_ended(page.ended);
    report.set_since(page.since.as_str().into());
    report.set_by(page.by.as_deref().unwrap_or_default().into());
    let lines = page.lines.iter().map(|line| ReportData {
        kind: kind(line.of),
        wallet: match line.of {
            ReportSum::WalletSales(wallet) | ReportSum::WalletRefunds(wallet) => wallets::place(wallet),
            _ => wallets::NONE,
        },
        count: line.count.map(|count| count.to_string()).unwrap_or_default().into(),
        amount: line.minor.map(|minor| format_amount(minor, money)).unwrap_or_default().into(),
    });
    if let Some(lines) = list::update(&report.get_lines(), lines.collect()) {
        report.set_lines(lines);
    }
    let over = page.over_minor.unwrap_or(0);
    report.set_over(over.signum().try_into().unwrap_or(0));
    report.set_difference(format_amount(over.saturating_abs(), money).into());
    report.set_unsent(whole(page.unsent));
    report.set_unknown(whole(page.unknown));
    report.set_unknown_amount(format_amount(page.unknown_minor, money).into());
    report.set_paper(payment::receipt_kind(page.paper));
}

fn kind(of: ReportSum) -> ReportKind {
    match of {
        ReportSum::Float => ReportKind::Float,
        ReportSum::CashSales => ReportKind::CashSales,
        ReportSum::WalletSales(_) => ReportKind::WalletSales,
        ReportSum::AllSales => ReportKind::AllSales,
        ReportSum::Tax => ReportKind::Tax,
        ReportSum::CashRefunds => ReportKind::CashRefunds,
        ReportSum::WalletRefunds(_) => ReportKind::WalletRefunds,
        ReportSum::OtherRefunds => ReportKind::OtherRefunds,
        ReportSum::PartsBack => ReportKind::PartsBack,
        ReportSum::PaidIn => ReportKind::PaidIn,
        ReportSum::PaidOut => ReportKind::PaidOut,
        ReportSum::Voids => ReportKind::Voids,
        ReportSum::NoSales => ReportKind::NoSales,
        ReportSum::Foreign => ReportKind::Foreign,
        ReportSum::Expected => ReportKind::Expected,
        ReportSum::Counted => ReportKind::Counted,
    }
}
