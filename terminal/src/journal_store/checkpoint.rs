//! A signed note of how far the journal was verified. Signatures are what takes time: up to the note a running digest
//! over all texts and signatures stands for them, so that a till with a million entries still starts in seconds. The
//! links between entries are followed all the same, and whatever does not fit sends the till back to the full check.

use super::error::JournalError;
use evertill_shared::journal::Head;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

/// So many new entries are worth a new note.
pub const EVERY: u64 = 2_000;

const DOMAIN: &str = "evertill-journal-checkpoint-v1\n";

/// The digest over everything so far.
#[derive(Clone)]
pub struct Running(Context);

impl Running {
    /// Before the first entry.
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes an entry in, as it stands in the file.
    pub fn take(&mut self, text: &str, signature: &str) {
        for part in [text, signature] {
            self.0.update(&(part.len() as u64).to_be_bytes());
            self.0.update(part.as_bytes());
        }
    }

    /// The digest so far, in hex.
    pub fn text(&self) -> String {
        hex::encode(self.0.clone().finish().as_ref())
    }
}

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last entry that was verified.
    pub head: Head,
    /// The digest over all entries up to it.
    pub digest: String,
    signature: String,
}

impl Checkpoint {
    fn message(head: &Head, digest: &str) -> String {
        let Head { terminal, epoch, sequence, hash } = head;
        format!("{DOMAIN}{terminal} {epoch} {sequence} {hash} {digest}")
    }

    /// The note in the file, if this till's key signed it.
    pub fn read(connection: &Connection, key: &VerifyingKey) -> Option<Self> {
        let query = "SELECT value FROM fact WHERE name = 'checkpoint'";
        let text: Option<String> = connection.query_row(query, [], |row| row.get(0)).optional().ok()?;
        let found: Self = serde_json::from_str(&text?).ok()?;
        let signature = hex::decode(&found.signature).ok()?;
        key.verify(Self::message(&found.head, &found.digest).as_bytes(), &signature).ok()?;
        Some(found)
    }

    /// Writes the note down, signed.
    /// # Errors
    /// It cannot be written.
    pub fn write(
        connection: &Connection,
        head: Head,
        digest: &Running,
        key: &SigningKey,
    ) -> Result<(), JournalError> {
        let digest = digest.text();
        let signature = hex::encode(key.sign(Self::message(&head, &digest).as_bytes()));
        let text = serde_json::to_string(&Self { head, digest, signature })?;
        connection.execute("INSERT OR REPLACE INTO fact (name, value) VALUES ('checkpoint', ?1)", [text])?;
        Ok(())
    }
}
