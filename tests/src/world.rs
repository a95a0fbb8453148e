//! The simulated world: the real decision code of tills, servers, order groups and the wallet adapter under one
//! seed. A virtual clock, a network that loses, delays, repeats and splits, processes that crash at any await, disks
//! and databases that fail within what they promise, wallets that answer late, and people who press twice.
//!
//! A [`Plan`] is drawn from the seed up front: who does what when, and what fails when. [`run`] lives it through and
//! holds every rule of the system against what happened; it tells the story in order. The same plan tells the same
//! story, so a failing seed replays exactly, and [`shrink`] leaves out of it whatever the failure does not need.

mod atlas;
mod cashier;
mod chance;
mod check;
mod copies;
mod disk;
mod engine;
mod homes;
mod isolation;
mod life;
mod model;
mod mutation;
mod network;
mod people;
mod plan;
mod run;
mod server;
mod shrink;
mod story;
mod template;
mod till;
mod time;
mod wallet;

pub use mutation::Mutation;
pub use plan::{Plan, Step, What};
pub use run::{Outcome, Violation, run};
pub use shrink::shrink;
pub use template::{Template, TemplateError};

#[cfg(test)]
mod tests;
