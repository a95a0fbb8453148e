//! Goods.

use crate::money::Amount;
use crate::order::line::{ProductId, TaxRate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a till that asks for ages puts at the end of its question for goods. Without it they come without.
pub const KNOWS_AGES: &str = "&knows=ages";
/// The same of a till that asks for ages and for serial numbers.
pub const KNOWS_SERIALS: &str = "&knows=ages,serials";

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The store's own name of it.
    pub id: ProductId,
    /// As shown on screen and receipt.
    pub name: String,
    /// What may be scanned for it: EAN, UPC, in-store codes.
    pub barcodes: Vec<String>,
    /// The price of one, tax included.
    pub price: Amount,
    /// The tax inside.
    pub tax_rate: TaxRate,
    /// Shown on the sale screen to be tapped.
    pub favourite: bool,
    /// The price is that of a kilogram: without a weight from the scale it cannot be sold.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sold_by_weight: bool,
    /// Only whoever is so old, in years, may buy them: the till asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_age: Option<u8>,
    /// Each piece is sold by its serial number: the till asks for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub needs_serial: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Product {
    /// The same as programs know it that came before goods were sold by weight: they refuse what they do not know.
    #[must_use]
    pub fn as_older_programs_read_it(self) -> Self {
        Self { sold_by_weight: false, ..self.without_age() }
    }

    /// The same as programs know it that came before goods asked for an age, and sell them to anybody.
    #[must_use]
    pub fn without_age(self) -> Self {
        Self { least_age: None, ..self.without_serial() }
    }

    /// The same as programs know it that came before goods asked for a serial number, and sell them without.
    #[must_use]
    pub fn without_serial(self) -> Self {
        Self { needs_serial: false, ..self }
    }
}

/// The answer to `GET /v1/catalogue?since=N`: everything at once. To `GET /v1/catalogue?since=N&of=NAME&at=PLACE`, with
/// [`KNOWS_AGES`] or [`KNOWS_SERIALS`] at its end from a till that asks for them (see
/// [`Place`] and [`Part::of`]): one part of what has changed since that version, or of everything; [`Catalogue::part`] says
/// which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The version that the till has once it has taken in this answer and all that it was told to ask for before it.
    pub version: u64,
    /// The products of this answer, or nothing where `since` is this version already.
    pub products: Option<Vec<Product>>,
    /// What is no longer sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ProductId>,
    /// Where this answer stands among others; `None`: it is the whole catalogue by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

impl Catalogue {
    /// The most products and products gone in one part: a till that stores them keeps nobody waiting.
    pub const PART: usize = 500;
    /// The most goods to tap: more than anyone looks through.
    pub const FAVOURITES: usize = 120;

    /// Nothing has changed since this version.
    #[must_use]
    pub fn unchanged(version: u64) -> Self {
        Self { version, products: None, gone: Vec::new(), part: None }
    }
}

/// Where a part stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The parts bring everything, not only what has changed: what none of them names is no longer sold.
    pub whole: bool,
    /// It is the first of all.
    pub first: bool,
    /// What to ask for next; nothing after the last part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Place>,
    /// On the last part: the goods to tap, in the order in which they are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub favourites: Option<Vec<ProductId>>,
    /// The name of the version that the parts lead to. Versions are counted, so a server that was put back to an older state
    /// gives a number a second time; a name it never gives twice. The till sends it along: as the name of the version that it
    /// has, or with a place as that of the version it is on the way to. `None` from a server that names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// Which part of a catalogue is asked for: `0.0` for the first, else what the part before said. `12.3` is part 3 of what
/// version 12 changed, `w12.3` part 3 of everything as it was at version 12, or, after that, of what came later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// On the way through everything.
    pub whole: bool,
    /// The version.
    pub step: u64,
    /// Its part, from 0.
    pub part: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", if self.whole { "w" } else { "" }, self.step, self.part)
    }
}

/// This is not a place in a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in a catalogue; begin with 0.0")]
pub struct BadPlace(String);

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let bad = || BadPlace(text.chars().take(40).collect());
        let numbers = text.strip_prefix('w').unwrap_or(text);
        let (step, part) = numbers.split_once('.').ok_or_else(bad)?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(step) || !plain(part) {
            return Err(bad());
        }
        let (step, part) = (step.parse().map_err(|_| bad())?, part.parse().map_err(|_| bad())?);
        Ok(Self { whole: numbers.len() != text.len(), step, part })
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_read_as_they_are_written_and_nothing_else_does() {
        for text in ["0.0", "12.3", "w7.199"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for bad in ["", "1", "1.", ".1", "ww1.1", "-1.0", "+1.0", "1.0.0", "w", "1.4294967296"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn products_and_answers_from_before_read_as_before_and_are_written_so() {
        let old = json!({ "id": "tea", "name": "Tea", "barcodes": [], "price": { "minor": 450, "currency": "CNY" },
            "tax_rate": 1300, "favourite": false });
        let product: Product = serde_json::from_value(old.clone()).unwrap();
        assert!(!product.sold_by_weight);
        assert_eq!(serde_json::to_value(&product).unwrap(), old);
        let ham = Product { sold_by_weight: true, least_age: Some(18), ..product };
        assert_eq!(serde_json::to_value(ham.clone()).unwrap()["sold_by_weight"], true);
        let newer = Product { needs_serial: true, ..ham.clone() };
        assert_eq!(serde_json::to_value(newer.clone()).unwrap()["needs_serial"], true);
        assert_eq!(newer.clone().without_serial(), ham);
        assert_eq!(newer.without_age(), ham.clone().without_age());
        let younger = serde_json::to_value(ham.clone().without_age()).unwrap();
        assert!(younger.get("least_age").is_none() && younger["sold_by_weight"] == true);
        assert_eq!(serde_json::to_value(ham.as_older_programs_read_it()).unwrap(), old);
        let answer: Catalogue = serde_json::from_value(json!({ "version": 3, "products": [old] })).unwrap();
        assert_eq!((answer.gone.len(), answer.part), (0, None));
    }
}
