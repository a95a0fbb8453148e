//! How a database fails: surely nothing written, perhaps written, or a fault of ours.

/// Why a read or a write has no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// Too many requests wait. Nothing was done.
    #[error("too many requests wait for the database: try again in a moment")]
    Overloaded,
    /// Nothing was written, for the reason given. It may work later.
    #[error("nothing was written: {0}")]
    NotWritten(String),
    /// The commit was begun and its end is not known: it may or may not have happened.
    #[error("it is not known whether the write happened: {0}")]
    Unknown(String),
    /// The database is damaged or cannot be written: nothing more is until someone replaces it.
    #[error("the database takes no more writes: {0}. Check its disk, replace it, and start again")]
    Broken(String),
    /// The database has been closed. Nothing was done.
    #[error("the database is closed: the server is stopping")]
    Closed,
    /// A statement failed that should not have; what it belonged to was taken back.
    #[error("the database refused a statement: {0}")]
    Statement(String),
    /// A value in the database is not what it must be.
    #[error("the database holds a value that makes no sense: {0}")]
    Nonsense(String),
}

impl DbError {
    /// Whether the write may have happened all the same (rule *known-or-unknown*).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// A stored value that cannot be read, with what it should have been.
    pub fn nonsense(what: impl std::fmt::Display) -> Self {
        Self::Nonsense(what.to_string())
    }
}
