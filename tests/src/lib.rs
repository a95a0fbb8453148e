//! Whole-system tests of Evertill: the rig that brings up a real shop, the simulators at the true boundary
//! (a wallet, a printer, a scanner), the headless driver of the till's real window, and the load programs.

pub mod books;
pub mod counter;
pub mod demo;
pub mod drill;
#[cfg(feature = "window")]
pub mod headless;
pub mod load;
pub mod process;
pub mod raw_request;
pub mod rig;
pub mod scripted_till;
pub mod shown_till;
pub mod simulator;
pub mod store_rig;
pub mod window_till;
pub mod workspace;
pub mod world;
