//! Entries that are old leave `till.db` for files that are written once and never changed, so that a till that sells for
//! years starts as fast as a new one. Nothing goes before a server has countersigned it, and that for as long as the shop
//! wants; nor what something open still rests on ([`cuts`]).
//!
//! First the file is on the disk, whole and read back; then one transaction takes the entries out of `till.db`, writes down
//! where the rest begins ([`base`]) and keeps what earlier sales are found by ([`index`]). Whatever stops the till in
//! between, every entry is in `till.db` or behind that note, and none is in neither.

mod base;
mod cuts;
mod index;
mod plan;
mod segment;
mod whole;

pub use base::Base;
pub use segment::Segment;
pub use whole::{archive_files, follow_whole, write_whole};

use super::error::JournalError;
use super::projection::{self, StoredSale};
use super::schema::{self, db, from_db};
use super::verify::Rebuilt;
use super::{Journal as _, JournalStore, shifts};
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Entry, EntryHash, SignedEntry};
use evertill_shared::protocol::countersign::Countersigned;
use plan::Plan;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder beside a journal that its archive is in.
pub const FOLDER: &str = "archive";

/// So many entries are looked at in one go: a disk may be slow, and somebody may come back.
const LOOK_AT: u64 = 5_000;

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many entries.
    pub entries: u64,
    /// There is more that may go.
    pub more: bool,
}

/// What the server said about days that are over, and what goes into the archive by that.
pub trait Archiving {
    /// The last entry that a server has countersigned; 0 if none.
    /// # Errors
    /// It cannot be read.
    fn countersigned_to(&self) -> Result<u64, JournalError>;
    /// Whether this sale is in the archive: what became of its receipt is not known any more, but that it is long over.
    /// # Errors
    /// It cannot be read.
    fn is_archived(&self, sale: u64) -> Result<bool, JournalError>;
    /// Keeps a server's word, which somebody has verified. False if it is about another journal than this, and was not kept.
    /// # Errors
    /// It cannot be written.
    fn keep_countersigned(&mut self, signed: &Countersigned) -> Result<bool, JournalError>;
    /// Moves entries into the archive that were countersigned before this time, by the server's clock: about so many at
    /// most, so that nobody waits long.
    /// # Errors
    /// [`JournalError::Archive`], [`JournalError::DiskFull`]: nothing was moved; others as for any write.
    fn archive(&mut self, said_before: Timestamp, at_most: u64) -> Result<Archived, JournalError>;
}

/// A file of the archive that was read last, with the books of its entries: lists ask for many sales of one file.
struct Open {
    name: String,
    segment: Segment,
    books: Rebuilt,
}

/// The archive of a journal that is open.
#[derive(Default)]
pub struct Archive {
    folder: Option<PathBuf>,
    base: Option<Base>,
    /// Where the journal may be cut, or how far that was looked at, as long as nothing is written to it.
    plan: Option<Plan>,
    last_read: Mutex<Option<Arc<Open>>>,
}

impl Archive {
    /// The archive of a journal; without a folder nothing goes into it.
    pub fn new(folder: Option<PathBuf>, base: Option<Base>) -> Self {
        Self { folder, base, ..Self::default() }
    }

    /// Where the rest of the journal begins, if something is in the archive.
    pub fn into_base(self) -> Option<Base> {
        self.base
    }

    /// The last entry that is in the archive; 0 if none.
    pub fn to(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.head.sequence)
    }

    /// Something was written: what may be cut has to be looked at again.
    pub fn forget_plan(&mut self) {
        self.plan = None;
    }

    fn open(&self, connection: &Connection, sequence: u64) -> Result<Arc<Open>, JournalError> {
        let file = index::file_of(connection, sequence)?;
        let mut last = self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = last.as_ref().filter(|open| open.name == file.name) {
            return Ok(Arc::clone(open));
        }
        let missing = || file.error("the till has no archive folder");
        let folder = self.folder.as_ref().ok_or_else(missing)?;
        let base = self.base.as_ref().ok_or_else(missing)?;
        base.check_files(connection)?;
        let segment = Segment::read(&folder.join(&file.name)).map_err(|why| file.error(&why))?;
        if segment.digest != file.sha256 {
            return Err(file.error("it is not the file that was written"));
        }
        if !segment.is_of(base) {
            return Err(file.error("another key has signed it"));
        }
        let mut books = Rebuilt::default();
        for signed in &segment.entries {
            let entry = signed.read_unverified().map_err(|error| file.error(&error.to_string()))?;
            books.take(&entry).map_err(|error| file.error(&error.to_string()))?;
        }
        let open = Arc::new(Open { name: file.name, segment, books });
        *last = Some(Arc::clone(&open));
        Ok(open)
    }

    /// An entry of the archive.
    pub fn entry(&self, connection: &Connection, sequence: u64) -> Result<SignedEntry, JournalError> {
        let open = self.open(connection, sequence)?;
        let place = usize::try_from(sequence - open.segment.first).ok();
        place.and_then(|place| open.segment.entries.get(place).cloned()).ok_or_else(|| {
            JournalError::Archive { file: open.name.clone(), why: format!("entry {sequence} is not in it") }
        })
    }

    /// Entries of one file of the archive that follow `sequence`.
    pub fn entries_after(
        &self,
        connection: &Connection,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<SignedEntry>, JournalError> {
        let open = self.open(connection, sequence + 1)?;
        let skip = usize::try_from(sequence + 1 - open.segment.first).unwrap_or(usize::MAX);
        Ok(open.segment.entries.iter().skip(skip).take(limit).cloned().collect())
    }

    /// A sale of the archive.
    pub fn sale(&self, connection: &Connection, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
        let Some(quarantined) = index::has_sale(connection, sequence)? else { return Ok(None) };
        let open = self.open(connection, sequence)?;
        let record = open.books.sales.get(&sequence).cloned();
        Ok(record.map(|record| StoredSale { record, confirmed: true, quarantined }))
    }
}

pub use index::{copies, find, nearest, refund, refunds_of, sale_of_order};

/// The last entry of which a server said before that time that it has everything up to there.
fn said_before(connection: &Connection, time: Timestamp) -> Result<u64, JournalError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT sequence FROM countersigned WHERE at_ms < ?1 ORDER BY sequence DESC LIMIT 1")?
        .query_row([time.0], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(0, from_db))
}

/// The first word of a server that covers this entry.
fn word_on(connection: &Connection, sequence: u64) -> Result<Countersigned, JournalError> {
    let text: String = connection.query_row(
        "SELECT statement FROM countersigned WHERE sequence >= ?1 ORDER BY sequence LIMIT 1",
        [db(sequence)],
        |row| row.get(0),
    )?;
    // That somebody damaged it keeps entries where they are, and the till selling.
    serde_json::from_str(&text).map_err(|error| JournalError::Archive {
        file: "countersigned".into(),
        why: format!("what the server said of entry {sequence} cannot be read: {error}"),
    })
}

impl JournalStore {
    /// Nothing at or after this may go: something that is not over rests on it.
    fn first_held(&self) -> Result<u64, JournalError> {
        let sales = self.open_sales()?.into_iter().map(|sale| sale.sequence).min();
        let unsent = self.queue()?.into_iter().map(|sale| sale.sequence).min();
        let refunds = self.open_refunds()?.into_iter().map(|refund| refund.entry).min();
        let shift = shifts::last(&self.connection)?.filter(|shift| shift.is_open()).map(|shift| shift.opened);
        // The last entry stays, so that the file says by itself where it ends.
        let held = [sales, unsent, refunds, shift].into_iter().flatten();
        Ok(held.fold(self.head.sequence, u64::min))
    }

    /// The entries behind that one up to that one.
    fn walk(
        &self,
        after: u64,
        upto: u64,
        mut each: impl FnMut(u64, &SignedEntry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let text = "SELECT sequence, text, signature FROM entry WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence";
        let mut statement = self.connection.prepare_cached(text)?;
        let mut rows = statement.query([db(after), db(upto)])?;
        while let Some(row) = rows.next()? {
            let signed = SignedEntry { text: row.get(1)?, signature: row.get(2)? };
            each(from_db(row.get(0)?), &signed)?;
        }
        Ok(())
    }

    /// The next part of the archive: its file first, then the journal without it.
    fn move_to(&mut self, folder: &Path, to: u64) -> Result<u64, JournalError> {
        let from = self.archive.to();
        let mut entries = Vec::new();
        if let Some(base) = &self.archive.base {
            base.check_files(&self.connection)?;
        }
        self.walk(from, to, |_, signed| {
            entries.push(signed.clone());
            Ok(())
        })?;
        let previous = self.archive.base.as_ref().map_or(EntryHash::NONE, |base| base.head.hash);
        let word = word_on(&self.connection, to)?;
        let segment = Segment::new(self.head, (from + 1, to), previous, entries, word, &self.key)?;
        let name = segment.write(folder)?;
        self.take_out(&segment, &name)?;
        Ok(to - from)
    }

    /// Takes the entries of a file that is on the disk out of the journal, in one transaction.
    fn take_out(&mut self, segment: &Segment, name: &str) -> Result<(), JournalError> {
        let last_shift = shifts::last_upto(&self.connection, segment.last)?;
        let range = params![db(segment.first), db(segment.last)];
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        index::add(&transaction, segment, name)?;
        schema::let_entries_go(&transaction)?;
        transaction.execute("DELETE FROM entry WHERE sequence BETWEEN ?1 AND ?2", range)?;
        schema::keep_entries(&transaction)?;
        transaction.execute("DELETE FROM sale WHERE sequence BETWEEN ?1 AND ?2", range)?;
        let before = last_shift.as_ref().map_or(segment.last + 1, |shift| shift.opened);
        transaction.execute("DELETE FROM shift WHERE opened < ?1", [db(before)])?;
        index::forget_reports(&transaction, before)?;
        transaction.execute("DELETE FROM countersigned WHERE sequence < ?1", [db(segment.last)])?;
        let files = index::digest(&transaction)?;
        let base = Base::new(segment.end(), last_shift, Some(files), &self.key)?;
        base.write(&transaction)?;
        schema::mark_archived(&transaction)?;
        transaction.commit()?;
        self.archive.base = Some(base);
        Ok(())
    }

    /// `look_at`: so many entries are looked at to find where the journal may be cut, before somebody else has their turn.
    pub(super) fn archive_part(
        &mut self,
        said: Timestamp,
        at_most: u64,
        look_at: u64,
    ) -> Result<Archived, JournalError> {
        let Some(folder) = self.archive.folder.clone() else { return Ok(Archived::default()) };
        let done = self.archive.to();
        let upto = said_before(&self.connection, said)?.min(self.first_held()?.saturating_sub(1));
        if upto <= done {
            return Ok(Archived::default());
        }
        let ahead: Vec<u64> = match self.look_on(upto, look_at)? {
            Some(cuts) => cuts.into_iter().filter(|cut| *cut > done).collect(),
            None => return Ok(Archived { entries: 0, more: true }),
        };
        let near = ahead.iter().rfind(|cut| **cut <= done.saturating_add(at_most));
        let Some(to) = near.or(ahead.first()).copied() else { return Ok(Archived::default()) };
        let entries = self.move_to(&folder, to)?;
        let more = ahead.last().is_some_and(|last| *last > to);
        self.archive.plan = more.then_some(Plan::Found(ahead));
        Ok(Archived { entries, more })
    }
}

impl Archiving for JournalStore {
    fn countersigned_to(&self) -> Result<u64, JournalError> {
        said_before(&self.connection, Timestamp(i64::MAX))
    }

    fn is_archived(&self, sale: u64) -> Result<bool, JournalError> {
        Ok(index::has_sale(&self.connection, sale)?.is_some())
    }

    fn keep_countersigned(&mut self, signed: &Countersigned) -> Result<bool, JournalError> {
        let statement =
            signed.read_unverified().map_err(|error| JournalError::Unreadable(error.to_string()))?;
        if statement.to == 0 || statement.to > self.head.sequence || statement.to <= self.archive.to() {
            return Ok(false);
        }
        let ours = projection::entry(&self.connection, statement.to)?;
        let entry: Entry =
            ours.read_unverified().map_err(|error| JournalError::Unreadable(error.to_string()))?;
        if !statement.is_about(&entry, ours.hash()) {
            return Ok(false);
        }
        let text = serde_json::to_string(signed)?;
        self.note(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO countersigned (sequence, at_ms, statement) VALUES (?1, ?2, ?3)",
                params![db(statement.to), statement.at.0, text],
            )?;
            Ok(true)
        })
    }

    fn archive(&mut self, said_before: Timestamp, at_most: u64) -> Result<Archived, JournalError> {
        self.check_usable()?;
        let done = self.archive_part(said_before, at_most, LOOK_AT);
        self.watch(done)
    }
}
