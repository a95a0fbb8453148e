//! What this store's servers have said of the tills' journals (rule *chain*): that everything up to an entry was handed in
//! and understood when its business day was over. A till archives nothing that is not in such a statement.

use super::{BaseError, BaseStore, guard};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::journal::{Entry, EntryHash};
use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
use evertill_shared::protocol::store::StoreInfo;
use std::sync::Arc;

/// How a statement is signed; or why it cannot be, in words for the log.
pub type SignDay = Box<dyn FnOnce(&DayStatement) -> Result<Countersigned, String> + Send>;

/// A day that was countersigned, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountersignedDay {
    /// Whose journal.
    pub terminal: TerminalId,
    /// Up to which entry.
    pub to: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// How many of the entries were handed in by a blocked till.
    pub quarantined: u64,
}

/// The statement about this entry from before, if there is one.
fn said_before(sql: &dyn Sql, entry: &Entry) -> Result<Option<Countersigned>, BaseError> {
    let text: Option<String> = sql.value(
        "SELECT statement FROM countersigned_days WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3",
        &params![entry.terminal.get(), entry.epoch, entry.sequence],
    )?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose().map_err(DbError::nonsense)?)
}

/// Refuses unless the server has exactly this entry, and nothing is wrong with the journal.
fn must_be_in_order(sql: &dyn Sql, entry: &Entry, hash: EntryHash) -> Result<(), BaseError> {
    let (terminal, epoch) = (entry.terminal.get(), entry.epoch);
    let known: Option<String> = sql.value(
        "SELECT hash FROM journal_hashes WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3",
        &params![terminal, epoch, entry.sequence],
    )?;
    if known.as_deref() != Some(hash.to_string().as_str()) {
        let what =
            format!("entry {} of the journal was not handed in as it is: hand it in first", entry.sequence);
        return Err(BaseError::Invalid(what));
    }
    let fault: Option<String> = sql.value(
        "SELECT fault FROM journal_heads WHERE terminal = ?1 AND epoch = ?2 AND fault IS NOT NULL",
        &params![terminal, epoch],
    )?;
    match fault {
        Some(fault) => Err(BaseError::Invalid(format!("the journal is not in order ({fault}): call IT"))),
        None => Ok(()),
    }
}

fn countersign(
    sql: &dyn Sql,
    entry: &Entry,
    hash: EntryHash,
    store: &StoreInfo,
    now: Timestamp,
    sign: SignDay,
) -> Result<Countersigned, BaseError> {
    let day_of = |at: Timestamp| business_day_of(at, &store.zone, store.cut_off_minutes);
    // A till's clock that is ahead names no day that has not come.
    let day = day_of(entry.at.min(now));
    if day >= day_of(now) {
        return Err(BaseError::Invalid(format!("the business day {day} is not over: ask again when it is")));
    }
    must_be_in_order(sql, entry, hash)?;
    let (terminal, epoch, to) = (entry.terminal, entry.epoch, entry.sequence);
    let before: Option<u64> = sql.value(
        "SELECT sequence FROM countersigned_days WHERE terminal = ?1 AND epoch = ?2 AND sequence < ?3
         ORDER BY sequence DESC LIMIT 1",
        &params![terminal.get(), epoch, to],
    )?;
    let from = before.unwrap_or(0) + 1;
    let quarantined: Option<u64> = sql.value(
        "SELECT COUNT(*) FROM journal_hashes WHERE terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4
         AND quarantined = 1",
        &params![terminal.get(), epoch, from, to],
    )?;
    let quarantined = quarantined.unwrap_or(0);
    let statement =
        DayStatement { store: store.id, terminal, epoch, day, from, to, hash, quarantined, at: now };
    let signed = sign(&statement).map_err(DbError::nonsense)?;
    let text = serde_json::to_string(&signed).map_err(DbError::nonsense)?;
    sql.execute(
        "INSERT INTO countersigned_days (terminal, epoch, sequence, day, at_ms, statement)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &params![terminal.get(), epoch, to, day.to_string(), now.0, text],
    )?;
    Ok(signed)
}

fn day_row(row: &Row) -> Result<CountersignedDay, DbError> {
    let signed: Countersigned =
        serde_json::from_str(&row.get::<String>("statement")?).map_err(DbError::nonsense)?;
    let statement = signed.read_unverified().map_err(DbError::nonsense)?;
    Ok(CountersignedDay {
        terminal: TerminalId::try_from(row.get::<u16>("terminal")?).map_err(DbError::nonsense)?,
        to: statement.to,
        at: statement.at,
        quarantined: statement.quarantined,
    })
}

impl BaseStore {
    /// Says, and writes down, that everything up to this entry was handed in and understood; whoever asks again gets the
    /// same words. The entry's signature was checked.
    ///
    /// # Errors
    /// [`BaseError::Invalid`]: the day is not over, the entry is not here as it is, or something is wrong with the journal.
    pub async fn countersign(
        &self,
        entry: Entry,
        hash: EntryHash,
        request_id: String,
        sign: SignDay,
    ) -> Result<Countersigned, BaseError> {
        let (now, store) = (self.clock.now(), Arc::clone(&self.store));
        self.database
            .write(move |sql| -> Result<Countersigned, BaseError> {
                guard(sql, &request_id, now)?;
                match said_before(sql, &entry)? {
                    Some(before) => {
                        must_be_in_order(sql, &entry, hash)?;
                        Ok(before)
                    }
                    None => countersign(sql, &entry, hash, &store, now, sign),
                }
            })
            .await
    }

    /// What was said of that day, by till: the furthest entry of each.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn countersigned(&self, day: BusinessDay) -> Result<Vec<CountersignedDay>, BaseError> {
        self.database
            .read(move |sql| -> Result<Vec<CountersignedDay>, BaseError> {
                let rows = sql.rows(
                    "SELECT terminal, statement FROM countersigned_days d WHERE day = ?1
                     AND NOT EXISTS (SELECT 1 FROM countersigned_days e WHERE e.day = d.day
                         AND e.terminal = d.terminal AND (e.epoch, e.sequence) > (d.epoch, d.sequence))
                     ORDER BY terminal",
                    &params![day.to_string()],
                )?;
                Ok(rows.iter().map(day_row).collect::<Result<_, DbError>>()?)
            })
            .await
    }
}
