//! One line of a sale: a product, how many, at what price, with how much tax inside.

use crate::money::{Amount, MoneyError};
use serde::{Deserialize, Serialize};

/// The store's own name of a product.
pub type ProductId = String;

/// A tax rate in basis points: 1300 is 13 %. Prices include their tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaxRate(pub u16);

impl TaxRate {
    /// The tax inside `gross`, rounded half up to the minor unit.
    /// # Errors
    /// The amount is too large.
    pub fn inside(self, gross: Amount) -> Result<Amount, MoneyError> {
        let rate = i128::from(self.0);
        let divisor = 10_000 + rate;
        let tax = (i128::from(gross.minor) * rate * 2 + divisor).div_euclid(divisor * 2);
        let minor = i64::try_from(tax).map_err(|_| MoneyError::Overflow)?;
        Ok(Amount::new(minor, gross.currency))
    }

    /// As people write it: `13%`, `0.5%`.
    #[must_use]
    pub fn to_percent(self) -> String {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => format!("{whole}%"),
            (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
            (whole, part) => format!("{whole}.{part:02}%"),
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which product.
    pub product: ProductId,
    /// Its name as the receipt shows it.
    pub name: String,
    /// How many, 1 or more.
    pub quantity: u32,
    /// The price of one, tax included.
    pub unit_price: Amount,
    /// The price of all.
    pub total: Amount,
    /// The tax inside.
    pub tax_rate: TaxRate,
}

/// Why a line is not right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// None of it, or more than [`Line::MAX_QUANTITY`].
    #[error("the quantity must be 1 to {max}", max = Line::MAX_QUANTITY)]
    Quantity,
    /// A price below zero.
    #[error("the price is negative")]
    NegativePrice,
    /// Quantity times price is something else.
    #[error("{computed} was expected, the line says {stated}")]
    TotalDiffers {
        /// Quantity times price.
        computed: Amount,
        /// What the line claims.
        stated: Amount,
    },
    /// Arithmetic failed.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Line {
    /// The most of one thing on a line.
    pub const MAX_QUANTITY: u32 = 99_999;

    /// A line with its total computed.
    /// # Errors
    /// The quantity is out of range, the price negative, or the total too large.
    pub fn new(
        product: ProductId,
        name: String,
        quantity: u32,
        unit_price: Amount,
        tax_rate: TaxRate,
    ) -> Result<Self, LineError> {
        let total = unit_price.checked_mul(i64::from(quantity))?;
        let line = Self { product, name, quantity, unit_price, total, tax_rate };
        line.check()?;
        Ok(line)
    }

    /// Whether the line is what it says.
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), LineError> {
        if !(1..=Self::MAX_QUANTITY).contains(&self.quantity) {
            return Err(LineError::Quantity);
        }
        if self.unit_price.minor < 0 {
            return Err(LineError::NegativePrice);
        }
        let computed = self.unit_price.checked_mul(i64::from(self.quantity))?;
        if computed != self.total {
            return Err(LineError::TotalDiffers { computed, stated: self.total });
        }
        Ok(())
    }

    /// The tax inside the line's total.
    /// # Errors
    /// The amount is too large.
    pub fn tax(&self) -> Result<Amount, LineError> {
        Ok(self.tax_rate.inside(self.total)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    #[test]
    fn tax_is_inside_the_price_and_rounds_half_up() {
        assert_eq!(TaxRate(1300).inside(cny(11_300)), Ok(cny(1_300)));
        assert_eq!(TaxRate(900).inside(cny(109)), Ok(cny(9)));
        assert_eq!(TaxRate(10_000).inside(cny(1)), Ok(cny(1)));
        assert_eq!(TaxRate(0).inside(cny(500)), Ok(cny(0)));
        assert_eq!(TaxRate(1300).to_percent(), "13%");
        assert_eq!(TaxRate(50).to_percent(), "0.5%");
        assert_eq!(TaxRate(1225).to_percent(), "12.25%");
    }

    #[test]
    fn a_line_that_does_not_add_up_is_refused() {
        let mut line = Line::new("p".into(), "Tea".into(), 3, cny(250), TaxRate(1300)).unwrap();
        assert_eq!(line.total, cny(750));
        line.total = cny(749);
        assert!(matches!(line.check(), Err(LineError::TotalDiffers { .. })));
        line.quantity = 0;
        assert_eq!(line.check(), Err(LineError::Quantity));
        assert!(Line::new("p".into(), "Tea".into(), 1, cny(-1), TaxRate(0)).is_err());
        assert!(Line::new("p".into(), "Tea".into(), 2, cny(i64::MAX), TaxRate(0)).is_err());
    }
}
