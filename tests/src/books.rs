//! Our books as they stand in the group files, read from outside: what tests and the demo hold against the
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

/// All paid orders of all groups.
/// # Errors
/// A group's file cannot be read.
pub fn paid_orders(rig: &StoreRig) -> Result<Vec<BookedOrder>, RigError> {
    let mut orders = Vec::new();
    for tag in 0..3 {
        let path = rig.group_file(tag);
        orders.extend(
            read(&path).map_err(|error| {
                RigError::Unexpected(format!("{} cannot be read: {error}", path.display()))
            })?,
        );
    }
    Ok(orders)
}

fn read(path: &std::path::Path) -> rusqlite::Result<Vec<BookedOrder>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(
        "SELECT number, terminal, epoch, sequence, paid_minor,
                (SELECT coalesce(sum(amount_minor), 0) FROM refunds r
                  WHERE r.number = o.number AND r.state = 'done'),
                EXISTS (SELECT 1 FROM payments p WHERE p.number = o.number AND p.state = 'paid')
           FROM orders o WHERE state = 'paid' AND quarantined = 0",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(BookedOrder {
            number: row.get(0)?,
            terminal: row.get(1)?,
            sale: (row.get(2)?, row.get(3)?),
            paid_minor: row.get(4)?,
            refunded_minor: row.get(5)?,
            by_wallet: row.get(6)?,
        })
    })?;
    rows.collect()
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
