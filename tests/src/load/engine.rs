//! The database that the order groups are kept in.

use super::usage::cpu_of_this_thread;
use crate::load::wrong;
use crate::store_rig::{RigError, RigOptions, StoreRig};
use clap::ValueEnum;
use evertill_shared::clock::{Clock, SystemClock};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How many rows share a commit when the price of one is taken.
const BATCH: u32 = 256;
/// How many such commits are measured.
const COMMITS: u32 = 80;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A file for each group.
    Sqlite,
}

/// What one row costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowCost {
    /// Of processor time, the kernel's share included.
    pub cpu: Duration,
    /// From start to end, waiting for the disk included.
    pub wall: Duration,
}

impl Engine {
    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
        }
    }

    /// The settings of a shop on this engine.
    #[must_use]
    pub fn options(self) -> RigOptions {
        match self {
            Self::Sqlite => RigOptions::default(),
        }
    }

    /// Processes of its own, whose time counts as the server's.
    pub(crate) fn processes(self) -> Vec<u32> {
        match self {
            Self::Sqlite => Vec::new(),
        }
    }

    /// How many orders the groups of a shop hold, whatever anyone was told.
    /// # Errors
    /// A group cannot be read.
    pub(crate) fn orders_kept(self, rig: &StoreRig, groups: u8) -> Result<usize, RigError> {
        match self {
            Self::Sqlite => (0..groups).map(|tag| orders_in(&rig.group_file(tag))).sum(),
        }
    }

    /// The price of one row of this size, written in large durable batches into a new database in this folder, and of
    /// nothing else: no second index, no question asked before.
    /// # Errors
    /// The database fails.
    pub(crate) fn row_cost(self, folder: &Path, bytes: usize) -> Result<RowCost, RigError> {
        match self {
            Self::Sqlite => sqlite_row(&folder.join("rows.db"), bytes).map_err(wrong),
        }
    }
}

fn orders_in(file: &Path) -> Result<usize, RigError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(wrong)?;
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let orders = connection.query_row("SELECT count(*) FROM orders", [], count).map_err(wrong)?;
    usize::try_from(orders).map_err(wrong)
}

fn sqlite_row(file: &Path, bytes: usize) -> rusqlite::Result<RowCost> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("CREATE TABLE rows (number TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT")?;
    let text = "x".repeat(bytes.saturating_sub(25));
    let mut next = 0_u64;
    let mut commits = |count: u32, connection: &mut Connection| -> rusqlite::Result<()> {
        for _ in 0..count {
            let transaction = connection.transaction()?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO rows (number, text) VALUES (?1, ?2)")?;
                for _ in 0..BATCH {
                    next += 1;
                    insert.execute((format!("{next:025}"), &text))?;
                }
            }
            transaction.commit()?;
        }
        Ok(())
    };
    commits(COMMITS / 4, &mut connection)?;
    let (cpu, wall) = (cpu_of_this_thread(), SystemClock.monotonic());
    commits(COMMITS, &mut connection)?;
    let rows = BATCH * COMMITS;
    Ok(RowCost {
        cpu: cpu_of_this_thread().saturating_sub(cpu) / rows,
        wall: SystemClock.monotonic().saturating_sub(wall) / rows,
    })
}
