//! Evertill's till: screens, the local journal and queue, the key, sync.
#![warn(missing_docs)]

pub mod app;
pub mod catalogue_store;
pub mod config;
pub mod controller;
pub mod fonts;
pub mod journal_store;
pub mod print;
pub mod sync;
pub mod ui;
pub mod view;
