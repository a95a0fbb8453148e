//! The lines between servers and a database. Each server has its own: where one is cut, one server does not see a
//! database that another one sees, and both believe what they see.

use super::{Condition, SimDatabase, Work};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// What is sent is lost without a word; whoever has lost something is reset when the line is back.
    Silent,
    /// Connections break, and no new ones are made.
    Refused,
    /// It leads to a primary that nobody follows any more.
    OldPrimary,
}

/// One server's line.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    cut: Option<Cut>,
    /// How often whoever was connected was cut off.
    broken: u64,
    /// Nothing was sent since it fell silent: connections are still open, and what is sent first may arrive.
    unused: bool,
}

/// The lines of all servers.
#[derive(Debug, Default)]
pub struct Lines(Mutex<BTreeMap<usize, Line>>);

impl Lines {
    fn all(&self) -> MutexGuard<'_, BTreeMap<usize, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, server: usize) -> Line {
        self.all().get(&server).copied().unwrap_or_default()
    }

    /// Whether this is the first that is sent since the line fell silent.
    pub(super) fn is_first(&self, server: usize) -> bool {
        self.all().get_mut(&server).is_some_and(|line| std::mem::take(&mut line.unused))
    }

    pub(super) fn are_whole(&self) -> bool {
        self.all().values().all(|line| line.cut.is_none())
    }
}

/// A database as a server sees it; how often it was cut off by the database, and by its line.
pub(super) type Seen = (Condition, (u64, u64));

impl SimDatabase {
    /// Cuts the line of a server, or mends it.
    pub fn cut(&self, server: usize, cut: Option<Cut>) {
        let before = self.lines.of(server);
        if before.cut == cut {
            return;
        }
        let breaks = matches!(before.cut, Some(Cut::Silent | Cut::OldPrimary))
            || matches!(cut, Some(Cut::Refused | Cut::OldPrimary));
        let unused = cut == Some(Cut::Silent);
        let line = Line { cut, broken: before.broken + u64::from(breaks), unused };
        self.lines.all().insert(server, line);
        match cut {
            Some(cut) => self.story.tell(format!("{}: server {server} is cut off: {cut:?}", self.name)),
            None => self.story.tell(format!("{}: server {server} sees it again", self.name)),
        }
        self.changed.notify_waiters();
        self.note_whether_well();
    }

    pub(super) fn seen_by(&self, server: usize) -> Seen {
        let ((condition, generation), line) = (self.state(), self.lines.of(server));
        let condition = match line.cut {
            None => condition,
            // It does not even hear that nobody listens there.
            Some(Cut::Silent) => Condition::Frozen,
            Some(Cut::Refused) => Condition::Dead,
            Some(Cut::OldPrimary) => Condition::NoStandbys,
        };
        (condition, (generation, line.broken))
    }

    pub(super) fn is_cut_from(&self, server: usize) -> Option<Cut> {
        self.lines.of(server).cut
    }

    /// What was on its way when the line was cut has arrived, or has not; the answer has not in any case.
    pub(super) fn perhaps_arrives(&self, server: usize, batch: &mut Vec<Work>) {
        let mut inside = self.inside();
        if self.condition() != Condition::Up || !inside.chance.once_in(500) {
            return;
        }
        batch.retain(|work| match work {
            Work::Job(job) => job.is_wanted(),
            Work::Row(row) => row.is_wanted(),
            Work::Query(_) => true,
        });
        if batch.iter().all(|work| matches!(work, Work::Query(_))) {
            return;
        }
        let is_done = inside.serve(batch, self.opening, self.mutation, true).is_ok();
        inside.counts.commits += 1;
        let name = &self.name;
        self.story
            .tell(format!("{name}: what server {server} sent before it was cut off happens ({is_done})"));
    }
}
