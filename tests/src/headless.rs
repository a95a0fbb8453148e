//! The till's real window without a display: the same component tree, drawn by the same software renderer, touched by
//! the same pointer events. A driver in another process taps by accessible label, types, looks and takes pictures.
//!
//! [`install`] must come before the till makes its window; after that the till's ordinary entry point runs unchanged,
//! with `slint::run_event_loop` served by this platform.

mod bare;
mod commands;
mod elements;
mod frames;
mod platform;

pub use bare::run_bare;
pub use commands::serve;
pub use elements::{Element, elements, scrolled};
pub use platform::{Picture, Surface};

use slint::PlatformError;

/// Puts a surface of this size (in pixels) in the place of the desktop, with an event loop. Once per process.
///
/// # Errors
/// Fails if this thread or process already has a platform.
pub fn install(width: u32, height: u32) -> Result<Surface, PlatformError> {
    platform::install(width, height, true)
}

/// As [`install`], but without an event loop: for a test that draws screens by itself, once per thread.
///
/// # Errors
/// Fails if this thread already has a platform.
pub fn install_still(width: u32, height: u32) -> Result<Surface, PlatformError> {
    platform::install(width, height, false)
}
