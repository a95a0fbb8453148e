//! One server's address, and one request to it.

use super::wire::{Answer, Connections, Sent, Wire};
use super::{ClientError, JSON, Method};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Endpoint {
    base: Url,
    authority: String,
    connections: Arc<dyn Connections>,
}

impl Endpoint {
    pub(crate) fn new(address: &str, wire: &dyn Wire) -> Result<Self, ClientError> {
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
        let connections = wire.to(&base)?;
        Ok(Self { base, authority, connections })
    }

    /// Host and port, as the server sees them in its `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Drops all connections: what hung once is not used again.
    pub(crate) fn start_afresh(&self) {
        self.connections.start_afresh();
    }

    /// A handle to the connections, for use beyond the borrow.
    pub(crate) fn connections(&self) -> Arc<dyn Connections> {
        Arc::clone(&self.connections)
    }
}

/// A request that is ready to go to one endpoint.
pub(crate) struct Outgoing(Sent);

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
        Ok(Self(Sent { method: method.as_str(), url, headers, body }))
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &str) -> Result<(), ClientError> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| ClientError::Misconfigured(format!("a value that cannot stand in {name}")))?;
        value.set_sensitive(name == "authorization");
        self.0.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }

    pub(crate) fn method(&self) -> &'static str {
        self.0.method
    }

    /// The path as it goes over the wire.
    pub(crate) fn path(&self) -> &str {
        self.0.url.path()
    }

    pub(crate) fn query(&self) -> &str {
        self.0.url.query().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// Sends it once and reads the whole answer.
    pub(crate) async fn send(
        self,
        connections: &dyn Connections,
        limit: Duration,
    ) -> Result<Answer, ClientError> {
        connections.exchange(self.0, limit).await
    }
}
