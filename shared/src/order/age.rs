//! Goods that only people of a certain age may buy.

use crate::cashier::Cashier;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The ages, in years, that goods may ask for.
pub const AGES: RangeInclusive<u8> = 1..=99;

/// That somebody at the till found the customer old enough for the goods of the sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeCheck {
    /// The customer is at least so old, in years.
    pub years: u8,
    /// Who found so; nobody in particular at a till where nobody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Cashier>,
}

impl AgeCheck {
    /// Whether the age is one that goods may ask for.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        AGES.contains(&self.years)
    }
}
