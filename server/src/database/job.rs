//! What waits for a database: closures over an open transaction, with the place for their answers.

use super::{DbError, Sql};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;

/// One waiting write.
pub trait Job: Send {
    /// Whether somebody still waits for it. One that nobody waits for is not begun.
    fn is_wanted(&self) -> bool;
    /// What it changes, if it changes one thing: jobs that share a transaction run in the order of their keys,
    /// so that two servers never wait for each other's locks.
    fn key(&self) -> &str;
    /// Runs it so that it can be taken back by itself; keeps its answer back until the commit.
    fn run(&mut self, sql: &dyn Sql);
    /// Gives the answer, or the reason why the whole transaction has none.
    fn answer(self: Box<Self>, fate: Result<(), &DbError>);
}

/// One waiting question.
pub trait Query: Send {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Asks it and answers.
    fn run(self: Box<Self>, sql: &dyn Sql);
    /// Answers that it could not be asked.
    fn fail(self: Box<Self>, error: DbError);
}

/// Begins what can be taken back by itself. An engine may know these texts, and save itself the way.
pub(super) const SAVEPOINT: &str = "SAVEPOINT job";
/// Keeps what was done since.
pub(super) const KEEP: &str = "RELEASE SAVEPOINT job";
/// Takes back what was done since.
pub(super) const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job";

/// Begins a part of a job that can be taken back by itself.
pub(crate) const PART: &str = "SAVEPOINT part";
/// Keeps that part.
pub(crate) const KEEP_PART: &str = "RELEASE SAVEPOINT part";
/// Takes that part back. Where a job has a transaction to itself, an engine may take back all that the job did: what the job
/// wrote before the part and wants to keep, it writes again.
pub(crate) const TAKE_BACK_PART: &str = "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part";

struct WaitingJob<F, T, E> {
    job: Option<F>,
    key: String,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

/// Wraps a closure and the place for its answer.
pub(super) fn job<F, T, E>(key: String, job: F, answer: oneshot::Sender<Result<T, E>>) -> Box<dyn Job>
where
    F: FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    Box::new(WaitingJob { job: Some(job), key, result: None, answer })
}

impl<F, T, E> Job for WaitingJob<F, T, E>
where
    F: FnOnce(&dyn Sql) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn key(&self) -> &str {
        &self.key
    }

    fn run(&mut self, sql: &dyn Sql) {
        let Some(job) = self.job.take() else { return };
        self.result = Some(in_savepoint(sql, job));
    }

    fn answer(self: Box<Self>, fate: Result<(), &DbError>) {
        let result = match (fate, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(DbError::NotWritten("its turn did not come".into()))),
            // One that failed by itself is told why; only those that would have succeeded share the fate.
            (Err(_), Some(Err(own))) => Err(own),
            (Err(error), _) => Err(E::from(error.clone())),
        };
        let _ = self.answer.send(result);
    }
}

fn in_savepoint<T, E: From<DbError>>(
    sql: &dyn Sql,
    job: impl FnOnce(&dyn Sql) -> Result<T, E>,
) -> Result<T, E> {
    sql.script(SAVEPOINT)?;
    let result = catch_unwind(AssertUnwindSafe(|| job(sql)))
        .unwrap_or_else(|_| Err(E::from(DbError::NotWritten("the request's own code failed".into()))));
    let end = if result.is_ok() { KEEP } else { TAKE_BACK };
    // If the engine has taken the whole transaction back there is no savepoint left; the batch finds that out.
    match sql.script(end) {
        Err(error) if result.is_ok() => Err(E::from(error)),
        _ => result,
    }
}

struct WaitingQuery<F, T, E> {
    query: F,
    answer: oneshot::Sender<Result<T, E>>,
}

/// Wraps a question and the place for its answer.
pub(super) fn query<F, T, E>(query: F, answer: oneshot::Sender<Result<T, E>>) -> Box<dyn Query>
where
    F: FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    Box::new(WaitingQuery { query, answer })
}

impl<F, T, E> Query for WaitingQuery<F, T, E>
where
    F: FnOnce(&dyn Sql) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>, sql: &dyn Sql) {
        let Self { query, answer } = *self;
        let result = catch_unwind(AssertUnwindSafe(|| query(sql)))
            .unwrap_or_else(|_| Err(E::from(DbError::NotWritten("the request's own code failed".into()))));
        let _ = answer.send(result);
    }

    fn fail(self: Box<Self>, error: DbError) {
        let _ = self.answer.send(Err(E::from(error)));
    }
}
