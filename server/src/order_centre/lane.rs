//! A channel with its own limits, so that a slow one slows no other, and no order group takes the place of another.

use super::CentreSettings;
use crate::channel::{Channel, ChannelRefund, ChannelRefundOutcome, Charge};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::{PayOutcome, QueryOutcome, ReverseOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One channel. Customers who wait and questions in the background do not take each other's places; nor do the
/// questions of a group that hangs take those of the others.
pub(super) struct Lane {
    channel: Arc<dyn Channel>,
    charges: Arc<Semaphore>,
    questions: Mutex<BTreeMap<GroupTag, Arc<Semaphore>>>,
    each: usize,
    limit: Duration,
    on_its_way: Mutex<BTreeSet<ChannelNumber>>,
}

impl Lane {
    pub fn new(channel: Arc<dyn Channel>, groups: usize, settings: CentreSettings) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        let each = settings.calls_per_channel / groups.max(1);
        Self {
            channel,
            charges: places(settings.calls_per_channel),
            questions: Mutex::default(),
            each: each.max(1),
            limit: settings.call_limit,
            on_its_way: Mutex::default(),
        }
    }

    /// A place for a call that a customer waits for, if one is free.
    pub fn charge_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.charges).try_acquire_owned().ok()
    }

    /// A place for a call in the background about something in that group, if one is free.
    pub fn question_place(&self, tag: GroupTag) -> Option<OwnedSemaphorePermit> {
        self.questions_of(tag).try_acquire_owned().ok()
    }

    /// How many places for calls in the background are free for that group.
    pub fn free_places(&self, tag: GroupTag) -> u32 {
        u32::try_from(self.questions_of(tag).available_permits()).unwrap_or(u32::MAX)
    }

    /// Groups may be added: each has its places from the first question on.
    fn questions_of(&self, tag: GroupTag) -> Arc<Semaphore> {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(questions.entry(tag).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }

    /// Charges a code.
    pub async fn pay(&self, charge: &Charge) -> PayOutcome {
        let _on_its_way = OnItsWay::new(self, &charge.number);
        self.limited(self.channel.pay(charge)).await.unwrap_or(PayOutcome::Unknown)
    }

    /// Asks where an attempt stands. "No such order" proves nothing while this very process is still charging it:
    /// it may be told so by a clock that has leapt, and would believe it.
    pub async fn query(&self, number: &ChannelNumber, amount: Amount) -> QueryOutcome {
        let on_its_way = self.numbers().contains(number);
        match self.limited(self.channel.query(number, amount)).await {
            Some(QueryOutcome::NoSuchOrder) if on_its_way => QueryOutcome::Unknown,
            outcome => outcome.unwrap_or(QueryOutcome::Unknown),
        }
    }

    /// Takes an attempt back; see [`Lane::query`].
    pub async fn reverse(&self, number: &ChannelNumber) -> ReverseOutcome {
        let on_its_way = self.numbers().contains(number);
        match self.limited(self.channel.reverse(number)).await {
            Some(ReverseOutcome::NoSuchOrder) if on_its_way => ReverseOutcome::Unknown,
            outcome => outcome.unwrap_or(ReverseOutcome::Unknown),
        }
    }

    /// Gives money back.
    pub async fn refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        self.limited(self.channel.refund(refund)).await.unwrap_or(ChannelRefundOutcome::Unknown)
    }

    /// Asks where a refund stands.
    pub async fn query_refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        self.limited(self.channel.query_refund(refund)).await.unwrap_or(ChannelRefundOutcome::Unknown)
    }

    /// Channels keep their own time; this is for one that does not, so that its places come free again.
    async fn limited<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let answer = tokio::time::timeout(self.limit, call).await.ok();
        if answer.is_none() {
            tracing::error!(wallet = %self.channel.wallet(), "a channel did not keep its own time limit: unknown");
        }
        answer
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeSet<ChannelNumber>> {
        self.on_its_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A charge of this process that the channel has not answered yet.
struct OnItsWay<'a> {
    lane: &'a Lane,
    number: ChannelNumber,
}

impl<'a> OnItsWay<'a> {
    fn new(lane: &'a Lane, number: &ChannelNumber) -> Self {
        lane.numbers().insert(number.clone());
        Self { lane, number: number.clone() }
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.lane.numbers().remove(&self.number);
    }
}
