//! A till hands in its journal, in order (rules *chain*, *nothing-lost*). What does not continue the chain is not
//! merged: the till is told, IT is told, and a till that wrote two histories is blocked.

use super::{Answer, Body};
use crate::app::{App, Caller};
use crate::base_store::{HandInTaken, JournalFault, KnownJournal};
use crate::failure::Failure;
use crate::order_group::{GroupError, KeptEntry, Refusal};
use axum::Json;
use axum::extract::State;
use evertill_shared::id::SaleKey;
use evertill_shared::journal::{Chain, ChainError, Entry, EntryHash, Head, SignedEntry};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::terminal::{HandIn, HandedIn};
use evertill_shared::signing::VerifyingKey;
use std::collections::BTreeMap;

/// `POST /v1/journal`.
///
/// # Errors
/// `chain_broken` for entries that do not follow; a group or the base store that cannot be used.
pub async fn hand_in(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<HandIn>,
) -> Answer<HandedIn> {
    caller.require_upload()?;
    let entries = request.entries;
    if entries.len() > HandIn::MAX_ENTRIES {
        let text = format!("at most {} entries at a time: hand in fewer", HandIn::MAX_ENTRIES);
        return Err(Failure::bad_request(text));
    }
    let caller = signer(&app, &caller, entries.first()).await?;
    let quarantined = caller.state.upload_is_quarantined();
    let known = known_of(&app, &caller, &entries).await?;
    let from = known.head;
    let New { told, kept } = match follow(&known, caller.key, &entries) {
        Ok(new) => new,
        Err(broken) => return Err(broken.told(&app, &caller).await),
    };
    if kept.is_empty() {
        return Ok(Json(HandedIn { head: from, quarantined }));
    }
    let hashes = kept.iter().map(|entry| (entry.place.sequence, entry.hash)).collect();
    match app.groups.store_journal(kept, quarantined).await {
        Ok(()) => {}
        Err(GroupError::Refused(Refusal::Conflict(_))) => {
            let what = "an order rests on another entry in the same place".to_owned();
            return Err(Broken { what, forked: true }.told(&app, &caller).await);
        }
        Err(error) => return Err(error.into()),
    }
    let request_id = caller.request_id;
    let taken = HandInTaken { from, entries: hashes, told, quarantined, request_id };
    let head = app.base.take_hand_in(taken).await?;
    Ok(Json(HandedIn { head, quarantined }))
}

/// Who signed what is uploaded: the caller, under an older key of his if the entry names one. The request itself is
/// always signed by the present key; so an old key alone uploads nothing, and none but the present one charges.
///
/// # Errors
/// An epoch that this till never had, or a base store that cannot be read.
pub(super) async fn signer(
    app: &App,
    caller: &Caller,
    first: Option<&SignedEntry>,
) -> Result<Caller, Failure> {
    let entry = first.and_then(|entry| entry.read_unverified().ok());
    let Some(epoch) = entry.map(|entry| entry.epoch).filter(|epoch| *epoch < caller.epoch) else {
        return Ok(caller.clone());
    };
    let key = app.base.key_of(caller.terminal, epoch).await?;
    let key = key.ok_or_else(|| {
        Failure::bad_request(format!(
            "{} never had a key {epoch}: its entries cannot be verified",
            caller.terminal
        ))
    })?;
    Ok(Caller { epoch, key, ..caller.clone() })
}

/// Refuses entries that a request rests on if the till has handed in others in their places: it was put back to
/// an older image, and would sell under a name that was used, and charge under a number that is another sale's. No
/// single order group can see that.
///
/// # Errors
/// `chain_broken`; the till is blocked then.
pub(super) async fn one_history(app: &App, caller: &Caller, entries: &[&KeptEntry]) -> Result<(), Failure> {
    same_history(app, caller, entries.iter().map(|entry| (entry.place, entry.hash)).collect()).await
}

/// The same for what the groups keep of a till, each the last: a group that was away while the till was put back to an older image
/// has an entry of before, and the till has used that place anew and gone on.
pub(super) async fn compare_with_journal(app: &App, caller: &Caller, heads: &[Head]) {
    let place = |head: &Head| SaleKey { terminal: head.terminal, epoch: head.epoch, sequence: head.sequence };
    let places = heads.iter().map(|head| (place(head), head.hash)).collect();
    // It is flagged, and the till blocked: that is what it is told.
    let _ = same_history(app, caller, places).await;
}

async fn same_history(app: &App, caller: &Caller, places: Vec<(SaleKey, EntryHash)>) -> Result<(), Failure> {
    match app.base.other_entry(places).await {
        Ok(None) => Ok(()),
        Ok(Some(place)) => {
            let caller = Caller { epoch: place.epoch, ..caller.clone() };
            let twice = ChainError::Repeated { sequence: place.sequence };
            Err(Broken::of(&twice, true).told(app, &caller).await)
        }
        // Whether a till may sell at all while this store cannot be read is decided before.
        Err(error) => {
            tracing::warn!(%error, terminal = %caller.terminal, "entries could not be compared with the journal");
            Ok(())
        }
    }
}

/// The head, and the hashes of what the server has already of these entries. Nobody has verified them yet: what lies further apart
/// than they can is not read, since they are broken anyway.
async fn known_of(app: &App, caller: &Caller, entries: &[SignedEntry]) -> Result<KnownJournal, Failure> {
    let most = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    let places =
        entries.iter().filter_map(|entry| entry.read_unverified().ok()).map(|e| e.sequence.min(most));
    let (first, last) = places.fold((most, 0), |(first, last), place| (first.min(place), last.max(place)));
    let last = last.min(first.saturating_add(entries.len() as u64));
    Ok(app.base.known_journal(caller.terminal, caller.epoch, first, last).await?)
}

/// Why entries are not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    what: String,
    /// The till itself signed two entries for one place.
    forked: bool,
}

impl Broken {
    fn of(error: &ChainError, forked: bool) -> Self {
        Self { what: error.to_string(), forked }
    }

    /// Flags the journal, and puts it in words for the till.
    async fn told(self, app: &App, caller: &Caller) -> Failure {
        let Self { what, forked } = self;
        tracing::error!(terminal = %caller.terminal, epoch = caller.epoch, what, forked, "a journal does not hold");
        let (terminal, epoch) = (caller.terminal, caller.epoch);
        let fault = JournalFault { terminal, epoch, what: what.clone(), forked };
        if let Err(error) = app.base.journal_fault(fault).await {
            return error.into();
        }
        let advice =
            if forked { "This terminal is blocked now: call IT" } else { "Nothing was taken: call IT" };
        Failure::new(ErrorCode::ChainBroken, format!("{what}. {advice}"))
    }
}

/// What the server does not have yet: read, and as it is kept.
#[derive(Debug, Default)]
struct New {
    told: Vec<Entry>,
    kept: Vec<KeptEntry>,
}

/// Follows the chain from where the server has it; gives what is new. Entries that the server has already are
/// passed over if they are the same.
fn follow(known: &KnownJournal, key: VerifyingKey, entries: &[SignedEntry]) -> Result<New, Broken> {
    let mut taken: BTreeMap<u64, EntryHash> = known.known.iter().copied().collect();
    let mut chain = Chain::resume(known.head, key);
    let mut new = New::default();
    for signed in entries {
        if is_there_already(&taken, &chain, &key, signed)? {
            continue;
        }
        let entry = chain
            .push(signed)
            .map_err(|error| Broken::of(&error, matches!(error, ChainError::Fork { .. })))?;
        taken.insert(entry.sequence, signed.hash());
        new.kept.push(KeptEntry::new(&entry, signed));
        new.told.push(entry);
    }
    Ok(new)
}

fn is_there_already(
    taken: &BTreeMap<u64, EntryHash>,
    chain: &Chain,
    key: &VerifyingKey,
    signed: &SignedEntry,
) -> Result<bool, Broken> {
    // What cannot be verified, or is another's, is refused by the chain in its own words.
    let Ok(entry) = signed.verify(key) else { return Ok(false) };
    let head = chain.head();
    let mine = (entry.terminal, entry.epoch) == (head.terminal, head.epoch);
    match taken.get(&entry.sequence) {
        Some(hash) if mine && *hash == signed.hash() => Ok(true),
        Some(_) if mine => Err(Broken::of(&ChainError::Repeated { sequence: entry.sequence }, true)),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::TerminalId;
    use evertill_shared::journal::{Body, Head};
    use evertill_shared::signing::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32], "till".into()).unwrap()
    }

    fn start() -> Head {
        Head::start(TerminalId::try_from(1).unwrap(), 1)
    }

    fn after(head: Head, at: i64) -> (SignedEntry, Head) {
        let sequence = head.sequence + 1;
        let body = if sequence == 1 {
            Body::Opened { public_key: key().public() }
        } else {
            Body::SaleVoided { sale: 1 }
        };
        let Head { terminal, epoch, hash, .. } = head;
        let entry = Entry { terminal, epoch, sequence, previous: hash, at: Timestamp(at), body };
        let signed = SignedEntry::sign(&entry, &key()).unwrap();
        let hash = signed.hash();
        (signed, Head { sequence, hash, ..head })
    }

    fn journal(n: usize) -> (Vec<SignedEntry>, Vec<Head>) {
        let mut heads = vec![start()];
        let entries = (0..n)
            .map(|_| {
                let (entry, head) = after(*heads.last().unwrap(), 0);
                heads.push(head);
                entry
            })
            .collect();
        (entries, heads)
    }

    /// The server has the first `n` entries.
    fn known(heads: &[Head], n: usize) -> KnownJournal {
        KnownJournal { head: heads[n], known: heads[1..=n].iter().map(|h| (h.sequence, h.hash)).collect() }
    }

    fn sequences(taken: Result<New, Broken>) -> Vec<u64> {
        let New { told, kept } = taken.unwrap();
        let sequences: Vec<u64> = kept.iter().map(|entry| entry.place.sequence).collect();
        assert_eq!(sequences, told.iter().map(|entry| entry.sequence).collect::<Vec<_>>());
        sequences
    }

    #[test]
    fn what_is_there_is_passed_over_and_what_is_new_is_taken() {
        let (entries, heads) = journal(6);
        let public = key().public();
        assert_eq!(sequences(follow(&known(&heads, 0), public, &entries)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(sequences(follow(&known(&heads, 4), public, &entries[1..])), [5, 6]);
        assert!(sequences(follow(&known(&heads, 6), public, &entries)).is_empty());
        let twice = [&entries[..], &entries[..]].concat();
        assert_eq!(sequences(follow(&known(&heads, 2), public, &twice)), [3, 4, 5, 6]);
    }

    #[test]
    fn a_second_entry_in_one_place_is_a_fork() {
        let (_, heads) = journal(6);
        let (other, head) = after(heads[3], 99);
        let broken = follow(&known(&heads, 6), key().public(), std::slice::from_ref(&other)).unwrap_err();
        assert!(broken.forked, "{broken:?}");
        let (next, _) = after(Head { sequence: 6, ..head }, 100);
        let broken = follow(&known(&heads, 6), key().public(), &[next]).unwrap_err();
        assert!(broken.forked, "{broken:?}");
    }

    #[test]
    fn a_gap_or_a_strangers_entry_is_refused_without_calling_it_a_fork() {
        let (entries, heads) = journal(6);
        let broken = follow(&known(&heads, 2), key().public(), &entries[3..]).unwrap_err();
        assert!(!broken.forked && broken.what.contains("entry 3 is missing"), "{broken:?}");
        let stranger = SigningKey::from_seed(&[8; 32], "other".into()).unwrap().public();
        let broken = follow(&known(&heads, 2), stranger, &entries[2..]).unwrap_err();
        assert!(!broken.forked, "{broken:?}");
        let mut changed = entries[2].clone();
        changed.text = changed.text.replace("\"sale\":1", "\"sale\":2");
        let broken = follow(&known(&heads, 2), key().public(), &[changed]).unwrap_err();
        assert!(!broken.forked && broken.what.contains("signature"), "{broken:?}");
    }
}
