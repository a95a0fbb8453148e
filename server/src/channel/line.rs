//! The line to a wallet: its addresses, raced against each other, and one request at a time to one of them.
//!
//! What moves money goes to another address, with the same bytes, only if surely nothing was sent; any other failure
//! may have reached the wallet, and there the line leaves it (rule *known-or-unknown*). What only asks may be asked
//! again elsewhere, as far as a budget goes. `domains` decides which address comes first; `https` carries the bytes, and
//! says which connection may carry what.

mod https;
mod request;
#[cfg(test)]
mod tests;

pub use super::domains::Trouble;
pub use https::{Https, Tls};
pub use request::{Exchange, Kind, MAX_BYTES, Method, Over, Reply, Request, Sending, Why};

use super::domains::{Domains, Sign};
use evertill_shared::clock::Clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// The longest that an address's answer in a race is waited for.
const RACE_LIMIT: Duration = Duration::from_secs(4);

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// No address to call.
    #[error("there is no address to call: write one at least in each list of addresses")]
    NoEndpoint,
    /// The certificates cannot be used.
    #[error("the wallet's certificates cannot be used: {0}")]
    Tls(#[from] reqwest::Error),
}

/// A request on its way, and what comes of it.
pub type Posting = Pin<Box<dyn Future<Output = Exchange> + Send>>;

/// What carries the bytes to the wallet: one request, once. It keeps no time but that of connecting; whoever waits
/// gives up by dropping the future.
pub trait Wire: Send + Sync {
    /// Sends the request. Only [`Exchange::NotSent`] says that surely nothing has left.
    fn send(&self, request: Request) -> Posting;
}

/// One set of addresses and how to reach them.
pub struct Line(Arc<Inner>);

struct Inner {
    wire: Arc<dyn Wire>,
    addresses: Vec<String>,
    clock: Arc<dyn Clock>,
    domains: Mutex<Domains>,
    troubles: Mutex<Vec<Option<String>>>,
}

/// How one address of a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainHealth {
    /// What the line is for, in the adapter's word.
    pub line: &'static str,
    /// Host and port.
    pub domain: String,
    /// Whether it fails no more than is forgiven.
    pub is_healthy: bool,
    /// Whether it is called first.
    pub is_first: bool,
    /// How soon it answered in the last race; none if it did not, or was never raced.
    pub delay: Option<Duration>,
    /// The last trouble with it, if there was any since it last answered.
    pub trouble: Option<String>,
}

impl Line {
    /// A line to `addresses` (`https://host[:port]`, the main one first). Calls nobody yet.
    /// # Errors
    /// No address.
    pub fn new(addresses: &[String], wire: Arc<dyn Wire>, clock: Arc<dyn Clock>) -> Result<Self, LineError> {
        let mut own: Vec<String> = Vec::new();
        for address in addresses.iter().map(|address| address.trim_end_matches('/')) {
            // One that is written twice is one: a second call to it would be the first one again.
            if !own.iter().any(|known| known == address) {
                own.push(address.to_owned());
            }
        }
        if own.is_empty() {
            return Err(LineError::NoEndpoint);
        }
        let domains = Mutex::new(Domains::new(own.len(), clock.monotonic()));
        let troubles = Mutex::new(vec![None; own.len()]);
        Ok(Self(Arc::new(Inner { wire, addresses: own, clock, domains, troubles })))
    }

    /// Sends to `path` and reads the whole reply, all within `limit`.
    pub async fn send(&self, path: &str, sending: Sending, limit: Duration) -> Exchange {
        let inner = &self.0;
        inner.domains().call(inner.clock.monotonic());
        Inner::race_if_due(inner);
        let trying = AtomicUsize::new(0);
        let exchange = tokio::time::timeout(limit, inner.call(path, &sending, limit, &trying)).await;
        let exchange = exchange.unwrap_or_else(|_| {
            let why = format!("no answer within {} ms", limit.as_millis());
            inner.note(trying.load(Ordering::Relaxed), Sign::Silent, Some(&why));
            Exchange::NoAnswer(why)
        });
        Inner::race_if_due(inner);
        exchange
    }

    /// Asks all addresses at once something harmless, as a race does, and waits for what comes of it: whether they can be had at
    /// all, with the certificates that we have. It proves nothing of who answers.
    /// # Errors
    /// None answers; why the last of them does not.
    pub async fn knock(&self) -> Result<(), String> {
        let inner = &self.0;
        let is_race = inner.domains().begin_race(inner.clock.monotonic());
        if is_race {
            metrics::counter!("evertill_channel_races_total").increment(1);
        }
        let mut parts = JoinSet::new();
        for at in 0..inner.addresses.len() {
            let inner = Arc::clone(inner);
            parts.spawn(async move { inner.knock_at(at, is_race).await });
        }
        let mut result = Err("there is no address".to_owned());
        for part in parts.join_all().await {
            result = if result.is_ok() { result } else { part };
        }
        result
    }

    /// How its addresses stand; `line` is what it is for.
    #[must_use]
    pub fn health(&self, line: &'static str) -> Vec<DomainHealth> {
        let domains = self.0.domains();
        let troubles = self.0.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(at, address): (usize, &String)| {
            let standing = domains.standing(at);
            DomainHealth {
                line,
                domain: host(address).to_owned(),
                is_healthy: standing.is_healthy,
                is_first: standing.is_first,
                delay: standing.delay,
                trouble: troubles.get(at).cloned().flatten(),
            }
        };
        self.0.addresses.iter().enumerate().map(one).collect()
    }
}

impl Inner {
    async fn call(&self, path: &str, sending: &Sending, limit: Duration, trying: &AtomicUsize) -> Exchange {
        let order = self.domains().order();
        let share = limit / u32::try_from(order.len()).unwrap_or(1).max(1);
        match sending.kind() {
            Kind::Deed => self.act(path, sending, &order, trying).await,
            Kind::Question => self.ask(path, sending, &order, (share, trying)).await,
        }
    }

    /// Goes to one address after the other for as long as surely nothing was sent.
    async fn act(&self, path: &str, sending: &Sending, order: &[usize], trying: &AtomicUsize) -> Exchange {
        let mut trouble = Exchange::NotSent("there is no address".into());
        for at in order.iter().copied() {
            trying.store(at, Ordering::Relaxed);
            trouble = self.try_one(at, path, sending, self.over(at, Kind::Deed)).await;
            if !matches!(trouble, Exchange::NotSent(_)) {
                break;
            }
        }
        trouble
    }

    /// Asks one address after the other until one answers. One that takes more than its share of the time is given the
    /// rest of it, too, while the next is asked beside it: it may only be slow.
    fn ask<'a>(
        &'a self,
        path: &'a str,
        sending: &'a Sending,
        order: &'a [usize],
        (share, trying): (Duration, &'a AtomicUsize),
    ) -> Pin<Box<dyn Future<Output = Exchange> + Send + 'a>> {
        Box::pin(async move {
            let Some((at, rest)) = order.split_first() else {
                return Exchange::NotSent("there is no address".into());
            };
            trying.store(*at, Ordering::Relaxed);
            let mut first = Box::pin(self.try_one(*at, path, sending, Over::Kept));
            if rest.is_empty() {
                let only = first.await;
                let is_again = self.addresses.len() == 1 && matches!(only, Exchange::NoAnswer(_));
                // There is no other: a connection that was kept for too long may be all that was wrong.
                let again = is_again && self.may_repeat();
                return if again { self.try_one(*at, path, sending, Over::New).await } else { only };
            }
            match tokio::time::timeout(share, &mut first).await {
                Ok(answered @ Exchange::Answered(_)) => answered,
                Ok(Exchange::NoAnswer(why)) if !self.may_repeat() => Exchange::NoAnswer(why),
                Ok(trouble) => better(trouble, self.ask(path, sending, rest, (share, trying)).await),
                Err(_) if !self.may_repeat() => first.await,
                Err(_) => {
                    self.note(*at, Sign::Silent, Some("it takes too long to answer"));
                    let mut others = self.ask(path, sending, rest, (share, trying));
                    tokio::select! {
                        one = &mut first => if_none(one, others).await,
                        one = &mut others => if_none(one, first).await,
                    }
                }
            }
        })
    }

    async fn try_one(&self, at: usize, path: &str, sending: &Sending, over: Over) -> Exchange {
        let Some(address) = self.addresses.get(at) else {
            return Exchange::NotSent("no such address".into());
        };
        let start = self.clock.monotonic();
        let exchange = self.wire.send(sending.to(address, path, over)).await;
        let took = self.clock.monotonic().saturating_sub(start);
        let (sign, why) = sign_of(&exchange, took, over);
        self.note(at, sign, why.as_deref());
        exchange
    }

    fn over(&self, at: usize, kind: Kind) -> Over {
        match kind {
            Kind::Question => Over::Kept,
            Kind::Deed if self.domains().may_reuse(at, self.clock.monotonic()) => Over::Recent,
            Kind::Deed => Over::New,
        }
    }

    fn may_repeat(&self) -> bool {
        self.domains().may_repeat(self.clock.monotonic())
    }

    /// Asks all addresses at once something harmless, if it is time to.
    fn race_if_due(self: &Arc<Self>) {
        if !self.domains().begin_race(self.clock.monotonic()) {
            return;
        }
        metrics::counter!("evertill_channel_races_total").increment(1);
        for at in 0..self.addresses.len() {
            let inner = Arc::clone(self);
            tokio::spawn(async move { inner.knock_at(at, true).await });
        }
    }

    async fn knock_at(&self, at: usize, is_race: bool) -> Result<(), String> {
        let address = self.addresses.get(at).ok_or("no such address")?;
        let start = self.clock.monotonic();
        // Whatever its front page says, even that there is none: it is alive. And the connection is ready for a payment
        // then.
        let asked = self.wire.send(Sending::get().to(address, "/", Over::Recent));
        let answer = tokio::time::timeout(RACE_LIMIT, asked).await;
        let (now, silent) = (self.clock.monotonic(), (Sign::Silent, Some("no answer".to_owned())));
        let took = now.saturating_sub(start);
        let (sign, why) = answer.map_or(silent, |exchange| sign_of(&exchange, took, Over::Kept));
        self.tell(at, why.as_deref(), |domains| match is_race {
            true => domains.raced(at, sign, now),
            false => domains.note(at, sign, now),
        });
        why.map_or(Ok(()), |why| Err(format!("{}: {why}", host(address))))
    }

    fn note(&self, at: usize, sign: Sign, why: Option<&str>) {
        self.tell(at, why, |domains| domains.note(at, sign, self.clock.monotonic()));
    }

    /// Notes what happened, and logs what is new of it.
    fn tell(&self, at: usize, why: Option<&str>, note: impl FnOnce(&mut Domains)) {
        let name = |at: usize| self.addresses.get(at).map(|address| host(address)).unwrap_or_default();
        let (before, after, first) = {
            let mut domains = self.domains();
            let before = (domains.standing(at), domains.order());
            note(&mut domains);
            let (standing, order) = (domains.standing(at), domains.order());
            let is_other = order.first() != before.1.first();
            (before.0, standing, order.first().copied().filter(|_| is_other))
        };
        if let Some(last) = self.troubles.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
            *last = why.map(str::to_owned);
        }
        match (before.is_healthy, after.is_healthy) {
            (true, false) => tracing::warn!(domain = name(at), why, "a wallet's domain fails too often"),
            (false, true) => tracing::info!(domain = name(at), "a wallet's domain is well again"),
            _ => {}
        }
        if let Some(first) = first {
            tracing::info!(domain = name(first), "this domain of the wallet is called first now");
        }
    }

    fn domains(&self) -> MutexGuard<'_, Domains> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the other one unless there is an answer already.
async fn if_none(one: Exchange, other: impl Future<Output = Exchange>) -> Exchange {
    if matches!(one, Exchange::Answered(_)) { one } else { better(one, other.await) }
}

/// What two tries of one question come to: what was asked in vain anywhere stays without an answer.
fn better(one: Exchange, other: Exchange) -> Exchange {
    match (one, other) {
        (answered @ Exchange::Answered(_), _) | (_, answered @ Exchange::Answered(_)) => answered,
        (no_answer @ Exchange::NoAnswer(_), _) | (_, no_answer @ Exchange::NoAnswer(_)) => no_answer,
        (_, not_sent @ Exchange::NotSent(_)) => not_sent,
    }
}

/// What an exchange shows of the address, and in words if it is trouble.
fn sign_of(exchange: &Exchange, took: Duration, over: Over) -> (Sign, Option<String>) {
    match exchange {
        // So answers whoever stands before a wallet that is not there; the wallet's own trouble has other words.
        Exchange::Answered(reply) if (502..=504).contains(&reply.status) => {
            (Sign::Silent, Some(format!("status {}", reply.status)))
        }
        Exchange::Answered(_) => (Sign::Answered(took), None),
        Exchange::NotSent(why) => (Sign::Unreachable(why.trouble), Some(why.to_string())),
        // A connection that was kept for long may break: that says nothing of those that served a moment ago.
        Exchange::NoAnswer(why) if over == Over::Kept => (Sign::Silent, Some(why.clone())),
        Exchange::NoAnswer(why) => (Sign::Broken, Some(why.clone())),
    }
}

fn host(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, host)| host)
}
