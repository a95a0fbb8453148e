//! The engine on a real PostgreSQL: the stories of every engine, and those of a database that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "postgres_engine/failing.rs"]
mod failing;
#[path = "postgres_engine/opening.rs"]
mod opening;
#[path = "postgres_engine/server.rs"]
mod server;
#[path = "postgres_engine/sharing.rs"]
mod sharing;
#[path = "postgres_engine/stories.rs"]
mod stories;
