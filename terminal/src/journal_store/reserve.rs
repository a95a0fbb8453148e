//! A file that holds some space free: when the disk is full, giving it up lets what was begun be finished and the
//! queue be emptied.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How much is held: enough for thousands of entries.
pub const RESERVE_BYTES: usize = 4 << 20;

/// The space reserve beside a journal.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The reserve at this path; nothing is written yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whether the reserve is whole.
    #[must_use]
    pub fn is_held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() == RESERVE_BYTES as u64)
    }

    /// Takes the space, if it is not held yet.
    /// # Errors
    /// There is no room for it; then what was taken of it is given back.
    pub fn hold(&self) -> io::Result<()> {
        if self.is_held() {
            return Ok(());
        }
        let taken = write(&self.path);
        if taken.is_err() {
            self.release();
        }
        taken
    }

    /// Gives the space up. Says nothing if there is none: it is asked for when all else has failed.
    pub fn release(&self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(%error, "the space reserve cannot be given up");
        }
    }
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    // Real bytes, not a hole, and not zeros that a clever file system would leave out.
    let block: Vec<u8> = (0..65_536_usize).map(|at| (at % 251) as u8).collect();
    for _ in 0..RESERVE_BYTES / block.len() {
        file.write_all(&block)?;
    }
    file.sync_all()
}
