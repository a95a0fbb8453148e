//! One day of one channel: fetched, read, compared, written down.

use super::Reconciler;
use super::books::Uses;
use crate::base_store::{BaseError, BillLease, BillRun, RunFigures, RunState};
use crate::channel::Channel;
use crate::channel::bills::BillFailure;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::reconciliation::{BillRow, BookRow, reconcile};
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// When a bill that is not there yet, or was refused, is asked for again.
const AGAIN: Duration = Duration::from_secs(10 * 60);
/// A wallet has no bill of a day without trade. So long after it should be there, and with nothing in our books either, it
/// is believed; where something of ours waits for a line that might stand in it, so long after the next day's should be
/// there.
const NO_TRADE_AFTER: Duration = Duration::from_secs(6 * 3600);

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The wallet is asked for the bill.
    Fetching,
    /// So many lines are here; the books are read.
    Fetched(u64),
    /// So many rows of our books are read.
    Reading(u64),
    /// Both are compared.
    Comparing,
    /// What came of it is written down.
    Saving,
}

/// Why a day is not compared.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Another server is at work on this channel's bills.
    #[error("another server is at work on these bills: try again in a few minutes")]
    Elsewhere,
    /// Not yet.
    #[error("{0}")]
    Later(String),
    /// What came is no bill that counts.
    #[error("the bill is refused as a whole: {0}")]
    Refused(String),
    /// That day is not to be compared.
    #[error("{0}")]
    NotThisDay(String),
    /// The base store.
    #[error("the base store: {0}")]
    Base(#[from] BaseError),
}

/// Both sides of a day.
struct Sides {
    bill: Vec<BillRow>,
    books: Vec<BookRow>,
}

impl Reconciler {
    /// Compares a day of a channel and writes down what came of it. `told` hears how far it is.
    ///
    /// # Errors
    /// [`NotDone`]; why is written down, too, and the day is tried again.
    pub async fn compare(
        &self,
        channel: Wallet,
        day: BusinessDay,
        mut told: impl FnMut(Step) + Send,
    ) -> Result<BillRun, NotDone> {
        let lease = self.base.take_bills(channel, self.groups.owner().to_owned()).await?;
        let lease = lease.ok_or(NotDone::Elsewhere)?;
        let before = self.base.bill_run(channel, day).await?;
        if let Some(done) = before.as_ref().filter(|run| run.state == RunState::Done) {
            self.base.leave_bills(lease).await?;
            return Ok(done.clone());
        }
        let run = self.fresh(channel, day, before.as_ref());
        let compared = self.compare_under(lease, run.clone(), &mut told).await;
        if let Err(error) = &compared {
            self.note(lease, run, error).await?;
        }
        self.base.leave_bills(lease).await?;
        let compared = compared?;
        if let Err(error) = self.tell(channel).await {
            tracing::warn!(%channel, %error, "what a bill has settled is not told yet; trying on");
        }
        Ok(compared)
    }

    pub(super) fn fresh(&self, channel: Wallet, day: BusinessDay, before: Option<&BillRun>) -> BillRun {
        let now = self.clock.now();
        BillRun {
            channel,
            day,
            state: RunState::Waiting,
            tries: before.map_or(0, |run| run.tries).saturating_add(1),
            tried_at: now,
            next_at: now.plus(AGAIN),
            problem: None,
            figures: RunFigures::default(),
            difference: std::collections::BTreeMap::new(),
        }
    }

    /// Shows people why the day is not compared.
    async fn note(&self, lease: BillLease, run: BillRun, error: &NotDone) -> Result<(), NotDone> {
        let state = match error {
            NotDone::Refused(_) => RunState::Refused,
            NotDone::Later(_) => RunState::Waiting,
            NotDone::Elsewhere | NotDone::NotThisDay(_) | NotDone::Base(_) => return Ok(()),
        };
        let problem = match error {
            NotDone::Refused(why) | NotDone::Later(why) => Some(why.clone()),
            other => Some(other.to_string()),
        };
        Ok(self.base.bill_not_done(lease, BillRun { state, problem, ..run }).await?)
    }

    async fn compare_under(
        &self,
        lease: BillLease,
        mut run: BillRun,
        told: &mut (impl FnMut(Step) + Send),
    ) -> Result<BillRun, NotDone> {
        let (channel, day) = (run.channel, run.day);
        let carried = self.base.bill_carried(channel, day).await?;
        let mut uses = Uses::default();
        let carried = self.refresh(channel, carried, &mut uses).await?;
        let sides = self.sides(lease, day, uses, told).await?;
        run.figures.bill_rows = sides.bill.len() as u64;
        run.figures.book_rows = sides.books.len() as u64;
        told(Step::Comparing);
        let compare = move || reconcile(sides.books, sides.bill, carried);
        let result = tokio::task::spawn_blocking(compare).await;
        let result =
            result.map_err(|error| NotDone::Later(format!("comparing failed in our own code: {error}")))?;
        run.figures.agreed = result.agreed;
        run.figures.findings = result.findings.len() as u64;
        run.figures.settled = result.settled.len() as u64;
        run.figures.carried = result.carried.len() as u64;
        run.difference = result.difference.sums();
        run.state = RunState::Done;
        told(Step::Saving);
        self.base.bill_done(lease, run.clone(), result).await?;
        Ok(run)
    }

    async fn sides(
        &self,
        lease: BillLease,
        day: BusinessDay,
        mut uses: Uses,
        told: &mut (impl FnMut(Step) + Send),
    ) -> Result<Sides, NotDone> {
        let channel = lease.channel;
        let span =
            self.span(day).ok_or_else(|| NotDone::NotThisDay(format!("{day} is no day that can be")))?;
        let books = self.books(channel, span, &mut uses, |rows| told(Step::Reading(rows))).await?;
        self.base.keep_bills(lease).await?;
        told(Step::Fetching);
        let bill = self.fetch(lease, day, &uses).await?;
        told(Step::Fetched(bill.len() as u64));
        Ok(Sides { bill, books })
    }

    /// The bills of all accounts at a wallet; each that must be there is.
    async fn fetch(&self, lease: BillLease, day: BusinessDay, uses: &Uses) -> Result<Vec<BillRow>, NotDone> {
        let channel = lease.channel;
        let mut accounts = self.centre.accounts_at(channel);
        if let Some(missing) = uses.needed().find(|id| !accounts.iter().any(|(known, _)| known == id)) {
            return Err(NotDone::Later(format!(
                "this server has no way to the account {missing} at {channel}, whose bill is needed"
            )));
        }
        accounts.retain(|(_, known)| known.bills().is_some());
        if accounts.is_empty() {
            return Err(NotDone::Later(format!("{channel} is not in this server's settings")));
        }
        let mut rows = Vec::new();
        for (account, known) in accounts {
            let bill = self.bill_of(known, day).await;
            self.base.keep_bills(lease).await?;
            match bill {
                Ok(more) if more.is_empty() && uses.moved(account) => {
                    return Err(NotDone::Refused(format!(
                        "the bill of account {account} holds nothing, and money moved there by our books"
                    )));
                }
                Ok(more) => rows.extend(more),
                Err(BillFailure::NotReady) if self.is_without_trade(day, account, uses) => {}
                Err(failure) if self.has_nothing_of(channel, day, account, uses) => {
                    tracing::warn!(%channel, %account, %day, %failure,
                        "an account that was disabled long before has no bill: the day is compared without it");
                }
                Err(BillFailure::Bad(why)) => return Err(NotDone::Refused(why)),
                Err(failure) => return Err(NotDone::Later(failure.to_string())),
            }
        }
        Ok(rows)
    }

    /// Fetched where payments are made: the connections that are opened for it are used by them, too.
    async fn bill_of(
        &self,
        channel: Arc<dyn Channel>,
        day: BusinessDay,
    ) -> Result<Vec<BillRow>, BillFailure> {
        let (sent, bill) = oneshot::channel();
        self.centre.spawn(async move {
            let Some(bills) = channel.bills() else { return };
            let _ = sent.send(bills.bill(day).await); // nobody may be waiting any more
        });
        bill.await.unwrap_or_else(|_| Err(BillFailure::NoAnswer("fetching it failed in our own code".into())))
    }

    /// Whether "no bill" means "no trade" at that account by now, as far as our books go. Nothing is settled by that: see
    /// [`reconcile`].
    fn is_without_trade(&self, day: BusinessDay, account: AccountId, uses: &Uses) -> bool {
        let day = if uses.waits(account) { day.next() } else { day };
        !uses.moved(account) && self.may_be_empty(day)
    }

    /// Whether nothing of that day can be an account's by now: it was disabled long before, and our books know of nothing
    /// there. It may never answer again, as when its contract has ended.
    fn has_nothing_of(&self, channel: Wallet, day: BusinessDay, account: AccountId, uses: &Uses) -> bool {
        let is_needed = uses.needed().any(|needed| needed == account);
        let may_hold = |(from, _)| self.centre.may_hold(channel, account, from);
        !is_needed && !self.span(day).is_none_or(may_hold) && self.may_be_empty(day)
    }

    /// Whether "no bill" may mean "no trade" by now.
    fn may_be_empty(&self, day: BusinessDay) -> bool {
        let believed = |ready: Timestamp| ready.plus(NO_TRADE_AFTER) <= self.clock.now();
        self.ready_at(day).is_some_and(believed)
    }
}
