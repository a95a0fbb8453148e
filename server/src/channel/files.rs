//! Where a channel's keys and certificates come from: the paths in its settings name files on the disk, or secrets that
//! were sealed in the base database and are held in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What the paths in a channel's settings name.
pub enum Files {
    /// Files.
    OnDisk,
    /// Secrets by name.
    Held(BTreeMap<PathBuf, Zeroizing<Vec<u8>>>),
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnDisk => f.write_str("OnDisk"),
            Self::Held(held) => f.debug_set().entries(held.keys()).finish(),
        }
    }
}

impl Files {
    /// What is there.
    /// # Errors
    /// Nothing is, or it cannot be read.
    pub fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::OnDisk => std::fs::read(path).map(Zeroizing::new),
            Self::Held(held) => held
                .get(path)
                .cloned()
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it was never set")),
        }
    }
}
