//! A shop with an order group on real PostgreSQL: a primary with two standbys under quorum, what befalls them, and
//! what the till, the wallet and the books say of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "postgres/failover.rs"]
mod failover;
#[path = "postgres/network.rs"]
mod network;
#[path = "postgres/patroni.rs"]
mod patroni;
#[path = "postgres/quorum.rs"]
mod quorum;
#[path = "postgres/refusals.rs"]
mod refusals;
#[path = "faults/seller.rs"]
mod seller;
#[path = "postgres/shop.rs"]
mod shop;
