//! A shift: the drawer from one counted float to the next count, as it follows from the journal's entries. It is known
//! by the places of entries in the journal, never by a clock: one that goes back neither counts money twice nor loses it.
//!
//! Money counts in the shift in which the journal says that it moved: a sale that is paid after a count counts in the
//! next shift, whenever it was begun. Sums stop at the largest amount there is: no sum refuses a payment.

mod book;
mod parts;
pub use book::{Act, Book, Deed, Differs, follow};
pub use parts::{PartDoubt, Parts, follow_parts};

use crate::cashier::Cashier;
use crate::clock::Timestamp;
use crate::money::{Amount, Currency};
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How often, and how much together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How often.
    #[serde(default)]
    pub count: u32,
    /// How much, in minor units.
    #[serde(default)]
    pub minor: i64,
}

impl Tally {
    fn add(&mut self, minor: i64) {
        self.count = self.count.saturating_add(1);
        self.minor = self.minor.saturating_add(minor);
    }

    /// A part of something that counts elsewhere, or as a whole later.
    fn move_part(&mut self, minor: i64) {
        self.minor = self.minor.saturating_add(minor);
    }
}

/// Where money came from or went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The drawer.
    Drawer,
    /// A wallet.
    Wallet(Wallet),
    /// Not known at this till: the sale stands in no journal that it has.
    NotKnown,
}

/// Something that counts in a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A sale was paid: in cash, or through a wallet.
    Sold {
        /// Whose; nothing for cash.
        wallet: Option<Wallet>,
        /// How much: the sale's total, less what had been taken in cash before.
        amount: Amount,
        /// How much of the total is tax.
        tax: Amount,
    },
    /// A part of a sale was taken in cash. The rest counts when the sale is paid, and the tax with it.
    CashPart(Amount),
    /// It went back: the sale was not paid.
    CashPartBack(Amount),
    /// Nobody came for it: it stays, as money that was put in.
    CashPartKept(Amount),
    /// Money surely went back.
    Refunded {
        /// From where.
        from: Place,
        /// How much.
        amount: Amount,
    },
    /// Money was put into the drawer.
    PaidIn(Amount),
    /// Money was taken out of it.
    PaidOut(Amount),
    /// A sale was given up before it was paid, or goods before they were closed for payment.
    Voided(Amount),
    /// The drawer was opened without a sale.
    NoSale,
    /// The drawer was opened to be counted. Once belongs to the shift's end; each time more is an opening without a sale.
    CountBegun,
}

impl Fact {
    fn currency(&self) -> Option<Currency> {
        match self {
            Self::Sold { amount, .. }
            | Self::Refunded { amount, .. }
            | Self::CashPart(amount)
            | Self::CashPartBack(amount)
            | Self::CashPartKept(amount)
            | Self::PaidIn(amount)
            | Self::PaidOut(amount)
            | Self::Voided(amount) => Some(amount.currency),
            Self::NoSale | Self::CountBegun => None,
        }
    }
}

/// What happened in a shift, summed up. All amounts are minor units of one currency. Signed ends hold these sums, so
/// those of earlier programs, which may lack some, and of later ones, which may count more, are read all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Of what.
    pub currency: Currency,
    /// What was in the drawer when the shift began.
    #[serde(default)]
    pub float_minor: i64,
    /// Sales paid in cash, and in their sum also what was taken in cash of other sales, which count where the rest was paid.
    #[serde(default)]
    pub cash_sales: Tally,
    /// Sales paid through wallets.
    #[serde(default)]
    pub wallet_sales: BTreeMap<Wallet, Tally>,
    /// How much of all these sales is tax.
    #[serde(default)]
    pub tax_minor: i64,
    /// Refunds from the drawer.
    #[serde(default)]
    pub cash_refunds: Tally,
    /// Refunds to wallets.
    #[serde(default)]
    pub wallet_refunds: BTreeMap<Wallet, Tally>,
    /// Refunds of sales that this till does not know any more.
    #[serde(default)]
    pub other_refunds: Tally,
    /// Cash parts of sales that went back to the customer, because the sale was not paid so. They are in no sum of sales.
    #[serde(default)]
    pub parts_back: Tally,
    /// Money put into the drawer.
    #[serde(default)]
    pub paid_in: Tally,
    /// Money taken out of the drawer.
    #[serde(default)]
    pub paid_out: Tally,
    /// Sales that were given up before they were paid, and goods before they were closed for payment.
    #[serde(default)]
    pub voids: Tally,
    /// How often the drawer was opened without a sale.
    #[serde(default)]
    pub no_sales: u32,
    /// Facts in another currency than the float's: in none of the sums.
    #[serde(default)]
    pub foreign: u32,
}

impl Totals {
    fn new(float: Amount) -> Self {
        Self {
            currency: float.currency,
            float_minor: float.minor,
            cash_sales: Tally::default(),
            wallet_sales: BTreeMap::new(),
            tax_minor: 0,
            cash_refunds: Tally::default(),
            wallet_refunds: BTreeMap::new(),
            other_refunds: Tally::default(),
            parts_back: Tally::default(),
            paid_in: Tally::default(),
            paid_out: Tally::default(),
            voids: Tally::default(),
            no_sales: 0,
            foreign: 0,
        }
    }

    /// What the drawer holds if nobody made a mistake.
    #[must_use]
    pub fn expected(&self) -> Amount {
        let sum = [self.float_minor, self.cash_sales.minor, self.paid_in.minor]
            .into_iter()
            .map(i128::from)
            .sum::<i128>()
            - i128::from(self.paid_out.minor)
            - i128::from(self.cash_refunds.minor);
        let minor = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Amount::new(i64::try_from(minor).unwrap_or(i64::MAX), self.currency)
    }

    /// All sales together.
    #[must_use]
    pub fn sales(&self) -> Tally {
        self.wallet_sales.values().fold(self.cash_sales, |sum, one| Tally {
            count: sum.count.saturating_add(one.count),
            minor: sum.minor.saturating_add(one.minor),
        })
    }

    fn take(&mut self, fact: &Fact) {
        if fact.currency().is_some_and(|currency| currency != self.currency) {
            self.foreign = self.foreign.saturating_add(1);
            return;
        }
        match *fact {
            Fact::Sold { wallet, amount, tax } => {
                match wallet {
                    None => self.cash_sales.add(amount.minor),
                    Some(wallet) => self.wallet_sales.entry(wallet).or_default().add(amount.minor),
                }
                self.tax_minor = self.tax_minor.saturating_add(tax.minor);
            }
            Fact::CashPart(amount) => self.cash_sales.move_part(amount.minor),
            Fact::CashPartBack(amount) => {
                self.cash_sales.move_part(amount.minor.saturating_neg());
                self.parts_back.add(amount.minor);
            }
            Fact::CashPartKept(amount) => {
                self.cash_sales.move_part(amount.minor.saturating_neg());
                self.paid_in.add(amount.minor);
            }
            Fact::Refunded { from, amount } => match from {
                Place::Drawer => self.cash_refunds.add(amount.minor),
                Place::Wallet(wallet) => self.wallet_refunds.entry(wallet).or_default().add(amount.minor),
                Place::NotKnown => self.other_refunds.add(amount.minor),
            },
            Fact::PaidIn(amount) => self.paid_in.add(amount.minor),
            Fact::PaidOut(amount) => self.paid_out.add(amount.minor),
            Fact::Voided(amount) => self.voids.add(amount.minor),
            Fact::NoSale => self.no_sales = self.no_sales.saturating_add(1),
            // The shift knows how often.
            Fact::CountBegun => {}
        }
    }
}

/// So many notes or coins of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The value of one, in minor units.
    pub value_minor: i64,
    /// How many.
    pub pieces: u32,
}

/// What these come to, in minor units; nothing if that does not fit, or a value is no value or stands there twice.
#[must_use]
pub fn counted_minor(counted: &[Counted]) -> Option<i64> {
    let mut values = BTreeSet::new();
    counted.iter().try_fold(0_i64, |sum, one| {
        let new = one.value_minor > 0 && values.insert(one.value_minor);
        let part = one.value_minor.checked_mul(i64::from(one.pieces)).filter(|_| new)?;
        sum.checked_add(part)
    })
}

/// The values of notes and coins, in minor units, the largest first.
#[must_use]
pub fn denominations(currency: Currency) -> Vec<i64> {
    match currency.code() {
        "CNY" => vec![10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10],
        "USD" => vec![10_000, 5_000, 2_000, 1_000, 500, 100, 25, 10, 5, 1],
        "JPY" => vec![10_000, 5_000, 1_000, 500, 100, 50, 10, 5, 1],
        _ => {
            let exponents = 0..=currency.minor_digits().max(2) + 2;
            let units = exponents.rev().map(|exponent| 10_i64.saturating_pow(exponent));
            units.flat_map(|unit| [5, 2, 1].map(|times: i64| times.saturating_mul(unit))).collect()
        }
    }
}

/// What was not settled when a shift was counted. It stops nothing: it is said, and counts where its end is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Sales in cash that the server has not confirmed.
    #[serde(default)]
    pub unsent: u32,
    /// Payments and refunds whose end is not known.
    #[serde(default)]
    pub unknown: Tally,
}

/// The end of a shift, as it stands in the journal. Fields of later programs are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The place of the entry that opened it.
    pub shift: u64,
    /// What was counted, blind.
    pub counted: Vec<Counted>,
    /// What should have been there.
    pub expected: Amount,
    /// All that happened.
    pub totals: Totals,
    /// What was not settled.
    pub pending: Pending,
    /// Who counted; nobody at a till where nobody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
    /// Who approved it, if who counted may not by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Cashier>,
}

impl Closing {
    /// What was counted together.
    #[must_use]
    pub fn counted(&self) -> Amount {
        Amount::new(counted_minor(&self.counted).unwrap_or(0), self.expected.currency)
    }

    /// What was counted less what should have been there, in minor units: over, or short below zero.
    #[must_use]
    pub fn over_minor(&self) -> i64 {
        self.counted().minor.saturating_sub(self.expected.minor)
    }
}

/// The end of a shift, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The place of its entry.
    pub entry: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// What it says.
    pub closing: Closing,
}

/// A shift as it follows from the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The place of the entry that opened it: its name within the journal.
    pub opened: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// Who opened it.
    pub cashier: Option<Cashier>,
    /// What happened in it.
    pub totals: Totals,
    /// How often the drawer was opened to be counted.
    #[serde(default)]
    pub counts_begun: u32,
    /// Its end.
    pub closed: Option<Closed>,
}

/// An entry that no shift allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShiftError {
    /// One at a time.
    #[error("shift {0} is open: end it first")]
    OpenBefore(u64),
    /// There is none to end, or to put money in.
    #[error("no shift is open")]
    NoneOpen,
    /// The end names another shift, or would be signed with other sums than the journal's.
    #[error("the end of shift {0} does not fit what the journal says")]
    DoesNotFit(u64),
    /// An amount that cannot be: below zero, or nothing where there must be something.
    #[error("{0} cannot be put into the drawer or taken out of it")]
    NoAmount(Amount),
    /// The money is of another currency than the float.
    #[error("{0} is of another currency than this shift's")]
    AnotherCurrency(Amount),
}

impl Shift {
    /// Opens a shift.
    /// # Errors
    /// A float below zero.
    pub fn open(
        opened: u64,
        at: Timestamp,
        float: Amount,
        cashier: Option<Cashier>,
    ) -> Result<Self, ShiftError> {
        if float.minor < 0 {
            return Err(ShiftError::NoAmount(float));
        }
        Ok(Self { opened, at, cashier, totals: Totals::new(float), counts_begun: 0, closed: None })
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Takes in what happened. What has happened is never refused.
    pub fn take(&mut self, fact: &Fact) {
        if *fact == Fact::CountBegun {
            self.counts_begun = self.counts_begun.saturating_add(1);
            if self.counts_begun > 1 {
                self.totals.take(&Fact::NoSale);
            }
        }
        self.totals.take(fact);
    }

    /// Puts money in or takes it out, which a person asks for and which can be refused.
    /// # Errors
    /// Nothing, less than nothing, or another currency.
    pub fn move_cash(&mut self, fact: &Fact) -> Result<(), ShiftError> {
        if let Fact::PaidIn(amount) | Fact::PaidOut(amount) = fact {
            if amount.currency != self.totals.currency {
                return Err(ShiftError::AnotherCurrency(*amount));
            }
            if !amount.is_positive() {
                return Err(ShiftError::NoAmount(*amount));
            }
        }
        self.take(fact);
        Ok(())
    }

    /// Its end by this count, to be written into the journal.
    #[must_use]
    pub fn closing(&self, counted: Vec<Counted>, pending: Pending) -> Closing {
        Closing {
            shift: self.opened,
            counted,
            expected: self.totals.expected(),
            totals: self.totals.clone(),
            pending,
            cashier: None,
            approved_by: None,
        }
    }

    /// Whether an end says what the journal says: looked at once, before it is signed.
    /// # Errors
    /// Its sums are not those of the journal.
    pub fn check_sums(&self, closing: &Closing) -> Result<(), ShiftError> {
        let fits = closing.totals == self.totals && closing.expected == self.totals.expected();
        if fits { Ok(()) } else { Err(ShiftError::DoesNotFit(closing.shift)) }
    }

    /// Ends it. The sums are those that the end says: they were right by the program that signed them, and another
    /// that counts something differently does not take that for damage.
    /// # Errors
    /// The end is another shift's, or what was counted is no sum.
    pub fn close(&mut self, entry: u64, at: Timestamp, closing: &Closing) -> Result<(), ShiftError> {
        let fits =
            self.is_open() && closing.shift == self.opened && counted_minor(&closing.counted).is_some();
        if !fits {
            return Err(ShiftError::DoesNotFit(closing.shift));
        }
        self.totals = closing.totals.clone();
        self.closed = Some(Closed { entry, at, closing: closing.clone() });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
