//! Talking to the store's servers.
//!
//! [`StoreClient`] is the till's: every request signed, every answer believed only if it is signed by a key that
//! the store's root vouches for and bound to this very request. [`StaffClient`] is for people: a session opened
//! with name and password. Both trust the store's root and no other certificate authority, speak TLS 1.3 only,
//! know several addresses and use whichever answers first.
//!
//! Nothing here sends a request twice on its own once its bytes may have left: what happened to it would not be
//! known. The caller decides, under the same number.

mod countersigned;
mod endpoint;
mod failure;
mod probe;
mod server_keys;
mod staff;
mod tls;
mod transport;
mod wire;

#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

pub use countersigned::{NotCountersigned, verify_countersigned};
pub use failure::ClientError;
pub use probe::{Health, ServerReport, probe_servers};
pub use server_keys::{StatementError, verify_statement};
pub use staff::StaffClient;
pub use wire::{Answer, Connections, Exchange, Sent, Wire};

use endpoint::Outgoing;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::store::TrustBundle;
use evertill_shared::protocol::{MAX_BODY_BYTES, SIGNATURE_WINDOW_S};
use evertill_shared::random::{Random, draw};
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, ReceivedSignature, RequestParts, ResponseParts,
    SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SignatureError, SignatureHeaders, SigningKey, sign_request,
    verify_response,
};
use ring::rand::SystemRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tls::Time;
use transport::Transport;

/// The only content type there is, on requests without a body too.
pub(crate) const JSON: &str = "application/json";

/// Where the servers are, and what is trusted.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// `https://host:port` of each server, in any order.
    pub servers: Vec<String>,
    /// What the till was given by hand.
    pub trust: TrustBundle,
    /// How long to wait.
    pub timeouts: Timeouts,
}

impl ClientConfig {
    /// With the usual time-outs.
    #[must_use]
    pub fn new(servers: Vec<String>, trust: TrustBundle) -> Self {
        Self { servers, trust, timeouts: Timeouts::default() }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a race among the addresses.
    pub race: Duration,
    /// For an answer, from the first byte sent to the last received.
    pub answer: Duration,
    /// The same, for requests that make the server ask a wallet.
    pub payment: Duration,
}

impl Default for Timeouts {
    /// 2, 3, 10 and 15 seconds.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            race: Duration::from_secs(3),
            answer: Duration::from_secs(10),
            payment: Duration::from_secs(15),
        }
    }
}

/// What is done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks; changes nothing.
    Get,
    /// Does something.
    Post,
    /// Replaces something.
    Put,
}

impl Method {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// When a believed answer was made, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerTime {
    /// The server's clock, as it signed, to the second.
    pub server: Timestamp,
    /// [`Clock::monotonic`] here when the answer was received: what has passed since is to be added.
    pub monotonic: Duration,
}

/// The till's client. Cheap to clone; all clones share connections, keys and what was learned of the clock.
#[derive(Clone)]
pub struct StoreClient {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    key: SigningKey,
    time: Arc<Time>,
    random: Arc<dyn Random>,
    last_heard: Mutex<Option<ServerTime>>,
}

impl StoreClient {
    /// A client that signs with `key`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Misconfigured`]: an address or the trust bundle cannot be used.
    pub fn new(config: ClientConfig, key: SigningKey, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let time = Arc::new(Time::new(clock));
        let transport = Transport::new(config, Arc::clone(&time))?;
        Ok(Self::with(transport, key, time, Arc::new(SystemRandom::new())))
    }

    /// The same over another wire and with another source of chance: for a network that is simulated.
    ///
    /// # Errors
    /// [`ClientError::Misconfigured`]: an address cannot be used.
    pub fn over(
        wire: &dyn Wire,
        config: ClientConfig,
        key: SigningKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ClientError> {
        let time = Arc::new(Time::new(clock));
        Ok(Self::with(Transport::over(wire, config, Arc::clone(&time))?, key, time, random))
    }

    fn with(transport: Transport, key: SigningKey, time: Arc<Time>, random: Arc<dyn Random>) -> Self {
        Self { inner: Arc::new(Inner { transport, key, time, random, last_heard: Mutex::new(None) }) }
    }

    /// Asks and waits for the answer, as long as [`Timeouts::answer`] says. `path` and `query` (without its `?`)
    /// are percent-encoded by the caller where need be.
    ///
    /// # Errors
    /// [`ClientError`]; its variants say whether the request may have had an effect.
    pub async fn call<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&Req>,
    ) -> Result<Resp, ClientError> {
        self.call_within(method, path, query, body, self.inner.transport.timeouts().answer).await
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`StoreClient::call`].
    pub async fn get<Resp: DeserializeOwned>(&self, path: &str, query: &str) -> Result<Resp, ClientError> {
        self.call::<(), Resp>(Method::Get, path, query, None).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`StoreClient::call`].
    pub async fn post<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
    ) -> Result<Resp, ClientError> {
        self.call(Method::Post, path, "", Some(body)).await
    }

    /// `POST` of something for which the server asks a wallet: waits [`Timeouts::payment`].
    ///
    /// # Errors
    /// As [`StoreClient::call`].
    pub async fn post_payment<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
    ) -> Result<Resp, ClientError> {
        self.call_within(Method::Post, path, "", Some(body), self.inner.transport.timeouts().payment).await
    }

    /// As [`StoreClient::call`], with another time-out for the answer.
    ///
    /// It is sent again, newly signed, in two cases only, once each: when no connection could be made, to the
    /// server that now answers first; and when the server refused it because of the time in its signature, with
    /// the server's time. In both it surely had no effect.
    ///
    /// # Errors
    /// As [`StoreClient::call`].
    pub async fn call_within<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&Req>,
        limit: Duration,
    ) -> Result<Resp, ClientError> {
        let body = encode(body, MAX_BODY_BYTES)?;
        let transport = &self.inner.transport;
        let (mut moved, mut clock_set) = (false, false);
        loop {
            let at = transport.pick().await?;
            let result = self.attempt(at, method, (path, query), body.clone(), limit).await;
            let answer = match result {
                Err(ClientError::Unreachable(_)) if !moved => {
                    moved = true;
                    continue;
                }
                other => other?,
            };
            match decode::<Resp>(&answer) {
                Err(ClientError::Api(error)) if error.code == ErrorCode::SignatureStale && !clock_set => {
                    clock_set = true;
                    self.inner.time.learn(error.server_time);
                }
                decoded => return decoded,
            }
        }
    }

    /// Signs, sends, and returns the answer if it is to be believed.
    async fn attempt(
        &self,
        at: usize,
        method: Method,
        (path, query): (&str, &str),
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, ClientError> {
        let transport = &self.inner.transport;
        let mut request = Outgoing::new(transport.endpoint(at), method, path, query, body)?;
        let signed = self.sign(&mut request, transport.endpoint(at).authority())?;
        let path = request.path().to_owned();
        let answer = transport.send(at, request, limit).await?;
        let bound = BoundRequest {
            method: method.as_str(),
            path: &path,
            content_digest: &signed.content_digest,
            signature: &signed.signature,
        };
        let believed = self.believe(at, &answer, &bound).await;
        if let Err(error) = believed {
            transport.forget(at).await;
            return Err(error);
        }
        Ok(answer)
    }

    fn sign(&self, request: &mut Outgoing, authority: &str) -> Result<SignatureHeaders, ClientError> {
        let unsendable = |e: &dyn std::fmt::Display| ClientError::Misconfigured(e.to_string());
        let id = hex::encode(draw::<16>(&*self.inner.random).map_err(|e| unsendable(&e))?);
        let created = self.inner.time.now();
        let parts = RequestParts {
            method: request.method(),
            authority,
            path: request.path(),
            query: request.query(),
            content_type: JSON,
            request_id: &id,
            body: request.body(),
        };
        let expires = created.plus(Duration::from_secs(SIGNATURE_WINDOW_S));
        let signed = sign_request(&self.inner.key, &parts, created, expires).map_err(|e| unsendable(&e))?;
        request.header(REQUEST_ID_HEADER, &id)?;
        request.header(CONTENT_DIGEST_HEADER, &signed.content_digest)?;
        request.header(SIGNATURE_INPUT_HEADER, &signed.signature_input)?;
        request.header(SIGNATURE_HEADER, &signed.signature)?;
        Ok(signed)
    }

    /// Whether this is the answer of a server of this store to exactly that request.
    async fn believe(
        &self,
        at: usize,
        answer: &Answer,
        request: &BoundRequest<'_>,
    ) -> Result<(), ClientError> {
        let untrusted = |e: SignatureError| match e {
            SignatureError::Missing => ClientError::Untrusted(format!(
                "the answer (HTTP status {}) is not signed: something between here and the server gave it",
                answer.status
            )),
            other => ClientError::Untrusted(format!("the answer's signature: {other}")),
        };
        let input = answer.single_header(SIGNATURE_INPUT_HEADER);
        let received =
            ReceivedSignature::parse(input, answer.single_header(SIGNATURE_HEADER)).map_err(untrusted)?;
        let keys = self.inner.transport.keys_named(at, received.key_id()).await?;
        let parts = ResponseParts {
            status: answer.status,
            content_type: answer.single_header("content-type"),
            body: &answer.body,
        };
        let digest = answer.single_header(CONTENT_DIGEST_HEADER);
        let mut outcome = Err(SignatureError::UnknownKey);
        for key in &keys {
            outcome = verify_response(&received, &parts, digest, request, key);
            if outcome.is_ok() {
                break;
            }
        }
        outcome.map_err(|e| match e {
            SignatureError::UnknownKey => ClientError::Untrusted(format!(
                "the answer is signed with the key {:?}, for which the store's root does not vouch",
                received.key_id()
            )),
            other => untrusted(other),
        })?;
        if let Some(server) = received.created() {
            let heard = ServerTime { server, monotonic: self.inner.time.monotonic() };
            *self.inner.last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        }
        Ok(())
    }

    /// How far the server's clock was found to be ahead of ours, in milliseconds; 0 while it never complained.
    #[must_use]
    pub fn clock_offset_ms(&self) -> i64 {
        self.inner.time.offset_ms()
    }

    /// The server's time in the last answer that was believed.
    #[must_use]
    pub fn last_heard(&self) -> Option<ServerTime> {
        *self.inner.last_heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address that is used at the moment, if one has answered.
    pub async fn server_in_use(&self) -> Option<String> {
        self.inner.transport.in_use().await
    }

    /// What is trusted.
    #[must_use]
    pub fn trust(&self) -> &TrustBundle {
        self.inner.transport.trust()
    }

    /// The name under which the servers know our key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.inner.key.key_id()
    }
}

impl std::fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreClient({:?})", self.inner.key.key_id())
    }
}

/// The body on the wire, of so many bytes at most; nothing for `None`.
pub(crate) fn encode<Req: Serialize + ?Sized>(
    body: Option<&Req>,
    most: usize,
) -> Result<Vec<u8>, ClientError> {
    let Some(body) = body else { return Ok(Vec::new()) };
    let bytes = serde_json::to_vec(body).map_err(|e| ClientError::Misconfigured(e.to_string()))?;
    if bytes.len() > most {
        let text = format!("the request has {} bytes; a server reads {most}", bytes.len());
        return Err(ClientError::Misconfigured(text));
    }
    Ok(bytes)
}

/// What an answer says: the thing asked for, or the server's error.
pub(crate) fn decode<Resp: DeserializeOwned>(answer: &Answer) -> Result<Resp, ClientError> {
    // An answer without a body stands for "nothing", as `()` reads it.
    let body: &[u8] = if answer.body.is_empty() { b"null" } else { &answer.body };
    if (200..300).contains(&answer.status) {
        return serde_json::from_slice(body).map_err(|e| ClientError::BadAnswer(e.to_string()));
    }
    match serde_json::from_slice::<ApiError>(body) {
        Ok(error) => Err(ClientError::Api(error)),
        Err(_) => {
            Err(ClientError::BadAnswer(format!("HTTP status {} without an explanation", answer.status)))
        }
    }
}

/// The client's own TLS settings, for tests of certificates.
#[cfg(test)]
pub(crate) fn tls_for_tests(
    roots: &[String],
    clock: Arc<dyn Clock>,
) -> Result<rustls::ClientConfig, ClientError> {
    tls::client_config(roots, Arc::new(Time::new(clock)))
}
