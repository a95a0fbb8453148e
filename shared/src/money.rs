//! Money: integer minor units and their currency, with checked arithmetic only.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The Chinese yuan renminbi.
    pub const CNY: Self = Self(iso_currency::Currency::CNY);

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The number of ISO 4217, as codes and cards have it.
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// The currency of that number, if there is one.
    #[must_use]
    pub fn from_numeric(number: u16) -> Option<Self> {
        iso_currency::Currency::from_numeric(number).map(Self)
    }

    /// How many digits stand after the decimal point (CNY 2, JPY 0, KWD 3).
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }

    /// The sign that stands before an amount on screen and paper. Full-width `￥` for yuan and yen, because
    /// receipt printers in two-byte Chinese mode misprint the half-width one.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self.code() {
            "CNY" | "JPY" => "￥",
            "EUR" => "€",
            "USD" => "$",
            other => other,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.into()))
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// What can go wrong with money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies met.
    #[error("{0} and {1} cannot be added or compared")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
    /// No such ISO 4217 code.
    #[error("{0:?} is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    /// Not an amount as people type it.
    #[error("{0:?} is not an amount")]
    Unreadable(String),
}

/// An amount of money in minor units (fen, cents) of a currency. May be negative in books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Minor units.
    pub minor: i64,
    /// The currency they are of.
    pub currency: Currency,
}

impl Amount {
    /// An amount from minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in that currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }

    /// The sum.
    /// # Errors
    /// Another currency, or overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference; may be negative.
    /// # Errors
    /// Another currency, or overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// This amount `quantity` times.
    /// # Errors
    /// Overflow.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Whether there is anything to pay.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// As a plain decimal number without sign of currency: `12.34`, `-0.05`, `100` for JPY.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let digits = self.currency.minor_digits();
        let scale = 10_u64.saturating_pow(digits);
        let sign = if self.minor < 0 { "-" } else { "" };
        let value = self.minor.unsigned_abs();
        if digits == 0 {
            return format!("{sign}{value}");
        }
        format!("{sign}{}.{:0width$}", value / scale, value % scale, width = digits as usize)
    }

    /// Reads what a person typed or a file holds: `12`, `12.3`, `12.34`.
    /// # Errors
    /// Not a number, more decimals than the currency has, or too large.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let unreadable = || MoneyError::Unreadable(text.to_owned());
        let digits = currency.minor_digits() as usize;
        let (negative, number) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || fraction.len() > digits || !plain(whole) || !plain(fraction) {
            return Err(unreadable());
        }
        let minor: i64 = format!("{whole}{fraction:0<digits$}").parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self::new(if negative { -minor } else { minor }, currency))
    }
}

impl fmt::Display for Amount {
    /// As people read it: `￥12.34`, and `-￥12.34`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, decimal) = (self.currency.sign(), self.to_decimal());
        match decimal.strip_prefix('-') {
            Some(decimal) => write!(f, "-{sign}{decimal}"),
            None => write!(f, "{sign}{decimal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    #[test]
    fn currencies_keep_their_own_decimals() {
        let written = |minor, code: &str| Amount::new(minor, code.parse().unwrap()).to_decimal();
        assert_eq!(written(1234, "CNY"), "12.34");
        assert_eq!(written(-5, "CNY"), "-0.05");
        assert_eq!(written(1234, "JPY"), "1234");
        assert_eq!(written(1234, "KWD"), "1.234");
    }

    #[test]
    fn less_than_nothing_is_written_before_the_sign_of_the_currency() {
        assert_eq!([cny(-4_712), cny(5)].map(|amount| amount.to_string()), ["-￥47.12", "￥0.05"]);
    }

    #[test]
    fn different_currencies_never_mix() {
        let yen = Amount::new(1, "JPY".parse().unwrap());
        assert!(matches!(cny(1).checked_add(yen), Err(MoneyError::CurrencyMismatch(..))));
        assert!(matches!(cny(1).checked_sub(yen), Err(MoneyError::CurrencyMismatch(..))));
    }

    #[test]
    fn overflow_is_an_error_and_never_wraps() {
        assert_eq!(cny(i64::MAX).checked_add(cny(1)), Err(MoneyError::Overflow));
        assert_eq!(cny(i64::MIN).checked_sub(cny(1)), Err(MoneyError::Overflow));
        assert_eq!(cny(i64::MAX).checked_mul(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.234", "1,5", "abc", "--1", "1.2.3", " 1", "99999999999999999999"] {
            assert!(Amount::parse_decimal(text, Currency::CNY).is_err(), "{text:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_an_amount_is_the_identity(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            for code in ["CNY", "JPY", "KWD"] {
                let amount = Amount::new(minor, code.parse().unwrap());
                prop_assert_eq!(Amount::parse_decimal(&amount.to_decimal(), amount.currency), Ok(amount));
            }
        }
    }
}
