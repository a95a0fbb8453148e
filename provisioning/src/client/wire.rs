//! What carries a till's or a person's requests to a server: sends these bytes to that address once, and gives the
//! answer's bytes, or why there are none. What is signed, believed, raced and sent again is decided above.

use super::{ClientError, Timeouts};
use reqwest::Url;
use reqwest::header::HeaderMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The largest answer that is read. A catalogue is the largest there is.
const MAX_ANSWER: usize = 64 << 20;
/// Connections that have been quiet for longer are not used again: a middle box may have dropped them unseen.
const IDLE: Duration = Duration::from_secs(15);

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// The whole address.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty for none.
    pub body: Vec<u8>,
}

/// An answer, read whole, not yet believed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that came exactly once; else nothing, which no signature fits.
    pub(crate) fn single_header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().unwrap_or_default(),
            _ => "",
        }
    }
}

/// An exchange that is under way. Dropping it breaks it off: what was sent may have arrived.
pub type Exchange = Pin<Box<dyn Future<Output = Result<Answer, ClientError>> + Send>>;

/// The connections to one server.
pub trait Connections: Send + Sync {
    /// Sends the request once and reads the whole answer, all within `limit`. Only
    /// [`ClientError::surely_not_sent`] says that nothing has left.
    fn exchange(&self, request: Sent, limit: Duration) -> Exchange;
    /// Drops all connections: what hung once is not used again.
    fn start_afresh(&self);
}

/// Makes the connections to a server at that address.
pub trait Wire {
    /// Nothing is sent yet.
    /// # Errors
    /// [`ClientError::Misconfigured`].
    fn to(&self, server: &Url) -> Result<Arc<dyn Connections>, ClientError>;
}

/// HTTP/1.1 over TLS.
pub(crate) struct Https {
    pub(crate) tls: rustls::ClientConfig,
    pub(crate) timeouts: Timeouts,
}

impl Wire for Https {
    fn to(&self, _server: &Url) -> Result<Arc<dyn Connections>, ClientError> {
        let client = RwLock::new(self.client()?);
        Ok(Arc::new(HttpsConnections {
            client,
            made_by: Self { tls: self.tls.clone(), timeouts: self.timeouts },
        }))
    }
}

impl Https {
    fn client(&self) -> Result<reqwest::Client, ClientError> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never()) // whether to send again is not for a library to decide
            .referer(false)
            .connect_timeout(self.timeouts.connect)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(4)
            .tcp_nodelay(true)
            .build()
            .map_err(|e| ClientError::Misconfigured(e.to_string()))
    }
}

struct HttpsConnections {
    client: RwLock<reqwest::Client>,
    made_by: Https,
}

impl Connections for HttpsConnections {
    fn exchange(&self, request: Sent, limit: Duration) -> Exchange {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(exchange(client, request, limit))
    }

    fn start_afresh(&self) {
        if let Ok(fresh) = self.made_by.client() {
            *self.client.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

async fn exchange(client: reqwest::Client, sent: Sent, limit: Duration) -> Result<Answer, ClientError> {
    let method = match sent.method {
        "POST" => reqwest::Method::POST,
        "PUT" => reqwest::Method::PUT,
        _ => reqwest::Method::GET,
    };
    let mut request = client.request(method, sent.url).headers(sent.headers).timeout(limit);
    if !sent.body.is_empty() {
        request = request.body(sent.body);
    }
    let mut response = request.send().await.map_err(ClientError::of)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::of)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::BadAnswer(format!("it is longer than {MAX_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}
