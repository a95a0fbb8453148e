//! The parts in cash of sales that are not paid yet, as the tills' journals say: what the rest of such a sale names is held
//! against them. Brought forward with the head of the journal, in its transaction.

use super::BaseError;
use super::doubts::{self, Doubted};
use super::journal::HandInTaken;
use crate::database::Sql;
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::shift::{Parts, follow_parts};

/// The place of these doubts in their entry: behind all rights that it may rest on.
const PLACE: u64 = 1_000;

/// Follows the parts through entries that are taken, and notes where one names another sum.
pub(super) fn take_in(
    sql: &dyn Sql,
    taken: &HandInTaken,
    day: &dyn Fn(Timestamp) -> BusinessDay,
) -> Result<(), BaseError> {
    let (terminal, epoch) = (taken.from.terminal, taken.from.epoch);
    let before = read(sql, terminal, epoch)?;
    let mut parts = before.clone();
    for entry in &taken.told {
        let Some(doubt) = follow_parts(&mut parts, entry) else { continue };
        tracing::warn!(%terminal, sequence = entry.sequence, said = %doubt.said, held = %doubt.held,
            "a till names cash of a sale that its drawer does not hold");
        doubts::note(sql, entry, PLACE, &Doubted::Cash(doubt), day(entry.at))?;
    }
    for sale in before.keys().filter(|sale| !parts.contains_key(sale)) {
        let gone = "DELETE FROM cash_parts WHERE terminal = ?1 AND epoch = ?2 AND sale = ?3";
        sql.execute(gone, &params![terminal.get(), epoch, *sale])?;
    }
    for (sale, part) in parts.iter().filter(|(sale, part)| before.get(sale) != Some(part)) {
        sql.execute(
            "INSERT INTO cash_parts (terminal, epoch, sale, currency, minor) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (terminal, epoch, sale) DO UPDATE SET currency = excluded.currency, minor = excluded.minor",
            &params![terminal.get(), epoch, *sale, part.currency.code(), part.minor],
        )?;
    }
    Ok(())
}

fn read(sql: &dyn Sql, terminal: TerminalId, epoch: KeyEpoch) -> Result<Parts, BaseError> {
    let rows = sql.rows(
        "SELECT sale, currency, minor FROM cash_parts WHERE terminal = ?1 AND epoch = ?2",
        &params![terminal.get(), epoch],
    )?;
    let mut parts = Parts::new();
    for row in &rows {
        // No journal waits for a record that can be looked at only.
        match row.at::<String>(1)?.parse::<Currency>() {
            Ok(currency) => drop(parts.insert(row.at(0)?, Amount::new(row.at(2)?, currency))),
            Err(error) => tracing::error!(%error, %terminal, "a part in cash cannot be read"),
        }
    }
    Ok(parts)
}
