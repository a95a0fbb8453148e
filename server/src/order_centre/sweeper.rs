//! The sweeper: looks through each group for payments and refunds whose time has come, and works on them.

use super::OrderCentre;
use super::give_back::Since;
use super::lane::{Errand, Lane};
use super::scan::Scan;
use crate::order_group::{GroupError, PaymentNews, PaymentRecord, RefundRecord};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::{Action, Event, Payment, PaymentState, ReverseOutcome};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// Every so many rounds a group is tidied: at the default pace about once a minute.
const TIDY_EVERY: u32 = 120;

/// Stops the sweeper when it is dropped. What is under way at channels goes on.
#[derive(Debug)]
pub struct Sweeper {
    task: AbortHandle,
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl OrderCentre {
    /// Starts a task for each tag, so that a slow group holds up no other; and for those that are added later.
    #[must_use = "dropping it stops the sweeper"]
    pub fn spawn_sweeper(&self) -> Sweeper {
        let centre = self.clone();
        let task = self.spawn_uncounted(async move {
            let (mut tasks, mut swept) = (JoinSet::new(), BTreeSet::new());
            loop {
                for tag in
                    centre.0.groups.tags().into_iter().filter(|tag| swept.insert(*tag)).collect::<Vec<_>>()
                {
                    let centre = centre.clone();
                    tasks.spawn(async move { centre.sweep_for_ever(tag).await });
                }
                // Here, and not in a group's own task: to find whose a number is, all groups are asked.
                centre.tell_of_mismatches().await;
                tokio::time::sleep(centre.0.settings.sweep_every).await;
            }
        });
        Sweeper { task: task.abort_handle() }
    }

    async fn sweep_for_ever(&self, tag: GroupTag) {
        let (mut round, mut was_well, mut scan) = (0_u32, true, Scan::default());
        loop {
            let swept = self.sweep(tag).await.map(drop);
            let result = swept.and(self.scan_on(tag, &mut scan).await);
            let result = match round.is_multiple_of(TIDY_EVERY) {
                true => {
                    let tidied = self.0.groups.tidy(tag).await.map(drop);
                    result.and(tidied).and(self.tell_of_the_unreachable(tag).await)
                }
                false => result,
            };
            let pause = if result.is_ok() { 1 } else { 4 };
            if let (Err(error), true) = (&result, was_well) {
                tracing::warn!(%tag, %error, "an order group cannot be looked through; trying on");
            }
            was_well = result.is_ok();
            round = round.wrapping_add(1);
            tokio::time::sleep(self.0.settings.sweep_every * pause).await;
        }
    }

    /// One look through a group: starts the work on all that is due, as far as the channels have places free.
    /// The tasks go on by themselves; waiting for them is for tests.
    /// # Errors
    /// The group cannot be read.
    pub async fn sweep(&self, tag: GroupTag) -> Result<SweptTasks, GroupError> {
        let mut tasks = SweptTasks(JoinSet::new());
        if !self.time_is_steady() {
            return Ok(tasks);
        }
        for (wallet, lane) in self.searches() {
            let most = lane.free_places(tag, Errand::Searches);
            let lost = (wallet, AccountId::NOT_KNOWN);
            if most == 0 {
                continue;
            }
            for due in self.0.groups.due_payments(tag, lost, most).await? {
                let Some(place) = lane.errand_place(tag, Errand::Searches) else { break };
                let (centre, under_way) = (self.clone(), self.under_way());
                tasks.0.spawn(async move {
                    centre.settle_payment(due).await;
                    drop((place, under_way));
                });
            }
        }
        // Asked for by account: a heap of payments at a dead channel hides none of another's.
        for (of, lane) in self.all_lanes() {
            let most = lane.free_places(tag, Errand::Payments);
            let payments =
                if most == 0 { Vec::new() } else { self.0.groups.due_payments(tag, of, most).await? };
            for due in payments {
                let Some(place) = lane.errand_place(tag, Errand::Payments) else { break };
                let (centre, under_way) = (self.clone(), self.under_way());
                tasks.0.spawn(async move {
                    centre.settle_payment(due).await;
                    drop((place, under_way));
                });
            }
            let most = lane.free_places(tag, Errand::Refunds);
            if most == 0 {
                continue;
            }
            for due in self.0.groups.due_refunds(tag, of, most).await? {
                let Some(place) = lane.errand_place(tag, Errand::Refunds) else { break };
                let (centre, under_way) = (self.clone(), self.under_way());
                tasks.0.spawn(async move {
                    centre.settle_refund(due).await;
                    drop((place, under_way));
                });
            }
            for due in self.0.groups.due_give_backs(tag, of, self.now(), most).await? {
                let Some(place) = lane.errand_place(tag, Errand::Refunds) else { break };
                let (centre, under_way) = (self.clone(), self.under_way());
                tasks.0.spawn(async move {
                    centre.give_back(due).await;
                    drop((place, under_way));
                });
            }
        }
        Ok(tasks)
    }

    async fn settle_payment(&self, due: PaymentRecord) {
        let (number, attempt, wallet) = (due.number, due.payment.attempt, due.payment.wallet);
        let since = self.clocks();
        let lease = if self.is_several_calls(&due.payment) { self.refund_lease() } else { self.lease() };
        let record = match self.0.groups.lease_payment(&due, lease).await {
            Ok(Some(record)) => record,
            Ok(None) => return, // another server, or another round, works on it
            Err(error) => {
                tracing::info!(%number, attempt, %error, "no lease on a payment: it is looked at again");
                return;
            }
        };
        metrics::counter!("evertill_leases_total", "kind" => "payment").increment(1);
        tracing::info!(%number, attempt, state = record.payment.state.as_str(), %wallet,
            "a payment that is not settled is taken up");
        // The time at which it is *asked*: an answer says no more than what was true then.
        let at = self.now();
        let Some((event, found_at)) = self.ask_about(&record, at, since).await else { return };
        let policy = *self.policy(wallet);
        let news = PaymentNews { number, attempt, event, found_at, at, policy };
        if let Err(error) = self.write_down_briefly(news).await {
            tracing::warn!(%number, attempt, %error, "an answer could not be written down: asked again later");
        }
    }

    /// Whether one turn of an attempt is several calls, one after the other, by which money may go back: a search at all
    /// accounts, and taking back what may have been paid by either kind of code.
    fn is_several_calls(&self, payment: &Payment) -> bool {
        let is_being_reversed = payment.state == PaymentState::Reversing && !payment.reversal_accepted;
        payment.account == AccountId::NOT_KNOWN || is_being_reversed && payment.shown.is_none()
    }

    async fn ask_about(
        &self,
        record: &PaymentRecord,
        at: Timestamp,
        since: Since,
    ) -> Option<(Event, Option<AccountId>)> {
        let mut payment = record.payment.clone();
        let wallet = payment.wallet;
        // Due, says the database: if not by this clock, then the clock has been set back since.
        payment.next_at = payment.next_at.min(at);
        let action = payment.due(at, self.policy(wallet))?;
        if payment.account == AccountId::NOT_KNOWN {
            let others = match self.others(record).await {
                Ok(others) => others,
                Err(error) => {
                    tracing::info!(number = %record.number, %error, "an order's story cannot be read: looked at again");
                    return None;
                }
            };
            let found = self.search(&payment, &others).await;
            self.end_elsewhere(&found, &others, record, (at, since)).await;
            let is_over = action == Action::LookAgain;
            let outcome = found.outcome;
            let event = if is_over { Event::LookedAgain(outcome) } else { Event::Query(outcome) };
            return Some((event, found.at));
        }
        let lane = self.lane(wallet, payment.account)?;
        let event = match action {
            Action::Query => Event::Query(lane.query(&payment.channel_number, payment.amount).await),
            Action::Reverse if payment.shown.is_some() => {
                Event::Reverse(lane.close(&payment.channel_number).await)
            }
            Action::Reverse => self.reverse_or_close(&lane, &payment, since).await,
            Action::Show => Event::Shown(self.code_from(&lane, &payment, record.terminal).await),
            Action::LookAgain => {
                Event::LookedAgain(lane.query(&payment.channel_number, payment.amount).await)
            }
        };
        Some((event, None))
    }

    /// Takes an attempt back. If its record was lost, nobody knows that the till showed a code: such an order some wallets
    /// only close. Where the same call ends either kind, it has done so. No further call is begun that the lease may not
    /// last for.
    async fn reverse_or_close(&self, lane: &Lane, payment: &Payment, since: Since) -> Event {
        let number = &payment.channel_number;
        let answered = lane.reverse(number, payment.interface).await;
        let not_so =
            matches!(answered, ReverseOutcome::Retry | ReverseOutcome::TooLate | ReverseOutcome::NoSuchOrder);
        if !not_so || lane.shown().is_none() {
            return unless_too_late(lane, payment, answered).await;
        }
        // It may be a code that was shown: it is not over before it was closed.
        if self.may_be_anothers(since) {
            return Event::Reverse(ReverseOutcome::Retry);
        }
        let was_shown = lane.was_shown(number, payment.amount).await;
        match was_shown {
            Some(false) => unless_too_late(lane, payment, answered).await,
            _ if self.may_be_anothers(since) => Event::Reverse(ReverseOutcome::Retry),
            Some(true) => Event::ShownAfterAll(lane.close(number).await),
            None if lane.close(number).await == ReverseOutcome::Reversed => {
                Event::Reverse(ReverseOutcome::Reversed)
            }
            None => unless_too_late(lane, payment, answered).await,
        }
    }

    async fn settle_refund(&self, due: RefundRecord) {
        let since = self.clocks();
        match self.0.groups.lease_refund(&due, self.refund_lease()).await {
            Ok(Some(record)) => {
                let refund = &record.refund.id;
                metrics::counter!("evertill_leases_total", "kind" => "refund").increment(1);
                tracing::info!(number = %record.refund.order, %refund, "a refund that is not settled is taken up");
                drop(self.ask_about_refund(record, due.asked_at, since).await);
            }
            Ok(None) => {}
            Err(error) => {
                let (number, refund) = (due.refund.order, &due.refund.id);
                tracing::info!(%number, %refund, %error, "no lease on a refund: it is looked at again");
            }
        }
    }
}

/// What a wallet does not take back any more may be there to be refunded: only a question tells.
async fn unless_too_late(lane: &Lane, payment: &Payment, answered: ReverseOutcome) -> Event {
    match answered {
        ReverseOutcome::TooLate => {
            Event::TooLateToReverse(lane.query(&payment.channel_number, payment.amount).await)
        }
        answered => Event::Reverse(answered),
    }
}

/// The work that one look through a group has started.
#[derive(Debug)]
pub struct SweptTasks(JoinSet<()>);

impl SweptTasks {
    /// Waits until all of it is done; gives how many payments and refunds were worked on.
    pub async fn finish(mut self) -> usize {
        let mut done = 0;
        while self.0.join_next().await.is_some() {
            done += 1;
        }
        done
    }
}

impl Drop for SweptTasks {
    fn drop(&mut self) {
        self.0.detach_all();
    }
}

/// How long to wait before asking about a refund again: doubling, from two seconds to ten minutes.
pub(super) fn refund_pause(tries: u32) -> Duration {
    Duration::from_secs((2_u64 << tries.min(9)).min(600))
}
