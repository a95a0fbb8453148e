//! `cargo drill -- NAME`: faults, on purpose.

pub mod moving;
pub mod patroni;
mod selling;
pub mod world;

use crate::rig::Failure;
use crate::store_rig::RigError;
use evertill_provisioning::client::ClientError;

/// Why a drill could not be carried out. What it found is in its report.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The shop.
    #[error(transparent)]
    Shop(#[from] RigError),
    /// Servers beside it.
    #[error(transparent)]
    Servers(#[from] Failure),
    /// A till's or a person's request.
    #[error(transparent)]
    Request(#[from] ClientError),
    /// Something else.
    #[error("{0}")]
    Other(String),
}
