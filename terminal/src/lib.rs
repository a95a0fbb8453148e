//! Evertill's till: screens, the local journal and queue, the key, sync.
#![warn(missing_docs)]

#[cfg(feature = "window")]
pub mod app;
pub mod catalogue_store;
pub mod config;
pub mod controller;
#[cfg(feature = "window")]
pub mod fonts;
pub mod front;
pub mod journal_store;
pub mod language;
pub mod picture_store;
pub mod print;
pub mod secret_code;
pub mod staff_store;
pub mod sync;
pub mod training;
#[cfg(feature = "window")]
pub mod ui;
pub mod upkeep;
pub mod view;
