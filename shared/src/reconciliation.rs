//! Our books against a channel's bill, movement by movement (rule *books-match*).
//!
//! The channel's day decides: what one side has and the other has not may stand in the other's next day, so it is
//! carried forward for [`CARRY_DAYS`] days before it is filed. What neither agrees nor is carried becomes a
//! [`Finding`], in one of the [`Category`]s, which are named by side. A movement whose end nobody knew is settled by
//! a line of the bill that says it, the channel's last word; never by a line that is missing, since the bill that has it
//! may not have been compared (rule *known-or-unknown*). What the bill says was paid after its attempt had ended without
//! money is told, and handed on like that: it is a success that came too late.
//!
//! For every run: our net minus the bill's net is what the findings, the settlements and the carried rows say, to the
//! last minor unit ([`Reconciled::explained`]); nothing is lost between the two.

mod compare;

use crate::money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use compare::reconcile;

/// So many later days a row without its counterpart is looked for before it is filed.
pub const CARRY_DAYS: u8 = 3;

/// So many later days a line is waited for that takes back a payment which, by our books, did not move: a payment
/// just before midnight may be taken back just after it. Longer would keep a customer's money unseen.
pub const REVOKE_DAYS: u8 = 1;

/// Which way money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// From the customer to the shop.
    Payment,
    /// Back to the customer.
    Refund,
}

impl Movement {
    /// The word in the database and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Payment, Self::Refund].into_iter().find(|movement| movement.as_str() == word)
    }

    fn sign(self) -> i64 {
        match self {
            Self::Payment => 1,
            Self::Refund => -1,
        }
    }
}

/// One line of a channel's bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRow {
    /// Which way the money moved.
    pub movement: Movement,
    /// Our number for it: the channel number of a payment, the number of a refund.
    pub number: String,
    /// How much; never negative.
    pub amount: Amount,
    /// What the channel keeps for itself, in minor units.
    pub fee_minor: i64,
    /// The line says that a payment was taken back under its own number.
    pub revoked: bool,
    /// How far it is: refunds stand in a bill from the moment that they were accepted.
    #[serde(default)]
    pub progress: Progress,
    /// The channel's own number.
    pub transaction: String,
    /// The line of the bill, from 1, for the person who looks.
    pub line: u64,
}

/// How far a channel is with what a line of its bill tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The money moved.
    #[default]
    Done,
    /// It was accepted, and nothing more is said.
    UnderWay,
    /// It came to nothing.
    Failed,
}

impl BillRow {
    /// Whether it says that money moved. What takes a payment back is no refund: it counts as it stands there.
    fn is_done(&self) -> bool {
        self.revoked || self.progress == Progress::Done
    }

    fn net(&self) -> i64 {
        if !self.is_done() {
            return 0;
        }
        let sign = if self.revoked { -1 } else { 1 };
        sign * self.movement.sign() * self.amount.minor
    }
}

/// How a movement stands in our books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The money moved.
    Moved,
    /// It surely did not, or was taken back under the same number.
    NotMoved,
    /// Nobody knows yet (rule *known-or-unknown*).
    Unknown,
}

/// One movement in our books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Which way the money was to move.
    pub movement: Movement,
    /// The number that the channel saw.
    pub number: String,
    /// How much; never negative.
    pub amount: Amount,
    /// What the channel should keep, in minor units, where the agreement with it is known.
    pub fee_minor: Option<i64>,
    /// How it stands.
    pub standing: Standing,
    /// Nobody knows how it stands because it is being taken back: a line that says so may come in a later bill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
    /// The order that it belongs to.
    pub order: String,
}

impl BookRow {
    fn net(&self) -> i64 {
        if self.standing == Standing::Moved { self.movement.sign() * self.amount.minor } else { 0 }
    }
}

/// A row that waits for its counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The row.
    pub row: Either,
    /// How many days it has been looked for in vain.
    pub days: u8,
}

/// A row of one of the two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Either {
    /// Ours.
    Book(BookRow),
    /// The channel's.
    Bill(BillRow),
}

/// What is wrong, named by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// In our books as moved; no bill of the days that count has it.
    MissingAtChannel,
    /// In the bill; our books have never heard of it.
    MissingHere,
    /// The bill says moved; our books say that it did not. A payment's money goes back by itself.
    PaidThereNotHere,
    /// Our books say moved; the bill says that it was taken back.
    PaidHereNotThere,
    /// Both have it, with different amounts.
    AmountDiffers,
    /// Both have it, with different fees.
    FeeDiffers,
    /// One number moved more than once.
    Duplicate,
    /// Both have it, in different currencies.
    CurrencyDiffers,
    /// The bill takes a payment back that no bill of the days that count had.
    RevokedAlone,
    /// Nobody here knows how it ended, and no bill of the days that count says it either.
    UnknownHereNotThere,
}

impl Category {
    /// Every category there is.
    pub const ALL: [Self; 10] = [
        Self::MissingAtChannel,
        Self::MissingHere,
        Self::PaidThereNotHere,
        Self::PaidHereNotThere,
        Self::AmountDiffers,
        Self::FeeDiffers,
        Self::Duplicate,
        Self::CurrencyDiffers,
        Self::RevokedAlone,
        Self::UnknownHereNotThere,
    ];

    /// The word in the database and in lists, named by side.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingAtChannel => "missing_at_channel",
            Self::MissingHere => "missing_here",
            Self::PaidThereNotHere => "paid_there_not_here",
            Self::PaidHereNotThere => "paid_here_not_there",
            Self::AmountDiffers => "amount_differs",
            Self::FeeDiffers => "fee_differs",
            Self::Duplicate => "duplicate",
            Self::CurrencyDiffers => "currency_differs",
            Self::RevokedAlone => "revoked_alone",
            Self::UnknownHereNotThere => "unknown_here_not_there",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }
}

/// A field that differs, as each side has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDiffers {
    /// Its name.
    pub field: &'static str,
    /// As our books have it.
    pub ours: String,
    /// As the bill has it.
    pub theirs: String,
}

/// Something that a person must be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub category: Category,
    /// Which way the money moved.
    pub movement: Movement,
    /// The number that both sides know it by.
    pub number: String,
    /// The order, where our books know it.
    pub order: Option<String>,
    /// Which fields differ.
    pub fields: Vec<FieldDiffers>,
    /// The lines of the bill that say so.
    pub lines: Vec<u64>,
    /// By how much our net is over the bill's, by currency, in minor units.
    pub difference: Net,
}

/// A movement that nobody knew the end of, and the bill did; or a payment that was over here without money, and moved by the
/// bill: that one is a [`Category::PaidThereNotHere`], too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettledByBill {
    /// Which way the money was to move.
    pub movement: Movement,
    /// Its number.
    pub number: String,
    /// The order that it belongs to.
    pub order: String,
    /// Whether it moved. `false` comes of a line that takes it back, and of nothing else.
    pub moved: bool,
    /// The channel's own number, if a line has it.
    pub transaction: Option<String>,
    /// By how much our net was over the bill's while nobody knew; nothing, where a finding says it.
    pub difference: Net,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// How many movements agree.
    pub agreed: u64,
    /// What does not.
    pub findings: Vec<Finding>,
    /// What the bill has settled.
    pub settled: Vec<SettledByBill>,
    /// What waits for tomorrow's bill.
    #[serde(skip)]
    pub carried: Vec<Carried>,
    /// Our net minus the bill's, of all rows that went in.
    pub difference: Net,
}

impl Reconciled {
    /// What findings, settlements and carried rows say together: always equal to [`Self::difference`].
    #[must_use]
    pub fn explained(&self) -> Net {
        let mut net = Net::default();
        for finding in &self.findings {
            net.add_all(&finding.difference, 1);
        }
        for settled in &self.settled {
            net.add_all(&settled.difference, 1);
        }
        for carried in &self.carried {
            match &carried.row {
                Either::Book(row) => net.add(row.amount.currency, row.net()),
                Either::Bill(row) => net.add(row.amount.currency, -row.net()),
            }
        }
        net
    }
}

/// Sums by currency, in minor units; a sum of nothing is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Net(BTreeMap<&'static str, i64>);

impl Net {
    fn add(&mut self, currency: Currency, minor: i64) {
        let sum = self.0.entry(currency.code()).or_default();
        *sum = sum.saturating_add(minor);
        if *sum == 0 {
            self.0.remove(currency.code());
        }
    }

    fn add_all(&mut self, other: &Self, sign: i64) {
        for (code, minor) in &other.0 {
            let sum = self.0.entry(code).or_default();
            *sum = sum.saturating_add(sign * minor);
            if *sum == 0 {
                self.0.remove(code);
            }
        }
    }

    /// The sum in one currency.
    #[must_use]
    pub fn of(&self, currency: Currency) -> i64 {
        self.0.get(currency.code()).copied().unwrap_or_default()
    }

    /// Every sum that is not nothing, by the currency's code.
    #[must_use]
    pub fn sums(&self) -> BTreeMap<String, i64> {
        self.0.iter().map(|(code, minor)| ((*code).to_owned(), *minor)).collect()
    }

    /// Whether all sums are nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
