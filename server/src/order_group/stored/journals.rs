//! Journal entries that tills hand in.

use super::super::journals::{Journals, PlacedEntry};
use super::super::{KeptEntry, Reply};
use super::StoredGroup;
use super::rows::{all, keep, nonsense, one};
use crate::params;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::{Head, SignedEntry};

impl Journals for StoredGroup {
    fn keep_entries(&self, entries: Vec<KeptEntry>, quarantined: bool) -> Reply<()> {
        self.write_beside(move |sql| entries.iter().try_for_each(|entry| keep(sql, entry, quarantined)))
    }

    fn furthest_entry(&self, terminal: TerminalId, epoch: KeyEpoch) -> Reply<Option<Head>> {
        self.read(move |sql| {
            let statement = "SELECT sequence, hash FROM journal_entries WHERE terminal = ?1 AND epoch = ?2 \
                 ORDER BY sequence DESC LIMIT 1";
            let last = one(sql, statement, &params![terminal.get(), epoch], |row| {
                Ok((row.at::<u64>(0)?, row.at::<String>(1)?))
            })?;
            let Some((sequence, hash)) = last else { return Ok(None) };
            let hash = hash.parse().map_err(|_| nonsense("a journal entry without a hash"))?;
            Ok(Some(Head { terminal, epoch, sequence, hash }))
        })
    }
    fn entries(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        first: u64,
        last: u64,
    ) -> Reply<Vec<PlacedEntry>> {
        self.read(move |sql| {
            let statement = "SELECT sequence, text, signature FROM journal_entries \
                 WHERE terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4 ORDER BY sequence";
            all(sql, statement, &params![terminal.get(), epoch, first, last], |row| {
                let signed = SignedEntry { text: row.at(1)?, signature: row.at(2)? };
                Ok((row.at::<u64>(0)?, signed))
            })
        })
    }
}
