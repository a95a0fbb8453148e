//! A sale that is paid in parts: some of it in cash, the rest through a wallet.
//!
//! The cash is taken first. What is asked of a wallet is the total less what is in the drawer then, to the last unit, so
//! whatever becomes of the wallet's part, the parts that are kept never come to more than the total (rule *never-over*).

use super::PaidBy;
use crate::money::{Amount, Currency};
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// What came through a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletPart {
    /// Which one.
    pub wallet: Wallet,
    /// The wallet's own number of the transaction.
    pub transaction: String,
    /// How much.
    pub amount: Amount,
}

/// What is left to pay of a total after a part was taken; nothing if the part is not more than zero and less than the
/// total, or of another currency: then it is no part.
#[must_use]
pub fn rest_after(total: Amount, part: Amount) -> Option<Amount> {
    let rest = total.checked_sub(part).ok()?;
    (part.is_positive() && rest.is_positive()).then_some(rest)
}

/// How much of something is, or goes back, where: through the wallet, and in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Through the wallet.
    pub wallet: Amount,
    /// In cash.
    pub cash: Amount,
}

impl Parts {
    /// Nothing anywhere.
    #[must_use]
    pub fn none(currency: Currency) -> Self {
        Self { wallet: Amount::zero(currency), cash: Amount::zero(currency) }
    }

    /// What is left of these when those are taken away; where more is taken than there is, nothing is left.
    #[must_use]
    pub fn less(&self, taken: &Self) -> Self {
        let left = |have: Amount, taken: Amount| {
            Amount::new(have.minor.saturating_sub(taken.minor).max(0), have.currency)
        };
        Self { wallet: left(self.wallet, taken.wallet), cash: left(self.cash, taken.cash) }
    }

    /// From which parts a refund comes, these being what is left of each: from the wallet as far as it goes, because that
    /// is where nobody has to count money, and the rest in cash. Nothing if that is more than is left of both, not more
    /// than zero, or of another currency.
    #[must_use]
    pub fn refund(&self, amount: Amount) -> Option<Self> {
        if !amount.is_positive() || amount.currency != self.wallet.currency {
            return None;
        }
        let wallet = amount.minor.min(self.wallet.minor.max(0));
        let cash = amount.minor.checked_sub(wallet)?;
        let of = |minor| Amount::new(minor, amount.currency);
        (cash <= self.cash.minor.max(0)).then_some(Self { wallet: of(wallet), cash: of(cash) })
    }
}

impl PaidBy {
    /// How an order of this total was paid, when a wallet has paid that much of it: all, or what was not taken in cash.
    #[must_use]
    pub fn through(total: Amount, part: WalletPart) -> Self {
        match total.checked_sub(part.amount) {
            Ok(cash) if cash.is_positive() => Self::Split { cash, wallets: vec![part] },
            Ok(_) | Err(_) => Self::Wallet { wallet: part.wallet, transaction: part.transaction },
        }
    }

    /// How much came through the wallet and how much in cash, of what was paid.
    #[must_use]
    pub fn parts_of(&self, paid: Amount) -> Parts {
        let none = Parts::none(paid.currency);
        match self {
            Self::Cash { .. } => Parts { cash: paid, ..none },
            Self::Wallet { .. } => Parts { wallet: paid, ..none },
            Self::Split { cash, .. } => Parts {
                wallet: Amount::new(paid.minor.saturating_sub(cash.minor), paid.currency),
                cash: *cash,
            },
        }
    }

    /// The wallet that money came through, if any did.
    #[must_use]
    pub fn wallet(&self) -> Option<Wallet> {
        match self {
            Self::Cash { .. } => None,
            Self::Wallet { wallet, .. } => Some(*wallet),
            Self::Split { wallets, .. } => wallets.first().map(|part| part.wallet),
        }
    }

    /// The wallet's own number of the transaction, if there was one.
    #[must_use]
    pub fn transaction(&self) -> Option<&str> {
        match self {
            Self::Cash { .. } => None,
            Self::Wallet { transaction, .. } => Some(transaction),
            Self::Split { wallets, .. } => wallets.first().map(|part| part.transaction.as_str()),
        }
    }

    /// How the part was paid that a refund is about: in cash, or through the wallet. Of what was paid in one way, that way.
    #[must_use]
    pub fn one_part(&self, in_cash: bool) -> Self {
        match self {
            Self::Split { cash, .. } if in_cash => {
                Self::Cash { given: *cash, change: Amount::zero(cash.currency) }
            }
            Self::Split { wallets, .. } => wallets.first().map_or_else(
                || self.clone(),
                |part| Self::Wallet { wallet: part.wallet, transaction: part.transaction.clone() },
            ),
            Self::Cash { .. } | Self::Wallet { .. } => self.clone(),
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

    fn part(minor: i64) -> WalletPart {
        WalletPart { wallet: Wallet::Alipay, transaction: "2026".into(), amount: cny(minor) }
    }

    #[test]
    fn a_part_leaves_something_and_is_something() {
        for (part, rest) in [(1, Some(99)), (99, Some(1)), (0, None), (100, None), (101, None), (-1, None)] {
            assert_eq!(rest_after(cny(100), cny(part)), rest.map(cny), "{part}");
        }
        assert_eq!(rest_after(cny(100), Amount::new(50, "USD".parse().unwrap())), None);
        assert_eq!(rest_after(cny(i64::MAX), cny(i64::MIN)), None);
    }

    #[test]
    fn how_an_order_was_paid_says_each_part_and_reads_back() {
        let all = PaidBy::through(cny(100), part(100));
        assert_eq!(all, PaidBy::Wallet { wallet: Wallet::Alipay, transaction: "2026".into() });
        let split = PaidBy::through(cny(100), part(60));
        assert_eq!(split, PaidBy::Split { cash: cny(40), wallets: vec![part(60)] });
        let json = serde_json::to_string(&split).unwrap();
        assert!(json.starts_with(r#"{"by":"split","cash":"#), "{json}");
        assert_eq!(serde_json::from_str::<PaidBy>(&json).unwrap(), split);
        assert_eq!(split.parts_of(cny(100)), Parts { wallet: cny(60), cash: cny(40) });
        assert_eq!(split.one_part(true), PaidBy::Cash { given: cny(40), change: cny(0) });
        assert_eq!(split.one_part(false), all);
        assert_eq!((split.wallet(), split.transaction()), (Some(Wallet::Alipay), Some("2026")));
    }

    #[test]
    fn never_over_every_small_refund_of_every_small_split() {
        for (wallet, cash) in (0..12).flat_map(|wallet| (0..12).map(move |cash| (wallet, cash))) {
            let left = Parts { wallet: cny(wallet), cash: cny(cash) };
            for amount in -2..26 {
                let Some(from) = left.refund(cny(amount)) else {
                    assert!(amount <= 0 || amount > wallet + cash, "{amount} of {wallet} and {cash}");
                    continue;
                };
                assert_eq!(from.wallet.minor + from.cash.minor, amount);
                assert!((0..=wallet).contains(&from.wallet.minor) && (0..=cash).contains(&from.cash.minor));
                // Cash only where the wallet's part is used up.
                assert!(from.cash.minor == 0 || from.wallet.minor == wallet);
            }
        }
        assert_eq!(Parts::none(Currency::CNY).refund(Amount::new(1, "USD".parse().unwrap())), None);
    }

    proptest! {
        /// Any refunds one after another, each decided on what is left: together never more than each part was.
        #[test]
        fn never_over_any_refunds_of_a_split(
            cash in 1_i64..5_000, wallet in 1_i64..5_000, asks in prop::collection::vec(-50_i64..4_000, 0..40),
        ) {
            let paid = PaidBy::through(cny(cash + wallet), part(wallet)).parts_of(cny(cash + wallet));
            let mut taken = Parts::none(Currency::CNY);
            for amount in asks {
                let left = paid.less(&taken);
                if let Some(from) = left.refund(cny(amount)) {
                    taken.wallet = taken.wallet.checked_add(from.wallet).unwrap();
                    taken.cash = taken.cash.checked_add(from.cash).unwrap();
                }
            }
            prop_assert!(taken.wallet.minor <= wallet && taken.cash.minor <= cash);
        }

        #[test]
        fn no_amounts_make_a_refund_larger_than_what_is_left(wallet: i64, cash: i64, amount: i64) {
            let left = Parts { wallet: cny(wallet), cash: cny(cash) };
            if let Some(from) = left.refund(cny(amount)) {
                prop_assert!(from.wallet.minor >= 0 && from.wallet.minor <= wallet.max(0));
                prop_assert!(from.cash.minor >= 0 && from.cash.minor <= cash.max(0));
                prop_assert_eq!(i128::from(from.wallet.minor) + i128::from(from.cash.minor), i128::from(amount));
            }
        }

        #[test]
        fn a_part_and_its_rest_are_the_total(total: i64, part: i64) {
            if let Some(rest) = rest_after(cny(total), cny(part)) {
                prop_assert_eq!(i128::from(part) + i128::from(rest.minor), i128::from(total));
                prop_assert!(part > 0 && rest.minor > 0);
            }
        }
    }
}
