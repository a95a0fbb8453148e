//! The database that the order groups are kept in.

mod postgres;
mod sqlite;

use super::cores;
use crate::load::wrong;
use crate::rig::postgres::PostgresNode;
use crate::store_rig::{RigError, RigOptions, StoreRig};
use clap::ValueEnum;
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
    /// A database for each group, and one for the base store, in one PostgreSQL server on the store server's core.
    Postgres,
}

/// What one row costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowCost {
    /// Of processor time, the kernel's share included, on both sides of a connection.
    pub cpu: Duration,
    /// From start to end, waiting for the disk included.
    pub wall: Duration,
}

/// What keeps the databases of a shop, while it runs. Nothing of it is left when it is dropped.
pub(crate) enum Databases {
    /// The server writes the files itself.
    Files,
    /// A server of its own.
    Postgres(Box<PostgresNode>),
}

impl Engine {
    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Starts what it needs, on that core, and gives the settings of a shop of so many groups on it.
    /// # Errors
    /// PostgreSQL does not start.
    pub(crate) fn start(self, groups: u8, core: usize) -> Result<(Databases, RigOptions), RigError> {
        let options = RigOptions { groups, server_core: Some(core), figures: true, ..RigOptions::default() };
        match self {
            Self::Sqlite => Ok((Databases::Files, options)),
            Self::Postgres => {
                let node = cores::on(core, postgres::start).map_err(wrong)??;
                let postgres = postgres::databases(&node, groups)?;
                Ok((Databases::Postgres(Box::new(node)), RigOptions { postgres, ..options }))
            }
        }
    }
}

impl Databases {
    /// Processes of its own, whose time counts as the server's.
    pub(crate) fn processes(&self) -> Vec<u32> {
        match self {
            Self::Files => Vec::new(),
            Self::Postgres(node) => node.processes(),
        }
    }

    /// How many orders the groups of a shop hold, whatever anyone was told. Its server must not run.
    /// # Errors
    /// A group cannot be read.
    pub(crate) fn orders_kept(&self, rig: &StoreRig, groups: u8) -> Result<usize, RigError> {
        (0..groups)
            .map(|tag| match self {
                Self::Files => sqlite::orders_in(&rig.group_file(tag)),
                Self::Postgres(_) => postgres::orders_in(rig, tag),
            })
            .sum()
    }

    /// The price of one row of this size, written in large durable batches into a new database of the same engine, and of
    /// nothing else: no second index, no question asked before. For files, in this folder.
    /// # Errors
    /// The database fails.
    pub(crate) fn row_cost(&self, folder: &Path, bytes: usize) -> Result<RowCost, RigError> {
        match self {
            Self::Files => sqlite::row_cost(&folder.join("rows.db"), bytes),
            Self::Postgres(node) => postgres::row_cost(node, bytes),
        }
    }
}
