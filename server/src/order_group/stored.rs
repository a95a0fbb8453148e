//! One order group in one database, on whatever engine: many requests share a commit, and each has the group's
//! rules checked on what stands there.

mod books;
mod day_books;
mod drafts;
mod give_backs;
mod given_back;
mod identity;
mod journals;
mod ledger;
mod lists;
mod open;
mod orders;
mod outbox;
mod overview;
mod payments;
mod quarantine;
mod refunds;
mod rows;
mod scan;
pub(crate) use rows::{served_by, served_by_values};
mod tags;
#[cfg(test)]
mod tests;

pub use open::GroupOpenError;

use super::{Expected, GroupError, Guard, OrderGroup, Place, Refusal, Reply};
use crate::database::{Database, DbError, KEEP_PART, Migration, Opening, PART, Schema, Sql, TAKE_BACK_PART};
use crate::params;
use books::Books;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use open::Slot;
use std::fmt;
use std::sync::Arc;

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "orders",
        sqlite: include_str!("../../migrations/sqlite/group_0001_orders.sql"),
        postgres: include_str!("../../migrations/postgres/group_0001_orders.sql"),
    },
    Migration {
        number: 2,
        name: "give_backs",
        sqlite: include_str!("../../migrations/sqlite/group_0002_give_backs.sql"),
        postgres: include_str!("../../migrations/postgres/group_0002_give_backs.sql"),
    },
    Migration {
        number: 3,
        name: "identity",
        sqlite: include_str!("../../migrations/sqlite/group_0003_identity.sql"),
        postgres: include_str!("../../migrations/postgres/group_0003_identity.sql"),
    },
    Migration {
        number: 4,
        name: "homes",
        sqlite: include_str!("../../migrations/sqlite/group_0004_homes.sql"),
        postgres: include_str!("../../migrations/postgres/group_0004_homes.sql"),
    },
    Migration {
        number: 5,
        name: "late_entries",
        sqlite: include_str!("../../migrations/sqlite/group_0005_late_entries.sql"),
        postgres: include_str!("../../migrations/postgres/group_0005_late_entries.sql"),
    },
    Migration {
        number: 6,
        name: "cashiers",
        sqlite: include_str!("../../migrations/sqlite/group_0006_cashiers.sql"),
        postgres: include_str!("../../migrations/postgres/group_0006_cashiers.sql"),
    },
    Migration {
        number: 7,
        name: "no_day_index",
        sqlite: include_str!("../../migrations/sqlite/group_0007_no_day_index.sql"),
        postgres: include_str!("../../migrations/postgres/group_0007_no_day_index.sql"),
    },
    Migration {
        number: 8,
        name: "ledger",
        sqlite: include_str!("../../migrations/sqlite/group_0008_ledger.sql"),
        postgres: include_str!("../../migrations/postgres/group_0008_ledger.sql"),
    },
    Migration {
        number: 9,
        name: "shown_codes",
        sqlite: include_str!("../../migrations/sqlite/group_0009_shown_codes.sql"),
        postgres: include_str!("../../migrations/postgres/group_0009_shown_codes.sql"),
    },
    Migration {
        number: 10,
        name: "second_looks",
        sqlite: include_str!("../../migrations/sqlite/group_0010_second_looks.sql"),
        postgres: include_str!("../../migrations/postgres/group_0010_second_looks.sql"),
    },
    Migration {
        number: 11,
        name: "accounts",
        sqlite: include_str!("../../migrations/sqlite/group_0011_accounts.sql"),
        postgres: include_str!("../../migrations/postgres/group_0011_accounts.sql"),
    },
    Migration {
        number: 12,
        name: "refunds_asked",
        sqlite: include_str!("../../migrations/sqlite/group_0012_refunds_asked.sql"),
        postgres: include_str!("../../migrations/postgres/group_0012_refunds_asked.sql"),
    },
    Migration {
        number: 13,
        name: "rounds",
        sqlite: include_str!("../../migrations/sqlite/group_0013_rounds.sql"),
        postgres: include_str!("../../migrations/postgres/group_0013_rounds.sql"),
    },
    Migration {
        number: 14,
        name: "parts_in_cash",
        sqlite: include_str!("../../migrations/sqlite/group_0014_parts_in_cash.sql"),
        postgres: include_str!("../../migrations/postgres/group_0014_parts_in_cash.sql"),
    },
    Migration {
        number: 15,
        name: "interface",
        sqlite: include_str!("../../migrations/sqlite/group_0015_interface.sql"),
        postgres: include_str!("../../migrations/postgres/group_0015_interface.sql"),
    },
    Migration {
        number: 16,
        name: "newer_facts",
        sqlite: include_str!("../../migrations/sqlite/group_0016_newer_facts.sql"),
        postgres: include_str!("../../migrations/postgres/group_0016_newer_facts.sql"),
    },
];

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

/// One order group in one database.
pub struct StoredGroup {
    tag: GroupTag,
    slot: Arc<Slot>,
}

impl StoredGroup {
    /// What a group's database is made of. `EG` and the tag name its kind: the database of another group, put in
    /// its place, is refused and not served.
    #[must_use]
    pub fn schema(tag: GroupTag) -> Schema {
        Schema {
            application: 0x4547_0000 | i32::from(tag.get()),
            migrations: MIGRATIONS,
            opening: Some(Opening {
                sqlite: "SELECT tag, state, epoch FROM tags",
                // Shared: the tags stay as they were read until the commit.
                postgres: "SELECT tag, state, epoch FROM tags ORDER BY tag FOR SHARE",
            }),
        }
    }

    /// Opens the database. One that cannot be opened, or takes long, makes a group that is not available; if the
    /// reason may pass (a lock, a disk that is not there yet), opening is tried again in the background.
    /// # Errors
    /// The system gave no thread.
    pub fn start(tag: GroupTag, place: Place, expected: Expected) -> std::io::Result<Self> {
        Ok(Self { tag, slot: Slot::start(tag, place, expected)? })
    }

    /// The group in a database that is open already, of the kind that [`StoredGroup::schema`] names.
    /// # Errors
    /// It is not the database that is expected, or cannot be used.
    pub async fn on(tag: GroupTag, database: Database, expected: &Expected) -> Result<Self, GroupOpenError> {
        let identity = identity::claim(&database, tag, expected).await?;
        Ok(Self { tag, slot: Slot::filled(database, identity) })
    }

    fn database(&self) -> Result<Database, GroupError> {
        self.slot.database().ok_or_else(|| GroupError::Unavailable(self.slot.trouble()))
    }

    /// Runs `work` in a writing transaction, if this database serves the order; tells at the end what changed.
    fn write<T: Send + 'static>(
        &self,
        number: OrderNumber,
        work: impl FnOnce(&Books<'_>) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let database = self.database();
        Box::pin(async move {
            let job = move |sql: &dyn Sql| {
                tags::served(sql.opening(), number.tag())?;
                Books::keep(sql, work)
            };
            database?.write_to(number.to_string(), job).await
        })
    }

    /// As [`StoredGroup::write`], once for this request. The request's id stays used even if the rules refuse the
    /// work: what was refused once is not done later by a replay.
    fn write_once<T: Send + 'static>(
        &self,
        number: OrderNumber,
        guard: Guard,
        work: impl FnOnce(&Books<'_>) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let database = self.database();
        Box::pin(async move {
            let job = move |sql: &dyn Sql| {
                tags::served(sql.opening(), number.tag())?;
                guarded(sql, &guard, work)
            };
            let answer: Result<Result<T, Refusal>, GroupError> =
                database?.write_to(number.to_string(), job).await;
            answer?.map_err(GroupError::Refused)
        })
    }

    /// Runs `work` in a writing transaction, if this database serves the group's tag. It changes no order.
    fn write_beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Sql) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let (database, tag) = (self.database(), self.tag);
        Box::pin(async move {
            let job = move |sql: &dyn Sql| {
                tags::served(sql.opening(), tag)?;
                work(sql)
            };
            database?.write(job).await
        })
    }

    /// Runs `query` on what has been committed, if the group's orders are here.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Result<T, GroupError> + Send + 'static,
    ) -> Reply<T> {
        let (database, tag) = (self.database(), self.tag);
        Box::pin(async move {
            let query = move |sql: &dyn Sql| {
                tags::readable(sql, tag)?;
                query(sql)
            };
            database?.read(query).await
        })
    }

    /// What the numbers of this group's orders look like to `LIKE`: a database may hold other groups' orders too.
    fn pattern(&self) -> String {
        format!("%{}", self.tag)
    }
}

impl OrderGroup for StoredGroup {
    fn identity(&self) -> Option<String> {
        self.slot.identity()
    }

    fn engine(&self) -> EngineState {
        match self.slot.database() {
            None => EngineState::Unavailable(self.slot.trouble()),
            Some(database) => database
                .health()
                .map_or_else(|e| EngineState::Unavailable(e.to_string()), |()| EngineState::Open),
        }
    }

    fn serving(&self, tag: GroupTag) -> Arc<dyn OrderGroup> {
        Arc::new(Self { tag, slot: Arc::clone(&self.slot) })
    }

    fn database(&self) -> Result<Database, GroupError> {
        Self::database(self)
    }
}

fn guarded<T>(
    sql: &dyn Sql,
    guard: &Guard,
    work: impl FnOnce(&Books<'_>) -> Result<T, GroupError>,
) -> Result<Result<T, Refusal>, GroupError> {
    if !use_up(sql, guard)? {
        return Ok(Err(Refusal::Replayed));
    }
    sql.script(PART)?;
    match Books::keep(sql, work) {
        Ok(value) => {
            sql.script(KEEP_PART)?;
            Ok(Ok(value))
        }
        Err(GroupError::Refused(refusal)) => {
            sql.script(TAKE_BACK_PART)?;
            // The engine may have taken it back with the rest.
            use_up(sql, guard)?;
            Ok(Err(refusal))
        }
        Err(other) => Err(other),
    }
}

/// Writes down that a request with this id was here; whether it is the first.
fn use_up(sql: &dyn Sql, guard: &Guard) -> Result<bool, DbError> {
    let new = sql.execute(
        "INSERT INTO requests (request_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        &params![&guard.request_id, guard.expires_at.0],
    )?;
    Ok(new == 1)
}

impl From<DbError> for GroupError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded => Self::Overloaded,
            DbError::NotWritten(_) | DbError::Broken(_) | DbError::Closed => {
                Self::Unavailable(error.to_string())
            }
            DbError::Unknown(reason) => Self::Unknown(reason),
            DbError::Statement(_) | DbError::Nonsense(_) => Self::Internal(error.to_string()),
        }
    }
}
