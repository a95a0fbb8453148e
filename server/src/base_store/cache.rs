//! What is known of terminals for a moment, so that not every request reads the database. A block on this
//! server counts at once; a block made through another counts when the entry is too old, within a second.

use super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::TerminalState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an entry counts. Below a second, so that reading it anew still ends within one.
const FRESH: Duration = Duration::from_millis(800);
/// How long an entry counts for money while the base store cannot be read.
const TRUSTED: Duration = Duration::from_secs(5);
/// How often the time a till was last seen is written.
const SEEN_EVERY: Duration = Duration::from_secs(30);

/// An enrolled terminal and its present key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalRecord {
    /// Which.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: TerminalState,
    /// The epoch of its present key.
    pub epoch: KeyEpoch,
    /// Its present key.
    pub key: VerifyingKey,
}

/// A record, and whether it is recent enough to decide about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTerminal {
    /// What is known.
    pub record: Arc<TerminalRecord>,
    /// False once the base store could not be read for 5 s: then money is refused, uploads are taken.
    pub good_for_money: bool,
}

struct Entry {
    record: Arc<TerminalRecord>,
    read_at: Duration,
}

#[derive(Default)]
struct Memory {
    /// Grows with each invalidation: a read that began before it may not be remembered after it.
    generation: u64,
    entries: HashMap<TerminalId, Entry>,
    seen: HashMap<TerminalId, Seen>,
}

struct Seen {
    at: Timestamp,
    written: Option<Duration>,
}

pub(super) struct TerminalCache {
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

impl TerminalCache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self, terminal: TerminalId) {
        let mut memory = self.memory();
        memory.generation += 1;
        memory.entries.remove(&terminal);
    }

    pub(super) fn last_seen(&self, terminal: TerminalId) -> Option<Timestamp> {
        self.memory().seen.get(&terminal).map(|seen| seen.at)
    }

    /// The generation of what is remembered; the entry and its age.
    fn look(&self, terminal: TerminalId) -> (u64, Option<(Arc<TerminalRecord>, Duration)>) {
        let now = self.clock.monotonic();
        let memory = self.memory();
        let entry = memory.entries.get(&terminal);
        (memory.generation, entry.map(|e| (Arc::clone(&e.record), now.saturating_sub(e.read_at))))
    }

    fn keep(&self, generation: u64, record: &Arc<TerminalRecord>, read_at: Duration) {
        let mut memory = self.memory();
        if memory.generation == generation {
            let record = Arc::clone(record);
            memory.entries.insert(record.terminal, Entry { record, read_at });
        }
    }

    /// Notes that the till was heard of; true if that is due to be written.
    fn saw(&self, terminal: TerminalId) -> bool {
        let (now, mono) = (self.clock.now(), self.clock.monotonic());
        let mut memory = self.memory();
        let seen = memory.seen.entry(terminal).or_insert(Seen { at: now, written: None });
        seen.at = now;
        let due = seen.written.is_none_or(|written| mono.saturating_sub(written) >= SEEN_EVERY);
        if due {
            seen.written = Some(mono);
        }
        due
    }
}

pub(super) fn read_record(sql: &dyn Sql, terminal: TerminalId) -> Result<Option<TerminalRecord>, BaseError> {
    let row = sql.row(
        "SELECT t.name, t.state, t.epoch, k.public_key FROM terminals t
         JOIN terminal_keys k ON k.terminal = t.id AND k.epoch = t.epoch WHERE t.id = ?1",
        &params![terminal.get()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let state = row.at::<String>(1)?.parse().map_err(DbError::nonsense)?;
    let key = row.at::<String>(3)?.parse().map_err(DbError::nonsense)?;
    Ok(Some(TerminalRecord { terminal, name: row.at(0)?, state, epoch: row.at(2)?, key }))
}

impl BaseStore {
    /// An enrolled terminal, as known for at most a second. `None` if there is none.
    ///
    /// # Errors
    /// [`BaseError`] if the base store cannot be read and the terminal was never seen by this server.
    pub async fn terminal(&self, terminal: TerminalId) -> Result<Option<KnownTerminal>, BaseError> {
        let (generation, remembered) = self.terminals.look(terminal);
        if let Some((record, age)) = &remembered
            && *age < FRESH
        {
            return Ok(Some(KnownTerminal { record: Arc::clone(record), good_for_money: true }));
        }
        let read_at = self.clock.monotonic();
        match (self.database.read(move |sql| read_record(sql, terminal)).await, remembered) {
            (Ok(None), _) => Ok(None), // not remembered: strangers could fill the memory with what is not there
            (Ok(Some(record)), _) => {
                let record = Arc::new(record);
                self.terminals.keep(generation, &record, read_at);
                Ok(Some(KnownTerminal { record, good_for_money: true }))
            }
            (Err(error), Some((record, age))) => {
                tracing::warn!(%error, %terminal, ?age, "the base store cannot be read: going by what was known");
                Ok(Some(KnownTerminal { record, good_for_money: age < TRUSTED }))
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Notes that a terminal was heard of. Written every 30 s at most, and not waited for.
    pub fn saw(&self, terminal: TerminalId) {
        if !self.terminals.saw(terminal) {
            return;
        }
        let (database, now) = (self.database.clone(), self.clock.now());
        tokio::spawn(async move {
            let written = database.write(move |sql| -> Result<(), BaseError> {
                // Another server may have heard of it later.
                sql.execute(
                    "UPDATE terminals SET last_seen = ?2
                     WHERE id = ?1 AND (last_seen IS NULL OR last_seen < ?2)",
                    &params![terminal.get(), now.0],
                )?;
                Ok(())
            });
            if let Err(error) = written.await {
                tracing::debug!(%error, %terminal, "when the terminal was last seen was not written");
            }
        });
    }
}
