//! Where the journal may be cut: looked at in small pieces, each time the till has a moment, until all of the file was followed.

use super::super::JournalStore;
use super::super::checkpoint::{Checkpoint, Running};
use super::super::error::JournalError;
use super::cuts::Cuts;
use evertill_shared::journal::EntryHash;

/// How far it is. Whatever is written to the journal makes it begin anew.
pub enum Plan {
    /// The entries are followed.
    Looking(Looking),
    /// What was verified before is noted anew, from the last cut on.
    Noting(Noting),
    /// These.
    Found(Vec<u64>),
}

/// Where the following stands.
pub struct Looking {
    at: u64,
    cuts: Cuts,
    previous: EntryHash,
    known: Option<Checkpoint>,
    running: Option<Running>,
    /// All up to the note is as it was when that was made.
    as_it_was: bool,
}

/// Where the noting stands.
pub struct Noting {
    at: u64,
    cuts: Vec<u64>,
    known: Checkpoint,
    running: Running,
}

impl JournalStore {
    /// Looks at so many entries more. The places up to that entry at which the journal may be cut, once all of the file was
    /// followed: no entry of it may have changed.
    pub(super) fn look_on(&mut self, upto: u64, look_at: u64) -> Result<Option<Vec<u64>>, JournalError> {
        let next = match self.archive.plan.take() {
            Some(Plan::Found(cuts)) => return Ok(Some(cuts)),
            Some(Plan::Looking(looking)) => self.follow_on(looking, upto, look_at)?,
            Some(Plan::Noting(noting)) => self.note_on(noting, look_at)?,
            None => self.follow_on(self.looking(), upto, look_at)?,
        };
        match next {
            Plan::Found(cuts) => Ok(Some(cuts)),
            other => {
                self.archive.plan = Some(other);
                Ok(None)
            }
        }
    }

    fn looking(&self) -> Looking {
        let at = self.archive.to();
        let previous = self.archive.base.as_ref().map_or(EntryHash::NONE, |base| base.head.hash);
        let known = Checkpoint::read(&self.connection, &self.key.public());
        let running = known.as_ref().map(|known| Running::from(known.from));
        Looking { at, cuts: Cuts::after(at), previous, known, running, as_it_was: false }
    }

    fn follow_on(&self, mut looking: Looking, upto: u64, look_at: u64) -> Result<Plan, JournalError> {
        let to = looking.at.saturating_add(look_at).min(self.head.sequence);
        self.walk(looking.at, to, |sequence, signed| {
            let damaged = |why: &str| JournalError::Damaged { entry: sequence, why: why.into() };
            let entry = looking.cuts.take(&signed.text).ok_or_else(|| damaged("it cannot be read"))?;
            if entry.sequence != sequence || entry.previous != looking.previous {
                return Err(damaged("it does not follow the entry before it"));
            }
            looking.previous = signed.hash();
            if let (Some(known), Some(running)) = (&looking.known, looking.running.as_mut()) {
                running.take(sequence, &signed.text, &signed.signature);
                looking.as_it_was |= sequence == known.head.sequence && running.text() == known.digest;
            }
            Ok(())
        })?;
        looking.at = to;
        if to < self.head.sequence {
            return Ok(Plan::Looking(looking));
        }
        if looking.previous != self.head.hash {
            let why = "it is not as it was".into();
            return Err(JournalError::Damaged { entry: self.head.sequence, why });
        }
        let cuts = looking.cuts.upto(upto);
        let Some(last) = cuts.last().copied() else { return Ok(Plan::Found(cuts)) };
        // What was verified up to a note is verified still when the note counts from a later entry on; without such a note
        // the next start verifies everything that is left.
        match looking.known.filter(|known| looking.as_it_was && known.head.sequence > last) {
            Some(known) => {
                let running = Running::from(last + 1);
                self.note_on(Noting { at: last, cuts, known, running }, look_at)
            }
            None => {
                Checkpoint::forget(&self.connection)?;
                Ok(Plan::Found(cuts))
            }
        }
    }

    fn note_on(&self, mut noting: Noting, look_at: u64) -> Result<Plan, JournalError> {
        let end = noting.known.head.sequence;
        let to = noting.at.saturating_add(look_at).min(end);
        self.walk(noting.at, to, |sequence, signed| {
            noting.running.take(sequence, &signed.text, &signed.signature);
            Ok(())
        })?;
        noting.at = to;
        if to < end {
            return Ok(Plan::Noting(noting));
        }
        Checkpoint::write(&self.connection, noting.known.head, &noting.running, &self.key)?;
        Ok(Plan::Found(noting.cuts))
    }
}
