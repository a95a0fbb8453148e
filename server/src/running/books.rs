//! What people do by hand with a store's books, whether or not its servers run: the proof of the ledger, and the shifts told once
//! more.

use super::{StartError, base_database, open_groups};
use crate::base_store::{BaseError, BaseStore, ProvedDrawer, Retelling};
use crate::config::Config;
use crate::order_group::ledger::Proved;
use crate::order_group::{GroupError, GroupSet};
use evertill_shared::clock::Clock;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::Entry;
use evertill_shared::order_number::GroupTag;
use std::sync::Arc;

/// So many entries are told in one step: a till that hands in beside it waits for no more.
const STEP: u64 = 200;

/// Why the books could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The store's databases cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A group cannot be read.
    #[error("order group {0} cannot be read: {1}")]
    Group(GroupTag, GroupError),
    /// Entries cannot be read.
    #[error("{0}. What was told until now stays: begin again when all groups answer")]
    Entries(GroupError),
    /// The base store cannot be used.
    #[error("the base store: {0}")]
    Base(#[from] BaseError),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BooksProgress {
    /// So many orders of a group were looked at.
    Orders(GroupTag, u64),
    /// So many shifts of a till.
    Shifts(TerminalId, u64),
    /// So many entries of a till's journal were told, of how many.
    Entries(TerminalId, u64, u64),
}

/// What the proof of the ledger came to.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The orders' part, by group.
    pub groups: Vec<(GroupTag, Proved)>,
    /// The drawers' part, by till and key.
    pub drawers: Vec<ProvedDrawer>,
}

/// A store's databases, without a server.
struct Books {
    base: BaseStore,
    groups: GroupSet,
}

impl Books {
    async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let database = base_database(config).await?;
        let base = BaseStore::on(database, &config.bootstrap, Arc::clone(clock)).await?;
        let groups = open_groups(config, &base, clock).await?;
        Ok(Self { base, groups })
    }

    async fn close(self) {
        self.groups.close().await;
        self.base.close().await;
    }

    async fn prove(&self, told: &mut impl FnMut(BooksProgress)) -> Result<Audited, BooksError> {
        let mut groups = Vec::new();
        for tag in self.groups.tags() {
            let one = self.groups.prove(tag, |orders| told(BooksProgress::Orders(tag, orders))).await;
            groups.push((tag, one.map_err(|error| BooksError::Group(tag, error))?));
        }
        let mut drawers = Vec::new();
        for (terminal, epoch) in self.base.journals().await? {
            let told = |shifts| told(BooksProgress::Shifts(terminal, shifts));
            drawers.push(self.base.prove_drawer(terminal, epoch, told).await?);
        }
        Ok(Audited { groups, drawers })
    }

    async fn retell(
        &self,
        clock: &dyn Clock,
        told: &mut impl FnMut(BooksProgress),
    ) -> Result<Vec<RetoldJournal>, BooksError> {
        let mut all = Vec::new();
        for journal in self.base.journals().await? {
            all.push(retell_journal((&self.base, &self.groups), journal, clock, told).await?);
        }
        Ok(all)
    }
}

/// Proves the ledger: that of every order group against itself and against the orders that it is the account of, and that of
/// the drawers against itself and against the shifts. Servers may run meanwhile.
///
/// # Errors
/// [`BooksError`]. What is wrong with a ledger is no error but part of the answer.
pub async fn audit(
    config: Config,
    clock: Arc<dyn Clock>,
    mut told: impl FnMut(BooksProgress),
) -> Result<Audited, BooksError> {
    let books = Books::open(&config, &clock).await?;
    let audited = books.prove(&mut told).await;
    books.close().await;
    audited
}

/// A journal whose shifts were told once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetoldJournal {
    /// Whose.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// How many entries were told.
    pub entries: u64,
    /// How many more are in no group, or cannot be read by this program.
    pub missing: u64,
    /// How many shifts were written anew.
    pub shifts: u64,
}

/// Tells the shifts of a journal once more from the entries that the groups keep, step by step, with a pause as long as each
/// step: servers and tills go on beside it.
///
/// # Errors
/// [`BooksError`].
pub async fn retell_journal(
    (base, groups): (&BaseStore, &GroupSet),
    (terminal, epoch): (TerminalId, KeyEpoch),
    clock: &dyn Clock,
    told: &mut impl FnMut(BooksProgress),
) -> Result<RetoldJournal, BooksError> {
    let mut done = RetoldJournal { terminal, epoch, entries: 0, missing: 0, shifts: 0 };
    let mut at = Retelling::of(terminal, epoch);
    loop {
        let began = clock.monotonic();
        let first = at.upto().saturating_add(1);
        let known = base.known_journal(terminal, epoch, first, at.upto().saturating_add(STEP)).await?;
        let Some((upto, _)) = known.known.last().copied() else { return Ok(done) };
        let kept = groups.entries_of(terminal, epoch, &known.known).await.map_err(BooksError::Entries)?;
        let entries: Vec<Entry> = kept.iter().filter_map(|entry| entry.read_unverified().ok()).collect();
        let (found, asked) = (entries.len() as u64, known.known.len() as u64);
        done.entries += found;
        done.missing += asked.saturating_sub(found);
        let step = base.retell_shifts(at, entries, upto).await?;
        done.shifts += step.shifts;
        told(BooksProgress::Entries(terminal, upto, known.head.sequence));
        if step.is_all {
            return Ok(done);
        }
        at = step.next;
        tokio::time::sleep(clock.monotonic().saturating_sub(began)).await;
    }
}

/// Tells the shifts of all journals once more. It may be stopped at any time and begun anew.
///
/// # Errors
/// [`BooksError`].
pub async fn retell_shifts(
    config: Config,
    clock: Arc<dyn Clock>,
    mut told: impl FnMut(BooksProgress),
) -> Result<Vec<RetoldJournal>, BooksError> {
    let books = Books::open(&config, &clock).await?;
    let done = books.retell(&*clock, &mut told).await;
    books.close().await;
    done
}
