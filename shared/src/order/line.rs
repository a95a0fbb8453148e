//! One line of a sale: a product, how many, at what price, what is taken off, with how much tax inside.

use super::discount::{Discount, DiscountError, Percent, PriceChange, is_plain};
use super::serial;
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
        Percent(self.0).to_text()
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
    /// What is to be paid for all of it, after everything that was taken off.
    pub total: Amount,
    /// The tax inside.
    pub tax_rate: TaxRate,
    /// The price was overridden: what it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_change: Option<PriceChange>,
    /// What was taken off this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Its part of what was taken off the whole sale; none if that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Amount>,
    /// What somebody wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The serial number of the piece: it stands on a line of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
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
    /// Quantity times price, less what was taken off, is something else.
    #[error("{computed} was expected, the line says {stated}")]
    TotalDiffers {
        /// Quantity times price, less what was taken off.
        computed: Amount,
        /// What the line claims.
        stated: Amount,
    },
    /// The discount or the change of the price is none.
    #[error(transparent)]
    Discount(#[from] DiscountError),
    /// A part of the sale's discount that is nothing, or more than the line.
    #[error("its part of the sale's discount cannot be {0}")]
    Share(Amount),
    /// The note has line ends, or is too long.
    #[error("the note is not one short line")]
    Note,
    /// The serial number is none, or stands for more than one piece.
    #[error("a serial number is one short line, and stands for one piece")]
    Serial,
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
        let line = Self {
            product,
            name,
            quantity,
            unit_price,
            total: unit_price,
            tax_rate,
            price_change: None,
            discount: None,
            share: None,
            note: None,
            serial: None,
        };
        line.priced()
    }

    /// The same line, of the piece with this serial number.
    /// # Errors
    /// It is none, or the line is of more than one piece.
    pub fn with_serial(self, serial: String) -> Result<Self, LineError> {
        let line = Self { serial: Some(serial), ..self };
        line.check()?;
        Ok(line)
    }

    /// The same line with another quantity. A discount by per cent follows; one by amount stays.
    /// # Errors
    /// The line would not be right: its discount may be too large for it, or for what was approved.
    pub fn with_quantity(self, quantity: u32) -> Result<Self, LineError> {
        Self { quantity, ..self }.priced()
    }

    /// The same line at another price of one, or, without a change, at what that price was before.
    /// # Errors
    /// The line would not be right.
    pub fn with_price(self, unit_price: Amount, change: Option<PriceChange>) -> Result<Self, LineError> {
        Self { unit_price, price_change: change, ..self }.priced()
    }

    /// The same line with that discount and no other.
    /// # Errors
    /// The discount is too large for it.
    pub fn with_discount(self, discount: Option<Discount>) -> Result<Self, LineError> {
        Self { discount, ..self }.priced()
    }

    /// The same line with that part of the sale's discount.
    /// # Errors
    /// More than the line is worth.
    pub fn with_share(self, share: Amount) -> Result<Self, LineError> {
        let share = (share.minor != 0).then_some(share);
        let total = self.net()?.checked_sub(share.unwrap_or(Amount::zero(self.unit_price.currency)))?;
        let line = Self { share, total, ..self };
        line.check()?;
        Ok(line)
    }

    /// The line with its discount and its total computed anew. Its part of the sale's discount is not known any more.
    fn priced(mut self) -> Result<Self, LineError> {
        let gross = self.gross()?;
        if let Some(discount) = self.discount.take() {
            self.discount = Some(discount.on(gross)?);
        }
        self.with_share(Amount::zero(gross.currency))
    }

    /// Quantity times price, before anything is taken off.
    /// # Errors
    /// The amount is too large.
    pub fn gross(&self) -> Result<Amount, LineError> {
        Ok(self.unit_price.checked_mul(i64::from(self.quantity))?)
    }

    /// What the line costs after its own discount, and before its part of the sale's.
    /// # Errors
    /// The amount is too large, or in two currencies.
    pub fn net(&self) -> Result<Amount, LineError> {
        let gross = self.gross()?;
        Ok(self.discount.as_ref().map_or(Ok(gross), |discount| gross.checked_sub(discount.amount))?)
    }

    /// Whether somebody changed something about it: these lines need room.
    #[must_use]
    pub fn is_adjusted(&self) -> bool {
        self.price_change.is_some() || self.discount.is_some() || self.note.is_some() || self.serial.is_some()
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
        if let Some(change) = &self.price_change {
            change.check(self.unit_price)?;
        }
        if let Some(discount) = &self.discount {
            discount.check(self.gross()?)?;
        }
        if self.note.as_deref().is_some_and(|note| note.is_empty() || !is_plain(note)) {
            return Err(LineError::Note);
        }
        if self.serial.as_deref().is_some_and(|number| serial::check(number).is_err() || self.quantity != 1) {
            return Err(LineError::Serial);
        }
        let net = self.net()?;
        let share = self.share.unwrap_or(Amount::zero(net.currency));
        let computed = net.checked_sub(share)?;
        if self.share.is_some_and(|share| share.minor <= 0) || computed.minor < 0 {
            return Err(LineError::Share(share));
        }
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
    use crate::order::discount::{Off, Reason, ReasonKind};

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

    fn tea() -> Line {
        Line::new("p".into(), "Tea".into(), 3, cny(250), TaxRate(1300)).unwrap()
    }

    fn percent_off(line: &Line, points: u16) -> Discount {
        let reason = Reason::usual(ReasonKind::Damaged);
        Discount::new(Off::Percent(Percent(points)), line.gross().unwrap(), reason, None).unwrap()
    }

    #[test]
    fn a_line_from_before_there_were_discounts_reads_and_is_written_as_it_was() {
        let old = r#"{"product":"p","name":"Tea","quantity":3,"unit_price":{"minor":250,"currency":"CNY"},"total":{"minor":750,"currency":"CNY"},"tax_rate":1300}"#;
        let line: Line = serde_json::from_str(old).unwrap();
        assert_eq!(line, tea());
        assert_eq!(serde_json::to_string(&line).unwrap(), old);
    }

    #[test]
    fn a_share_follows_the_quantity_and_an_amount_stays_as_long_as_it_fits() {
        let tenth = percent_off(&tea(), 1_000);
        let line = tea().with_discount(Some(tenth)).unwrap();
        assert_eq!((line.total, line.clone().with_quantity(10).unwrap().total), (cny(675), cny(2_250)));
        let reason = Reason::usual(ReasonKind::Complaint);
        let amount = Discount::new(Off::Amount(cny(300)), cny(750), reason, None).unwrap();
        let line = tea().with_discount(Some(amount)).unwrap();
        assert_eq!(line.clone().with_quantity(2).unwrap().total, cny(200));
        assert!(matches!(line.with_quantity(1), Err(LineError::Discount(DiscountError::TooLarge { .. }))));
    }

    #[test]
    fn an_overridden_price_keeps_the_old_one_beside_it_and_the_tax_is_of_what_is_paid() {
        let reason = Reason { kind: ReasonKind::Other, text: "opened".into() };
        let change = PriceChange { was: cny(250), reason, approved_by: None };
        let line = tea().with_price(cny(200), Some(change)).unwrap();
        assert_eq!((line.total, line.tax().unwrap()), (cny(600), cny(69)));
        assert_eq!(line.price_change.as_ref().map(|change| change.was), Some(cny(250)));
        assert!(line.clone().with_price(cny(-1), line.price_change).is_err());
    }

    #[test]
    fn a_line_whose_discount_or_share_does_not_add_up_is_refused() {
        let good = tea().with_discount(Some(percent_off(&tea(), 1_000))).unwrap();
        let wrong = |change: fn(&mut Line)| {
            let mut line = good.clone();
            change(&mut line);
            line.check().unwrap_err()
        };
        assert!(matches!(wrong(|line| line.total = cny(750)), LineError::TotalDiffers { .. }));
        assert!(matches!(wrong(|line| line.discount = None), LineError::TotalDiffers { .. }));
        assert_eq!(wrong(|line| line.share = Some(cny(0))), LineError::Share(cny(0)));
        assert_eq!(wrong(|line| line.share = Some(cny(-5))), LineError::Share(cny(-5)));
        let more = |line: &mut Line| (line.share, line.total) = (Some(cny(676)), cny(-1));
        assert_eq!(wrong(more), LineError::Share(cny(676)));
        assert_eq!(wrong(|line| line.note = Some("a\nb".into())), LineError::Note);
        assert_eq!(wrong(|line| line.serial = Some("SN 1".into())), LineError::Serial, "three of one number");
        assert_eq!(wrong(|line| line.serial = Some(String::new())), LineError::Serial);
        assert!(good.with_share(cny(676)).is_err());
    }
}
