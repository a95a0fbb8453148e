//! The rigs for real servers and real faults do what they say: the faults bite, the acknowledged survives, and nothing
//! is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "rigs/faults.rs"]
mod faults;
#[path = "rigs/group.rs"]
mod group;
#[path = "rigs/haproxy.rs"]
mod haproxy;
#[path = "rigs/patroni.rs"]
mod patroni;
#[path = "rigs/place.rs"]
mod place;
#[path = "rigs/proxy.rs"]
mod proxy;
