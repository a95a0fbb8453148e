//! The journal of an older key makes room for a new one. It stays beside it, for ever, and whole: what is in its
//! write-ahead log goes into its one file first, so that a single rename moves all of it. Whatever stops the till before,
//! `till.db` is as whole as it was; afterwards the other name is. Moved file by file, in whatever order, it would be parted
//! in between: a new `till.db` beside the old log makes SQLite delete that, and the old one without its log is a journal
//! that lacks its end.

use super::{JournalError, Lock, first_entry, open_read_only};
use crate::config::Identity;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A till that registers anew begins a new journal; the one under the old key is kept beside it. Whose it is, its own first
/// entry says: a damaged file is left where it is, and opening it names the damage. Asked again after it was stopped
/// half-way, it goes on where it was.
/// # Errors
/// [`JournalError::InUse`]: a program has it open. Others: it cannot be moved. It is as whole as it was then.
pub fn put_aside_older(path: &Path, identity: &Identity) -> Result<(), JournalError> {
    if !path.exists() {
        return Ok(());
    }
    let connection = open_read_only(path)?;
    let Ok(first) = first_entry(&connection) else { return Ok(()) };
    drop(connection);
    if (first.terminal, first.epoch) == (identity.terminal, identity.epoch) {
        return Ok(());
    }
    tracing::warn!(%first.terminal, first.epoch, "the journal of an older key is put aside");
    let _held = Lock::take(&path.with_extension("lock"))?;
    move_whole(path, &path.with_file_name(format!("till-{}-{}.db", first.terminal, first.epoch)))
}

/// Gives a journal that nobody has open another name in its folder. Nothing that is there is written over.
/// # Errors
/// Something has that name, or the disk does not do it.
pub fn move_whole(path: &Path, new: &Path) -> Result<(), JournalError> {
    let log_moved = has_log(new);
    if new.exists() || (log_moved && has_log(path)) {
        return Err(JournalError::Io(format!("{} exists already", new.display())));
    }
    // An earlier program moved the log first, and was stopped there: it waits for its file.
    if !log_moved {
        fold_in(path)?;
    }
    fs::rename(path, new).map_err(|error| failed(new, &error))?;
    settle(new)
}

/// Brings all of a database into its one file, and that onto the disk.
pub(super) fn fold_in(path: &Path) -> Result<(), JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(JournalError::InUse);
    }
    connection.close().map_err(|(_, error)| error)?;
    // Whoever looks at it just now keeps the log from going by itself; it is empty.
    if has_log(path) {
        return Err(JournalError::InUse);
    }
    for left in [with(path, "-wal"), with(path, "-shm")] {
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&left, &error)),
            _ => {}
        }
    }
    // A log that came back after a power cut, behind the rename, would belong to whatever is called `till.db` then.
    settle(path)
}

/// The names beside this file are on the disk.
fn settle(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, &error))
}

fn has_log(path: &Path) -> bool {
    fs::metadata(with(path, "-wal")).is_ok_and(|found| found.len() > 0)
}

/// What SQLite keeps beside this file.
pub(super) fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(end);
    name.into()
}

fn failed(path: &Path, error: &io::Error) -> JournalError {
    JournalError::Io(format!("{}: {error}", path.display()))
}
