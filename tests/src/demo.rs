//! `cargo demo`: a whole shop on this machine. With a window for a person, or headless with a scripted cashier
//! who drives the real window and real lines, and counts what happened.

mod attacks;
mod script;
mod story;
mod summary;
mod window;

pub use script::run_headless;
pub use window::run_window;
