//! How far the server has each till's journal. Entries themselves are kept in the order groups; here stand
//! their hashes, so that a second entry in one place is found whichever group the first one is in.

use super::audit::{self, AuditKind, NewAudit};
use super::cache::read_record;
use super::shifts;
use super::terminals::set_state;
use super::{BaseError, BaseStore, guard};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, SaleKey, TerminalId};
use evertill_shared::journal::{Entry, EntryHash, Head};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::{TerminalEvent, TerminalState};
use std::sync::Arc;

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
    /// What they say: shifts and rights are looked at.
    pub told: Vec<Entry>,
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

/// How many entries go into one statement at most, and so on down: few statements, each of them known already, and
/// with four values for each entry no more parameters than every engine takes, which is 64.
const SIZES: [usize; 3] = [16, 4, 1];

fn in_pieces<T>(mut rest: &[T]) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    for size in SIZES {
        while let Some((piece, after)) = rest.split_at_checked(size) {
            pieces.push(piece);
            rest = after;
        }
    }
    pieces
}

/// A part of a statement for each of `count` entries, with the number of its first parameter.
fn for_each(
    count: usize,
    first: usize,
    step: usize,
    between: &str,
    part: impl Fn(usize) -> String,
) -> String {
    let parts: Vec<String> = (0..count).map(|index| part(first + index * step)).collect();
    parts.join(between)
}

pub(super) fn read_head(sql: &dyn Sql, terminal: TerminalId, epoch: KeyEpoch) -> Result<Head, BaseError> {
    let row = sql.row(
        "SELECT sequence, hash FROM journal_heads WHERE terminal = ?1 AND epoch = ?2",
        &params![terminal.get(), epoch],
    )?;
    let Some(row) = row else { return Ok(Head::start(terminal, epoch)) };
    let hash = row.at::<String>(1)?.parse().map_err(DbError::nonsense)?;
    Ok(Head { terminal, epoch, sequence: row.at(0)?, hash })
}

fn take(sql: &dyn Sql, taken: &HandInTaken, store: &StoreInfo, now: Timestamp) -> Result<Head, BaseError> {
    guard(sql, &taken.request_id, now)?;
    let Head { terminal, epoch, .. } = taken.from;
    if read_head(sql, terminal, epoch)? != taken.from {
        return Err(BaseError::HeadMoved);
    }
    for entries in in_pieces(&taken.entries) {
        keep_hashes(sql, taken, entries)?;
    }
    let last =
        taken.entries.last().map(|(sequence, hash)| Head { sequence: *sequence, hash: *hash, ..taken.from });
    let head = last.unwrap_or(taken.from);
    // What was missing has come: that fault is over. A fork stays until a person has looked at it.
    sql.execute(
        "INSERT INTO journal_heads (terminal, epoch, sequence, hash) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (terminal, epoch) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash,
             fault = CASE journal_heads.forked WHEN 1 THEN journal_heads.fault END,
             fault_at = CASE journal_heads.forked WHEN 1 THEN journal_heads.fault_at END",
        &params![terminal.get(), epoch, head.sequence, head.hash.to_string()],
    )?;
    shifts::take_in(sql, taken, store, now)?;
    Ok(head)
}

fn keep_hashes(sql: &dyn Sql, taken: &HandInTaken, entries: &[(u64, EntryHash)]) -> Result<(), DbError> {
    let rows = for_each(entries.len(), 4, 2, ", ", |n| format!("(?1, ?2, ?{n}, ?{}, ?3)", n + 1));
    let mut values: Vec<Value<'_>> =
        params![taken.from.terminal.get(), taken.from.epoch, taken.quarantined].into();
    values.extend(entries.iter().flat_map(|(sequence, hash)| params![*sequence, hash.to_string()]));
    let into = "INSERT INTO journal_hashes (terminal, epoch, sequence, hash, quarantined) VALUES";
    sql.execute(&format!("{into} {rows}"), &values)?;
    Ok(())
}

/// Which of these places hold another entry than the one given.
fn others(sql: &dyn Sql, entries: &[(SaleKey, EntryHash)]) -> Result<Vec<(u16, KeyEpoch, u64)>, DbError> {
    let places = for_each(entries.len(), 1, 4, " OR ", |n| {
        let (b, c, d) = (n + 1, n + 2, n + 3);
        format!("(terminal = ?{n} AND epoch = ?{b} AND sequence = ?{c} AND hash <> ?{d})")
    });
    let values: Vec<Value<'_>> = entries
        .iter()
        .flat_map(|(place, hash)| {
            params![place.terminal.get(), place.epoch, place.sequence, hash.to_string()]
        })
        .collect();
    let from = "SELECT terminal, epoch, sequence FROM journal_hashes WHERE";
    let rows = sql.rows(&format!("{from} {places}"), &values)?;
    rows.iter().map(|row| Ok((row.at(0)?, row.at(1)?, row.at(2)?))).collect()
}

/// Writes the fault down once, however often the till comes back with it.
fn note_fault(sql: &dyn Sql, fault: &JournalFault, now: Timestamp) -> Result<(), BaseError> {
    let JournalFault { terminal, epoch, what, forked } = fault;
    let head = read_head(sql, *terminal, *epoch)?;
    let noted = sql.execute(
        "INSERT INTO journal_heads (terminal, epoch, sequence, hash, fault, fault_at, forked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (terminal, epoch) DO UPDATE
         SET fault = excluded.fault, fault_at = excluded.fault_at, forked = excluded.forked
         WHERE journal_heads.fault IS DISTINCT FROM excluded.fault AND journal_heads.forked <= excluded.forked",
        &params![terminal.get(), epoch, head.sequence, head.hash.to_string(), what, now.0, *forked],
    )?;
    if noted == 1 {
        audit::append(sql, &NewAudit::new("server", AuditKind::JournalFault, terminal, what), now)?;
    }
    let state = read_record(sql, *terminal)?.map(|record| record.state);
    if *forked && state == Some(TerminalState::Active) {
        set_state(sql, *terminal, TerminalState::Active.apply(TerminalEvent::Block)?)?;
        audit::append(sql, &NewAudit::new("server", AuditKind::TerminalBlocked, terminal, what), now)?;
    }
    Ok(())
}

impl BaseStore {
    /// The last entry of a till's journal that the server has.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn journal_head(&self, terminal: TerminalId, epoch: KeyEpoch) -> Result<Head, BaseError> {
        self.database.read(move |sql| read_head(sql, terminal, epoch)).await
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
            .read(move |sql| -> Result<KnownJournal, BaseError> {
                let head = read_head(sql, terminal, epoch)?;
                let rows = sql.rows(
                    "SELECT sequence, hash FROM journal_hashes
                     WHERE terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4 ORDER BY sequence",
                    &params![terminal.get(), epoch, first, last],
                )?;
                let entry =
                    |row: &Row| Ok((row.at(0)?, row.at::<String>(1)?.parse().map_err(DbError::nonsense)?));
                let known = rows.iter().map(entry).collect::<Result<_, DbError>>()?;
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
            .read(move |sql| -> Result<Option<VerifyingKey>, BaseError> {
                let key: Option<String> = sql.value(
                    "SELECT public_key FROM terminal_keys WHERE terminal = ?1 AND epoch = ?2",
                    &params![terminal.get(), epoch],
                )?;
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
            .read(move |sql| -> Result<Option<SaleKey>, BaseError> {
                for piece in in_pieces(&entries) {
                    let others = others(sql, piece)?;
                    let is_other = |place: &SaleKey| {
                        others.contains(&(place.terminal.get(), place.epoch, place.sequence))
                    };
                    if let Some((place, _)) = piece.iter().find(|(place, _)| is_other(place)) {
                        return Ok(Some(*place));
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
        let (now, store) = (self.clock.now(), Arc::clone(&self.store));
        self.database.write(move |sql| take(sql, &taken, &store, now)).await
    }

    /// Flags a journal that does not continue its chain; a fork also blocks the till.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn journal_fault(&self, fault: JournalFault) -> Result<(), BaseError> {
        let (now, terminal) = (self.clock.now(), fault.terminal);
        let noted = self.database.write(move |sql| note_fault(sql, &fault, now)).await;
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
            .read(move |sql| {
                let row = sql.row(
                    "SELECT fault, fault_at FROM journal_heads
                     WHERE terminal = ?1 AND epoch = ?2 AND fault IS NOT NULL",
                    &params![terminal.get(), epoch],
                )?;
                Ok(row.map(|row| Ok::<_, DbError>((row.at(0)?, Timestamp(row.at(1)?)))).transpose()?)
            })
            .await
    }
}
