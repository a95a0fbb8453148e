//! Journal entries that tills hand in.

use super::super::journals::Journals;
use super::super::{KeptEntry, Reply};
use super::StoredGroup;
use super::rows::keep;

impl Journals for StoredGroup {
    fn keep_entries(&self, entries: Vec<KeptEntry>, quarantined: bool) -> Reply<()> {
        self.write_beside(move |sql| entries.iter().try_for_each(|entry| keep(sql, entry, quarantined)))
    }
}
