//! What is taken off a price, why, and who allowed it.

use crate::cashier::Cashier;
use crate::money::{Amount, MoneyError};
use serde::{Deserialize, Serialize};

/// A share in basis points: 1000 is 10 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub u16);

impl Percent {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// So much of an amount, rounded half up to the minor unit. Never more than the amount, up to [`Percent::WHOLE`].
    /// # Errors
    /// The amount is too large.
    pub fn of(self, base: Amount) -> Result<Amount, MoneyError> {
        let share = (i128::from(base.minor) * i128::from(self.0) * 2 + 10_000).div_euclid(20_000);
        let minor = i64::try_from(share).map_err(|_| MoneyError::Overflow)?;
        Ok(Amount::new(minor, base.currency))
    }

    /// As people write it: `10%`, `2.5%`.
    #[must_use]
    pub fn to_text(self) -> String {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => format!("{whole}%"),
            (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
            (whole, part) => format!("{whole}.{part:02}%"),
        }
    }
}

/// The usual reasons. A closed list, so that reports can count them; whatever else there is stands beside it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// The goods or their packing are damaged.
    Damaged,
    /// They will not keep for long.
    NearExpiry,
    /// The tag or the shelf says another price.
    PriceTag,
    /// Another shop sells it for less.
    PriceMatch,
    /// For a regular customer.
    Regular,
    /// For the shop's own people.
    Staff,
    /// Something went wrong before, and is made good.
    Complaint,
    /// Something else: the words say what.
    Other,
}

impl ReasonKind {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 8] = [
        Self::Damaged,
        Self::NearExpiry,
        Self::PriceTag,
        Self::PriceMatch,
        Self::Regular,
        Self::Staff,
        Self::Complaint,
        Self::Other,
    ];
}

/// Why a price was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Which of the usual reasons.
    pub kind: ReasonKind,
    /// In somebody's own words; may be empty, but not for [`ReasonKind::Other`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Reason {
    /// One of the usual reasons, without more words.
    #[must_use]
    pub const fn usual(kind: ReasonKind) -> Self {
        Self { kind, text: String::new() }
    }

    /// Whether it is a reason.
    /// # Errors
    /// Something else without a word of what, or words that do not fit on a line.
    pub fn check(&self) -> Result<(), DiscountError> {
        if !is_plain(&self.text) {
            return Err(DiscountError::Text);
        }
        if self.kind == ReasonKind::Other && self.text.trim().is_empty() {
            return Err(DiscountError::NoReason);
        }
        Ok(())
    }
}

/// The most characters of a reason in words, and of a note.
pub const LONGEST_TEXT: usize = 60;

/// Whether a text fits where it is shown and printed: one line, and not too long.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

/// How a discount is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So much money.
    Amount(Amount),
    /// Such a share.
    Percent(Percent),
}

/// Money taken off a line or a whole sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// What is taken off.
    pub amount: Amount,
    /// The share that it was given as; none if it was given as an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// Why.
    pub reason: Reason,
    /// Who allowed it, if not who served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Cashier>,
}

/// Why something is no discount, or no change of a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscountError {
    /// More than what it is taken off.
    #[error("the discount of {amount} is larger than the {base} that it is taken off")]
    TooLarge {
        /// The discount.
        amount: Amount,
        /// What it is taken off.
        base: Amount,
    },
    /// More than what somebody approved.
    #[error("the discount would be {amount}, and {approved} were approved")]
    BeyondApproval {
        /// The discount.
        amount: Amount,
        /// What was approved.
        approved: Amount,
    },
    /// Nothing, or less than nothing.
    #[error("the discount takes nothing off")]
    Nothing,
    /// More than the whole, or no share at all.
    #[error("a discount is more than 0% and at most 100%")]
    Percent,
    /// The share of that base is another amount.
    #[error("{computed} were expected of the discount, it says {stated}")]
    AmountDiffers {
        /// The share of what it is taken off.
        computed: Amount,
        /// What the discount claims.
        stated: Amount,
    },
    /// Another reason than the usual ones, and nobody says which.
    #[error("the reason is missing")]
    NoReason,
    /// A text with line ends, or one that is too long.
    #[error("a text is one line of at most {LONGEST_TEXT} characters")]
    Text,
    /// The price before was less than nothing.
    #[error("the price before is negative")]
    NegativePrice,
    /// Arithmetic failed.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl DiscountError {
    /// Whether it has become too much: for what it is taken off, or for what somebody approved.
    #[must_use]
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::BeyondApproval { .. })
    }
}

impl Discount {
    /// That much off `base`.
    /// # Errors
    /// It is more than the base, or nothing; there is no reason.
    pub fn new(
        off: Off,
        base: Amount,
        reason: Reason,
        approved_by: Option<Cashier>,
    ) -> Result<Self, DiscountError> {
        let (amount, percent) = match off {
            Off::Amount(amount) => (amount, None),
            Off::Percent(percent) => (percent.of(base)?, Some(percent)),
        };
        let discount = Self { amount, percent, reason, approved_by };
        discount.check(base)?;
        Ok(discount)
    }

    /// How it was said.
    #[must_use]
    pub fn off(&self) -> Off {
        self.percent.map_or(Off::Amount(self.amount), Off::Percent)
    }

    /// The same discount off something that costs another amount now. What somebody else approved was an amount of
    /// money: it may become less, and never more.
    /// # Errors
    /// It is more than that, or more than what was approved.
    pub fn on(self, base: Amount) -> Result<Self, DiscountError> {
        let approved = self.approved_by.is_some().then_some(self.amount);
        let discount = Self::new(self.off(), base, self.reason, self.approved_by)?;
        match approved {
            Some(approved) if discount.amount.minor > approved.minor => {
                Err(DiscountError::BeyondApproval { amount: discount.amount, approved })
            }
            _ => Ok(discount),
        }
    }

    /// Whether it is what it says, taken off `base`.
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, base: Amount) -> Result<(), DiscountError> {
        self.reason.check()?;
        if base.checked_sub(self.amount)?.minor < 0 {
            return Err(DiscountError::TooLarge { amount: self.amount, base });
        }
        let Some(percent) = self.percent else {
            return if self.amount.is_positive() { Ok(()) } else { Err(DiscountError::Nothing) };
        };
        if percent.0 == 0 || percent > Percent::WHOLE {
            return Err(DiscountError::Percent);
        }
        // A share of very little may come to nothing.
        let computed = percent.of(base)?;
        if computed != self.amount {
            return Err(DiscountError::AmountDiffers { computed, stated: self.amount });
        }
        Ok(())
    }
}

/// A price was overridden: what it was before, why, and who allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceChange {
    /// The price of one before.
    pub was: Amount,
    /// Why.
    pub reason: Reason,
    /// Who allowed it, if not who served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Cashier>,
}

impl PriceChange {
    /// Whether it is what it says, for a price of today in that currency.
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, now: Amount) -> Result<(), DiscountError> {
        self.reason.check()?;
        now.checked_sub(self.was)?;
        if self.was.minor < 0 { Err(DiscountError::NegativePrice) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn damaged() -> Reason {
        Reason::usual(ReasonKind::Damaged)
    }

    #[test]
    fn a_discount_is_never_more_than_what_it_is_on_and_never_nothing() {
        let off = |off, base| Discount::new(off, cny(base), damaged(), None);
        assert_eq!(off(Off::Amount(cny(500)), 500).unwrap().amount, cny(500));
        assert!(matches!(off(Off::Amount(cny(501)), 500), Err(DiscountError::TooLarge { .. })));
        assert_eq!(off(Off::Amount(cny(0)), 500), Err(DiscountError::Nothing));
        assert_eq!(off(Off::Amount(cny(-1)), 500), Err(DiscountError::Nothing));
        assert_eq!(off(Off::Percent(Percent(0)), 500), Err(DiscountError::Percent));
        assert!(off(Off::Percent(Percent(10_001)), 500).is_err());
        assert_eq!(off(Off::Percent(Percent::WHOLE), 500).unwrap().amount, cny(500));
        let yen = Amount::new(1, "JPY".parse().unwrap());
        assert!(matches!(off(Off::Amount(yen), 500), Err(DiscountError::Money(_))));
    }

    #[test]
    fn a_share_rounds_half_up_and_reads_as_people_write_it() {
        assert_eq!(Percent(1_000).of(cny(1_005)), Ok(cny(101)));
        assert_eq!(Percent(1_000).of(cny(1_004)), Ok(cny(100)));
        assert_eq!([1_000, 250, 1_225].map(|points| Percent(points).to_text()), ["10%", "2.5%", "12.25%"]);
    }

    #[test]
    fn another_reason_says_which_and_no_text_breaks_a_line() {
        let reason = |kind, text: &str| Reason { kind, text: text.into() }.check();
        assert_eq!(reason(ReasonKind::Other, " "), Err(DiscountError::NoReason));
        assert_eq!(reason(ReasonKind::Other, "opened by mistake"), Ok(()));
        assert_eq!(reason(ReasonKind::Damaged, "a\nb"), Err(DiscountError::Text));
        assert_eq!(reason(ReasonKind::Damaged, &"损".repeat(LONGEST_TEXT)), Ok(()));
        assert_eq!(reason(ReasonKind::Damaged, &"损".repeat(LONGEST_TEXT + 1)), Err(DiscountError::Text));
    }

    #[test]
    fn a_share_that_claims_another_amount_is_refused() {
        let mut discount = Discount::new(Off::Percent(Percent(1_000)), cny(1_000), damaged(), None).unwrap();
        discount.amount = cny(101);
        assert!(matches!(discount.check(cny(1_000)), Err(DiscountError::AmountDiffers { .. })));
        assert_eq!(discount.on(cny(2_000)).unwrap().amount, cny(200), "and follows what it is on");
    }

    #[test]
    fn what_somebody_approved_is_a_ceiling_in_money() {
        let lin = Cashier { login: "lin".into(), name: "Lin".into() };
        let most = Discount::new(Off::Percent(Percent(9_000)), cny(450), damaged(), Some(lin)).unwrap();
        assert_eq!(most.clone().on(cny(450)).unwrap().amount, cny(405));
        assert_eq!(most.clone().on(cny(400)).unwrap().amount, cny(360));
        let beyond = most.clone().on(cny(99 * 450)).unwrap_err();
        assert_eq!(beyond, DiscountError::BeyondApproval { amount: cny(40_095), approved: cny(405) });
        let own = Discount { approved_by: None, ..most };
        assert_eq!(own.on(cny(99 * 450)).unwrap().amount, cny(40_095), "whoever serves gave it");
    }

    proptest! {
        #[test]
        fn a_share_is_between_nothing_and_all(base in 0..i64::MAX, points in 0_u16..=10_000) {
            let share = Percent(points).of(cny(base)).unwrap();
            prop_assert!((0..=base).contains(&share.minor));
        }
    }
}
