//! `cargo drill -- NAME`: faults, on purpose.

pub mod world;
