//! A disk so small that it can be filled.

use super::Failure;
use super::place::Place;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A disk in memory, mounted at a folder of a [`Place`], and unmounted with it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one at a folder, which is made if it is not there; what was in it is on the disk then.
    /// # Errors
    /// This machine does not let us mount, or it is too small for what was in the folder.
    pub fn under(place: &Place, folder: &Path, mib: u32) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
            let path = entry.map_err(Failure::file(folder))?.path();
            kept.push((path.clone(), fs::read(&path).map_err(Failure::file(&path))?));
        }
        place.mount(folder, mib)?;
        for (path, bytes) in kept {
            fs::write(&path, bytes).map_err(Failure::file(&path))?;
        }
        Ok(Self { folder: folder.into() })
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Fills it to the last byte.
    /// # Errors
    /// The ballast cannot be made at all.
    pub fn fill(&self) -> Result<(), Failure> {
        let path = self.ballast();
        let file = File::options().create(true).append(true).open(&path);
        let mut file = file.map_err(Failure::file(&path))?;
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0x5a; size]).is_ok() {}
        }
        Ok(())
    }

    /// Fills it so far that this many KiB are left.
    /// # Errors
    /// The ballast cannot be made, or shortened.
    pub fn fill_but(&self, kib: u64) -> Result<(), Failure> {
        self.fill()?;
        let path = self.ballast();
        let shorten = || {
            let file = File::options().write(true).open(&path)?;
            file.set_len(file.metadata()?.len().saturating_sub(kib * 1024))
        };
        shorten().map_err(Failure::file(&path))
    }

    /// Gives all the room back.
    /// # Errors
    /// The ballast cannot be removed.
    pub fn make_room(&self) -> Result<(), Failure> {
        let path = self.ballast();
        fs::remove_file(&path).map_err(Failure::file(&path))
    }
}
