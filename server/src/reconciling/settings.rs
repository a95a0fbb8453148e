//! The `[reconciling]` section of the server's configuration.

use evertill_shared::reconciliation::{BookRow, Movement};
use evertill_shared::wallet::Wallet;
use serde::Deserialize;
use std::collections::BTreeMap;

/// When bills are fetched, and what is known of their fees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReconcilingSettings {
    /// From this time of the next day on, by the wallet's own clock, bills are asked for: `"10:15"`. The wallets promise them for
    /// ten in the morning.
    pub at: String,
    /// What each wallet keeps by its agreement, in ten-thousandths of the amount: `{ wechat_pay = 60 }` for 0.6 %. It
    /// counts for accounts of which the base store says nothing; where it says nothing either, fees are not compared.
    pub fees: BTreeMap<Wallet, u32>,
}

impl Default for ReconcilingSettings {
    fn default() -> Self {
        Self { at: "10:15".into(), fees: BTreeMap::new() }
    }
}

impl ReconcilingSettings {
    /// Whether both can be.
    ///
    /// # Errors
    /// The field, what is wrong with it, and what to write.
    pub fn check(&self) -> Result<(), (&'static str, &'static str, &'static str)> {
        if minutes(&self.at).is_none() {
            return Err(("reconciling.at", "is not a time of day", "at = \"10:15\", the default"));
        }
        if self.fees.values().any(|fee| *fee > 10_000) {
            return Err((
                "reconciling.fees",
                "is more than the amount itself",
                "fees = { wechat_pay = 60 } for 0.6 %",
            ));
        }
        Ok(())
    }

    /// Minutes after midnight.
    pub(super) fn minutes(&self) -> u16 {
        minutes(&self.at).unwrap_or(10 * 60 + 15)
    }
}

/// Writes into a row what the wallet should keep of it, if that is agreed: so many ten-thousandths, to the nearest minor
/// unit. What is given back it gives back with its part.
pub(super) fn add_fee(agreed: Option<u32>, row: &mut BookRow) {
    row.fee_minor = agreed.map(|share| {
        let fee = (row.amount.minor.saturating_mul(i64::from(share)).saturating_add(5_000)) / 10_000;
        if row.movement == Movement::Payment { fee } else { -fee }
    });
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_time_of_day() {
        assert_eq!(["10:15", "0:00", "23:59"].map(minutes), [Some(615), Some(0), Some(1439)]);
        assert_eq!(["", "10", "24:00", "10:60", "-1:00", "a:b"].map(minutes), [None; 6]);
        let wrong = ReconcilingSettings { at: "noon".into(), ..ReconcilingSettings::default() };
        assert!(wrong.check().is_err() && ReconcilingSettings::default().check().is_ok());
    }
}
