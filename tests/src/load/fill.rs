//! Filling a group's file, and that of the merchant view, with orders as they stand there after some years: the rows go straight into its tables, in
//! large transactions, because making millions of them through the server would take hours. All that knows the tables is
//! in this file.

use super::sales::Sold;
use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::business_day::{StoreZone, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Amount;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use rusqlite::{Connection, Transaction, params};
use std::path::Path;
use std::time::Duration;

/// How many orders go into one transaction.
const AT_ONCE: usize = 50_000;
/// The sequence from which on these sales are numbered: far above those of the measurement.
const FIRST_SEQUENCE: i64 = 1_000_000;
/// How many tills have sold them.
const TILLS: i64 = 50;

/// What the orders have in common.
pub(crate) struct Filling<'a> {
    /// Every order is this sale, under a name of its own.
    pub sold: &'a Sold,
    /// The group's tag.
    pub tag: GroupTag,
    /// How many were sold each day.
    pub a_day: usize,
    /// The last of them was sold shortly before.
    pub until: Timestamp,
    /// Of the store.
    pub zone: &'a StoreZone,
}

/// Fills the file of a group that nobody has open; the answer is the numbers of some of the orders, from all of time.
pub(crate) fn fill(file: &Path, orders: usize, filling: &Filling<'_>) -> Result<Vec<OrderNumber>, RigError> {
    let mut connection = Connection::open(file).map_err(wrong)?;
    // Nobody would miss this file after a power cut.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144").map_err(wrong)?;
    let mut some = Vec::new();
    let mut done = 0;
    while done < orders {
        let transaction = connection.transaction().map_err(wrong)?;
        for n in done..orders.min(done + AT_ONCE) {
            let number = insert(&transaction, n, filling.at(n, orders)?, filling)?;
            if n % (orders / 5_000).max(1) == 0 {
                some.push(number);
            }
        }
        transaction.commit().map_err(wrong)?;
        done = orders.min(done + AT_ONCE);
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(wrong)?;
    Ok(some)
}

/// Fills the file of a merchant view that nobody has open with the same orders, as the feeders would have.
pub(crate) fn fill_view(file: &Path, orders: usize, filling: &Filling<'_>) -> Result<(), RigError> {
    let mut connection = Connection::open(file).map_err(wrong)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144").map_err(wrong)?;
    let transaction = connection.transaction().map_err(wrong)?;
    for n in 0..orders {
        copy(&transaction, n, filling.at(n, orders)?, filling)?;
    }
    let totals = "INSERT INTO totals (build, business_day, tender, cashier, quarantined, orders, paid_minor, \
                  refunded_minor, held_minor) SELECT build, business_day, tender, cashier, quarantined, count(*), \
                  sum(paid_minor), sum(refunded_minor), sum(held_minor) FROM sales WHERE state = 'paid' \
                  GROUP BY 1, 2, 3, 4, 5";
    transaction.execute(totals, []).map_err(wrong)?;
    transaction.commit().map_err(wrong)?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(wrong)
}

/// The copy of such an order.
fn copy(
    transaction: &Transaction<'_>,
    n: usize,
    at: Timestamp,
    filling: &Filling<'_>,
) -> Result<(), RigError> {
    let n = i64::try_from(n).map_err(wrong)?;
    let number = filling.number(n, at)?;
    let total = filling.sold.sale.total;
    let mut sale = transaction
        .prepare_cached(
            "INSERT INTO sales (build, number, version, terminal, epoch, sequence, state, business_day, currency, \
             total_minor, paid_minor, held_minor, refunded_minor, tender, quarantined, created_at, paid_at) \
             VALUES (1, ?1, 2, ?2, 1, ?3, 'paid', ?4, ?5, ?6, ?6, 0, 0, '', 0, ?7, ?7)",
        )
        .map_err(wrong)?;
    let day = business_day_of(at, filling.zone, 0).to_string();
    let (terminal, sequence) = (1 + n % TILLS, FIRST_SEQUENCE + n / TILLS);
    let row = params![number.as_str(), terminal, sequence, day, total.currency.code(), total.minor, at.0];
    sale.execute(row).map_err(wrong)?;
    Ok(())
}

impl Filling<'_> {
    /// When the order with that place among so many was sold.
    fn at(&self, n: usize, orders: usize) -> Result<Timestamp, RigError> {
        let gap = Duration::from_secs(24 * 3600) / u32::try_from(self.a_day.max(1)).map_err(wrong)?;
        Ok(self.until.minus(gap.saturating_mul(u32::try_from(orders - n).map_err(wrong)?)))
    }

    fn number(&self, n: i64, at: Timestamp) -> Result<OrderNumber, RigError> {
        OrderNumber::new(at, u32::try_from(n % 100_000).map_err(wrong)?, self.tag).map_err(wrong)
    }
}

/// A cash sale that was paid: the order, the signed entry of the sale, and a line of its story.
fn insert(
    transaction: &Transaction<'_>,
    n: usize,
    at: Timestamp,
    filling: &Filling<'_>,
) -> Result<OrderNumber, RigError> {
    let n = i64::try_from(n).map_err(wrong)?;
    let number = filling.number(n, at)?;
    let total = filling.sold.sale.total;
    let paid_by = PaidBy::Cash { given: total, change: Amount::zero(total.currency) };
    let day = business_day_of(at, filling.zone, 0).to_string();
    let (terminal, sequence) = (1 + n % TILLS, FIRST_SEQUENCE + n / TILLS);
    let (text, hash) = (&filling.sold.entry.text, format!("{n:064x}"));
    let mut order = transaction
        .prepare_cached(
            "INSERT INTO orders (number, terminal, epoch, sequence, sale, sale_hash, state, business_day, currency, \
             total_minor, paid_minor, paid_by, created_at, adopted_at, paid_at) \
             VALUES (?1, ?2, 1, ?3, ?4, ?5, 'paid', ?6, ?7, ?8, ?8, ?9, ?10, ?10, ?10)",
        )
        .map_err(wrong)?;
    let paid_by = serde_json::to_string(&paid_by).map_err(wrong)?;
    let row = params![
        number.as_str(),
        terminal,
        sequence,
        text,
        hash,
        day,
        total.currency.code(),
        total.minor,
        paid_by,
        at.0
    ];
    order.execute(row).map_err(wrong)?;
    let mut entry = transaction
        .prepare_cached(
            "INSERT INTO journal_entries (terminal, epoch, sequence, hash, text, signature, quarantined) \
             VALUES (?1, 1, ?2, ?3, ?4, ?5, 0)",
        )
        .map_err(wrong)?;
    entry.execute(params![terminal, sequence, hash, text, filling.sold.entry.signature]).map_err(wrong)?;
    let mut story = transaction
        .prepare_cached("INSERT INTO story (number, at, what) VALUES (?1, ?2, '{\"fact\":\"adopted\",\"quarantined\":false}')")
        .map_err(wrong)?;
    story.execute(params![number.as_str(), at.0]).map_err(wrong)?;
    Ok(number)
}
