//! `cargo drill -- NAME`: faults, on purpose.

pub mod channels;
pub mod devices;
pub mod group;
pub mod hold;
pub mod moving;
pub mod patroni;
pub mod power;
mod selling;
pub mod servers;
pub mod world;

mod cashier;
mod file_fault;
mod ledger;

use crate::rig::Failure;
use crate::store_rig::RigError;
use crate::world::TemplateError;
use evertill_provisioning::client::ClientError;
use serde_json::Value;
use std::fmt::Display;

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
    /// The simulated world.
    #[error(transparent)]
    World(#[from] TemplateError),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// Tells the person who waits what is going on.
fn say(what: impl Display) {
    eprintln!("drill: {what}");
}

/// The last thing that a drill prints.
fn print(report: &Value, json: bool) {
    let pretty = serde_json::to_string_pretty(report).unwrap_or_default();
    println!("{}", if json { report.to_string() } else { pretty });
}

fn on_all_cores<T>(work: impl Future<Output = Result<T, RigError>>) -> Result<T, RigError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| RigError::Unexpected(error.to_string()))?.block_on(work)
}
