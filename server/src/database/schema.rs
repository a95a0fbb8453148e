//! What a database is made of, step by step, on each engine.

use std::path::PathBuf;

/// One step of the schema. Frozen once released: its text is checked against what the database was made with.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1, 2, 3 …
    pub number: u32,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// Its statements, for SQLite.
    pub sqlite: &'static str,
    /// Its statements, for PostgreSQL.
    pub postgres: &'static str,
}

/// What is read at the opening of every write transaction, before any job of it runs.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL: with the locks that keep what was read true until the commit.
    pub postgres: &'static str,
}

/// A kind of database.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Tells this kind from others: SQLite's `application_id`, and a row in PostgreSQL.
    pub application: i32,
    /// Its steps, in order.
    pub migrations: &'static [Migration],
    /// What every write transaction reads first.
    pub opening: Option<Opening>,
}

/// Why a database cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file, or its folder, cannot be reached or written.
    #[error("{} cannot be opened: {error}. Check that its folder exists and may be written", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
    /// It is not a database, or it is damaged.
    #[error("{} is damaged: {detail}. Put a good copy in its place; nothing was changed", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What the check found.
        detail: String,
    },
    /// It is a database of something else.
    #[error("{place} is a database of another kind (application id {found:#x}): name the right one")]
    Foreign {
        /// Which database.
        place: String,
        /// Its application id.
        found: i32,
    },
    /// A later program has written it.
    #[error(
        "{place} was written by a newer version of this program (schema {found}, this one knows {known}): use that version"
    )]
    Newer {
        /// Which database.
        place: String,
        /// Its schema.
        found: u32,
        /// The last that this program knows.
        known: u32,
    },
    /// It was made by other statements than those in this program.
    #[error("{place}: step {number} of its schema differs from this program's: use the version that made it")]
    Changed {
        /// Which database.
        place: String,
        /// Which step.
        number: u32,
    },
    /// A step of the schema failed. The database stays as it was before that step.
    #[error("{place}: step {number} of the schema failed: {error}")]
    Migration {
        /// Which database.
        place: String,
        /// Which step.
        number: u32,
        /// What the database says.
        error: String,
    },
    /// The database's server cannot be used; the text says why and what to do.
    #[error("{place} cannot be used: {problem}")]
    Server {
        /// Which database.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
        /// Whether it may pass by itself or be mended while this program runs.
        may_pass: bool,
    },
}

impl OpenError {
    /// Whether it is worth trying again while this program runs.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Migration { .. } => true,
            Self::Server { may_pass, .. } => *may_pass,
            Self::Damaged { .. } | Self::Foreign { .. } | Self::Newer { .. } | Self::Changed { .. } => false,
        }
    }
}
