//! All groups of a store: which one holds an order, and the time limit of every call.

use super::jump::{Candidate, Jumping};
use super::{
    Adopt, Created, Fact, GroupError, GroupHealth, Guard, Lease, NewDraft, NewPayment, OrderDetail,
    OrderGroup, PaymentNews, PaymentRecord, Policies, Reply, SaleOfTill, Started, StoredGroup, TakenBack,
    Tidied, Tidy, selector,
};
use crate::admission::Engine;
use crate::database::WriteCounts;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{AccountId, Attempt, ChannelNumber};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::Change;
use evertill_shared::protocol::SIGNATURE_WINDOW_S;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::random::{Random, draw};
use evertill_shared::wallet::Wallet;
use ring::rand::SystemRandom;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

mod asking;
mod following;
mod map;
mod settings;
use following::Following;
use map::{Home, Map, Member};
pub use map::{KnownMap, MapSource, TagHome, TagStanding, Told};
pub use settings::{Expected, GroupPlace, GroupSetError, GroupSettings, Limits, Place};

/// How long a database may take to finish and let go of its files when the server stops.
const CLOSING: Duration = Duration::from_secs(2);

struct Inner {
    map: RwLock<Arc<Map>>,
    following: Following,
    limits: Limits,
    store: StoreInfo,
    owner: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// All order groups. Cheap to clone.
#[derive(Clone)]
pub struct GroupSet(Arc<Inner>);

impl Inner {
    fn go_by(&self, map: Map) {
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
    }
}

impl GroupSet {
    /// Starts the engines of all groups. Opening the databases goes on in their own threads.
    /// # Errors
    /// No groups, a tag twice, or a system without threads.
    pub fn open(settings: GroupSettings, clock: Arc<dyn Clock>) -> Result<Self, GroupSetError> {
        let mut groups: Vec<Arc<dyn OrderGroup>> = Vec::new();
        for GroupPlace { tag, place, expected } in settings.groups {
            let group =
                StoredGroup::start(tag, place, expected).map_err(|_| GroupSetError::System("threads"))?;
            groups.push(Arc::new(group));
        }
        Self::of(groups, settings.limits, settings.store, &settings.server, clock)
    }

    /// A set of groups that run already.
    /// # Errors
    /// No groups, or a tag twice.
    pub fn of(
        groups: Vec<Arc<dyn OrderGroup>>,
        limits: Limits,
        store: StoreInfo,
        server: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, GroupSetError> {
        Self::by_chance_of(groups, limits, store, server, clock, Arc::new(SystemRandom::new()))
    }

    /// The same, with another source of chance than the system's.
    /// # Errors
    /// No groups, a tag twice, or no chance to be had.
    pub fn by_chance_of(
        groups: Vec<Arc<dyn OrderGroup>>,
        limits: Limits,
        store: StoreInfo,
        server: &str,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, GroupSetError> {
        let owner = format!("{server}:{:08x}", dice(&*random)? & 0xffff_ffff);
        let (map, following) = (RwLock::default(), Following::default());
        let inner = Inner { map, following, limits, store, owner, clock, random };
        let mut homes = BTreeMap::new();
        for group in groups {
            let tag = group.tag();
            let watch = Arc::new(inner.watch(tag)?);
            if homes.insert(tag, Home { group, watch }).is_some() {
                return Err(GroupSetError::TagTwice(tag));
            }
        }
        if homes.is_empty() {
            return Err(GroupSetError::None);
        }
        inner.go_by(Map::of_themselves(homes));
        Ok(Self(Arc::new(inner)))
    }

    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.0.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The store that these orders belong to.
    #[must_use]
    pub fn store(&self) -> &StoreInfo {
        &self.0.store
    }

    /// This server process, as leases and probe rows name it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// The longest that a call may take.
    #[must_use]
    pub fn call_limit(&self) -> Duration {
        Duration::from_millis(self.0.limits.call_ms)
    }

    /// All tags, in order.
    #[must_use]
    pub fn tags(&self) -> Vec<GroupTag> {
        self.map().members.keys().copied().collect()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The store's business day at that time.
    #[must_use]
    pub fn business_day(&self, at: Timestamp) -> BusinessDay {
        business_day_of(at, &self.0.store.zone, self.0.store.cut_off_minutes)
    }

    /// The guard for a request with that id that came in at that time.
    #[must_use]
    pub fn guard(&self, request_id: &str, at: Timestamp) -> Guard {
        // Twice the window: a signature may be from the future by as much as it may be old.
        let keep = Duration::from_secs(SIGNATURE_WINDOW_S.saturating_mul(2).saturating_add(60));
        Guard { request_id: request_id.to_owned(), expires_at: at.plus(keep) }
    }

    /// The random names of the groups' databases that are open.
    #[must_use]
    pub fn identities(&self) -> Vec<(GroupTag, String)> {
        let named = |(tag, home): (&GroupTag, &Home)| Some((*tag, home.group.identity()?));
        self.map().homes.iter().filter_map(named).collect()
    }

    /// How the groups are, as far as this server knows.
    #[must_use]
    pub fn health(&self) -> Vec<GroupHealth> {
        let now = self.0.clock.monotonic();
        let map = self.map();
        map.homes.values().map(|home| home.watch.report(home.group.engine().to_string(), now)).collect()
    }

    /// Finishes what waits in each group and lets go of its database. Nothing is taken any more. A group that hangs is
    /// not waited for for long.
    pub async fn close(&self) {
        let map = self.map();
        let open = map.homes.iter().filter_map(|(tag, home)| Some((*tag, home.group.database().ok()?)));
        let closing = open.map(|(tag, database)| async move {
            if tokio::time::timeout(CLOSING, database.close()).await.is_err() {
                tracing::warn!(%tag, "an order group hangs and is left as it is");
            }
        });
        join(closing.collect()).await;
    }

    /// How much was written into each database since it was opened here.
    #[must_use]
    pub fn write_counts(&self) -> Vec<(GroupTag, WriteCounts)> {
        let map = self.map();
        let counts = |(tag, home): (&GroupTag, &Home)| Some((*tag, home.group.database().ok()?.counts()));
        map.homes.iter().filter_map(counts).collect()
    }

    /// Whether at least one group can take a new order: writes into each. A probe is a small write, for which there may
    /// be room where an order finds none: a group in which nothing but the probe works does not count.
    pub async fn can_create(&self) -> bool {
        let at = self.0.clock.now();
        let map = self.map();
        let members: Vec<_> = map.takers().collect();
        let probes = members.iter().map(|m| (m, m.group.probe(self.0.owner.clone(), at)));
        let calls: Vec<_> = probes.map(|(m, reply)| self.probed(m, reply)).collect();
        let answers = join(calls).await;
        let now = self.0.clock.monotonic();
        members.iter().zip(answers).any(|(member, answer)| answer.is_ok() && member.watch.may_be_asked(now))
    }

    async fn probed(&self, member: &Member, reply: Reply<()>) -> Result<(), GroupError> {
        let answer = self.limited(member, true, reply).await;
        member.watch.probed(&answer);
        // A probe is about no order: if even that goes wrong, it is the group.
        if let Err(error @ GroupError::Internal(_)) = &answer {
            member.watch.failed(error, self.0.clock.as_ref(), dice(&*self.0.random).unwrap_or(0));
        }
        answer
    }

    /// How many groups take new orders in good time: a group whose writes lately took a quarter of what a call may
    /// take does not. Asks nobody.
    #[must_use]
    pub fn engine(&self) -> Engine {
        let (now, slow) = (self.0.clock.monotonic(), self.call_limit() / 4);
        let map = self.map();
        let usable = map.takers().filter(|m| m.watch.is_usable(now, slow)).count();
        Engine { usable, groups: map.takers().count() }
    }

    /// Creates a draft of this sale in one of the healthy groups; gives the number of groups tried in vain. `request`
    /// is the id of the request, for the log.
    /// # Errors
    /// A fork, or that no group could take it.
    pub async fn create_draft(&self, sale: SaleOfTill, request: &str) -> Result<(Created, u8), GroupError> {
        let at = self.0.clock.now();
        let mut random = dice(&*self.0.random).map_err(|e| GroupError::Internal(e.to_string()))?;
        let draft = NewDraft {
            sale: Arc::new(sale),
            at,
            business_day: self.business_day(at),
            server: self.0.owner.clone(),
            random: std::array::from_fn(|_| u32::try_from(selector::next(&mut random) >> 32).unwrap_or(0)),
        };
        let candidates: Vec<Candidate> = self.map().takers().map(|member| member.candidate()).collect();
        let jumping = Jumping { clock: &self.0.clock, call: self.call_limit(), random, request };
        jumping.create(&candidates, &draft).await
    }

    /// Adopts an order; with cash it is paid.
    /// # Errors
    /// See [`GroupError`].
    pub async fn adopt(&self, adopt: Adopt) -> Result<(), GroupError> {
        self.write(adopt.adoption.number.tag(), |g| g.adopt(adopt.clone())).await
    }

    /// Makes the intent of a payment durable. Waits longer than others: whoever asks has a code that can be
    /// charged once, and holds it until the answer is known.
    /// # Errors
    /// See [`GroupError`].
    pub async fn start_payment(&self, payment: NewPayment) -> Result<Started, GroupError> {
        self.patient(payment.adoption.number.tag(), |g| g.start_payment(payment.clone())).await
    }

    /// Takes an attempt back, or records one that never arrived as being taken back.
    /// # Errors
    /// See [`GroupError`].
    pub async fn take_back(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        missing: Option<NewPayment>,
        policies: Policies,
        guard: Guard,
    ) -> Result<TakenBack, GroupError> {
        let at = self.0.clock.now();
        self.write(number.tag(), |g| {
            g.take_back(number, attempt, missing.clone(), policies, at, guard.clone())
        })
        .await
    }

    /// Takes in what is newly known about a payment.
    /// # Errors
    /// See [`GroupError`].
    pub async fn record_payment(&self, news: PaymentNews) -> Result<(PaymentRecord, Change), GroupError> {
        self.patient(news.number.tag(), |g| g.record_payment(news.clone())).await
    }

    /// Writes a fact into an order's story, see [`super::Payments::tell_once`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn tell_once(&self, number: OrderNumber, fact: Fact, at: Timestamp) -> Result<(), GroupError> {
        self.write(number.tag(), |g| g.tell_once(number, fact.clone(), at)).await
    }

    /// Leases an open payment.
    /// # Errors
    /// See [`GroupError`].
    pub async fn lease_payment(
        &self,
        record: &PaymentRecord,
        lease: Lease,
    ) -> Result<Option<PaymentRecord>, GroupError> {
        let (number, attempt, version) = (record.number, record.payment.attempt, record.version);
        self.write(number.tag(), |g| g.lease_payment(number, attempt, version, lease.clone())).await
    }

    /// Open payments of a group and an account at a wallet whose time has come.
    /// # Errors
    /// See [`GroupError`].
    pub async fn due_payments(
        &self,
        tag: GroupTag,
        of: (Wallet, AccountId),
        most: u32,
    ) -> Result<Vec<PaymentRecord>, GroupError> {
        let now = self.0.clock.now();
        self.read(tag, |g| g.due_payments(of, now, most)).await
    }

    /// One attempt at an order.
    /// # Errors
    /// See [`GroupError`].
    pub async fn payment(&self, number: OrderNumber, attempt: Attempt) -> Result<PaymentRecord, GroupError> {
        self.read(number.tag(), |g| g.payment(number, attempt)).await
    }

    /// The attempt that a channel knows by this number, wherever it lives; `None` if every group says that it has none.
    /// # Errors
    /// Nobody has it, and some group does not answer.
    pub async fn payment_of(&self, number: &ChannelNumber) -> Result<Option<PaymentRecord>, GroupError> {
        let (found, unreachable) = self.read_all(|g| g.payment_of(number.clone())).await;
        match (found.into_iter().flatten().next(), unreachable.is_empty()) {
            (Some(record), _) => Ok(Some(record)),
            (None, true) => Ok(None),
            (None, false) => Err(GroupError::silent(self.call_limit())),
        }
    }

    /// One order, with all that belongs to it.
    /// # Errors
    /// See [`GroupError`].
    pub async fn order(&self, number: OrderNumber) -> Result<OrderDetail, GroupError> {
        self.read(number.tag(), |g| g.order(number)).await
    }

    /// Tidies one group: see [`Tidy`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn tidy(&self, tag: GroupTag) -> Result<Tidied, GroupError> {
        let now = self.0.clock.now();
        let tidy = Tidy {
            now,
            today: self.business_day(now),
            drafts_before: now.minus(Duration::from_secs(24 * 3600)),
            refunds_before: now.minus(Duration::from_secs(3600)),
        };
        self.write(tag, |g| g.tidy(tidy.clone())).await
    }
}

fn dice(random: &dyn Random) -> Result<u64, GroupSetError> {
    let bytes = draw(random).map_err(|_| GroupSetError::System("randomness"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Waits for all, each at its own pace: one slow group holds up the others' answers by its time limit at most.
pub(super) async fn join<F: Future>(calls: Vec<F>) -> Vec<F::Output> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (call, output) in &mut calls {
            if output.is_none() {
                match call.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    calls.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests;
