//! A journal file looked at from outside: every signature, every link, every rule, and its archive too if it is there.

use super::archive::{Base, FOLDER, follow_whole};
use super::error::JournalError;
use super::open_read_only;
use super::verify::{Rebuilt, first_entry, follow, stored_head};
use evertill_shared::journal::{Body, Entry, Head};
use evertill_shared::signing::VerifyingKey;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A journal that is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Its last entry.
    pub head: Head,
    /// The key that verifies it.
    pub key: VerifyingKey,
    /// How many sales were looked at.
    pub sales: usize,
    /// How many of them are neither paid nor given up.
    pub open: usize,
    /// So many of the entries are in the archive.
    pub archived: u64,
    /// The archive was not beside the journal: those were not looked at.
    pub archive_missing: bool,
}

/// The folder that the archive of this journal is in.
#[must_use]
pub fn archive_of(file: &Path) -> PathBuf {
    file.with_file_name(FOLDER)
}

/// Follows the journal of a file. Without a key it is believed whose it says that it is: that is for a person to compare.
/// # Errors
/// [`JournalError::Damaged`] names the first entry that is wrong; a file that cannot be read.
pub fn inspect(file: &Path, key: Option<VerifyingKey>) -> Result<Inspected, JournalError> {
    let Followed { books, head, key, archived, archive_missing } = followed(file, key)?;
    let open = books.sales.values().filter(|sale| sale.is_open()).count();
    Ok(Inspected { head, key, sales: books.sales.len(), open, archived, archive_missing })
}

/// What follows from the journal of a file, its archive too if it is there; each entry is verified as [`inspect`] does.
/// # Errors
/// As [`inspect`].
pub fn books_of(file: &Path) -> Result<Rebuilt, JournalError> {
    Ok(followed(file, None)?.books)
}

struct Followed {
    books: Rebuilt,
    head: Head,
    key: VerifyingKey,
    archived: u64,
    archive_missing: bool,
}

fn followed(file: &Path, key: Option<VerifyingKey>) -> Result<Followed, JournalError> {
    let mut connection = open_read_only(file)?;
    // All as it was at one moment: the till may be running, and bring entries into its archive meanwhile.
    let connection = connection.transaction()?;
    if let Some(base) = Base::read(&connection)? {
        return followed_archived(&connection, &archive_of(file), &base, key);
    }
    let first = first_entry(&connection)?;
    let key = key.map_or_else(|| named_key(&first), Ok)?;
    let start = Head::start(first.terminal, first.epoch);
    if let Some(head) = stored_head(&connection)?
        && (head.terminal, head.epoch) != (first.terminal, first.epoch)
    {
        return Err(JournalError::Damaged {
            entry: 1,
            why: "it belongs to another till than the head".into(),
        });
    }
    let mut books = Rebuilt::default();
    let head = follow(&connection, start, key, |entry| take(&mut books, entry))?;
    Ok(Followed { books, head, key, archived: 0, archive_missing: false })
}

/// A journal whose earlier entries are in the archive; without that, what is left of it.
fn followed_archived(
    connection: &Connection,
    folder: &Path,
    base: &Base,
    key: Option<VerifyingKey>,
) -> Result<Followed, JournalError> {
    let key = key.unwrap_or(base.key);
    if key != base.key {
        let why = "another key signed what it says of its archive".into();
        return Err(JournalError::Damaged { entry: base.head.sequence, why });
    }
    let archive_missing = !folder.exists();
    let mut books = Rebuilt::after(base.last_shift.as_ref().filter(|_| archive_missing));
    let head = if archive_missing {
        follow(connection, base.head, key, |entry| take(&mut books, entry))?
    } else {
        follow_whole(connection, folder, key, |entry| take(&mut books, entry))?
    };
    Ok(Followed { books, head, key, archived: base.head.sequence, archive_missing })
}

fn take(books: &mut Rebuilt, entry: &Entry) -> Result<(), JournalError> {
    books.take(entry).map_err(|broken| JournalError::Damaged {
        entry: entry.sequence,
        why: format!("it breaks a rule: {broken}"),
    })
}

/// The first entry names the key; whether it is the till's is for a person to compare.
fn named_key(first: &Entry) -> Result<VerifyingKey, JournalError> {
    match &first.body {
        Body::Opened { public_key } => Ok(*public_key),
        _ => Err(JournalError::Damaged {
            entry: 1,
            why: "it does not open the journal with the till's key".into(),
        }),
    }
}
