//! What IT does with a till's directory as a whole: a copy to keep, and another machine in the place of this one.

mod backup;
mod moving;

pub use backup::{BackedUp, back_up};
pub use moving::{Brought, Left, bring, leave};

use crate::config::{Config, ConfigError};
use crate::journal_store::{JournalError, Lock};
use crate::print::template_file;
use evertill_provisioning::keystore::KeyStoreError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The till's journal in its directory.
const JOURNAL: &str = "till.db";
/// The trust file, if `till.toml` names no other place for it.
const TRUST: &str = "trust.json";
/// Held by the till's program for as long as it runs, whether or not it is registered yet.
pub const PROGRAM_LOCK: &str = "program.lock";
/// Settings, which may go to another machine. The key, its seal and the registration never do; goods come from the server.
const SETTINGS: [&str; 8] = [
    "till.toml",
    "printers.toml",
    TRUST,
    "scanner.toml",
    "language",
    "colours",
    "text-size",
    template_file::NAME,
];

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// A file.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The settings or the registration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyStoreError),
    /// It must not be done as things are; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> UpkeepError {
    let path = path.to_owned();
    move |error| UpkeepError::Io { path, error }
}

/// Where the trust file is, if it is not in the till's directory. Settings that cannot be read name no other place.
fn trust_elsewhere(data: &Path) -> Option<PathBuf> {
    let named = data.join(Config::read(data).ok()?.trust);
    (named != data.join(TRUST)).then_some(named)
}

/// Refuses while the till's program runs, also while it waits to be enrolled; and keeps it from starting.
fn hold_still(data: &Path) -> Result<[Lock; 2], UpkeepError> {
    let hold = |name: &str| {
        Lock::take(&data.join(name)).map_err(|error| match error {
            JournalError::InUse => {
                UpkeepError::Refused("the till's program is running: end it, then try again".into())
            }
            other => other.into(),
        })
    };
    Ok([hold(PROGRAM_LOCK)?, hold("till.lock")?])
}

/// Copies a file that is not there yet, onto the disk. False if there is nothing to copy.
fn copy(from: &Path, to: &Path) -> Result<bool, UpkeepError> {
    let bytes = match fs::read(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        read => read.map_err(failed(from))?,
    };
    let mut file = File::create_new(to).map_err(failed(to))?;
    io::Write::write_all(&mut file, &bytes).and_then(|()| file.sync_all()).map_err(failed(to))?;
    Ok(true)
}

/// The names in a directory are on the disk.
fn settle(dir: &Path) -> Result<(), UpkeepError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed(dir))
}
