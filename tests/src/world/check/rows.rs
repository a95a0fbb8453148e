//! What stands in the groups, as the rules look at it: read past every fault.

use evertill_shared::id::{SaleKey, TerminalId};
use rusqlite::Connection;

/// One order as its group has it.
#[derive(Debug)]
pub(super) struct OrderRow {
    pub group: usize,
    pub number: String,
    pub sale: SaleKey,
    pub state: String,
    pub paid_minor: i64,
    pub held_minor: i64,
    pub by_cash: bool,
    pub quarantined: bool,
}

pub(super) fn has_row(connection: &Connection, statement: &str, key: &str) -> bool {
    connection.prepare_cached(statement).and_then(|mut s| s.exists([key])).unwrap_or(false)
}

pub(super) fn texts(connection: &Connection, statement: &str) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare_cached(statement)?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    read().unwrap_or_else(|error| vec![format!("(unreadable: {error})")])
}

pub(super) fn orders_of(connection: &Connection, group: usize) -> Vec<OrderRow> {
    let read = || -> rusqlite::Result<Vec<OrderRow>> {
        let mut statement = connection.prepare_cached(
            "SELECT number, terminal, epoch, sequence, state, paid_minor, held_minor, quarantined,
                    NOT EXISTS (SELECT 1 FROM payments p WHERE p.number = o.number AND p.state = 'paid')
             FROM orders o",
        )?;
        let rows = statement.query_map([], |row| {
            let terminal =
                TerminalId::try_from(row.get::<_, u16>(1)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
            let sequence = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
            Ok(OrderRow {
                group,
                number: row.get(0)?,
                sale: SaleKey { terminal, epoch: row.get(2)?, sequence },
                state: row.get(4)?,
                paid_minor: row.get(5)?,
                held_minor: row.get(6)?,
                quarantined: row.get(7)?,
                by_cash: row.get(8)?,
            })
        })?;
        rows.collect()
    };
    read().unwrap_or_default()
}

/// Number of the order, number at the wallet, state, amount.
pub(super) type PaymentRow = (String, String, String, i64);

pub(super) fn payments_of(connection: &Connection) -> Vec<PaymentRow> {
    let read = || -> rusqlite::Result<Vec<PaymentRow>> {
        let mut statement =
            connection.prepare_cached("SELECT number, channel_number, state, amount_minor FROM payments")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
    };
    read().unwrap_or_default()
}

pub(super) fn number_of_refund(connection: &Connection, id: &str) -> Option<String> {
    connection.query_row("SELECT number FROM refunds WHERE id = ?1", [id], |row| row.get(0)).ok()
}

pub(super) fn refunded_of(connection: &Connection, channel_number: &str) -> i64 {
    let statement = "SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
         JOIN payments p ON p.number = r.number WHERE p.channel_number = ?1 AND r.state = 'done'";
    connection.query_row(statement, [channel_number], |row| row.get(0)).unwrap_or(0)
}

pub(super) type Place = (i64, i64, i64);

pub(super) fn entries_of(connection: &Connection) -> Vec<(Place, String)> {
    let read = || -> rusqlite::Result<Vec<(Place, String)>> {
        let mut statement = connection.prepare_cached(
            "SELECT terminal, epoch, sequence, hash FROM journal_entries WHERE quarantined = 0",
        )?;
        statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))?.collect()
    };
    read().unwrap_or_default()
}
