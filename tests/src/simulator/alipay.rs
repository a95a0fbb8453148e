//! Alipay's open gateway as the other side of the wire: it takes the real forms over real sockets, checks our RSA2
//! signature for real, keeps its own books, signs the very bytes that it sends, and misbehaves on request.
//!
//! The shop sees one listener: the gateway at `/gateway.do`, and the same business as REST under `/v3/alipay/`. Tests and
//! people see another, the control interface.

mod bill;
mod desk;
mod in_process;
mod kit;
pub mod message;
mod rules;
mod teller;

pub use in_process::InProcess;
pub use kit::Kit;
pub use teller::SELLER;

use super::wallet::http::{self, Request, Response};
use super::wallet::{
    Counter, Domain, KitError, Store, StoreError, Switches, bind, listen_control, no_such_call, tell_for_ever,
};
use desk::Desk;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::wallet::Wallet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How to start a simulator.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Where `/gateway.do` and `/v3/…` are.
    pub listen: SocketAddr,
    /// The same at the wallet's other domain.
    pub spare_listen: SocketAddr,
    /// Where the control interface is.
    pub control_listen: SocketAddr,
    /// How the wallet behaves at the start.
    pub switches: Switches,
    /// Of the unknown fields in answers.
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
            spare_listen: any,
            control_listen: any,
            switches: Switches::of(Wallet::Alipay),
            seed: 1,
            clock: Arc::new(SystemClock),
            notify_roots: Vec::new(),
        }
    }
}

/// Where a simulator listens, over plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `/gateway.do` and `/v3/…`.
    pub gateway: SocketAddr,
    /// The same at the wallet's other domain.
    pub spare: SocketAddr,
    /// The control interface.
    pub control: SocketAddr,
}

/// How the merchant knows the wallet's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By a public key.
    Key,
    /// By certificates.
    Certificates,
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
    /// What the merchant is told by.
    #[error("the merchant cannot be told of payments: {0}; check the roots to trust")]
    Notify(#[from] reqwest::Error),
}

/// A wallet that runs. Dropping it ends every connection; its books stay in its folder.
pub struct Simulator {
    desk: Arc<Desk>,
    kit: Kit,
    folder: PathBuf,
    addresses: Addresses,
    listeners: [JoinHandle<()>; 4],
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

impl Deref for Simulator {
    type Target = Counter;
    fn deref(&self) -> &Counter {
        self.desk.counter()
    }
}

impl Simulator {
    /// Starts on the current tokio runtime, with kit and books in `folder` (made if missing).
    /// # Errors
    /// The folder cannot be used, or an address is taken.
    pub async fn start(folder: &Path, config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let kit = Kit::open_or_make(folder)?;
        let store = Store::open(&folder.join("wallet.db"))?;
        let counter = Counter::new(Wallet::Alipay, store, config.switches, config.seed, config.clock)?;
        let parties = Arc::new(kit.parties(folder)?);
        let counter = Arc::new(counter);
        let teller = teller::AlipayTeller(Arc::clone(&parties), Arc::clone(&counter));
        let http = http::client(&config.notify_roots)?;
        let taken = |(address, error)| SimulatorError::Listen(address, error);
        let (gateway, gateway_at) = bind(config.listen).await.map_err(taken)?;
        let (spare, spare_at) = bind(config.spare_listen).await.map_err(taken)?;
        let base = format!("http://{gateway_at}");
        let desk = Arc::new(Desk::new(parties, counter, base));
        let (control, control_at) = bind(config.control_listen).await.map_err(taken)?;
        let listeners = [
            tokio::spawn(listen_gateway(gateway, Arc::clone(&desk), Domain::Main)),
            tokio::spawn(listen_gateway(spare, Arc::clone(&desk), Domain::Spare)),
            tokio::spawn(listen_control(control, Arc::clone(desk.counter()))),
            tokio::spawn(tell_for_ever(Arc::clone(desk.counter()), teller, http)),
        ];
        let addresses = Addresses { gateway: gateway_at, spare: spare_at, control: control_at };
        Ok(Self { desk, kit, folder: folder.to_owned(), addresses, listeners })
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
    pub fn server_section_with_spare(&self, mode: Mode) -> serde_json::Value {
        let (mut section, Addresses { gateway, spare, .. }) = (self.server_section(mode), self.addresses);
        section["endpoints"] = serde_json::json!([format!("http://{gateway}"), format!("http://{spare}")]);
        section
    }

    /// What belongs into the `[alipay]` section of the server's configuration.
    #[must_use]
    pub fn server_section(&self, mode: Mode) -> serde_json::Value {
        let file = |name: &Path| self.folder.join(name);
        let mut section = serde_json::json!({
            "endpoints": [format!("http://{}", self.addresses.gateway)],
            "app_id": self.kit.app_id,
            "app_private_key": file(&self.kit.app_private_key),
            "seller_id": SELLER,
        });
        match mode {
            Mode::Key => section["alipay_public_key"] = serde_json::json!(file(&self.kit.alipay_public_key)),
            Mode::Certificates => {
                section["certificates"] = serde_json::json!({
                    "app": file(&self.kit.app_certificate),
                    "root": file(&self.kit.root_certificate),
                    "alipay": [file(&self.kit.alipay_certificate)],
                });
            }
        }
        section
    }
}

async fn listen_gateway(listener: TcpListener, desk: Arc<Desk>, domain: Domain) {
    http::listen(listener, move |stream| {
        let desk = Arc::clone(&desk);
        async move {
            if !desk.counter().inside().switches.is_dead(domain) {
                let _ = http::converse(stream, |request| call(Arc::clone(&desk), domain, request)).await;
            }
        }
    })
    .await;
}

async fn call(desk: Arc<Desk>, domain: Domain, request: Request) -> Response {
    // On a connection that was open before, too.
    if desk.counter().inside().switches.is_dead(domain) {
        return Response::HangUp;
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "POST", "/gateway.do") => desk.serve(&request.query, &request.body).await,
        ("GET", "/billdownload") => desk.download(&request.query),
        (_, path) if path.starts_with("/v3/") => desk.serve_rest(&request).await,
        _ => no_such_call(),
    }
}

#[cfg(test)]
mod adapter_tests;
#[cfg(test)]
mod tests;
