//! One SQLite file, written by one thread that commits many waiting requests at once (WAL, `synchronous=FULL`),
//! read through a few connections of their own.

mod open;
mod queue;
mod session;

pub use session::SqliteSession;

use super::turn::{Queued, Waits};
use super::{DbError, Engine, Job, OpenError, Query, Schema, Waiting, WaitingRow, WriteCounts};
use queue::Work;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// How many writes may wait. More are refused at once: a queue that only grows helps nobody.
const QUEUE: usize = 2_000;
/// How many reads run at a time.
const READERS: usize = 4;
/// How many reads may wait.
const WAITING_READERS: usize = 2_000;

/// What the writer thread and the handles share.
#[derive(Default)]
struct Status {
    broken: AtomicBool,
    reason: Mutex<String>,
    jobs: AtomicU64,
    commits: AtomicU64,
    waits: Waits,
}

impl Status {
    fn breaks(&self, reason: &str) {
        tracing::error!(reason, "a database takes no more writes");
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        self.broken.store(true, Ordering::Release);
    }

    fn check(&self) -> Result<(), DbError> {
        if self.broken.load(Ordering::Acquire) {
            let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
            return Err(DbError::Broken(reason));
        }
        Ok(())
    }
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    slots: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A file and its writer thread. When it goes, the thread ends.
pub struct SqliteEngine {
    queue: mpsc::Sender<Queued<Work>>,
    status: Arc<Status>,
    readers: Arc<Readers>,
}

impl SqliteEngine {
    /// Opens the file, or makes it: checked, and brought up to the last step of its schema.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do about it.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        let connection = open::writer(path, schema)?;
        let status = Arc::new(Status::default());
        let (queue, waiting) = mpsc::channel(QUEUE);
        let name = path.file_stem().map_or_else(|| "db".into(), |s| s.to_string_lossy().into_owned());
        let for_thread = Arc::clone(&status);
        let opening = schema.opening.map(|opening| opening.sqlite);
        std::thread::Builder::new()
            .name(format!("write {name}"))
            .spawn(move || queue::run(connection, waiting, opening, &for_thread))
            .map_err(|error| OpenError::Io { path: path.to_owned(), error: error.to_string() })?;
        let readers = Readers {
            path: path.to_owned(),
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(READERS)),
            waiting: Arc::new(Semaphore::new(WAITING_READERS)),
        };
        Ok(Self { queue, status, readers: Arc::new(readers) })
    }

    fn enqueue(&self, work: Work) -> Result<(), DbError> {
        self.status.check()?;
        self.queue.try_send(Queued::now(work)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DbError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => DbError::Closed,
        })
    }
}

impl Engine for SqliteEngine {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        self.enqueue(Work::Job(job))
    }

    fn insert(&self, row: WaitingRow) -> Result<(), DbError> {
        self.enqueue(Work::Row(row))
    }

    fn ask(&self, query: Box<dyn Query>) -> Result<(), DbError> {
        let readers = Arc::clone(&self.readers);
        let place = Arc::clone(&readers.waiting).try_acquire_owned().map_err(|_| DbError::Overloaded)?;
        if readers.slots.is_closed() {
            return Err(DbError::Closed);
        }
        // The usual case needs no task of its own to wait in.
        if let Ok(slot) = Arc::clone(&readers.slots).try_acquire_owned() {
            readers.begin(query, slot);
            return Ok(());
        }
        tokio::spawn(async move {
            let _place = place;
            match Arc::clone(&readers.slots).acquire_owned().await {
                Err(_) => query.fail(DbError::Closed),
                Ok(slot) => readers.begin(query, slot),
            }
        });
        Ok(())
    }

    fn health(&self) -> Result<(), DbError> {
        self.status.check()
    }

    fn counts(&self) -> WriteCounts {
        WriteCounts {
            jobs: self.status.jobs.load(Ordering::Relaxed),
            commits: self.status.commits.load(Ordering::Relaxed),
            waited: self.status.waits.sum(),
            waiting: self.queue.max_capacity() - self.queue.capacity(),
        }
    }

    fn close(&self) -> Waiting<'_> {
        Box::pin(async move {
            // Readers first: only if the writer is the last to close does SQLite bring all into the one file.
            let readers = u32::try_from(READERS).unwrap_or(u32::MAX);
            if let Ok(slots) = self.readers.slots.acquire_many(readers).await {
                slots.forget();
            }
            self.readers.slots.close();
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            let (closed, wait) = oneshot::channel();
            if self.queue.send(Queued::now(Work::Close(closed))).await.is_ok() {
                let _ = wait.await;
            }
        })
    }
}

impl Readers {
    fn begin(self: Arc<Self>, query: Box<dyn Query>, slot: OwnedSemaphorePermit) {
        tokio::task::spawn_blocking(move || {
            self.answer(query);
            drop(slot);
        });
    }

    fn answer(&self, query: Box<dyn Query>) {
        if !query.is_wanted() {
            return;
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let opened = idle.map_or_else(|| open::reader(&self.path), Ok);
        let connection = match opened {
            Ok(connection) => connection,
            Err(error) => return query.fail(error.into()),
        };
        match connection.unchecked_transaction() {
            Ok(snapshot) => query.run(&SqliteSession::new(&snapshot)),
            Err(error) => query.fail(error.into()),
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as E;
        let of_the_disk = [
            E::DatabaseBusy,
            E::DatabaseLocked,
            E::ReadOnly,
            E::SystemIoFailure,
            E::DatabaseCorrupt,
            E::DiskFull,
            E::CannotOpen,
            E::NotADatabase,
        ];
        if error.sqlite_error_code().is_some_and(|code| of_the_disk.contains(&code)) {
            Self::NotWritten(error.to_string())
        } else {
            Self::Statement(error.to_string())
        }
    }
}
