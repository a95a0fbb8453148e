//! The bill of a day, as every wallet has it: what moved on that day of the channel's, by its own books; and the ways in
//! which a bill may be wrong on purpose. How a bill is written is each wallet's own.

use super::book::{Book, Order, Refund, RefundEnd};
use super::china_time;
use evertill_shared::business_day::{BusinessDay, moment_on};
use evertill_shared::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// So many minutes after midnight of the next day, by China's clock, there is a bill.
const READY_MINUTES: u16 = 10 * 60;

/// What is wrong with bills. In JSON: `"extra_row"`, `{"missing_row":{"number":"E1"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillFault {
    /// A line is not there; the sums agree.
    MissingRow {
        /// The payment's number, or the refund's.
        number: String,
    },
    /// A payment that nobody made; the sums agree.
    ExtraRow,
    /// The amount of a line is one fen more; the sums agree.
    OtherAmount {
        /// The payment's number, or the refund's.
        number: String,
    },
    /// The fee of a line is one fen more.
    OtherFee {
        /// The payment's number, or the refund's.
        number: String,
    },
    /// A line is in US dollars (WeChat Pay; Alipay's bills name no currency).
    OtherCurrency {
        /// The payment's number, or the refund's.
        number: String,
    },
    /// A payment stands in it twice; the sums agree.
    Twice {
        /// Its number.
        number: String,
    },
    /// The text ends in the middle.
    Truncated,
    /// The columns have other names.
    OtherColumns,
    /// The sums are not those of the lines.
    OtherSums,
    /// There is none yet, whatever the time.
    NotReady,
}

/// What one line of a bill tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Moved {
    /// Money came.
    Paid,
    /// A payment was taken back under its own number.
    Revoked,
    /// Money went back under a number of its own.
    Refunded,
}

/// One line of a bill.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct BillLine {
    pub moved: Moved,
    pub at: Timestamp,
    pub number: String,
    pub transaction: String,
    pub refund: Option<Refund>,
    /// The wallet is done with it: false of a refund that is still on its way when the bill is written.
    pub done: bool,
    pub amount_minor: i64,
    /// What the wallet keeps beyond what was agreed, in fen.
    pub more_fee_minor: i64,
    pub currency: &'static str,
    pub description: String,
    pub device: String,
}

impl BillLine {
    fn of(order: &Order, moved: Moved, at: Timestamp, amount_minor: i64) -> Self {
        Self {
            moved,
            at,
            number: order.number.clone(),
            transaction: order.transaction.clone(),
            refund: None,
            done: true,
            amount_minor,
            more_fee_minor: 0,
            currency: "CNY",
            description: order.description.clone(),
            device: order.device.clone(),
        }
    }

    /// The merchant's number of what moved.
    pub fn own_number(&self) -> &str {
        self.refund.as_ref().map_or(&self.number, |refund| &refund.number)
    }

    /// By how much it changes the merchant's account, in fen.
    pub fn on_account(&self) -> i64 {
        let came = if self.moved == Moved::Paid { self.amount_minor } else { -self.amount_minor };
        came - self.fee_minor()
    }

    /// What the wallet keeps of it, in fen; half a fen is one, whichever way it goes.
    pub fn fee_minor(&self) -> i64 {
        let fee = self.fee();
        (fee.abs() + 500) / 1000 * fee.signum()
    }

    /// What the wallet keeps of it, in thousandths of a fen: 0.6 %, as a rule.
    pub fn fee(&self) -> i64 {
        let fee = self.amount_minor * 6;
        let fee = if self.moved == Moved::Paid { fee } else { -fee };
        fee + self.more_fee_minor * 1_000
    }
}

/// The lines of a day (`2026-11-20`), oldest first; nothing if there is no bill yet.
pub(in crate::simulator) fn lines(
    book: &Book,
    faults: &[BillFault],
    day: &str,
    now: Timestamp,
) -> Option<Vec<BillLine>> {
    let written_at = ready_at(day)?;
    if faults.contains(&BillFault::NotReady) || now < written_at {
        return None;
    }
    let mut lines = moved(book, |at| china_time(at, "%Y-%m-%d") == day);
    for line in &mut lines {
        line.done = line.refund.as_ref().is_none_or(|refund| refund.has_arrived(written_at));
    }
    faults.iter().for_each(|fault| spoil(&mut lines, fault));
    Some(lines)
}

/// What is on the merchant's account when a day begins, in fen: all that moved before, less fees.
pub(in crate::simulator) fn balance_before(book: &Book, day: &str) -> i64 {
    let earlier = moved(book, |at| china_time(at, "%Y-%m-%d").as_str() < day);
    earlier.iter().map(BillLine::on_account).sum()
}

/// What moved at times that are wanted, oldest first.
fn moved(book: &Book, is_wanted: impl Fn(Timestamp) -> bool) -> Vec<BillLine> {
    let mut lines = Vec::new();
    for order in book.orders.values() {
        if let Some(at) = order.paid_at.filter(|at| order.charged_minor > 0 && is_wanted(*at)) {
            lines.push(BillLine::of(order, Moved::Paid, at, order.charged_minor));
        }
        if let Some(at) = order.ended_at.filter(|at| order.reversed_minor > 0 && is_wanted(*at)) {
            lines.push(BillLine::of(order, Moved::Revoked, at, order.reversed_minor));
        }
        let moves = |refund: &&Refund| refund.end != RefundEnd::Closed && is_wanted(refund.accepted_at);
        for refund in order.refunds.iter().filter(moves) {
            let line = BillLine::of(order, Moved::Refunded, refund.accepted_at, refund.amount_minor);
            lines.push(BillLine { refund: Some(refund.clone()), ..line });
        }
    }
    lines.sort_by(|a, b| (a.at, a.own_number()).cmp(&(b.at, b.own_number())));
    lines
}

/// When the bill of a day is there.
fn ready_at(day: &str) -> Option<Timestamp> {
    let day: BusinessDay = day.parse().ok()?;
    moment_on(day.next(), READY_MINUTES, &"Asia/Shanghai".parse().ok()?, 0)
}

/// The lines of that payment's or refund's number.
fn named<'a>(lines: &'a mut [BillLine], number: &'a str) -> impl Iterator<Item = &'a mut BillLine> {
    lines.iter_mut().filter(move |line| line.own_number() == number)
}

fn spoil(lines: &mut Vec<BillLine>, fault: &BillFault) {
    match fault {
        BillFault::MissingRow { number } => lines.retain(|line| line.own_number() != number),
        BillFault::OtherAmount { number } => {
            named(lines, number).for_each(|line| line.amount_minor += 1);
        }
        BillFault::OtherFee { number } => named(lines, number).for_each(|line| line.more_fee_minor += 1),
        BillFault::OtherCurrency { number } => named(lines, number).for_each(|line| line.currency = "USD"),
        BillFault::Twice { number } => {
            if let Some(line) = lines.iter().find(|line| line.own_number() == number).cloned() {
                lines.push(line);
            }
        }
        BillFault::ExtraRow => lines.push(BillLine {
            moved: Moved::Paid,
            at: lines.last().map_or(Timestamp(0), |line| line.at),
            number: "E9999900000000000000000000009999".into(),
            transaction: "4200009999202611209999999999".into(),
            refund: None,
            done: true,
            amount_minor: 4_711,
            more_fee_minor: 0,
            currency: "CNY",
            description: "nobody's".into(),
            device: "T9999".into(),
        }),
        BillFault::Truncated | BillFault::OtherColumns | BillFault::OtherSums | BillFault::NotReady => {}
    }
}

/// What is wrong with a bill as it is written: its columns, its end.
pub(in crate::simulator) fn spoil_text(mut text: String, column: &str, faults: &[BillFault]) -> String {
    if faults.contains(&BillFault::OtherColumns) {
        text = text.replacen(column, "新的列", 1);
    }
    if faults.contains(&BillFault::Truncated) {
        let mut at = text.len() / 2;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
    }
    text
}

/// Fen as yuan.
pub(in crate::simulator) fn yuan(minor: i64) -> String {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}
