//! The embedded order group: one SQLite file, on the shared writer that commits many requests at once.

mod drafts;
mod give_backs;
mod identity;
mod journals;
mod lists;
mod orders;
mod overview;
mod payments;
mod quarantine;
mod refunds;
mod rows;
#[cfg(test)]
mod tests;

use super::{Expected, GroupError, Guard, OrderGroup, Refusal, Reply};
use crate::sqlite_writer::{Database, DbError, Migration, OpenError};
use evertill_shared::order_number::GroupTag;
use rusqlite::{Connection, ErrorCode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "orders",
        sql: include_str!("../../migrations/sqlite/group_0001_orders.sql"),
    },
    Migration {
        number: 2,
        name: "give_backs",
        sql: include_str!("../../migrations/sqlite/group_0002_give_backs.sql"),
    },
    Migration {
        number: 3,
        name: "identity",
        sql: include_str!("../../migrations/sqlite/group_0003_identity.sql"),
    },
];

/// `EG` and the tag: a group's file put in the place of another's is refused, not served.
fn application_id(tag: GroupTag) -> i32 {
    0x4547_0000 | i32::from(tag.get())
}

/// How long to wait before a file that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(1);

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// Reads and writes.
    Open,
    /// Cannot be opened at the moment, or takes no writes; the text says why.
    Unavailable(String),
}

impl fmt::Display for EngineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Unavailable(why) => f.write_str(why),
        }
    }
}

/// Why a group's file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum OpenFault {
    /// Any database's reasons.
    #[error(transparent)]
    File(#[from] OpenError),
    /// It was there before.
    #[error(
        "{} is gone, with the orders in it: mount its disk or put the file back. It is looked for again every \
         second, and never made anew",
        path.display()
    )]
    Lost { path: PathBuf },
    /// A database, but another.
    #[error(
        "{} is not the file that this group was in before: mount the right disk or put the right file back. If \
         its orders are really lost, take this group out and add one with another tag",
        path.display()
    )]
    NotTheOne { path: PathBuf },
    /// The base store is another, or a new one.
    #[error(
        "{} belongs to another base store: put back the base store that was in use with it. With another one, \
         names of terminals and sales would be used twice, and payments with them",
        path.display()
    )]
    OtherBase { path: PathBuf },
    /// It could not be looked at.
    #[error("{} cannot be read at the moment: {error}", path.display())]
    Unread { path: PathBuf, error: String },
}

impl OpenFault {
    /// Whether it may be mended from outside while this server runs.
    fn may_pass(&self) -> bool {
        match self {
            Self::File(error) => matches!(error, OpenError::Io { .. } | OpenError::Migration { .. }),
            Self::Lost { .. } | Self::NotTheOne { .. } | Self::Unread { .. } => true,
            Self::OtherBase { .. } => false,
        }
    }
}

struct Slot {
    database: OnceLock<Database>,
    identity: OnceLock<String>,
    trouble: Mutex<String>,
}

impl Slot {
    /// Tries to open the file; `true` if there is no point in trying again.
    fn open(&self, file: &Path, tag: GroupTag, expected: &Expected) -> bool {
        match open_the_one(file, tag, expected) {
            Ok((database, identity)) => {
                let _ = self.identity.set(identity);
                let _ = self.database.set(database);
                true
            }
            Err(error) => {
                let text = error.to_string();
                let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                if *trouble != text {
                    tracing::error!(%tag, %error, "an order group cannot be opened");
                }
                *trouble = text;
                !error.may_pass()
            }
        }
    }
}

fn open_the_one(file: &Path, tag: GroupTag, expected: &Expected) -> Result<(Database, String), OpenFault> {
    identity::is_there(file, expected)?;
    let database = Database::open(file, application_id(tag), MIGRATIONS)?;
    let identity = identity::claim(file, expected)?;
    Ok((database, identity))
}

/// One order group in one SQLite file.
pub struct SqliteGroup {
    tag: GroupTag,
    slot: Arc<Slot>,
}

impl SqliteGroup {
    /// Opens the file. One that cannot be opened makes a group that is not available; if the reason may pass (a
    /// lock, a disk that is not there yet), opening is tried again in the background.
    /// # Errors
    /// The system gave no thread.
    pub fn start(tag: GroupTag, file: PathBuf, expected: Expected) -> std::io::Result<Self> {
        let slot = Slot { database: OnceLock::new(), identity: OnceLock::new(), trouble: Mutex::default() };
        let slot = Arc::new(slot);
        if !slot.open(&file, tag, &expected) {
            let weak = Arc::downgrade(&slot);
            std::thread::Builder::new()
                .name(format!("open group {tag}"))
                .spawn(move || reopen(&weak, &file, tag, &expected))?;
        }
        Ok(Self { tag, slot })
    }

    fn database(&self) -> Result<Database, GroupError> {
        self.slot.database.get().cloned().ok_or_else(|| GroupError::Unavailable(self.trouble()))
    }

    fn trouble(&self) -> String {
        self.slot.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `work` in the writer's transaction.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let database = self.database();
        Box::pin(async move { database?.write(move |transaction| work(transaction)).await })
    }

    /// Runs `work` in the writer's transaction, once for this request. The request's id stays used even if the
    /// rules refuse the work: what was refused once is not done later by a replay.
    pub(super) fn write_once<T: Send + 'static>(
        &self,
        guard: Guard,
        work: impl FnOnce(&Connection) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let database = self.database();
        Box::pin(async move {
            let answer: Result<Result<T, Refusal>, GroupError> =
                database?.write(move |transaction| guarded(transaction, &guard, work)).await;
            answer?.map_err(GroupError::Refused)
        })
    }

    /// Runs `query` on what has been committed.
    pub(super) fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let database = self.database();
        Box::pin(async move { database?.read(query).await })
    }
}

impl OrderGroup for SqliteGroup {
    fn identity(&self) -> Option<String> {
        self.slot.identity.get().cloned()
    }

    fn engine(&self) -> EngineState {
        match self.slot.database.get() {
            None => EngineState::Unavailable(self.trouble()),
            Some(database) => database
                .health()
                .map_or_else(|e| EngineState::Unavailable(e.to_string()), |()| EngineState::Open),
        }
    }
}

fn reopen(slot: &Weak<Slot>, file: &Path, tag: GroupTag, expected: &Expected) {
    loop {
        std::thread::sleep(REOPEN);
        let Some(slot) = slot.upgrade() else { return };
        if slot.open(file, tag, expected) {
            return;
        }
    }
}

fn guarded<T>(
    connection: &Connection,
    guard: &Guard,
    work: impl FnOnce(&Connection) -> Result<T, GroupError>,
) -> Result<Result<T, Refusal>, GroupError> {
    let new = connection
        .prepare_cached(
            "INSERT INTO requests (request_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((&guard.request_id, guard.expires_at.0))?;
    if new == 0 {
        return Ok(Err(Refusal::Replayed));
    }
    connection.execute_batch("SAVEPOINT work")?;
    match work(connection) {
        Ok(value) => {
            connection.execute_batch("RELEASE work")?;
            Ok(Ok(value))
        }
        Err(GroupError::Refused(refusal)) => {
            connection.execute_batch("ROLLBACK TO work; RELEASE work")?;
            Ok(Err(refusal))
        }
        Err(other) => Err(other),
    }
}

impl From<DbError> for GroupError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded => Self::Overloaded,
            DbError::NotWritten(_) | DbError::Broken(_) | DbError::Closed => {
                Self::Unavailable(error.to_string())
            }
            DbError::Unknown(_) => Self::Unknown,
            DbError::Sql(error) => Self::from(error),
            DbError::Nonsense(text) => Self::Internal(text),
        }
    }
}

impl From<rusqlite::Error> for GroupError {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode as E;
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
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}
