//! The customer's window on the second monitor. It only shows; whatever is typed while the desktop has given it the
//! keyboard goes to the till.

mod monitors;

use super::TillWindow;
use super::generated::{Customer, CustomerKind, CustomerLineData, CustomerWindow as Component, MainWindow};
use super::money::format_amount;
use super::qr::qr_image;
use super::sale::{price_text, quantity_text};
use super::status::whole;
use super::{list, wallets, words};
use crate::config::Place;
use crate::view::{CustomerLine, CustomerPage, CustomerScreen, MoneyStyle};
use monitors::{Step, Watch, connected};
use slint::{
    CloseRequestResponse, ComponentHandle, PhysicalPosition, PhysicalSize, PlatformError, Timer, TimerMode,
    Weak,
};
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether a monitor came or went.
const LOOK: Duration = Duration::from_secs(2);
/// Where Linux says what is plugged in.
const MONITORS: &str = "/sys/class/drm";

thread_local! {
    static CURRENT: RefCell<Option<Weak<Component>>> = const { RefCell::new(None) };
}

/// The customer's window. Lives in the thread of the event loop.
pub struct CustomerWindow {
    window: Component,
    _watch: Timer,
}

impl CustomerWindow {
    /// Makes the window and shows it in its place. From here on the program ends with the till's window, not with the
    /// last one; this one cannot be closed by itself.
    ///
    /// # Errors
    /// The platform has no second window.
    pub fn open(till: &TillWindow, place: Place) -> Result<Self, PlatformError> {
        let window = Component::new()?;
        let keys = till.handle();
        window.global::<Customer>().on_key(move |text| keys.type_text(text));
        window.window().on_close_requested(|| CloseRequestResponse::KeepWindowShown);
        till.window.window().on_close_requested(|| {
            if slint::quit_event_loop().is_err() {
                tracing::error!("the window could not be closed");
            }
            CloseRequestResponse::HideWindow
        });
        put(&window, place);
        let known = is_at(&window, place) && std::env::var_os("WAYLAND_DISPLAY").is_none();
        window.show()?;
        CURRENT.with(|current| *current.borrow_mut() = Some(window.as_weak()));
        let watch = watch(&window, &till.window, place, known);
        Ok(Self { window, _watch: watch })
    }

    /// What shows the customer's screens in it, from any thread.
    pub fn handle(&self) -> CustomerView {
        CustomerView { window: self.window.as_weak() }
    }

    /// Shows a screen at once, from the thread of the window.
    pub fn show_now(&self, screen: &CustomerScreen) {
        apply(&self.window, screen);
    }

    /// The component itself, to look for elements in it.
    pub fn component(&self) -> &(impl ComponentHandle + 'static) {
        &self.window
    }
}

/// Calls `f` with the newest customer's window of this thread, if it still exists.
pub fn with_customer<R>(f: impl FnOnce(&CustomerWindow) -> R) -> Option<R> {
    let window = CURRENT.with(|current| current.borrow().as_ref().and_then(Weak::upgrade))?;
    Some(f(&CustomerWindow { window, _watch: Timer::default() }))
}

/// Shows the customer's screens, from any thread.
pub struct CustomerView {
    window: Weak<Component>,
}

impl CustomerView {
    /// Replaces all that the customer sees.
    pub fn show(&self, screen: CustomerScreen) {
        // An error means that the event loop has ended: there is no window left to show anything in.
        if self.window.upgrade_in_event_loop(move |window| apply(&window, &screen)).is_err() {
            tracing::debug!("the customer's window is gone; a screen was not shown");
        }
    }
}

fn put(window: &Component, place: Place) {
    let window = window.window();
    window.set_position(PhysicalPosition::new(place.x, place.y));
    window.set_size(PhysicalSize::new(place.width, place.height));
}

fn is_at(window: &Component, place: Place) -> bool {
    window.window().position() == PhysicalPosition::new(place.x, place.y)
}

fn place_of(window: &slint::Window) -> Place {
    let (position, size) = (window.position(), window.size());
    Place { x: position.x, y: position.y, width: size.width, height: size.height }
}

/// Keeps the window off the cashier's: a desktop whose second monitor is unplugged moves what was there to the first.
fn watch(window: &Component, till: &MainWindow, place: Place, positions_known: bool) -> Timer {
    let (window, till) = (window.as_weak(), till.as_weak());
    let mut watch = Watch::new(connected(Path::new(MONITORS)));
    let timer = Timer::default();
    let mut meant = None;
    timer.start(TimerMode::Repeated, LOOK, move || {
        let (Some(window), Some(till)) = (window.upgrade(), till.upgrade()) else { return };
        // A till that lies there by its settings is no accident. That is told at the first look: a monitor that is
        // unplugged later may move the till there too.
        let meant = *meant.get_or_insert_with(|| place.overlaps(&place_of(till.window())));
        let covers =
            positions_known && !meant && place_of(window.window()).overlaps(&place_of(till.window()));
        let done = match watch.look(covers, connected(Path::new(MONITORS))) {
            Step::Nothing => Ok(()),
            Step::Place => {
                put(&window, place);
                window.show()
            }
            Step::Hide => {
                tracing::warn!(
                    "the customer's screen has no monitor of its own; it is hidden until one is plugged in"
                );
                window.hide()
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, "the customer's screen");
        }
    });
    timer
}

fn apply(window: &Component, screen: &CustomerScreen) {
    words::choose(window.window(), screen.language);
    wallets::name_them(&window.global(), screen.language);
    let view = window.global::<Customer>();
    let money = &screen.money;
    view.set_training(screen.training);
    view.set_store(screen.store.as_str().into());
    let rows = screen.lines.iter().map(|line| row(line, money)).collect();
    if let Some(rows) = list::update(&view.get_lines(), rows) {
        view.set_lines(rows);
    }
    view.set_newest(screen.newest.map_or(-1, whole));
    view.set_total(format_amount(screen.due_minor(), money).into());
    view.set_part(off(screen.part_minor, money).into());
    view.set_taken_off(off(screen.off_minor, money).into());
    apply_page(&view, &screen.page, money);
}

fn apply_page(view: &Customer, page: &CustomerPage, money: &MoneyStyle) {
    use CustomerKind as K;
    let kind = match page {
        CustomerPage::Closed => K::Closed,
        CustomerPage::Welcome => K::Welcome,
        CustomerPage::Sale => K::Sale,
        CustomerPage::PresentCode { wallets } => {
            if let Some(places) = wallets::places(&view.get_wallets(), wallets) {
                view.set_wallets(places);
            }
            K::PresentCode
        }
        CustomerPage::Cash => K::Cash,
        CustomerPage::Wait => K::Wait,
        CustomerPage::ConfirmOnPhone => K::ConfirmOnPhone,
        CustomerPage::ScanThis { code, wallet: whose, remaining_seconds } => {
            if view.get_code_text() != code.as_str() {
                view.set_code(qr_image(code));
                view.set_code_text(code.as_str().into());
            }
            view.set_wallet(whose.map_or(wallets::NONE, wallets::place));
            view.set_remaining_seconds(whole(*remaining_seconds));
            K::ScanThis
        }
        CustomerPage::Unknown => K::Unknown,
        CustomerPage::NotCharged => K::NotCharged,
        CustomerPage::Paid => K::Paid,
        CustomerPage::PaidCash { given_minor, change_minor } => {
            view.set_given(format_amount(*given_minor, money).into());
            view.set_change(format_amount(*change_minor, money).into());
            K::PaidCash
        }
    };
    view.set_kind(kind);
}

fn row(line: &CustomerLine, money: &MoneyStyle) -> CustomerLineData {
    CustomerLineData {
        name: line.name.as_str().into(),
        quantity: quantity_text(line.quantity).into(),
        unit_price: price_text(line.quantity, line.unit_price_minor, money).into(),
        total: format_amount(line.total_minor, money).into(),
        taken_off: off(line.off_minor, money).into(),
    }
}

fn off(minor: i64, money: &MoneyStyle) -> String {
    if minor == 0 { String::new() } else { format_amount(minor.saturating_neg(), money) }
}
