//! The store server: the API of tills and staff, the order groups and the jump, the channels, the order
//! centre that owns every payment not yet known, and the console for managers and IT.

pub mod accounts;
pub mod admission;
pub mod agreed_clock;
pub mod api;
pub mod app;
pub mod base_store;
pub mod channel;
pub mod config;
pub mod connection;
pub mod console;
pub mod database;
pub mod door;
pub mod failure;
pub mod homes;
pub mod merchant_view;
pub mod moving;
pub mod order_centre;
pub mod order_group;
pub mod precedence;
pub mod reconciling;
pub mod router;
pub mod running;
pub mod session;
pub mod signature_layer;
pub mod telemetry;

// Helpers that unit tests share with the tests beside the crate name it as those do.
#[cfg(test)]
extern crate self as evertill_server;

pub use running::{RunningServer, StartError, start};
