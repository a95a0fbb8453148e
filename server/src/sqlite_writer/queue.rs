//! The writer thread: takes what waits, runs it in one transaction, commits, answers.

use super::{DbError, Status};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};

/// The most writes that share one commit.
const BATCH: usize = 256;

/// One waiting write.
pub(super) trait Job: Send {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Runs it in a savepoint; keeps its answer back until the commit.
    fn run(&mut self, transaction: &Transaction<'_>);
    /// Gives the answer, or the reason why the whole transaction has none.
    fn answer(self: Box<Self>, fate: Result<(), &DbError>);
}

/// What comes through the queue.
pub(super) enum Work {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

struct Waiting<F, T, E> {
    job: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

/// Wraps a closure and the place for its answer.
pub(super) fn job<F, T, E>(job: F, answer: oneshot::Sender<Result<T, E>>) -> Box<dyn Job>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    Box::new(Waiting { job: Some(job), result: None, answer })
}

impl<F, T, E> Job for Waiting<F, T, E>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, transaction: &Transaction<'_>) {
        let Some(job) = self.job.take() else { return };
        self.result = Some(in_savepoint(transaction, job));
    }

    fn answer(self: Box<Self>, fate: Result<(), &DbError>) {
        let result = match (fate, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(DbError::NotWritten("its turn did not come".into()))),
            // One that failed by itself is told why; only those that would have succeeded share the fate.
            (Err(_), Some(Err(own))) => Err(own),
            (Err(error), _) => Err(E::from(copy(error))),
        };
        let _ = self.answer.send(result);
    }
}

fn in_savepoint<T, E: From<DbError>>(
    transaction: &Transaction<'_>,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    transaction.execute_batch("SAVEPOINT job").map_err(DbError::Sql)?;
    let result = catch_unwind(AssertUnwindSafe(|| job(transaction)))
        .unwrap_or_else(|_| Err(E::from(DbError::NotWritten("the request's own code failed".into()))));
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    // If SQLite has rolled the whole transaction back there is no savepoint left; the batch finds that out.
    match transaction.execute_batch(end) {
        Err(error) if result.is_ok() => Err(E::from(DbError::Sql(error))),
        _ => result,
    }
}

/// `rusqlite::Error` cannot be cloned; its text is enough for those who only share the fate.
fn copy(error: &DbError) -> DbError {
    match error {
        DbError::Overloaded => DbError::Overloaded,
        DbError::Closed => DbError::Closed,
        DbError::Unknown(text) => DbError::Unknown(text.clone()),
        DbError::Broken(text) => DbError::Broken(text.clone()),
        DbError::Nonsense(text) => DbError::Nonsense(text.clone()),
        DbError::NotWritten(text) => DbError::NotWritten(text.clone()),
        DbError::Sql(error) => DbError::NotWritten(error.to_string()),
    }
}

/// The thread's life.
pub(super) fn run(mut connection: Connection, mut waiting: mpsc::Receiver<Work>, status: &Status) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = waiting.blocking_recv() else { break };
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next.take() {
            match work {
                Work::Job(job) => batch.push(job),
                Work::Close(closed) => closing = Some(closed),
            }
            if closing.is_none() && batch.len() < BATCH {
                next = waiting.try_recv().ok();
            }
        }
        serve(&mut connection, batch, status);
    }
    waiting.close();
    let _ = connection.close();
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

fn serve(connection: &mut Connection, mut batch: Vec<Box<dyn Job>>, status: &Status) {
    batch.retain(|job| job.is_wanted());
    if batch.is_empty() {
        return;
    }
    let fate = status.check().and_then(|()| commit_together(connection, &mut batch, status));
    status.jobs.fetch_add(batch.len() as u64, Ordering::Relaxed);
    for job in batch {
        job.answer(fate.as_ref().copied());
    }
}

fn commit_together(
    connection: &mut Connection,
    batch: &mut [Box<dyn Job>],
    status: &Status,
) -> Result<(), DbError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| not_begun(&error, status))?;
    for job in batch {
        job.run(&transaction);
        if transaction.is_autocommit() {
            // A full disk or an I/O error makes SQLite take the whole transaction back by itself.
            return Err(DbError::NotWritten("the disk is full or failed; the database took it back".into()));
        }
    }
    transaction.commit().map_err(|error| not_committed(&error, status))?;
    status.commits.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn not_begun(error: &rusqlite::Error, status: &Status) -> DbError {
    if is_lasting(error) {
        status.breaks(&error.to_string());
        return DbError::Broken(error.to_string());
    }
    DbError::NotWritten(error.to_string())
}

/// A commit that failed may still be in the log and come up again after a crash: unknown, whatever was said.
fn not_committed(error: &rusqlite::Error, status: &Status) -> DbError {
    if is_lasting(error) {
        status.breaks(&error.to_string());
    }
    DbError::Unknown(error.to_string())
}

fn is_lasting(error: &rusqlite::Error) -> bool {
    let lasting = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase, ErrorCode::SystemIoFailure];
    error.sqlite_error_code().is_some_and(|code| lasting.contains(&code))
}
