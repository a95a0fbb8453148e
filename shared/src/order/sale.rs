//! What was sold, with what was taken off.

use super::age::AgeCheck;
use super::apportion::apportion;
use super::discount::{Discount, DiscountError, is_plain};
use super::line::{Line, LineError};
use super::serial::twice;
use crate::cashier::Cashier;
use crate::clock::Timestamp;
use crate::id::StoreId;
use crate::money::{Amount, Currency, MoneyError};
use serde::{Deserialize, Serialize};

/// What was sold, as the till wrote it into its journal. It never changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// The store that sold.
    pub store: StoreId,
    /// When the sale was closed for payment, by the till's own clock (a claim, not a fact).
    pub at: Timestamp,
    /// The goods.
    pub lines: Vec<Line>,
    /// What is to be paid, after everything that was taken off.
    pub total: Amount,
    /// How much of the total is tax.
    pub tax: Amount,
    /// Who served; nobody at a till where nobody logs in. Entries from before there was this field read as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
    /// What was taken off the whole sale. Each line has its part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// What the customer wanted to be noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How many lines were taken out before the sale was closed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines_voided: u32,
    /// That the customer is old enough for goods that ask for an age; none where none of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<AgeCheck>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Why a sale is not a sale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleError {
    /// Nothing was sold.
    #[error("the sale has no lines")]
    Empty,
    /// More lines than one sale may have.
    #[error("the sale has {0} lines; the most is {max}", max = Sale::MAX_LINES)]
    TooManyLines(usize),
    /// More lines with a discount, another price or a note than one sale may have.
    #[error("{0} lines were changed by hand; the most is {max}", max = Sale::MAX_ADJUSTED)]
    TooManyAdjusted(usize),
    /// One piece stands on two lines.
    #[error("line {0}: the piece with this serial number is in the sale already")]
    SerialTwice(usize),
    /// A line is not what it says.
    #[error("line {0} is wrong: {1}")]
    Line(usize, LineError),
    /// The discount of the whole sale is none.
    #[error("the sale's discount is wrong: {0}")]
    Discount(#[from] DiscountError),
    /// The lines' parts of the sale's discount are not what they should be.
    #[error("line {0} has another part of the sale's discount than it should")]
    ShareDiffers(usize),
    /// The note has line ends, or is too long.
    #[error("the sale's note is not one short line")]
    Note,
    /// An age that no goods may ask for.
    #[error("an age of {0} years is none that goods may ask for")]
    Age(u8),
    /// The lines do not add up to the total or to the tax.
    #[error("the lines add up to {computed}, the sale says {stated}")]
    TotalDiffers {
        /// What the lines add up to.
        computed: Amount,
        /// What the sale claims.
        stated: Amount,
    },
    /// The total is zero or less.
    #[error("there is nothing to pay")]
    NothingToPay,
    /// Arithmetic on money failed.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Gives each line its part of what is taken off the whole sale: in proportion to what it costs, adding up exactly,
/// whatever the order of the lines. The discount's amount is computed anew from what they cost now.
/// # Errors
/// The discount is larger than what the lines cost together.
pub fn spread(lines: &mut [Line], discount: Option<Discount>) -> Result<Option<Discount>, SaleError> {
    let discount = match (discount, lines.first()) {
        (Some(discount), Some(first)) => Some(discount.on(nets(lines, first.unit_price.currency)?)?),
        _ => None,
    };
    let shares = shares(lines, discount.as_ref())?;
    for (index, (line, share)) in lines.iter_mut().zip(shares).enumerate() {
        *line = line.clone().with_share(share).map_err(|error| SaleError::Line(index + 1, error))?;
    }
    Ok(discount)
}

/// What the lines cost together before anything is taken off the whole.
fn nets(lines: &[Line], currency: Currency) -> Result<Amount, SaleError> {
    lines.iter().enumerate().try_fold(Amount::zero(currency), |sum, (index, line)| {
        let net = line.net().map_err(|error| SaleError::Line(index + 1, error))?;
        Ok(sum.checked_add(net)?)
    })
}

fn shares(lines: &[Line], discount: Option<&Discount>) -> Result<Vec<Amount>, SaleError> {
    let amount = discount.map_or(0, |discount| discount.amount.minor);
    let mut parts = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let net = line.net().map_err(|error| SaleError::Line(index + 1, error))?;
        // Of lines that cost the same, the tax and the goods decide: two that are equal in these are equal in all that
        // anybody counts.
        parts.push((net.minor, (line.tax_rate, &line.product)));
    }
    let pieces = apportion(amount, &parts).into_iter();
    Ok(pieces.zip(lines).map(|(piece, line)| Amount::new(piece, line.unit_price.currency)).collect())
}

impl Sale {
    /// The most lines that one sale may have.
    pub const MAX_LINES: usize = 1_000;
    /// The most lines with a discount, another price or a note: with texts on all of them a sale would not fit into
    /// one request.
    pub const MAX_ADJUSTED: usize = 100;

    /// A sale of these lines, with total and tax computed, and nothing taken off the whole.
    /// # Errors
    /// No lines, a wrong line, or an amount that does not fit.
    pub fn new(
        store: StoreId,
        at: Timestamp,
        currency: Currency,
        lines: Vec<Line>,
    ) -> Result<Self, SaleError> {
        Self::discounted(store, at, currency, lines, None)
    }

    /// A sale of these lines with that taken off the whole: by per cent, of what the lines cost now.
    /// # Errors
    /// No lines, a wrong line, a discount that is too large, or an amount that does not fit.
    pub fn discounted(
        store: StoreId,
        at: Timestamp,
        currency: Currency,
        mut lines: Vec<Line>,
        discount: Option<Discount>,
    ) -> Result<Self, SaleError> {
        let discount = spread(&mut lines, discount)?;
        let (total, tax) = Self::add_up(&lines, currency)?;
        let (cashier, note, age) = (None, None, None);
        let sale = Self { store, at, lines, total, tax, cashier, discount, note, lines_voided: 0, age };
        sale.check()?;
        Ok(sale)
    }

    /// The same sale, served by that person.
    #[must_use]
    pub fn served_by(self, cashier: Option<Cashier>) -> Self {
        Self { cashier, ..self }
    }

    /// The same sale with a note, and with the number of lines that were taken out of it before.
    #[must_use]
    pub fn noted(self, note: Option<String>, lines_voided: u32) -> Self {
        Self { note, lines_voided, ..self }
    }

    /// The same sale, to a customer whose age was looked at.
    #[must_use]
    pub fn with_age_check(self, age: Option<AgeCheck>) -> Self {
        Self { age, ..self }
    }

    /// What the lines cost together after their own discounts, before anything is taken off the whole.
    /// # Errors
    /// The amounts do not fit.
    pub fn before_discount(&self) -> Result<Amount, SaleError> {
        nets(&self.lines, self.total.currency)
    }

    /// Whether the sale is what it says: the server checks what a till sent.
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SaleError> {
        let (total, tax) = Self::add_up(&self.lines, self.total.currency)?;
        if let Some(discount) = &self.discount {
            discount.check(self.before_discount()?)?;
        }
        for (index, (line, share)) in
            self.lines.iter().zip(shares(&self.lines, self.discount.as_ref())?).enumerate()
        {
            if line.share.unwrap_or(Amount::zero(share.currency)) != share {
                return Err(SaleError::ShareDiffers(index + 1));
            }
        }
        if self.note.as_deref().is_some_and(|note| note.is_empty() || !is_plain(note)) {
            return Err(SaleError::Note);
        }
        if let Some(age) = self.age.as_ref().filter(|age| !age.is_possible()) {
            return Err(SaleError::Age(age.years));
        }
        if total != self.total {
            return Err(SaleError::TotalDiffers { computed: total, stated: self.total });
        }
        if tax != self.tax {
            return Err(SaleError::TotalDiffers { computed: tax, stated: self.tax });
        }
        if !total.is_positive() {
            return Err(SaleError::NothingToPay);
        }
        Ok(())
    }

    fn add_up(lines: &[Line], currency: Currency) -> Result<(Amount, Amount), SaleError> {
        if lines.is_empty() {
            return Err(SaleError::Empty);
        }
        if lines.len() > Self::MAX_LINES {
            return Err(SaleError::TooManyLines(lines.len()));
        }
        let adjusted = lines.iter().filter(|line| line.is_adjusted()).count();
        if adjusted > Self::MAX_ADJUSTED {
            return Err(SaleError::TooManyAdjusted(adjusted));
        }
        if let Some(index) = twice(lines) {
            return Err(SaleError::SerialTwice(index + 1));
        }
        let mut total = Amount::zero(currency);
        let mut tax = Amount::zero(currency);
        for (index, line) in lines.iter().enumerate() {
            line.check().map_err(|error| SaleError::Line(index + 1, error))?;
            total = total.checked_add(line.total)?;
            tax = tax.checked_add(line.tax().map_err(|error| SaleError::Line(index + 1, error))?)?;
        }
        Ok((total, tax))
    }
}

#[cfg(test)]
mod tests;
