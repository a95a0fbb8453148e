//! Reconciling: every morning each channel's bill of the day before is held against our books (rule *books-match*).
//!
//! The channel's day counts, by China's clock. Days are compared in their order, since each carries rows into the next; a
//! bill that is missing, cut off or otherwise not right is refused whole, shown with its reason, and tried again. Any
//! number of servers may run: whoever holds a channel's lease in the base store works on it.
//!
//! What a bill settles is told to the order centre, which takes it in as it takes in every other word of the channel.

mod books;
pub mod csv;
mod day;
mod settings;
#[cfg(test)]
mod tests;

pub use day::{NotDone, Step};
pub use settings::ReconcilingSettings;

use crate::base_store::{BaseError, BaseStore, BillRun, StoredSettled};
use crate::order_centre::OrderCentre;
use crate::order_group::GroupSet;
use evertill_shared::business_day::{BusinessDay, StoreZone, business_day_of, moment_on};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// So much of what bills have settled is read at once.
const PART: u32 = 500;

/// How often it is looked whether a bill is due.
const EVERY: Duration = Duration::from_secs(20);

/// Holds bills against books, beside other servers that do the same. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler {
    base: BaseStore,
    groups: GroupSet,
    centre: OrderCentre,
    clock: Arc<dyn Clock>,
    settings: Arc<ReconcilingSettings>,
    zone: StoreZone,
}

/// Stops reconciling when it is dropped. Another server goes on.
#[derive(Debug)]
pub struct Reconciling(AbortHandle);

impl Drop for Reconciling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reconciler {
    /// A reconciler of the bills of the order centre's accounts. Nothing runs yet: see [`Reconciler::spawn`].
    #[must_use]
    pub fn new(
        (base, groups, centre): (BaseStore, GroupSet, OrderCentre),
        clock: Arc<dyn Clock>,
        settings: ReconcilingSettings,
    ) -> Self {
        let (settings, zone) = (Arc::new(settings), StoreZone::china());
        Self { base, groups, centre, clock, settings, zone }
    }

    /// Starts to look for bills that are due, for as long as what this gives lives.
    #[must_use = "dropping it stops the reconciling"]
    pub fn spawn(&self) -> Reconciling {
        let reconciler = self.clone();
        let task = tokio::spawn(async move {
            loop {
                for channel in reconciler.wallets() {
                    reconciler.look(channel).await;
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Reconciling(task.abort_handle())
    }

    /// The wallets whose bills can be had.
    #[must_use]
    pub fn wallets(&self) -> Vec<Wallet> {
        let has_bills = |wallet: &Wallet| {
            self.centre.accounts_at(*wallet).iter().any(|(_, channel)| channel.bills().is_some())
        };
        Wallet::ALL.into_iter().filter(has_bills).collect()
    }

    /// Compares what is due of a channel, and tells the order centre what bills have settled.
    async fn look(&self, channel: Wallet) {
        if let Err(error) = self.tell(channel).await {
            tracing::warn!(%channel, %error, "what a bill has settled is not told yet; trying on");
        }
        loop {
            let due = match self.due(channel).await {
                Ok(Some((day, open))) if open.as_ref().is_none_or(|run| run.next_at <= self.clock.now()) => {
                    day
                }
                Ok(_) => return,
                Err(error) => return tracing::warn!(%channel, %error, "it is not known which bill is due"),
            };
            match self.compare(channel, due, |_| ()).await {
                Ok(run) => tracing::info!(%channel, day = %due, agreed = run.figures.agreed,
                    findings = run.figures.findings, carried = run.figures.carried, "a day's bill is compared"),
                Err(NotDone::Elsewhere) => return,
                Err(error) => {
                    return tracing::warn!(%channel, day = %due, %error, "a day's bill is not compared yet");
                }
            }
        }
    }

    /// The channel's day at that time.
    fn day_at(&self, at: Timestamp) -> BusinessDay {
        business_day_of(at, &self.zone, 0)
    }

    /// From when until when a day of a channel lasts.
    fn span(&self, day: BusinessDay) -> Option<(Timestamp, Timestamp)> {
        Some((moment_on(day, 0, &self.zone, 0)?, moment_on(day.next(), 0, &self.zone, 0)?))
    }

    /// From when on the bill of a day is asked for.
    fn ready_at(&self, day: BusinessDay) -> Option<Timestamp> {
        moment_on(day.next(), self.settings.minutes(), &self.zone, 0)
    }

    /// The day of a channel that comes next, and what is known of it.
    ///
    /// # Errors
    /// The base store's.
    pub async fn next_day(&self, channel: Wallet) -> Result<(BusinessDay, Option<BillRun>), BaseError> {
        let (last, open) = self.base.bill_days(channel).await?;
        let yesterday = || self.day_at(self.clock.now()).previous();
        let next = last.map(BusinessDay::next);
        let day = next.or(open.as_ref().map(|run| run.day)).unwrap_or_else(yesterday);
        Ok((day, open.filter(|run| run.day == day)))
    }

    /// The same, if its bill should be there.
    ///
    /// # Errors
    /// The base store's.
    pub async fn due(&self, channel: Wallet) -> Result<Option<(BusinessDay, Option<BillRun>)>, BaseError> {
        let (day, open) = self.next_day(channel).await?;
        let is_due = self.ready_at(day).is_some_and(|ready| ready <= self.clock.now());
        Ok(is_due.then_some((day, open)))
    }

    /// Tells the order centre what bills have settled, and what it has not been told of. A group that cannot be reached
    /// holds up no other's settlements.
    ///
    /// # Errors
    /// The last of the base store's, or of a group's in words: something is not told yet.
    async fn tell(&self, channel: Wallet) -> Result<(), String> {
        let (mut all, mut after) = (Ok(()), None);
        loop {
            let part =
                self.base.bill_untold(channel, after, PART).await.map_err(|error| error.to_string())?;
            let Some(last) = part.last() else { return all };
            after = Some((last.day, last.place));
            for settled in part {
                if let Err(error) = self.tell_one(channel, &settled).await {
                    all = Err(format!("{}: {error}", settled.order));
                }
            }
        }
    }

    async fn tell_one(&self, channel: Wallet, settled: &StoredSettled) -> Result<(), String> {
        self.centre.settled_by_bill(channel, settled).await.map_err(|error| error.to_string())?;
        let told = self.base.bill_told(channel, settled.day, settled.place).await;
        told.map_err(|error| error.to_string())
    }
}
