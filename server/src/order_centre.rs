//! The order centre: owns every payment and refund that is not settled, first on the spot, then in the
//! background, until the channel's word is known and written down.
//!
//! A payment is charged in a task of its own, so that a till that hangs up does not stop it. What a channel
//! says is written down until it is in; and if this process dies first, the sweeper of any server finds the
//! payment by its due time and asks the channel about the same number (rules *intent-first*,
//! *known-or-unknown*). One slow channel or group slows no other: each has its own tasks and its own limits.

mod accounts;
mod answering;
mod bill;
mod breaker;
mod charge;
mod give_back;
mod lane;
mod mismatches;
mod scan;
mod search;
mod showing;
mod sweeper;
#[cfg(test)]
pub(crate) mod testing {
    pub(crate) use super::tests::wallet::ScriptedWallet;
}
#[cfg(test)]
mod tests;
mod workers;

pub use accounts::{OpenAccount, Serving};
pub use charge::{Means, NewCharge};
pub use lane::ChannelHealth;
pub use showing::TakenIn;
pub use sweeper::Sweeper;
pub use workers::Workers;

use crate::agreed_clock::AgreedClock;
use crate::channel::Channel;
use crate::order_group::{GroupError, GroupSet, Guard, Lease, NewPayment, Policies, TakenBack};
use accounts::Lanes;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::Attempt;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Payment, Policy};
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::wallet::Wallet;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the order centre works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CentreSettings {
    /// The longest that a till waits for a channel's answer before it is told how things stand.
    pub answer_wait: Duration,
    /// How long a payment that somebody works on is left alone by others. Longer than a channel's call.
    pub lease: Duration,
    /// The same for money that goes back, where one turn is several calls, one after the other.
    pub refund_lease: Duration,
    /// How often each group is looked through for what is due.
    pub sweep_every: Duration,
    /// How often the next part of a group's successes is looked through for money that should go back and does not.
    pub scan_every: Duration,
    /// The most customers at a time who wait for one channel. A channel that hangs must leave the door places for the
    /// others.
    pub charges_per_channel: usize,
    /// The most calls of each kind in the background at a time, per channel. They are shared out evenly among the
    /// order groups, one each at least.
    pub calls_per_channel: usize,
    /// After this long a channel that does not keep its own time limits is not waited for any more.
    pub call_limit: Duration,
}

impl Default for CentreSettings {
    fn default() -> Self {
        Self {
            answer_wait: Duration::from_secs(8),
            lease: Duration::from_secs(10),
            refund_lease: Duration::from_secs(60),
            sweep_every: Duration::from_millis(500),
            charges_per_channel: 200,
            scan_every: Duration::from_secs(10),
            calls_per_channel: 32,
            call_limit: Duration::from_secs(60),
        }
    }
}

impl CentreSettings {
    /// How long anything is left alone at most because somebody works on it.
    #[must_use]
    pub fn longest_lease(&self) -> Duration {
        self.lease.max(self.refund_lease)
    }
}

struct Inner {
    groups: GroupSet,
    lanes: RwLock<Arc<Lanes>>,
    policies: Policies,
    clock: Arc<dyn Clock>,
    settings: CentreSettings,
    under_way: watch::Sender<()>,
    agreed: OnceLock<Arc<AgreedClock>>,
}

/// The order centre, and on which threads it works if not on its caller's. Cheap to clone.
#[derive(Clone)]
pub struct OrderCentre(Arc<Inner>, Option<Handle>);

impl OrderCentre {
    /// An order centre over these groups and channels. Nothing runs yet: see [`OrderCentre::spawn_sweeper`].
    #[must_use]
    pub fn new(
        groups: GroupSet,
        channels: Vec<Arc<dyn Channel>>,
        policies: Policies,
        clock: Arc<dyn Clock>,
        settings: CentreSettings,
    ) -> Self {
        let lanes = Lanes::of_the_file(channels, groups.tags().len(), settings, &clock);
        let lanes = RwLock::new(Arc::new(lanes));
        let under_way = watch::Sender::new(());
        let agreed = OnceLock::new();
        Self(Arc::new(Inner { groups, lanes, policies, clock, settings, under_way, agreed }), None)
    }

    /// The same, and what it begins runs on the threads of these workers, not on the caller's.
    #[must_use]
    pub fn worked_by(self, workers: &Workers) -> Self {
        Self(self.0, Some(workers.handle().clone()))
    }

    /// Whoever shares its groups goes by that time, too: while it is not agreed upon, nothing new is charged, and while it
    /// leaps, nothing that others may be working on is taken in hand.
    #[must_use]
    pub fn timed_by(self, agreed: &Arc<AgreedClock>) -> Self {
        let _ = self.0.agreed.set(Arc::clone(agreed)); // once, at the start
        self
    }

    /// Whether this server's time is one that it can charge by.
    #[must_use]
    pub fn time_is_agreed(&self) -> bool {
        self.0.agreed.get().is_none_or(|agreed| agreed.is_agreed())
    }

    /// Whether leases of others can be judged by this server's time now.
    fn time_is_steady(&self) -> bool {
        self.0.agreed.get().is_none_or(|agreed| agreed.is_steady())
    }

    /// The wallets' policies.
    #[must_use]
    pub fn policies(&self) -> Policies {
        self.0.policies
    }

    /// That wallet's policy.
    #[must_use]
    pub fn policy(&self, wallet: Wallet) -> &Policy {
        self.0.policies.of(wallet)
    }

    /// A payment as the till sees it now.
    #[must_use]
    pub fn view(&self, payment: &Payment) -> PaymentView {
        PaymentView::of(payment, self.policy(payment.wallet), self.0.clock.now())
    }

    /// A lease of this process from now on.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.lease_for(self.0.settings.lease)
    }

    /// The same for money that goes back.
    #[must_use]
    pub fn refund_lease(&self) -> Lease {
        self.lease_for(self.0.settings.refund_lease)
    }

    fn lease_for(&self, time: Duration) -> Lease {
        let now = self.0.clock.now();
        Lease { owner: self.0.groups.owner().to_owned(), now, until: now.plus(time) }
    }

    /// Whether so much time is over since both clocks stood so, or may be: the one counts no sleep of the machine, the other
    /// may be set.
    fn is_over(&self, time: Duration, (monotonic, clock): (Duration, Timestamp)) -> bool {
        let (now_monotonic, now) = self.clocks();
        !self.time_is_agreed() || now_monotonic.saturating_sub(monotonic).max(now.since(clock)) >= time
    }

    /// Takes an attempt back instead of waiting on. `missing` is recorded if the server has never heard of it.
    /// The rest is done in the background.
    /// # Errors
    /// See [`GroupError`].
    pub async fn take_back(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        missing: Option<NewPayment>,
        guard: Guard,
    ) -> Result<TakenBack, GroupError> {
        self.0.groups.take_back(number, attempt, missing, self.0.policies, guard).await
    }

    /// Begins a task about money, which goes on whether or not anybody waits for it, and which a server that stops waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let under_way = self.under_way();
        self.spawn_uncounted(async move {
            task.await;
            drop(under_way);
        })
    }

    /// What lives while something is under way.
    fn under_way(&self) -> watch::Receiver<()> {
        self.0.under_way.subscribe()
    }

    /// Waits until nothing is under way any more that was begun here: charges, questions, refunds. What is not done after
    /// `longest` is left to the other servers, which find it by its intent.
    pub async fn finished(&self, longest: Duration) {
        if tokio::time::timeout(longest, self.0.under_way.closed()).await.is_err() {
            let number = self.0.under_way.receiver_count();
            tracing::warn!(
                number,
                "money is under way still: it is settled after the next start, or by another server"
            );
        }
    }

    fn spawn_uncounted(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        match &self.1 {
            Some(workers) => workers.spawn(task),
            None => tokio::spawn(task),
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}
