//! Real PostgreSQL servers: one alone ([`PostgresNode`]), or a primary with two standbys under quorum synchronous
//! replication ([`PostgresGroup`]), and what can befall them ([`Fault`]).

mod fault;
mod group;
mod node;
mod sql;

pub use fault::Fault;
pub use group::{Conninfo, PostgresGroup, Promotion};
pub use node::PostgresNode;
pub use sql::{End, Login, Outcome, Pending};

use super::Failure;
use evertill_shared::secret::SecretText;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;

/// The role and the database of the application.
pub const APPLICATION: &str = "evertill";
pub(crate) const SUPERUSER: &str = "postgres";
pub(crate) const REPLICATOR: &str = "replicator";

/// How the servers of a rig are set up.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// How many connections each takes, the three reserved for the superuser included.
    pub max_connections: u32,
    /// How many of the other two nodes must have a commit before it is acknowledged.
    pub quorum: u32,
    /// Puts each node's data on a disk of its own of this many MiB, in memory. [`Fault::DiskFull`] needs it; a figure
    /// measured on it is not a disk's.
    pub small_disk_mib: Option<u32>,
    /// Further settings, as in `postgresql.conf`, without quotes.
    pub settings: BTreeMap<String, String>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { max_connections: 60, quorum: 1, small_disk_mib: None, settings: BTreeMap::new() }
    }
}

impl PostgresOptions {
    /// Small where that changes nothing about what is durable: nine nodes share two cores.
    fn base_settings(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("shared_buffers", "32MB"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("wal_level", "replica"),
            ("wal_log_hints", "on"),
            ("hot_standby", "on"),
            ("max_wal_senders", "8"),
            ("wal_keep_size", "128MB"),
            ("wal_receiver_status_interval", "1s"),
            ("wal_retrieve_retry_interval", "200ms"),
            ("wal_sender_timeout", "20s"),
            ("wal_receiver_timeout", "20s"),
            ("jit", "off"),
            ("max_parallel_workers", "0"),
            ("autovacuum_naptime", "10min"),
            ("log_checkpoints", "off"),
            ("log_line_prefix", "%m [%p] %q%u "),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        all.insert("max_connections".into(), self.max_connections.to_string());
        if self.small_disk_mib.is_some() {
            for (name, value) in
                [("min_wal_size", "4MB"), ("max_wal_size", "16MB"), ("wal_keep_size", "16MB")]
            {
                all.insert(name.into(), value.into());
            }
        }
        all.extend(self.settings.clone());
        all
    }
}

/// The passwords of one rig, made by chance.
pub(crate) struct Passwords {
    pub(crate) superuser: SecretText,
    pub(crate) replicator: SecretText,
    pub(crate) application: SecretText,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { superuser: random()?, replicator: random()?, application: random()? })
    }
}

fn random() -> Result<SecretText, Failure> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::Machine("this machine has no random numbers".into()))?;
    Ok(SecretText::new(hex::encode(bytes)))
}

/// Who may connect: on loopback, each with a password.
pub(crate) const HBA: &str = "host all all 127.0.0.1/32 scram-sha-256\n\
                              host replication replicator 127.0.0.1/32 scram-sha-256\n";
