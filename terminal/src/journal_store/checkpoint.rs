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
pub struct Running {
    from: u64,
    context: Context,
}

impl Running {
    /// Before this entry.
    pub fn from(from: u64) -> Self {
        Self { from, context: Context::new(&SHA256) }
    }

    /// Takes the next entry in, as it stands in the file; those before the first one do not count.
    pub fn take(&mut self, sequence: u64, text: &str, signature: &str) {
        if sequence < self.from {
            return;
        }
        for part in [text, signature] {
            self.context.update(&(part.len() as u64).to_be_bytes());
            self.context.update(part.as_bytes());
        }
    }

    /// The digest so far, in hex.
    pub fn text(&self) -> String {
        hex::encode(self.context.clone().finish().as_ref())
    }
}

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last entry that was verified.
    pub head: Head,
    /// The first entry that is in the digest. Earlier ones are verified one by one, or are in the archive.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub from: u64,
    /// The digest over all entries from there up to it.
    pub digest: String,
    signature: String,
}

fn first() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_first(from: &u64) -> bool {
    *from == 1
}

impl Checkpoint {
    fn message(head: &Head, from: u64, digest: &str) -> String {
        let Head { terminal, epoch, sequence, hash } = head;
        // Notes of before said nothing of the first.
        let from = if is_first(&from) { String::new() } else { format!(" from {from}") };
        format!("{DOMAIN}{terminal} {epoch} {sequence} {hash} {digest}{from}")
    }

    /// The note in the file, if this till's key signed it.
    pub fn read(connection: &Connection, key: &VerifyingKey) -> Option<Self> {
        let query = "SELECT value FROM fact WHERE name = 'checkpoint'";
        let text: Option<String> = connection.query_row(query, [], |row| row.get(0)).optional().ok()?;
        let found: Self = serde_json::from_str(&text?).ok()?;
        let signature = hex::decode(&found.signature).ok()?;
        key.verify(Self::message(&found.head, found.from, &found.digest).as_bytes(), &signature).ok()?;
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
        let (from, digest) = (digest.from, digest.text());
        let signature = hex::encode(key.sign(Self::message(&head, from, &digest).as_bytes()));
        let text = serde_json::to_string(&Self { head, from, digest, signature })?;
        connection.execute("INSERT OR REPLACE INTO fact (name, value) VALUES ('checkpoint', ?1)", [text])?;
        Ok(())
    }

    /// The next start verifies everything.
    /// # Errors
    /// It cannot be written.
    pub fn forget(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM fact WHERE name = 'checkpoint'", []).map(drop)
    }
}
