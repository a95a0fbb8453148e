//! The whole journal again, archive and all: to verify it, and to have it in one file.

use super::super::error::JournalError;
use super::super::projection;
use super::super::schema::{self, from_db};
use super::super::verify::{follow, stored_head};
use super::index;
use super::{Base, Segment};
use evertill_shared::journal::{Chain, Entry, Head, SignedEntry};
use evertill_shared::signing::VerifyingKey;
use rusqlite::{Connection, params};
use std::path::Path;

/// Reads all parts of the archive, in order, each as it was written.
fn segments(
    connection: &Connection,
    folder: &Path,
    mut each: impl FnMut(&Segment) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let Some(base) = Base::read(connection)? else { return Ok(()) };
    base.check_files(connection)?;
    for file in index::files(connection)? {
        let segment = Segment::read(&folder.join(&file.name)).map_err(|why| file.error(&why))?;
        if segment.digest != file.sha256 {
            return Err(file.error("it is not the file that was written"));
        }
        if !segment.is_of(&base) {
            return Err(file.error("another key has signed it"));
        }
        each(&segment)?;
    }
    Ok(())
}

/// The names of the files that the archive of this journal is made of, in order.
/// # Errors
/// They cannot be read.
pub fn archive_files(connection: &Connection) -> Result<Vec<String>, JournalError> {
    // A file from before archives has no such table, and one without has no such note.
    match Base::read(connection)? {
        Some(_) => Ok(index::files(connection)?.into_iter().map(|file| file.name).collect()),
        None => Ok(Vec::new()),
    }
}

/// Follows a journal from its very first entry through its archive to its end, every signature; calls `each` for every
/// entry that is right.
/// # Errors
/// The first entry that is wrong, and why; a part of the archive that cannot be read.
pub fn follow_whole(
    connection: &Connection,
    folder: &Path,
    key: VerifyingKey,
    mut each: impl FnMut(&Entry) -> Result<(), JournalError>,
) -> Result<Head, JournalError> {
    let Some(base) = Base::read(connection)? else {
        return Err(JournalError::Unreadable("nothing of it is in an archive".into()));
    };
    let mut chain = Chain::resume(Head::start(base.head.terminal, base.head.epoch), key);
    segments(connection, folder, |segment| {
        segment.follow(&mut chain, |signed| {
            let entry = signed.read_unverified();
            each(&entry.map_err(|error| JournalError::Unreadable(error.to_string()))?)
        })
    })?;
    if chain.head() != base.head {
        let entry = chain.head().sequence + 1;
        let why = "the archive does not end where the rest of the journal begins".into();
        return Err(JournalError::Damaged { entry, why });
    }
    follow(connection, base.head, key, each)
}

/// Writes the whole journal into one new file, archive and all. What is written is followed once more by whoever asked.
/// # Errors
/// A part of the archive that cannot be read; the new file cannot be written.
pub fn write_whole(connection: &Connection, folder: &Path, to: &Path) -> Result<Head, JournalError> {
    if to.exists() {
        return Err(JournalError::Io(format!("{} exists already: name a new file", to.display())));
    }
    let head =
        stored_head(connection)?.ok_or_else(|| JournalError::Unreadable("it has no entries".into()))?;
    let mut whole = Connection::open(to)?;
    schema::create(&mut whole)?;
    schema::complete(&whole)?;
    let transaction = whole.transaction()?;
    segments(connection, folder, |segment| index::put_entries(&transaction, segment))?;
    let mut statement =
        connection.prepare("SELECT sequence, text, signature FROM entry ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let signed = SignedEntry { text: row.get(1)?, signature: row.get(2)? };
        projection::put_entry(&transaction, from_db(row.get(0)?), &signed)?;
    }
    transaction.execute(
        "INSERT INTO head (only, terminal, epoch, sequence, hash) VALUES (1, ?1, ?2, ?3, ?4)",
        params![head.terminal.get(), head.epoch, schema::db(head.sequence), head.hash.to_string()],
    )?;
    transaction.commit()?;
    Ok(head)
}
