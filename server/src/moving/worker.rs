//! Working on moves: the steps from phase to phase, and who takes them.

use super::copy::AT_A_TIME;
use super::rows::{Chunk, TABLES};
use super::{Ends, MoveError, Progress, fence};
use crate::base_store::{BaseStore, MoveRecord};
use crate::order_group::{GroupSet, TagStanding};
use crate::params;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::MovePhase;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How often it is looked for moves that nobody works on.
const EVERY: Duration = Duration::from_secs(1);
/// With so few orders left that differ, writing is stopped and the rest copied.
const LITTLE: u64 = 200;
/// After so many rounds it is stopped anyway: they do not get fewer.
const ROUNDS: u32 = 8;

/// Works on the moves of a store, beside other servers that do the same.
#[derive(Clone)]
pub struct Mover {
    base: BaseStore,
    groups: GroupSet,
    clock: Arc<dyn Clock>,
    busy: Arc<Mutex<BTreeSet<GroupTag>>>,
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
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Mover {
    /// A mover over these groups.
    #[must_use]
    pub fn new(base: BaseStore, groups: GroupSet, clock: Arc<dyn Clock>) -> Self {
        Self { base, groups, clock, busy: Arc::default() }
    }

    async fn waiting(&self) -> Vec<GroupTag> {
        let moves = self.base.moves().await.unwrap_or_default();
        moves.into_iter().filter(|one| one.phase.is_under_way()).map(|one| one.tag).collect()
    }

    /// Takes the move of that tag in hand, if it is under way and nobody else has it, and brings it as far as it goes.
    pub async fn work_on(&self, tag: GroupTag) {
        if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(tag) {
            return;
        }
        let _busy = Busy(self, tag);
        match self.base.take_move(tag, self.groups.owner().to_owned()).await {
            Ok(Some(one)) => {
                let mut turn = Turn { mover: self, one, saved_at: self.clock.monotonic() };
                if let Err(error) = turn.run().await {
                    turn.ends_with(error).await;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%tag, %error, "a move could not be taken in hand"),
        }
    }
}

/// One server's turn at a move.
struct Turn<'a> {
    mover: &'a Mover,
    one: MoveRecord,
    saved_at: Duration,
}

impl Turn<'_> {
    fn ends(&self) -> Result<Ends, MoveError> {
        let groups = &self.mover.groups;
        Ok(Ends::of(&self.one, groups.home_database(self.one.from)?, groups.home_database(self.one.to)?))
    }

    async fn run(&mut self) -> Result<(), MoveError> {
        let ends = self.ends()?;
        self.take_the_fences(&ends).await?;
        while self.one.phase.is_under_way() {
            match self.one.phase {
                MovePhase::Draining => self.begin(&ends).await?,
                MovePhase::Copying => self.copy(&ends).await?,
                MovePhase::CatchingUp => self.catch_up(&ends).await?,
                MovePhase::Frozen => self.freeze(&ends).await?,
                MovePhase::Publishing => self.publish(&ends).await?,
                MovePhase::Aborting => self.put_back(&ends).await?,
                MovePhase::Done | MovePhase::Stopped | MovePhase::Aborted => {}
            }
        }
        Ok(())
    }

    /// Whoever had the move before is refused by both databases from here on.
    async fn take_the_fences(&self, ends: &Ends) -> Result<(), MoveError> {
        let (tag, epoch) = (ends.tag, ends.epoch);
        match self.one.phase {
            MovePhase::Publishing | MovePhase::Aborting => Ok(()), // their first steps do
            _ => {
                let from = &["active", "serving", "draining", "frozen"];
                fence::turn(&ends.from, tag, epoch, from, "draining", None).await?;
                fence::turn(&ends.to, tag, epoch, &["moved", "arriving"], "arriving", None).await
            }
        }
    }

    async fn begin(&mut self, ends: &Ends) -> Result<(), MoveError> {
        self.one.total = ends.count().await?;
        let late = ends.last_late().await?;
        self.one.progress = Progress { late, ..Progress::default() }.text();
        self.goes_on_to(MovePhase::Copying).await
    }

    async fn copy(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let mut progress = Progress::of(&self.one.progress);
        let mut next = ends.next_chunk(progress.orders.clone()).await?;
        while let Some(chunk) = next {
            let last = chunk.spans.last().map(|(_, last)| last.clone()).unwrap_or_default();
            let orders = chunk.orders() as u64;
            let (put, following) = tokio::join!(ends.put(chunk), ends.next_chunk(last.clone()));
            put?;
            next = following?;
            progress.orders = last;
            self.one.copied = self.one.copied.saturating_add(orders);
            self.comes_on(&progress).await?;
        }
        while let Some(last) = ends.copy_entries(progress.entries).await? {
            progress.entries = last;
            self.comes_on(&progress).await?;
        }
        progress.requests = ends.copy_requests(progress.requests).await?;
        self.one.progress = progress.text();
        self.goes_on_to(MovePhase::CatchingUp).await
    }

    async fn catch_up(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let mut progress = Progress::of(&self.one.progress);
        for _ in 0..ROUNDS {
            // Numbers are given out before they can be seen: the next round begins where this one began.
            let late = ends.last_late().await?;
            ends.copy_late(progress.late).await?;
            let requests = ends.copy_requests(progress.requests).await?;
            let compared = ends.catch_up(&BTreeSet::new()).await?;
            self.one.total = compared.orders;
            self.one.copied = compared.orders.saturating_sub(compared.left_out.len() as u64);
            (progress.late, progress.requests) = (progress.late.max(late.saturating_sub(1_000)), requests);
            self.saved_at = Duration::ZERO;
            self.comes_on(&progress).await?;
            if compared.copied <= LITTLE.saturating_add(compared.left_out.len() as u64) {
                break;
            }
        }
        self.goes_on_to(MovePhase::Frozen).await
    }

    /// For a moment nothing of this tag is written anywhere.
    async fn freeze(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let began = self.mover.clock.monotonic();
        fence::turn(&ends.from, ends.tag, ends.epoch, &["draining"], "frozen", None).await?;
        let progress = Progress::of(&self.one.progress);
        let always = ends.under_way().await?;
        let compared = ends.catch_up(&always).await?;
        ends.copy_late(progress.late).await?;
        ends.copy_requests(progress.requests).await?;
        ends.copy_outbox().await?;
        ends.counts_are_equal(compared.left_out.clone()).await?;
        self.one.total = compared.orders;
        self.one.copied = compared.orders.saturating_sub(compared.left_out.len() as u64);
        let frozen_ms = self.mover.clock.monotonic().saturating_sub(began).as_millis();
        tracing::info!(tag = %self.one.tag, frozen_ms, orders = self.one.copied, "orders are about to change their home");
        self.goes_on_to(MovePhase::Publishing).await
    }

    /// The new home serves the orders; then all servers are told; then the old one knows that they are gone.
    async fn publish(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let (tag, epoch) = (ends.tag, ends.epoch);
        fence::turn(&ends.to, tag, epoch, &["arriving"], "serving", None).await?;
        if !self.mover.base.publish(self.one.clone(), self.one.to, TagStanding::Serving).await? {
            return Err(MoveError::Overtaken);
        }
        fence::turn(&ends.from, tag, epoch, &["frozen"], "moved", Some(self.one.to)).await?;
        forget_late(ends).await?;
        self.goes_on_to(MovePhase::Done).await
    }

    async fn put_back(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let (tag, epoch) = (ends.tag, ends.epoch);
        fence::turn(&ends.to, tag, epoch, &["arriving"], "moved", Some(self.one.from)).await?;
        clear(ends).await?;
        let born_there = self.one.from == tag;
        let (state, standing) = match born_there {
            true => ("active", TagStanding::Active),
            false => ("serving", TagStanding::Serving),
        };
        let from = &["active", "serving", "draining", "frozen"];
        fence::turn(&ends.from, tag, epoch, from, state, None).await?;
        if !self.mover.base.publish(self.one.clone(), self.one.from, standing).await? {
            return Err(MoveError::Overtaken);
        }
        forget_late(ends).await?;
        self.goes_on_to(MovePhase::Aborted).await
    }

    async fn goes_on_to(&mut self, phase: MovePhase) -> Result<(), MoveError> {
        let before = self.one.phase;
        self.one.phase = phase;
        self.one.problem = None;
        self.save(before).await?;
        tracing::info!(tag = %self.one.tag, from = %self.one.from, to = %self.one.to, phase = phase.as_str(), "a move");
        Ok(())
    }

    /// Writes down how far it is, once a second.
    async fn comes_on(&mut self, progress: &Progress) -> Result<(), MoveError> {
        let now = self.mover.clock.monotonic();
        if now.saturating_sub(self.saved_at) < Duration::from_secs(1) {
            return Ok(());
        }
        self.saved_at = now;
        self.one.progress = progress.text();
        self.one.problem = None;
        self.save(self.one.phase).await
    }

    async fn save(&self, phase: MovePhase) -> Result<(), MoveError> {
        let saved = self.mover.base.save_move(self.one.clone(), phase).await?;
        if saved { Ok(()) } else { Err(MoveError::Overtaken) }
    }

    async fn ends_with(&mut self, error: MoveError) {
        let (tag, phase) = (self.one.tag, self.one.phase);
        match error {
            MoveError::Overtaken => tracing::info!(%tag, "a move is in other hands"),
            MoveError::Later(problem) => {
                tracing::warn!(%tag, problem, "a move waits");
                self.one.problem = Some(problem);
                let _ = self.save(phase).await;
            }
            MoveError::Stop(problem) => {
                tracing::error!(%tag, problem, "a move was stopped: its orders stay where they are");
                // What is frozen is let go first: a sale is worth more than a move.
                if let Ok(ends) = self.ends() {
                    let let_go =
                        fence::turn(&ends.from, tag, ends.epoch, &["frozen"], "draining", None).await;
                    if let (Err(error), MovePhase::Frozen) = (&let_go, phase) {
                        tracing::error!(%tag, %error, "the orders could not be let go");
                        return; // it is taken up again, and tries again
                    }
                }
                self.one.problem = Some(problem);
                self.one.phase = if phase == MovePhase::Publishing || phase == MovePhase::Aborting {
                    phase // there is no way back from here, and the way on stays open
                } else {
                    MovePhase::Stopped
                };
                let _ = self.save(phase).await;
            }
        }
    }
}

/// Takes away what had arrived, a few orders at a time.
async fn clear(ends: &Ends) -> Result<(), MoveError> {
    loop {
        let pattern = ends.pattern();
        let (tag, epoch) = (ends.tag, ends.epoch);
        let cleared = ends
            .to
            .write(move |sql| {
                let mine = sql.row("SELECT state, epoch FROM tags WHERE tag = ?1", &params![tag.get()])?;
                match mine {
                    None => return Ok(true), // nothing ever arrived
                    Some(row) if row.at::<String>(0)? == "moved" && row.at::<u64>(1)? == epoch => {}
                    Some(_) => return Err(MoveError::Overtaken),
                }
                let numbers = sql.rows(
                    "SELECT number FROM orders WHERE number LIKE ?1 ORDER BY number LIMIT ?2",
                    &params![&pattern, AT_A_TIME],
                )?;
                let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
                    sql.execute("DELETE FROM outbox WHERE number LIKE ?1", &params![&pattern])?;
                    return Ok(true);
                };
                let chunk = Chunk { spans: vec![(first.at(0)?, last.at(0)?)], ..Chunk::default() };
                for span in &chunk.spans {
                    for table in TABLES.iter().rev() {
                        table.clear(sql, span, &pattern)?;
                    }
                }
                Ok(false)
            })
            .await?;
        if cleared {
            return Ok(());
        }
    }
}

/// Forgets which entries came late, if nothing else is leaving.
async fn forget_late(ends: &Ends) -> Result<(), MoveError> {
    ends.from
        .write(|sql| -> Result<(), MoveError> {
            let leaving = "SELECT tag FROM tags WHERE state IN ('draining', 'frozen') LIMIT 1";
            if sql.row(leaving, &[])?.is_none() {
                sql.execute("DELETE FROM late_entries", &[])?;
            }
            Ok(())
        })
        .await
}
