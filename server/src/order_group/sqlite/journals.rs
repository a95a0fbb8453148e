//! Journal entries that tills hand in.

use super::super::journals::Journals;
use super::super::{KeptEntry, Reply};
use super::SqliteGroup;
use super::rows::keep;

impl Journals for SqliteGroup {
    fn keep_entries(&self, entries: Vec<KeptEntry>, quarantined: bool) -> Reply<()> {
        self.write(move |connection| {
            entries.iter().try_for_each(|entry| keep(connection, entry, quarantined))
        })
    }
}
