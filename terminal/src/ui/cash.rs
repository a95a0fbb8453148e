//! Cash: the keypad's display lives here, the decision whether it is enough with the controller.

use super::generated::{Cash, MainWindow, QuickAmount};
use super::money::{entry_minor, format_amount, press};
use super::status::printer;
use super::{Act, list, payment};
use crate::view::{CashBalance, CashPage, CashRest, MoneyStyle, UserAction};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let cash = window.global::<Cash>();
    let send = act.clone();
    let weak = window.as_weak();
    cash.on_key(move |key| {
        let Some(window) = weak.upgrade() else { return };
        let cash = window.global::<Cash>();
        let decimals = decimals(&cash);
        let entry = press(&cash.get_entry(), &key, decimals);
        cash.set_given(
            format!("{}{}", cash.get_symbol(), if entry.is_empty() { "0" } else { &entry }).into(),
        );
        let minor = entry_minor(&entry, decimals);
        cash.set_entry(entry.into());
        send(UserAction::CashGiven { minor });
    });
    let send = act.clone();
    let weak = window.as_weak();
    cash.on_take_quick(move |minor| {
        let (Some(window), Ok(minor)) = (weak.upgrade(), minor.parse()) else { return };
        window.global::<Cash>().set_entry(slint::SharedString::new());
        send(UserAction::CashGiven { minor });
    });
    let send = act.clone();
    cash.on_confirm(move || send(UserAction::CashConfirm));
    let send = act.clone();
    cash.on_split(move || send(UserAction::CashPart));
    let send = act.clone();
    cash.on_give_back(move || send(UserAction::CashBack));
}

fn decimals(cash: &Cash<'_>) -> u8 {
    cash.get_decimals().try_into().unwrap_or(2)
}

pub fn show(window: &MainWindow, page: &CashPage, money: &MoneyStyle, fresh: bool) {
    let cash = window.global::<Cash>();
    if fresh {
        cash.set_entry(slint::SharedString::new());
    }
    cash.set_decimals(money.decimals.into());
    cash.set_has_point(money.decimals > 0);
    cash.set_symbol(money.symbol.as_str().into());
    cash.set_total(format_amount(page.total_minor, money).into());
    let part = (page.part_minor != 0).then(|| format_amount(page.part_minor, money));
    cash.set_part(part.unwrap_or_default().into());
    cash.set_can_split(page.rest != CashRest::NotNow);
    cash.set_split_ready(page.rest == CashRest::ByWallet);
    let (drawer, why) = payment::drawer(page.drawer);
    cash.set_drawer(drawer);
    cash.set_drawer_printer(printer(why));
    let entry = cash.get_entry();
    let typed = !entry.is_empty() && entry_minor(&entry, money.decimals) == page.given_minor;
    // While someone types, the display shows the keys that were pressed, not a number filled up with zeros.
    cash.set_given(match typed {
        true => format!("{}{entry}", money.symbol).into(),
        false => format_amount(page.given_minor, money).into(),
    });
    let (enough, balance) = match page.balance {
        CashBalance::Missing { minor } => (false, minor),
        CashBalance::Change { minor } => (true, minor),
    };
    cash.set_enough(enough);
    cash.set_balance(format_amount(balance, money).into());
    let quick = page.quick_amounts_minor.iter().take(9).map(|minor| QuickAmount {
        text: format_amount(*minor, money).into(),
        minor: minor.to_string().into(),
    });
    if let Some(quick) = list::update(&cash.get_quick(), quick.collect()) {
        cash.set_quick(quick);
    }
}
