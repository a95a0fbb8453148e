//! Where `till.db` begins when what came before is in the archive: a note that the till's key has signed.

use super::super::error::JournalError;
use super::super::schema::db;
use super::index;
use evertill_shared::journal::Head;
use evertill_shared::shift::Shift;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

const DOMAIN: &str = "evertill-journal-base-v1\n";

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The last entry that is in the archive.
    pub head: Head,
    /// The newest shift that ended up to there: its report can be printed still.
    pub last_shift: Option<Shift>,
    /// The key of the journal, as its first entry names it.
    pub key: VerifyingKey,
    /// The digest over the list of the archive's files, each with its own digest; notes of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<String>,
    signature: String,
}

impl Base {
    /// A note, signed; with the digest over the files, as [`index::digest`] gives it.
    /// # Errors
    /// It cannot be written as JSON.
    pub fn new(
        head: Head,
        last_shift: Option<Shift>,
        files: Option<String>,
        key: &SigningKey,
    ) -> Result<Self, JournalError> {
        let message = message(&head, last_shift.as_ref(), files.as_deref())?;
        let signature = hex::encode(key.sign(message.as_bytes()));
        Ok(Self { head, last_shift, key: key.public(), files, signature })
    }

    /// Whether the list of the archive's files is the one that was signed.
    /// # Errors
    /// [`JournalError::Archive`]: it is not. What is in the archive is not believed then, nor added to.
    pub fn check_files(&self, connection: &Connection) -> Result<(), JournalError> {
        match &self.files {
            Some(files) if *files != index::digest(connection)? => Err(JournalError::Archive {
                file: "till.db".into(),
                why: "its list of the archive's files is not the one that the till has signed".into(),
            }),
            _ => Ok(()),
        }
    }

    /// The note in the file, if there is one: signed by the key that it names, which is for the caller to know.
    /// # Errors
    /// [`JournalError::Damaged`]: it is not as it was.
    pub fn read(connection: &Connection) -> Result<Option<Self>, JournalError> {
        // A file from before has no such table.
        let there: i64 = connection.query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'archived'",
            [],
            |row| row.get(0),
        )?;
        if there == 0 {
            return Ok(None);
        }
        let row: Option<(i64, String)> = connection
            .query_row("SELECT sequence, record FROM archived WHERE only = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((sequence, text)) = row else { return Ok(None) };
        let changed = || JournalError::Damaged {
            entry: u64::try_from(sequence).unwrap_or(0),
            why: "the note about what is in the archive is not as it was".into(),
        };
        let found: Self = serde_json::from_str(&text).map_err(|_| changed())?;
        let signature = hex::decode(&found.signature).map_err(|_| changed())?;
        let message = message(&found.head, found.last_shift.as_ref(), found.files.as_deref())?;
        let signed = found.key.verify(message.as_bytes(), &signature).is_ok();
        if signed && db(found.head.sequence) == sequence { Ok(Some(found)) } else { Err(changed()) }
    }

    /// Writes the note down.
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, connection: &Connection) -> Result<(), JournalError> {
        connection.execute(
            "INSERT OR REPLACE INTO archived (only, sequence, record) VALUES (1, ?1, ?2)",
            params![db(self.head.sequence), serde_json::to_string(self)?],
        )?;
        Ok(())
    }
}

fn message(head: &Head, last_shift: Option<&Shift>, files: Option<&str>) -> Result<String, JournalError> {
    let Head { terminal, epoch, sequence, hash } = head;
    let shift = serde_json::to_string(&last_shift)?;
    let files = files.map(|files| format!(" files {files}")).unwrap_or_default();
    Ok(format!("{DOMAIN}{terminal} {epoch} {sequence} {hash} {shift}{files}"))
}
