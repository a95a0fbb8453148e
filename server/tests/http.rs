//! The server over real HTTPS, in this process: what it refuses, under which code, and what it signs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

#[path = "http/answers.rs"]
mod answers;
#[path = "http/bad_input.rs"]
mod bad_input;
#[path = "http/enrolment.rs"]
mod enrolment;
#[path = "http/figures.rs"]
mod figures;
#[path = "http/groups.rs"]
mod groups;
#[path = "http/handing_in.rs"]
mod handing_in;
#[path = "http/load.rs"]
mod load;
#[path = "http/readiness.rs"]
mod readiness;
#[path = "http/refusals.rs"]
mod refusals;
#[path = "http/rig.rs"]
mod rig;
#[path = "http/sale.rs"]
mod sale;
#[path = "http/staff.rs"]
mod staff;
#[path = "http/starting.rs"]
mod starting;
#[path = "http/terminals.rs"]
mod terminals;
