//! The customer's displays: the window on the second monitor and the two lines on a pole. They show what is made from the
//! till's own screen, and only when it has changed.

use super::pole::Pole;
use crate::config::Config;
use crate::ui::{CustomerView, CustomerWindow, TillWindow};
use crate::view::{CustomerScreen, DisplayState, Screen};

/// What the customer sees, and where.
pub struct Customer {
    seen: CustomerScreen,
    pole: Option<Pole>,
    window: Option<CustomerView>,
    told: DisplayState,
}

impl Customer {
    /// The displays that this till has.
    pub fn new(config: &Config, window: Option<&CustomerWindow>) -> Self {
        let window = window.map(CustomerWindow::handle);
        Self { seen: CustomerScreen::default(), pole: start_pole(config), window, told: DisplayState::None }
    }

    /// How the display on the pole is, if that is another than was said last.
    pub fn display_news(&mut self) -> Option<DisplayState> {
        let state = match &self.pole {
            None => DisplayState::None,
            Some(pole) if pole.is_reached() => DisplayState::Ready,
            Some(_) => DisplayState::Disconnected,
        };
        (std::mem::replace(&mut self.told, state) != state).then_some(state)
    }

    /// This is on the till's screen now.
    pub fn follow(&mut self, screen: &Screen) {
        let next = self.seen.after(screen);
        if next == self.seen {
            return;
        }
        if let Some(pole) = &mut self.pole {
            pole.show(&next);
        }
        if let Some(window) = &self.window {
            window.show(next.clone());
        }
        self.seen = next;
    }
}

/// The window on the second monitor, if the till has one. Without it the till sells all the same.
pub fn open_window(config: &Config, till: &TillWindow) -> Option<CustomerWindow> {
    let place = config.customer_screen.as_ref()?.place();
    CustomerWindow::open(till, place)
        .inspect_err(|error| tracing::error!(%error, "the customer's screen cannot be shown"))
        .ok()
}

fn start_pole(config: &Config) -> Option<Pole> {
    let settings = config.display.as_ref()?;
    let line = settings.line().inspect_err(|error| tracing::error!(error, "the display's line")).ok()?;
    Pole::start(line, settings.profile())
        .inspect_err(|error| tracing::error!(%error, "the display cannot be started"))
        .ok()
}
