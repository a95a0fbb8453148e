//! Asking each server by itself whether it is well.

use super::endpoint::Outgoing;
use super::tls::Time;
use super::transport::Transport;
use super::{ClientConfig, ClientError, Method};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::protocol::path;
use std::sync::Arc;

/// The longest explanation that is taken over from a server.
const MAX_DETAIL: usize = 500;

/// One server, asked.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// Its address.
    pub server: String,
    /// How it is, or why that is not known.
    pub health: Result<Health, ClientError>,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it can take orders.
    pub ready: bool,
    /// What it says about itself.
    pub detail: String,
    /// When the last of the root's statements about its response keys ends; its certificate, made at the same
    /// time, ends then too.
    pub keys_end: Option<Timestamp>,
}

/// Asks every server, all at once.
pub async fn probe_servers(config: &ClientConfig, clock: Arc<dyn Clock>) -> Vec<ServerReport> {
    let asked: Vec<_> = config
        .servers
        .iter()
        .map(|server| {
            let alone = ClientConfig { servers: vec![server.clone()], ..config.clone() };
            tokio::spawn(probe(alone, Arc::clone(&clock)))
        })
        .collect();
    let mut reports = Vec::with_capacity(asked.len());
    for (server, task) in config.servers.iter().zip(asked) {
        let health = task.await.unwrap_or_else(|e| Err(ClientError::Misconfigured(e.to_string())));
        reports.push(ServerReport { server: server.clone(), health });
    }
    reports
}

async fn probe(config: ClientConfig, clock: Arc<dyn Clock>) -> Result<Health, ClientError> {
    let transport = Transport::new(config, Arc::new(Time::new(clock)))?;
    let at = transport.pick().await?;
    let request = Outgoing::new(transport.endpoint(at), Method::Get, path::HEALTH_READY, "", Vec::new())?;
    let answer = transport.send(at, request, transport.timeouts().answer).await?;
    let detail = String::from_utf8_lossy(&answer.body).chars().take(MAX_DETAIL).collect();
    Ok(Health { ready: answer.status == 200, detail, keys_end: transport.keys_end() })
}
