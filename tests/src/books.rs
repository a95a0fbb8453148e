//! Our books as they stand in the groups' databases, read from outside: what tests and the demo hold against the
//! wallet's own books.

use crate::store_rig::{RigError, StoreRig};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;

/// One paid order in our books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedOrder {
    /// Its number.
    pub number: String,
    /// Which till.
    pub terminal: u16,
    /// Which key epoch and sequence: with the terminal, the name of the sale.
    pub sale: (u16, i64),
    /// What was paid.
    pub paid_minor: i64,
    /// What has gone back in refunds that are done.
    pub refunded_minor: i64,
    /// Whether a wallet took the payment.
    pub by_wallet: bool,
}

const PAID: &str = "SELECT number, terminal, epoch, sequence, paid_minor,
           (SELECT coalesce(sum(amount_minor), 0) FROM refunds r
             WHERE r.number = o.number AND r.state = 'done'),
           CASE WHEN EXISTS (SELECT 1 FROM payments p WHERE p.number = o.number AND p.state = 'paid')
             THEN 1 ELSE 0 END
      FROM orders o WHERE state = 'paid' AND quarantined = 0";

/// All paid orders of all groups.
/// # Errors
/// A group's database cannot be read.
pub fn paid_orders(rig: &StoreRig) -> Result<Vec<BookedOrder>, RigError> {
    let mut orders = Vec::new();
    for tag in 0..rig.groups() {
        orders.extend(paid_orders_of(rig, tag)?);
    }
    Ok(orders)
}

/// All paid orders of one group.
/// # Errors
/// Its database cannot be read.
pub fn paid_orders_of(rig: &StoreRig, tag: u8) -> Result<Vec<BookedOrder>, RigError> {
    let cannot = |error: &dyn std::fmt::Display| {
        RigError::Unexpected(format!("the books of group {tag} cannot be read: {error}"))
    };
    let rows = match rig.group_database(tag) {
        Some(at) => at.login().rows(PAID).map_err(|error| cannot(&error))?,
        None => rows(&rig.group_file(tag)).map_err(|error| cannot(&error))?,
    };
    rows.iter().map(|row| booked(row).ok_or_else(|| cannot(row))).collect()
}

/// The columns of each row, separated by `|`, as `psql` writes them.
fn rows(path: &std::path::Path) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(PAID)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let texts = (0..columns).map(|column| match row.get_ref(column)? {
            rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
            other => Ok(other.as_str()?.to_owned()),
        });
        Ok(texts.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    })?;
    rows.collect()
}

fn booked(row: &str) -> Option<BookedOrder> {
    let mut columns = row.split('|');
    Some(BookedOrder {
        number: columns.next()?.to_owned(),
        terminal: columns.next()?.parse().ok()?,
        sale: (columns.next()?.parse().ok()?, columns.next()?.parse().ok()?),
        paid_minor: columns.next()?.parse().ok()?,
        refunded_minor: columns.next()?.parse().ok()?,
        by_wallet: columns.next()? == "1",
    })
}

/// Sales that stand in the books more than once.
#[must_use]
pub fn doubled(orders: &[BookedOrder]) -> Vec<(u16, (u16, i64))> {
    let mut counts: BTreeMap<(u16, (u16, i64)), u32> = BTreeMap::new();
    for order in orders {
        *counts.entry((order.terminal, order.sale)).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(sale, _)| sale).collect()
}
