//! Print jobs: stored before the printer hears of them, so that a receipt is neither lost nor printed twice.

use super::error::JournalError;
use super::schema::db;
use evertill_shared::clock::Timestamp;
use evertill_shared::receipt::Receipt;
use rusqlite::{Connection, OptionalExtension as _, params};

/// What is known of a print job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintJobState {
    /// Given to the printer, no answer yet.
    Pending,
    /// The printer said that it is out.
    Confirmed,
    /// It may have come out: only a marked copy may follow.
    Unknown,
    /// Not a byte went out: it may be printed still.
    NotStarted,
}

impl PrintJobState {
    const ALL: [Self; 4] = [Self::Pending, Self::Confirmed, Self::Unknown, Self::NotStarted];

    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Unknown => "unknown",
            Self::NotStarted => "not_started",
        }
    }
}

/// One print job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintJob {
    /// Its number, never used twice.
    pub id: u64,
    /// What is known of it.
    pub state: PrintJobState,
    /// What is printed.
    pub receipt: Receipt,
}

pub fn create(
    connection: &Connection,
    about: &str,
    receipt: &Receipt,
    at: Timestamp,
) -> Result<PrintJob, JournalError> {
    let text = serde_json::to_string(receipt)?;
    connection
        .prepare_cached("INSERT INTO print_job (about, at_ms, state, receipt) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![about, at.0, PrintJobState::Pending.word(), text])?;
    let id = u64::try_from(connection.last_insert_rowid()).unwrap_or(0);
    Ok(PrintJob { id, state: PrintJobState::Pending, receipt: receipt.clone() })
}

pub fn set_state(connection: &Connection, id: u64, state: PrintJobState) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE print_job SET state = ?2 WHERE id = ?1")?
        .execute(params![db(id), state.word()])?;
    Ok(())
}

pub fn last(connection: &Connection, about: &str) -> Result<Option<PrintJob>, JournalError> {
    let row: Option<(i64, String, String)> = connection
        .prepare_cached("SELECT id, state, receipt FROM print_job WHERE about = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([about], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, word, receipt)) = row else { return Ok(None) };
    // A word that nobody wrote is taken as the careful answer.
    let state = PrintJobState::ALL.into_iter().find(|s| s.word() == word).unwrap_or(PrintJobState::Unknown);
    let id = u64::try_from(id).unwrap_or(0);
    Ok(Some(PrintJob { id, state, receipt: serde_json::from_str(&receipt)? }))
}

pub fn copies(connection: &Connection, about: &str) -> Result<u32, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM print_job WHERE about = ?1 AND state <> ?2 AND json_extract(receipt, '$.copy')",
        )?
        .query_row([about, PrintJobState::NotStarted.word()], |row| row.get(0))?)
}

/// At the start: what was with the printer when the till stopped may be on paper, or not.
pub fn give_up_pending(connection: &Connection) -> Result<(), JournalError> {
    connection.execute(
        "UPDATE print_job SET state = ?1 WHERE state = ?2",
        [PrintJobState::Unknown.word(), PrintJobState::Pending.word()],
    )?;
    Ok(())
}
