//! A till's disk: what was committed on it stays, whatever becomes of the program. It can be full, fail, and be put
//! back to an older image.

use super::model::Model;
use super::mutation::Mutation;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Body, Head, SignedEntry};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::countersign::Countersigned;
use evertill_shared::receipt::Receipt;
use evertill_shared::shift::Shift;
use evertill_shared::signing::SigningKey;
use evertill_terminal::journal_store::records::{RefundRecord, SaleRecord};
use evertill_terminal::journal_store::{
    Archived, Archiving, Carts, HeldSale, Journal, JournalError, JournalStore, KeptCart, PrintJob,
    PrintJobState, QueuedSale, SalesWanted, StoredSale, Unsent,
};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// It is full: nothing is written.
    Full,
    /// The next write fails, and did not happen.
    FailsBefore,
    /// The next write fails, and happened all the same.
    FailsAfter,
}

/// A till's disk.
pub struct Disk {
    name: String,
    /// Keeps the file in memory alive while no program has it open.
    keeper: Connection,
    fault: Arc<Mutex<Option<DiskFault>>>,
}

static DISKS: AtomicU64 = AtomicU64::new(0);

fn open(name: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:/{name}?vfs=memdb"), flags)
}

impl Disk {
    /// An empty disk.
    pub fn new() -> rusqlite::Result<Self> {
        let name = format!("till-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        Ok(Self { keeper: open(&name)?, name, fault: Arc::default() })
    }

    /// Breaks it, or mends it.
    pub fn set_fault(&self, fault: Option<DiskFault>) {
        *lock(&self.fault) = fault;
    }

    /// A copy of what is on it.
    pub fn image(&self) -> rusqlite::Result<Connection> {
        let mut image = Connection::open_in_memory()?;
        Backup::new(&self.keeper, &mut image)?.run_to_completion(10_000, Duration::ZERO, None)?;
        Ok(image)
    }

    /// Puts it back to what it was. No program may have it open.
    pub fn put_back(&mut self, image: &Connection) -> rusqlite::Result<()> {
        Backup::new(image, &mut self.keeper)?.run_to_completion(10_000, Duration::ZERO, None)
    }

    /// Opens the journal on it.
    pub fn journal(
        &self,
        start: Head,
        key: Arc<SigningKey>,
        now: Timestamp,
        (model, mutation): (Arc<Mutex<Model>>, Option<Mutation>),
    ) -> Result<Box<dyn Journal>, JournalError> {
        let connection = open(&self.name)?;
        let inner = JournalStore::on(connection, start, key, now)?;
        lock(&model).journal_opened(&inner);
        let fault = Arc::clone(&self.fault);
        Ok(Box::new(WatchedJournal { inner, fault, failed: false, model, mutation }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn disk_failed() -> JournalError {
    JournalError::Io("the disk failed".into())
}

/// The real journal on a disk that fails, watched from outside.
struct WatchedJournal {
    inner: JournalStore,
    fault: Arc<Mutex<Option<DiskFault>>>,
    /// A write failed: nothing more is read or written before the file is opened anew.
    failed: bool,
    model: Arc<Mutex<Model>>,
    mutation: Option<Mutation>,
}

impl WatchedJournal {
    fn readable(&self) -> Result<&JournalStore, JournalError> {
        if self.failed { Err(disk_failed()) } else { Ok(&self.inner) }
    }

    /// Writes, as far as the disk lets it. After a failed write the journal must be opened anew, as after a real one.
    fn guarded<T>(
        &mut self,
        write: impl FnOnce(&mut JournalStore) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let fault = *lock(&self.fault);
        self.readable()?;
        self.failed = matches!(fault, Some(DiskFault::FailsBefore | DiskFault::FailsAfter));
        match fault {
            None => write(&mut self.inner),
            Some(DiskFault::Full) => Err(JournalError::DiskFull),
            Some(DiskFault::FailsBefore) => {
                *lock(&self.fault) = None;
                Err(disk_failed())
            }
            Some(DiskFault::FailsAfter) => {
                *lock(&self.fault) = None;
                write(&mut self.inner)?;
                Err(disk_failed())
            }
        }
    }
}

impl Archiving for WatchedJournal {
    fn countersigned_to(&self) -> Result<u64, JournalError> {
        self.readable()?.countersigned_to()
    }
    fn is_archived(&self, sale: u64) -> Result<bool, JournalError> {
        self.readable()?.is_archived(sale)
    }
    fn keep_countersigned(&mut self, signed: &Countersigned) -> Result<bool, JournalError> {
        self.guarded(|journal| journal.keep_countersigned(signed))
    }
    fn archive(&mut self, said_before: Timestamp, at_most: u64) -> Result<Archived, JournalError> {
        self.guarded(|journal| journal.archive(said_before, at_most))
    }
}

impl Carts for WatchedJournal {
    fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError> {
        self.readable()?.kept_cart()
    }

    fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError> {
        self.guarded(|journal| journal.keep_cart(record))
    }

    fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError> {
        let held = self.guarded(|journal| journal.hold(name, record, at));
        if let Ok(id) = held {
            lock(&self.model).held(self.inner.head().terminal, id);
        }
        held
    }

    fn recall(&mut self, id: u64) -> Result<bool, JournalError> {
        let recalled = self.guarded(|journal| journal.recall(id));
        if matches!(recalled, Ok(true)) {
            lock(&self.model).recalled(self.inner.head().terminal, id);
        }
        recalled
    }

    fn held(&self) -> Result<Vec<HeldSale>, JournalError> {
        self.readable()?.held()
    }
}

impl Journal for WatchedJournal {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn append(&mut self, body: &Body, at: Timestamp) -> Result<u64, JournalError> {
        let forgets =
            self.mutation == Some(Mutation::ForgetsThePart) && matches!(body, Body::CashPart { .. });
        let done = match forgets {
            true => {
                Mutation::ForgetsThePart.fires(0);
                Ok(self.inner.head().sequence)
            }
            false => self.guarded(|journal| journal.append(body, at)),
        };
        lock(&self.model).journal_written(&self.inner, body, &done);
        done
    }

    fn entry(&self, sequence: u64) -> Result<SignedEntry, JournalError> {
        self.readable()?.entry(sequence)
    }

    fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<SignedEntry>, JournalError> {
        self.readable()?.entries_after(sequence, limit)
    }

    fn sale(&self, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
        self.readable()?.sale(sequence)
    }

    fn open_sales(&self) -> Result<Vec<SaleRecord>, JournalError> {
        self.readable()?.open_sales()
    }

    fn recent_sales(&self, limit: usize) -> Result<Vec<StoredSale>, JournalError> {
        self.readable()?.recent_sales(limit)
    }

    fn find_sales(&self, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError> {
        self.readable()?.find_sales(wanted)
    }

    fn nearest_sale(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, JournalError> {
        self.readable()?.nearest_sale(from, until)
    }

    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<StoredSale>, JournalError> {
        self.readable()?.sale_of_order(number)
    }

    fn queue(&self) -> Result<Vec<QueuedSale>, JournalError> {
        self.readable()?.queue()
    }
    fn unsent(&self) -> Result<Unsent, JournalError> {
        self.readable()?.unsent()
    }

    fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> Result<(), JournalError> {
        self.guarded(|journal| journal.confirm_sale(sequence, quarantined))
    }

    fn refund(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
        self.readable()?.refund(id)
    }

    fn open_refunds(&self) -> Result<Vec<RefundRecord>, JournalError> {
        self.readable()?.open_refunds()
    }

    fn refunds_of(&self, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
        self.readable()?.refunds_of(number)
    }

    fn last_shift(&self) -> Result<Option<Shift>, JournalError> {
        self.readable()?.last_shift()
    }

    fn last_closed_shift(&self) -> Result<Option<Shift>, JournalError> {
        self.readable()?.last_closed_shift()
    }

    fn handed_in(&self) -> Result<u64, JournalError> {
        self.readable()?.handed_in()
    }

    fn set_handed_in(&mut self, sequence: u64) -> Result<(), JournalError> {
        self.guarded(|journal| journal.set_handed_in(sequence))
    }

    fn new_print_job(
        &mut self,
        about: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<PrintJob, JournalError> {
        self.guarded(|journal| journal.new_print_job(about, receipt, at))
    }

    fn set_print_job(&mut self, id: u64, state: PrintJobState) -> Result<(), JournalError> {
        self.guarded(|journal| journal.set_print_job(id, state))
    }

    fn last_print_job(&self, about: &str) -> Result<Option<PrintJob>, JournalError> {
        self.readable()?.last_print_job(about)
    }

    fn copies(&self, about: &str) -> Result<u32, JournalError> {
        self.readable()?.copies(about)
    }

    fn fact(&self, name: &str) -> Result<Option<String>, JournalError> {
        self.readable()?.fact(name)
    }

    fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, JournalError> {
        self.readable()?.facts(prefix)
    }

    fn set_fact(&mut self, name: &str, value: Option<&str>) -> Result<(), JournalError> {
        self.guarded(|journal| journal.set_fact(name, value))
    }

    fn has_room(&mut self) -> bool {
        *lock(&self.fault) != Some(DiskFault::Full) && self.inner.has_room()
    }
}
