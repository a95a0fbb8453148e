//! A channel with its own limits, so that a slow one slows no other, and no order group takes the place of another.
//!
//! Places are of three kinds, and none takes another's: customers who wait, questions about payments that are under
//! way, and money that goes back. Questions and refunds have places for each order group. A breaker (`breaker.rs`)
//! spares customers a wallet that does not answer; what is under way is asked about all the same.

use super::CentreSettings;
use super::answering::Answering;
use super::breaker::{Breaker, Turn};
use crate::channel::line::DomainHealth;
use crate::channel::mismatch::{Mismatch, Mismatches};
use crate::channel::{Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge, ShownCodes, ShownOrder};
use evertill_shared::clock::Clock;
use evertill_shared::id::{AccountId, ChannelNumber, Interface};
use evertill_shared::money::Amount;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::routing::Window;
use evertill_shared::wallet::Wallet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A pause is lengthened by up to this, so that servers do not all try a wallet at once.
const SPREAD: Duration = Duration::from_secs(1);

/// What is done in the background. None takes another's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    /// Asking about payments that are under way, and taking them back.
    Payments,
    /// Sending money back, and asking about that.
    Refunds,
    /// Asking all accounts of the wallet about payments that any of them may know.
    Searches,
}

/// Places for each group and kind of errand.
type Errands = Arc<Mutex<BTreeMap<(GroupTag, Errand), Arc<Semaphore>>>>;

/// One channel. Customers who wait and questions in the background do not take each other's places; nor do the
/// questions of a group that hangs take those of the others.
pub(super) struct Lane {
    channel: Arc<dyn Channel>,
    account: AccountId,
    charges: Arc<Semaphore>,
    most_charges: usize,
    refunds: Arc<Semaphore>,
    errands: Errands,
    each: usize,
    limit: Duration,
    on_its_way: Arc<Mutex<BTreeSet<ChannelNumber>>>,
    breaker: Mutex<Breaker>,
    window: Arc<Mutex<Window>>,
    clock: Arc<dyn Clock>,
}

/// How a channel stands, for people and monitoring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelHealth {
    /// Which wallet.
    pub wallet: Wallet,
    /// Which of the merchant's accounts there.
    pub account: AccountId,
    /// Whether charges are refused at once because the wallet did not answer, but for one that tries now and then.
    pub is_open: bool,
    /// Customers who wait for it now.
    pub busy: usize,
    /// How many may at most.
    pub places: usize,
    /// How many of its answers were about something else than was asked since this server started, and the last of them.
    pub mismatches: (u64, Option<Mismatch>),
    /// Its addresses.
    pub domains: Vec<DomainHealth>,
}

impl ChannelHealth {
    /// The wallet, and which account there if it is not the settings file's: `WeChat Pay 3`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.account {
            AccountId::OF_THE_FILE => self.wallet.to_string(),
            account => format!("{} {account}", self.wallet),
        }
    }
}

impl Lane {
    pub fn new(
        channel: Arc<dyn Channel>,
        groups: usize,
        settings: CentreSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let each = settings.calls_per_channel / groups.max(1);
        let most_charges = settings.charges_per_channel.max(1);
        Self {
            channel,
            account: AccountId::OF_THE_FILE,
            charges: Arc::new(Semaphore::new(most_charges)),
            most_charges,
            refunds: Arc::new(Semaphore::new(settings.calls_per_channel.max(1))),
            errands: Arc::default(),
            each: each.max(1),
            limit: settings.call_limit,
            on_its_way: Arc::default(),
            breaker: Mutex::default(),
            window: Arc::default(),
            clock,
        }
    }

    /// The same for another account than the settings file's.
    pub fn of(self, account: AccountId) -> Self {
        Self { account, ..self }
    }

    /// The same account with other settings: what is under way keeps its places, and is known to be under way; whether the
    /// wallet answers is found out anew.
    pub fn renewed(&self, channel: Arc<dyn Channel>) -> Self {
        Self {
            channel,
            account: self.account,
            charges: Arc::clone(&self.charges),
            most_charges: self.most_charges,
            refunds: Arc::clone(&self.refunds),
            errands: Arc::clone(&self.errands),
            each: self.each,
            limit: self.limit,
            on_its_way: Arc::clone(&self.on_its_way),
            breaker: Mutex::default(),
            window: Arc::default(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The way to the wallet.
    pub fn channel(&self) -> Arc<dyn Channel> {
        Arc::clone(&self.channel)
    }

    /// Which account it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Whether both serve one account.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.channel.wallet(), self.account) == (other.channel.wallet(), other.account)
    }

    /// How it answered of late.
    pub fn window(&self) -> Window {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a charge would find no place here now; see [`Lane::charge_place`].
    pub fn refuses(&self) -> bool {
        self.charges.available_permits() == 0 || self.breaker().refuses(self.clock.monotonic(), self.limit)
    }

    /// A place for a charge, if one is free and the wallet answers as far as is known.
    pub fn charge_place(&self) -> Option<OwnedSemaphorePermit> {
        let Ok(place) = Arc::clone(&self.charges).try_acquire_owned() else {
            self.refused("busy");
            return None;
        };
        match self.breaker().turn(self.clock.monotonic(), self.limit) {
            Turn::Usual => Some(place),
            Turn::Trial => {
                tracing::info!(wallet = %self.channel.wallet(), "one charge tries whether the wallet answers again");
                Some(place)
            }
            Turn::Refused => {
                self.refused("silent");
                None
            }
        }
    }

    /// A place for a refund that somebody waits for, if one is free and the wallet answers: else it can wait.
    pub fn refund_place(&self) -> Option<OwnedSemaphorePermit> {
        if self.breaker().is_open() {
            return None;
        }
        Arc::clone(&self.refunds).try_acquire_owned().ok()
    }

    /// A place for a call in the background about something in that group, if one is free.
    pub fn errand_place(&self, tag: GroupTag, errand: Errand) -> Option<OwnedSemaphorePermit> {
        self.places_of(tag, errand).try_acquire_owned().ok()
    }

    /// How many places for calls in the background are free for that group.
    pub fn free_places(&self, tag: GroupTag, errand: Errand) -> u32 {
        u32::try_from(self.places_of(tag, errand).available_permits()).unwrap_or(u32::MAX)
    }

    /// Groups may be added: each has its places from the first errand on.
    fn places_of(&self, tag: GroupTag, errand: Errand) -> Arc<Semaphore> {
        let mut errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(errands.entry((tag, errand)).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }

    /// Whether it answers.
    pub fn answering(&self) -> Answering {
        let now = self.clock.monotonic();
        Answering { silent_for: self.breaker().open_for(now), silence: self.window().silence(now) }
    }

    /// How it stands.
    pub fn health(&self) -> ChannelHealth {
        ChannelHealth {
            wallet: self.channel.wallet(),
            account: self.account,
            is_open: self.breaker().is_open(),
            busy: self.most_charges - self.charges.available_permits().min(self.most_charges),
            places: self.most_charges,
            mismatches: self.channel.mismatches().map(Mismatches::so_far).unwrap_or_default(),
            domains: self.channel.domains(),
        }
    }

    /// Makes a charge ready: nothing is sent.
    pub fn ready<'a>(&'a self, charge: &'a Charge) -> Ready<'a> {
        Ready { lane: self, charge, answer: self.channel.pay(charge) }
    }

    /// Asks where an attempt stands. "No such order" proves nothing while this very process is still charging it:
    /// it may be told so by a clock that has leapt, and would believe it.
    pub async fn query(&self, number: &ChannelNumber, amount: Amount) -> QueryOutcome {
        let on_its_way = self.numbers().contains(number);
        let outcome = self.limited(self.channel.query(number, amount)).await.unwrap_or(QueryOutcome::Unknown);
        if outcome != QueryOutcome::Unknown {
            self.breaker().heard(self.clock.monotonic());
        }
        match outcome {
            QueryOutcome::NoSuchOrder if on_its_way => QueryOutcome::Unknown,
            outcome => outcome,
        }
    }

    /// Takes an attempt back; see [`Lane::query`].
    pub async fn reverse(&self, number: &ChannelNumber, made_by: Interface) -> ReverseOutcome {
        let on_its_way = self.numbers().contains(number);
        match self.limited(self.channel.reverse_made_by(number, made_by)).await {
            Some(ReverseOutcome::NoSuchOrder) if on_its_way => ReverseOutcome::Unknown,
            outcome => outcome.unwrap_or(ReverseOutcome::Unknown),
        }
    }

    /// The codes that this channel makes for tills to show, if it does.
    pub fn shown(&self) -> Option<&dyn ShownCodes> {
        self.channel.shown()
    }

    /// Asks for a code to show.
    pub async fn create(&self, order: &ShownOrder) -> ShownOutcome {
        let Some(codes) = self.shown() else {
            return ShownOutcome::Refused(DeclineReason::ChannelUnreachable);
        };
        let began = self.clock.monotonic();
        let outcome = {
            let _on_its_way = OnItsWay::new(self, &order.number);
            self.limited(codes.create(order)).await.unwrap_or(ShownOutcome::Unknown)
        };
        let unreachable = ShownOutcome::Refused(DeclineReason::ChannelUnreachable);
        self.learn(began, outcome != ShownOutcome::Unknown && outcome != unreachable);
        outcome
    }

    /// Closes an order whose code was shown; see [`Lane::query`].
    pub async fn close(&self, number: &ChannelNumber) -> ReverseOutcome {
        let Some(codes) = self.shown() else { return ReverseOutcome::Unknown };
        let on_its_way = self.numbers().contains(number);
        match self.limited(codes.close(number)).await {
            Some(ReverseOutcome::NoSuchOrder) if on_its_way => ReverseOutcome::Unknown,
            outcome => outcome.unwrap_or(ReverseOutcome::Unknown),
        }
    }

    /// Whether an order was made as a code that a till shows; nothing if the wallet does not say so.
    pub async fn was_shown(&self, number: &ChannelNumber, amount: Amount) -> Option<bool> {
        self.limited(self.shown()?.was_shown(number, amount)).await.flatten()
    }

    /// Gives money back.
    pub async fn refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        self.limited(self.channel.refund(refund)).await.unwrap_or(ChannelRefundOutcome::Unknown)
    }

    /// Asks where a refund stands.
    pub async fn query_refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        self.limited(self.channel.query_refund(refund)).await.unwrap_or(ChannelRefundOutcome::Unknown)
    }

    /// How much of a payment has gone back, whoever asked for it; nothing if the wallet does not tell.
    pub async fn went_back(&self, number: &ChannelNumber, paid: Amount) -> Option<Amount> {
        self.limited(self.channel.went_back(number, paid)).await.flatten()
    }

    /// Channels keep their own time; this is for one that does not, so that its places come free again.
    async fn limited<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let answer = tokio::time::timeout(self.limit, call).await.ok();
        if answer.is_none() {
            tracing::error!(wallet = %self.channel.wallet(), "a channel did not keep its own time limit: unknown");
        }
        answer
    }

    fn learn(&self, began: Duration, is_answered: bool) {
        let now = self.clock.monotonic();
        self.window.lock().unwrap_or_else(PoisonError::into_inner).record(now, is_answered);
        // The last digits of the time are as good as any: they need only differ from server to server.
        let spread = Duration::from_nanos(u64::from(now.subsec_nanos())).min(SPREAD);
        let (was_open, is_open) = {
            let mut breaker = self.breaker();
            let was_open = breaker.is_open();
            breaker.outcome(began, is_answered, now, spread);
            (was_open, breaker.is_open())
        };
        let wallet = self.channel.wallet();
        match (was_open, is_open) {
            (false, true) => {
                tracing::warn!(%wallet, "the wallet does not answer: charges are refused until one finds that it does");
            }
            (true, false) => tracing::info!(%wallet, "the wallet answers again"),
            _ => {}
        }
    }

    fn refused(&self, why: &'static str) {
        let wallet = self.channel.wallet();
        metrics::counter!("evertill_channel_refusals_total", "wallet" => wallet.to_string(), "why" => why)
            .increment(1);
        tracing::warn!(%wallet, why, "a charge was refused before anything was sent");
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeSet<ChannelNumber>> {
        self.on_its_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A charge that is ready to be sent. Dropped, it never was.
pub(super) struct Ready<'a> {
    lane: &'a Lane,
    charge: &'a Charge,
    answer: Answer<'a, PayOutcome>,
}

impl<'a> Ready<'a> {
    /// By which way it will go.
    pub fn lane(&self) -> &'a Lane {
        self.lane
    }

    /// Charges the code. The intent must be durable.
    pub async fn send(self) -> PayOutcome {
        let lane = self.lane;
        let began = lane.clock.monotonic();
        let outcome = {
            let _on_its_way = OnItsWay::new(lane, &self.charge.number);
            lane.limited(self.answer).await.unwrap_or(PayOutcome::Unknown)
        };
        match &outcome {
            PayOutcome::Unknown | PayOutcome::Refused(DeclineReason::ChannelUnreachable) => {
                lane.learn(began, false);
            }
            // Refused here, before anything was sent: that says nothing of the wallet.
            PayOutcome::Refused(_) => lane.breaker().not_sent(lane.clock.monotonic()),
            PayOutcome::ConfirmedSuccess { .. } | PayOutcome::ConfirmedFailure(_) | PayOutcome::Waiting => {
                lane.learn(began, true);
            }
        }
        outcome
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
