//! The pages that mostly show a list or a fact: refunds, faults, about.

use super::generated::{About, Fault, FaultKind, MainWindow, RefundData, RefundKind, Refunds, RefusalKind};
use super::money::format_amount;
use super::{Act, list};
use crate::view::{
    AboutPage, FaultPage, MoneyStyle, RefundItem, RefundRefusal, RefundState, RefundsPage, UserAction,
};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let send = act.clone();
    window.global::<Refunds>().on_carry_out(move |id| send(UserAction::CarryOutRefund { id: id.into() }));
    let send = act.clone();
    window.global::<Fault>().on_retry(move || send(UserAction::RetryFault));
    let send = act.clone();
    window.global::<About>().on_end_program(move || send(UserAction::EndProgram));
}

pub fn show_refunds(window: &MainWindow, page: &RefundsPage, money: &MoneyStyle) {
    let view = window.global::<Refunds>();
    let items = page.items.iter().map(|item| refund_data(item, money)).collect();
    if let Some(items) = list::update(&view.get_items(), items) {
        view.set_items(items);
    }
}

fn refund_data(item: &RefundItem, money: &MoneyStyle) -> RefundData {
    let (refusal, text) = match &item.state {
        RefundState::Refused(why) => refusal_kind(why),
        _ => (RefusalKind::None, ""),
    };
    RefundData {
        id: item.id.as_str().into(),
        order_number: item.order_number.as_str().into(),
        amount: format_amount(item.amount_minor, money).into(),
        cash: item.cash,
        asked_by: item.asked_by.as_str().into(),
        why: item.why.as_str().into(),
        asked_at: item.asked_at.as_str().into(),
        begun_at: item.begun_at.as_str().into(),
        next_at: item.next_at.as_str().into(),
        state: refund_kind(&item.state),
        refusal,
        refusal_text: text.into(),
    }
}

pub fn refund_kind(state: &RefundState) -> RefundKind {
    match state {
        RefundState::Waiting => RefundKind::Waiting,
        RefundState::Working => RefundKind::Working,
        RefundState::Done => RefundKind::Done,
        RefundState::Unknown => RefundKind::Unknown,
        RefundState::Refused(_) => RefundKind::Refused,
    }
}

pub fn refusal_kind(why: &RefundRefusal) -> (RefusalKind, &str) {
    match why {
        RefundRefusal::OtherTerminal => (RefusalKind::OtherTerminal, ""),
        RefundRefusal::OtherDay => (RefusalKind::OtherDay, ""),
        RefundRefusal::MoreThanPaid => (RefusalKind::MoreThanPaid, ""),
        RefundRefusal::NotPaid => (RefusalKind::NotPaid, ""),
        RefundRefusal::Withdrawn => (RefusalKind::Withdrawn, ""),
        RefundRefusal::MerchantBalance => (RefusalKind::MerchantBalance, ""),
        RefundRefusal::NoNetwork => (RefusalKind::NoNetwork, ""),
        RefundRefusal::Other { code } => (RefusalKind::Other, code.as_str()),
    }
}

pub fn show_fault(window: &MainWindow, page: &FaultPage) {
    let (kind, detail) = match page {
        FaultPage::Blocked => (FaultKind::Blocked, String::new()),
        FaultPage::Retired => (FaultKind::Retired, String::new()),
        FaultPage::JournalDamaged { entry } => {
            (FaultKind::JournalDamaged, entry.map_or_else(String::new, |number| number.to_string()))
        }
        FaultPage::JournalForked => (FaultKind::JournalForked, String::new()),
        FaultPage::JournalInUse => (FaultKind::JournalInUse, String::new()),
        FaultPage::DiskFull => (FaultKind::DiskFull, String::new()),
        FaultPage::KeyUnreadable => (FaultKind::KeyUnreadable, String::new()),
        FaultPage::BadConfiguration { detail } => (FaultKind::BadConfiguration, detail.clone()),
        FaultPage::Other { detail } => (FaultKind::Other, detail.clone()),
    };
    let view = window.global::<Fault>();
    view.set_kind(kind);
    view.set_detail(detail.into());
}

pub fn show_about(window: &MainWindow, page: &AboutPage) {
    let view = window.global::<About>();
    view.set_version(page.version.as_str().into());
    view.set_server(page.server.as_str().into());
    view.set_fingerprint(page.fingerprint.as_str().into());
    view.set_may_end(page.may_end);
}
