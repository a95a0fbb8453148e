//! TLS as we use it: version 1.3, ring, the store's roots and nothing else.

use super::ClientError;
use evertill_shared::clock::{Clock, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Our clock, put right by what a server told us.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    offset_ms: AtomicI64,
}

impl Time {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, offset_ms: AtomicI64::new(0) }
    }

    /// The server's time, as far as we know it.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(self.offset_ms()))
    }

    /// Takes over the server's time.
    pub(crate) fn learn(&self, server: Timestamp) {
        let offset = server.0.saturating_sub(self.clock.now().0);
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Time({}, offset {} ms)", self.now(), self.offset_ms())
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().unix_seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Settings that accept a certificate of these roots and of no one else. The machine's own list of authorities
/// is not read.
pub(crate) fn client_config(roots_pem: &[String], time: Arc<Time>) -> Result<ClientConfig, ClientError> {
    let bad = |what: String| ClientError::Misconfigured(format!("the trust file: {what}"));
    let mut roots = RootCertStore::empty();
    for pem in roots_pem {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| bad(e.to_string()))?;
        roots.add(der).map_err(|e| bad(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("it names no root certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|e| bad(e.to_string()))?;
    let mut config = ClientConfig::builder_with_details(provider, time)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| bad(e.to_string()))?
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    // HTTP/1.1: one request at a time on a connection, so that a request that hangs takes no other with it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
