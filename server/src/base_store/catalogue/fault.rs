//! What no product may be, by itself.

use evertill_shared::money::Currency;
use evertill_shared::order::age::AGES;
use evertill_shared::protocol::catalogue::Product;

/// What is wrong with a product.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductFault {
    /// Its id.
    #[error("the id must be 1 to 64 bytes")]
    Id,
    /// Its name.
    #[error("the name must be 1 to 200 characters")]
    Name,
    /// Another currency than the store's.
    #[error("the price is in {0}, the store's is {1}")]
    Currency(Currency, Currency),
    /// Less than nothing.
    #[error("the price is negative")]
    Negative,
    /// Nobody is so old.
    #[error("the least age must be 1 to 99 years")]
    Age,
    /// Pieces have serial numbers, weights have none.
    #[error("what is sold by weight has no serial number")]
    SerialByWeight,
    /// More than the price.
    #[error("the tax is over 100 %; write basis points, 1300 for 13 %")]
    Tax,
    /// A barcode.
    #[error("a barcode must be 1 to 64 characters that print")]
    Barcode,
}

impl ProductFault {
    /// The first that a product has.
    #[must_use]
    pub fn of(product: &Product, currency: Currency) -> Option<Self> {
        let is_code =
            |code: &String| !code.is_empty() && code.len() <= 64 && !code.chars().any(char::is_control);
        let faults = [
            (product.id.trim().is_empty() || product.id.len() > 64, Self::Id),
            (product.name.trim().is_empty() || product.name.chars().count() > 200, Self::Name),
            (product.price.currency != currency, Self::Currency(product.price.currency, currency)),
            (product.price.minor < 0, Self::Negative),
            (product.least_age.is_some_and(|years| !AGES.contains(&years)), Self::Age),
            (product.needs_serial && product.sold_by_weight, Self::SerialByWeight),
            (product.tax_rate.0 > 10_000, Self::Tax),
            (!product.barcodes.iter().all(is_code), Self::Barcode),
        ];
        faults.into_iter().find_map(|(is_so, fault)| is_so.then_some(fault))
    }
}
