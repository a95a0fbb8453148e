//! What the groups are opened with.

use crate::database::postgres::PostgresSettings;
use crate::order_group::health::HealthLimits;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::store::StoreInfo;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a group's database must say of itself. The names are random and stand in both stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The base store that it belongs to.
    pub base: String,
    /// The database itself, if it was in use before: then it must be there, and no new one is made.
    pub group: Option<String>,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a SQLite file; made, with its folder, if it is not there and was never in use.
    Sqlite(PathBuf),
    /// In PostgreSQL.
    Postgres(Box<PostgresSettings>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.display().fmt(f),
            Self::Postgres(settings) => f.write_str(&settings.place()),
        }
    }
}

/// Where a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlace {
    /// Its tag.
    pub tag: GroupTag,
    /// Its database.
    pub place: Place,
    /// What it must say of itself.
    pub expected: Expected,
}

/// Time limits and failure counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest that any call of a group may take, in milliseconds, counted here.
    pub call_ms: u64,
    /// With this many failures in a period a group is skipped by new orders.
    pub failures_per_period: u32,
    /// How long a period lasts, in milliseconds.
    pub period_ms: u64,
    /// By how much longer it may last, at random, in milliseconds.
    pub period_jitter_ms: u64,
}

impl Default for Limits {
    /// A second; three failures a minute; ten seconds of jitter.
    fn default() -> Self {
        Self { call_ms: 1_000, failures_per_period: 3, period_ms: 60_000, period_jitter_ms: 10_000 }
    }
}

impl Limits {
    pub(super) fn health(&self) -> HealthLimits {
        HealthLimits {
            failures_per_period: self.failures_per_period,
            period: Duration::from_millis(self.period_ms),
            jitter: Duration::from_millis(self.period_jitter_ms),
            test_timeout: Duration::from_millis(self.call_ms.saturating_mul(2)),
            last_resort_after: Duration::from_secs(1),
        }
    }
}

/// What a [`GroupSet`] is opened with.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// The groups.
    pub groups: Vec<GroupPlace>,
    /// Time limits and failure counting.
    pub limits: Limits,
    /// The store: its zone and cut-off give orders their business day.
    pub store: StoreInfo,
    /// The name of this server, for probe rows and leases.
    pub server: String,
}

/// Why the groups cannot be opened at all. A group whose database is locked or damaged is no such reason: it is
/// reported by [`GroupSet::health`], and the others work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupSetError {
    /// No groups are configured.
    #[error("no order groups are configured: add at least one [[groups]] entry")]
    None,
    /// Two groups have one tag.
    #[error("two order groups have the tag {0}: every group needs its own")]
    TagTwice(GroupTag),
    /// The operating system has no randomness or no threads to give.
    #[error("the system gave no {0}")]
    System(&'static str),
}
