//! Which databases of a shop are in PostgreSQL, and which are files.

use super::{RigError, StoreRig};
use crate::process::wait_until;
use crate::rig::Failure;
use crate::rig::postgres::{Conninfo, Login, Pending, PostgresNode};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The databases of a shop that are in PostgreSQL. Those that are not named here are files.
#[derive(Clone, Debug)]
pub struct InPostgres {
    /// The base store's.
    pub base: Option<Conninfo>,
    /// The groups', by their tags.
    pub groups: BTreeMap<u8, Conninfo>,
    /// How many standbys must confirm each commit.
    pub require_synchronous: Option<u32>,
    /// How many connections write, and how many read, in each database.
    pub lanes: u8,
}

impl Default for InPostgres {
    fn default() -> Self {
        Self { base: None, groups: BTreeMap::new(), require_synchronous: None, lanes: 4 }
    }
}

impl InPostgres {
    /// The base store and so many groups, each in a new database of one server.
    /// # Errors
    /// A database cannot be made.
    pub fn all(node: &PostgresNode, shop: &str, groups: u8) -> Result<Self, Failure> {
        let base = Some(node.create_database(&format!("{shop}_base"))?);
        let made = (0..groups).map(|tag| Ok((tag, node.create_database(&format!("{shop}_group_{tag:02}"))?)));
        Ok(Self { base, groups: made.collect::<Result<_, Failure>>()?, lanes: 2, ..Self::default() })
    }

    /// One group in PostgreSQL, whose commits standbys confirm; all else in files.
    #[must_use]
    pub fn one_group(tag: u8, database: Conninfo) -> Self {
        Self { groups: [(tag, database)].into(), require_synchronous: Some(1), ..Self::default() }
    }

    /// The setting for one of them.
    pub(super) fn setting(&self, folder: &Path, name: &str, at: &Conninfo) -> Result<toml::Value, RigError> {
        let file = format!("{name}.password");
        write_secret(&folder.join(&file), at.password.expose())?;
        let mut table = toml::Table::new();
        let hosts: Vec<toml::Value> = at.addresses.iter().map(|host| host.to_string().into()).collect();
        table.insert("hosts".into(), hosts.into());
        for (key, value) in [("database", &at.database), ("user", &at.user), ("password_file", &file)] {
            table.insert(key.into(), value.clone().into());
        }
        for key in ["writers", "readers"] {
            table.insert(key.into(), i64::from(self.lanes).into());
        }
        if let Some(count) = self.require_synchronous {
            table.insert("require_synchronous".into(), i64::from(count).into());
        }
        Ok(table.into())
    }
}

fn write_secret(path: &Path, text: &str) -> Result<(), RigError> {
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(path);
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        std::io::Write::write_all(&mut file, text.as_bytes())
    };
    write().map_err(|error| RigError::File { path: path.into(), error })
}

/// A group that answers no writes, until this is dropped.
pub struct FrozenGroup {
    _held: Held,
}

enum Held {
    File { _connection: HeldFile },
    Session { _session: Pending },
}

struct HeldFile(rusqlite::Connection);

impl Drop for HeldFile {
    fn drop(&mut self) {
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

impl FrozenGroup {
    pub(super) fn file(path: &PathBuf) -> Result<Self, RigError> {
        let failed = |error: rusqlite::Error| RigError::Unexpected(format!("{}: {error}", path.display()));
        let connection = rusqlite::Connection::open(path).map_err(failed)?;
        let locked = wait_until(Duration::from_secs(5), || {
            connection.execute_batch("PRAGMA busy_timeout = 500; BEGIN IMMEDIATE").is_ok()
        });
        if locked {
            return Ok(Self { _held: Held::File { _connection: HeldFile(connection) } });
        }
        Err(RigError::Unexpected(format!("{} could not be locked", path.display())))
    }

    /// Every write looks at the tags first and locks them; another's lock on them stops it, and no reader.
    pub(super) fn database(login: &Login) -> Result<Self, RigError> {
        let failed = |failure: Failure| RigError::Unexpected(failure.to_string());
        // It ends soon after its client has gone.
        let script = "SET client_connection_check_interval = '50ms'; BEGIN; LOCK TABLE tags IN EXCLUSIVE MODE; \
                      SELECT pg_sleep(600)";
        let session = login.begin(script).map_err(failed)?;
        let asked = "SELECT count(*) FROM pg_locks WHERE relation = 'tags'::regclass AND granted \
                     AND mode = 'ExclusiveLock'";
        let locked = wait_until(Duration::from_secs(10), || {
            login.rows(asked).is_ok_and(|rows| rows.first().is_some_and(|count| count == "1"))
        });
        if locked {
            return Ok(Self { _held: Held::Session { _session: session } });
        }
        Err(RigError::Unexpected(format!("{} could not be locked", login.database)))
    }
}

impl StoreRig {
    /// Makes a group fail for real: another's lock on its database. The lock goes when the answer is dropped.
    /// # Errors
    /// The database cannot be locked.
    pub fn freeze_group(&self, tag: u8) -> Result<FrozenGroup, RigError> {
        match self.options.postgres.groups.get(&tag) {
            Some(at) => FrozenGroup::database(&at.login()),
            None => FrozenGroup::file(&self.group_file(tag)),
        }
    }

    /// Where a group's database is, if it is in PostgreSQL.
    #[must_use]
    pub fn group_database(&self, tag: u8) -> Option<&Conninfo> {
        self.options.postgres.groups.get(&tag)
    }

    /// How many groups there are.
    #[must_use]
    pub fn groups(&self) -> u8 {
        self.options.groups
    }
}
