//! Moving a tag's orders into another database while they are used.
//!
//! A move is a state machine whose phase stands in the base store; every step may be repeated, and any server goes on
//! where another died. [`fence`] is what makes it safe: both databases know under which epoch the tag is in hand,
//! and refuse whoever comes with an older one; at no instant do two databases take writes for a tag (rule
//! *fenced-homes*). What is copied is read back and compared before it counts.

mod compare;
mod copy;
mod entries;
mod fence;
mod put_back;
mod rows;
#[cfg(test)]
mod tests;
mod turn;
mod worker;

pub use fence::tell;
pub use worker::{Mover, Moving, spawn};

use crate::base_store::{BaseError, MoveRecord};
use crate::database::{Database, DbError, Sql};
use crate::order_group::GroupError;
use evertill_shared::order_number::GroupTag;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Why a step of a move did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum MoveError {
    /// It may work later.
    #[error("{0}")]
    Later(String),
    /// Somebody else has it in hand, or it was told to turn back.
    #[error("the move is in other hands")]
    Overtaken,
    /// A person has to look.
    #[error("{0}")]
    Stop(String),
}

impl From<DbError> for MoveError {
    fn from(error: DbError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<BaseError> for MoveError {
    fn from(error: BaseError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<GroupError> for MoveError {
    fn from(error: GroupError) -> Self {
        Self::Later(error.to_string())
    }
}

/// How far the copying is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// All orders up to this number are copied and compared.
    orders: String,
    /// All journal entries up to this place are copied and compared.
    entries: (i64, i64, i64),
    /// Entries that came late, up to this one, were in the first pass.
    late: i64,
    /// Requests that are forgotten before this time are copied.
    requests: i64,
}

impl Progress {
    fn of(text: &str) -> Self {
        // What cannot be read begins anew: copying twice does no harm.
        serde_json::from_str(text).unwrap_or_default()
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How long a database may take over one answer: one that hangs holds up the move and nobody else.
const ANSWER: Duration = Duration::from_secs(30);

/// One of the two databases of a move.
#[derive(Clone)]
struct Side {
    database: Database,
    /// Which of the two, for people.
    name: &'static str,
}

impl Side {
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Result<T, MoveError> + Send + 'static,
    ) -> Result<T, MoveError> {
        let answer = tokio::time::timeout(ANSWER, self.database.read(query)).await;
        self.named(answer.unwrap_or_else(|_| Err(silent())))
    }

    /// Of a write that did not answer in time nobody knows whether it happens yet: whoever comes later has another
    /// epoch, and the database refuses this one's.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn Sql) -> Result<T, MoveError> + Send + 'static,
    ) -> Result<T, MoveError> {
        let answer = tokio::time::timeout(ANSWER, self.database.write(job)).await;
        self.named(answer.unwrap_or_else(|_| Err(silent())))
    }

    fn named<T>(&self, answer: Result<T, MoveError>) -> Result<T, MoveError> {
        answer.map_err(|error| match error {
            MoveError::Later(problem) => MoveError::Later(format!("the {}: {problem}", self.name)),
            other => other,
        })
    }
}

fn silent() -> MoveError {
    MoveError::Later(format!("no answer within {} s", ANSWER.as_secs()))
}

/// The two databases of a move.
#[derive(Clone)]
struct Ends {
    tag: GroupTag,
    epoch: u64,
    from: Side,
    to: Side,
}

impl Ends {
    fn of(one: &MoveRecord, from: Database, to: Database) -> Self {
        Self { tag: one.tag, epoch: one.epoch, from: Side::old(from), to: Side::new(to) }
    }

    /// What the numbers of this tag's orders look like to `LIKE`.
    fn pattern(&self) -> String {
        format!("%{}", self.tag)
    }
}

impl Side {
    fn old(database: Database) -> Self {
        Self { database, name: "old database" }
    }

    fn new(database: Database) -> Self {
        Self { database, name: "new database" }
    }
}
