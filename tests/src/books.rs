//! Our books as they stand in the groups' databases, read from outside: what tests and the demo hold against the
//! wallet's own books.

use crate::store_rig::{RigError, StoreRig};
use evertill_shared::clock::{Clock, SystemClock};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::time::Duration;

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

/// What the customers of sales by wallet are short of, by terminal and sequence.
type Nets = BTreeMap<(u16, i64), i64>;

fn our_nets(booked: &[BookedOrder]) -> Nets {
    let mut nets = Nets::new();
    for order in booked.iter().filter(|order| order.by_wallet) {
        *nets.entry((order.terminal, order.sale.1)).or_default() += order.paid_minor - order.refunded_minor;
    }
    nets.retain(|_, net| *net != 0);
    nets
}

/// The same in the books of the simulated WeChat Pay, by the numbers that it was given.
async fn wallets_nets(rig: &StoreRig) -> Result<Nets, RigError> {
    let mut nets = Nets::new();
    for order in rig.wallet_control().orders().await? {
        // Exactly where they stand in a channel number.
        let part = |from, to| order.number.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
        let terminal = part(7, 11).and_then(|terminal| u16::try_from(terminal).ok());
        let odd = || RigError::Wallet(format!("{} is no number of ours", order.number));
        let sale = terminal.zip(part(16, 28)).ok_or_else(odd)?;
        *nets.entry(sale).or_default() += order.net_minor();
    }
    nets.retain(|_, net| *net != 0);
    Ok(nets)
}

/// Waits until our books and the wallet's hold the same for each sale: what is under way when this is called may end
/// first. No sale may stand in ours twice at any time. Gives how many orders are paid.
/// # Errors
/// They differ when `patience` has passed; a sale is doubled; or the books cannot be read.
pub async fn agree(rig: &StoreRig, patience: Duration) -> Result<usize, RigError> {
    let until = SystemClock.monotonic() + patience;
    loop {
        let booked = paid_orders(rig)?;
        let twice = doubled(&booked);
        if !twice.is_empty() {
            return Err(RigError::Unexpected(format!("sales that are in our books twice: {twice:?}")));
        }
        let (ours, theirs) = (our_nets(&booked), wallets_nets(rig).await?);
        if ours == theirs {
            return Ok(booked.len());
        }
        if SystemClock.monotonic() >= until {
            let how = format!("by terminal and sale, ours are {ours:?}, and the wallet's {theirs:?}");
            return Err(RigError::Unexpected(format!("our books and the wallet's differ: {how}")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
