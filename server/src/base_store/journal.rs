//! How far the server has each till's journal. Entries themselves are kept in the order groups; here stand
//! their hashes, so that a second entry in one place is found whichever group the first one is in.

use super::audit::{self, AuditKind, NewAudit};
use super::cache::read_record;
use super::terminals::set_state;
use super::{BaseError, BaseStore, guard};
use crate::sqlite_writer::{DbError, Unsigned};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, SaleKey, TerminalId};
use evertill_shared::journal::{EntryHash, Head};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::{TerminalEvent, TerminalState};
use rusqlite::{Connection, OptionalExtension, Transaction};

/// What the server knows of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownJournal {
    /// The last entry taken.
    pub head: Head,
    /// The hashes of the entries that were asked for and are known, by sequence.
    pub known: Vec<(u64, EntryHash)>,
}

/// New entries, checked against the chain and kept in a group.
#[derive(Clone, Debug)]
pub struct HandInTaken {
    /// Where the chain stood when they were checked.
    pub from: Head,
    /// Sequence and hash of each, in order.
    pub entries: Vec<(u64, EntryHash)>,
    /// They came from a blocked till: for a person to accept.
    pub quarantined: bool,
    /// The request that brought them.
    pub request_id: String,
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFault {
    /// Whose journal.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// What is wrong, in words for IT.
    pub what: String,
    /// The till has written two histories (put back to an older image, or copied): it is blocked.
    pub forked: bool,
}

fn read_head(connection: &Connection, terminal: TerminalId, epoch: KeyEpoch) -> Result<Head, BaseError> {
    let row: Option<(Unsigned, String)> = connection
        .prepare_cached("SELECT sequence, hash FROM journal_heads WHERE terminal = ?1 AND epoch = ?2")?
        .query_row((terminal.get(), epoch), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Unsigned(sequence), hash)) = row else { return Ok(Head::start(terminal, epoch)) };
    Ok(Head { terminal, epoch, sequence, hash: hash.parse().map_err(DbError::nonsense)? })
}

fn take(tx: &Transaction<'_>, taken: &HandInTaken, now: Timestamp) -> Result<Head, BaseError> {
    guard(tx, &taken.request_id, now)?;
    let Head { terminal, epoch, .. } = taken.from;
    if read_head(tx, terminal, epoch)? != taken.from {
        return Err(BaseError::HeadMoved);
    }
    let mut head = taken.from;
    let mut insert = tx.prepare_cached(
        "INSERT INTO journal_hashes (terminal, epoch, sequence, hash, quarantined) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (sequence, hash) in &taken.entries {
        insert.execute((terminal.get(), epoch, Unsigned(*sequence), hash.to_string(), taken.quarantined))?;
        head = Head { sequence: *sequence, hash: *hash, ..head };
    }
    // What was missing has come: that fault is over. A fork stays until a person has looked at it.
    tx.prepare_cached(
        "INSERT INTO journal_heads (terminal, epoch, sequence, hash) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (terminal, epoch) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash,
             fault = iif(forked, fault, NULL), fault_at = iif(forked, fault_at, NULL)",
    )?
    .execute((terminal.get(), epoch, Unsigned(head.sequence), head.hash.to_string()))?;
    Ok(head)
}

/// Writes the fault down once, however often the till comes back with it.
fn note_fault(tx: &Transaction<'_>, fault: &JournalFault, now: Timestamp) -> Result<(), BaseError> {
    let JournalFault { terminal, epoch, what, forked } = fault;
    let head = read_head(tx, *terminal, *epoch)?;
    let noted = tx.execute(
        "INSERT INTO journal_heads (terminal, epoch, sequence, hash, fault, fault_at, forked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (terminal, epoch) DO UPDATE
         SET fault = excluded.fault, fault_at = excluded.fault_at, forked = excluded.forked
         WHERE fault IS NOT excluded.fault AND forked <= excluded.forked",
        (terminal.get(), epoch, Unsigned(head.sequence), head.hash.to_string(), what, now.0, forked),
    )?;
    if noted == 1 {
        audit::append(tx, &NewAudit::new("server", AuditKind::JournalFault, terminal, what), now)?;
    }
    let state = read_record(tx, *terminal)?.map(|record| record.state);
    if *forked && state == Some(TerminalState::Active) {
        set_state(tx, *terminal, TerminalState::Active.apply(TerminalEvent::Block)?)?;
        audit::append(tx, &NewAudit::new("server", AuditKind::TerminalBlocked, terminal, what), now)?;
    }
    Ok(())
}

impl BaseStore {
    /// The last entry of a till's journal that the server has.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn journal_head(&self, terminal: TerminalId, epoch: KeyEpoch) -> Result<Head, BaseError> {
        self.database.read(move |c| read_head(c, terminal, epoch)).await
    }

    /// The head, and the known hashes from sequence `first` to `last`.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn known_journal(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        first: u64,
        last: u64,
    ) -> Result<KnownJournal, BaseError> {
        self.database
            .read(move |c| -> Result<KnownJournal, BaseError> {
                let head = read_head(c, terminal, epoch)?;
                let mut statement = c.prepare_cached(
                    "SELECT sequence, hash FROM journal_hashes
                     WHERE terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4 ORDER BY sequence",
                )?;
                let mut rows = statement.query((terminal.get(), epoch, Unsigned(first), Unsigned(last)))?;
                let mut known = Vec::new();
                while let Some(row) = rows.next()? {
                    let hash: String = row.get(1)?;
                    let Unsigned(sequence) = row.get(0)?;
                    known.push((sequence, hash.parse().map_err(DbError::nonsense)?));
                }
                Ok(KnownJournal { head, known })
            })
            .await
    }

    /// The key that a till had in that epoch: old ones verify old entries for ever.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn key_of(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
    ) -> Result<Option<VerifyingKey>, BaseError> {
        self.database
            .read(move |c| -> Result<Option<VerifyingKey>, BaseError> {
                let key: Option<String> = c
                    .prepare_cached(
                        "SELECT public_key FROM terminal_keys WHERE terminal = ?1 AND epoch = ?2",
                    )?
                    .query_row((terminal.get(), epoch), |row| row.get(0))
                    .optional()?;
                Ok(key.map(|key| key.parse()).transpose().map_err(DbError::nonsense)?)
            })
            .await
    }

    /// The first of these places that holds another entry than the one given, as far as they were handed in.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn other_entry(
        &self,
        entries: Vec<(SaleKey, EntryHash)>,
    ) -> Result<Option<SaleKey>, BaseError> {
        self.database
            .read(move |c| -> Result<Option<SaleKey>, BaseError> {
                let mut statement = c.prepare_cached(
                    "SELECT 1 FROM journal_hashes
                     WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3 AND hash <> ?4",
                )?;
                for (place, hash) in entries {
                    let key = (place.terminal.get(), place.epoch, Unsigned(place.sequence), hash.to_string());
                    if statement.exists(key)? {
                        return Ok(Some(place));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Moves the head over entries that were checked and are kept, if it still stands where it stood.
    ///
    /// # Errors
    /// [`BaseError::HeadMoved`], [`BaseError::Replayed`]; the database's.
    pub async fn take_hand_in(&self, taken: HandInTaken) -> Result<Head, BaseError> {
        let now = self.clock.now();
        self.database.write(move |tx| take(tx, &taken, now)).await
    }

    /// Flags a journal that does not continue its chain; a fork also blocks the till.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn journal_fault(&self, fault: JournalFault) -> Result<(), BaseError> {
        let (now, terminal) = (self.clock.now(), fault.terminal);
        let noted = self.database.write(move |tx| note_fault(tx, &fault, now)).await;
        self.terminals.forget(terminal);
        noted
    }

    /// What is wrong with a till's journal, if something is.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn fault_of(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
    ) -> Result<Option<(String, Timestamp)>, BaseError> {
        self.database
            .read(move |c| {
                let sql = "SELECT fault, fault_at FROM journal_heads
                           WHERE terminal = ?1 AND epoch = ?2 AND fault IS NOT NULL";
                let row = c
                    .query_row(sql, (terminal.get(), epoch), |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
                    .optional()?;
                Ok::<_, BaseError>(row)
            })
            .await
    }
}
