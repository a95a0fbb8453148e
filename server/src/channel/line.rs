//! The line to a wallet: HTTP without retries, redirects or reused connections, to a main address and its
//! backups.
//!
//! No connection is reused: on a fresh one, a failure to connect proves that nothing was sent. Only then is
//! the next address tried, with the same bytes; any later failure may have reached the wallet. What only asks
//! may go to the next address then, too.

use evertill_shared::clock::Clock;
use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect, retry};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the backup is preferred after the main address could not be reached.
const BACKUP_FOR: Duration = Duration::from_secs(180);

/// No real reply of a wallet comes near this many bytes.
pub const MAX_BYTES: usize = 64 * 1024;

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

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

/// What may be done with a request of which no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It moves money: it goes out again only where surely nothing was sent.
    Deed,
    /// It only asks: to ask twice is harmless.
    Question,
}

/// One request, whole. It may hold a payment code: it does not print.
pub struct Request {
    /// How.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Names and values, the content type among them.
    pub headers: Vec<(String, String)>,
    /// What is sent; nothing with [`Method::Get`].
    pub body: Vec<u8>,
    /// Whether it may go out again.
    pub kind: Kind,
    /// The most bytes of an answer that are read.
    pub most: usize,
}

/// What goes to a path of a wallet, whichever of its addresses it goes to.
#[derive(Clone)]
pub struct Sending {
    method: Method,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    kind: Kind,
    most: usize,
}

/// A whole reply, whatever its status. It is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in small letters, and values that are text.
    pub headers: Vec<(String, String)>,
    /// The bytes that came.
    pub body: Vec<u8>,
}

/// What came of one request.
#[derive(Debug)]
pub enum Exchange {
    /// A whole reply, whatever its status. It is not verified yet.
    Answered(Reply),
    /// No address could be reached: surely nothing was sent.
    NotSent(String),
    /// It may have reached the wallet.
    NoAnswer(String),
}

/// What TLS needs: the roots to trust (the machine's, if none) and the client certificate, if any.
#[derive(Default)]
pub struct Tls {
    /// PEM of the only roots to trust.
    pub roots: Option<Vec<u8>>,
    /// PEM of the client certificate and its key.
    pub identity: Option<Vec<u8>>,
}

/// A request on its way, and what comes of it.
pub type Posting = Pin<Box<dyn Future<Output = Exchange> + Send>>;

/// What carries the bytes to the wallet: one request, once, on a connection of its own. It keeps no time but
/// that of connecting; whoever waits gives up by dropping the future.
pub trait Wire: Send + Sync {
    /// Sends the request. Only [`Exchange::NotSent`] says that surely nothing has left.
    fn send(&self, request: Request) -> Posting;
}

/// HTTP, with TLS where the address says so.
pub struct Https {
    client: Client,
}

/// One set of addresses and how to reach them.
pub struct Line {
    wire: Arc<dyn Wire>,
    addresses: Vec<String>,
    clock: Arc<dyn Clock>,
    /// Which address comes first, and until when.
    preferred: Mutex<(usize, Duration)>,
}

impl Https {
    /// A wire that waits so long for a connection.
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(tls: Tls, connect: Duration) -> Result<Self, LineError> {
        // Another part of the program may have installed it before: then this one is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = ClientBuilder::new()
            .connect_timeout(connect)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never());
        if let Some(pem) = tls.roots {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(&pem)?);
        }
        if let Some(pem) = tls.identity {
            builder = builder.identity(Identity::from_pem(&pem)?);
        }
        Ok(Self { client: builder.build()? })
    }
}

impl Wire for Https {
    fn send(&self, request: Request) -> Posting {
        Box::pin(send(self.client.clone(), request))
    }
}

async fn send(client: Client, request: Request) -> Exchange {
    let mut builder = match request.method {
        Method::Get => client.get(request.url),
        Method::Post => client.post(request.url).body(request.body),
    };
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    match builder.send().await {
        Ok(response) => whole(response, request.most).await,
        Err(error) if error.is_connect() || error.is_builder() => Exchange::NotSent(chain(error)),
        Err(error) => Exchange::NoAnswer(chain(error)),
    }
}

async fn whole(mut response: reqwest::Response, most: usize) -> Exchange {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().map(str::to_owned).ok();
    let headers = response.headers().iter();
    let headers =
        headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(part)) if body.len() + part.len() <= most => body.extend_from_slice(&part),
            Ok(Some(_)) => return Exchange::NoAnswer("the reply is too large".into()),
            Ok(None) => return Exchange::Answered(Reply { status, headers, body }),
            Err(error) => return Exchange::NoAnswer(chain(error)),
        }
    }
}

impl Sending {
    /// A request without a body, which only asks.
    #[must_use]
    pub fn get() -> Self {
        Self {
            method: Method::Get,
            headers: Vec::new(),
            body: Vec::new(),
            kind: Kind::Question,
            most: MAX_BYTES,
        }
    }

    /// A request with a body of that type. It counts as one that moves money; see [`Sending::harmless`].
    #[must_use]
    pub fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { method: Method::Post, headers, body: body.into(), kind: Kind::Deed, most: MAX_BYTES }
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same as a mere question, which may be asked again.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.kind = Kind::Question;
        self
    }

    /// The same with up to so many bytes of an answer, where [`MAX_BYTES`] are not enough: a bill.
    #[must_use]
    pub const fn most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    fn to(&self, address: &str, path: &str) -> Request {
        Request {
            method: self.method,
            url: format!("{address}{path}"),
            headers: self.headers.clone(),
            body: self.body.clone(),
            kind: self.kind,
            most: self.most,
        }
    }
}

impl Reply {
    /// The value of a header, by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What came, if the status is 200.
    /// # Errors
    /// Another status, in words.
    pub fn ok(self) -> Result<Vec<u8>, String> {
        if self.status == 200 { Ok(self.body) } else { Err(format!("status {}", self.status)) }
    }
}

impl Line {
    /// A line to `addresses` (`https://host[:port]`, the main one first).
    /// # Errors
    /// No address.
    pub fn new(addresses: &[String], wire: Arc<dyn Wire>, clock: Arc<dyn Clock>) -> Result<Self, LineError> {
        if addresses.is_empty() {
            return Err(LineError::NoEndpoint);
        }
        let addresses = addresses.iter().map(|a| a.trim_end_matches('/').to_owned()).collect();
        Ok(Self { wire, addresses, clock, preferred: Mutex::new((0, Duration::ZERO)) })
    }

    /// Sends to `path` and reads the whole reply, all within `limit`.
    pub async fn send(&self, path: &str, sending: Sending, limit: Duration) -> Exchange {
        match tokio::time::timeout(limit, self.each_address(path, &sending)).await {
            Ok(exchange) => exchange,
            Err(_) => Exchange::NoAnswer(format!("no answer within {} ms", limit.as_millis())),
        }
    }

    async fn each_address(&self, path: &str, sending: &Sending) -> Exchange {
        let first = self.first_address();
        let mut trouble = Exchange::NotSent(String::new());
        for step in 0..self.addresses.len() {
            let index = (first + step) % self.addresses.len();
            match self.wire.send(sending.to(&self.addresses[index], path)).await {
                // What was asked in vain elsewhere stays without an answer.
                Exchange::NotSent(_) if matches!(trouble, Exchange::NoAnswer(_)) => {}
                not_sent @ Exchange::NotSent(_) => trouble = not_sent,
                no_answer @ Exchange::NoAnswer(_) if sending.kind == Kind::Question => trouble = no_answer,
                exchange => {
                    if step > 0 {
                        self.prefer(index);
                    }
                    return exchange;
                }
            }
        }
        trouble
    }

    fn first_address(&self) -> usize {
        let (index, until) = *self.preferred.lock().unwrap_or_else(PoisonError::into_inner);
        if self.clock.monotonic() < until { index } else { 0 }
    }

    fn prefer(&self, index: usize) {
        let until = self.clock.monotonic().saturating_add(BACKUP_FOR);
        *self.preferred.lock().unwrap_or_else(PoisonError::into_inner) = (index, until);
    }
}

/// The error with its causes, without the address, which may hold a signature; the HTTP library never puts bodies
/// into them.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::SystemClock;

    /// What either address says, and what came to which.
    struct Scripted {
        says: [fn() -> Exchange; 2],
        seen: Mutex<Vec<(String, Vec<u8>)>>,
    }

    impl Wire for Scripted {
        fn send(&self, request: Request) -> Posting {
            let says = self.says[usize::from(request.url.starts_with("https://b"))];
            self.seen.lock().unwrap().push((request.url, request.body));
            Box::pin(async move { says() })
        }
    }

    fn dead() -> Exchange {
        Exchange::NotSent("refused".into())
    }

    fn silent() -> Exchange {
        Exchange::NoAnswer("reset".into())
    }

    fn well() -> Exchange {
        Exchange::Answered(Reply { status: 200, headers: Vec::new(), body: b"yes".to_vec() })
    }

    /// What comes of it with the two addresses like that, and how often each was called.
    async fn send(
        main: fn() -> Exchange,
        spare: fn() -> Exchange,
        sending: Sending,
    ) -> (Exchange, [usize; 2]) {
        let wire = Arc::new(Scripted { says: [main, spare], seen: Mutex::default() });
        let addresses = ["https://a/".to_owned(), "https://b".to_owned()];
        let line = Line::new(&addresses, Arc::clone(&wire) as Arc<dyn Wire>, Arc::new(SystemClock)).unwrap();
        let exchange = line.send("/pay", sending, Duration::from_secs(1)).await;
        let seen = wire.seen.lock().unwrap();
        assert!(seen.iter().all(|(_, body)| body == &seen[0].1), "the same bytes to each");
        let count = |url| seen.iter().filter(|(seen, _)| seen == url).count();
        (exchange, [count("https://a/pay"), count("https://b/pay")])
    }

    #[tokio::test]
    async fn what_moves_money_goes_to_the_other_address_only_if_surely_nothing_was_sent() {
        let pay = || Sending::post("text/xml", "pay");
        let (exchange, calls) = send(dead, well, pay()).await;
        assert!(matches!(exchange, Exchange::Answered(reply) if reply.body == b"yes"));
        assert_eq!(calls, [1, 1]);
        let (exchange, calls) = send(silent, well, pay()).await;
        assert!(matches!(exchange, Exchange::NoAnswer(_)));
        assert_eq!(calls, [1, 0]);
        assert!(matches!(send(dead, dead, pay()).await, (Exchange::NotSent(_), [1, 1])));
    }

    #[tokio::test]
    async fn a_question_goes_to_the_other_address_whatever_happened() {
        let ask = || Sending::post("text/xml", "ask").harmless();
        assert!(matches!(send(silent, well, ask()).await, (Exchange::Answered(_), [1, 1])));
        assert!(matches!(send(silent, dead, ask()).await, (Exchange::NoAnswer(_), [1, 1])));
        assert!(matches!(send(dead, silent, ask()).await, (Exchange::NoAnswer(_), [1, 1])));
        assert!(matches!(send(dead, dead, Sending::get()).await, (Exchange::NotSent(_), [1, 1])));
    }
}
