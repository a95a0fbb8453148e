//! One program at a time has the journal open.

use super::error::JournalError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held as long as the value lives; the system gives it up when the program ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock.
    /// # Errors
    /// [`JournalError::InUse`] if another program has it.
    pub fn take(path: &Path) -> Result<Self, JournalError> {
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => JournalError::DiskFull,
            _ => JournalError::Io(format!("{}: {error}", path.display())),
        };
        let file =
            File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}
