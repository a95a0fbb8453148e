//! A window with one line of text: what any window of this toolkit costs, drawn by the same means.

use super::elements::Element;
use slint::{ComponentHandle, PlatformError};
use std::cell::RefCell;

/// What the Slint compiler makes of it.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    clippy::nursery
)]
mod generated {
    slint::slint! {
        export component BareWindow inherits Window {
            title: "bare";
            Text { text: "Ready"; accessible-label: "Ready"; }
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<slint::Weak<generated::BareWindow>>> = const { RefCell::new(None) };
}

/// Shows it until the loop is told to quit.
/// # Errors
/// The platform cannot show it.
pub fn run_bare() -> Result<(), PlatformError> {
    let window = generated::BareWindow::new()?;
    CURRENT.with(|current| *current.borrow_mut() = Some(window.as_weak()));
    window.run()
}

/// What it says, if it is this window that is shown. It never says anything else.
pub(super) fn elements() -> Option<Vec<Element>> {
    let window = CURRENT.with(|current| current.borrow().as_ref().and_then(slint::Weak::upgrade))?;
    let size = window.window().size();
    #[allow(clippy::cast_precision_loss, reason = "a window has some thousands of pixels")]
    let (width, height) = (size.width as f32, size.height as f32);
    let (label, role) = ("Ready".into(), "text".into());
    Some(vec![Element { label, role, value: None, enabled: true, x: 0.0, y: 0.0, width, height }])
}
