//! What is known of terminals for a moment, so that not every request reads the database. A block on this
//! server counts at once; a block made through another counts when the entry is too old, within a second.

use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::TerminalState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is older than this is read anew together with what must be: one question for many tills.
const AGEING: Duration = Duration::from_millis(400);
/// The most that are read with one question.
const TOGETHER: usize = 32;
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
    /// Somebody has asked for it since it was read.
    asked: bool,
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
        let mut memory = self.memory();
        let generation = memory.generation;
        let entry = memory.entries.get_mut(&terminal);
        let known = entry.map(|entry| {
            entry.asked = true;
            (Arc::clone(&entry.record), now.saturating_sub(entry.read_at))
        });
        (generation, known)
    }

    fn keep(&self, generation: u64, records: &[Arc<TerminalRecord>], read_at: Duration) {
        let mut memory = self.memory();
        if memory.generation == generation {
            for record in records {
                let entry = Entry { record: Arc::clone(record), read_at, asked: false };
                memory.entries.insert(record.terminal, entry);
            }
        }
    }

    /// That till, and others that are heard of just now and will have to be read soon.
    fn due_with(&self, terminal: TerminalId, now: Duration) -> Vec<TerminalId> {
        let mut memory = self.memory();
        let mut due = vec![terminal];
        let others = memory.entries.iter_mut().filter(|(other, entry)| {
            **other != terminal && entry.asked && now.saturating_sub(entry.read_at) >= AGEING
        });
        for (other, entry) in others.take(TOGETHER - 1) {
            // Whoever asks at the same time takes others.
            entry.asked = false;
            due.push(*other);
        }
        due
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

const RECORD: &str = "SELECT t.name, t.state, t.epoch, k.public_key, t.id FROM terminals t
     JOIN terminal_keys k ON k.terminal = t.id AND k.epoch = t.epoch WHERE t.id";

fn record_of(terminal: TerminalId, row: &Row) -> Result<TerminalRecord, BaseError> {
    let state = row.at::<String>(1)?.parse().map_err(DbError::nonsense)?;
    let key = row.at::<String>(3)?.parse().map_err(DbError::nonsense)?;
    Ok(TerminalRecord { terminal, name: row.at(0)?, state, epoch: row.at(2)?, key })
}

pub(super) fn read_record(sql: &dyn Sql, terminal: TerminalId) -> Result<Option<TerminalRecord>, BaseError> {
    let row = sql.row(&format!("{RECORD} = ?1"), &params![terminal.get()])?;
    row.map(|row| record_of(terminal, &row)).transpose()
}

/// The first of them, if it is there, and of the others those that can be read.
fn read_records(sql: &dyn Sql, terminals: &[TerminalId]) -> Result<Vec<Arc<TerminalRecord>>, BaseError> {
    let Some((first, others)) = terminals.split_first() else { return Ok(Vec::new()) };
    if others.is_empty() {
        return Ok(read_record(sql, *first)?.map(Arc::new).into_iter().collect());
    }
    // Always as many places, so that it is one statement whatever their number.
    let places: Vec<String> = (1..=TOGETHER).map(|place| format!("?{place}")).collect();
    let ids: Vec<Value<'_>> =
        (0..TOGETHER).map(|place| terminals.get(place).unwrap_or(first).get().into()).collect();
    let rows = sql.rows(&format!("{RECORD} IN ({})", places.join(", ")), &ids)?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.at(4)?;
        let Some(terminal) = terminals.iter().find(|terminal| i64::from(terminal.get()) == id) else {
            continue;
        };
        match record_of(*terminal, &row) {
            Ok(record) => records.push(Arc::new(record)),
            Err(error) if terminal == first => return Err(error),
            // It is told of when that till asks.
            Err(_) => {}
        }
    }
    Ok(records)
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
        let due = match &remembered {
            Some(_) => self.terminals.due_with(terminal, read_at),
            None => vec![terminal],
        };
        match (self.database.read(move |sql| read_records(sql, &due)).await, remembered) {
            (Ok(records), _) => {
                self.terminals.keep(generation, &records, read_at);
                // One that is not there is not remembered: strangers could fill the memory with such.
                let record = records.into_iter().find(|record| record.terminal == terminal);
                Ok(record.map(|record| KnownTerminal { record, good_for_money: true }))
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
