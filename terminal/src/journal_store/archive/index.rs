//! What of the archive stays in `till.db`: which entries are in which file, and by what earlier sales are found.

use super::super::error::JournalError;
use super::super::finding::{SalesWanted, nearest_in};
use super::super::projection;
use super::super::records::RefundRecord;
use super::super::schema::{db, from_db};
use super::segment::Segment;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::RefundId;
use evertill_shared::order_number::OrderNumber;
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension as _, params};

/// A file of the archive.
pub struct ArchiveFile {
    pub name: String,
    pub sha256: String,
    pub last: u64,
}

impl ArchiveFile {
    pub fn error(&self, why: &str) -> JournalError {
        JournalError::Archive { file: self.name.clone(), why: why.to_owned() }
    }
}

/// The file that this entry is in.
pub fn file_of(connection: &Connection, sequence: u64) -> Result<ArchiveFile, JournalError> {
    let row = connection
        .prepare_cached(
            "SELECT name, sha256, last FROM archive_file WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
        )?
        .query_row([db(sequence)], |row| {
            Ok(ArchiveFile { name: row.get(0)?, sha256: row.get(1)?, last: from_db(row.get(2)?) })
        })
        .optional()?;
    row.filter(|file| sequence <= file.last)
        .ok_or_else(|| JournalError::Damaged { entry: sequence, why: "it is missing".into() })
}

/// The digest over the list of files: which entries are in which, and the digest of each.
pub fn digest(connection: &Connection) -> Result<String, JournalError> {
    let mut context = Context::new(&SHA256);
    let mut statement =
        connection.prepare_cached("SELECT first, last, name, sha256 FROM archive_file ORDER BY first")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (name, sha256): (String, String) = (row.get(2)?, row.get(3)?);
        context.update(format!("{first} {last} {name} {sha256}\n").as_bytes());
    }
    Ok(hex::encode(context.finish().as_ref()))
}

/// All files, in the order of their entries.
pub fn files(connection: &Connection) -> Result<Vec<ArchiveFile>, JournalError> {
    Ok(connection
        .prepare("SELECT name, sha256, last FROM archive_file ORDER BY first")?
        .query_map([], |row| {
            Ok(ArchiveFile { name: row.get(0)?, sha256: row.get(1)?, last: from_db(row.get(2)?) })
        })?
        .collect::<Result<_, _>>()?)
}

/// Notes a file, and what its sales and refunds are found by. Their print jobs go: how many copies there were of a sale's
/// receipt stays.
pub fn add(connection: &Connection, segment: &Segment, name: &str) -> Result<(), JournalError> {
    connection.execute(
        "INSERT OR REPLACE INTO archive_file (first, last, name, sha256) VALUES (?1, ?2, ?3, ?4)",
        params![db(segment.first), db(segment.last), name, segment.digest],
    )?;
    let range = params![db(segment.first), db(segment.last)];
    let copied =
        "json_valid(job.receipt) AND json_extract(job.receipt, '$.copy') AND job.state <> 'not_started'";
    connection.execute(
        &format!(
            "INSERT OR REPLACE INTO archived_sale (sequence, at_ms, total_minor, number, quarantined, copies)
             SELECT sale.sequence, sale.at_ms, json_extract(sale.record, '$.sale.total.minor'),
                 json_extract(sale.record, '$.adopted.number'), sale.quarantined,
                 (SELECT count(*) FROM print_job job WHERE job.about = 'sale:' || sale.sequence AND {copied})
             FROM sale WHERE sale.sequence BETWEEN ?1 AND ?2"
        ),
        range,
    )?;
    connection.execute(
        "DELETE FROM print_job WHERE about IN
             (SELECT 'sale:' || sequence FROM sale WHERE sequence BETWEEN ?1 AND ?2)",
        range,
    )?;
    connection.execute(
        "INSERT OR REPLACE INTO archived_refund (id, number, record) SELECT id, json_extract(record, '$.number'), record
         FROM refund WHERE json_extract(record, '$.entry') BETWEEN ?1 AND ?2",
        range,
    )?;
    connection
        .execute("DELETE FROM refund WHERE json_extract(record, '$.entry') BETWEEN ?1 AND ?2", range)?;
    // Of all that are in the archive: earlier programs left them.
    connection
        .execute("DELETE FROM print_job WHERE about IN (SELECT 'refund:' || id FROM archived_refund)", [])?;
    Ok(())
}

/// The reports of shifts that were opened before this entry are not printed again: their print jobs go.
pub fn forget_reports(connection: &Connection, before: u64) -> Result<(), JournalError> {
    connection.execute(
        "DELETE FROM print_job WHERE (about GLOB 'x:*' OR about GLOB 'z:*') AND CAST(substr(about, 3) AS INTEGER) < ?1",
        [db(before)],
    )?;
    Ok(())
}

/// Whether this sale is in the archive; and whether the server keeps it apart.
pub fn has_sale(connection: &Connection, sequence: u64) -> Result<Option<bool>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT quarantined FROM archived_sale WHERE sequence = ?1")?
        .query_row([db(sequence)], |row| row.get(0))
        .optional()?)
}

/// The sale of the archive that adopted this number.
pub fn sale_of_order(connection: &Connection, number: OrderNumber) -> Result<Option<u64>, JournalError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT sequence FROM archived_sale WHERE number = ?1")?
        .query_row([number.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.map(from_db))
}

/// Sales of the archive that fit, newest first: time and place of each.
pub fn find(connection: &Connection, wanted: &SalesWanted) -> Result<Vec<(Timestamp, u64)>, JournalError> {
    let by_total = wanted.total_minor.map_or("?1 IS NULL", |_| "total_minor = ?1");
    let (after_at, after_sequence) = wanted.after.map_or((i64::MAX, i64::MAX), |(at, seq)| (at.0, db(seq)));
    let text = format!(
        "SELECT at_ms, sequence FROM archived_sale WHERE {by_total} AND at_ms >= ?2 AND at_ms < ?3
         AND (at_ms, sequence) < (?4, ?5) ORDER BY at_ms DESC, sequence DESC LIMIT ?6"
    );
    let from = wanted.from.map_or(i64::MIN, |at| at.0);
    let until = wanted.until.map_or(i64::MAX, |at| at.0);
    Ok(connection
        .prepare_cached(&text)?
        .query_map(params![wanted.total_minor, from, until, after_at, after_sequence, wanted.limit], |row| {
            Ok((Timestamp(row.get(0)?), from_db(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?)
}

/// As [`super::super::finding::nearest`], in the archive.
pub fn nearest(
    connection: &Connection,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Option<Timestamp>, JournalError> {
    nearest_in("archived_sale", connection, from, until)
}

/// How many copies there were of the receipts of a sale that is in the archive now.
pub fn copies(connection: &Connection, about: &str) -> Result<u32, JournalError> {
    let Some(sequence) = about.strip_prefix("sale:").and_then(|text| text.parse::<u64>().ok()) else {
        return Ok(0);
    };
    let found = connection
        .prepare_cached("SELECT copies FROM archived_sale WHERE sequence = ?1")?
        .query_row([db(sequence)], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// A refund of the archive.
pub fn refund(connection: &Connection, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT record FROM archived_refund WHERE id = ?1")?
        .query_row([&id.0], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Refunds of one order that are in the archive.
pub fn refunds_of(connection: &Connection, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
    let texts: Vec<String> = connection
        .prepare_cached("SELECT record FROM archived_refund WHERE number = ?1")?
        .query_map([number.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?)
}

/// The entries of one part of the archive as a whole journal has them.
pub fn put_entries(connection: &Connection, segment: &Segment) -> Result<(), JournalError> {
    for (sequence, signed) in (segment.first..).zip(&segment.entries) {
        projection::put_entry(connection, sequence, signed)?;
    }
    Ok(())
}
