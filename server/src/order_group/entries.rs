//! Signed journal entries as a group keeps them, and the guard against replays.

use evertill_shared::clock::Timestamp;
use evertill_shared::id::SaleKey;
use evertill_shared::journal::{Body, Entry, EntryHash, SignedEntry};
use evertill_shared::money::Amount;
use evertill_shared::order::Sale;

/// The id of a signed request: inserted in the transaction that it causes, so that a replay causes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The request's own id.
    pub request_id: String,
    /// When its signature is too old anyway, and the id may be forgotten.
    pub expires_at: Timestamp,
}

/// An entry in the words in which it was written. Its signature has been checked, but for the sale of a draft: that is
/// checked when the draft is adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Whose it is, and where it stands.
    pub place: SaleKey,
    /// What the till wrote and signed.
    pub signed: SignedEntry,
    /// The hash of its words.
    pub hash: EntryHash,
}

impl KeptEntry {
    /// Keeps an entry that was read from `signed`.
    #[must_use]
    pub fn new(entry: &Entry, signed: &SignedEntry) -> Self {
        Self { place: entry.key(), signed: signed.clone(), hash: signed.hash() }
    }
}

/// Whether that entry takes this much of that sale in cash, and stands between the sale and what rests on it.
pub(crate) fn takes_part(entry: &Entry, sale: SaleKey, amount: Amount, before: u64) -> bool {
    let own = (entry.terminal, entry.epoch) == (sale.terminal, sale.epoch);
    let Body::CashPart { sale: of, amount: taken, .. } = &entry.body else { return false };
    let stands_between = entry.sequence > sale.sequence && entry.sequence < before;
    own && stands_between && (*of, *taken) == (sale.sequence, amount)
}

/// A sale of a till: checked, and of this store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleOfTill {
    /// K, the name of the sale.
    pub key: SaleKey,
    /// What was sold.
    pub sale: Sale,
    /// The entry that says so.
    pub entry: KeptEntry,
}
