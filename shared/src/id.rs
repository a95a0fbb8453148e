//! Names of things: stores, terminals, sales, staff, requests.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What is wrong with a name that was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

/// A store: 1 to 999 999. Part of the number that channels see, so it stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct StoreId(u32);

impl StoreId {
    /// The largest store number there can be.
    pub const MAX: u32 = 999_999;

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for StoreId {
    type Error = IdError;
    fn try_from(number: u32) -> Result<Self, IdError> {
        if (1..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(IdError { text: number.to_string(), expected: "a store number from 1 to 999999" })
        }
    }
}

impl From<StoreId> for u32 {
    fn from(id: StoreId) -> Self {
        id.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A wallet account of the merchant's: the row in the base database, from 1 on and never given out twice; or
/// [`AccountId::OF_THE_FILE`], the account in the server's own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u32);

impl AccountId {
    /// The account that the server's settings file names for a wallet. Payments from before there were rows are its.
    pub const OF_THE_FILE: Self = Self(0);

    /// Nobody knows which: the attempt's record was lost, or never came. Every account is asked for it.
    pub const NOT_KNOWN: Self = Self(u32::MAX);

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A version of a wallet's interface, by the wallet's own number; or [`Interface::NOT_KNOWN`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Interface(pub u32);

impl Interface {
    /// Nobody wrote down which: the wallet has one, or the attempt is from before it was.
    pub const NOT_KNOWN: Self = Self(0);

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A terminal (a till) of a store: 1 to 9 999, shown as `T0001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct TerminalId(u16);

impl TerminalId {
    /// The largest terminal number there can be.
    pub const MAX: u16 = 9_999;

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for TerminalId {
    type Error = IdError;
    fn try_from(number: u16) -> Result<Self, IdError> {
        if (1..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(IdError { text: number.to_string(), expected: "a terminal number from 1 to 9999" })
        }
    }
}

impl From<TerminalId> for u16 {
    fn from(id: TerminalId) -> Self {
        id.0
    }
}

impl fmt::Display for TerminalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:04}", self.0)
    }
}

impl FromStr for TerminalId {
    type Err = IdError;
    /// Reads `T0001` as well as `1`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix(['T', 't']).unwrap_or(text);
        let number = digits.parse::<u16>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
        number
            .and_then(|n| Self::try_from(n).ok())
            .ok_or_else(|| IdError { text: text.to_owned(), expected: "a terminal like T0001" })
    }
}

/// How often a terminal has been given a new key: 1 for the first. A till that was put back to an older disk
/// image gets a new epoch, so that its sequence numbers can never meet those it used before.
pub type KeyEpoch = u16;

/// K, the name of a sale: which terminal, under which key epoch, and the sequence number of the sale's entry
/// in that till's journal. On the till's disk before the first byte leaves; unique for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleKey {
    /// The till that sold.
    pub terminal: TerminalId,
    /// Under which of its keys.
    pub epoch: KeyEpoch,
    /// The journal entry that holds the sale.
    pub sequence: u64,
}

impl fmt::Display for SaleKey {
    /// The form on paper while the sale has no order number yet: `T0001-1-42`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.terminal, self.epoch, self.sequence)
    }
}

impl FromStr for SaleKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let bad = || IdError { text: text.to_owned(), expected: "a sale like T0001-1-42" };
        let mut parts = text.split('-');
        let (Some(t), Some(e), Some(s), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        Ok(Self {
            terminal: t.parse()?,
            epoch: e.parse().map_err(|_| bad())?,
            sequence: s.parse().map_err(|_| bad())?,
        })
    }
}

/// Which try it is to pay one sale: 1 for the first. A new attempt is made only after the one before it is
/// surely declined, reversed or closed.
pub type Attempt = u8;

/// The number that a channel sees for one attempt to pay one sale. Made from the sale and the attempt, never
/// from the order number, so that two drafts of one sale can never be charged twice (rule *channel-number*).
///
/// `E` + store (6) + terminal (4) + epoch (5) + sequence (12) + attempt (3): 31 letters and digits, inside the
/// 32 that the strictest wallet allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelNumber(String);

impl ChannelNumber {
    /// The number for this attempt at this sale.
    #[must_use]
    pub fn new(store: StoreId, sale: SaleKey, attempt: Attempt) -> Self {
        let (terminal, epoch) = (sale.terminal.get(), sale.epoch);
        Self(format!("E{:06}{terminal:04}{epoch:05}{:012}{attempt:03}", store.get(), sale.sequence))
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// No channel number is written like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a channel number is 'E' and 30 digits")]
pub struct NoChannelNumber;

impl FromStr for ChannelNumber {
    type Err = NoChannelNumber;
    /// Reads what a channel says back: only what [`ChannelNumber::new`] could have made.
    fn from_str(text: &str) -> Result<Self, NoChannelNumber> {
        let digits = text.strip_prefix('E').ok_or(NoChannelNumber)?;
        let right = digits.len() == 30 && digits.bytes().all(|b| b.is_ascii_digit());
        if right { Ok(Self(text.to_owned())) } else { Err(NoChannelNumber) }
    }
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of one refund: the channel sees the same one at every retry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RefundId(pub String);

impl RefundId {
    /// The number under which an attempt's money goes back by itself, when it was taken though nobody needed it:
    /// made from the attempt's number, so that it goes back once. Refunds that people ask for begin otherwise.
    #[must_use]
    pub fn of_itself(attempt: &ChannelNumber) -> Self {
        Self(format!("B{}", attempt.0.trim_start_matches('E')))
    }

    /// The number under which an attempt's money goes back from another of the shop's accounts than the one that is kept. It
    /// is none of [`Self::of_itself`]: the kept account's money may have to go back too, and bills name no account of ours.
    #[must_use]
    pub fn at_another(attempt: &ChannelNumber) -> Self {
        Self(format!("D{}", attempt.0.trim_start_matches('E')))
    }

    /// So many times money that goes back by itself may get another number: the letters.
    pub const ROUNDS: u8 = 26;

    /// The number under which the same money is sent back after the wallet has closed it under the ones before: a closed
    /// number moves no money any more. Made from the first number and the round, 0 for the first; the last one is given
    /// on and on. One character more than the first: 32, as many as the strictest wallet allows.
    #[must_use]
    pub fn in_round(&self, round: u8) -> Self {
        match round.min(Self::ROUNDS) {
            0 => self.clone(),
            round => Self(format!("{}{}", self.0, char::from(b'A' + round - 1))),
        }
    }

    /// Whether it is the number of a later round than that one, of the same money that goes back by itself.
    #[must_use]
    pub fn is_later_round_of(&self, earlier: &Self) -> bool {
        let Some(first) = earlier.0.get(..Self::FIRST).filter(|first| first.starts_with(['B', 'D'])) else {
            return false;
        };
        let first = Self(first.to_owned());
        let round = |of: &Self| (0..=Self::ROUNDS).find(|round| first.in_round(*round) == *of);
        round(earlier).is_some_and(|earlier| round(self).is_some_and(|later| later > earlier))
    }

    /// How long the first number is: a letter, and the attempt's number without its own.
    const FIRST: usize = 31;
}

impl fmt::Display for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn channel_numbers_differ_whenever_sale_or_attempt_differ(
            a in (1_u16..=9999, 1_u16.., 0_u64..1_000_000_000_000, 1_u8..),
            b in (1_u16..=9999, 1_u16.., 0_u64..1_000_000_000_000, 1_u8..),
        ) {
            let number = |(t, epoch, sequence, attempt): (u16, u16, u64, u8)| {
                let terminal = TerminalId::try_from(t).unwrap();
                ChannelNumber::new(StoreId::try_from(7).unwrap(), SaleKey { terminal, epoch, sequence }, attempt)
            };
            prop_assert_eq!(number(a) == number(b), a == b);
            prop_assert!(number(a).as_str().len() <= 32);
            prop_assert_eq!(number(a).as_str().parse(), Ok(number(a)));
            prop_assert!(number(a).as_str().bytes().all(|b| b.is_ascii_alphanumeric()));
            prop_assert_ne!(RefundId::of_itself(&number(a)), RefundId::at_another(&number(b)));
            let rounds = |first: RefundId| (0..=RefundId::ROUNDS).map(move |round| first.in_round(round));
            let all: std::collections::BTreeSet<_> =
                rounds(RefundId::at_another(&number(a))).chain(rounds(RefundId::of_itself(&number(a)))).collect();
            prop_assert_eq!(all.len(), 2 * (usize::from(RefundId::ROUNDS) + 1));
            let first = RefundId::of_itself(&number(a));
            for (earlier, later) in (0..=RefundId::ROUNDS).flat_map(|e| (0..=RefundId::ROUNDS).map(move |l| (e, l))) {
                let (this, that) = (first.in_round(earlier), first.in_round(later));
                prop_assert_eq!(that.is_later_round_of(&this), later > earlier);
                prop_assert!(!RefundId::at_another(&number(a)).in_round(later).is_later_round_of(&this));
                let others = RefundId::of_itself(&number(b)).in_round(later).is_later_round_of(&this);
                prop_assert_eq!(others, number(a) == number(b) && later > earlier);
            }
            prop_assert!(!RefundId("R1A".into()).is_later_round_of(&RefundId("R1".into())));
            prop_assert!(all.iter().all(|id| id.0.len() <= 32 && id.0.bytes().all(|b| b.is_ascii_alphanumeric())));
        }

        #[test]
        fn a_sale_key_reads_back_as_it_was_written(t in 1_u16..=9999, epoch: u16, sequence: u64) {
            let key = SaleKey { terminal: TerminalId::try_from(t).unwrap(), epoch, sequence };
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn names_out_of_range_are_refused() {
        assert!(StoreId::try_from(0).is_err() && StoreId::try_from(1_000_000).is_err());
        assert!("T00000".parse::<TerminalId>().is_err() && "T+1".parse::<TerminalId>().is_err());
        assert!("T0001-1".parse::<SaleKey>().is_err() && "T0001-1-2-3".parse::<SaleKey>().is_err());
    }
}
