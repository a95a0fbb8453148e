//! Creating a draft: the only thing that may go to any healthy group, and jump to the next.

use super::avoidance::{Avoidance, Turn};
use super::health::{Health, HealthLimits, Standing};
use super::selector::{self, Try};
use super::write_pace::WritePace;
use super::{GroupError, Reply, SaleOfTill, probe};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A draft to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDraft {
    /// The sale. Shared: each group that is tried gets a draft of its own.
    pub sale: Arc<SaleOfTill>,
    /// The server's clock.
    pub at: Timestamp,
    /// The store's business day at that time.
    pub business_day: BusinessDay,
    /// Which server creates it.
    pub server: String,
    /// For the number; the next one if a number is taken.
    pub random: [u32; 8],
}

/// A draft that a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its number.
    pub number: OrderNumber,
    /// Its business day.
    pub business_day: BusinessDay,
}

/// What the jump needs of a group.
pub trait Drafts: Send + Sync {
    /// The tag at the end of its numbers.
    fn tag(&self) -> GroupTag;
    /// Writes into this server's probe row.
    fn probe(&self, server: String, at: Timestamp) -> Reply<()>;
    /// Creates a draft, or finds the one that is there for the same sale: a replay creates nothing. Refuses another
    /// sale of the same name.
    fn create_draft(&self, draft: NewDraft) -> Reply<Created>;
}

/// A group's health, for the console and the health check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct GroupHealth {
    /// Which group.
    pub tag: GroupTag,
    /// `healthy`, `skipped` or `test due`: what new orders do.
    pub standing: &'static str,
    /// What the database says of itself, for people.
    pub engine: String,
    /// Failures in the current period.
    pub failures: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// Orders that this server created in it.
    pub orders_created: u64,
    /// New orders of this server that jumped away from it.
    pub jumps_away: u64,
}

impl GroupHealth {
    /// Whether new orders go there.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.standing == "healthy"
    }
}

#[derive(Debug)]
struct Notes {
    health: Health,
    pace: WritePace,
    avoidance: Avoidance,
    proved_at: Option<Duration>,
    last_error: Option<(String, Timestamp)>,
    orders_created: u64,
    jumps_away: u64,
}

/// What this server knows of a group.
#[derive(Debug)]
pub(crate) struct Watch {
    notes: Mutex<Notes>,
    tag: GroupTag,
    limits: HealthLimits,
}

impl Watch {
    pub(crate) fn new(tag: GroupTag, limits: HealthLimits, now: Duration, random: u64) -> Self {
        let health = Health::new(limits, now, random);
        let notes = Notes {
            health,
            pace: WritePace::default(),
            avoidance: Avoidance::default(),
            proved_at: None,
            last_error: None,
            orders_created: 0,
            jumps_away: 0,
        };
        Self { notes: Mutex::new(notes), tag, limits }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self, engine: String, now: Duration) -> GroupHealth {
        let notes = self.notes();
        let standing = match notes.health.standing(now) {
            Standing::Healthy => "healthy",
            Standing::TestDue => "test due",
            Standing::Skipped { .. } => "skipped",
        };
        GroupHealth {
            tag: self.tag,
            standing,
            engine,
            failures: notes.health.failures(),
            last_error: notes.last_error.as_ref().map(|(text, _)| text.clone()),
            last_error_at: notes.last_error.as_ref().map(|(_, at)| *at),
            orders_created: notes.orders_created,
            jumps_away: notes.jumps_away,
        }
    }

    /// Whether new orders are answered there in good time: the group is not skipped, and its writes have not taken
    /// longer than `slow` lately.
    pub(crate) fn is_usable(&self, now: Duration, slow: Duration) -> bool {
        let notes = self.notes();
        notes.health.standing(now) == Standing::Healthy && !notes.pace.is_slower_than(slow, now)
    }

    /// A write ended after so long, well or not.
    pub(crate) fn took<T>(&self, now: Duration, took: Duration, answer: &Result<T, GroupError>) {
        let outcome = answer.as_ref().err().map_or("done", GroupError::word);
        metrics::histogram!("evertill_group_write_seconds", "group" => self.tag.to_string(), "outcome" => outcome)
            .record(took.as_secs_f64());
        // What was not let in at all says nothing of the group's pace.
        if !matches!(answer, Err(GroupError::Overloaded)) {
            self.notes().pace.took(now, took);
        }
    }

    /// Where the group comes among the healthy ones; one that is slow of late comes last.
    fn turn(&self, now: Duration) -> Turn {
        self.notes().avoidance.turn(now, self.limits.test_timeout)
    }

    /// A new order was created there, after so long.
    fn created_after(&self, now: Duration, took: Duration, slow: Duration) {
        let rest = self.limits.period;
        let mut notes = self.notes();
        let is_slow = notes.pace.is_slower_than(slow, now);
        notes.avoidance.created(now, took <= slow, is_slow, rest);
    }

    /// A write was answered: no proof that the group is well again, but that it can write now.
    pub(crate) fn wrote(&self, now: Duration) {
        self.notes().proved_at = Some(now);
    }

    /// A probe was answered.
    pub(crate) fn probed(&self, answer: &Result<(), GroupError>) {
        let outcome = answer.as_ref().err().map_or("done", GroupError::word);
        metrics::counter!("evertill_probes_total", "group" => self.tag.to_string(), "outcome" => outcome)
            .increment(1);
    }

    pub(crate) fn failed(&self, error: &GroupError, clock: &dyn Clock, random: u64) {
        if *error == GroupError::Unknown {
            metrics::counter!("evertill_unknowns_total", "group" => self.tag.to_string()).increment(1);
        }
        let mut notes = self.notes();
        let was_tripped = notes.health.is_tripped();
        notes.health.failed(clock.monotonic(), random);
        notes.proved_at = None;
        notes.last_error = Some((error.to_string(), clock.now()));
        if !was_tripped && notes.health.is_tripped() {
            tracing::error!(tag = %self.tag, %error, "order group skipped: new orders go to other groups");
        }
    }

    fn created(&self, now: Duration, random: u64) {
        let mut notes = self.notes();
        if notes.health.is_tripped() {
            tracing::info!(tag = %self.tag, "order group works again");
        }
        notes.health.succeeded(now, random);
        notes.proved_at = Some(now);
        notes.orders_created += 1;
        metrics::counter!("evertill_orders_created_total", "group" => self.tag.to_string()).increment(1);
    }
}

/// A group as the jump sees it.
pub(crate) struct Candidate {
    pub group: Arc<dyn Drafts>,
    pub watch: Arc<Watch>,
}

/// What is fixed while creating.
pub(crate) struct Jumping<'a> {
    pub clock: &'a dyn Clock,
    pub call: Duration,
    pub random: u64,
}

impl Jumping<'_> {
    /// Creates the draft in one of the groups. Gives the number of groups that were tried in vain.
    pub(crate) async fn create(
        &self,
        candidates: &[Candidate],
        draft: &NewDraft,
    ) -> Result<(Created, u8), GroupError> {
        let now = self.clock.monotonic();
        let standings: Vec<Standing> =
            candidates.iter().map(|c| c.watch.notes().health.standing(now)).collect();
        let mut jumps = 0_u8;
        let mut overloaded = 0_u8;
        let mut tries = selector::sequence(&standings, self.random);
        // Stable: a group whose test is due goes first as before, and the rest stay shuffled.
        tries.sort_by_cached_key(|next| match (standings.get(next.index), candidates.get(next.index)) {
            (Some(Standing::Healthy), Some(candidate)) => candidate.watch.turn(now),
            (Some(Standing::TestDue), _) => Turn::Trial,
            _ => Turn::Usual,
        });
        for Try { index, last_resort } in tries {
            let Some(candidate) = candidates.get(index) else { continue };
            if !candidate.watch.notes().health.claim(self.clock.monotonic(), last_resort) {
                continue;
            }
            match self.create_in(candidate, draft).await {
                Ok(created) => return Ok((created, jumps)),
                // It is well, and leaves new orders to others.
                Err(error) if error.lets_jump() && is_quiet(&error) => {}
                Err(error) if error.lets_jump() => {
                    overloaded += u8::from(error == GroupError::Overloaded);
                    jumps = jumps.saturating_add(1);
                    candidate.watch.notes().jumps_away += 1;
                    let tag = candidate.watch.tag;
                    metrics::counter!("evertill_jumps_total", "group" => tag.to_string(), "reason" => error.word())
                        .increment(1);
                    let sale = draft.sale.key;
                    tracing::warn!(%tag, %sale, %error, "a new order jumps to another group");
                }
                Err(error) => return Err(error),
            }
        }
        let only_load = jumps > 0 && overloaded == jumps;
        Err(if only_load { GroupError::Overloaded } else { GroupError::NoGroupAvailable })
    }

    async fn create_in(&self, candidate: &Candidate, draft: &NewDraft) -> Result<Created, GroupError> {
        let watch = &candidate.watch;
        let (proved_at, healthy) = {
            let notes = watch.notes();
            (notes.proved_at, !notes.health.is_tripped())
        };
        let probe_first = probe::is_needed(proved_at, self.clock.monotonic(), healthy);
        let calls = async {
            if probe_first {
                let probed = candidate.group.probe(draft.server.clone(), draft.at).await;
                watch.probed(&probed);
                probed?;
            }
            candidate.group.create_draft(draft.clone()).await
        };
        let began = self.clock.monotonic();
        let result = tokio::time::timeout(self.call, calls).await.unwrap_or(Err(GroupError::Unknown));
        let now = self.clock.monotonic();
        watch.took(now, now.saturating_sub(began), &result);
        match &result {
            Err(error) if error.is_failure() => watch.failed(error, self.clock, self.random),
            // A refusal is an answer of a group that works.
            Ok(_) | Err(GroupError::Refused(_)) => {
                watch.created(now, self.random);
                watch.created_after(now, now.saturating_sub(began), self.call / 4);
            }
            Err(_) => {}
        }
        result
    }
}

fn is_quiet(error: &GroupError) -> bool {
    matches!(error, GroupError::NotTaking | GroupError::Moving | GroupError::Elsewhere)
}

#[cfg(test)]
mod tests;
