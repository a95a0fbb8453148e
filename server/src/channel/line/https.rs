//! HTTP over TLS, without redirects, proxies or retries of requests that may have left.
//!
//! **Which connection carries what.** What is not known must never look like what is: a request counts as not sent
//! only if no connection for it came about, or if the connection's own task gives it back untouched because it closed
//! before it took the request. The HTTP library tells these apart: it takes a request back from a kept connection only
//! while not a byte of it was written, and then opens a new one, whose failure again is one to connect. Anything else,
//! on whichever connection, is *no answer*. So reuse can never make a payment that may have left look unsent; what it
//! could cost is a payment in doubt, if the peer closes an idle connection just as the request leaves. Hence:
//!
//! - Questions go over any kept connection, with HTTP/2 where the peer has it: they may be asked again.
//! - What moves money goes over HTTP/1.1, alone on its connection, and only over one that served within the last few
//!   seconds (a setting), which is far less than any server lets a connection rest. One call's trouble is no other's.
//! - After a connection broke in the middle, what moves money goes over new connections for some minutes
//!   (`channel/domains.rs`).

use super::request::{Exchange, Method, Over, Reply, Request, Why};
use super::{LineError, Posting, Wire};
use crate::channel::domains::Trouble;
use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect, retry};
use std::time::Duration;

/// How long a connection for questions may rest.
const KEPT: Duration = Duration::from_secs(45);
/// How often a shared connection is asked whether it is alive, and how long it may take to say so.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// The most connections for what moves money that rest at a time, for each address.
const RESTING: usize = 32;

/// What TLS needs: the roots to trust (the machine's, if none) and the client certificate, if any.
#[derive(Default)]
pub struct Tls {
    /// PEM of the only roots to trust.
    pub roots: Option<Vec<u8>>,
    /// PEM of the client certificate and its key.
    pub identity: Option<Vec<u8>>,
}

/// HTTP, with TLS where the address says so.
pub struct Https {
    new: Client,
    recent: Client,
    kept: Client,
}

impl Https {
    /// A wire that waits `connect` for a connection. What moves money goes over a connection that has rested for less
    /// than `keep_alive`; over a new one each time, if that is nothing.
    /// # Errors
    /// The certificates cannot be used.
    pub fn new(tls: &Tls, connect: Duration, keep_alive: Duration) -> Result<Self, LineError> {
        // Another part of the program may have installed it before: then this one is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let alone = || Ok::<_, LineError>(builder(tls, connect)?.http1_only());
        let resting = if keep_alive.is_zero() { 0 } else { RESTING };
        let recent = alone()?.pool_max_idle_per_host(resting).pool_idle_timeout(keep_alive);
        let kept = builder(tls, connect)?
            .pool_idle_timeout(KEPT)
            .http2_keep_alive_interval(SIGN_OF_LIFE)
            .http2_keep_alive_timeout(SIGN_OF_LIFE)
            .http2_keep_alive_while_idle(true);
        Ok(Self {
            new: alone()?.pool_max_idle_per_host(0).build()?,
            recent: recent.build()?,
            kept: kept.build()?,
        })
    }
}

fn builder(tls: &Tls, connect: Duration) -> Result<ClientBuilder, LineError> {
    let mut builder = ClientBuilder::new()
        .connect_timeout(connect)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    if let Some(pem) = &tls.roots {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
    }
    if let Some(pem) = &tls.identity {
        builder = builder.identity(Identity::from_pem(pem)?);
    }
    Ok(builder)
}

impl Wire for Https {
    fn send(&self, request: Request) -> Posting {
        let client = match request.over {
            Over::New => &self.new,
            Over::Recent => &self.recent,
            Over::Kept => &self.kept,
        };
        Box::pin(send(client.clone(), request))
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
        Err(error) if error.is_connect() || error.is_builder() => Exchange::NotSent(why(error)),
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

/// Why there is no connection.
fn why(error: reqwest::Error) -> Why {
    let timed_out = error.is_timeout();
    let words = chain(error);
    let trouble = match timed_out {
        true => Trouble::TimeOut,
        // The HTTP library has no other word for it.
        false if words.contains("dns error") => Trouble::Name,
        false => Trouble::Other,
    };
    Why::new(trouble, words)
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
