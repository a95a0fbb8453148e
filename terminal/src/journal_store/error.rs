//! What can go wrong with the journal, and what to do about it.

use super::records::RuleBroken;
use evertill_shared::journal::ChainError;

/// Why the journal could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file does not hold what was written: a damaged disk, or somebody changed it.
    #[error(
        "the journal is damaged at entry {entry}: {why}. Nothing was changed. Do not sell on this till; keep its disk and call IT"
    )]
    Damaged {
        /// The first entry that is wrong.
        entry: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file is not a readable journal at all.
    #[error("the journal cannot be read: {0}. Nothing was changed. Keep the disk and call IT")]
    Unreadable(String),
    /// Another program has it open.
    #[error("another program has the journal open: close the other till program, then try again")]
    InUse,
    /// It is the journal of another till or key.
    #[error("this journal belongs to {found}, not to {expected}: call IT")]
    Foreign {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// A part of the archive cannot be read or written. The journal itself is not touched by that, and the till sells on.
    #[error(
        "the file {file} of the till's archive cannot be used: {why}. Put it back into the folder {}, or have IT look into its disk; the server has these entries too",
        super::archive::FOLDER
    )]
    Archive {
        /// Which file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// No room on the disk. Nothing was written.
    #[error("the disk is full: nothing was written. Free some space, then try again")]
    DiskFull,
    /// The entry would break a rule of money. Nothing was written.
    #[error(transparent)]
    Rule(#[from] RuleBroken),
    /// The disk did not take it, and whether it is there is not known: open the journal anew.
    #[error("the disk failed while writing: {0}. Start the till again; if it stays, call IT")]
    Io(String),
}

impl JournalError {
    /// Whether the journal must be opened anew before anything else is written.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::DiskFull | Self::Rule(_) | Self::Archive { .. })
    }

    /// The damage that a broken chain means.
    #[must_use]
    pub fn of_chain(entry: u64, error: &ChainError) -> Self {
        Self::Damaged { entry, why: error.to_string() }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        match error.sqlite_error_code() {
            Some(C::DiskFull) => Self::DiskFull,
            Some(C::DatabaseBusy | C::DatabaseLocked) => Self::InUse,
            Some(C::DatabaseCorrupt | C::NotADatabase) => Self::Unreadable(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for JournalError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}
