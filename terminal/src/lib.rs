//! Evertill's till: screens, the local journal and queue, the key, sync.
#![warn(missing_docs)]

pub mod ui;
pub mod view;
