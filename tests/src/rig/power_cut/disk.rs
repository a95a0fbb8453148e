//! What a disk holds, and what of it is safe.

use super::calls::What;
use super::{Files, Seeded};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A disk writes so many bytes at once or not at all.
const SECTOR: usize = 512;

/// What becomes of writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luck {
    /// None reached the disk.
    Nothing,
    /// All did, as after kill -9.
    All,
    /// Some did, some did in part, some did not; so many of a hundred are whole.
    Some {
        /// How many of a hundred are whole.
        whole: u64,
    },
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Default)]
struct Content {
    safe: Vec<u8>,
    unsafe_changes: Vec<Change>,
}

#[derive(Debug)]
enum Naming {
    Named(PathBuf, usize),
    Removed(PathBuf),
}

impl Naming {
    fn path(&self) -> &Path {
        match self {
            Self::Named(path, _) | Self::Removed(path) => path,
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Named(path, content) => drop(names.insert(path.clone(), *content)),
            Self::Removed(path) => drop(names.remove(path)),
        }
    }
}

/// What a sync will have made safe when it ends.
#[derive(Debug)]
enum Promise {
    Content { content: usize, changes: usize },
    Folder(PathBuf),
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    contents: Vec<Content>,
    safe_names: BTreeMap<PathBuf, usize>,
    names: BTreeMap<PathBuf, usize>,
    unsafe_names: Vec<Naming>,
    promises: BTreeMap<usize, Promise>,
}

impl Disk {
    pub(super) fn new(files: &Files) -> Self {
        let mut disk = Self::default();
        for (path, bytes) in files {
            disk.names.insert(path.clone(), disk.contents.len());
            disk.contents.push(Content { safe: bytes.clone(), unsafe_changes: Vec::new() });
        }
        disk.safe_names = disk.names.clone();
        disk
    }

    pub(super) fn take(&mut self, what: &What) {
        match what {
            What::Opened { path, emptied } => match self.names.get(path) {
                Some(content) if *emptied => self.contents[*content].unsafe_changes.push(Change::Length(0)),
                Some(_) => {}
                None => {
                    self.name(Naming::Named(path.clone(), self.contents.len()));
                    self.contents.push(Content::default());
                }
            },
            What::Written { path, offset, bytes } => {
                self.change(path, Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            What::Cut { path, length } => self.change(path, Change::Length(*length)),
            What::Removed { path } => self.name(Naming::Removed(path.clone())),
            What::SyncBegan { path, number } => {
                let promise = match self.names.get(path) {
                    Some(content) => {
                        let changes = self.contents[*content].unsafe_changes.len();
                        Promise::Content { content: *content, changes }
                    }
                    None => Promise::Folder(path.clone()),
                };
                self.promises.insert(*number, promise);
            }
            What::Synced { number } => match self.promises.remove(number) {
                Some(Promise::Content { content, changes }) => self.make_safe(content, changes),
                Some(Promise::Folder(folder)) => self.make_names_safe(&folder),
                None => {}
            },
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.unsafe_names.push(naming);
    }

    /// A file without a name is gone with the program; what is written to it matters to nobody.
    fn change(&mut self, path: &Path, change: Change) {
        if let Some(content) = self.names.get(path) {
            self.contents[*content].unsafe_changes.push(change);
        }
    }

    fn make_safe(&mut self, content: usize, changes: usize) {
        // Another sync of the same file may have ended meanwhile, and have taken some of them.
        for other in self.promises.values_mut() {
            if let Promise::Content { content: c, changes: left } = other
                && *c == content
            {
                *left = left.saturating_sub(changes);
            }
        }
        let content = &mut self.contents[content];
        let changes = changes.min(content.unsafe_changes.len());
        for change in content.unsafe_changes.drain(..changes) {
            apply(&mut content.safe, &change);
        }
    }

    fn make_names_safe(&mut self, folder: &Path) {
        let (here, elsewhere) = std::mem::take(&mut self.unsafe_names)
            .into_iter()
            .partition::<Vec<_>, _>(|naming| naming.path().parent() == Some(folder));
        here.iter().for_each(|naming| naming.apply(&mut self.safe_names));
        self.unsafe_names = elsewhere;
    }

    pub(super) fn cut(&self, luck: Luck, random: &mut Seeded) -> Files {
        // Names change in the order in which they were changed: file systems keep a journal of that.
        let kept = match luck {
            Luck::Nothing => 0,
            Luck::All => self.unsafe_names.len(),
            Luck::Some { .. } => {
                usize::try_from(random.below(self.unsafe_names.len() as u64 + 1)).unwrap_or(0)
            }
        };
        let mut names = self.safe_names.clone();
        self.unsafe_names[..kept].iter().for_each(|naming| naming.apply(&mut names));
        names.into_iter().map(|(path, content)| (path, self.contents[content].cut(luck, random))).collect()
    }
}

impl Content {
    fn cut(&self, luck: Luck, random: &mut Seeded) -> Vec<u8> {
        let mut newest = self.safe.clone();
        let mut found = self.safe.clone();
        for change in &self.unsafe_changes {
            apply(&mut newest, change);
            let fate = Fate::of(luck, random);
            match change {
                Change::Length(length) if fate != Fate::Absent => found.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write { offset, bytes } => {
                    let sectors = offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR);
                    for sector in sectors {
                        let is_kept = match fate {
                            Fate::Whole => true,
                            Fate::Absent => false,
                            Fate::Torn => random.percent(50),
                        };
                        if is_kept {
                            copy_sector(&newest, &mut found, sector);
                        }
                    }
                }
            }
        }
        found
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Torn,
    Absent,
}

impl Fate {
    fn of(luck: Luck, random: &mut Seeded) -> Self {
        match luck {
            Luck::Nothing => Self::Absent,
            Luck::All => Self::Whole,
            Luck::Some { whole } if random.percent(whole) => Self::Whole,
            Luck::Some { .. } if random.percent(50) => Self::Torn,
            Luck::Some { .. } => Self::Absent,
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write { offset, bytes: new } => {
            let end = offset + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(new);
        }
    }
}

fn copy_sector(from: &[u8], to: &mut Vec<u8>, sector: usize) {
    let start = sector * SECTOR;
    let end = (start + SECTOR).min(from.len());
    if start >= end {
        return;
    }
    if to.len() < end {
        to.resize(end, 0);
    }
    to[start..end].copy_from_slice(&from[start..end]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("a.db")
    }

    fn write(offset: usize, byte: u8, length: usize) -> What {
        What::Written { path: path(), offset, bytes: vec![byte; length] }
    }

    fn sync(disk: &mut Disk, target: &str, number: usize) {
        disk.take(&What::SyncBegan { path: target.into(), number });
        disk.take(&What::Synced { number });
    }

    #[test]
    fn what_was_synced_stays_and_what_was_not_goes_by_sectors() {
        let mut disk = Disk::new(&Files::from([(path(), vec![0; 4096])]));
        disk.take(&write(0, 1, 4096));
        sync(&mut disk, "a.db", 1);
        disk.take(&write(0, 2, 4096));
        let mut random = Seeded::new(7);
        assert_eq!(disk.cut(Luck::Nothing, &mut random)[&path()], vec![1; 4096]);
        assert_eq!(disk.cut(Luck::All, &mut random)[&path()], vec![2; 4096]);
        let mut torn = 0;
        for _ in 0..50 {
            let files = disk.cut(Luck::Some { whole: 20 }, &mut random);
            for sector in files[&path()].chunks(SECTOR) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "half a sector");
            }
            torn += usize::from(files[&path()].contains(&1) && files[&path()].contains(&2));
        }
        assert!(torn > 5, "hardly ever torn: {torn}");
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began_and_nothing_later() {
        let mut disk = Disk::new(&Files::from([(path(), Vec::new())]));
        disk.take(&write(0, 1, 512));
        disk.take(&What::SyncBegan { path: path(), number: 1 });
        disk.take(&write(512, 2, 512));
        disk.take(&What::SyncBegan { path: path(), number: 2 });
        disk.take(&What::Synced { number: 1 });
        let mut random = Seeded::new(7);
        assert_eq!(disk.cut(Luck::Nothing, &mut random)[&path()], vec![1; 512]);
        disk.take(&write(1024, 3, 512));
        disk.take(&What::Synced { number: 2 });
        assert_eq!(disk.cut(Luck::Nothing, &mut random)[&path()].len(), 1024);
    }

    #[test]
    fn a_new_file_is_there_once_its_folder_was_synced() {
        let mut disk = Disk::new(&Files::new());
        disk.take(&What::Opened { path: path(), emptied: false });
        disk.take(&write(0, 1, 512));
        sync(&mut disk, "a.db", 1);
        let mut random = Seeded::new(7);
        assert!(disk.cut(Luck::Nothing, &mut random).is_empty(), "its name was not synced");
        sync(&mut disk, "", 2);
        assert_eq!(disk.cut(Luck::Nothing, &mut random)[&path()], vec![1; 512]);
        disk.take(&What::Removed { path: path() });
        assert_eq!(disk.cut(Luck::Nothing, &mut random).len(), 1, "nor is its removal");
        assert!(disk.cut(Luck::All, &mut random).is_empty());
    }
}
