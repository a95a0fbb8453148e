//! The drawers' part of the ledger: each journal entry that moves cash, as a debit of one account and a credit of another,
//! under the shift that it moved in. It stands beside the shifts, and is written with them.
//!
//! A float comes from the safe, and what was counted goes back there; what was sold for cash comes from the orders, whose own
//! ledger has it on the other side. So the drawer of a shift that has ended holds nothing, and the difference between what
//! should have been there and what was counted stands under over and short.

use super::{Account, Leg};
use crate::clock::Timestamp;
use crate::journal::{Body, CashReason, Entry};
use crate::money::{Amount, Currency};
use crate::shift::Book;
use std::collections::BTreeMap;

/// What moves outside of any shift stands under this place: no entry has it.
pub const NO_SHIFT: u64 = 0;

/// An account of the drawers' part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Cash in drawers.
    Drawer,
    /// What was counted over what should have been there; or short, on the other side.
    OverShort,
    /// Cash from customers and back to them: the orders' ledger has it on the other side.
    Takings,
    /// Where floats come from, and where what was counted goes.
    Safe,
    /// What money was paid in or out for.
    For(CashReason),
}

impl Side {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drawer => Account::Drawer.as_str(),
            Self::OverShort => Account::OverShort.as_str(),
            Self::Takings => "takings",
            Self::Safe | Self::For(CashReason::Safe) => "safe",
            Self::For(CashReason::Expense) => "expense",
            Self::For(CashReason::Supplier) => "supplier",
            Self::For(CashReason::Correction) => "correction",
            Self::For(CashReason::Other) => "other",
        }
    }
}

/// Why cash moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A shift began with it.
    Float,
    /// A customer paid, all or a part; or got a part back, because it came to no sale.
    Sale,
    /// It was put in without a sale.
    PaidIn,
    /// It was taken out without a sale.
    PaidOut,
    /// It went back to customers: known when the shift ends.
    Refunds,
    /// A person gave the shift up, and found this in the drawer.
    Found,
    /// A person gave the shift up, and did not find this.
    Missing,
    /// It was counted over what should have been there, or short.
    OverShort,
    /// It was counted, and went to the safe.
    Counted,
}

impl What {
    /// Everything there is.
    pub const ALL: [Self; 9] = [
        Self::Float,
        Self::Sale,
        Self::PaidIn,
        Self::PaidOut,
        Self::Refunds,
        Self::Found,
        Self::Missing,
        Self::OverShort,
        Self::Counted,
    ];

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Sale => "sale",
            Self::PaidIn => "paid_in",
            Self::PaidOut => "paid_out",
            Self::Refunds => "refunds",
            Self::Found => "found",
            Self::Missing => "missing",
            Self::OverShort => "over_short",
            Self::Counted => "counted",
        }
    }

    /// What stands on the other side where the entry itself does not say.
    fn other_side(self) -> Side {
        match self {
            Self::Float | Self::Counted | Self::Found => Side::Safe,
            Self::Sale | Self::Refunds => Side::Takings,
            Self::PaidIn | Self::PaidOut => Side::For(CashReason::Other),
            Self::Missing | Self::OverShort => Side::OverShort,
        }
    }
}

/// A movement of cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The shift: the place of the entry that opened it, or [`NO_SHIFT`].
    pub shift: u64,
    /// The place of the entry that says so.
    pub sequence: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// Why.
    pub what: What,
    /// Where it came from, or went to.
    pub other: Side,
    /// How much: into the drawer, or out of it below zero.
    pub amount: Amount,
}

impl Move {
    /// Its two halves: the debit first.
    #[must_use]
    pub fn legs(&self) -> [Leg; 2] {
        let minor = self.amount.minor;
        let (debit, credit) = if minor < 0 { (self.other, Side::Drawer) } else { (Side::Drawer, self.other) };
        let minor = minor.checked_abs().unwrap_or(i64::MAX);
        let leg = |side: Side, debit_minor, credit_minor| Leg {
            entry: self.what.as_str().into(),
            account: side.as_str().into(),
            currency: self.amount.currency.code().into(),
            debit_minor,
            credit_minor,
        };
        [leg(debit, minor, 0), leg(credit, 0, minor)]
    }
}

/// What entries move, in the order of the journal; `open` is the shift that was open before them. What the end of a shift
/// moves rests on what stands in the ledger already: that is [`at_end`].
#[must_use]
pub fn moves(open: Option<&Book>, entries: &[Entry]) -> Vec<Move> {
    let mut open = open.map(|book| (book.opened, book.float.currency));
    let mut all = Vec::new();
    for entry in entries {
        let (what, other, minor, currency) = match &entry.body {
            // It does not move: it is no sale's any more, and was put in.
            Body::CashPartKept { amount, .. } => {
                let taken = (What::Sale, Side::Takings, amount.minor.saturating_neg());
                let put_in = (What::PaidIn, Side::For(CashReason::Other), amount.minor);
                all.extend([taken, put_in].map(|(what, other, minor)| {
                    moved(open, entry, what, other, Amount::new(minor, amount.currency))
                }));
                continue;
            }
            Body::ShiftOpened { float, .. } => {
                open = Some((entry.sequence, float.currency));
                (What::Float, Side::Safe, float.minor, float.currency)
            }
            Body::ShiftClosed(closing) => {
                open = open.filter(|(opened, _)| *opened != closing.shift);
                continue;
            }
            Body::CashTaken { given, change, .. } | Body::CashRest { given, change, .. } => {
                let minor = given.minor.saturating_sub(change.minor);
                (What::Sale, Side::Takings, minor, given.currency)
            }
            Body::CashPart { amount, .. } => (What::Sale, Side::Takings, amount.minor, amount.currency),
            Body::CashPartBack { amount, .. } => {
                (What::Sale, Side::Takings, amount.minor.saturating_neg(), amount.currency)
            }
            Body::CashPaidIn { amount, reason, .. } => {
                (What::PaidIn, Side::For(*reason), amount.minor, amount.currency)
            }
            Body::CashPaidOut { amount, reason, .. } => {
                (What::PaidOut, Side::For(*reason), amount.minor.saturating_neg(), amount.currency)
            }
            _ => continue,
        };
        all.push(moved(open, entry, what, other, Amount::new(minor, currency)));
    }
    all.retain(|one| one.amount.minor != 0);
    all
}

/// What is not of the shift's currency is in none of its sums.
fn moved(open: Option<(u64, Currency)>, entry: &Entry, what: What, other: Side, amount: Amount) -> Move {
    let shift = open.filter(|(_, of)| *of == amount.currency).map_or(NO_SHIFT, |(opened, _)| opened);
    Move { shift, sequence: entry.sequence, at: entry.at, what, other, amount }
}

/// What a shift's drawer has in the ledger, by why it moved: into it, or out of it below zero. In the shift's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted(BTreeMap<What, i64>);

impl Posted {
    /// Adds what moved for that.
    pub fn add(&mut self, what: What, minor: i64) {
        let sum = self.0.entry(what).or_default();
        *sum = sum.saturating_add(minor);
    }

    /// What moved for that.
    #[must_use]
    pub fn of(&self, what: What) -> i64 {
        self.0.get(&what).copied().unwrap_or(0)
    }

    /// What is in the drawer.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.0.values().fold(0, |sum, minor| sum.saturating_add(*minor))
    }
}

/// What the shift itself says of float, sales, and what was put in and taken out. Of one that was not seen as a whole its
/// end's word counts.
#[must_use]
pub fn told(book: &Book) -> Posted {
    let mut posted = Posted::default();
    let seen = [book.float.minor, book.cash_sales.minor, book.paid_in.minor, book.paid_out.minor];
    let end = book.closed.as_ref().map(|closed| &closed.closing.totals);
    let by_end = end.filter(|totals| !book.seen_whole() && totals.currency == book.float.currency);
    let [float, sales, paid_in, paid_out] = by_end.map_or(seen, |totals| {
        let [cash_sales, paid_in, paid_out] = [totals.cash_sales, totals.paid_in, totals.paid_out];
        [totals.float_minor, cash_sales.minor, paid_in.minor, paid_out.minor]
    });
    posted.add(What::Float, float);
    posted.add(What::Sale, sales);
    posted.add(What::PaidIn, paid_in);
    posted.add(What::PaidOut, paid_out.saturating_neg());
    posted
}

/// One after another, until the drawer's account says what it has to.
struct Settling<'a> {
    posted: &'a mut Posted,
    place: (u64, u64, Timestamp),
    currency: Currency,
    moves: Vec<Move>,
}

impl Settling<'_> {
    fn post(&mut self, what: What, minor: i64) {
        if minor == 0 {
            return;
        }
        self.posted.add(what, minor);
        let (shift, sequence, at) = self.place;
        let amount = Amount::new(minor, self.currency);
        self.moves.push(Move { shift, sequence, at, what, other: what.other_side(), amount });
    }

    /// Brings what stands there for that to what is told.
    fn bring(&mut self, what: What, to: i64) {
        self.post(what, to.saturating_sub(self.posted.of(what)));
    }

    fn bring_told(&mut self, book: &Book) {
        let told = told(book);
        for what in [What::Float, What::Sale, What::PaidIn, What::PaidOut] {
            self.bring(what, told.of(what));
        }
    }
}

/// What the end of a shift moves; `posted` is what stands in the ledger of its drawer. What is not there yet of what the shift
/// says comes with it, so that the account is whole whatever was seen; and what a person said when they gave the shift up is
/// taken back: the till's own end counts. Nothing for a shift that has not ended.
#[must_use]
pub fn at_end(book: &Book, mut posted: Posted) -> Vec<Move> {
    let Some(closed) = &book.closed else { return Vec::new() };
    let currency = book.float.currency;
    let place = (book.opened, closed.entry, closed.at);
    let mut settling = Settling { posted: &mut posted, place, currency, moves: Vec::new() };
    settling.bring_told(book);
    settling.bring(What::Found, 0);
    settling.bring(What::Missing, 0);
    let closing = &closed.closing;
    let own = |of: Currency, minor: i64| if of == currency { minor } else { 0 };
    let refunds = own(closing.totals.currency, closing.totals.cash_refunds.minor);
    settling.bring(What::Refunds, refunds.saturating_neg());
    let counted = own(closing.expected.currency, closing.counted().minor);
    let over = counted.saturating_sub(settling.posted.held());
    settling.post(What::OverShort, over);
    settling.post(What::Counted, counted.saturating_neg());
    settling.moves
}

/// Where and when a movement is written down that no entry of its own tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Under the place of that entry.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
}

/// What moves when a person gives up a shift that its till will never end: what they found goes to the safe, what they did
/// not find is short. Asked again when more of the shift has come in, it is what makes the account whole again: the person's
/// count stands, and what is short follows it.
#[must_use]
pub fn at_giving_up(book: &Book, mut posted: Posted, found: Amount, place: Place) -> Vec<Move> {
    let place = (book.opened, place.sequence, place.at);
    let mut settling =
        Settling { posted: &mut posted, place, currency: book.float.currency, moves: Vec::new() };
    settling.bring_told(book);
    settling.bring(What::Found, found.minor.saturating_neg());
    let missing = settling.posted.held();
    settling.post(What::Missing, missing.saturating_neg());
    settling.moves
}

/// Whose word counts for what was in the drawer at the end of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountBy {
    /// The till's own end, once there is one.
    Till,
    /// The person's who gave it up: its till was blocked, and what it hands in is not believed over what somebody counted.
    Person,
}

/// What is wrong with the drawer's account of a shift, in words. Nothing if it is the account of what the shift says.
#[must_use]
pub fn differs(book: &Book, posted: &Posted, counted: CountBy) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, told: i64, posted: i64| {
        if told != posted {
            found.push(format!("{what}: the shift says {told}, the drawer's account {posted}"));
        }
    };
    // Of an open shift that was not seen as a whole nobody knows yet what it has to be.
    if book.seen_whole() || !book.is_open() {
        let told = told(book);
        for what in [What::Float, What::Sale, What::PaidIn, What::PaidOut] {
            compare(what.as_str(), told.of(what), posted.of(what));
        }
    }
    if book.closed.is_some() || counted == CountBy::Person {
        compare("left in the drawer", 0, posted.held());
    }
    let by_till = book.closed.as_ref().filter(|_| counted == CountBy::Till && book.differs().is_empty());
    if let Some(closing) = by_till.map(|closed| &closed.closing)
        && closing.expected.currency == book.float.currency
    {
        compare(What::OverShort.as_str(), closing.over_minor(), posted.of(What::OverShort));
    }
    found
}

#[cfg(test)]
mod tests;
