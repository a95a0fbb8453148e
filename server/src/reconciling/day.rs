//! One day of one account: fetched, read, compared, written down.

use super::Reconciler;
use super::books::Uses;
use crate::base_store::{BaseError, BillLease, BillRun, BillsOf, RunFigures, RunState};
use crate::channel::Channel;
use crate::channel::bills::BillFailure;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::reconciliation::{BillRow, BookRow, Category, Finding, Movement, Standing, reconcile};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;
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
    /// Another server is at work on this account's bills.
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
    uses: Uses,
}

impl Reconciler {
    /// Compares a day of an account and writes down what came of it. `told` hears how far it is.
    ///
    /// # Errors
    /// [`NotDone`]; why is written down, too, and the day is tried again.
    pub async fn compare(
        &self,
        of: BillsOf,
        day: BusinessDay,
        mut told: impl FnMut(Step) + Send,
    ) -> Result<BillRun, NotDone> {
        let lease = self.base.take_bills(of, self.groups.owner().to_owned()).await?;
        let lease = lease.ok_or(NotDone::Elsewhere)?;
        let before = self.base.bill_run(of, day).await?;
        if let Some(done) = before.as_ref().filter(|run| run.state == RunState::Done) {
            self.base.leave_bills(lease).await?;
            return Ok(done.clone());
        }
        let run = self.fresh(of, day, before.as_ref());
        let compared = self.compare_under(lease, run.clone(), &mut told).await;
        if let Err(error) = &compared {
            self.note(lease, run, error).await?;
        }
        self.base.leave_bills(lease).await?;
        let compared = compared?;
        if let Err(error) = self.tell(of.channel).await {
            tracing::warn!(channel = %of.channel, %error, "what a bill has settled is not told yet; trying on");
        }
        Ok(compared)
    }

    pub(super) fn fresh(&self, of: BillsOf, day: BusinessDay, before: Option<&BillRun>) -> BillRun {
        let now = self.clock.now();
        BillRun {
            channel: of.channel,
            account: of.account,
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
        let (of, day) = (lease.of, run.day);
        let carried = self.base.bill_carried(of, day).await?;
        let mut uses = Uses::by_agreement(self.fee_of(of).await?);
        let carried = self.refresh(of, carried, &mut uses).await?;
        let Sides { bill, books, uses } = self.sides(lease, day, uses, told).await?;
        run.figures.bill_rows = bill.len() as u64;
        run.figures.book_rows = books.len() as u64;
        told(Step::Comparing);
        let compare = move || reconcile(books, bill, carried);
        let result = tokio::task::spawn_blocking(compare).await;
        let mut result =
            result.map_err(|error| NotDone::Later(format!("comparing failed in our own code: {error}")))?;
        if !self.is_first(of) {
            // That nobody knows of what was sent nobody knows where is told once.
            let is_told_there = |finding: &Finding| {
                finding.category == Category::UnknownHereNotThere
                    && uses.is_lost(finding.movement, &finding.number)
            };
            result.findings.retain(|finding| !is_told_there(finding));
        }
        self.name_others(of, &mut result.findings).await?;
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
        let of = lease.of;
        let span = self
            .span(of.channel, day)
            .ok_or_else(|| NotDone::NotThisDay(format!("{day} is no day that can be")))?;
        let mut books = self.books(of, span, &mut uses, |rows| told(Step::Reading(rows))).await?;
        self.tell_of_strangers(of.channel, day, &uses).await?;
        self.base.keep_bills(lease).await?;
        told(Step::Fetching);
        let bill = self.fetch(lease, day, &uses).await?;
        told(Step::Fetched(bill.len() as u64));
        let evening = std::mem::take(&mut uses.evening);
        // Of few rows it is asked whether the bill has a line; a bill has many.
        let lines: BTreeSet<(Movement, String)> = {
            let asked = evening.iter().map(|row| (row.movement, row.number.as_str()));
            let asked: BTreeSet<(Movement, &str)> = asked.chain(uses.lost()).collect();
            let lines = bill.iter().map(|line| (line.movement, line.number.as_str()));
            lines
                .filter(|line| asked.contains(line))
                .map(|(movement, number)| (movement, number.to_owned()))
                .collect()
        };
        let has_a_line = |row: &BookRow| lines.contains(&(row.movement, row.number.clone()));
        books.extend(evening.into_iter().filter(has_a_line));
        if !self.is_first(of) {
            // What is over and stands under no account's name belongs to whoever's bill has it, or else to the first.
            books.retain(|row| {
                let is_lost = uses.is_lost(row.movement, &row.number);
                !is_lost || row.standing == Standing::Unknown || has_a_line(row)
            });
        }
        Ok(Sides { bill, books, uses })
    }

    /// Whether it is the first of the accounts at its wallet.
    fn is_first(&self, of: BillsOf) -> bool {
        self.accounts_at(of.channel).first().is_none_or(|first| first.account == of.account)
    }

    /// Accounts through which money moved and that this server has no way to: people are shown that nobody compares that day
    /// of theirs here.
    async fn tell_of_strangers(&self, channel: Wallet, day: BusinessDay, uses: &Uses) -> Result<(), NotDone> {
        let known = self.centre.accounts_at(channel);
        let strangers = uses.others.iter().filter(|id| !known.iter().any(|(known, _)| known == *id));
        for account in strangers {
            let of = BillsOf::new(channel, *account);
            let Some(lease) = self.base.take_bills(of, self.groups.owner().to_owned()).await? else {
                continue;
            };
            let before = self.base.bill_run(of, day).await?;
            if before.as_ref().is_none_or(|run| run.state != RunState::Done) {
                let why = NotDone::Later(format!(
                    "this server has no way to the account {account} at {channel}, whose bill is needed"
                ));
                self.note(lease, self.fresh(of, day, before.as_ref()), &why).await?;
            }
            self.base.leave_bills(lease).await?;
        }
        Ok(())
    }

    /// The account's bill, if it is there or need not be.
    async fn fetch(&self, lease: BillLease, day: BusinessDay, uses: &Uses) -> Result<Vec<BillRow>, NotDone> {
        let of = lease.of;
        let BillsOf { channel, account, .. } = of;
        let known = self.centre.accounts_at(channel).into_iter().find(|(known, _)| *known == account);
        let Some((_, known)) = known.filter(|(_, known)| known.bills().is_some()) else {
            return Err(NotDone::Later(format!(
                "account {account} at {channel} is not in this server's settings"
            )));
        };
        let bill = self.bill_of(known, day).await;
        self.base.keep_bills(lease).await?;
        match bill {
            Ok(rows) if rows.is_empty() && uses.moved() => Err(NotDone::Refused(format!(
                "the bill of account {account} holds nothing, and money moved there by our books"
            ))),
            Ok(rows) => Ok(rows),
            Err(BillFailure::NotReady) if self.is_without_trade(of, day, uses) => Ok(Vec::new()),
            Err(failure) if self.has_nothing_of(of, day, uses) => {
                tracing::warn!(%channel, %account, %day, %failure,
                    "an account that was disabled long before has no bill: its day counts as one without trade");
                Ok(Vec::new())
            }
            Err(BillFailure::Bad(why)) => Err(NotDone::Refused(why)),
            Err(failure) => Err(NotDone::Later(failure.to_string())),
        }
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
    fn is_without_trade(&self, of: BillsOf, day: BusinessDay, uses: &Uses) -> bool {
        let day = if uses.waits() { day.next() } else { day };
        !uses.moved() && self.may_be_empty(of, day)
    }

    /// Whether nothing of that day can be an account's by now: it was disabled long before, and our books know of nothing
    /// there. It may never answer again, as when its contract has ended.
    fn has_nothing_of(&self, of: BillsOf, day: BusinessDay, uses: &Uses) -> bool {
        let may_hold = |(from, _)| self.centre.may_hold(of.channel, of.account, from);
        !uses.is_needed() && !self.span(of.channel, day).is_none_or(may_hold) && self.may_be_empty(of, day)
    }

    /// Whether "no bill" may mean "no trade" by now.
    fn may_be_empty(&self, of: BillsOf, day: BusinessDay) -> bool {
        let believed = |ready: Timestamp| ready.plus(NO_TRADE_AFTER) <= self.clock.now();
        self.ready_at(of.channel, day).is_some_and(believed)
    }
}
