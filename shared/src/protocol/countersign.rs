//! The server countersigns a till's journal up to a business day that is over: it has every entry up to there, and
//! has understood them. Such a statement stands by itself: whoever knows the store's root can verify it for ever.

use super::store::ServerKeyStatement;
use crate::business_day::BusinessDay;
use crate::clock::Timestamp;
use crate::id::{KeyEpoch, StoreId, TerminalId};
use crate::journal::{Entry, EntryHash, SignedEntry};
use crate::signing::{SigningKey, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// Asks for the statement: `POST` [`super::path::COUNTERSIGN`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersign {
    /// The last entry of a business day that is over, as far as the till knows. The server has it already.
    pub last: SignedEntry,
}

/// What a server says of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayStatement {
    /// The store.
    pub store: StoreId,
    /// Whose journal.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// The business day on which the last of these entries was written, by the till's clock. It is over by the server's.
    pub day: BusinessDay,
    /// The first entry that no statement before covers.
    pub from: u64,
    /// The last entry that is covered.
    pub to: u64,
    /// Its hash: by the chain it stands for every entry before it.
    pub hash: EntryHash,
    /// How many of them were handed in by a blocked till, and are kept apart.
    pub quarantined: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
}

impl DayStatement {
    /// Whether it is about exactly this entry.
    #[must_use]
    pub fn is_about(&self, entry: &Entry, hash: EntryHash) -> bool {
        (self.terminal, self.epoch, self.to, self.hash) == (entry.terminal, entry.epoch, entry.sequence, hash)
    }
}

/// A statement, signed, with the root's word about who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersigned {
    /// The exact JSON text of a [`DayStatement`].
    pub text: String,
    /// Base64 of the server's Ed25519 signature over `evertill-day-v1\n` and the text.
    pub signature: String,
    /// The root's statement about the key that signed.
    pub server: ServerKeyStatement,
}

const DOMAIN: &[u8] = b"evertill-day-v1\n";

/// Why a statement is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountersignedError {
    /// It cannot be read or written.
    #[error("the statement about the day cannot be read: {0}")]
    Unreadable(String),
    /// Another key signed it, or nobody.
    #[error("the statement about the day is not signed by that server")]
    BadSignature,
}

impl Countersigned {
    /// Signs a statement.
    /// # Errors
    /// It cannot be written as JSON.
    pub fn sign(
        statement: &DayStatement,
        key: &SigningKey,
        server: ServerKeyStatement,
    ) -> Result<Self, CountersignedError> {
        let text =
            serde_json::to_string(statement).map_err(|e| CountersignedError::Unreadable(e.to_string()))?;
        let signature = BASE64.encode(key.sign(&signed(&text)));
        Ok(Self { text, signature, server })
    }

    /// The statement, without believing it.
    /// # Errors
    /// It is none.
    pub fn read_unverified(&self) -> Result<DayStatement, CountersignedError> {
        serde_json::from_str(&self.text).map_err(|e| CountersignedError::Unreadable(e.to_string()))
    }

    /// The statement, if this key signed it. Whether that is a server's key is for the caller to know.
    /// # Errors
    /// [`CountersignedError`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<DayStatement, CountersignedError> {
        let signature = BASE64.decode(&self.signature).map_err(|_| CountersignedError::BadSignature)?;
        key.verify(&signed(&self.text), &signature).map_err(|_| CountersignedError::BadSignature)?;
        self.read_unverified()
    }
}

fn signed(text: &str) -> Vec<u8> {
    [DOMAIN, text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32], "server-1".into()).unwrap()
    }

    fn statement() -> DayStatement {
        DayStatement {
            store: StoreId::try_from(7).unwrap(),
            terminal: TerminalId::try_from(1).unwrap(),
            epoch: 1,
            day: "2026-11-20".parse().unwrap(),
            from: 1,
            to: 840,
            hash: EntryHash([3; 32]),
            quarantined: 0,
            at: Timestamp(1_795_183_387_123),
        }
    }

    #[test]
    fn a_statement_holds_only_as_it_was_signed_and_only_for_who_signed_it() {
        let server = ServerKeyStatement { text: String::new(), signature: String::new() };
        let signed = Countersigned::sign(&statement(), &key(1), server).unwrap();
        assert_eq!(signed.verify(&key(1).public()).unwrap(), statement());
        assert_eq!(signed.verify(&key(2).public()), Err(CountersignedError::BadSignature));
        let more = Countersigned { text: signed.text.replace("840", "841"), ..signed.clone() };
        assert_eq!(more.verify(&key(1).public()), Err(CountersignedError::BadSignature));
        let none = Countersigned { signature: "no".into(), ..signed };
        assert_eq!(none.verify(&key(1).public()), Err(CountersignedError::BadSignature));
    }
}
