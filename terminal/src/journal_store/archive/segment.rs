//! One file of the archive: lines of JSON, packed by gzip, so that `zcat` shows it. First what it is; then the entries as
//! they were signed; then the server's word that covers them; at last the digest over all of that, signed by the till.

use super::super::error::JournalError;
use super::Base;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::{Chain, EntryHash, Head, SignedEntry};
use evertill_shared::protocol::countersign::Countersigned;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

const DOMAIN: &str = "evertill-archive-v1\n";
/// More is no file of ours: a part has thousands of entries, not millions.
const LARGEST: u64 = 1 << 30;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Title {
    evertill_archive: u32,
    terminal: TerminalId,
    epoch: KeyEpoch,
    first: u64,
    last: u64,
    previous: EntryHash,
    key: VerifyingKey,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    /// Of all lines before this one.
    sha256: String,
    /// The till's, over that.
    signature: String,
}

/// A part of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    title: Title,
    /// The place of its first entry.
    pub first: u64,
    /// The place of its last one.
    pub last: u64,
    /// The entries, as they were signed.
    pub entries: Vec<SignedEntry>,
    /// The server's word that covers them.
    pub word: Countersigned,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    packed: Vec<u8>,
}

impl Segment {
    /// A part that is to be written.
    /// # Errors
    /// It cannot be packed.
    pub fn new(
        of: Head,
        (first, last): (u64, u64),
        previous: EntryHash,
        entries: Vec<SignedEntry>,
        word: Countersigned,
        key: &SigningKey,
    ) -> Result<Self, JournalError> {
        let Head { terminal, epoch, .. } = of;
        let title = Title { evertill_archive: 1, terminal, epoch, first, last, previous, key: key.public() };
        let text = text_of(&title, &entries, &word, key)?;
        let packed = pack(&text).map_err(|error| JournalError::Io(error.to_string()))?;
        let digest = sha256(&packed);
        Ok(Self { title, first, last, entries, word, digest, packed })
    }

    /// The head of the chain at its end.
    #[must_use]
    pub fn end(&self) -> Head {
        let hash = self.entries.last().map_or(self.title.previous, SignedEntry::hash);
        Head { terminal: self.title.terminal, epoch: self.title.epoch, sequence: self.last, hash }
    }

    /// Whether it is of this journal, and that journal's key has signed it.
    #[must_use]
    pub fn is_of(&self, base: &Base) -> bool {
        let Title { terminal, epoch, key, .. } = &self.title;
        (*terminal, *epoch, *key) == (base.head.terminal, base.head.epoch, base.key)
    }

    fn name(&self) -> String {
        let Title { terminal, epoch, first, last, .. } = &self.title;
        format!("{terminal}-{epoch}-{first:010}-{last:010}.jsonl.gz")
    }

    /// Writes it into the folder, and reads it back. Gives the file's name. A file that says the same is left as it is;
    /// one of that name that says something else is put aside.
    /// # Errors
    /// It is not there as it should be.
    pub fn write(&self, folder: &Path) -> Result<String, JournalError> {
        self.write_on(folder, &|folder| File::open(folder)?.sync_all())
    }

    /// The same, on a disk that keeps the names in a folder once this was done to it.
    pub(in crate::journal_store) fn write_on(
        &self,
        folder: &Path,
        keep: &dyn Fn(&Path) -> io::Result<()>,
    ) -> Result<String, JournalError> {
        let name = self.name();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::DiskFull,
            _ => JournalError::Archive { file: name.clone(), why: error.to_string() },
        };
        let path = folder.join(&name);
        if path.exists() {
            match Self::read(&path) {
                // Whoever put it there may have stopped before its name was on the disk.
                Ok(found) if found == *self => {
                    return keep_names(folder, keep).map(|()| name.clone()).map_err(failed);
                }
                _ => put_aside(&path).map_err(failed)?,
            }
        }
        let fresh = path.with_extension("new");
        let written = write_file(folder, &fresh, &self.packed);
        if let Err(error) = written {
            // What is half written would only take the room that is missing.
            let _ = fs::remove_file(&fresh);
            return Err(failed(error));
        }
        let wrong = |why: String| JournalError::Archive { file: name.clone(), why };
        if Self::read(&fresh).map_err(wrong)? != *self {
            return Err(wrong("the disk does not give back what was written".into()));
        }
        fs::rename(&fresh, &path).and_then(|()| keep_names(folder, keep)).map_err(failed)?;
        Ok(name)
    }

    /// Reads a file: it is whole, and its entries follow one another.
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let packed = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        })?;
        let mut text = String::new();
        GzDecoder::new(&packed[..])
            .take(LARGEST)
            .read_to_string(&mut text)
            .map_err(|error| format!("it is damaged: {error}"))?;
        Self::parse(&text, packed)
    }

    fn parse(text: &str, packed: Vec<u8>) -> Result<Self, String> {
        let damaged = |what: &str| format!("it is damaged: {what}");
        let (before, end) =
            text.trim_end_matches('\n').rsplit_once('\n').ok_or_else(|| damaged("it has no end"))?;
        let end: End = serde_json::from_str(end).map_err(|_| damaged("its end is none"))?;
        let mut lines = before.lines();
        let title: Option<Title> = lines.next().and_then(|line| serde_json::from_str(line).ok());
        let title = title.ok_or_else(|| damaged("it does not say what it is"))?;
        if title.evertill_archive != 1 {
            return Err(format!("it is of form {}, written by a later program", title.evertill_archive));
        }
        let word: Option<Countersigned> = lines.next_back().and_then(|line| serde_json::from_str(line).ok());
        let word = word.ok_or_else(|| damaged("the server's word is missing"))?;
        let entries: Result<Vec<SignedEntry>, _> = lines.map(serde_json::from_str).collect();
        let entries = entries.map_err(|error| damaged(&error.to_string()))?;
        let (first, last) = (title.first, title.last);
        let found = Self { title, first, last, entries, word, digest: sha256(&packed), packed };
        found.check(before, &end)?;
        Ok(found)
    }

    fn check(&self, before: &str, end: &End) -> Result<(), String> {
        let sum = sha256(format!("{before}\n").as_bytes());
        let signature = hex::decode(&end.signature).unwrap_or_default();
        let signed = self.title.key.verify(message(&sum).as_bytes(), &signature).is_ok();
        if sum != end.sha256 || !signed {
            return Err("it is damaged: its digest is another".into());
        }
        let mut previous = self.title.previous;
        let mut expected = self.first;
        for signed in &self.entries {
            let entry = signed.read_unverified().map_err(|error| error.to_string())?;
            if (entry.sequence, entry.previous) != (expected, previous) {
                return Err(format!("it is damaged: entry {expected} does not follow the one before it"));
            }
            previous = signed.hash();
            expected += 1;
        }
        if expected != self.last + 1 { Err("it is damaged: entries are missing".into()) } else { Ok(()) }
    }

    /// Follows its entries, with all signatures, from where the chain stands.
    /// # Errors
    /// The entry that is wrong, and why.
    pub fn follow(
        &self,
        chain: &mut Chain,
        mut each: impl FnMut(&SignedEntry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        for signed in &self.entries {
            let expected = chain.head().sequence + 1;
            chain.push(signed).map_err(|error| JournalError::of_chain(expected, &error))?;
            each(signed)?;
        }
        Ok(())
    }
}

fn text_of(
    title: &Title,
    entries: &[SignedEntry],
    word: &Countersigned,
    key: &SigningKey,
) -> Result<String, JournalError> {
    let mut text = serde_json::to_string(title)? + "\n";
    for entry in entries {
        text.push_str(&serde_json::to_string(entry)?);
        text.push('\n');
    }
    text.push_str(&serde_json::to_string(word)?);
    text.push('\n');
    let sha256 = sha256(text.as_bytes());
    let signature = hex::encode(key.sign(message(&sha256).as_bytes()));
    text.push_str(&serde_json::to_string(&End { sha256, signature })?);
    text.push('\n');
    Ok(text)
}

fn message(sha256: &str) -> String {
    format!("{DOMAIN}{sha256}")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes).as_ref())
}

fn pack(text: &str) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes())?;
    packer.finish()
}

fn write_file(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The names in the folder, and the folder's own, are on the disk before anything is deleted because of what is in it: each
/// time, since whoever made them may have stopped in between.
fn keep_names(folder: &Path, keep: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    keep(folder)?;
    folder.parent().filter(|above| !above.as_os_str().is_empty()).map_or(Ok(()), keep)
}

/// Nothing in the archive's folder is ever removed or written over.
fn put_aside(path: &Path) -> io::Result<()> {
    let free = (1..1_000_u32).map(|n| path.with_extension(format!("aside-{n}"))).find(|path| !path.exists());
    let free = free.ok_or_else(|| io::Error::other("too many files of that name were put aside"))?;
    tracing::warn!(file = %path.display(), to = %free.display(), "a file in the archive is another's and is put aside");
    fs::rename(path, free)
}
