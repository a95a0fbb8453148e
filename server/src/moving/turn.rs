//! One server's turn at a move: the steps from phase to phase.

use super::worker::Mover;
use super::{Ends, MoveError, Progress, fence, put_back};
use crate::base_store::MoveRecord;
use crate::order_group::TagStanding;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::MovePhase;
use std::collections::BTreeSet;
use std::time::Duration;

/// With so few orders left that differ, writing is stopped and the rest copied.
const LITTLE: u64 = 200;
/// After so many rounds it is stopped anyway: they do not get fewer.
const ROUNDS: u32 = 8;
/// How long orders are held up at most, and how much longer for each hundred thousand of them.
const HELD_UP: Duration = Duration::from_secs(10);
const HELD_UP_MORE: Duration = Duration::from_secs(1);

/// One server's turn at a move.
pub(super) struct Turn<'a> {
    mover: &'a Mover,
    one: MoveRecord,
    saved_at: Duration,
    pub(super) stop: fence::Stop,
}

impl<'a> Turn<'a> {
    pub fn new(mover: &'a Mover, one: MoveRecord) -> Self {
        Self { mover, one, saved_at: mover.clock.monotonic(), stop: fence::Stop::default() }
    }

    pub fn tag(&self) -> GroupTag {
        self.one.tag
    }

    pub fn epoch(&self) -> u64 {
        self.one.epoch
    }

    fn ends(&self) -> Result<Ends, MoveError> {
        let groups = &self.mover.groups;
        Ok(Ends::of(&self.one, groups.home_database(self.one.from)?, groups.home_database(self.one.to)?))
    }

    /// As far as it goes.
    pub async fn run(&mut self) -> Result<(), MoveError> {
        if self.one.phase == MovePhase::Aborting {
            return self.put_back().await;
        }
        let ends = self.ends()?;
        self.take_the_fences(&ends).await?;
        while self.one.phase.is_under_way() {
            match self.one.phase {
                MovePhase::Draining => self.begin(&ends).await?,
                MovePhase::Copying => self.copy(&ends).await?,
                MovePhase::CatchingUp => self.catch_up(&ends).await?,
                MovePhase::Frozen => self.freeze_within_a_limit(&ends).await?,
                MovePhase::Publishing => self.publish(&ends).await?,
                MovePhase::Aborting | MovePhase::Done | MovePhase::Stopped | MovePhase::Aborted => break,
            }
        }
        Ok(())
    }

    /// Whoever had the move before is refused by both databases from here on.
    async fn take_the_fences(&self, ends: &Ends) -> Result<(), MoveError> {
        if self.one.phase == MovePhase::Publishing {
            return Ok(()); // its first step does
        }
        let (tag, epoch) = (ends.tag, ends.epoch);
        let from = &["active", "serving", "draining", "frozen"];
        fence::turn(&ends.from, tag, epoch, from, "draining", None).await?;
        fence::turn(&ends.to, tag, epoch, &["moved", "arriving"], "arriving", None).await
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

    async fn freeze_within_a_limit(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let hundreds_of_thousands = u32::try_from(self.one.total / 100_000).unwrap_or(u32::MAX);
        let limit = HELD_UP.saturating_add(HELD_UP_MORE.saturating_mul(hundreds_of_thousands));
        tokio::time::timeout(limit, self.freeze(ends)).await.unwrap_or_else(|_| {
            Err(MoveError::Later(format!(
                "the last changes were not copied within {} s: the databases are too busy, or one hangs. Sales go on; \
                 it is tried again",
                limit.as_secs()
            )))
        })
    }

    /// For a moment nothing of this tag is written anywhere.
    async fn freeze(&mut self, ends: &Ends) -> Result<(), MoveError> {
        let began = self.mover.clock.monotonic();
        self.stop.freeze(&ends.from, ends.tag, ends.epoch).await?;
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
        put_back::forget_late(&ends.from).await?;
        self.goes_on_to(MovePhase::Done).await
    }

    /// The old home first, so that nobody waits: what has arrived in the new one is nobody's, and is taken away after
    /// that. A new home that is gone keeps nothing from being put back.
    async fn put_back(&mut self) -> Result<(), MoveError> {
        let groups = &self.mover.groups;
        let from = super::Side::old(groups.home_database(self.one.from)?);
        let (tag, epoch) = (self.one.tag, self.one.epoch);
        let (state, standing) = match self.one.from == tag {
            true => ("active", TagStanding::Active),
            false => ("serving", TagStanding::Serving),
        };
        let states = &["active", "serving", "draining", "frozen"];
        fence::turn(&from, tag, epoch, states, state, None).await?;
        if !self.mover.base.publish(self.one.clone(), self.one.from, standing).await? {
            return Err(MoveError::Overtaken);
        }
        put_back::forget_late(&from).await?;
        let cleared = match self.ends() {
            Ok(ends) => put_back::clear(&ends, self.one.from).await,
            Err(error) => Err(error),
        };
        if cleared == Err(MoveError::Overtaken) {
            return Err(MoveError::Overtaken);
        }
        self.one.phase = MovePhase::Aborted;
        self.one.problem = cleared.err().map(|error| {
            format!(
                "copies are left in the database of group {}, where they do no harm: {error}",
                self.one.to
            )
        });
        self.save(MovePhase::Aborting).await?;
        tracing::info!(%tag, problem = self.one.problem, "a move was taken back");
        Ok(())
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

    /// Writes down why it did not come on.
    pub async fn ends_with(&mut self, error: MoveError) {
        let (tag, phase) = (self.one.tag, self.one.phase);
        let (problem, then) = match error {
            MoveError::Overtaken => return tracing::info!(%tag, "a move is in other hands"),
            MoveError::Later(problem) => {
                tracing::warn!(%tag, problem, "a move waits");
                (problem, if phase == MovePhase::Frozen { MovePhase::CatchingUp } else { phase })
            }
            MoveError::Stop(problem) => {
                tracing::error!(%tag, problem, "a move was stopped: its orders stay where they are");
                // There is no way back from the last phases, and the way on stays open.
                let is_late = matches!(phase, MovePhase::Publishing | MovePhase::Aborting);
                (problem, if is_late { phase } else { MovePhase::Stopped })
            }
        };
        if phase == MovePhase::Frozen
            && let Err(error) = self.let_go().await
        {
            tracing::error!(%tag, %error, "the orders could not be let go");
            return; // it is taken up again, and tries again
        }
        self.one.problem = Some(problem);
        self.one.phase = then;
        let _ = self.save(phase).await;
    }

    /// What is held up is let go first: a sale is worth more than a move.
    async fn let_go(&self) -> Result<(), MoveError> {
        self.stop.call_off();
        let from = super::Side::old(self.mover.groups.home_database(self.one.from)?);
        fence::turn(&from, self.one.tag, self.one.epoch, &["frozen"], "draining", None).await
    }
}
