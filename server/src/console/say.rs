//! States and refusals in words that a person can act on.

use super::frame::{Badge, Tone};
use super::words::{Words, fill};
use crate::order_group::lists::ServedBy;
use crate::order_group::{GroupError, OrderSummary, Refusal};
use evertill_shared::business_day::{StoreZone, local_text};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, TerminalId};
use evertill_shared::journal::{CashReason, DrawerReason};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::discount::ReasonKind;
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::order_number::{GroupTag, OrderNumberError};
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::refund::{RefundRefused, RefundState};
use evertill_shared::rights::Right;
use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::{Name, Wallet};

type T = &'static Words;

/// A wallet's name.
pub(super) fn wallet(wallet: Wallet, t: T) -> &'static str {
    own(wallet.name(), t)
}

/// A word that is in no dictionary: a wallet's own.
pub(super) fn own(name: Name, t: T) -> &'static str {
    if t.is_chinese() { name.chinese } else { name.english }
}

/// What went back to a wallet.
pub(super) fn wallet_refunds(wallet: Wallet, t: T) -> String {
    fill(t.shift_wallet_refunds, &[own(wallet.short_name(), t)])
}

/// So many ten-thousandths in percent: `0.6`.
pub(super) fn percent(parts: u32) -> String {
    let text = format!("{}.{:02}", parts / 100, parts % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Why money was put into a drawer, or taken out.
pub(super) fn cash_reason(reason: CashReason, t: T) -> &'static str {
    match reason {
        CashReason::Safe => t.cash_safe,
        CashReason::Expense => t.cash_expense,
        CashReason::Supplier => t.cash_supplier,
        CashReason::Correction => t.cash_correction,
        CashReason::Other => t.reason_other,
    }
}

/// Why a drawer was opened.
pub(super) fn drawer_reason(reason: DrawerReason, t: T) -> &'static str {
    match reason {
        DrawerReason::ChangeMoney => t.drawer_change_money,
        DrawerReason::WrongChange => t.drawer_wrong_change,
        DrawerReason::Check => t.drawer_check,
        DrawerReason::Count => t.drawer_count,
        DrawerReason::DidNotOpen => t.drawer_did_not_open,
        DrawerReason::Other => t.reason_other,
    }
}

/// What not everybody may do.
pub(super) fn right(right: Right, t: T) -> &'static str {
    match right {
        Right::Discount => t.right_discount,
        Right::OverridePrice => t.right_price,
        Right::Refund => t.right_refund,
        Right::NoSale => t.shift_no_sales,
        Right::PayInOut => t.right_pay_in_out,
        Right::OpenShift => t.right_open_shift,
        Right::CloseShift => t.right_close_shift,
        Right::ReadShift => t.right_read_shift,
        Right::SetUp => t.right_set_up,
        Right::LeaveKiosk => t.right_leave_kiosk,
        Right::Train => t.right_train,
    }
}

/// An account at a wallet; its number only where it is not the settings file's.
pub(super) fn account(at: Wallet, account: AccountId, t: T) -> String {
    match account {
        AccountId::OF_THE_FILE | AccountId::NOT_KNOWN => wallet(at, t).to_owned(),
        account => format!("{} {account}", wallet(at, t)),
    }
}

/// What an order was paid with.
pub(super) fn tender(paid_by: &PaidBy, t: T) -> String {
    match paid_by {
        PaidBy::Cash { .. } => t.cash.to_owned(),
        PaidBy::Wallet { wallet: which, .. } => wallet(*which, t).to_owned(),
        PaidBy::Split { .. } => match paid_by.wallet() {
            Some(which) => fill(t.cash_and_wallet, &[wallet(which, t)]),
            None => t.cash.to_owned(),
        },
    }
}

/// Why a price was changed.
pub(super) fn reason(kind: ReasonKind, t: T) -> &'static str {
    match kind {
        ReasonKind::Damaged => t.reason_damaged,
        ReasonKind::NearExpiry => t.reason_near_expiry,
        ReasonKind::PriceTag => t.reason_price_tag,
        ReasonKind::PriceMatch => t.reason_price_match,
        ReasonKind::Regular => t.reason_regular,
        ReasonKind::Staff => t.reason_staff,
        ReasonKind::Complaint => t.reason_complaint,
        ReasonKind::Other => t.reason_other,
    }
}

/// What was refunded of an order, and what is on its way.
pub(super) fn refunded(order: &OrderSummary) -> (i64, i64) {
    let done = order.refunds.iter().filter(|refund| refund.state == RefundState::Done);
    let done = done.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount.minor));
    (done, order.held.minor.saturating_sub(done))
}

/// Where an order stands.
pub(super) fn order(order: &OrderSummary, t: T) -> Vec<Badge> {
    let (done, running) = refunded(order);
    let (tone, word) = match order.state {
        OrderState::Draft => (Tone::Off, t.order_draft),
        OrderState::Adopted => (Tone::Wait, t.order_adopted),
        OrderState::Paid => (Tone::Good, t.order_paid),
        OrderState::Expired => (Tone::Off, t.order_expired),
        OrderState::Void => (Tone::Off, t.order_void),
    };
    let mut badges = vec![Badge::new(tone, word)];
    if done > 0 {
        let word = if done >= order.paid.minor { t.fully_refunded } else { t.part_refunded };
        badges.push(Badge::new(Tone::Off, word));
    }
    if running > 0 {
        badges.push(Badge::new(Tone::Wait, t.refund_running));
    }
    if order.served_by.as_ref().is_some_and(|served| !served.on_staff) {
        badges.push(Badge::new(Tone::Doubt, t.cashier_not_on_staff));
    }
    if order.quarantined {
        badges.push(Badge::new(Tone::Doubt, t.quarantined));
    }
    badges
}

/// Who served: the name, and the login, which is nobody else's.
pub(super) fn served_by(served: &ServedBy) -> String {
    format!("{} ({})", served.cashier.name, served.cashier.login)
}

/// Where an attempt to pay stands.
pub(super) fn payment(state: PaymentState, t: T) -> (Tone, &'static str) {
    match state {
        PaymentState::Sent => (Tone::Wait, t.payment_sent),
        PaymentState::Waiting => (Tone::Wait, t.payment_waiting),
        PaymentState::Unknown => (Tone::Doubt, t.payment_unknown),
        PaymentState::Reversing => (Tone::Doubt, t.payment_reversing),
        PaymentState::Paid => (Tone::Good, t.payment_paid),
        PaymentState::Declined => (Tone::Bad, t.payment_declined),
        PaymentState::Reversed => (Tone::Off, t.payment_reversed),
    }
}

/// Why a wallet did not pay.
pub(super) fn declined(reason: DeclineReason, t: T) -> &'static str {
    match reason {
        DeclineReason::CodeExpired => t.decline_code_expired,
        DeclineReason::NotEnoughFunds => t.decline_not_enough_funds,
        DeclineReason::CardNotAccepted => t.decline_card_not_accepted,
        DeclineReason::PaymentFailed => t.decline_payment_failed,
        DeclineReason::LimitOrRisk => t.decline_limit_or_risk,
        DeclineReason::Configuration => t.decline_configuration,
        DeclineReason::ChannelUnreachable => t.decline_channel_unreachable,
        DeclineReason::NoAccount => t.decline_no_account,
        DeclineReason::OutsideLimits => t.decline_outside_limits,
    }
}

/// Where a refund stands.
pub(super) fn refund(state: RefundState, terminal: TerminalId, t: T) -> (Tone, String) {
    match state {
        RefundState::Reserved => (Tone::Wait, fill(t.refund_reserved, &[&terminal.to_string()])),
        RefundState::Sent => (Tone::Wait, t.refund_sent.into()),
        RefundState::Unknown => (Tone::Doubt, t.refund_unknown.into()),
        RefundState::Done => (Tone::Good, t.refund_done.into()),
        RefundState::Refused => (Tone::Bad, t.refund_refused.into()),
    }
}

/// Why a refund is refused, and what to do.
pub(super) fn refund_refused(why: &RefundRefused, currency: Currency, t: T) -> String {
    match why {
        RefundRefused::NotPaid => t.refund_not_paid.into(),
        RefundRefused::AnotherDay { sold_on, today } => {
            fill(t.refund_not_today, &[&sold_on.to_string(), &today.to_string()])
        }
        RefundRefused::TooMuch { asked, left } => {
            fill(t.refund_too_much, &[&asked.to_string(), &left.to_string()])
        }
        RefundRefused::BadAmount => fill(t.refund_bad_amount, &[currency.code()]),
        RefundRefused::AnotherTill { sold_at } => fill(t.refund_other_till, &[&sold_at.to_string()]),
        RefundRefused::Withdrawn => t.refund_withdrawn.into(),
        RefundRefused::ByChannel { message } => fill(t.refund_by_channel, &[message]),
        RefundRefused::NotKnownHere => why.to_string(),
    }
}

/// Why a group did not reserve a refund, and what to do.
pub(super) fn not_reserved(error: &GroupError, group: GroupTag, currency: Currency, t: T) -> String {
    match error {
        GroupError::Unavailable(_) | GroupError::Moving | GroupError::Elsewhere => {
            fill(t.group_unavailable, &[&group.to_string()])
        }
        GroupError::Unknown(_) => t.outcome_unknown.into(),
        GroupError::Overloaded | GroupError::NoGroupAvailable | GroupError::NotTaking => t.overloaded.into(),
        GroupError::Internal(_) => t.internal_text.into(),
        GroupError::Refused(Refusal::Refund(why)) => refund_refused(why, currency, t),
        GroupError::Refused(Refusal::Conflict(_)) => t.refund_conflict.into(),
        GroupError::Refused(Refusal::NotFound(_)) => t.order_not_found.into(),
        GroupError::Refused(Refusal::Quarantined) => t.quarantined_long.into(),
        GroupError::Refused(_) => t.not_possible.into(),
    }
}

/// What is wrong with a number that was typed.
pub(super) fn bad_number(error: &OrderNumberError, t: T) -> String {
    match error {
        OrderNumberError::NotDigits(other) => fill(t.number_not_digits, &[&other.to_string()]),
        OrderNumberError::WrongLength(digits) => fill(t.number_length, &[&digits.to_string()]),
        OrderNumberError::CheckDigit => t.number_mistyped.into(),
        OrderNumberError::ImpossibleDate => t.number_impossible.into(),
    }
}

/// Where a terminal stands.
pub(super) fn terminal(state: Option<TerminalState>, t: T) -> Badge {
    match state {
        None => Badge::new(Tone::Off, t.terminal_not_enrolled),
        Some(TerminalState::Pending) => Badge::new(Tone::Wait, t.terminal_pending),
        Some(TerminalState::Active) => Badge::new(Tone::Good, t.terminal_active),
        Some(TerminalState::Blocked) => Badge::new(Tone::Bad, t.terminal_blocked),
        Some(TerminalState::Retired) => Badge::new(Tone::Off, t.terminal_retired),
    }
}

/// A moment by the store's clock: without the date if it is of that day.
pub(super) fn time_on(at: Timestamp, zone: &StoreZone, date: &str) -> String {
    let text = local_text(at, zone);
    text.strip_prefix(date).map(|time| time.trim_start().to_owned()).unwrap_or(text)
}

/// How long it is from now, roughly.
pub(super) fn time_left(until: Timestamp, now: Timestamp, t: T) -> String {
    let seconds = until.since(now).as_secs();
    if seconds < 120 {
        fill(t.seconds_left, &[&seconds.to_string()])
    } else {
        fill(t.minutes_left, &[&(seconds / 60).to_string()])
    }
}

/// The sum of money in minor units.
pub(super) fn money(minor: i64, currency: Currency) -> String {
    Amount::new(minor, currency).to_string()
}
