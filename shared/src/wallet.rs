//! The wallets, and how to tell from a payment code whose it is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A wallet on the customer's phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wallet {
    /// WeChat Pay.
    #[serde(rename = "wechat_pay")]
    WeChatPay,
    /// Alipay.
    Alipay,
}

impl Wallet {
    /// Every wallet there is.
    pub const ALL: [Self; 2] = [Self::WeChatPay, Self::Alipay];

    /// The fixed name in data: JSON, databases, configuration.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WeChatPay => "wechat_pay",
            Self::Alipay => "alipay",
        }
    }
}

impl fmt::Display for Wallet {
    /// As customers know it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WeChatPay => "WeChat Pay",
            Self::Alipay => "Alipay",
        })
    }
}

/// No wallet has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a wallet: use wechat_pay or alipay")]
pub struct NoSuchWallet(String);

impl FromStr for Wallet {
    type Err = NoSuchWallet;
    /// Reads [`Wallet::code`].
    fn from_str(code: &str) -> Result<Self, NoSuchWallet> {
        Self::ALL.into_iter().find(|w| w.code() == code).ok_or_else(|| NoSuchWallet(code.to_owned()))
    }
}

/// Whose payment code this is, by length *and* first two digits; `None` if it is none that we take.
///
/// - WeChat Pay: 18 digits, beginning with 10 to 15.
/// - Alipay: 16 to 24 digits, beginning with 25 to 30.
///
/// Only ask this where a payment code is expected. By itself the answer proves nothing: an in-store weight
/// code of 18 digits that begins with 26 looks just like an Alipay code. The context decides: on the tender
/// screen a scan is a payment code, on the sale screen it is goods.
#[must_use]
pub fn detect(code: &str) -> Option<Wallet> {
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let prefix: u8 = code.get(..2)?.parse().ok()?;
    match (code.len(), prefix) {
        (18, 10..=15) => Some(Wallet::WeChatPay),
        (16..=24, 25..=30) => Some(Wallet::Alipay),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(prefix: &str, length: usize) -> String {
        format!("{prefix}{}", "7".repeat(length - 2))
    }

    #[test]
    fn every_prefix_at_every_length() {
        for prefix in 0..100 {
            for length in 2..40 {
                let expected = match prefix {
                    10..=15 if length == 18 => Some(Wallet::WeChatPay),
                    25..=30 if (16..=24).contains(&length) => Some(Wallet::Alipay),
                    _ => None,
                };
                let code = code(&format!("{prefix:02}"), length);
                assert_eq!(detect(&code), expected, "{code}");
            }
        }
    }

    #[test]
    fn other_codes_on_the_counter_are_not_payment_codes() {
        for other in [
            "",
            "1",
            "6901234567892",             // EAN-13 of goods
            "2612345678901",             // in-store weight code, 13 digits
            "6212345678901234567",       // UnionPay
            "0112345678901234567",       // digital yuan
            "hQVDUFYwMWEYTwegAAAAVVVV",  // EMV customer-presented
            "2026112014030712348151192", // an order number of ours
            "13456789012345678X",
            " 134567890123456789",
            "１３4567890123456789",
        ] {
            assert_eq!(detect(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_weight_code_cannot_be_told_from_alipay() {
        // Known and documented: the screen that is open decides which of the two a scan is.
        assert_eq!(detect("261234500199000123"), Some(Wallet::Alipay));
    }

    #[test]
    fn the_names_in_data_stay() {
        for wallet in Wallet::ALL {
            assert_eq!(serde_json::to_string(&wallet).unwrap(), format!("\"{}\"", wallet.code()));
            assert_eq!(wallet.code().parse(), Ok(wallet));
        }
        assert!("cash".parse::<Wallet>().is_err());
    }

    proptest! {
        #[test]
        fn any_scan_is_taken_without_panic(text in any::<String>()) {
            let _ = detect(&text);
        }
    }
}
