//! One SQLite file, written by one thread that commits many waiting requests at once, read through a few
//! connections of their own. The base store and every embedded order group stand on it.
//!
//! A write is a closure over the open transaction. Each runs in a savepoint, so that one that fails takes only
//! its own changes back; one COMMIT (with `synchronous=FULL`) then serves all that waited. Answers, failures
//! included, are given only after that COMMIT: what a closure saw of its neighbours' changes is then durable.
//!
//! ```no_run
//! # use evertill_server::sqlite_writer::{Database, DbError, Migration};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! const MIGRATIONS: &[Migration] =
//!     &[Migration { number: 1, name: "start", sql: "CREATE TABLE t (x INTEGER) STRICT" }];
//! let database = Database::open("t.db".as_ref(), 0x4556_5431, MIGRATIONS)?;
//! let id = database
//!     .write(|tx| -> Result<i64, DbError> {
//!         tx.execute("INSERT INTO t (x) VALUES (?1)", [5])?;
//!         Ok(tx.last_insert_rowid())
//!     })
//!     .await?;
//! let x = database
//!     .read(move |c| -> Result<i64, DbError> {
//!         Ok(c.query_row("SELECT x FROM t WHERE rowid = ?1", [id], |row| row.get(0))?)
//!     })
//!     .await?;
//! # assert_eq!(x, 5);
//! # Ok(()) }
//! ```

mod open;
mod queue;
#[cfg(test)]
mod tests;

pub use open::{Migration, OpenError};

use queue::{Job, Work};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, Transaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many writes may wait. More are refused at once: a queue that only grows helps nobody.
const QUEUE: usize = 2_000;
/// How many reads run at a time.
const READERS: usize = 4;

/// Why a read or a write has no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Too many requests wait. Nothing was done.
    #[error("too many requests wait for the database: try again in a moment")]
    Overloaded,
    /// Nothing was written, for the reason given. It may work later.
    #[error("nothing was written: {0}")]
    NotWritten(String),
    /// The commit was begun and its end is not known: it may or may not have happened.
    #[error("it is not known whether the write happened: {0}")]
    Unknown(String),
    /// The file is damaged or cannot be written: nothing more is until someone replaces it.
    #[error("the database takes no more writes: {0}. Check its disk, replace it, and start again")]
    Broken(String),
    /// The database has been closed. Nothing was done.
    #[error("the database is closed: the server is stopping")]
    Closed,
    /// A statement failed; what it belonged to was taken back.
    #[error("the database refused a statement: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A value in the database is not what it must be.
    #[error("the database holds a value that makes no sense: {0}")]
    Nonsense(String),
}

impl DbError {
    /// Whether the write may have happened all the same (rule *known-or-unknown*).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// A stored value that cannot be read, with what it should have been.
    pub fn nonsense(what: impl std::fmt::Display) -> Self {
        Self::Nonsense(what.to_string())
    }
}

/// How much was written since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCounts {
    /// Closures that ran.
    pub jobs: u64,
    /// Commits that served them.
    pub commits: u64,
}

/// What the writer thread and the handles share.
#[derive(Default)]
struct Status {
    broken: AtomicBool,
    reason: Mutex<String>,
    jobs: AtomicU64,
    commits: AtomicU64,
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

struct Inner {
    path: PathBuf,
    queue: mpsc::Sender<Work>,
    status: Arc<Status>,
    idle_readers: Mutex<Vec<Connection>>,
    reader_slots: Arc<Semaphore>,
}

/// A handle on the file; cheap to clone. When the last one goes, the writer thread ends.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

impl Database {
    /// Opens the file, or makes it: WAL, `synchronous=FULL`, checked, brought up to the last of `migrations`.
    /// `application` is the number that tells what kind of file it is (SQLite's `application_id`).
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do about it.
    pub fn open(path: &Path, application: i32, migrations: &[Migration]) -> Result<Self, OpenError> {
        let connection = open::writer(path, application, migrations)?;
        let status = Arc::new(Status::default());
        let (queue, waiting) = mpsc::channel(QUEUE);
        let name = path.file_stem().map_or_else(|| "db".into(), |s| s.to_string_lossy().into_owned());
        let for_thread = Arc::clone(&status);
        std::thread::Builder::new()
            .name(format!("write {name}"))
            .spawn(move || queue::run(connection, waiting, &for_thread))
            .map_err(|error| OpenError::Io { path: path.to_owned(), error: error.to_string() })?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                queue,
                status,
                idle_readers: Mutex::default(),
                reader_slots: Arc::new(Semaphore::new(READERS)),
            }),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `job` in the next transaction and answers once it is durable. If `job` fails, only its own changes
    /// are taken back. If the caller stops waiting before the job began, it does not run; if it had begun,
    /// whether it happened is unknown to that caller.
    ///
    /// # Errors
    /// What `job` answered, or a [`DbError`] turned into the same type.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.inner.status.check()?;
        let (answer, answered) = oneshot::channel();
        let job: Box<dyn Job> = queue::job(job, answer);
        self.inner.queue.try_send(Work::Job(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DbError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => DbError::Closed,
        })?;
        answered
            .await
            .unwrap_or_else(|_| Err(E::from(DbError::Unknown("the writer ended before it answered".into()))))
    }

    /// Runs `query` on one consistent snapshot of what has been committed.
    ///
    /// # Errors
    /// What `query` answered, or a [`DbError`] turned into the same type.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let slot = Arc::clone(&self.inner.reader_slots).acquire_owned().await;
        let slot = slot.map_err(|_| DbError::Closed)?;
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            inner.read(query)
        });
        done.await.unwrap_or_else(|error| Err(E::from(DbError::NotWritten(error.to_string()))))
    }

    /// Whether writes are taken.
    ///
    /// # Errors
    /// [`DbError::Broken`] with the reason.
    pub fn health(&self) -> Result<(), DbError> {
        self.inner.status.check()
    }

    /// How much was written since the start.
    #[must_use]
    pub fn counts(&self) -> WriteCounts {
        let status = &self.inner.status;
        WriteCounts {
            jobs: status.jobs.load(Ordering::Relaxed),
            commits: status.commits.load(Ordering::Relaxed),
        }
    }

    /// Finishes what waits, then closes the file. Later calls answer [`DbError::Closed`].
    pub async fn close(&self) {
        // Readers first: only if the writer is the last to close does SQLite bring all into the one file.
        let readers = u32::try_from(READERS).unwrap_or(u32::MAX);
        if let Ok(slots) = self.inner.reader_slots.acquire_many(readers).await {
            slots.forget();
        }
        self.inner.reader_slots.close();
        self.inner.idle_readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let (closed, wait) = oneshot::channel();
        if self.inner.queue.send(Work::Close(closed)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

impl Inner {
    fn read<T, E: From<DbError>>(&self, query: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path).map_err(DbError::Sql)?,
        };
        let answer = {
            let snapshot = connection.unchecked_transaction().map_err(DbError::Sql)?;
            query(&snapshot)
        };
        self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        answer
    }
}

/// A number that is never negative, as SQLite keeps it: in 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsigned(pub u64);

impl ToSql for Unsigned {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(self.0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        Ok(ToSqlOutput::from(number))
    }
}

impl FromSql for Unsigned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}
