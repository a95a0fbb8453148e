//! An order as its page shows it.

use super::frame::Badge;
use super::say;
use super::story::{self, Line as StoryText};
use super::visitor::Visitor;
use super::words::{Words, fill};
use crate::order_group::{OrderDetail, PaymentRecord, Policies, RefundRecord};
use evertill_shared::business_day::local_text;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::order::PaidBy;
use evertill_shared::order::age::AgeCheck;
use evertill_shared::order::discount::{Discount, PriceChange, Reason};
use evertill_shared::order::line::Line;
use evertill_shared::payment::Action;

/// The order.
pub(super) struct OrderView {
    pub number: String,
    pub grouped: String,
    pub day: String,
    pub badges: Vec<Badge>,
    pub total: String,
    pub tax: String,
    pub subtotal: Option<String>,
    pub taken_off: Option<TakenOff>,
    pub lines_voided: u32,
    pub age: Option<String>,
    pub note: Option<String>,
    pub sold: String,
    pub terminal: String,
    pub cashier: Option<String>,
    pub sale: String,
    pub group: String,
    pub paid_with: Option<String>,
    pub transaction: Option<String>,
    pub left: Option<String>,
    pub goods: Vec<GoodsView>,
    pub payments: Vec<PaymentView>,
    pub refunds: Vec<RefundView>,
    pub story: Vec<StoryText>,
}

/// A line of the sale.
pub(super) struct GoodsView {
    pub name: String,
    pub quantity: u32,
    pub price: String,
    pub total: String,
    pub note: Option<String>,
    pub serial: Option<String>,
    /// What was done to its price, in words.
    pub changes: Vec<TakenOff>,
}

/// A discount, or another price: what, and why and by whom.
pub(super) struct TakenOff {
    pub what: String,
    pub why: String,
}

/// An attempt to pay.
pub(super) struct PaymentView {
    pub attempt: u8,
    pub wallet: String,
    pub amount: String,
    pub badge: Badge,
    pub since: String,
    pub reason: Option<&'static str>,
    pub next: Option<String>,
    pub deadline: String,
    pub channel_number: String,
}

/// A refund.
pub(super) struct RefundView {
    pub amount: String,
    pub badge: Badge,
    pub reason: String,
    pub refused: Option<String>,
    pub by: String,
    pub at: String,
}

impl OrderView {
    /// As this visitor may see it.
    pub fn of(detail: &OrderDetail, policies: &Policies, now: Timestamp, visitor: &Visitor) -> Self {
        let (t, zone) = (visitor.words(), &visitor.store.zone);
        let order = &detail.summary;
        let left = order.paid.checked_sub(order.held).ok().filter(|_| order.paid.is_positive());
        let is_split = matches!(order.paid_by, Some(PaidBy::Split { .. }));
        Self {
            number: order.number.to_string(),
            grouped: order.number.grouped(),
            day: order.business_day.to_string(),
            badges: badges(detail, t),
            total: order.total.to_string(),
            tax: detail.goods.tax.to_string(),
            subtotal: detail
                .goods
                .discount
                .as_ref()
                .and(detail.goods.before_discount().ok())
                .map(|a| a.to_string()),
            taken_off: detail.goods.discount.as_ref().map(|discount| TakenOff::discount(discount, t)),
            lines_voided: detail.goods.lines_voided,
            age: detail.goods.age.as_ref().map(|age| age_text(age, t)),
            note: detail.goods.note.clone(),
            sold: local_text(order.created_at, zone),
            terminal: order.sale.terminal.to_string(),
            cashier: order.served_by.as_ref().map(say::served_by),
            sale: order.sale.to_string(),
            group: order.number.tag().to_string(),
            paid_with: order.paid_by.as_ref().map(|paid_by| paid_with(paid_by, t)),
            transaction: order.paid_by.as_ref().and_then(transaction),
            left: left.map(|left| left.to_string()),
            goods: detail.goods.lines.iter().map(|line| GoodsView::of(line, t)).collect(),
            payments: detail
                .payments
                .iter()
                .map(|record| PaymentView::of(record, policies, now, visitor))
                .collect(),
            refunds: detail.refunds.iter().map(|record| RefundView::of(record, is_split, visitor)).collect(),
            story: story::tell(&detail.story, order.sale.terminal, zone, t),
        }
    }
}

/// Where the order stands, and an attempt whose end is not known: whoever looks must not overlook that.
fn badges(detail: &OrderDetail, t: &'static Words) -> Vec<Badge> {
    let open = detail.payments.iter().map(|record| record.payment.state).find(|state| !state.is_final());
    let open = open.map(|state| say::payment(state, t)).map(|(tone, word)| Badge::new(tone, word));
    say::order(&detail.summary, t).into_iter().chain(open).collect()
}

/// Which age was asked for, and who looked.
fn age_text(age: &AgeCheck, t: &'static Words) -> String {
    let years = fill(t.years_old, &[&age.years.to_string()]);
    age.by
        .as_ref()
        .map_or(years.clone(), |by| format!("{years} · {}", fill(t.checked_by, &[&by.tidy().name])))
}

fn paid_with(paid_by: &PaidBy, t: &'static Words) -> String {
    let name = say::tender(paid_by, t);
    match paid_by {
        PaidBy::Cash { given, change } => format!("{name} ({} {given}, {} {change})", t.given, t.change),
        PaidBy::Wallet { .. } => name,
        PaidBy::Split { cash, wallets } => {
            let wallets =
                wallets.iter().map(|part| format!("{} {}", say::wallet(part.wallet, t), part.amount));
            let parts: Vec<String> = std::iter::once(format!("{} {cash}", t.cash)).chain(wallets).collect();
            parts.join(" + ")
        }
    }
}

fn transaction(paid_by: &PaidBy) -> Option<String> {
    paid_by.transaction().map(str::to_owned)
}

impl GoodsView {
    fn of(line: &Line, t: &'static Words) -> Self {
        let price = line.price_change.as_ref().map(|change| TakenOff::price(change, t));
        let discount = line.discount.as_ref().map(|discount| TakenOff::discount(discount, t));
        Self {
            name: line.name.clone(),
            quantity: line.quantity,
            price: line.unit_price.to_string(),
            // Before its part of what was taken off the whole, which stands below with the subtotal.
            total: line.net().unwrap_or(line.total).to_string(),
            note: line.note.clone(),
            serial: line.serial.clone(),
            changes: price.into_iter().chain(discount).collect(),
        }
    }
}

impl TakenOff {
    fn discount(discount: &Discount, t: &'static Words) -> Self {
        let share = discount.percent.map_or_else(String::new, |percent| format!(" ({})", percent.to_text()));
        let what = format!("{} {}{share}", t.discount, discount.amount);
        Self { what, why: because(&discount.reason, discount.approved_by.as_ref(), t) }
    }

    fn price(change: &PriceChange, t: &'static Words) -> Self {
        let what = fill(t.price_was, &[&change.was.to_string()]);
        Self { what, why: because(&change.reason, change.approved_by.as_ref(), t) }
    }
}

fn because(reason: &Reason, approved_by: Option<&Cashier>, t: &'static Words) -> String {
    let own = (!reason.text.is_empty()).then(|| reason.text.clone());
    let approver = approved_by.map(|who| fill(t.approved_by, &[&who.tidy().name]));
    let parts = [Some(say::reason(reason.kind, t).to_owned()), own, approver];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What the order centre does next about an attempt, and when.
pub(super) fn next_step(
    record: &PaymentRecord,
    policies: &Policies,
    now: Timestamp,
    visitor: &Visitor,
) -> Option<String> {
    let (payment, t) = (&record.payment, visitor.words());
    let action = payment.due(payment.next_at.max(now), policies.of(payment.wallet))?;
    let sentence = match action {
        Action::Query | Action::Show => t.next_ask,
        Action::Reverse => t.next_take_back,
        Action::LookAgain => t.next_look,
    };
    Some(fill(sentence, &[clock_of(&visitor.time(payment.next_at))]))
}

/// The end of waiting, and how long it is until then.
pub(super) fn deadline(
    record: &PaymentRecord,
    policies: &Policies,
    now: Timestamp,
    visitor: &Visitor,
) -> String {
    let until = record.payment.deadline(policies.of(record.payment.wallet));
    let time = visitor.time(until);
    if until > now {
        format!("{} ({})", clock_of(&time), say::time_left(until, now, visitor.words()))
    } else {
        clock_of(&time).to_owned()
    }
}

/// The time of day in a moment as it is written.
fn clock_of(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(_, clock)| clock)
}

impl PaymentView {
    fn of(record: &PaymentRecord, policies: &Policies, now: Timestamp, visitor: &Visitor) -> Self {
        let (payment, t) = (&record.payment, visitor.words());
        let (tone, word) = say::payment(payment.state, t);
        Self {
            attempt: payment.attempt,
            wallet: say::account(payment.wallet, payment.account, t),
            amount: payment.amount.to_string(),
            badge: Badge::new(tone, word),
            since: fill(t.since, &[&visitor.time(payment.since)]),
            reason: payment.reason.map(|reason| say::declined(reason, t)),
            next: next_step(record, policies, now, visitor),
            deadline: deadline(record, policies, now, visitor),
            channel_number: payment.channel_number.to_string(),
        }
    }
}

impl RefundView {
    fn of(record: &RefundRecord, is_split: bool, visitor: &Visitor) -> Self {
        let (refund, t) = (&record.refund, visitor.words());
        let (tone, word) = say::refund(refund.state, record.terminal, t);
        let currency = refund.amount.currency;
        let part = if is_split { format!(" · {}", say::tender(&record.paid_by, t)) } else { String::new() };
        Self {
            amount: format!("{}{part}", refund.amount),
            badge: Badge::new(tone, word),
            reason: refund.reason.clone(),
            refused: refund.refused.as_ref().map(|why| say::refund_refused(why, currency, t)),
            by: refund.requested_by.clone(),
            at: visitor.time(refund.requested_at),
        }
    }
}
