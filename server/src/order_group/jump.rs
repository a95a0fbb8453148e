//! Creating a draft: the only thing that may go to any healthy group, and jump to the next.

mod attempt;

use super::avoidance::{Avoidance, Turn};
use super::health::{Health, HealthLimits, Standing};
use super::selector::{self, Try};
use super::write_pace::WritePace;
use super::{GroupError, Reply, SaleOfTill};
use attempt::{Attempt, Late};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::pin::pin;
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
            Standing::Healthy if notes.avoidance.is_avoided(now) => "slow",
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

    /// Whether new orders pass the group by, but for a test.
    pub(crate) fn is_skipped(&self) -> bool {
        self.notes().health.is_tripped()
    }

    /// Whether a new order may be tried there, be it as a test or as the last resort.
    pub(crate) fn may_be_asked(&self, now: Duration) -> bool {
        self.notes().health.standing(now) != Standing::Skipped { last_resort: false }
    }

    /// The same, and nobody waits there in vain just now.
    fn is_quick(&self, now: Duration, slow: Duration) -> bool {
        self.is_usable(now, slow) && !self.notes().avoidance.is_avoided(now)
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
        if matches!(error, GroupError::Unknown(_)) {
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
    pub clock: &'a Arc<dyn Clock>,
    pub call: Duration,
    pub random: u64,
    /// The id of the request, for the log.
    pub request: &'a str,
}

/// Groups that were tried in vain.
#[derive(Default)]
struct Jumps {
    all: u8,
    /// Of them, those that had too much to do.
    overloaded: u8,
}

impl Jumping<'_> {
    /// Creates the draft in one of the groups. Gives the number of groups that were tried in vain.
    ///
    /// A group that does not answer within a quarter of the time limit is not waited for if another one is quick: the
    /// order jumps, and the slow group's draft, if it comes to one, expires. Should the slow one answer first all the
    /// same, its draft is taken.
    ///
    /// All of it takes [`Jumping::longest`] at most, however many groups hang: whoever waits for a number is told then that
    /// there is none now, and goes on without. A draft that comes of it later expires like any that nobody chose.
    pub(crate) async fn create(
        &self,
        candidates: &[Candidate],
        draft: &NewDraft,
    ) -> Result<(Created, u8), GroupError> {
        let mut jumps = Jumps::default();
        let mut late = Late::default();
        let mut tries = self.tries(candidates).into_iter();
        let short = self.shortest_patience(tries.len());
        let mut end = pin!(tokio::time::sleep(self.longest()));
        while let Some(Try { index, last_resort }) = tries.next() {
            let Some(candidate) = candidates.get(index) else { continue };
            if !candidate.watch.notes().health.claim(self.clock.monotonic(), last_resort) {
                continue;
            }
            let is_another_quick = self.is_one_quick(tries.as_slice(), candidates);
            let patience = if is_another_quick { short } else { self.call };
            let mut attempt = Attempt::begin(candidate, draft, self);
            let answer = tokio::select! {
                biased;
                answer = attempt.within(patience) => answer,
                Some(answer) = late.answer(), if late.is_any() => {
                    late.leave(attempt);
                    return answer.map(|created| (created, jumps.all));
                }
                () = &mut end => {
                    // It goes on to its own end: only then is it known how the group is.
                    late.leave(attempt);
                    self.jumps(&mut jumps, &candidate.watch, draft, "late", &GroupError::silent(self.longest()));
                    return Err(GroupError::NoGroupAvailable);
                }
            };
            match answer {
                Some(Ok(created)) => return Ok((created, jumps.all)),
                // It is well, and leaves new orders to others.
                Some(Err(error)) if error.lets_jump() && is_quiet(&error) => {}
                Some(Err(error)) if error.lets_jump() => {
                    jumps.overloaded += u8::from(error == GroupError::Overloaded);
                    self.jumps(&mut jumps, &candidate.watch, draft, error.word(), &error);
                }
                Some(Err(error)) => return Err(error),
                None if is_another_quick => {
                    candidate.watch.notes().avoidance.doubt(self.clock.monotonic(), self.call);
                    late.leave(attempt);
                    let error = GroupError::silent(patience);
                    self.jumps(&mut jumps, &candidate.watch, draft, "slow", &error);
                }
                None => {
                    let error = attempt.give_up();
                    self.jumps(&mut jumps, &candidate.watch, draft, error.word(), &error);
                }
            }
        }
        let answer = tokio::select! {
            biased;
            answer = late.answer() => answer,
            () = &mut end => return Err(GroupError::NoGroupAvailable),
        };
        if let Some(answer) = answer {
            return answer.map(|created| (created, jumps.all));
        }
        let only_load = jumps.all > 0 && jumps.overloaded == jumps.all;
        Err(if only_load { GroupError::Overloaded } else { GroupError::NoGroupAvailable })
    }

    /// Which groups to try, and in which order.
    fn tries(&self, candidates: &[Candidate]) -> Vec<Try> {
        let now = self.clock.monotonic();
        let standings: Vec<Standing> =
            candidates.iter().map(|c| c.watch.notes().health.standing(now)).collect();
        let mut tries = selector::sequence(&standings, self.random);
        // Stable: a group whose test is due goes first as before, and the rest stay shuffled.
        tries.sort_by_cached_key(|next| match (standings.get(next.index), candidates.get(next.index)) {
            (Some(Standing::Healthy), Some(candidate)) => candidate.watch.turn(now),
            (Some(Standing::TestDue), _) => Turn::Trial,
            _ => Turn::Usual,
        });
        tries
    }

    /// What takes longer is slow.
    fn slow(&self) -> Duration {
        self.call / 4
    }

    /// How long a number may take. Two groups that hang have their whole time each, and a quarter of it is left for a third.
    fn longest(&self) -> Duration {
        self.call * 2 + self.slow()
    }

    /// How long a group is waited for while another one is quick: a quarter of the time limit, or so much less that each of
    /// so many can be asked within one, and whichever is the last has all its time.
    fn shortest_patience(&self, groups: usize) -> Duration {
        let others = u32::try_from(groups.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        self.slow().min(self.call / others)
    }

    fn is_one_quick(&self, tries: &[Try], candidates: &[Candidate]) -> bool {
        let now = self.clock.monotonic();
        let mut others = tries.iter().filter_map(|next| candidates.get(next.index));
        others.any(|other| other.watch.is_quick(now, self.slow()))
    }

    fn jumps(
        &self,
        jumps: &mut Jumps,
        watch: &Watch,
        draft: &NewDraft,
        reason: &'static str,
        error: &GroupError,
    ) {
        jumps.all = jumps.all.saturating_add(1);
        watch.notes().jumps_away += 1;
        let (tag, sale, request) = (watch.tag, draft.sale.key, self.request);
        metrics::counter!("evertill_jumps_total", "group" => tag.to_string(), "reason" => reason)
            .increment(1);
        tracing::warn!(%tag, %sale, request, %error, "a new order jumps to another group");
    }
}

fn is_quiet(error: &GroupError) -> bool {
    matches!(error, GroupError::NotTaking | GroupError::Moving | GroupError::Elsewhere)
}

#[cfg(test)]
mod tests;
