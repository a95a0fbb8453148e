//! Following a chain of entries: at the till when it opens its journal, at the server when entries arrive,
//! and in the tool that checks a journal file.

use super::{Body, Entry, EntryError, EntryHash, SignedEntry};
use crate::id::{KeyEpoch, TerminalId};
use crate::signing::VerifyingKey;
use serde::{Deserialize, Serialize};

/// The last entry that is known: where the next one must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Whose journal.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// The sequence of the last entry; 0 before the first.
    pub sequence: u64,
    /// Its hash; [`EntryHash::NONE`] before the first.
    pub hash: EntryHash,
}

impl Head {
    /// Before the first entry of an epoch.
    #[must_use]
    pub const fn start(terminal: TerminalId, epoch: KeyEpoch) -> Self {
        Self { terminal, epoch, sequence: 0, hash: EntryHash::NONE }
    }
}

/// Why an entry does not continue the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The entry by itself is wrong.
    #[error("entry {sequence}: {error}")]
    Entry {
        /// Where it stands.
        sequence: u64,
        /// What is wrong.
        error: EntryError,
    },
    /// Entries are missing.
    #[error("entry {expected} is missing: the next one found is {found}")]
    Gap {
        /// What should come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A sequence number was used a second time.
    #[error("entry {sequence} was written before: the journal was put back or copied")]
    Repeated {
        /// The sequence used twice.
        sequence: u64,
    },
    /// It names another entry as the one before it.
    #[error("entry {sequence} does not follow the entry before it: one of them was changed")]
    Fork {
        /// Where the chain splits.
        sequence: u64,
    },
    /// Another till's entry, or one under another key epoch.
    #[error("entry {sequence} belongs to {terminal}, key {epoch}")]
    Foreign {
        /// Where it stands.
        sequence: u64,
        /// Whose it is.
        terminal: TerminalId,
        /// Under which key.
        epoch: KeyEpoch,
    },
    /// The first entry does not open the journal with the key that signs it.
    #[error("entry 1 does not open the journal with the till's own key")]
    NotOpened,
}

/// A chain being followed.
#[derive(Clone, Debug)]
pub struct Chain {
    head: Head,
    key: VerifyingKey,
}

impl Chain {
    /// Goes on from `head` with entries signed by `key`.
    #[must_use]
    pub fn resume(head: Head, key: VerifyingKey) -> Self {
        Self { head, key }
    }

    /// The last entry taken.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Takes the next entry, if it is the next.
    /// # Errors
    /// Why it is not; the chain stands where it stood.
    pub fn push(&mut self, signed: &SignedEntry) -> Result<Entry, ChainError> {
        let expected = self.head.sequence + 1;
        let entry =
            signed.verify(&self.key).map_err(|error| ChainError::Entry { sequence: expected, error })?;
        let sequence = entry.sequence;
        if (entry.terminal, entry.epoch) != (self.head.terminal, self.head.epoch) {
            return Err(ChainError::Foreign { sequence, terminal: entry.terminal, epoch: entry.epoch });
        }
        if sequence < expected {
            return Err(ChainError::Repeated { sequence });
        }
        if sequence > expected {
            return Err(ChainError::Gap { expected, found: sequence });
        }
        if entry.previous != self.head.hash {
            return Err(ChainError::Fork { sequence });
        }
        let opens = matches!(&entry.body, Body::Opened { public_key } if *public_key == self.key);
        if (sequence == 1) != opens {
            return Err(ChainError::NotOpened);
        }
        self.head = Head { sequence, hash: signed.hash(), ..self.head };
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::signing::SigningKey;
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32], "t".into()).unwrap()
    }

    fn head() -> Head {
        Head::start(TerminalId::try_from(1).unwrap(), 1)
    }

    /// A journal of `n` entries by the key, each voiding a sale (the shortest body there is).
    fn journal(n: u64, key: &SigningKey) -> Vec<SignedEntry> {
        let mut previous = EntryHash::NONE;
        (1..=n)
            .map(|sequence| {
                let body = if sequence == 1 {
                    Body::Opened { public_key: key.public() }
                } else {
                    Body::SaleVoided { sale: sequence }
                };
                let Head { terminal, epoch, .. } = head();
                let at = Timestamp(i64::try_from(sequence).unwrap());
                let entry = Entry { terminal, epoch, sequence, previous, at, body };
                let signed = SignedEntry::sign(&entry, key).unwrap();
                previous = signed.hash();
                signed
            })
            .collect()
    }

    fn follow(entries: &[SignedEntry], key: &SigningKey) -> Result<Head, ChainError> {
        let mut chain = Chain::resume(head(), key.public());
        for entry in entries {
            chain.push(entry)?;
        }
        Ok(chain.head())
    }

    #[test]
    fn an_honest_chain_is_followed_to_its_end() {
        let key = key(1);
        assert_eq!(follow(&journal(20, &key), &key).unwrap().sequence, 20);
    }

    #[test]
    fn an_older_disk_image_that_writes_on_is_a_repetition_or_a_fork() {
        let key = key(1);
        let entries = journal(5, &key);
        let mut chain = Chain::resume(head(), key.public());
        entries.iter().for_each(|e| drop(chain.push(e).unwrap()));
        // The image ended at 3; it writes another 4.
        let image = follow(&entries[..3], &key).unwrap();
        let other = Entry {
            terminal: image.terminal,
            epoch: image.epoch,
            sequence: 4,
            previous: image.hash,
            at: Timestamp(99),
            body: Body::SaleVoided { sale: 2 },
        };
        let signed = SignedEntry::sign(&other, &key).unwrap();
        assert_eq!(chain.push(&signed), Err(ChainError::Repeated { sequence: 4 }));
        let sixth = Entry { sequence: 6, previous: signed.hash(), ..other };
        let signed = SignedEntry::sign(&sixth, &key).unwrap();
        assert_eq!(chain.push(&signed), Err(ChainError::Fork { sequence: 6 }));
    }

    #[test]
    fn another_tills_entry_or_key_is_not_taken() {
        let (mine, other) = (key(1), key(2));
        assert!(matches!(follow(&journal(2, &other), &mine), Err(ChainError::Entry { sequence: 1, .. })));
    }

    #[test]
    fn a_journal_must_open_with_the_key_that_signs_it() {
        let key = key(1);
        let Head { terminal, epoch, .. } = head();
        let body = Body::SaleVoided { sale: 1 };
        let entry = Entry { terminal, epoch, sequence: 1, previous: EntryHash::NONE, at: Timestamp(0), body };
        let signed = SignedEntry::sign(&entry, &key).unwrap();
        assert_eq!(follow(&[signed], &key), Err(ChainError::NotOpened));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_missing_repeated_or_swapped_entry_is_found(n in 3_u64..12, at: prop::sample::Index, how in 0..3) {
            let key = key(1);
            let mut entries = journal(n, &key);
            let last = entries.len() - 1;
            let at = at.index(last); // never the very last: a cut-off end is found against the server's head
            match how {
                0 => drop(entries.remove(at)),
                1 => entries.insert(at, entries[at].clone()),
                _ => entries.swap(at, last),
            }
            prop_assert!(follow(&entries, &key).is_err());
        }

        #[test]
        fn a_changed_byte_is_found(n in 2_u64..6, which: prop::sample::Index, at: prop::sample::Index, to: u8) {
            let key = key(1);
            let mut entries = journal(n, &key);
            let which = which.index(entries.len());
            let mut bytes = entries[which].text.clone().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != to && to.is_ascii());
            bytes[at] = to;
            entries[which].text = String::from_utf8(bytes).unwrap();
            prop_assert!(follow(&entries, &key).is_err());
        }
    }
}
