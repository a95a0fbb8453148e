//! The store's servers behind one door: raced at the start and after trouble; the first that answers is used
//! until there is trouble with it.

use super::endpoint::{Endpoint, Outgoing};
use super::server_keys::KeyRing;
use super::tls::{Time, client_config};
use super::wire::{Answer, Https, Wire};
use super::{ClientConfig, ClientError, Method, Timeouts};
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::store::SERVER_KEYS_PATH;
use evertill_shared::protocol::store::TrustBundle;
use evertill_shared::signing::VerifyingKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

pub(crate) struct Transport {
    endpoints: Vec<Endpoint>,
    timeouts: Timeouts,
    time: Arc<Time>,
    keys: KeyRing,
    /// Which endpoint is used. Held during a race, so that there is one at a time.
    in_use: Mutex<Option<usize>>,
    /// How many races no one has won: those who waited for one need not run it again.
    races_lost: AtomicU64,
}

impl Transport {
    pub(crate) fn new(config: ClientConfig, time: Arc<Time>) -> Result<Self, ClientError> {
        let tls = client_config(&config.trust.root_certificates, Arc::clone(&time))?;
        let https = Https { tls, timeouts: config.timeouts };
        Self::over(&https, config, time)
    }

    /// The same over another wire: what it reaches is not asked for a certificate.
    pub(crate) fn over(wire: &dyn Wire, config: ClientConfig, time: Arc<Time>) -> Result<Self, ClientError> {
        let endpoint = |address: &String| Endpoint::new(address, wire);
        let endpoints = config.servers.iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            return Err(ClientError::Misconfigured("no server address is given".into()));
        }
        Ok(Self {
            endpoints,
            timeouts: config.timeouts,
            time,
            keys: KeyRing::new(config.trust),
            in_use: Mutex::new(None),
            races_lost: AtomicU64::new(0),
        })
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(crate) fn endpoint(&self, at: usize) -> &Endpoint {
        &self.endpoints[at]
    }

    pub(crate) async fn in_use(&self) -> Option<String> {
        self.in_use.lock().await.map(|at| self.endpoints[at].authority().to_owned())
    }

    /// The endpoint to use: the one that worked last, else the winner of a race.
    pub(crate) async fn pick(&self) -> Result<usize, ClientError> {
        let lost_before = self.races_lost.load(Ordering::Acquire);
        let mut in_use = self.in_use.lock().await;
        if let Some(at) = *in_use {
            return Ok(at);
        }
        if self.races_lost.load(Ordering::Acquire) != lost_before {
            return Err(ClientError::Unreachable("no server answered a moment ago".into()));
        }
        let winner = self.race().await;
        match &winner {
            Ok(at) => *in_use = Some(*at),
            Err(_) => _ = self.races_lost.fetch_add(1, Ordering::AcqRel),
        }
        winner
    }

    /// All are asked for their keys at once. The first that proves to be a server of this store wins, and its
    /// keys are known then.
    async fn race(&self) -> Result<usize, ClientError> {
        let mut runners = JoinSet::new();
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            let request = Outgoing::new(endpoint, Method::Get, SERVER_KEYS_PATH, "", Vec::new())?;
            let (connections, limit) = (endpoint.connections(), self.timeouts.race);
            runners.spawn(async move { (at, request.send(&*connections, limit).await) });
        }
        let mut failure = ClientError::Unreachable("no server answered".into());
        while let Some(finished) = runners.join_next().await {
            let Ok((at, result)) = finished else { continue };
            match result.and_then(|answer| self.learn_keys(&answer)) {
                Ok(()) => return Ok(at),
                Err(error) => {
                    // An untrusted answer tells more than a silent address.
                    if !matches!(failure, ClientError::Untrusted(_)) {
                        failure = not_sent(error, self.endpoints[at].authority());
                    }
                    self.endpoints[at].start_afresh();
                }
            }
        }
        Err(failure)
    }

    pub(crate) fn trust(&self) -> &TrustBundle {
        self.keys.trust()
    }

    fn learn_keys(&self, answer: &Answer) -> Result<(), ClientError> {
        if answer.status != 200 {
            return Err(ClientError::Unreachable(format!("it answers with HTTP status {}", answer.status)));
        }
        self.keys.learn(&answer.body).map_err(ClientError::Untrusted)
    }

    /// Sends a request to the endpoint that it was made for. After any trouble the next call races again.
    pub(crate) async fn send(
        &self,
        at: usize,
        request: Outgoing,
        limit: Duration,
    ) -> Result<Answer, ClientError> {
        let connections = self.endpoints[at].connections();
        let result = request.send(&*connections, limit).await;
        if result.is_err() {
            self.forget(at).await;
        }
        result
    }

    /// Uses this endpoint no longer, until it wins a race.
    pub(crate) async fn forget(&self, at: usize) {
        let mut in_use = self.in_use.lock().await;
        if *in_use == Some(at) {
            *in_use = None;
            self.endpoints[at].start_afresh();
        }
    }

    /// When the first of the servers has no proven key any more.
    pub(crate) fn keys_end(&self) -> Option<Timestamp> {
        self.keys.ends(self.time.now())
    }

    /// The proven keys of this name; if there are none, the server that used it is asked for its keys once more.
    pub(crate) async fn keys_named(&self, at: usize, key_id: &str) -> Result<Vec<VerifyingKey>, ClientError> {
        let known = self.keys.named(key_id, self.time.now());
        if !known.is_empty() {
            return Ok(known);
        }
        let endpoint = &self.endpoints[at];
        let request = Outgoing::new(endpoint, Method::Get, SERVER_KEYS_PATH, "", Vec::new())?;
        let answer = request.send(&*endpoint.connections(), self.timeouts.race).await;
        // Whatever goes wrong here: a request was sent before, and its answer is not proven.
        answer.and_then(|a| self.learn_keys(&a)).map_err(|e| ClientError::Untrusted(e.to_string()))?;
        Ok(self.keys.named(key_id, self.time.now()))
    }
}

/// What went wrong in a race concerns no request of the caller's.
fn not_sent(error: ClientError, authority: &str) -> ClientError {
    match error {
        ClientError::Untrusted(why) => ClientError::Untrusted(format!("{authority}: {why}")),
        ClientError::Unreachable(why) | ClientError::NoAnswer(why) | ClientError::BadAnswer(why) => {
            ClientError::Unreachable(format!("{authority}: {why}"))
        }
        other => other,
    }
}
