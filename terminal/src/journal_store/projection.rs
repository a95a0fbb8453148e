//! The books that are derived from the entries, as tables.

use super::archive;
use super::error::JournalError;
use super::finding;
use super::records::{Records, RefundRecord, SaleRecord};
use super::schema::{db, from_db};
use super::verify::Rebuilt;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::RefundId;
use evertill_shared::journal::SignedEntry;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::shift::Shift;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

/// A sale and what the server said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSale {
    /// What the journal says.
    pub record: SaleRecord,
    /// The server has it.
    pub confirmed: bool,
    /// The server keeps it apart, for a person to accept.
    pub quarantined: bool,
}

/// A sale that waits to be brought to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedSale {
    /// Its sequence.
    pub sequence: u64,
    /// When it was closed for payment, by the till's clock.
    pub at: Timestamp,
}

/// What waits to be brought to the server, without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// How many sales.
    pub sales: u64,
    /// When the first of them was closed for payment, by the till's clock.
    pub oldest: Option<Timestamp>,
}

/// The tables as what rules are checked against.
pub struct Tables<'a>(pub &'a Connection);

impl Records for Tables<'_> {
    type Error = JournalError;

    fn sale_record(&self, sequence: u64) -> Result<Option<SaleRecord>, JournalError> {
        Ok(sale(self.0, sequence)?.map(|stored| stored.record))
    }

    fn refund_record(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
        let text: Option<String> = self
            .0
            .prepare_cached("SELECT record FROM refund WHERE id = ?1")?
            .query_row([&id.0], |row| row.get(0))
            .optional()?;
        match text {
            Some(text) => Ok(Some(serde_json::from_str(&text)?)),
            None => archive::refund(self.0, id),
        }
    }

    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<SaleRecord>, JournalError> {
        let text: Option<String> = self
            .0
            .prepare_cached(
                "SELECT record FROM sale \
                 WHERE CASE WHEN json_valid(record) THEN json_extract(record, '$.adopted.number') END = ?1",
            )?
            .query_row([number.as_str()], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    fn last_shift(&self) -> Result<Option<Shift>, JournalError> {
        super::shifts::last(self.0)
    }
}

pub fn put_sale(connection: &Connection, record: &SaleRecord) -> Result<(), JournalError> {
    // A sale through a wallet is known to the server, which charged it: only cash has to be brought there.
    connection
        .prepare_cached(
            "INSERT INTO sale (sequence, at_ms, is_open, in_cash, record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (sequence) DO UPDATE SET
                at_ms = excluded.at_ms, is_open = excluded.is_open, in_cash = excluded.in_cash,
                record = excluded.record",
        )?
        .execute(params![
            db(record.sequence),
            record.sale.at.0,
            record.is_open(),
            record.cash.is_some(),
            serde_json::to_string(record)?
        ])?;
    Ok(())
}

pub fn put_refund(connection: &Connection, record: &RefundRecord) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO refund (id, is_open, record) VALUES (?1, ?2, ?3)")?
        .execute(params![record.id.0, record.outcome.is_none(), serde_json::to_string(record)?])?;
    Ok(())
}

/// Writes anew whatever in the derived tables does not follow from the entries.
pub fn mend(connection: &mut Connection, rebuilt: &Rebuilt) -> Result<(), JournalError> {
    let transaction = connection.transaction()?;
    let mut mended = 0_u32;
    let renew = |mended: u32| if mended == 0 { finding::renew(&transaction) } else { Ok(()) };
    for record in rebuilt.sales.values() {
        // What cannot be read differs too.
        let same =
            sale(&transaction, record.sequence).ok().flatten().is_some_and(|found| found.record == *record);
        let flags = flags_fit(&transaction, record)?;
        if !same || !flags {
            renew(mended)?;
            put_sale(&transaction, record)?;
            mended += 1;
        }
    }
    for record in rebuilt.refunds.values() {
        let found = Tables(&transaction).refund_record(&record.id).ok().flatten();
        if found.as_ref() != Some(record) {
            renew(mended)?;
            put_refund(&transaction, record)?;
            mended += 1;
        }
    }
    let extra = drop_extra(&transaction, rebuilt)?;
    if mended + extra > 0 {
        tracing::warn!(mended, extra, "the books did not fit the journal and were derived anew");
    }
    transaction.commit()?;
    Ok(())
}

fn flags_fit(connection: &Connection, record: &SaleRecord) -> Result<bool, JournalError> {
    let found: Option<(i64, bool, bool)> = connection
        .prepare_cached("SELECT at_ms, is_open, in_cash FROM sale WHERE sequence = ?1")?
        .query_row([db(record.sequence)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .unwrap_or(None);
    Ok(found == Some((record.sale.at.0, record.is_open(), record.cash.is_some())))
}

fn drop_extra(connection: &Connection, rebuilt: &Rebuilt) -> Result<u32, JournalError> {
    let sequences: Vec<i64> = connection
        .prepare("SELECT sequence FROM sale")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let ids: Vec<String> = connection
        .prepare("SELECT id FROM refund")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut dropped = 0;
    for sequence in sequences {
        if u64::try_from(sequence).map_or(true, |sequence| !rebuilt.sales.contains_key(&sequence)) {
            connection.execute("DELETE FROM sale WHERE sequence = ?1", [sequence])?;
            dropped += 1;
        }
    }
    for id in ids {
        if !rebuilt.refunds.contains_key(&RefundId(id.clone())) {
            connection.execute("DELETE FROM refund WHERE id = ?1", [id])?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

fn signed(row: &Row<'_>) -> rusqlite::Result<SignedEntry> {
    Ok(SignedEntry { text: row.get(0)?, signature: row.get(1)? })
}

pub fn entry(connection: &Connection, sequence: u64) -> Result<SignedEntry, JournalError> {
    connection
        .prepare_cached("SELECT text, signature FROM entry WHERE sequence = ?1")?
        .query_row([db(sequence)], signed)
        .optional()?
        .ok_or_else(|| JournalError::Damaged { entry: sequence, why: "it is missing".into() })
}

pub fn put_entry(connection: &Connection, sequence: u64, signed: &SignedEntry) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT INTO entry (sequence, text, signature) VALUES (?1, ?2, ?3)")?
        .execute(params![db(sequence), signed.text, signed.signature])?;
    Ok(())
}

pub fn entries_after(
    connection: &Connection,
    sequence: u64,
    limit: usize,
) -> Result<Vec<SignedEntry>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT text, signature FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")?
        .query_map(params![db(sequence), i64::try_from(limit).unwrap_or(i64::MAX)], signed)?
        .collect::<Result<_, _>>()?)
}

const STORED: &str = "SELECT record, confirmed, quarantined FROM sale";

type StoredRow = (String, bool, bool);

fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn stored((record, confirmed, quarantined): StoredRow) -> Result<StoredSale, JournalError> {
    Ok(StoredSale { record: serde_json::from_str(&record)?, confirmed, quarantined })
}

pub fn sale(connection: &Connection, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
    one_sale(connection, &format!("{STORED} WHERE sequence = ?1"), [db(sequence)])
}

pub fn one_sale(
    connection: &Connection,
    text: &str,
    parameters: impl Params,
) -> Result<Option<StoredSale>, JournalError> {
    let row = connection.prepare_cached(text)?.query_row(parameters, stored_row).optional()?;
    row.map(stored).transpose()
}

pub fn sales(
    connection: &Connection,
    text: &str,
    parameters: impl Params,
) -> Result<Vec<StoredSale>, JournalError> {
    let rows: Vec<StoredRow> =
        connection.prepare_cached(text)?.query_map(parameters, stored_row)?.collect::<Result<_, _>>()?;
    rows.into_iter().map(stored).collect()
}

pub fn open_sales(connection: &Connection) -> Result<Vec<SaleRecord>, JournalError> {
    let rows: Vec<StoredRow> = connection
        .prepare_cached(&format!("{STORED} WHERE is_open = 1 ORDER BY sequence"))?
        .query_map([], stored_row)?
        .collect::<Result<_, _>>()?;
    rows.into_iter().map(|row| stored(row).map(|found| found.record)).collect()
}

pub fn recent_sales(connection: &Connection, limit: usize) -> Result<Vec<StoredSale>, JournalError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sales(connection, &format!("{STORED} ORDER BY sequence DESC LIMIT ?1"), [limit])
}

pub fn queue(connection: &Connection) -> Result<Vec<QueuedSale>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT sequence, at_ms FROM sale WHERE in_cash = 1 AND confirmed = 0 ORDER BY sequence",
        )?
        .query_map([], |row| Ok(QueuedSale { sequence: from_db(row.get(0)?), at: Timestamp(row.get(1)?) }))?
        .collect::<Result<_, _>>()?)
}

/// Counted along the index of what waits: the screen asks for it whenever it is drawn.
pub const UNSENT: &str = "SELECT
    (SELECT count(*) FROM sale WHERE in_cash = 1 AND confirmed = 0),
    (SELECT at_ms FROM sale WHERE in_cash = 1 AND confirmed = 0 ORDER BY sequence LIMIT 1)";

pub fn unsent(connection: &Connection) -> Result<Unsent, JournalError> {
    let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Unsent> {
        let oldest: Option<i64> = row.get(1)?;
        Ok(Unsent { sales: from_db(row.get(0)?), oldest: oldest.map(Timestamp) })
    };
    Ok(connection.prepare_cached(UNSENT)?.query_row([], row)?)
}

pub fn confirm_sale(connection: &Connection, sequence: u64, quarantined: bool) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE sale SET confirmed = 1, quarantined = ?2 WHERE sequence = ?1")?
        .execute(params![db(sequence), quarantined])?;
    Ok(())
}

pub fn open_refunds(connection: &Connection) -> Result<Vec<RefundRecord>, JournalError> {
    let rows: Vec<String> = connection
        .prepare_cached("SELECT record FROM refund WHERE is_open = 1")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found: Vec<RefundRecord> =
        rows.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    found.sort_by_key(|record| record.entry);
    Ok(found)
}

pub fn fact(connection: &Connection, name: &str) -> Result<Option<String>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT value FROM fact WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

pub fn facts(connection: &Connection, prefix: &str) -> Result<Vec<(String, String)>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, value FROM fact WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
    )?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn set_fact(connection: &Connection, name: &str, value: Option<&str>) -> Result<(), JournalError> {
    match value {
        Some(value) => connection
            .prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)")?
            .execute([name, value])?,
        None => connection.prepare_cached("DELETE FROM fact WHERE name = ?1")?.execute([name])?,
    };
    Ok(())
}

pub fn handed_in(connection: &Connection) -> Result<u64, JournalError> {
    Ok(fact(connection, "handed_in")?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

pub fn set_handed_in(connection: &Connection, sequence: u64) -> Result<(), JournalError> {
    set_fact(connection, "handed_in", Some(&sequence.to_string()))
}
