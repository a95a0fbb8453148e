//! Keeping what tills hand in of their journals. Any healthy group may keep any entry: which entry follows which
//! is checked before, and where each stands is known by its place.

use super::{GroupError, GroupSet, KeptEntry, Reply};
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::{EntryHash, Head, SignedEntry};
use std::collections::BTreeMap;

/// Keeping journal entries.
pub trait Journals: Send + Sync {
    /// Keeps entries, all or none. One that is there already is passed over if it is the same; another one in
    /// its place is a fork.
    fn keep_entries(&self, entries: Vec<KeptEntry>, quarantined: bool) -> Reply<()>;
    /// The last entry of this journal that the group keeps: handed in, or because an order rests on it.
    fn furthest_entry(&self, terminal: TerminalId, epoch: KeyEpoch) -> Reply<Option<Head>>;
    /// The entries of this journal from one place to another that the group keeps.
    fn entries(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        first: u64,
        last: u64,
    ) -> Reply<Vec<PlacedEntry>>;
}

/// An entry that a group keeps, and its place.
pub type PlacedEntry = (u64, SignedEntry);

impl GroupSet {
    /// Keeps entries in one of the groups, healthy ones first. If it is not known whether a group has kept them
    /// they are given to the next one as well: twice the same does no harm.
    /// # Errors
    /// A fork, or that no group took them.
    pub async fn store_journal(&self, entries: Vec<KeptEntry>, quarantined: bool) -> Result<(), GroupError> {
        let mut groups = self.health();
        if let Some(first) = entries.first() {
            // Spread over the groups, but the same one for a till at about the same time.
            let turn = usize::from(first.place.terminal.get()) % groups.len().max(1);
            groups.rotate_left(turn);
        }
        groups.sort_by_key(|group| !group.is_healthy());
        for group in groups {
            match self.write(group.tag, |g| g.keep_entries(entries.clone(), quarantined)).await {
                Err(error) if error.lets_jump() => {
                    tracing::warn!(tag = %group.tag, %error, "journal entries go to another group");
                }
                kept => return kept,
            }
        }
        Err(GroupError::NoGroupAvailable)
    }

    /// The last entry of this journal that each group keeps that answers. What orders rest on comes before it is handed
    /// in: a till that was put back to an older disk meanwhile would use those places again, in another group, and only
    /// all of them together can tell it. A till asks every few seconds: a group that is skipped is not waited for.
    pub async fn furthest_entries(&self, terminal: TerminalId, epoch: KeyEpoch) -> Vec<Head> {
        let (heads, _) = self.glance_at_all(|g| g.furthest_entry(terminal, epoch)).await;
        heads.into_iter().flatten().collect()
    }

    /// Those of these entries that the groups keep: the very ones, by their hashes.
    /// # Errors
    /// A group does not answer, and an entry that it may have is in none of the others.
    pub async fn entries_of(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        known: &[(u64, EntryHash)],
    ) -> Result<Vec<SignedEntry>, GroupError> {
        let (Some((first, _)), Some((last, _))) = (known.first(), known.last()) else {
            return Ok(Vec::new());
        };
        let (parts, silent) = self.read_all(|g| g.entries(terminal, epoch, *first, *last)).await;
        let hashes: BTreeMap<u64, EntryHash> = known.iter().copied().collect();
        let is_it = |(place, entry): &PlacedEntry| hashes.get(place) == Some(&entry.hash());
        let found: BTreeMap<u64, SignedEntry> = parts.into_iter().flatten().filter(is_it).collect();
        match silent.first() {
            Some(tag) if found.len() < hashes.len() => {
                Err(GroupError::Unavailable(format!("order group {tag} does not answer")))
            }
            _ => Ok(found.into_values().collect()),
        }
    }
}
