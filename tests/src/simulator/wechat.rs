//! WeChat Pay, versions 2 and 3, as the other side of the wire: it takes the real XML and JSON over real sockets,
//! checks our signatures and client certificate for real, keeps its own books, and misbehaves on request.
//!
//! The shop sees two listeners: a plain one for `/pay/…` and `/v3/…`, and one with mutual TLS for `/secapi/…`. Tests and
//! people see a third, the control interface.

mod bill;
mod desk;
mod in_process;
mod kit;
pub mod message;
mod rules;
mod v3;

pub use super::wallet::{
    Behaviour, Counter, Endpoint, Fault, KitError, Order, Refund, StoreError, Switches, TradeState,
};
pub use in_process::{Answered, InProcess};
pub use kit::Kit;
pub use v3::SignsBy;

use super::wallet::http::{self, Request, Response};
use super::wallet::{Domain, Store, bind, listen_control, no_such_call, tell_for_ever};
use desk::Desk;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::wallet::Wallet;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How to start a simulator.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Where `/pay/…` is taken.
    pub listen: SocketAddr,
    /// Where `/secapi/…` is taken, with mutual TLS.
    pub secure_listen: SocketAddr,
    /// The same at the wallet's other domain: plain, and with mutual TLS.
    pub spare_listen: [SocketAddr; 2],
    /// Where the control interface is.
    pub control_listen: SocketAddr,
    /// How the wallet behaves at the start.
    pub switches: Switches,
    /// Of the unknown fields in replies.
    pub seed: u64,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// PEM of the roots to trust where the merchant is told over HTTPS.
    pub notify_roots: Vec<String>,
}

impl Default for SimulatorConfig {
    /// Free ports on the loopback, the machine's clock, real limits.
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any,
            secure_listen: any,
            spare_listen: [any; 2],
            control_listen: any,
            switches: Switches::default(),
            seed: 1,
            clock: Arc::new(SystemClock),
            notify_roots: Vec::new(),
        }
    }
}

/// Where a simulator listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `/pay/…`, plain HTTP.
    pub open: SocketAddr,
    /// `/pay/…` and `/secapi/…`, HTTPS with a client certificate.
    pub secure: SocketAddr,
    /// The same two at the wallet's other domain.
    pub spare: [SocketAddr; 2],
    /// The control interface, plain HTTP.
    pub control: SocketAddr,
}

/// The simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The merchant's kit.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A listener.
    #[error("cannot listen on {0}: {1}; choose another port")]
    Listen(SocketAddr, std::io::Error),
    /// TLS.
    #[error("the certificates of the kit cannot be used: {0}; delete the folder to make a new kit")]
    Tls(String),
    /// What the merchant is told by.
    #[error("the merchant cannot be told of payments: {0}; check the roots to trust")]
    Notify(#[from] reqwest::Error),
}

/// A wallet that runs. Dropping it ends every connection; its books stay in its folder.
pub struct Simulator {
    desk: Arc<Desk>,
    papers: Arc<v3::Papers>,
    kit: Kit,
    folder: PathBuf,
    addresses: Addresses,
    listeners: [JoinHandle<()>; 6],
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

impl Simulator {
    /// Starts on the current tokio runtime, with kit and books in `folder` (made if missing).
    /// # Errors
    /// The folder cannot be used, or an address is taken.
    pub async fn start(folder: &Path, config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let kit = Kit::open_or_make(folder)?;
        let merchant = (kit.app_id.clone(), kit.merchant_id.clone(), kit.api_key(folder)?);
        let store = Store::open(&folder.join("wallet.db"))?;
        let counter = Counter::new(Wallet::WeChatPay, store, config.switches, config.seed, config.clock)?;
        let desk = Arc::new(Desk::new(merchant, Arc::new(counter)));
        let papers = Arc::new(kit.papers(folder)?);
        let newer = Arc::new(v3::Desk::new(Arc::clone(&papers), Arc::clone(desk.counter())));
        let teller = v3::WechatTeller { papers: Arc::clone(&papers), counter: Arc::clone(desk.counter()) };
        let http = http::client(&config.notify_roots)?;
        let tls = TlsAcceptor::from(Arc::new(server_tls(&kit, folder)?));

        let taken = |(address, error)| SimulatorError::Listen(address, error);
        let (open, open_at) = bind(config.listen).await.map_err(taken)?;
        let (secure, secure_at) = bind(config.secure_listen).await.map_err(taken)?;
        let [spare_open, spare_secure] = config.spare_listen;
        let (spare_open, spare_open_at) = bind(spare_open).await.map_err(taken)?;
        let (spare_secure, spare_secure_at) = bind(spare_secure).await.map_err(taken)?;
        let (control, control_at) = bind(config.control_listen).await.map_err(taken)?;
        let (main, spare) = ((Arc::clone(&desk), Domain::Main), (Arc::clone(&desk), Domain::Spare));
        let listeners = [
            tokio::spawn(listen_open(open, main.clone(), Arc::clone(&newer))),
            tokio::spawn(listen_open(spare_open, spare.clone(), newer)),
            tokio::spawn(listen_secure(secure, tls.clone(), main)),
            tokio::spawn(listen_secure(spare_secure, tls, spare)),
            tokio::spawn(listen_control(control, Arc::clone(desk.counter()))),
            tokio::spawn(tell_for_ever(Arc::clone(desk.counter()), teller, http)),
        ];
        let spare = [spare_open_at, spare_secure_at];
        let addresses = Addresses { open: open_at, secure: secure_at, spare, control: control_at };
        Ok(Self { desk, papers, kit, folder: folder.to_owned(), addresses, listeners })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Its customers, books and switches, to be kept.
    #[must_use]
    pub fn counter(&self) -> Arc<Counter> {
        Arc::clone(self.desk.counter())
    }

    /// The merchant's papers, and the folder that their paths are relative to.
    #[must_use]
    pub fn kit(&self) -> (&Kit, &Path) {
        (&self.kit, &self.folder)
    }

    /// The same with both of the wallet's domains, of which [`Switches::dead_domains`] may be dead.
    #[must_use]
    pub fn server_section_with_spare(&self) -> serde_json::Value {
        let (mut section, Addresses { open, secure, spare: [spare, spare_secure], .. }) =
            (self.server_section(), self.addresses);
        section["endpoints"] = serde_json::json!([format!("http://{open}"), format!("http://{spare}")]);
        section["secure_endpoints"] =
            serde_json::json!([format!("https://{secure}"), format!("https://{spare_secure}")]);
        section
    }

    /// What belongs into the `[wechat]` section of the server's configuration.
    #[must_use]
    pub fn server_section(&self) -> serde_json::Value {
        let file = |name: &Path| self.folder.join(name);
        serde_json::json!({
            "endpoints": [format!("http://{}", self.addresses.open)],
            "secure_endpoints": [format!("https://{}", self.addresses.secure)],
            "app_id": self.kit.app_id,
            "merchant_id": self.kit.merchant_id,
            "api_key_file": file(&self.kit.api_key_file),
            "client_certificate": file(&self.kit.client_certificate),
            "client_key": file(&self.kit.client_key),
            "ca_certificate": file(&self.kit.ca_certificate),
            "sign_type": "HMAC-SHA256",
        })
    }
}

impl Simulator {
    /// What belongs into `[wechat.v3]`: by the wallet's public key, or by its certificates.
    #[must_use]
    pub fn v3_section(&self, by_public_key: bool, notify_url: &str) -> serde_json::Value {
        v3::section(&self.papers, &self.folder, by_public_key, notify_url)
    }
}

impl Deref for Simulator {
    type Target = Counter;
    fn deref(&self) -> &Counter {
        self.desk.counter()
    }
}

fn server_tls(kit: &Kit, folder: &Path) -> Result<ServerConfig, SimulatorError> {
    let bad = |error: &dyn fmt::Display| SimulatorError::Tls(error.to_string());
    let [root, certificate, key] = kit.server_pems(folder)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&root).map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|e| bad(&e))?;
    let certificate = CertificateDer::from_pem_slice(&certificate).map_err(|e| bad(&e))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| bad(&e))?;
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(&e))?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .map_err(|e| bad(&e))
}

/// A desk, and the domain by which one came to it.
type Through = (Arc<Desk>, Domain);

/// Asked for each connection, and for each request on one that was open before.
fn is_dead((desk, domain): &Through) -> bool {
    desk.counter().inside().switches.is_dead(*domain)
}

async fn listen_open(listener: TcpListener, desk: Through, newer: Arc<v3::Desk>) {
    http::listen(listener, move |stream| {
        let (desk, newer) = (desk.clone(), Arc::clone(&newer));
        async move {
            if !is_dead(&desk) {
                let _ = http::converse(stream, |request| {
                    let (desk, newer) = (desk.clone(), Arc::clone(&newer));
                    async move {
                        if is_dead(&desk) {
                            Response::HangUp
                        } else if request.path.starts_with("/v3/") {
                            newer.serve(&request).await
                        } else {
                            call(desk.0, request, false).await
                        }
                    }
                })
                .await;
            }
        }
    })
    .await;
}

async fn listen_secure(listener: TcpListener, tls: TlsAcceptor, desk: Through) {
    http::listen(listener, move |stream| {
        let (desk, tls) = (desk.clone(), tls.clone());
        async move {
            if is_dead(&desk) {
                return;
            }
            match tls.accept(stream).await {
                Ok(stream) => {
                    let _ = http::converse(stream, |request| {
                        let desk = desk.clone();
                        async move {
                            if is_dead(&desk) { Response::HangUp } else { call(desk.0, request, true).await }
                        }
                    })
                    .await;
                }
                Err(error) => tracing::info!(%error, "a connection without the merchant's certificate ended"),
            }
        }
    })
    .await;
}

async fn call(desk: Arc<Desk>, request: Request, secure: bool) -> Response {
    let Some(endpoint) = endpoint_of(&request.path, secure).filter(|_| request.method == "POST") else {
        return no_such_call();
    };
    let negative_test = request.headers.get("wechatpay-negative-test").map(String::as_str);
    desk.serve(endpoint, &request.body, negative_test).await
}

/// The endpoint of a path on the plain listener, or on the one with client certificates.
fn endpoint_of(path: &str, secure: bool) -> Option<Endpoint> {
    match (path, secure) {
        ("/pay/micropay", _) => Some(Endpoint::Pay),
        ("/pay/orderquery", _) => Some(Endpoint::Query),
        ("/pay/refundquery", _) => Some(Endpoint::RefundQuery),
        ("/pay/downloadbill", _) => Some(Endpoint::Bill),
        ("/secapi/pay/reverse", true) => Some(Endpoint::Reverse),
        ("/secapi/pay/refund", true) => Some(Endpoint::Refund),
        _ => None,
    }
}

#[cfg(test)]
mod adapter_tests;
#[cfg(test)]
mod tests;
