//! Shifts as they follow from the entries: brought forward by each entry that counts, so that ending one costs the same
//! after five sales and after five thousand.

use super::error::JournalError;
use super::records::{Changed, Records, RefundRecord, RuleBroken};
use super::schema::db;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Body, DrawerReason, RefundSettled, Settled};
use evertill_shared::shift::{Fact, Place, Shift, ShiftError};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// What the entry makes of the shift, given what it changes otherwise; nothing if it counts in none.
/// # Errors
/// The rule that it would break, or a record that cannot be read.
pub fn apply<R: Records>(
    records: &R,
    sequence: u64,
    at: Timestamp,
    body: &Body,
    changed: &Changed,
) -> Result<Option<Shift>, R::Error> {
    let open = || -> Result<Option<Shift>, R::Error> { Ok(records.last_shift()?.filter(Shift::is_open)) };
    let broken = |error: ShiftError| R::Error::from(RuleBroken::Shift(error));
    let shift = match body {
        Body::ShiftOpened { float, cashier, .. } => {
            if let Some(before) = open()? {
                return Err(broken(ShiftError::OpenBefore(before.opened)));
            }
            Shift::open(sequence, at, *float, cashier.clone()).map_err(broken)?
        }
        Body::ShiftClosed(closing) => {
            let mut shift = open()?.ok_or_else(|| broken(ShiftError::NoneOpen))?;
            shift.close(sequence, at, closing).map_err(broken)?;
            shift
        }
        Body::CashPaidIn { amount, .. } | Body::CashPaidOut { amount, .. } => {
            let mut shift = open()?.ok_or_else(|| broken(ShiftError::NoneOpen))?;
            let is_in = matches!(body, Body::CashPaidIn { .. });
            let fact = if is_in { Fact::PaidIn(*amount) } else { Fact::PaidOut(*amount) };
            shift.move_cash(&fact).map_err(broken)?;
            shift
        }
        _ => {
            let Some(fact) = fact(records, body, changed)? else { return Ok(None) };
            let Some(mut shift) = open()? else { return Ok(None) };
            shift.take(&fact);
            shift
        }
    };
    Ok(Some(shift))
}

/// Whether an end that is about to be signed has the sums of the journal. What was signed before is not asked.
/// # Errors
/// It has others, or the shift cannot be read.
pub fn check_new<R: Records>(records: &R, body: &Body) -> Result<(), R::Error> {
    let Body::ShiftClosed(closing) = body else { return Ok(()) };
    let Some(shift) = records.last_shift()? else { return Ok(()) };
    shift.check_sums(closing).map_err(|error| RuleBroken::Shift(error).into())
}

/// What the entry says of money, if it says something.
fn fact<R: Records>(records: &R, body: &Body, changed: &Changed) -> Result<Option<Fact>, R::Error> {
    Ok(match (body, changed) {
        (Body::CashTaken { .. }, Changed::Sale(record)) => {
            Some(Fact::Sold { wallet: None, amount: record.sale.total, tax: record.sale.tax })
        }
        (Body::CashRest { .. }, Changed::Sale(record)) => {
            Some(Fact::Sold { wallet: None, amount: record.rest(), tax: record.sale.tax })
        }
        (Body::CashPart { amount, .. }, _) => Some(Fact::CashPart(*amount)),
        (Body::CashPartBack { amount, .. }, _) => Some(Fact::CashPartBack(*amount)),
        (Body::CashPartKept { amount, .. }, _) => Some(Fact::CashPartKept(*amount)),
        (Body::PaymentSettled { outcome: Settled::Paid { .. }, .. }, Changed::Sale(record)) => {
            record.paid_attempt().map(|attempt| Fact::Sold {
                wallet: Some(attempt.wallet),
                amount: record.rest(),
                tax: record.sale.tax,
            })
        }
        (Body::SaleVoided { .. }, Changed::Sale(record)) => Some(Fact::Voided(record.sale.total)),
        (Body::CartVoided { total, .. }, _) => Some(Fact::Voided(*total)),
        (Body::RefundSettled { outcome: RefundSettled::Done, .. }, Changed::Refund(record)) => {
            Some(Fact::Refunded { from: paid_from(records, record)?, amount: record.amount })
        }
        (Body::DrawerOpened { reason: DrawerReason::Count, .. }, _) => Some(Fact::CountBegun),
        (Body::DrawerOpened { .. }, _) => Some(Fact::NoSale),
        _ => None,
    })
}

/// Money goes back where it came from.
fn paid_from<R: Records>(records: &R, refund: &RefundRecord) -> Result<Place, R::Error> {
    if refund.in_cash {
        return Ok(Place::Drawer);
    }
    let sale = records.sale_of_order(refund.number)?;
    Ok(sale.map_or(Place::NotKnown, |sale| match (&sale.cash, sale.paid_attempt()) {
        (Some(_), _) => Place::Drawer,
        (None, Some(attempt)) => Place::Wallet(attempt.wallet),
        (None, None) => Place::NotKnown,
    }))
}

/// Writes a shift as it stands now.
/// # Errors
/// It cannot be written.
pub fn put(connection: &Connection, shift: &Shift) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO shift (opened, record) VALUES (?1, ?2)")?
        .execute(params![db(shift.opened), serde_json::to_string(shift)?])?;
    Ok(())
}

/// The newest shift, open or ended.
/// # Errors
/// It cannot be read.
pub fn last(connection: &Connection) -> Result<Option<Shift>, JournalError> {
    nth_from_last(connection, 0)
}

/// The newest shift that was opened up to this entry.
/// # Errors
/// It cannot be read.
pub fn last_upto(connection: &Connection, sequence: u64) -> Result<Option<Shift>, JournalError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT record FROM shift WHERE opened <= ?1 ORDER BY opened DESC LIMIT 1")?
        .query_row([db(sequence)], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// The newest shift that has ended.
/// # Errors
/// It cannot be read.
pub fn last_closed(connection: &Connection) -> Result<Option<Shift>, JournalError> {
    match last(connection)? {
        // One is open at a time.
        Some(open) if open.is_open() => nth_from_last(connection, 1),
        last => Ok(last),
    }
}

fn nth_from_last(connection: &Connection, n: i64) -> Result<Option<Shift>, JournalError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT record FROM shift ORDER BY opened DESC LIMIT 1 OFFSET ?1")?
        .query_row([n], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Writes anew whatever in the table does not follow from the entries.
/// # Errors
/// It cannot be read or written.
pub fn mend(connection: &mut Connection, rebuilt: &BTreeMap<u64, Shift>) -> Result<(), JournalError> {
    let transaction = connection.transaction()?;
    let stored: BTreeMap<i64, String> = transaction
        .prepare("SELECT opened, record FROM shift")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let wanted: BTreeMap<i64, String> = rebuilt
        .values()
        .map(|shift| Ok((db(shift.opened), serde_json::to_string(shift)?)))
        .collect::<Result<_, JournalError>>()?;
    if stored != wanted {
        tracing::warn!("the shifts did not fit the journal and were derived anew");
        transaction.execute("DELETE FROM shift", [])?;
        rebuilt.values().try_for_each(|shift| put(&transaction, shift))?;
    }
    transaction.commit()?;
    Ok(())
}
