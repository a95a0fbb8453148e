//! Who works on moves: one server at a time on each, and another one if that dies.

use super::MoveError;
use super::turn::Turn;
use crate::base_store::{BaseStore, MoveInHand, TakenMove};
use crate::order_group::GroupSet;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How often it is looked for moves that nobody works on.
const EVERY: Duration = Duration::from_secs(1);
/// How often whoever has a move in hand says so.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// For so long nothing may have been heard of a move before another server takes it, besides its lease being over:
/// servers' clocks may differ by more than a lease.
const SILENCE: Duration = Duration::from_secs(5);
/// How long a move that did not come on is left alone; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// Works on the moves of a store, beside other servers that do the same.
#[derive(Clone)]
pub struct Mover {
    pub(super) base: BaseStore,
    pub(super) groups: GroupSet,
    pub(super) clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
}

/// What this process remembers of moves.
#[derive(Default)]
struct Known {
    /// Those that it works on.
    busy: BTreeSet<GroupTag>,
    /// Those that another server has in hand: what was last heard of it, and when that was new.
    elsewhere: BTreeMap<GroupTag, (MoveInHand, Duration)>,
    /// Those that did not come on: how often in a row, and when to try again.
    paused: BTreeMap<GroupTag, (u32, Duration)>,
}

/// Stops the mover when it is dropped. Another server goes on.
#[derive(Debug)]
pub struct Moving(AbortHandle);

impl Drop for Moving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to work on moves, for as long as what this gives lives.
#[must_use = "dropping it stops the mover"]
pub fn spawn(mover: Mover) -> Moving {
    let task = tokio::spawn(async move {
        let mut tasks = JoinSet::new();
        loop {
            for tag in mover.waiting().await {
                let mover = mover.clone();
                tasks.spawn(async move { mover.work_on(tag).await });
            }
            while tasks.try_join_next().is_some() {}
            tokio::time::sleep(EVERY).await;
        }
    });
    Moving(task.abort_handle())
}

/// A tag that this process works on.
struct Busy<'a>(&'a Mover, GroupTag);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.known().busy.remove(&self.1);
    }
}

impl Mover {
    /// A mover over these groups.
    #[must_use]
    pub fn new(base: BaseStore, groups: GroupSet, clock: Arc<dyn Clock>) -> Self {
        Self { base, groups, clock, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moves that are under way, but for those that are left alone for a while.
    pub(super) async fn waiting(&self) -> Vec<GroupTag> {
        let moves = self.base.moves().await.unwrap_or_default();
        let now = self.clock.monotonic();
        let mut known = self.known();
        known.paused.retain(|tag, _| moves.iter().any(|one| one.tag == *tag && one.phase.is_under_way()));
        let is_due = |tag: &GroupTag| known.paused.get(tag).is_none_or(|(_, until)| *until <= now);
        let under_way = moves.iter().filter(|one| one.phase.is_under_way()).map(|one| one.tag);
        under_way.filter(is_due).collect()
    }

    /// Takes the move of that tag in hand, if it is under way and nobody else has it, and brings it as far as it goes.
    pub async fn work_on(&self, tag: GroupTag) {
        if !self.known().busy.insert(tag) {
            return;
        }
        let _busy = Busy(self, tag);
        let silent = self.silent(tag);
        match self.base.take_move(tag, self.groups.owner().to_owned(), silent).await {
            Ok(TakenMove::Taken(one)) => {
                self.known().elsewhere.remove(&tag);
                self.take_a_turn(Turn::new(self, *one)).await;
            }
            Ok(TakenMove::Elsewhere(heard)) => self.note(tag, heard),
            Ok(TakenMove::Nothing) => {}
            Err(error) => tracing::warn!(%tag, %error, "a move could not be taken in hand"),
        }
    }

    async fn take_a_turn(&self, mut turn: Turn<'_>) {
        let (tag, epoch) = (turn.tag(), turn.epoch());
        let came_to = tokio::select! {
            biased;
            came_to = turn.run() => came_to,
            () = self.until_overtaken(tag, epoch) => Err(MoveError::Overtaken),
        };
        let is_stuck = matches!(came_to, Err(MoveError::Later(_)));
        if let Err(error) = came_to {
            turn.ends_with(error).await;
        }
        let mut known = self.known();
        let failures = known.paused.remove(&tag).map_or(0, |(failures, _)| failures);
        if is_stuck {
            let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LAST_PAUSE);
            let until = self.clock.monotonic().saturating_add(pause);
            known.paused.insert(tag, (failures.saturating_add(1), until));
        }
    }

    /// Says again and again that this server has the move in hand; ends when it has it no more.
    async fn until_overtaken(&self, tag: GroupTag, epoch: u64) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            // A base store that does not answer lets nobody else take it either.
            if let Ok(false) = self.base.keep_move(tag, epoch).await {
                return;
            }
        }
    }

    /// What was heard of the move from another server, if nothing has been heard since for long enough.
    fn silent(&self, tag: GroupTag) -> Option<MoveInHand> {
        let now = self.clock.monotonic();
        let known = self.known();
        let (heard, at) = known.elsewhere.get(&tag)?;
        (now.saturating_sub(*at) >= SILENCE).then_some(*heard)
    }

    fn note(&self, tag: GroupTag, heard: MoveInHand) {
        let now = self.clock.monotonic();
        let mut known = self.known();
        let entry = known.elsewhere.entry(tag).or_insert((heard, now));
        if entry.0 != heard {
            *entry = (heard, now);
        }
    }
}
