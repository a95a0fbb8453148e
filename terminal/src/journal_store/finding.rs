//! Finding earlier sales: by number, by total, by time. Indexes over what the records hold already: nothing more is
//! derived that could differ from them, and programs from before there were these indexes keep them right too.

use super::error::JournalError;
use super::projection::{StoredSale, one_sale, sales};
use super::records::RefundRecord;
use super::schema::db;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::LazyLock;

/// A record that somebody damaged is found by nothing here; the next start derives it anew.
const SALE_NUMBER: &str = "CASE WHEN json_valid(record) THEN json_extract(record, '$.adopted.number') END";
const SALE_TOTAL: &str = "CASE WHEN json_valid(record) THEN json_extract(record, '$.sale.total.minor') END";
const REFUND_NUMBER: &str = "CASE WHEN json_valid(record) THEN json_extract(record, '$.number') END";

/// The question after the sale of an order.
pub static OF_ORDER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT record, confirmed, quarantined FROM sale WHERE ({SALE_NUMBER}) = ?1 AND ({SALE_NUMBER}) IS NOT NULL"
    )
});
/// The question after the refunds of an order.
pub static REFUNDS_OF: LazyLock<String> =
    LazyLock::new(|| format!("SELECT record FROM refund WHERE ({REFUND_NUMBER}) = ?1"));

/// Which sales are looked for. Newest first, by the time at which each was closed for payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SalesWanted {
    /// With exactly this total, in minor units.
    pub total_minor: Option<i64>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// After this one in the list: its time and its sequence.
    pub after: Option<(Timestamp, u64)>,
    /// So many at most.
    pub limit: u16,
}

/// Makes the indexes where there are none. On a file with a hundred thousand sales that takes a second, once.
pub fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS sale_time ON sale (at_ms, sequence);
         CREATE INDEX IF NOT EXISTS sale_total ON sale (({SALE_TOTAL}), at_ms, sequence);
         CREATE INDEX IF NOT EXISTS sale_number ON sale (({SALE_NUMBER})) WHERE ({SALE_NUMBER}) IS NOT NULL;
         CREATE INDEX IF NOT EXISTS refund_number ON refund (({REFUND_NUMBER}));"
    ))
}

/// Makes the indexes anew: after something was damaged they may not fit what they are about.
pub fn renew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("REINDEX sale; REINDEX refund;")
}

/// The question after these sales.
pub fn text_of(wanted: &SalesWanted) -> String {
    let by_total = wanted.total_minor.map_or_else(|| "?1 IS NULL".into(), |_| format!("({SALE_TOTAL}) = ?1"));
    format!(
        "SELECT record, confirmed, quarantined FROM sale WHERE {by_total} AND at_ms >= ?2 AND at_ms < ?3
         AND (at_ms, sequence) < (?4, ?5) ORDER BY at_ms DESC, sequence DESC LIMIT ?6"
    )
}

pub fn find(connection: &Connection, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError> {
    let (after_at, after_sequence) = wanted.after.map_or((i64::MAX, i64::MAX), |(at, seq)| (at.0, db(seq)));
    let from = wanted.from.map_or(i64::MIN, |at| at.0);
    let until = wanted.until.map_or(i64::MAX, |at| at.0);
    sales(
        connection,
        &text_of(wanted),
        params![wanted.total_minor, from, until, after_at, after_sequence, wanted.limit],
    )
}

/// The time of the oldest sale that is not before `from`, or of the newest before `until`.
pub fn nearest(
    connection: &Connection,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Option<Timestamp>, JournalError> {
    nearest_in("sale", connection, from, until)
}

/// The same, in another table that has their times.
pub fn nearest_in(
    table: &'static str,
    connection: &Connection,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Option<Timestamp>, JournalError> {
    let (text, at) = match from {
        Some(from) => (format!("SELECT at_ms FROM {table} WHERE at_ms >= ?1 ORDER BY at_ms LIMIT 1"), from.0),
        None => {
            let until = until.map_or(i64::MAX, |at| at.0);
            (format!("SELECT at_ms FROM {table} WHERE at_ms < ?1 ORDER BY at_ms DESC LIMIT 1"), until)
        }
    };
    Ok(connection.prepare_cached(&text)?.query_row([at], |row| row.get(0)).optional()?.map(Timestamp))
}

pub fn of_order(connection: &Connection, number: OrderNumber) -> Result<Option<StoredSale>, JournalError> {
    one_sale(connection, &OF_ORDER, params![number.as_str()])
}

/// Refunds of one order that were carried out here, oldest first.
pub fn refunds_of(connection: &Connection, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
    let texts: Vec<String> = connection
        .prepare_cached(&REFUNDS_OF)?
        .query_map([number.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found: Vec<RefundRecord> =
        texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    found.sort_by_key(|record| record.entry);
    Ok(found)
}
