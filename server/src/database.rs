//! Databases, whatever engine keeps them. All statements of the server are written once, against [`Sql`]; an
//! [`Engine`] runs them: a SQLite file, a PostgreSQL group, or a test's own.
//!
//! A write is a closure over an open transaction. Each can be taken back by itself (by a savepoint, or with the transaction
//! if it is alone in it), so that one that fails takes only its own changes back; one durable COMMIT then serves all that waited. Answers, failures included, are given
//! only after that COMMIT: what a closure saw of its neighbours' changes is then durable. A commit whose end is
//! not known is [`DbError::Unknown`], never failed (rule *known-or-unknown*).
//!
//! Statements keep to what both engines understand: parameters `?1`, `?2` …; columns of whole numbers and text;
//! `ON CONFLICT`; `RETURNING`; no truth values but 0 and 1.
//!
//! ```no_run
//! # use evertill_server::database::{Database, DbError, Migration, Schema};
//! # use evertill_server::params;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! const SCHEMA: Schema = Schema {
//!     application: 0x4556_5431,
//!     migrations: &[Migration {
//!         number: 1,
//!         name: "start",
//!         sqlite: "CREATE TABLE t (x INTEGER) STRICT",
//!         postgres: "CREATE TABLE t (x BIGINT)",
//!     }],
//!     opening: None,
//! };
//! let database = Database::sqlite("t.db".as_ref(), &SCHEMA)?;
//! database.write(|sql| sql.execute("INSERT INTO t (x) VALUES (?1)", &params![5_i64])).await?;
//! let rows = database.read(|sql| sql.rows("SELECT x FROM t", &params![])).await?;
//! # assert_eq!(rows[0].at::<i64>(0)?, 5);
//! # Ok(()) }
//! ```

mod error;
pub(crate) mod gather;
mod insert;
mod job;
pub mod postgres;
mod schema;
pub mod sqlite;
#[cfg(test)]
mod tests;
mod turn;
mod value;

pub use crate::params;
pub use error::DbError;
pub use insert::{Allowed, Insert, Inserted, Kind, WaitingRow};
pub use job::{Job, Query};
pub(crate) use job::{KEEP_PART, PART, TAKE_BACK_PART};
pub use schema::{Migration, OpenError, Opening, Schema};
pub use value::{FromValue, Row, Value};

use evertill_shared::clock::Timestamp;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// An open transaction.
pub trait Sql {
    /// Runs a statement; gives the number of rows that it changed.
    /// # Errors
    /// [`DbError`]: what the job did before is taken back with it.
    fn execute(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError>;
    /// Runs a statement; gives its rows.
    /// # Errors
    /// [`DbError`].
    fn rows(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError>;
    /// Runs statements without parameters. Savepoints are made by the texts in `database/job.rs`.
    /// # Errors
    /// [`DbError`].
    fn script(&self, statements: &str) -> Result<(), DbError>;
    /// A question whose rows nobody else may change until this transaction ends.
    /// # Errors
    /// [`DbError`].
    fn rows_locked(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError>;
    /// What was read at the opening of this transaction; nothing in a question.
    fn opening(&self) -> &[Row];
    /// How long the oldest other write has been going on that has written something and is not seen yet. An engine
    /// with one writer at a time that is seen as soon as it is answered has none.
    /// # Errors
    /// [`DbError`].
    fn oldest_write(&self) -> Result<Duration, DbError> {
        Ok(Duration::ZERO)
    }
    /// What time it is by the clock of a database that several machines share; nothing if it has none but ours.
    /// # Errors
    /// [`DbError`].
    fn time(&self) -> Result<Option<Timestamp>, DbError> {
        Ok(None)
    }
}

impl dyn Sql + '_ {
    /// The first row of an answer.
    /// # Errors
    /// [`DbError`].
    pub fn row(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(statement, parameters)?.into_iter().next())
    }

    /// The first column of the first row of an answer.
    /// # Errors
    /// [`DbError`].
    pub fn value<T: FromValue>(
        &self,
        statement: &str,
        parameters: &[Value<'_>],
    ) -> Result<Option<T>, DbError> {
        self.row(statement, parameters)?.map(|row| row.at(0)).transpose()
    }
}

/// How much was written since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Closures that ran and rows that went in.
    pub jobs: u64,
    /// Commits that served them.
    pub commits: u64,
    /// How long all together waited for their turn.
    pub waited: Duration,
    /// How many wait just now.
    pub waiting: usize,
}

/// A future that somebody else waits for.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What runs the statements. It takes work at once or refuses it; the answers come through the work itself.
pub trait Engine: Send + Sync {
    /// Takes a write.
    /// # Errors
    /// It was not taken, and is gone; the caller's answer says why.
    fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError>;
    /// Takes a row.
    /// # Errors
    /// As [`Engine::submit`].
    fn insert(&self, row: WaitingRow) -> Result<(), DbError>;
    /// Takes a question.
    /// # Errors
    /// As [`Engine::submit`].
    fn ask(&self, query: Box<dyn Query>) -> Result<(), DbError>;
    /// Whether writes are taken, without asking the database.
    /// # Errors
    /// Why not.
    fn health(&self) -> Result<(), DbError>;
    /// How much was written since the start.
    fn counts(&self) -> WriteCounts;
    /// Finishes what waits and lets go of the database.
    fn close(&self) -> Waiting<'_>;
}

/// A handle on a database; cheap to clone. When the last one goes, the engine ends.
#[derive(Clone)]
pub struct Database {
    engine: Arc<dyn Engine>,
}

impl Database {
    /// Opens the SQLite file, or makes it.
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do about it.
    pub fn sqlite(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        Ok(Self::on(Arc::new(sqlite::SqliteEngine::open(path, schema)?)))
    }

    /// Opens the PostgreSQL database: brings it up to the last step of its schema and starts the connections.
    /// Waits for the database, within limits: not for a thread that serves others.
    /// # Errors
    /// [`OpenError`] says what is wrong with the database and what to do about it.
    pub fn postgres(settings: postgres::PostgresSettings, schema: &Schema) -> Result<Self, OpenError> {
        Ok(Self::on(Arc::new(postgres::PostgresEngine::open(settings, schema)?)))
    }

    /// A database on an engine that runs already.
    #[must_use]
    pub fn on(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Runs `job` in the next transaction and answers once it is durable. If `job` fails, only its own changes
    /// are taken back. If the caller stops waiting before the job began, it does not run; if it had begun,
    /// whether it happened is unknown to that caller.
    ///
    /// # Errors
    /// What `job` answered, or a [`DbError`] turned into the same type.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_to(String::new(), job).await
    }

    /// As [`Database::write`], for a job that changes what `key` names and nothing that is named otherwise.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub async fn write_to<T, E, F>(&self, key: String, job: F) -> Result<T, E>
    where
        F: FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.engine.submit(job::job(key, job, answer))?;
        answered.await.unwrap_or_else(|_| Err(E::from(lost())))
    }

    /// Inserts a row in the next transaction and answers once it is durable.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn insert(
        &self,
        what: &'static Insert,
        values: Vec<Value<'static>>,
        allowed: Allowed,
    ) -> Result<Inserted, DbError> {
        let (answer, answered) = oneshot::channel();
        self.engine.insert(WaitingRow::new(what, values, allowed, answer))?;
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Runs `query` on one consistent snapshot of what has been committed, in the database that is written to.
    ///
    /// # Errors
    /// What `query` answered, or a [`DbError`] turned into the same type.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.engine.ask(job::query(query, answer))?;
        answered
            .await
            .unwrap_or_else(|_| Err(E::from(DbError::NotWritten("the database gave no answer".into()))))
    }

    /// Whether writes are taken, without asking the database.
    ///
    /// # Errors
    /// Why not.
    pub fn health(&self) -> Result<(), DbError> {
        self.engine.health()
    }

    /// How much was written since the start.
    #[must_use]
    pub fn counts(&self) -> WriteCounts {
        self.engine.counts()
    }

    /// Finishes what waits, then lets go of the database. Later calls answer [`DbError::Closed`].
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

fn lost() -> DbError {
    DbError::Unknown("the writer ended before it answered".into())
}
