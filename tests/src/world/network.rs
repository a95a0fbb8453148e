//! The network between tills and servers: it loses, delays, repeats, reorders and splits, and somebody on it plays
//! old requests and old answers again. What the real client signed goes to the real router, and back.

use super::chance::Chance;
use super::check::Checker;
use super::life::{Flight, Life};
use super::mutation::Mutation;
use super::story::Story;
use axum::Router;
use axum::body::Body;
use evertill_provisioning::client::{Answer, ClientError, Connections, Exchange, Sent, Wire};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::path;
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, ResponseParts, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SigningKey,
    sign_response,
};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower::ServiceExt;

/// The largest answer that is read.
const LARGEST: usize = 16 << 20;

/// How the network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Requests in a thousand that do not arrive.
    pub lost: u64,
    /// Answers in a thousand that do not arrive.
    pub unheard: u64,
    /// Requests in a thousand that arrive twice, the second time perhaps at another server.
    pub twice: u64,
    /// Answers in a thousand in whose place an older one is put.
    pub swapped: u64,
    /// The longest that anything is under way, in milliseconds.
    pub slow_ms: u64,
}

/// A server that runs.
pub struct Listening {
    pub router: Router,
    pub life: Life,
    pub key: Arc<SigningKey>,
    handlers: Vec<AbortHandle>,
}

impl Listening {
    pub fn new(router: Router, life: Life, key: Arc<SigningKey>) -> Self {
        Self { router, life, key, handlers: Vec::new() }
    }
}

struct Inside {
    weather: Weather,
    chance: Chance,
    servers: Vec<Option<Listening>>,
    /// Pairs of client and server between which nothing goes.
    cut: BTreeSet<(String, usize)>,
    /// The last answers of each kind, to be played again.
    old: BTreeMap<String, Answer>,
}

/// The network, as all share it.
pub struct Net {
    inside: Mutex<Inside>,
    under_way: Arc<AtomicU64>,
    checker: Arc<Checker>,
    clock: Arc<dyn Clock>,
    mutation: Option<Mutation>,
    story: Story,
}

/// One exchange's luck.
struct Dice {
    out: u64,
    back: u64,
    later: u64,
    lost: bool,
    unheard: bool,
    twice: bool,
    swapped: bool,
    hang_up: bool,
    other: bool,
}

impl Net {
    pub fn new(
        servers: usize,
        chance: Chance,
        checker: Arc<Checker>,
        clock: Arc<dyn Clock>,
        mutation: Option<Mutation>,
        story: Story,
    ) -> Arc<Self> {
        let inside = Inside {
            weather: Weather::default(),
            chance,
            servers: (0..servers).map(|_| None).collect(),
            cut: BTreeSet::new(),
            old: BTreeMap::new(),
        };
        let (inside, under_way) = (Mutex::new(inside), Arc::default());
        Arc::new(Self { inside, under_way, checker, clock, mutation, story })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_weather(&self, weather: Weather) {
        self.inside().weather = weather;
    }

    /// Cuts or mends the line between a client and a server.
    pub fn cut(&self, client: &str, server: usize, cut: bool) {
        let pair = (client.to_owned(), server);
        let mut inside = self.inside();
        if cut {
            inside.cut.insert(pair);
        } else {
            inside.cut.remove(&pair);
        }
    }

    /// Whether nothing is on its way that nobody waits for.
    pub fn is_quiet(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }

    /// Mends every line.
    pub fn mend(&self) {
        let mut inside = self.inside();
        inside.cut.clear();
        inside.weather = Weather::default();
    }

    /// A server begins to listen.
    pub fn listen(&self, server: usize, listening: Listening) {
        if let Some(place) = self.inside().servers.get_mut(server) {
            *place = Some(listening);
        }
    }

    /// A server dies, with all that it was about.
    pub fn silence(&self, server: usize) {
        let gone = self.inside().servers.get_mut(server).and_then(Option::take);
        if let Some(gone) = gone {
            gone.life.end();
            gone.handlers.iter().for_each(AbortHandle::abort);
        }
    }

    fn dice(&self) -> Dice {
        let mut inside = self.inside();
        let Weather { lost, unheard, twice, swapped, slow_ms } = inside.weather;
        let chance = &mut inside.chance;
        Dice {
            out: chance.between(1, 8 + slow_ms),
            back: chance.between(1, 8 + slow_ms),
            later: chance.between(1, 15_000),
            lost: chance.once_in(lost),
            unheard: chance.once_in(unheard),
            twice: chance.once_in(twice),
            swapped: chance.once_in(swapped),
            hang_up: chance.once_in(500),
            other: chance.once_in(500),
        }
    }

    fn is_cut(&self, client: &str, server: usize) -> bool {
        self.inside().cut.contains(&(client.to_owned(), server))
    }

    /// Hands a request to a server; `None` if nobody listens there.
    fn hand_over(&self, server: usize, sent: &Sent) -> Option<tokio::task::JoinHandle<Option<Answer>>> {
        if let Some(only) = self.mutation.and_then(Mutation::is_about)
            && self.checker.is_something_else_of_a_blocked_till(only, sent)
        {
            return None;
        }
        let mut inside = self.inside();
        let listening = inside.servers.get_mut(server)?.as_mut()?;
        let router = listening.router.clone();
        let request = request_of(sent)?;
        let task = tokio::spawn(async move { answer_of(router.oneshot(request).await.ok()?).await });
        listening.handlers.retain(|handler| !handler.is_finished());
        listening.handlers.push(task.abort_handle());
        drop(inside);
        self.checker.delivered(sent);
        Some(task)
    }

    /// One request and its answer, within `limit`.
    pub async fn exchange(
        self: Arc<Self>,
        client: String,
        server: usize,
        sent: Sent,
        limit: Duration,
    ) -> Result<Answer, ClientError> {
        let late = || ClientError::NoAnswer("time-out".into());
        tokio::time::timeout(limit, self.exchanged(client, server, sent))
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn exchanged(
        self: Arc<Self>,
        client: String,
        server: usize,
        sent: Sent,
    ) -> Result<Answer, ClientError> {
        let dice = self.dice();
        tokio::time::sleep(Duration::from_millis(dice.out)).await;
        if self.is_cut(&client, server) {
            return Err(ClientError::Unreachable("no route".into()));
        }
        if dice.lost {
            self.story.tell(format!("lost on its way: {client} to server {server}: {}", sent.url.path()));
            return std::future::pending().await;
        }
        let unread = self.mutation == Some(Mutation::ForgetsTheChain) && sent.url.path() == path::JOURNAL;
        // With that bug the journal is not looked at: the answer is made of what else the server says.
        let sent_on = if unread { Sent { body: Vec::new(), ..sent.clone() } } else { sent.clone() };
        if unread {
            Mutation::ForgetsTheChain.fires(2);
        }
        let Some(task) = self.hand_over(server, &sent_on) else {
            return Err(ClientError::Unreachable("connection refused".into()));
        };
        if dice.twice {
            self.repeat(sent.clone(), if dice.other { server ^ 1 } else { server }, dice.later);
        }
        // A client that goes away is noticed by the server, or is not.
        let mut guard = HangUp(dice.hang_up.then(|| task.abort_handle()));
        let began = Instant::now();
        let answer = task.await.ok().flatten();
        guard.0 = None;
        let Some(answer) = answer else {
            return Err(ClientError::NoAnswer("the connection was reset".into()));
        };
        self.checker.granted(&sent, &answer, began);
        self.checker.answered(&sent, &answer, began);
        tokio::time::sleep(Duration::from_millis(dice.back)).await;
        if dice.unheard || self.is_cut(&client, server) {
            self.story.tell(format!("an answer is lost: server {server} to {client}: {}", sent.url.path()));
            return std::future::pending().await;
        }
        // What people at consoles see comes through TLS alone: nobody puts anything in its place.
        let swapped = dice.swapped && !client.starts_with("manager");
        let answer = if swapped { self.swap(server, &client, &sent, answer) } else { answer };
        let answer = self.forget_the_chain(server, &sent, answer);
        self.checker.heard(&client, &sent, &answer);
        Ok(answer)
    }

    /// The same bytes arrive again a while later, perhaps at another server. Nobody hears the answer.
    fn repeat(self: &Arc<Self>, sent: Sent, server: usize, later: u64) {
        let net = Arc::clone(self);
        let flight = Flight::begin(&self.under_way);
        tokio::spawn(async move {
            let _flight = flight;
            tokio::time::sleep(Duration::from_millis(later)).await;
            net.story.tell(format!("arrives again, at server {server}: {}", sent.url.path()));
            let began = Instant::now();
            if let Some(task) = net.hand_over(server, &sent)
                && let Ok(Some(answer)) = task.await
            {
                net.checker.granted(&sent, &answer, began);
            }
        });
    }

    /// Puts an older answer of the same kind in the place of this one.
    fn swap(&self, server: usize, client: &str, sent: &Sent, answer: Answer) -> Answer {
        let kind =
            sent.url.path().split('/').filter(|part| !part.bytes().any(|b| b.is_ascii_digit())).count();
        let name = format!("{client} {} {kind}", sent.method);
        let mut inside = self.inside();
        let Some(mut old) = inside.old.insert(name, answer.clone()) else { return answer };
        self.story.tell(format!("an older answer is put in the place of: {client}: {}", sent.url.path()));
        if self.mutation == Some(Mutation::BelievesAnyAnswer)
            && let Some(Some(listening)) = inside.servers.get(server)
        {
            Mutation::BelievesAnyAnswer.fires(0);
            sign_anew(&mut old, sent, &listening.key, &*self.clock);
        }
        old
    }
}

impl Net {
    /// With that bug, a till is told of its own journal that all is well, whatever it hands in.
    fn forget_the_chain(&self, server: usize, sent: &Sent, mut answer: Answer) -> Answer {
        if self.mutation != Some(Mutation::ForgetsTheChain) {
            return answer;
        }
        let body = match sent.url.path() {
            path::TERMINAL => self.head_is_right(&answer.body),
            path::JOURNAL => self.all_is_taken(&sent.body),
            _ => None,
        };
        let inside = self.inside();
        if let (Some(body), Some(Some(listening))) = (body, inside.servers.get(server)) {
            Mutation::ForgetsTheChain.fires(3);
            (answer.status, answer.body) = (200, body);
            sign_anew(&mut answer, sent, &listening.key, &*self.clock);
        }
        answer
    }

    fn head_is_right(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let mut status: TerminalStatus = serde_json::from_slice(answer).ok()?;
        status.journal_head = self.checker.model().till(status.terminal).head?;
        status.furthest_used = None;
        serde_json::to_vec(&status).ok()
    }

    fn all_is_taken(&self, asked: &[u8]) -> Option<Vec<u8>> {
        let hand_in: HandIn = serde_json::from_slice(asked).ok()?;
        let terminal = hand_in.entries.first()?.read_unverified().ok()?.terminal;
        let head = self.checker.model().till(terminal).head?;
        serde_json::to_vec(&HandedIn { head, quarantined: false }).ok()
    }
}

struct HangUp(Option<AbortHandle>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(handler) = &self.0 {
            handler.abort();
        }
    }
}

fn request_of(sent: &Sent) -> Option<axum::http::Request<Body>> {
    let uri = match sent.url.query() {
        Some(query) => format!("{}?{query}", sent.url.path()),
        None => sent.url.path().to_owned(),
    };
    let host = format!("{}:{}", sent.url.host_str()?, sent.url.port()?);
    let mut request = axum::http::Request::builder().method(sent.method).uri(uri).header("host", host);
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    request.body(Body::from(sent.body.clone())).ok()
}

async fn answer_of(response: axum::response::Response) -> Option<Answer> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await.ok()?.to_vec();
    Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// What a till that believes anything would believe: the old answer, as if it had been given to this request.
fn sign_anew(old: &mut Answer, sent: &Sent, key: &SigningKey, clock: &dyn Clock) {
    let text = |headers: &HeaderMap, name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let content_type = text(&old.headers, CONTENT_TYPE.as_str());
    let parts = ResponseParts { status: old.status, content_type: &content_type, body: &old.body };
    let (digest, signature) =
        (text(&sent.headers, CONTENT_DIGEST_HEADER), text(&sent.headers, SIGNATURE_HEADER));
    let bound = BoundRequest {
        method: sent.method,
        path: sent.url.path(),
        content_digest: &digest,
        signature: &signature,
    };
    let Ok(signed) = sign_response(key, &parts, &bound, clock.now()) else { return };
    for (name, value) in [
        (CONTENT_DIGEST_HEADER, signed.content_digest),
        (SIGNATURE_INPUT_HEADER, signed.signature_input),
        (SIGNATURE_HEADER, signed.signature),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            old.headers.insert(name, value);
        }
    }
}

/// One client's wire.
pub struct NetWire {
    pub net: Arc<Net>,
    pub client: String,
    pub life: Life,
}

struct Line {
    net: Arc<Net>,
    client: String,
    server: usize,
    life: Life,
}

/// The address of a server.
pub fn address(server: usize) -> String {
    format!("https://server-{server}:8443")
}

fn server_of(url: &Url) -> usize {
    let name = url.host_str().unwrap_or_default();
    name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

impl Wire for NetWire {
    fn to(&self, server: &Url) -> Result<Arc<dyn Connections>, ClientError> {
        let (net, client, life) = (Arc::clone(&self.net), self.client.clone(), self.life.clone());
        Ok(Arc::new(Line { net, client, server: server_of(server), life }))
    }
}

impl Connections for Line {
    fn exchange(&self, request: Sent, limit: Duration) -> Exchange {
        let (net, client, server) = (Arc::clone(&self.net), self.client.clone(), self.server);
        let life = self.life.clone();
        Box::pin(async move {
            life.or_never().await;
            net.exchange(client, server, request, limit).await
        })
    }

    fn start_afresh(&self) {}
}
