//! Faults of real processes on real SQLite files: the power goes, disks fill, servers are killed, lines are cut, clocks
//! step, files are damaged or stand in each other's place. What was acknowledged is there, nothing is there twice, and
//! each answer is honest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/disks.rs"]
mod disks;
#[path = "faults/files.rs"]
mod files;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/power_cut.rs"]
mod power_cut;
#[path = "faults/seller.rs"]
mod seller;
#[path = "faults/shop.rs"]
mod shop;
