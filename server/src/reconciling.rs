//! Reconciling: every morning the bill of the day before of each of the merchant's accounts is held against our books (rule
//! *books-match*).
//!
//! The channel's day counts, by the clock that its wallet names. An account's days are compared in their order, since each carries rows into
//! the next; a bill that is missing, cut off or otherwise not right is refused whole, shown with its reason, and tried again,
//! and holds up no other account's. Any number of servers may run: whoever holds an account's lease in the base store works
//! on it.
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

use crate::base_store::{BaseStore, BillRun, BillsOf, StoredSettled};
use crate::channel::registered;
use crate::order_centre::OrderCentre;
use crate::order_group::GroupSet;
use crate::order_group::day_books::AccountUse;
use evertill_shared::business_day::{BusinessDay, StoreZone, business_day_of, moment_on};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::AccountId;
use evertill_shared::reconciliation::CARRY_DAYS;
use evertill_shared::wallet::{PerWallet, Wallet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// So much of what bills have settled is read at once.
const PART: u32 = 500;

/// An account of which no day was ever compared begins with the first day on which it was used, but no further back.
const FURTHEST: u32 = 60;

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
    zones: Arc<PerWallet<StoreZone>>,
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
        let zones = PerWallet::new(|wallet| registered::of(wallet).days());
        Self { base, groups, centre, clock, settings: Arc::new(settings), zones: Arc::new(zones) }
    }

    /// Starts to look for bills that are due, for as long as what this gives lives.
    #[must_use = "dropping it stops the reconciling"]
    pub fn spawn(&self) -> Reconciling {
        let reconciler = self.clone();
        let task = tokio::spawn(async move {
            loop {
                for of in reconciler.accounts() {
                    reconciler.look(of).await;
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Reconciling(task.abort_handle())
    }

    /// The accounts whose bills can be had.
    #[must_use]
    pub fn accounts(&self) -> Vec<BillsOf> {
        Wallet::ALL.into_iter().flat_map(|channel| self.accounts_at(channel)).collect()
    }

    /// The same, at one wallet, in the order of their numbers.
    fn accounts_at(&self, channel: Wallet) -> Vec<BillsOf> {
        let accounts = self.centre.accounts_at(channel);
        let has_bills = accounts.into_iter().filter(|(_, known)| known.bills().is_some());
        has_bills.map(|(account, _)| self.bills_of(channel, account)).collect()
    }

    /// An account's bills; it goes on with the settings file's days if it stands in that one's place.
    fn bills_of(&self, channel: Wallet, account: AccountId) -> BillsOf {
        let stands_for = self.centre.stands_for(channel, AccountId::OF_THE_FILE) == account;
        let before = if stands_for { AccountId::OF_THE_FILE } else { account };
        BillsOf { channel, account, before }
    }

    /// Compares what is due of an account, and tells the order centre what bills have settled.
    async fn look(&self, of: BillsOf) {
        let BillsOf { channel, account, .. } = of;
        if let Err(error) = self.tell(channel).await {
            tracing::warn!(%channel, %error, "what a bill has settled is not told yet; trying on");
        }
        loop {
            let due = match self.due(of).await {
                Ok(Some((day, open))) if open.as_ref().is_none_or(|run| run.next_at <= self.clock.now()) => {
                    day
                }
                Ok(_) => return,
                Err(error) => {
                    return tracing::warn!(%channel, %account, %error, "it is not known which bill is due");
                }
            };
            match self.compare(of, due, |_| ()).await {
                Ok(run) => tracing::info!(%channel, %account, day = %due, agreed = run.figures.agreed,
                    findings = run.figures.findings, carried = run.figures.carried, "a day's bill is compared"),
                Err(NotDone::Elsewhere) => return,
                Err(error) => {
                    return tracing::warn!(%channel, %account, day = %due, %error, "a day's bill is not compared yet");
                }
            }
        }
    }

    /// The channel's day at that time.
    fn day_at(&self, channel: Wallet, at: Timestamp) -> BusinessDay {
        business_day_of(at, self.zones.of(channel), 0)
    }

    /// From when until when a day of a channel lasts.
    fn span(&self, channel: Wallet, day: BusinessDay) -> Option<(Timestamp, Timestamp)> {
        let zone = self.zones.of(channel);
        Some((moment_on(day, 0, zone, 0)?, moment_on(day.next(), 0, zone, 0)?))
    }

    /// From when on the bill of a day is asked for.
    fn ready_at(&self, channel: Wallet, day: BusinessDay) -> Option<Timestamp> {
        moment_on(day.next(), self.settings.minutes(), self.zones.of(channel), 0)
    }

    /// The day of an account that comes next, and what is known of it.
    ///
    /// # Errors
    /// [`NotDone`]: the base store's, or a group's that cannot be read.
    pub async fn next_day(&self, of: BillsOf) -> Result<(BusinessDay, Option<BillRun>), NotDone> {
        let (last, open) = self.base.bill_days(of).await?;
        let day = match last.map(BusinessDay::next).or(open.as_ref().map(|run| run.day)) {
            Some(day) => day,
            None => self.first_day(of).await?,
        };
        Ok((day, open.filter(|run| run.day == day)))
    }

    /// The day that an account begins with of which none was compared: yesterday, or the first on which it was used whose
    /// rows may not have met their lines yet.
    async fn first_day(&self, of: BillsOf) -> Result<BusinessDay, NotDone> {
        let yesterday = self.day_at(of.channel, self.clock.now()).previous();
        let back = |day: BusinessDay, days: u32| (0..days).fold(day, |day, _| day.previous());
        // Before each account's bills were compared by themselves, all of a wallet's were, under this name.
        let (last, open) = self.base.bill_days(BillsOf::new(of.channel, AccountId::OF_THE_FILE)).await?;
        let next = last.map(BusinessDay::next).or(open.map(|run| run.day)).unwrap_or(yesterday);
        let from = back(yesterday.min(next), u32::from(CARRY_DAYS)).max(back(yesterday, FURTHEST));
        if !self.was_used(of, (from, yesterday)).await? {
            return Ok(yesterday);
        }
        let mut day = from;
        while day < yesterday && !self.was_used(of, (day, day)).await? {
            day = day.next();
        }
        Ok(day)
    }

    async fn was_used(
        &self,
        of: BillsOf,
        (first, last): (BusinessDay, BusinessDay),
    ) -> Result<bool, NotDone> {
        let span = |day| self.span(of.channel, day);
        let (Some((from, _)), Some((_, until))) = (span(first), span(last)) else {
            return Ok(false);
        };
        let asked = AccountUse { account: of.account, wallet: of.channel, from, until };
        let used = self.groups.account_was_used(asked).await;
        used.map_err(|error| NotDone::Later(format!("an order group cannot be read: {error}")))
    }

    /// The day of an account that comes next, if its bill should be there.
    ///
    /// # Errors
    /// As for [`Reconciler::next_day`].
    pub async fn due(&self, of: BillsOf) -> Result<Option<(BusinessDay, Option<BillRun>)>, NotDone> {
        let (day, open) = self.next_day(of).await?;
        let is_due = self.ready_at(of.channel, day).is_some_and(|ready| ready <= self.clock.now());
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
            after = Some((last.account, last.day, last.place));
            for settled in part {
                if let Err(error) = self.tell_one(channel, &settled).await {
                    all = Err(format!("{}: {error}", settled.order));
                }
            }
        }
    }

    async fn tell_one(&self, channel: Wallet, settled: &StoredSettled) -> Result<(), String> {
        self.centre.settled_by_bill(channel, settled).await.map_err(|error| error.to_string())?;
        let told = self.base.bill_told(channel, settled).await;
        told.map_err(|error| error.to_string())
    }
}
