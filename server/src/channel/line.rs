//! The line to a wallet: HTTP without retries, redirects or reused connections, to a main address and its
//! backups.
//!
//! No connection is reused: on a fresh one, a failure to connect proves that nothing was sent. Only then is
//! the next address tried, with the same bytes; any later failure may have reached the wallet.

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

/// What came of one request.
#[derive(Debug)]
pub enum Exchange {
    /// A whole reply with status 200. It is not verified yet.
    Answered(Vec<u8>),
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
    /// Posts `body` to `url`. Only [`Exchange::NotSent`] says that surely nothing has left.
    fn post(&self, url: String, body: String) -> Posting;
}

/// HTTP, with TLS where the address says so.
pub struct Https {
    client: Client,
    content_type: &'static str,
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
    /// A wire that waits so long for a connection, and sends bodies of that type.
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(tls: Tls, connect: Duration, content_type: &'static str) -> Result<Self, LineError> {
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
        Ok(Self { client: builder.build()?, content_type })
    }
}

impl Wire for Https {
    fn post(&self, url: String, body: String) -> Posting {
        Box::pin(post(self.client.clone(), self.content_type, url, body))
    }
}

async fn post(client: Client, content_type: &'static str, url: String, body: String) -> Exchange {
    let request = client.post(url).header("content-type", content_type).body(body);
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Exchange::NotSent(chain(error)),
        Err(error) => return Exchange::NoAnswer(chain(error)),
    };
    if response.status() != reqwest::StatusCode::OK {
        return Exchange::NoAnswer(format!("status {}", response.status().as_u16()));
    }
    let mut received = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(part)) if received.len() + part.len() <= MAX_BYTES => received.extend_from_slice(&part),
            Ok(Some(_)) => return Exchange::NoAnswer("the reply is too large".into()),
            Ok(None) => return Exchange::Answered(received),
            Err(error) => return Exchange::NoAnswer(chain(error)),
        }
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

    /// Sends `body` to `path` and reads the reply, all within `limit`.
    pub async fn call(&self, path: &str, body: String, limit: Duration) -> Exchange {
        match tokio::time::timeout(limit, self.each_address(path, &body)).await {
            Ok(exchange) => exchange,
            Err(_) => Exchange::NoAnswer(format!("no answer within {} ms", limit.as_millis())),
        }
    }

    async fn each_address(&self, path: &str, body: &str) -> Exchange {
        let first = self.first_address();
        let mut trouble = String::new();
        for step in 0..self.addresses.len() {
            let index = (first + step) % self.addresses.len();
            match self.wire.post(format!("{}{path}", self.addresses[index]), body.to_owned()).await {
                Exchange::NotSent(why) => trouble = why,
                exchange => {
                    if step > 0 {
                        self.prefer(index);
                    }
                    return exchange;
                }
            }
        }
        Exchange::NotSent(trouble)
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
