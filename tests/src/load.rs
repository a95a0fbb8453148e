//! The load programs: what the server does in a second, and what that costs. Figures, not proofs: a run fails only if
//! something it counted on did not hold (an answer that does not verify, an order that is not in its group).
#![allow(clippy::float_arithmetic, reason = "figures for people; no money is counted here")]

pub mod bulkhead;
pub mod cores;
pub mod echo;
pub mod engine;
pub mod flame;
pub mod growth;
pub mod intake;
pub mod overload;
pub mod pay;
pub mod reconcile;
pub mod till;

mod figures;
pub(crate) mod fill;
mod line;
mod mix;
mod payers;
mod phase;
mod reference;
pub(crate) mod sales;
pub(crate) mod shop;
mod usage;
mod yardstick;

use crate::store_rig::RigError;
use std::fmt::Display;

/// Something that must hold did not, in words.
pub(crate) fn wrong(what: impl Display) -> RigError {
    RigError::Unexpected(what.to_string())
}

/// Tells the person who waits what is going on.
pub(crate) fn say(what: impl Display) {
    eprintln!("load: {what}");
}
