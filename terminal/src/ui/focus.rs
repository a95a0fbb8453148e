//! Where the keyboard of the desk is: on the page that is shown, on what Tab has chosen, never nowhere.

use super::generated::{Keys, MainWindow};
use super::typing::{Typing, Typist};
use evertill_shared::clock::Clock;
use slint::private_unstable_api::re_exports::WindowInner;
use slint::{ComponentHandle, Timer};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// So long after a screen was shown all that is gone from it is gone: a few frames.
const SETTLED: Duration = Duration::from_millis(60);

pub fn connect(window: &MainWindow, clock: Arc<dyn Clock>) {
    let keys = window.global::<Keys>();
    let typing = RefCell::new(Typing::default());
    let weak = window.as_weak();
    keys.on_hear(move |text, held| {
        let Some(window) = weak.upgrade() else { return };
        let typist = typing.borrow_mut().hear(&text, held, clock.monotonic());
        let keys = window.global::<Keys>();
        keys.set_machine(typist != Typist::Person);
        keys.set_machine_begins(typist == Typist::MachineBegins);
    });
    let weak = window.as_weak();
    keys.on_step(move |count| {
        let Some(window) = weak.upgrade() else { return };
        // The toolkit's own Tab, which it has for keys only, not for programs; its version is pinned.
        let inner = WindowInner::from_pub(window.window());
        for _ in 0..count.unsigned_abs() {
            if count > 0 { inner.focus_next_item() } else { inner.focus_previous_item() }
        }
    });
}

/// Gives the keyboard to the window, before a page comes that may take it on; `home`: the page that is there takes it to
/// its own place.
pub fn give(window: &MainWindow, home: bool) {
    window.invoke_take_keys();
    if home {
        let keys = window.global::<Keys>();
        keys.set_turn(keys.get_turn().wrapping_add(1));
    }
}

/// What had the keyboard may be gone from the screen, a row or a notice: then keys would go nowhere.
pub fn look_after(window: &MainWindow) {
    let weak = window.as_weak();
    Timer::single_shot(SETTLED, move || {
        let Some(window) = weak.upgrade() else { return };
        let nowhere = WindowInner::from_pub(window.window()).focus_item.borrow().upgrade().is_none();
        if nowhere {
            give(&window, true);
        }
    });
}
