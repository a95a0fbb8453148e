//! What stands in the groups, as the rules look at it: read past every fault.

use evertill_shared::id::{SaleKey, TerminalId};
use rusqlite::{Connection, OptionalExtension as _};

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

/// What was read. A checker that cannot read sees nothing, and nothing breaks no rule: so it must not go on.
#[expect(clippy::panic, reason = "a world whose checker is blind proves nothing")]
pub(super) fn seen<T>(statement: &str, read: rusqlite::Result<T>) -> T {
    read.unwrap_or_else(|error| panic!("the checker cannot read: {error}: {statement}"))
}

pub(super) fn has_row(connection: &Connection, statement: &str, key: &str) -> bool {
    seen(statement, connection.prepare_cached(statement).and_then(|mut s| s.exists([key])))
}

pub(super) fn texts(connection: &Connection, statement: &str) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare_cached(statement)?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    seen(statement, read())
}

const ORDERS: &str = "SELECT number, terminal, epoch, sequence, state, paid_minor, held_minor, quarantined,
        NOT EXISTS (SELECT 1 FROM payments p WHERE p.number = o.number AND p.state = 'paid')
    FROM orders o";

pub(super) fn orders_of(connection: &Connection, group: usize) -> Vec<OrderRow> {
    let read = || -> rusqlite::Result<Vec<OrderRow>> {
        let mut statement = connection.prepare_cached(ORDERS)?;
        let rows = statement.query_map([], |row| {
            Ok(OrderRow {
                group,
                number: row.get(0)?,
                sale: sale_in(row, 1)?,
                state: row.get(4)?,
                paid_minor: row.get(5)?,
                held_minor: row.get(6)?,
                quarantined: row.get(7)?,
                by_cash: row.get(8)?,
            })
        })?;
        rows.collect()
    };
    seen(ORDERS, read())
}

/// Number of the order, number at the wallet, state, amount.
pub(super) type PaymentRow = (String, String, String, i64);

pub(super) fn payments_of(connection: &Connection) -> Vec<PaymentRow> {
    let payments = "SELECT number, channel_number, state, amount_minor FROM payments";
    let read = || -> rusqlite::Result<Vec<PaymentRow>> {
        let mut statement = connection.prepare_cached(payments)?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
    };
    seen(payments, read())
}

pub(super) fn number_of_refund(connection: &Connection, id: &str) -> Option<String> {
    let statement = "SELECT number FROM refunds WHERE id = ?1";
    seen(statement, connection.query_row(statement, [id], |row| row.get(0)).optional())
}

pub(super) fn refunded_of(connection: &Connection, channel_number: &str) -> i64 {
    let statement = "SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
         JOIN payments p ON p.number = r.number
         WHERE p.channel_number = ?1 AND r.state = 'done' AND r.wallet IS NOT NULL";
    seen(statement, connection.query_row(statement, [channel_number], |row| row.get(0)))
}

const CASH_REFUNDS: &str = "SELECT o.number, o.terminal, o.epoch, o.sequence, sum(r.amount_minor)
    FROM refunds r JOIN orders o ON o.number = r.number
    WHERE r.wallet IS NULL AND r.state <> 'refused' GROUP BY o.number";

/// What goes back in cash, or has gone: by order, with its sale.
pub(super) fn cash_refunds_of(connection: &Connection) -> Vec<(String, SaleKey, i64)> {
    let read = || -> rusqlite::Result<Vec<(String, SaleKey, i64)>> {
        let mut statement = connection.prepare_cached(CASH_REFUNDS)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, sale_in(row, 1)?, row.get(4)?));
        statement.query_map([], row)?.collect()
    };
    seen(CASH_REFUNDS, read())
}

/// The sale whose till, epoch and place begin at that column.
fn sale_in(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<SaleKey> {
    let wrong = |_| rusqlite::Error::InvalidQuery;
    let terminal =
        TerminalId::try_from(row.get::<_, u16>(first)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
    let sequence = u64::try_from(row.get::<_, i64>(first + 2)?).map_err(wrong)?;
    Ok(SaleKey { terminal, epoch: row.get(first + 1)?, sequence })
}

pub(super) type Place = (i64, i64, i64);

pub(super) fn entries_of(connection: &Connection) -> Vec<(Place, String)> {
    let entries = "SELECT terminal, epoch, sequence, hash FROM journal_entries WHERE quarantined = 0";
    let read = || -> rusqlite::Result<Vec<(Place, String)>> {
        let mut statement = connection.prepare_cached(entries)?;
        statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))?.collect()
    };
    seen(entries, read())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_checker_that_cannot_read_does_not_see_nothing() {
        let empty = Connection::open_in_memory().unwrap();
        let reads: [&dyn Fn(&Connection); 8] = [
            &|c| assert!(!has_row(c, "SELECT 1 FROM payments WHERE channel_number = ?1", "1")),
            &|c| drop(texts(c, "SELECT number FROM orders")),
            &|c| drop(orders_of(c, 0)),
            &|c| drop(payments_of(c)),
            &|c| drop(number_of_refund(c, "R1")),
            &|c| assert_eq!(refunded_of(c, "1"), 0),
            &|c| drop(entries_of(c)),
            &|c| drop(cash_refunds_of(c)),
        ];
        for (nth, read) in reads.iter().enumerate() {
            assert!(catch_unwind(AssertUnwindSafe(|| read(&empty))).is_err(), "read {nth}");
        }
    }
}
