//! What IT and a server say to each other about order groups: adding, draining, moving and retiring them.

use crate::clock::Timestamp;
use crate::order_number::GroupTag;
use serde::{Deserialize, Serialize};

/// Paths; `{…}` is filled in by the caller.
pub mod path {
    /// `GET` → `Vec<`[`super::GroupRow`]`>`; `POST` [`super::AddGroup`] → [`super::GroupRow`].
    pub const GROUPS: &str = "/staff/v1/groups";
    /// `POST` [`super::GroupChange`] → [`super::GroupRow`].
    pub const GROUP: &str = "/staff/v1/groups/{tag}";
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovePhase {
    /// New orders go elsewhere from now on.
    Draining,
    /// Orders are copied, while all of them go on being served where they were.
    Copying,
    /// What changed meanwhile is copied again.
    CatchingUp,
    /// For seconds nothing of this tag is written anywhere: the last changes are copied and all is compared.
    Frozen,
    /// The new home serves the orders; the servers are told.
    Publishing,
    /// The new home serves the orders, and the old one knows.
    Done,
    /// Something is wrong: a person has to look. The orders are served where they were.
    Stopped,
    /// All is put back.
    Aborting,
    /// All is as it was before.
    Aborted,
}

impl MovePhase {
    const ALL: [Self; 9] = [
        Self::Draining,
        Self::Copying,
        Self::CatchingUp,
        Self::Frozen,
        Self::Publishing,
        Self::Done,
        Self::Stopped,
        Self::Aborting,
        Self::Aborted,
    ];

    /// Its word in databases.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Copying => "copying",
            Self::CatchingUp => "catching_up",
            Self::Frozen => "frozen",
            Self::Publishing => "publishing",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Aborting => "aborting",
            Self::Aborted => "aborted",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == word)
    }

    /// Whether some server works on it.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        !matches!(self, Self::Done | Self::Stopped | Self::Aborted)
    }

    /// Whether it can still be put back: until the new home serves the orders.
    #[must_use]
    pub fn can_be_aborted(self) -> bool {
        !matches!(self, Self::Publishing | Self::Done | Self::Aborted)
    }
}

/// A move of a tag's orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRow {
    /// From which database, named by the tag that it was made with.
    pub from: GroupTag,
    /// Into which.
    pub to: GroupTag,
    /// How far it is.
    pub phase: MovePhase,
    /// Orders that are in the new home.
    pub copied: u64,
    /// Orders that there are.
    pub total: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last came on.
    pub updated_at: Timestamp,
    /// What is in its way.
    pub problem: Option<String>,
}

/// An order group: a database, and the tag that it was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The tag.
    pub tag: GroupTag,
    /// Where the database is.
    pub place: String,
    /// Whether the servers use it.
    pub in_use: bool,
    /// `active`, `draining`, `moving` or `serving`: how the tag stands.
    pub standing: String,
    /// The database that serves the tag's orders now.
    pub home: GroupTag,
    /// All tags whose orders this database serves.
    pub serves: Vec<GroupTag>,
    /// The last move of this tag.
    pub last_move: Option<MoveRow>,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupAddress {
    /// A SQLite file, on a disk that all servers of the store have; relative to their data folder.
    File(String),
    /// A PostgreSQL database.
    Postgres {
        /// `host:port` of every server of the group.
        hosts: Vec<String>,
        /// The database's name.
        database: String,
        /// The role to log in as.
        user: String,
        /// A file on the servers that holds the password.
        password_file: Option<String>,
        /// A file on the servers with the root that signs the databases' certificates.
        tls_root: Option<String>,
        /// How many standbys must confirm each commit.
        require_synchronous: Option<u32>,
    },
}

/// Adds a group. A tag is never used again, not even after its group was retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddGroup {
    /// Its tag.
    pub tag: GroupTag,
    /// Its database.
    pub place: GroupAddress,
    /// Why; it stands in the audit trail.
    pub reason: String,
}

/// Changes a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum GroupChange {
    /// New orders go to other groups; all else goes on.
    Drain {
        /// Why.
        reason: String,
    },
    /// Its orders go to the database of another group, while they are used.
    Move {
        /// The tag that the other database was made with.
        to: GroupTag,
        /// Why.
        reason: String,
    },
    /// A drain or a move is taken back.
    Abort {
        /// Why.
        reason: String,
    },
    /// Its database serves nothing any more and is left out by all servers. Its files stay.
    Retire {
        /// Why.
        reason: String,
    },
}
