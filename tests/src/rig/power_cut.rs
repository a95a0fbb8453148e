//! A power cut, made from outside: a program runs under `strace`, which writes down what it does to its files; from
//! that log the files are rebuilt as a machine without power would find them.
//!
//! What was synced is there. Of what was not, each 512-byte sector holds what was synced last or any later
//! version of it, each file any of its lengths, and the folder any state that it had since it was synced: whole
//! writes, torn ones, absent ones, in any order. A real power cut cannot be had on demand, and kill -9 alone
//! shows nothing of this: the kernel keeps what a killed program has written.
//!
//! One recording gives as many cuts as it has calls. What the program had acknowledged by the time of a cut must
//! be in the files; its clients note that with the same clock as the log's (see [`Replay::at_us`]).

mod calls;
mod disk;
mod recorder;

pub use disk::Luck;
pub use recorder::Recorder;

use super::Failure;
use calls::{Event, What};
use disk::Disk;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files by their path below the folder.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Numbers that look random, and are the same for the same seed.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// A new row of numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `limit`; 0 if the limit is.
    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64: even seeds that follow each other give rows that have nothing in common.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// Whether a file counts: databases and what SQLite keeps beside them. Their shared memory does not: it is
/// rebuilt by whoever comes first.
fn is_tracked(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.contains(".db") && !name.ends_with("-shm")
}

/// The database files in a folder, as they are now.
/// # Errors
/// They cannot be read.
pub fn snapshot(folder: &Path) -> Result<Files, Failure> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(Failure::file(&next))? {
            let path = entry.map_err(Failure::file(&next))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_tracked(&path) {
                let bytes = fs::read(&path).map_err(Failure::file(&path))?;
                let below = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
                files.insert(below, bytes);
            }
        }
    }
    Ok(files)
}

/// Writes rebuilt files into a folder, in the place of the database files there.
/// # Errors
/// They cannot be written.
pub fn put(files: &Files, folder: &Path) -> Result<(), Failure> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    for (below, bytes) in files {
        let path = folder.join(below);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(Failure::file(parent))?;
        fs::write(&path, bytes).map_err(Failure::file(&path))?;
    }
    Ok(())
}

/// All that a program did to its files.
#[derive(Debug)]
pub struct Recording {
    events: Vec<Event>,
    before: Files,
    in_flight: BTreeSet<PathBuf>,
}

impl Recording {
    fn read(folder: &Path, before: Files, log: &Path) -> Result<Self, Failure> {
        let (events, in_flight) = calls::read(folder, log)?;
        Ok(Self { events, before, in_flight })
    }

    /// How many places there are to cut: before each call, in the middle of each sync, and after the last.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Files that had a call under way when the program was killed. Whether that one was done is not known; it
    /// is not in the recording.
    #[must_use]
    pub fn in_flight(&self) -> &BTreeSet<PathBuf> {
        &self.in_flight
    }

    /// How many syncs ended.
    #[must_use]
    pub fn syncs(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.what, What::Synced { .. })).count()
    }

    /// Places to cut, in order: on both sides of every sync and at random between, at most so many.
    #[must_use]
    pub fn cuts(&self, most: usize, random: &mut Seeded) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            if matches!(event.what, What::Synced { .. }) {
                places.extend([index, index + 1]);
            } else if random.percent(15) {
                places.push(index);
            }
        }
        places.dedup();
        while places.len() > most {
            let place = usize::try_from(random.below(places.len() as u64)).unwrap_or(0);
            places.remove(place);
        }
        places
    }

    /// Goes through it from the start.
    #[must_use]
    pub fn replay(&self) -> Replay<'_> {
        Replay { events: &self.events, next: 0, disk: Disk::new(&self.before) }
    }
}

/// A disk on its way through a recording.
#[derive(Debug)]
pub struct Replay<'a> {
    events: &'a [Event],
    next: usize,
    disk: Disk,
}

impl Replay<'_> {
    /// Goes on until so many calls are done.
    pub fn advance(&mut self, until: usize) {
        while self.next < until.min(self.events.len()) {
            self.disk.take(&self.events[self.next].what);
            self.next += 1;
        }
    }

    /// When it is: the log's time of the call before, in microseconds since 1970. What was acknowledged up to
    /// then was acknowledged before the cut.
    #[must_use]
    pub fn at_us(&self) -> i64 {
        self.next.checked_sub(1).and_then(|last| self.events.get(last)).map_or(0, |event| event.at_us)
    }

    /// What is on the disk if the power goes now.
    pub fn cut(&self, luck: Luck, random: &mut Seeded) -> Files {
        self.disk.cut(luck, random)
    }
}
