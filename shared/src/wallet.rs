//! The wallets, and how to tell from a payment code whose it is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How many digits most wallets' codes have.
const USUAL_LENGTH: usize = 18;

/// A wallet's name as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// In English.
    pub english: &'static str,
    /// In Chinese.
    pub chinese: &'static str,
}

/// What a till must know of a wallet without asking anybody.
struct Facts {
    code: &'static str,
    receivable: &'static str,
    name: Name,
    short: Name,
    /// How many digits a payment code has.
    lengths: RangeInclusive<usize>,
    /// What its first two digits are.
    prefixes: RangeInclusive<u8>,
}

/// Makes the wallets of one list. `code` is the name in data, for ever; `name` is what customers call it, in English and
/// Chinese, and `short` the same where there is little room.
macro_rules! wallets {
    ($(
        $(#[doc = $about:literal])*
        $wallet:ident {
            code: $code:literal, name: $english:literal $chinese:literal, short: $short:literal $short_chinese:literal,
            lengths: $lengths:expr, prefixes: $prefixes:expr,
        }
    )*) => {
        /// A wallet on the customer's phone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Wallet {
            $($(#[doc = $about])* #[serde(rename = $code)] $wallet,)*
        }

        impl Wallet {
            /// Every wallet there is, in the order of [`Wallet::place`].
            pub const ALL: [Self; [$(stringify!($wallet)),*].len()] = [$(Self::$wallet),*];

            const fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$wallet => const {
                        &Facts {
                            code: $code,
                            receivable: concat!("receivable:", $code),
                            name: Name { english: $english, chinese: $chinese },
                            short: Name { english: $short, chinese: $short_chinese },
                            lengths: $lengths,
                            prefixes: $prefixes,
                        }
                    },)*
                }
            }
        }
    };
}

// No two wallets share a length *and* a prefix: a test looks.
wallets! {
    /// WeChat Pay.
    WeChatPay {
        code: "wechat_pay", name: "WeChat Pay" "微信支付", short: "WeChat" "微信",
        lengths: 18..=18, prefixes: 10..=15,
    }
    /// Alipay.
    Alipay {
        code: "alipay", name: "Alipay" "支付宝", short: "Alipay" "支付宝",
        lengths: 16..=24, prefixes: 25..=30,
    }
}

impl Wallet {
    /// The fixed name in data: JSON, databases, configuration.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.facts().code
    }

    /// What the ledger calls the money that it owes the store.
    #[must_use]
    pub const fn receivable(self) -> &'static str {
        self.facts().receivable
    }

    /// As customers know it.
    #[must_use]
    pub const fn name(self) -> Name {
        self.facts().name
    }

    /// The same where there is little room.
    #[must_use]
    pub const fn short_name(self) -> Name {
        self.facts().short
    }

    /// Its place in [`Wallet::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }

    fn may_be_of(self, length: usize, prefix: u8) -> bool {
        let facts = self.facts();
        facts.lengths.contains(&length) && facts.prefixes.contains(&prefix)
    }

    /// A code that is written as this wallet's are and that no customer has: for training. `number` tells them apart.
    #[must_use]
    pub fn practice_code(self, number: u8) -> String {
        let facts = self.facts();
        let length = USUAL_LENGTH.clamp(*facts.lengths.start(), *facts.lengths.end());
        format!("{:02}{number:0rest$}", facts.prefixes.start(), rest = length.saturating_sub(2))
    }
}

/// Something for each wallet there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerWallet<T>([T; Wallet::ALL.len()]);

impl<T> PerWallet<T> {
    /// What that gives for each.
    #[must_use]
    pub fn new(each: impl FnMut(Wallet) -> T) -> Self {
        Self(Wallet::ALL.map(each))
    }

    /// That wallet's.
    #[must_use]
    pub const fn of(&self, wallet: Wallet) -> &T {
        &self.0[wallet.place()]
    }

    /// Puts another in the place of that wallet's.
    pub fn set(&mut self, wallet: Wallet, own: T) {
        self.0[wallet.place()] = own;
    }
}

impl fmt::Display for Wallet {
    /// As customers know it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().english)
    }
}

/// No wallet has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a wallet: use {known}", known = Wallet::ALL.map(Wallet::code).join(" or "))]
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
/// How long they are and how they begin stands in the list of wallets above.
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
    Wallet::ALL.into_iter().find(|wallet| wallet.may_be_of(code.len(), prefix))
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

    #[test]
    fn each_has_its_place_and_no_code_can_be_two_wallets() {
        let places = PerWallet::new(|wallet| wallet);
        for (place, wallet) in Wallet::ALL.into_iter().enumerate() {
            assert_eq!((wallet.place(), *places.of(wallet)), (place, wallet));
        }
        for (length, prefix) in (0..60).flat_map(|length| (0..100).map(move |prefix| (length, prefix))) {
            let mine = Wallet::ALL.into_iter().filter(|wallet| wallet.may_be_of(length, prefix));
            assert!(mine.count() <= 1, "{length} digits that begin with {prefix}");
        }
        let names =
            Wallet::ALL.map(|w| [w.code(), w.name().english, w.name().chinese, w.short_name().english]);
        assert!(names.iter().flatten().all(|name| !name.is_empty()));
    }

    #[test]
    fn codes_to_practise_with_are_the_wallets_own_and_stay() {
        for wallet in Wallet::ALL {
            let codes: Vec<String> = (1..=9).map(|number| wallet.practice_code(number)).collect();
            assert!(codes.iter().all(|code| detect(code) == Some(wallet)), "{codes:?}");
            assert!(codes.windows(2).all(|two| two[0] != two[1]));
        }
        assert_eq!(Wallet::WeChatPay.practice_code(1), "100000000000000001");
        assert_eq!(Wallet::Alipay.practice_code(4), "250000000000000004");
    }

    proptest! {
        #[test]
        fn any_scan_is_taken_without_panic(text in any::<String>()) {
            let _ = detect(&text);
        }
    }
}
