//! Changing a line or the whole sale, and the held sales. What is being typed lives here; whether it can be done is for
//! the controller to say.

use super::generated::{Adjust, AdjustMode, Held, HeldData, MainWindow, ReasonWord};
use super::money::{entry_minor, format_amount, press};
use super::sale::taken_off;
use super::status::whole;
use super::{Act, list};
use crate::secret_code;
use crate::view::{AdjustPage, AdjustTarget, HeldPage, HeldRow, MoneyStyle, TypedOff, UserAction};
use evertill_shared::order::discount::{Reason, ReasonKind};
use slint::{ComponentHandle, SharedString};

/// A share is typed with so many digits behind the point.
const SHARE_DECIMALS: u8 = 2;
/// The most digits of a quantity.
const QUANTITY_DIGITS: usize = 5;

pub fn connect(window: &MainWindow, act: &Act) {
    let adjust = window.global::<Adjust>();
    let weak = window.as_weak();
    adjust.on_key(move |key| {
        if let Some(window) = weak.upgrade() {
            type_key(&window.global::<Adjust>(), &key);
        }
    });
    let weak = window.as_weak();
    adjust.on_choose_mode(move |mode| {
        if let Some(window) = weak.upgrade() {
            let adjust = window.global::<Adjust>();
            if mode == AdjustMode::Note {
                adjust.set_text(adjust.get_note());
            } else if adjust.get_mode() == AdjustMode::Note {
                adjust.set_text(SharedString::new());
            }
            adjust.set_mode(mode);
            adjust.set_entry(SharedString::new());
            show_entry(&adjust);
        }
    });
    let (send, weak) = (act.clone(), window.as_weak());
    adjust.on_apply(move || {
        let Some(window) = weak.upgrade() else { return };
        let adjust = window.global::<Adjust>();
        let Some(action) = applied(&adjust) else { return };
        if secret_code::stands_in_words(&adjust.get_text()) {
            adjust.set_text(SharedString::new());
        }
        send(action);
    });
    let send = act.clone();
    adjust.on_take_nothing_off(move || send(UserAction::TakeNothingOff));
    let send = act.clone();
    adjust.on_restore_price(move || send(UserAction::RestorePrice));
    let send = act.clone();
    adjust.on_remove(move |line| send(UserAction::RemoveLine { line: line.unsigned_abs() }));
    let held = window.global::<Held>();
    let (send, weak) = (act.clone(), window.as_weak());
    held.on_hold(move |name| {
        if let Some(window) = weak.upgrade().filter(|_| secret_code::stands_in_words(&name)) {
            window.global::<Held>().set_name(SharedString::new());
        }
        send(UserAction::Hold { name: name.into() });
    });
    let send = act.clone();
    held.on_recall(move |id| {
        if let Ok(id) = id.parse() {
            send(UserAction::Recall { id });
        }
    });
}

fn decimals(adjust: &Adjust<'_>) -> u8 {
    match adjust.get_mode() {
        AdjustMode::Quantity | AdjustMode::Note => 0,
        AdjustMode::Percent => SHARE_DECIMALS,
        AdjustMode::Amount | AdjustMode::Price => adjust.get_decimals().try_into().unwrap_or(2),
    }
}

fn type_key(adjust: &Adjust<'_>, key: &str) {
    let entry = press(&adjust.get_entry(), key, decimals(adjust));
    if adjust.get_mode() != AdjustMode::Quantity || entry.len() <= QUANTITY_DIGITS {
        adjust.set_entry(entry.into());
    }
    show_entry(adjust);
}

/// What the display shows: the keys that were pressed, with what they mean.
fn show_entry(adjust: &Adjust<'_>) {
    let entry = adjust.get_entry();
    let digits = if entry.is_empty() { "0" } else { entry.as_str() };
    adjust.set_has_point(decimals(adjust) > 0);
    adjust.set_shown_entry(match adjust.get_mode() {
        AdjustMode::Quantity => format!("× {digits}").into(),
        AdjustMode::Percent => format!("{digits}%").into(),
        AdjustMode::Amount => format!("-{}{digits}", adjust.get_symbol()).into(),
        AdjustMode::Price => format!("{}{digits}", adjust.get_symbol()).into(),
        AdjustMode::Note => SharedString::new(),
    });
}

fn applied(adjust: &Adjust<'_>) -> Option<UserAction> {
    let number = entry_minor(&adjust.get_entry(), decimals(adjust));
    let text = adjust.get_text();
    let reason = || Some(Reason { kind: reason_kind(adjust.get_reason())?, text: text.trim().to_owned() });
    Some(match adjust.get_mode() {
        AdjustMode::Quantity => {
            UserAction::SetQuantity { quantity: u32::try_from(number).unwrap_or(u32::MAX) }
        }
        AdjustMode::Amount => UserAction::TakeOff { off: TypedOff::Minor(number), reason: reason()? },
        AdjustMode::Percent => {
            let points = u16::try_from(number).unwrap_or(u16::MAX);
            UserAction::TakeOff { off: TypedOff::Points(points), reason: reason()? }
        }
        AdjustMode::Price => UserAction::OverridePrice { minor: number, reason: reason()? },
        AdjustMode::Note => UserAction::WriteNote { text: text.into() },
    })
}

fn reason_kind(word: ReasonWord) -> Option<ReasonKind> {
    Some(match word {
        ReasonWord::None => return None,
        ReasonWord::Damaged => ReasonKind::Damaged,
        ReasonWord::NearExpiry => ReasonKind::NearExpiry,
        ReasonWord::PriceTag => ReasonKind::PriceTag,
        ReasonWord::PriceMatch => ReasonKind::PriceMatch,
        ReasonWord::Regular => ReasonKind::Regular,
        ReasonWord::Staff => ReasonKind::Staff,
        ReasonWord::Complaint => ReasonKind::Complaint,
        ReasonWord::Other => ReasonKind::Other,
    })
}

pub fn show(window: &MainWindow, page: &AdjustPage, money: &MoneyStyle, fresh: bool) {
    let adjust = window.global::<Adjust>();
    adjust.set_decimals(money.decimals.into());
    adjust.set_symbol(money.symbol.as_str().into());
    let (whole_sale, line) = match page.target {
        AdjustTarget::Line(line) => (false, whole(line)),
        AdjustTarget::Whole => (true, 0),
    };
    if fresh {
        adjust.set_mode(if whole_sale { AdjustMode::Percent } else { AdjustMode::Quantity });
        adjust.set_entry(SharedString::new());
        adjust.set_reason(ReasonWord::None);
        adjust.set_text(SharedString::new());
    }
    adjust.set_whole(whole_sale);
    adjust.set_line(line);
    adjust.set_name(page.name.as_str().into());
    adjust.set_quantity(whole(page.quantity));
    let amount = |minor: Option<i64>| minor.map(|minor| format_amount(minor, money)).unwrap_or_default();
    adjust.set_unit_price(amount(page.unit_price_minor).into());
    adjust.set_was(amount(page.was_minor).into());
    adjust.set_taken_off(taken_off(page.discount.as_ref(), money).into());
    adjust.set_before(format_amount(page.before_minor, money).into());
    adjust.set_total(format_amount(page.total_minor, money).into());
    adjust.set_note(page.note.as_str().into());
    show_entry(&adjust);
}

pub fn show_held(window: &MainWindow, page: &HeldPage, money: &MoneyStyle, fresh: bool) {
    let held = window.global::<Held>();
    if fresh {
        held.set_name(SharedString::new());
    }
    held.set_item_count(whole(page.item_count));
    held.set_total(format_amount(page.total_minor, money).into());
    let rows = page.rows.iter().map(|row| held_data(row, money)).collect();
    if let Some(rows) = list::update(&held.get_rows(), rows) {
        held.set_rows(rows);
    }
}

fn held_data(row: &HeldRow, money: &MoneyStyle) -> HeldData {
    HeldData {
        id: row.id.to_string().into(),
        name: row.name.as_str().into(),
        time: row.time.as_str().into(),
        item_count: whole(row.item_count),
        total: format_amount(row.total_minor, money).into(),
        goods: row.goods.as_str().into(),
    }
}
