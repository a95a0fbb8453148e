//! One server's address: its connections, and one request over them.

use super::{ClientError, JSON, Method, Timeouts};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// The largest answer that is read. A catalogue is the largest there is.
const MAX_ANSWER: usize = 16 << 20;
/// Connections that have been quiet for longer are not used again: a middle box may have dropped them unseen.
const IDLE: Duration = Duration::from_secs(15);

pub(crate) struct Endpoint {
    base: Url,
    authority: String,
    http: RwLock<reqwest::Client>,
}

impl Endpoint {
    pub(crate) fn new(
        address: &str,
        tls: &rustls::ClientConfig,
        timeouts: &Timeouts,
    ) -> Result<Self, ClientError> {
        let bad = |what: &str| {
            ClientError::Misconfigured(format!("{address:?} {what}: write it like https://192.168.1.10:8443"))
        };
        let base = Url::parse(address).map_err(|_| bad("is not an address"))?;
        let host = base.host_str().ok_or_else(|| bad("names no host"))?;
        let plain = base.path() == "/" && base.query().is_none() && base.username().is_empty();
        if base.scheme() != "https" || !plain {
            return Err(bad("is not the address of a server"));
        }
        let authority = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let http = RwLock::new(connections(tls, timeouts)?);
        Ok(Self { base, authority, http })
    }

    /// Host and port, as the server sees them in its `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Drops all connections: what hung once is not used again.
    pub(crate) fn start_afresh(&self, tls: &rustls::ClientConfig, timeouts: &Timeouts) {
        if let Ok(fresh) = connections(tls, timeouts) {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    /// A handle to the connections, for use beyond the borrow.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn connections(tls: &rustls::ClientConfig, timeouts: &Timeouts) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .https_only(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never()) // whether to send again is not for a library to decide
        .referer(false)
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(4)
        .tcp_nodelay(true)
        .build()
        .map_err(|e| ClientError::Misconfigured(e.to_string()))
}

/// A request that is ready to go to one endpoint.
pub(crate) struct Outgoing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Outgoing {
    pub(crate) fn new(
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        query: &str,
        body: Vec<u8>,
    ) -> Result<Self, ClientError> {
        if !path.starts_with('/') || path.contains(['?', '#']) || query.contains('#') {
            return Err(ClientError::Misconfigured(format!("{path:?} is not a path")));
        }
        let mut url = endpoint.base.clone();
        url.set_path(path);
        url.set_query(Some(query).filter(|q| !q.is_empty()));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        Ok(Self { method, url, headers, body })
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &str) -> Result<(), ClientError> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| ClientError::Misconfigured(format!("a value that cannot stand in {name}")))?;
        value.set_sensitive(name == "authorization");
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }

    pub(crate) fn method(&self) -> &'static str {
        self.method.as_str()
    }

    /// The path as it goes over the wire.
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    pub(crate) fn query(&self) -> &str {
        self.url.query().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends it once and reads the whole answer.
    pub(crate) async fn send(self, http: &reqwest::Client, limit: Duration) -> Result<Answer, ClientError> {
        let method = match self.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut request = http.request(method, self.url).headers(self.headers).timeout(limit);
        if !self.body.is_empty() {
            request = request.body(self.body);
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
}

/// An answer, read whole, not yet believed.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
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
