//! One transaction for many that wait: rows first, together; then jobs, in the order of their keys; one COMMIT.

use super::insert::{self, Slot};
use super::lane::Round;
use super::link::Link;
use super::pool::{Pool, Shared, Task};
use super::session::{PostgresSession, READ, WRITE};
use crate::database::{DbError, Job, Query, WaitingRow};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// A waiting write.
pub(super) enum Write {
    Job(Box<dyn Job>),
    Row(WaitingRow),
}

impl Task for Write {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Job(job) => job.is_wanted(),
            Self::Row(row) => row.is_wanted(),
        }
    }

    fn is_job(&self) -> bool {
        matches!(self, Self::Job(_))
    }

    fn fail(self, error: &DbError) {
        match self {
            Self::Job(job) => job.answer(Err(error)),
            Self::Row(row) => row.answer(Err(error.clone())),
        }
    }
}

/// A waiting question.
pub(super) struct Question(pub(super) Box<dyn Query>);

impl Task for Question {
    fn is_wanted(&self) -> bool {
        self.0.is_wanted()
    }

    fn is_job(&self) -> bool {
        false
    }

    fn fail(self, error: &DbError) {
        self.0.fail(error.clone());
    }
}

/// Asks questions, each on a snapshot of its own.
pub(super) fn ask(
    questions: Vec<Question>,
    link: &mut Link,
    runtime: &Runtime,
    pool: &Pool<Question>,
) -> Round<Question> {
    let mut waiting = VecDeque::from(questions);
    while link.lost().is_none()
        && let Some(question) = waiting.pop_front()
    {
        let deadline = Instant::now() + pool.shared.settings.limit();
        match PostgresSession::begin(link, runtime, deadline, READ, None) {
            Ok(session) => {
                question.0.run(&session);
                session.end();
            }
            Err(not) if not.was_closed => {
                waiting.push_front(question);
                return Round { rest: waiting.into(), try_again: true };
            }
            Err(not) => {
                tell_silence(link, pool);
                question.fail(&not.error);
                continue;
            }
        }
        tell_silence(link, pool);
    }
    Round { rest: waiting.into(), try_again: false }
}

fn tell_silence<T: Task>(link: &Link, pool: &Pool<T>) {
    if let Some(reason) = link.lost().filter(|_| link.is_silent()) {
        pool.fell_silent(reason);
    }
}

/// Writes what waits, in one transaction.
pub(super) fn write(
    writes: Vec<Write>,
    link: &mut Link,
    runtime: &Runtime,
    pool: &Pool<Write>,
) -> Round<Write> {
    let shared = &pool.shared;
    let start = Instant::now();
    let deadline = start + shared.settings.limit();
    let session = match PostgresSession::begin(link, runtime, deadline, WRITE, shared.opening) {
        Ok(session) => session,
        Err(not) if not.was_closed => {
            return Round { rest: writes, try_again: true };
        }
        Err(not) => {
            tell_silence(link, pool);
            writes.into_iter().for_each(|write| write.fail(&not.error));
            return Round { rest: Vec::new(), try_again: false };
        }
    };
    let mut batch = Batch::of(writes);
    let fate = batch.run(session, shared, start);
    tell_silence(link, pool);
    if fate.is_ok() {
        shared.commits.fetch_add(1, Ordering::Relaxed);
    }
    Round { rest: batch.answer(fate, shared), try_again: false }
}

struct Batch {
    rows: Vec<Slot>,
    jobs: Vec<Box<dyn Job>>,
    begun: usize,
}

impl Batch {
    fn of(writes: Vec<Write>) -> Self {
        let mut batch = Self { rows: Vec::new(), jobs: Vec::new(), begun: 0 };
        for write in writes {
            match write {
                Write::Row(row) => batch.rows.push(Slot { row, result: None }),
                Write::Job(job) => batch.jobs.push(job),
            }
        }
        batch.jobs.sort_by(|a, b| a.key().cmp(b.key()));
        batch
    }

    fn run(
        &mut self,
        mut session: PostgresSession<'_>,
        shared: &Shared,
        start: Instant,
    ) -> Result<(), DbError> {
        insert::judge(&session, &mut self.rows);
        if insert::together(&session, &mut self.rows).is_err() {
            // One of them cannot go in, or waits for another transaction: the others shall not suffer for it.
            self.rows.iter_mut().for_each(|slot| slot.result = None);
            session.again(shared.opening)?;
            insert::judge(&session, &mut self.rows);
            insert::one_by_one(&session, &mut self.rows);
        }
        let patience = shared.settings.patience();
        for job in &mut self.jobs {
            if session.is_broken() || (self.begun > 0 && start.elapsed() > patience) {
                break;
            }
            self.begun += 1;
            job.run(&session);
        }
        session.commit(guard(shared))
    }

    /// Tells each what came of it; gives back those that were not begun.
    fn answer(self, fate: Result<(), DbError>, shared: &Shared) -> Vec<Write> {
        let fate = fate.as_ref().copied();
        shared.jobs.fetch_add((self.rows.len() + self.begun) as u64, Ordering::Relaxed);
        for slot in self.rows {
            // What was said of the row rests on this commit too.
            slot.row.answer(match (fate, slot.result) {
                (_, Some(Err(own))) => Err(own),
                (Err(error), _) => Err(error.clone()),
                (Ok(()), Some(Ok(own))) => Ok(own),
                (Ok(()), None) => Err(DbError::NotWritten("its turn did not come".into())),
            });
        }
        let mut jobs = self.jobs.into_iter();
        jobs.by_ref().take(self.begun).for_each(|job| job.answer(fate));
        jobs.map(Write::Job).collect()
    }
}

/// Goes right before COMMIT, in the same message: fails in a transaction that has failed, where COMMIT would
/// quietly mean ROLLBACK, and if there must be standbys and nobody waits for them any more.
fn guard(shared: &Shared) -> &'static str {
    if shared.settings.require_synchronous.unwrap_or(0) > 0 {
        "SELECT 1 / CAST(current_setting('synchronous_standby_names') <> '' AS INTEGER)"
    } else {
        "SELECT 1"
    }
}
