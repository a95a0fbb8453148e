//! Waiting for a payment code, a payment under way, and paid.

use super::Act;
use super::generated::{
    Await, DeclineKind, Done, DrawerKind, MainWindow, Payment, PaymentKind, ReceiptKind, UnknownKind,
};
use super::money::format_amount;
use super::qr::qr_image;
use super::status::{printer, whole};
use super::wallets;
use crate::view::{
    AwaitCodePage, DeclineReason, DonePage, DrawerState, MoneyStyle, PaidBy, PaymentPage, PaymentState,
    PrinterState, ReceiptState, UnknownStep, UserAction,
};
use slint::{ComponentHandle, SharedString};

pub fn connect(window: &MainWindow, act: &Act) {
    let payment = window.global::<Payment>();
    let send = act.clone();
    payment.on_scan_again(move || send(UserAction::TenderCode));
    let send = act.clone();
    payment.on_cash(move || send(UserAction::TenderCash));
    let send = act.clone();
    payment.on_set_aside(move || send(UserAction::SetAside));
    let send = act.clone();
    payment.on_take_back(move || send(UserAction::TakeBack));
    let send = act.clone();
    window.global::<Await>().on_show_code(move |place| {
        if let Some(wallet) = wallets::at(place) {
            send(UserAction::ShowCode { wallet });
        }
    });
    let done = window.global::<Done>();
    let send = act.clone();
    done.on_next_sale(move || send(UserAction::NextSale));
    let send = act.clone();
    done.on_open_drawer_again(move || send(UserAction::OpenDrawerAgain));
    let send = act.clone();
    done.on_print_receipt(move || send(UserAction::PrintReceipt));
    let send = act.clone();
    done.on_print_copy(move || send(UserAction::PrintCopy));
}

pub fn show_await(window: &MainWindow, page: &AwaitCodePage, money: &MoneyStyle) {
    let view = window.global::<Await>();
    view.set_total(format_amount(page.total_minor - page.part_minor, money).into());
    view.set_part(part(page.part_minor, money).into());
    if let Some(places) = wallets::places(&view.get_wallets(), &page.wallets) {
        view.set_wallets(places);
    }
    if let Some(places) = wallets::places(&view.get_shows(), &page.shows) {
        view.set_shows(places);
    }
    let (drawer, why) = drawer(page.drawer);
    view.set_drawer(drawer);
    view.set_drawer_printer(printer(why));
}

pub fn show(window: &MainWindow, page: &PaymentPage, money: &MoneyStyle) {
    let view = window.global::<Payment>();
    view.set_total(format_amount(page.total_minor - page.part_minor, money).into());
    view.set_part(part(page.part_minor, money).into());
    view.set_wallet(page.wallet.map_or(wallets::NONE, wallets::place));
    view.set_order_number(page.order_number.as_deref().unwrap_or_default().into());
    match &page.state {
        PaymentState::Sending => view.set_state(PaymentKind::Sending),
        PaymentState::CustomerConfirming { since_seconds } => {
            view.set_since_seconds(whole(*since_seconds));
            view.set_state(PaymentKind::Confirming);
        }
        PaymentState::PreparingCode => view.set_state(PaymentKind::Preparing),
        PaymentState::ShowingCode { code, remaining_seconds, server_answers } => {
            if view.get_code_text() != code.as_str() {
                view.set_code(qr_image(code));
                view.set_code_text(code.as_str().into());
            }
            view.set_deadline_seconds(whole(*remaining_seconds));
            view.set_server_answers(*server_answers);
            view.set_state(PaymentKind::Showing);
        }
        PaymentState::Unknown { step, since_seconds, deadline_seconds, can_set_aside } => {
            view.set_step(unknown_step(*step));
            view.set_since_seconds(whole(*since_seconds));
            view.set_deadline_seconds(deadline_seconds.map_or(-1, whole));
            view.set_can_set_aside(*can_set_aside);
            view.set_state(PaymentKind::Unknown);
        }
        PaymentState::Paid => view.set_state(PaymentKind::Paid),
        PaymentState::Declined(reason) => {
            let (kind, text) = decline(reason);
            view.set_reason(kind);
            view.set_reason_text(text.into());
            view.set_state(PaymentKind::Declined);
        }
        PaymentState::Reversed => view.set_state(PaymentKind::Reversed),
    }
}

/// What is in cash in the drawer of the sale; nothing if there is none.
fn part(minor: i64, money: &MoneyStyle) -> String {
    if minor == 0 { String::new() } else { format_amount(minor, money) }
}

fn unknown_step(step: UnknownStep) -> UnknownKind {
    match step {
        UnknownStep::AskingWallet => UnknownKind::AskingWallet,
        UnknownStep::TakingBack => UnknownKind::TakingBack,
        UnknownStep::ClosingCode => UnknownKind::ClosingCode,
        UnknownStep::NoServer => UnknownKind::NoServer,
        UnknownStep::WaitingForGroup => UnknownKind::WaitingForGroup,
    }
}

pub fn decline(reason: &DeclineReason) -> (DeclineKind, &str) {
    use DeclineKind as K;
    match reason {
        DeclineReason::InsufficientFunds => (K::InsufficientFunds, ""),
        DeclineReason::CodeExpired => (K::CodeExpired, ""),
        DeclineReason::CodeInvalid => (K::CodeInvalid, ""),
        DeclineReason::CustomerDeclined => (K::CustomerDeclined, ""),
        DeclineReason::LimitExceeded => (K::LimitExceeded, ""),
        DeclineReason::AccountRefused => (K::AccountRefused, ""),
        DeclineReason::WalletUnavailable => (K::WalletUnavailable, ""),
        DeclineReason::MerchantAccount => (K::MerchantAccount, ""),
        DeclineReason::OutsideLimits => (K::OutsideLimits, ""),
        DeclineReason::NotSent => (K::NotSent, ""),
        DeclineReason::Other { code } => (K::Other, code.as_str()),
    }
}

pub fn drawer(state: DrawerState) -> (DrawerKind, PrinterState) {
    let kind = match state {
        DrawerState::NotAsked => DrawerKind::NotAsked,
        DrawerState::NoDrawer => DrawerKind::NoDrawer,
        DrawerState::Asked => DrawerKind::Asked,
        DrawerState::Opened => DrawerKind::Opened,
        DrawerState::Unknown => DrawerKind::Unknown,
        DrawerState::InTraining => DrawerKind::InTraining,
        DrawerState::Shut(printer) => return (DrawerKind::Shut, printer),
    };
    (kind, PrinterState::None)
}

pub fn show_done(window: &MainWindow, page: &DonePage, money: &MoneyStyle) {
    let view = window.global::<Done>();
    let (drawer, why) = drawer(page.drawer);
    view.set_drawer(drawer);
    view.set_drawer_printer(printer(why));
    view.set_total(format_amount(page.total_minor, money).into());
    view.set_parts(SharedString::new());
    match page.paid_by {
        PaidBy::Split { cash_minor, wallet: by, wallet_minor } => {
            view.set_cash(false);
            view.set_wallet(wallets::place(by));
            view.set_given(format_amount(cash_minor, money).into());
            view.set_parts(format_amount(wallet_minor, money).into());
            view.set_change(SharedString::new());
        }
        PaidBy::Wallet(by) => {
            view.set_cash(false);
            view.set_wallet(wallets::place(by));
            view.set_given(SharedString::new());
            view.set_change(SharedString::new());
        }
        PaidBy::Cash { given_minor, change_minor } => {
            view.set_cash(true);
            view.set_wallet(wallets::NONE);
            view.set_given(format_amount(given_minor, money).into());
            view.set_change(format_amount(change_minor, money).into());
        }
    }
    view.set_order_number(page.order_number.as_deref().unwrap_or_default().into());
    view.set_sale_number(page.sale_number.as_str().into());
    let state = match page.receipt {
        ReceiptState::Failed { printer } => printer,
        _ => PrinterState::None,
    };
    view.set_receipt(receipt_kind(page.receipt));
    view.set_printer(printer(state));
}

pub fn receipt_kind(state: ReceiptState) -> ReceiptKind {
    match state {
        ReceiptState::NoPrinter => ReceiptKind::NoPrinter,
        ReceiptState::Printing => ReceiptKind::Printing,
        ReceiptState::Printed => ReceiptKind::Printed,
        ReceiptState::Failed { .. } => ReceiptKind::Failed,
        ReceiptState::Unknown => ReceiptKind::Unknown,
    }
}
