//! The till's journal on its disk: one SQLite file, append-only, each entry on the platter before anything is sent
//! (rules *nothing-lost*, *chain*). What is known of sales and refunds is derived from the entries, in the same
//! transaction, so a crash at any point resumes with books that fit the journal.

mod archive;
mod carts;
mod checkpoint;
mod error;
mod finding;
mod inspect;
mod jobs;
mod lock;
mod projection;
mod put_aside;
pub mod records;
mod reserve;
mod schema;
mod shifts;
mod verify;

pub use archive::{Archived, Archiving, Base, FOLDER, Segment, archive_files, follow_whole, write_whole};
pub use carts::{Carts, HeldSale, KeptCart};
pub use error::JournalError;
pub use finding::SalesWanted;
pub use inspect::{Inspected, archive_of, books_of, inspect};
pub use jobs::{PrintJob, PrintJobState};
pub use lock::Lock;
pub use projection::{QueuedSale, StoredSale, Unsent};
pub use put_aside::{move_whole, put_aside_older};
pub use reserve::{RESERVE_BYTES, Reserve};
pub use verify::{Rebuilt, first_entry, follow, stored_head};

use archive::Archive;
use checkpoint::{Checkpoint, Running};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::receipt::Receipt;
use evertill_shared::shift::Shift;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use records::{Changed, RefundRecord, SaleRecord};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use std::path::Path;
use std::sync::Arc;
use verify::follow_from;

/// The journal as the controller sees it: what is appended is durable before the call returns.
pub trait Journal: Archiving + Carts + Send {
    /// The last entry.
    fn head(&self) -> Head;
    /// Writes an entry and what follows from it, in one transaction that is on the disk when this returns. Gives the
    /// entry's sequence.
    /// # Errors
    /// Nothing was written ([`JournalError::DiskFull`], [`JournalError::Rule`]), or the journal must be opened anew.
    fn append(&mut self, body: &Body, at: Timestamp) -> Result<u64, JournalError>;
    /// An entry as it was signed.
    /// # Errors
    /// It cannot be read, or there is none.
    fn entry(&self, sequence: u64) -> Result<SignedEntry, JournalError>;
    /// Up to `limit` entries that follow `sequence`, oldest first.
    /// # Errors
    /// They cannot be read.
    fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<SignedEntry>, JournalError>;
    /// What is known of a sale.
    /// # Errors
    /// It cannot be read.
    fn sale(&self, sequence: u64) -> Result<Option<StoredSale>, JournalError>;
    /// Sales that are neither paid nor given up, oldest first.
    /// # Errors
    /// They cannot be read.
    fn open_sales(&self) -> Result<Vec<SaleRecord>, JournalError>;
    /// The newest sales, newest first.
    /// # Errors
    /// They cannot be read.
    fn recent_sales(&self, limit: usize) -> Result<Vec<StoredSale>, JournalError>;
    /// Earlier sales that fit, newest first.
    /// # Errors
    /// They cannot be read.
    fn find_sales(&self, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError>;
    /// The time of the oldest sale that is not before `from`; without it, of the newest before `until`.
    /// # Errors
    /// It cannot be read.
    fn nearest_sale(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, JournalError>;
    /// The sale that adopted this number.
    /// # Errors
    /// It cannot be read.
    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<StoredSale>, JournalError>;
    /// Sales paid in cash that the server has not confirmed, oldest first.
    /// # Errors
    /// They cannot be read.
    fn queue(&self) -> Result<Vec<QueuedSale>, JournalError>;
    /// How many these are, and how old the first is, without reading them.
    /// # Errors
    /// They cannot be counted.
    fn unsent(&self) -> Result<Unsent, JournalError>;
    /// The server has this sale. Repeating it changes nothing.
    /// # Errors
    /// It cannot be written.
    fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> Result<(), JournalError>;
    /// What is known of a refund.
    /// # Errors
    /// It cannot be read.
    fn refund(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError>;
    /// Refunds carried out whose end is not known.
    /// # Errors
    /// They cannot be read.
    fn open_refunds(&self) -> Result<Vec<RefundRecord>, JournalError>;
    /// Refunds of one order that were carried out here, oldest first.
    /// # Errors
    /// They cannot be read.
    fn refunds_of(&self, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError>;
    /// The newest shift, open or ended.
    /// # Errors
    /// It cannot be read.
    fn last_shift(&self) -> Result<Option<Shift>, JournalError>;
    /// The newest shift that has ended, whether or not another is open.
    /// # Errors
    /// It cannot be read.
    fn last_closed_shift(&self) -> Result<Option<Shift>, JournalError>;
    /// The last entry that the server was heard to have; 0 if none.
    /// # Errors
    /// It cannot be read.
    fn handed_in(&self) -> Result<u64, JournalError>;
    /// The server has everything up to this entry.
    /// # Errors
    /// It cannot be written.
    fn set_handed_in(&mut self, sequence: u64) -> Result<(), JournalError>;
    /// Stores a print job before the printer hears of it.
    /// # Errors
    /// It cannot be written.
    fn new_print_job(
        &mut self,
        about: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<PrintJob, JournalError>;
    /// Notes what became of a print job.
    /// # Errors
    /// It cannot be written.
    fn set_print_job(&mut self, id: u64, state: PrintJobState) -> Result<(), JournalError>;
    /// The newest print job about something, if there is one.
    /// # Errors
    /// It cannot be read.
    fn last_print_job(&self, about: &str) -> Result<Option<PrintJob>, JournalError>;
    /// How many copies of a receipt may be on paper: all but those of which surely not a byte went out.
    /// # Errors
    /// It cannot be read.
    fn copies(&self, about: &str) -> Result<u32, JournalError>;
    /// Something that the till has to remember beside its entries, under this name.
    /// # Errors
    /// It cannot be read.
    fn fact(&self, name: &str) -> Result<Option<String>, JournalError>;
    /// All that it remembers under names that begin like this, by name: each name and what stands there.
    /// # Errors
    /// It cannot be read.
    fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, JournalError>;
    /// Remembers it, or forgets it. It is on the disk when this returns.
    /// # Errors
    /// It cannot be written.
    fn set_fact(&mut self, name: &str, value: Option<&str>) -> Result<(), JournalError>;
    /// Tries to take the space reserve back after the disk was full; true if it is whole.
    fn has_room(&mut self) -> bool;
}

/// The journal in a SQLite file, held open by this program alone.
pub struct JournalStore {
    connection: Connection,
    key: Arc<SigningKey>,
    head: Head,
    reserve: Option<Reserve>,
    broken: Option<String>,
    archive: Archive,
    _lock: Option<Lock>,
}

impl JournalStore {
    /// Opens the journal, or begins it with its first entry. Every entry is verified, and the derived books are
    /// compared with the entries and mended where they differ.
    ///
    /// # Errors
    /// A damaged journal is not opened and not changed: [`JournalError::Damaged`] names the entry.
    pub fn open(
        path: &Path,
        start: Head,
        key: Arc<SigningKey>,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let lock = Lock::take(&path.with_extension("lock"))?;
        let connection = Connection::open(path)?;
        let reserve = Reserve::at(path.with_extension("reserve"));
        if let Err(error) = reserve.hold() {
            tracing::warn!(%error, "no room for the space reserve");
        }
        let archive = path.with_file_name(FOLDER);
        let mut store = Self::start(connection, start, key, Some(reserve), Some(lock), now)?;
        store.archive = Archive::new(Some(archive), store.archive.into_base());
        Ok(store)
    }

    /// A journal in memory, for tests of what uses one.
    /// # Errors
    /// SQLite's own.
    pub fn in_memory(start: Head, key: Arc<SigningKey>, now: Timestamp) -> Result<Self, JournalError> {
        Self::on(Connection::open_in_memory()?, start, key, now)
    }

    /// A journal in a database that is open already, and that nobody else writes: for disks that are simulated.
    /// # Errors
    /// As [`JournalStore::open`].
    pub fn on(
        connection: Connection,
        start: Head,
        key: Arc<SigningKey>,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        Self::start(connection, start, key, None, None, now)
    }

    fn start(
        mut connection: Connection,
        start: Head,
        key: Arc<SigningKey>,
        reserve: Option<Reserve>,
        lock: Option<Lock>,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        schema::configure(&connection)?;
        match schema::version(&connection)? {
            0 => schema::create(&mut connection)?,
            schema::VERSION | schema::ARCHIVED | schema::LISTED => {}
            newer => {
                return Err(JournalError::Unreadable(format!(
                    "it was written by a newer program (tables {newer}); install that version again"
                )));
            }
        }
        schema::complete(&connection)?;
        carts::create(&connection)?;
        if let Some(found) = stored_head(&connection)?
            && (found.terminal, found.epoch) != (start.terminal, start.epoch)
        {
            return Err(JournalError::Foreign {
                found: format!("{}, key {}", found.terminal, found.epoch),
                expected: format!("{}, key {}", start.terminal, start.epoch),
            });
        }
        let base = Base::read(&connection)?;
        if base.as_ref().is_some_and(|base| base.key != key.public()) {
            return Err(JournalError::Unreadable("another key signed what it says of its archive".into()));
        }
        let known = Checkpoint::read(&connection, &key.public());
        let verified = |known| verified(&connection, start, base.as_ref(), key.public(), known);
        // Whatever does not fit the checkpoint is looked at entry by entry, so that the right one is named.
        let (head, running, rebuilt) = verified(known.as_ref())
            .or_else(|error| if known.is_some() { verified(None) } else { Err(error) })?;
        if let Err(error) = finding::prepare(&connection) {
            tracing::warn!(%error, "earlier sales will be found slowly: there is no room for the indexes");
        }
        projection::mend(&mut connection, &rebuilt)?;
        shifts::mend(&mut connection, &rebuilt.shifts)?;
        jobs::give_up_pending(&connection)?;
        if head.sequence >= known.map_or(0, |known| known.head.sequence) + checkpoint::EVERY {
            Checkpoint::write(&connection, head, &running, &key)?;
        }
        let archive = Archive::new(None, base);
        let mut store = Self { connection, key, head, reserve, broken: None, archive, _lock: lock };
        if store.head.sequence == 0 {
            let public_key = store.key.public();
            store.append(&Body::Opened { public_key }, now)?;
        }
        Ok(store)
    }

    /// The key that verifies this journal.
    #[must_use]
    pub fn public_key(&self) -> VerifyingKey {
        self.key.public()
    }

    fn write(&mut self, body: &Body, at: Timestamp) -> Result<Head, JournalError> {
        let sequence = self.head.sequence + 1;
        let Head { terminal, epoch, hash: previous, .. } = self.head;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tables = projection::Tables(&transaction);
        let changed = records::apply(&tables, sequence, at, body)?;
        let shift = shifts::apply(&tables, sequence, at, body, &changed)?;
        shifts::check_new(&tables, body)?;
        let entry = Entry { terminal, epoch, sequence, previous, at, body: body.clone() };
        let signed = SignedEntry::sign(&entry, &self.key)
            .map_err(|error| JournalError::Unreadable(error.to_string()))?;
        let head = Head { sequence, hash: signed.hash(), ..self.head };
        transaction.execute(
            "INSERT INTO entry (sequence, text, signature) VALUES (?1, ?2, ?3)",
            params![schema::db(sequence), signed.text, signed.signature],
        )?;
        transaction.execute(
            "INSERT OR REPLACE INTO head (only, terminal, epoch, sequence, hash) VALUES (1, ?1, ?2, ?3, ?4)",
            params![terminal.get(), epoch, schema::db(sequence), head.hash.to_string()],
        )?;
        match &changed {
            Changed::Nothing => {}
            Changed::Sale(record) => projection::put_sale(&transaction, record)?,
            Changed::Refund(record) => projection::put_refund(&transaction, record)?,
        }
        if let Some(shift) = &shift {
            shifts::put(&transaction, shift)?;
        }
        carts::follow(&transaction, sequence, body)?;
        transaction.commit()?;
        Ok(head)
    }

    /// A write that is not an entry: it too may use the reserve, since it only ever finishes something.
    fn note<T>(&mut self, write: impl Fn(&Connection) -> Result<T, JournalError>) -> Result<T, JournalError> {
        self.check_usable()?;
        let mut done = write(&self.connection);
        if matches!(done, Err(JournalError::DiskFull)) && self.give_up_reserve() {
            done = write(&self.connection);
        }
        self.watch(done)
    }

    fn check_usable(&self) -> Result<(), JournalError> {
        self.broken.as_ref().map_or(Ok(()), |why| Err(JournalError::Io(why.clone())))
    }

    fn give_up_reserve(&self) -> bool {
        match &self.reserve {
            Some(reserve) if reserve.is_held() => {
                tracing::warn!("the disk is full: the space reserve is given up");
                reserve.release();
                true
            }
            _ => false,
        }
    }

    /// After a write whose fate is not known nothing more may be written before the file is read anew.
    fn watch<T>(&mut self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(error) = &done
            && error.is_fatal()
        {
            tracing::error!(%error, "the journal failed");
            self.broken = Some(error.to_string());
        }
        done
    }
}

impl Journal for JournalStore {
    fn head(&self) -> Head {
        self.head
    }

    fn append(&mut self, body: &Body, at: Timestamp) -> Result<u64, JournalError> {
        self.check_usable()?;
        // The reserve is for finishing what was begun.
        let begins = matches!(
            body,
            Body::Sale(_)
                | Body::CartVoided { .. }
                | Body::DrawerOpened { .. }
                | Body::ShiftOpened { .. }
                | Body::CashPaidIn { .. }
                | Body::CashPaidOut { .. }
        );
        self.archive.forget_plan();
        if begins && !self.has_room() {
            return Err(JournalError::DiskFull);
        }
        let mut done = self.write(body, at);
        if matches!(done, Err(JournalError::DiskFull)) && !begins && self.give_up_reserve() {
            done = self.write(body, at);
        }
        self.head = self.watch(done)?;
        Ok(self.head.sequence)
    }

    fn entry(&self, sequence: u64) -> Result<SignedEntry, JournalError> {
        if sequence <= self.archive.to() {
            return self.archive.entry(&self.connection, sequence);
        }
        projection::entry(&self.connection, sequence)
    }

    fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<SignedEntry>, JournalError> {
        if sequence < self.archive.to() {
            return self.archive.entries_after(&self.connection, sequence, limit);
        }
        projection::entries_after(&self.connection, sequence, limit)
    }

    fn sale(&self, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
        if sequence <= self.archive.to() {
            return self.archive.sale(&self.connection, sequence);
        }
        projection::sale(&self.connection, sequence)
    }

    fn open_sales(&self) -> Result<Vec<SaleRecord>, JournalError> {
        projection::open_sales(&self.connection)
    }

    fn recent_sales(&self, limit: usize) -> Result<Vec<StoredSale>, JournalError> {
        projection::recent_sales(&self.connection, limit)
    }

    fn find_sales(&self, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError> {
        let mut found = finding::find(&self.connection, wanted)?;
        let mut older = archive::find(&self.connection, wanted)?;
        older.retain(|(_, sequence)| *sequence <= self.archive.to());
        // By the time at which each was closed for payment, which need not be the order of the entries.
        let place = |sale: &StoredSale| (sale.record.sale.at, sale.record.sequence);
        let limit = usize::from(wanted.limit);
        if let Some(last) = found.last().filter(|_| found.len() >= limit) {
            older.retain(|(at, sequence)| (*at, *sequence) > place(last));
        }
        for (_, sequence) in older {
            found.extend(self.archive.sale(&self.connection, sequence)?);
        }
        found.sort_by_key(|sale| std::cmp::Reverse(place(sale)));
        found.truncate(limit);
        Ok(found)
    }

    fn nearest_sale(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, JournalError> {
        let here = finding::nearest(&self.connection, from, until)?;
        let older = archive::nearest(&self.connection, from, until)?;
        let both = here.into_iter().chain(older);
        Ok(if from.is_some() { both.min() } else { both.max() })
    }

    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<StoredSale>, JournalError> {
        if let Some(found) = finding::of_order(&self.connection, number)? {
            return Ok(Some(found));
        }
        match archive::sale_of_order(&self.connection, number)? {
            Some(sequence) if sequence <= self.archive.to() => {
                let found = self.archive.sale(&self.connection, sequence)?;
                Ok(found.filter(|sale| sale.record.number() == Some(number)))
            }
            _ => Ok(None),
        }
    }

    fn queue(&self) -> Result<Vec<QueuedSale>, JournalError> {
        projection::queue(&self.connection)
    }

    fn unsent(&self) -> Result<Unsent, JournalError> {
        projection::unsent(&self.connection)
    }

    fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> Result<(), JournalError> {
        self.note(|connection| projection::confirm_sale(connection, sequence, quarantined))
    }

    fn refund(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
        records::Records::refund_record(&projection::Tables(&self.connection), id)
    }

    fn open_refunds(&self) -> Result<Vec<RefundRecord>, JournalError> {
        projection::open_refunds(&self.connection)
    }

    fn refunds_of(&self, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
        let mut found = archive::refunds_of(&self.connection, number)?;
        found.extend(finding::refunds_of(&self.connection, number)?);
        found.sort_by_key(|refund| refund.entry);
        Ok(found)
    }

    fn last_shift(&self) -> Result<Option<Shift>, JournalError> {
        shifts::last(&self.connection)
    }

    fn last_closed_shift(&self) -> Result<Option<Shift>, JournalError> {
        shifts::last_closed(&self.connection)
    }

    fn handed_in(&self) -> Result<u64, JournalError> {
        projection::handed_in(&self.connection)
    }

    fn set_handed_in(&mut self, sequence: u64) -> Result<(), JournalError> {
        self.note(|connection| projection::set_handed_in(connection, sequence))
    }

    fn new_print_job(
        &mut self,
        about: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<PrintJob, JournalError> {
        self.note(|connection| jobs::create(connection, about, receipt, at))
    }

    fn set_print_job(&mut self, id: u64, state: PrintJobState) -> Result<(), JournalError> {
        self.note(|connection| jobs::set_state(connection, id, state))
    }

    fn last_print_job(&self, about: &str) -> Result<Option<PrintJob>, JournalError> {
        jobs::last(&self.connection, about)
    }

    fn copies(&self, about: &str) -> Result<u32, JournalError> {
        let before = archive::copies(&self.connection, about)?;
        Ok(jobs::copies(&self.connection, about)?.saturating_add(before))
    }

    fn fact(&self, name: &str) -> Result<Option<String>, JournalError> {
        projection::fact(&self.connection, name)
    }

    fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, JournalError> {
        projection::facts(&self.connection, prefix)
    }

    fn set_fact(&mut self, name: &str, value: Option<&str>) -> Result<(), JournalError> {
        self.note(|connection| projection::set_fact(connection, name, value))
    }

    fn has_room(&mut self) -> bool {
        self.reserve.as_ref().is_none_or(|reserve| reserve.hold().is_ok())
    }
}

/// Verifies the file, and derives the books from it.
fn verified(
    connection: &Connection,
    start: Head,
    base: Option<&Base>,
    key: VerifyingKey,
    known: Option<&Checkpoint>,
) -> Result<(Head, Running, Rebuilt), JournalError> {
    let mut rebuilt = Rebuilt::after(base.and_then(|base| base.last_shift.as_ref()));
    let start = base.map_or(start, |base| base.head);
    let (head, running) = follow_from(connection, start, key, known, |entry| {
        rebuilt.take(entry).map_err(|broken| JournalError::Damaged {
            entry: entry.sequence,
            why: format!("it breaks a rule: {broken}"),
        })
    })?;
    Ok((head, running, rebuilt))
}

/// Opens a journal file to look at it, and never to write.
/// # Errors
/// There is no such file, or it is no journal.
pub fn open_read_only(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    match schema::version(&connection) {
        Ok(schema::VERSION | schema::ARCHIVED | schema::LISTED) => Ok(connection),
        Ok(other) => {
            Err(JournalError::Unreadable(format!("it holds tables of version {other}, not a till's journal")))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
