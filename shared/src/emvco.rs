//! Merchant-presented QR codes after EMVCo: the code that a shop shows and a customer's wallet scans.
//!
//! A payload is a row of data objects: two digits of identifier, two digits of length, the value. Lengths count
//! characters, not bytes; the checksum at the end runs over the bytes of UTF-8. What is parsed is written back
//! unchanged, known or not.

use crate::money::{Amount, Currency};
use std::fmt;

const FORMAT: u8 = 0;
const INITIATION: u8 = 1;
const CATEGORY: u8 = 52;
const CURRENCY: u8 = 53;
const AMOUNT: u8 = 54;
const COUNTRY: u8 = 58;
const NAME: u8 = 59;
const CITY: u8 = 60;
const ADDITIONAL: u8 = 62;
const CHECKSUM: u8 = 63;
/// Merchant account templates; below them stand the networks' own primitive accounts.
const ACCOUNTS: std::ops::RangeInclusive<u8> = 2..=51;
/// Inside the additional data: the reference that the wallet's notification brings back.
const REFERENCE: u8 = 5;

/// Why a text is no merchant-presented code, or cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmvError {
    /// It does not begin with the format that there is.
    #[error("this is no merchant-presented QR code: it does not begin with 000201")]
    OtherFormat,
    /// A length that is no number, or is longer than the rest.
    #[error("the code is cut off or damaged at character {0}")]
    Damaged(usize),
    /// The checksum is not what the rest comes to.
    #[error("the code is damaged: its checksum is {found}, it comes to {due}; scan it again")]
    Checksum {
        /// In the code.
        found: String,
        /// What it should be.
        due: String,
    },
    /// An object stands twice.
    #[error("data object {0:02} stands in the code twice")]
    Twice(u8),
    /// An object that every code has is missing.
    #[error("the code has no data object {0:02}")]
    Missing(u8),
    /// A value that does not fit its place.
    #[error("{what} {value:?} does not fit: {limit}")]
    Value {
        /// Of what.
        what: &'static str,
        /// Which.
        value: String,
        /// What would fit.
        limit: &'static str,
    },
}

/// One data object. Templates hold a row of others as their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// 0 to 99.
    pub id: u8,
    /// At most 99 characters.
    pub value: String,
}

impl Object {
    /// The objects inside a template.
    /// # Errors
    /// [`EmvError::Damaged`] if it is none.
    pub fn inside(&self) -> Result<Vec<Self>, EmvError> {
        objects(&self.value)
    }
}

/// A code as it was scanned, its checksum and its form found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopCode {
    objects: Vec<Object>,
}

/// What a shop's code says.
#[derive(Clone, Debug)]
pub struct ShopCodeParts<'a> {
    /// Whose account is paid: the identifier of a template (26 to 51) and the objects in it, the network's own
    /// name first.
    pub accounts: &'a [(u8, &'a [Object])],
    /// Four digits: what kind of shop (ISO 18245).
    pub category: &'a str,
    /// What is to be paid in.
    pub currency: Currency,
    /// How much; `None` for a static code, where the customer types it.
    pub amount: Option<Amount>,
    /// Two letters.
    pub country: &'a str,
    /// At most 25 characters.
    pub name: &'a str,
    /// At most 15 characters.
    pub city: &'a str,
    /// What the payment is to be known by; at most 25 characters.
    pub reference: Option<&'a str>,
}

impl ShopCode {
    /// Makes a code. With an amount it is for one payment, without it may hang on the wall.
    /// # Errors
    /// [`EmvError::Value`] names what does not fit.
    pub fn new(parts: &ShopCodeParts<'_>) -> Result<Self, EmvError> {
        let digits = |n: usize| move |t: &str| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
        let mut objects = vec![object(FORMAT, "01")];
        objects.push(object(INITIATION, if parts.amount.is_some() { "12" } else { "11" }));
        if parts.accounts.is_empty() {
            return Err(EmvError::Missing(26));
        }
        for (id, inside) in parts.accounts {
            let fits = (26..=51).contains(id);
            fit("the account's identifier", &id.to_string(), fits, "26 to 51")?;
            let value = text(inside)?;
            fit("the account", &value, value.chars().count() <= 99, "at most 99 characters")?;
            objects.push(Object { id: *id, value });
        }
        fit("the category", parts.category, digits(4)(parts.category), "four digits")?;
        objects.push(object(CATEGORY, parts.category));
        objects.push(object(CURRENCY, &format!("{:03}", parts.currency.numeric())));
        if let Some(amount) = parts.amount {
            objects.push(object(AMOUNT, &amount_text(amount, parts.currency)?));
        }
        let two_letters = parts.country.len() == 2 && parts.country.bytes().all(|b| b.is_ascii_uppercase());
        fit("the country", parts.country, two_letters, "two capital letters")?;
        objects.push(object(COUNTRY, parts.country));
        for (id, what, value, most, limit) in [
            (NAME, "the name", parts.name, 25, "1 to 25 characters"),
            (CITY, "the city", parts.city, 15, "1 to 15 characters"),
        ] {
            fit(what, value, (1..=most).contains(&value.chars().count()), limit)?;
            objects.push(object(id, value));
        }
        if let Some(reference) = parts.reference {
            let fits = (1..=25).contains(&reference.chars().count());
            fit("the reference", reference, fits, "1 to 25 characters")?;
            objects.push(Object { id: ADDITIONAL, value: text(&[object(REFERENCE, reference)])? });
        }
        Ok(Self { objects })
    }

    /// Reads a code.
    /// # Errors
    /// See [`EmvError`]. Nothing of a damaged code is used.
    pub fn parse(payload: &str) -> Result<Self, EmvError> {
        if !payload.starts_with("000201") {
            return Err(EmvError::OtherFormat);
        }
        let mut objects = objects(payload)?;
        let last = objects.pop().filter(|last| last.id == CHECKSUM && last.value.chars().count() == 4);
        let last = last.ok_or(EmvError::Missing(CHECKSUM))?;
        let body = payload.strip_suffix(&last.value).ok_or(EmvError::Missing(CHECKSUM))?;
        let due = format!("{:04X}", checksum(body.as_bytes()));
        if !due.eq_ignore_ascii_case(&last.value) {
            return Err(EmvError::Checksum { found: last.value, due });
        }
        let code = Self { objects };
        for required in [CATEGORY, CURRENCY, COUNTRY, NAME, CITY] {
            code.value(required).ok_or(EmvError::Missing(required))?;
        }
        if !code.objects.iter().any(|o| ACCOUNTS.contains(&o.id)) {
            return Err(EmvError::Missing(*ACCOUNTS.start()));
        }
        Ok(code)
    }

    /// All data objects but the checksum, as they stand.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    fn value(&self, id: u8) -> Option<&str> {
        self.objects.iter().find(|object| object.id == id).map(|object| object.value.as_str())
    }

    /// Whether it may be scanned more than once.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.value(INITIATION) != Some("12")
    }

    /// The shop's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.value(NAME).unwrap_or_default()
    }

    /// What it is to be paid in; `None` for a number that ISO 4217 does not have.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        Currency::from_numeric(self.value(CURRENCY)?.parse().ok()?)
    }

    /// How much, if the code says so.
    /// # Errors
    /// The code says something that is no amount of its currency.
    pub fn amount(&self) -> Result<Option<Amount>, EmvError> {
        let Some(text) = self.value(AMOUNT) else { return Ok(None) };
        let minor = self.currency().and_then(|currency| {
            let digits = currency.minor_digits() as usize;
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
            let fits = !whole.is_empty() && plain(whole) && plain(part) && part.len() <= digits;
            let minor = fits.then(|| format!("{whole}{part:0<digits$}").parse().ok()).flatten()?;
            Some(Amount::new(minor, currency))
        });
        let limit = "an amount with a point";
        minor.map(Some).ok_or_else(|| EmvError::Value { what: "the amount", value: text.into(), limit })
    }

    /// What the payment is to be known by.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        let inside = objects(self.value(ADDITIONAL)?).ok()?;
        inside.into_iter().find(|object| object.id == REFERENCE).map(|object| object.value)
    }
}

impl fmt::Display for ShopCode {
    /// The payload, with its checksum: what the QR code holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = String::new();
        self.objects.iter().for_each(|object| push(&mut body, object));
        body.push_str("6304");
        let checksum = checksum(body.as_bytes());
        write!(f, "{body}{checksum:04X}")
    }
}

fn object(id: u8, value: &str) -> Object {
    Object { id, value: value.to_owned() }
}

fn push(text: &mut String, object: &Object) {
    text.push_str(&format!("{:02}{:02}{}", object.id, object.value.chars().count(), object.value));
}

fn text(objects: &[Object]) -> Result<String, EmvError> {
    let mut text = String::new();
    for object in objects {
        let fits = object.id <= 99 && (1..=99).contains(&object.value.chars().count());
        fit("a data object", &object.value, fits, "1 to 99 characters")?;
        push(&mut text, object);
    }
    Ok(text)
}

fn fit(what: &'static str, value: &str, fits: bool, limit: &'static str) -> Result<(), EmvError> {
    if fits { Ok(()) } else { Err(EmvError::Value { what, value: value.into(), limit }) }
}

fn amount_text(amount: Amount, currency: Currency) -> Result<String, EmvError> {
    let digits = currency.minor_digits();
    let text = match digits {
        0 => amount.minor.to_string(),
        _ => {
            let unit = 10i64.pow(digits);
            let (whole, part) = (amount.minor / unit, amount.minor % unit);
            format!("{whole}.{part:0width$}", width = digits as usize)
        }
    };
    let fits = amount.currency == currency && amount.minor > 0 && text.len() <= 13;
    fit("the amount", &text, fits, "more than nothing, in the code's currency, at most 13 characters")?;
    Ok(text)
}

fn objects(text: &str) -> Result<Vec<Object>, EmvError> {
    let characters: Vec<char> = text.chars().collect();
    let mut objects: Vec<Object> = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let number = |from: usize| -> Option<u8> {
            let tens = characters.get(from)?.to_digit(10)?;
            let ones = characters.get(from + 1)?.to_digit(10)?;
            u8::try_from(tens * 10 + ones).ok()
        };
        let damaged = EmvError::Damaged(at);
        let (Some(id), Some(length)) = (number(at), number(at + 2)) else { return Err(damaged) };
        let value = characters.get(at + 4..at + 4 + usize::from(length)).filter(|value| !value.is_empty());
        let Some(value) = value else { return Err(damaged) };
        if objects.iter().any(|object| object.id == id) {
            return Err(EmvError::Twice(id));
        }
        objects.push(Object { id, value: value.iter().collect() });
        at += 4 + usize::from(length);
    }
    Ok(objects)
}

/// CRC-16/CCITT-FALSE: polynomial 1021, beginning with FFFF, nothing reflected or inverted.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |mut crc, byte| {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
        crc
    })
}

#[cfg(test)]
mod tests;
