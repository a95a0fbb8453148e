//! The writer thread: takes what waits, runs it in one transaction, commits, answers.

use super::{SqliteSession, Status};
use crate::database::gather::Gather;
use crate::database::turn::Queued;
use crate::database::{DbError, Inserted, Job, Sql, WaitingRow};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};

/// The most writes that share one commit.
const BATCH: usize = 256;

/// What comes through the queue.
pub(super) enum Work {
    Job(Box<dyn Job>),
    Row(WaitingRow),
    Close(oneshot::Sender<()>),
}

/// One of a batch, with what came of it.
enum Item {
    Job(Box<dyn Job>),
    Row(WaitingRow, Option<Result<Inserted, DbError>>),
}

impl Item {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Job(job) => job.is_wanted(),
            Self::Row(row, _) => row.is_wanted(),
        }
    }

    fn run(&mut self, session: &SqliteSession<'_>) {
        match self {
            Self::Job(job) => job.run(session),
            Self::Row(row, result) => *result = Some(insert(row, session)),
        }
    }

    fn answer(self, fate: Result<(), &DbError>) {
        match self {
            Self::Job(job) => job.answer(fate),
            Self::Row(row, result) => {
                let own = result.unwrap_or_else(|| Err(DbError::NotWritten("its turn did not come".into())));
                // What was said of the row rests on this commit too.
                row.answer(match (fate, own) {
                    (Err(error), Ok(_)) => Err(error.clone()),
                    (_, own) => own,
                });
            }
        }
    }
}

/// One statement: it takes itself back if it fails.
fn insert(row: &WaitingRow, session: &SqliteSession<'_>) -> Result<Inserted, DbError> {
    if !(row.allowed)(session.opening()) {
        return Ok(Inserted::NotAllowed);
    }
    let new = session.execute(row.what.statement(), &row.values)?;
    Ok(if new == 1 { Inserted::Yes } else { Inserted::Conflict })
}

/// The thread's life.
pub(super) fn run(
    mut connection: Connection,
    mut waiting: mpsc::Receiver<Queued<Work>>,
    opening: Option<&str>,
    status: &Status,
) {
    let mut closing = None;
    let mut gather = Gather::default();
    while closing.is_none() {
        let Some(first) = waiting.blocking_recv() else { break };
        let pause = gather.pause();
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        let mut batch = Vec::with_capacity(BATCH.min(waiting.len() + 1));
        let mut next = Some(first);
        while let Some(work) = next.take() {
            match work.begins(&status.waits) {
                Work::Job(job) => batch.push(Item::Job(job)),
                Work::Row(row) => batch.push(Item::Row(row, None)),
                Work::Close(closed) => closing = Some(closed),
            }
            if closing.is_none() && batch.len() < BATCH {
                next = waiting.try_recv().ok();
            }
        }
        gather.committed(batch.len());
        if serve(&mut connection, batch, opening, status) == Room::None {
            make_room(&connection);
        }
    }
    waiting.close();
    let _ = connection.close();
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

/// Whether the disk took what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Enough,
    None,
}

/// The log grows beside the file, and on a full disk keeps what would be free: what it holds is brought into the
/// file's own pages, and the log cut short. If that fails too, the next write says so.
fn make_room(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "a database's disk is full, and its log cannot be cut short yet");
    }
}

fn serve(connection: &mut Connection, mut batch: Vec<Item>, opening: Option<&str>, status: &Status) -> Room {
    batch.retain(Item::is_wanted);
    if batch.is_empty() {
        return Room::Enough;
    }
    let able = status.check().map_err(Failed::from);
    let fate = able.and_then(|()| commit_together(connection, &mut batch, opening, status));
    status.jobs.fetch_add(batch.len() as u64, Ordering::Relaxed);
    for item in batch {
        item.answer(fate.as_ref().copied().map_err(|failed| &failed.error));
    }
    fate.map_or_else(|failed| failed.room, |()| Room::Enough)
}

/// A batch that was not written, or perhaps was.
struct Failed {
    error: DbError,
    room: Room,
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self { error, room: Room::Enough }
    }
}

fn commit_together(
    connection: &mut Connection,
    batch: &mut [Item],
    opening: Option<&str>,
    status: &Status,
) -> Result<(), Failed> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| not_begun(&error, status))?;
    {
        let mut session = SqliteSession::opened(&transaction, opening)?;
        if batch.len() == 1 {
            session = session.of_one_job();
        }
        for item in batch {
            item.run(&session);
            if transaction.is_autocommit() {
                // A full disk or an I/O error makes SQLite take the whole transaction back by itself.
                let error =
                    DbError::NotWritten("the disk is full or failed; the database took it back".into());
                return Err(Failed { error, room: Room::None });
            }
        }
    }
    transaction.commit().map_err(|error| {
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        Failed { error: not_committed(&error, status), room: if is_full { Room::None } else { Room::Enough } }
    })?;
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
