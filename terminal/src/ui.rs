//! The window: adapters between the view model and the screens in `terminal/ui`.
//!
//! [`TillWindow`] is the same component tree under any Slint platform: the desktop's windows, or none at all in a
//! whole-system test. All of it stays in the thread that created it; [`TillWindow::handle`] is what other threads show
//! their screens with.

mod adjust;
mod ask_refund;
mod cash;
mod customer;
mod day;
mod drawer;
mod enrol;
mod focus;
mod keys;
mod list;
mod lock;
mod look;
mod money;
mod notice;
mod orders;
mod pages;
mod payment;
mod pictures;
mod qr;
mod sale;
mod scanners;
mod shift;
mod status;
mod training;
mod typing;
mod wallets;
mod words;

/// What the Slint compiler generates from `terminal/ui/main_window.slint`.
#[allow(missing_docs, unsafe_code, clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery)]
mod generated {
    slint::include_modules!();
}

use crate::picture_store::Thumb;
use crate::secret_code;
use crate::view::{Page, Screen, TextSize, UserAction, View};
use evertill_hardware::scanner::Key;
use evertill_shared::clock::{Clock, SystemClock};
use generated::{ConfirmData, ConfirmKind, MainWindow, PageKind, TextTools, Till};
use slint::platform::WindowEvent;
use slint::{CloseRequestResponse, ComponentHandle, PlatformError, SharedString};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

pub use customer::{CustomerView, CustomerWindow, with_customer};
pub use money::format_amount;

/// What every callback of the screens calls.
type Act = Rc<dyn Fn(UserAction)>;

thread_local! {
    static CURRENT: RefCell<Option<slint::Weak<MainWindow>>> = const { RefCell::new(None) };
}

/// The till's window. Lives in the thread of the event loop.
pub struct TillWindow {
    window: MainWindow,
}

impl TillWindow {
    /// Makes the window, not yet visible. Each touch of a person calls `on_action`, in this thread; it must not block.
    ///
    /// # Errors
    /// Fails if the platform (the desktop, or what a test installed) cannot make a window.
    pub fn new(on_action: impl Fn(UserAction) + 'static) -> Result<Self, PlatformError> {
        Self::with_clock(on_action, Arc::new(SystemClock))
    }

    /// The same, with the clock by which fingers are told from a scanner that types.
    ///
    /// # Errors
    /// As [`TillWindow::new`].
    pub fn with_clock(
        on_action: impl Fn(UserAction) + 'static,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PlatformError> {
        let window = MainWindow::new()?;
        let act: Act = Rc::new(on_action);
        connect_frame(&window, &act);
        focus::connect(&window, clock);
        sale::connect(&window, &act);
        sale::connect_serial(&window, &act);
        adjust::connect(&window, &act);
        cash::connect(&window, &act);
        day::connect(&window, &act);
        enrol::connect(&window, &act);
        payment::connect(&window, &act);
        pages::connect(&window, &act);
        orders::connect(&window, &act);
        ask_refund::connect(&window, &act);
        scanners::connect(&window, &act);
        lock::connect(&window, &act);
        drawer::connect(&window, &act);
        shift::connect(&window, &act);
        training::connect(&window, &act);
        CURRENT.with(|current| *current.borrow_mut() = Some(window.as_weak()));
        Ok(Self { window })
    }

    /// What the controller shows its screens with, from any thread.
    pub fn handle(&self) -> WindowView {
        WindowView { window: self.window.as_weak() }
    }

    /// Shows a screen at once, from the thread of the window.
    pub fn show_now(&self, screen: &Screen) {
        apply(&self.window, screen);
    }

    /// Where the goods' pictures come from, by their names; asked in the thread of the window.
    pub fn pictures_come_from(&self, load: impl Fn(&str) -> Option<Thumb> + 'static) {
        pictures::come_from(load);
    }

    /// Covers the whole display, as a till does.
    pub fn set_fullscreen(&self, fullscreen: bool) {
        self.window.window().set_fullscreen(fullscreen);
    }

    /// The window is all that there is on the display: it has no frame, and no request to close it does anything. Call it
    /// after [`CustomerWindow::open`], which says otherwise.
    pub fn hold_the_screen(&self) {
        self.window.global::<Till>().set_kiosk(true);
        self.window.window().on_close_requested(|| {
            tracing::info!("something asked the window to close; it stays");
            CloseRequestResponse::KeepWindowShown
        });
    }

    /// Makes the window visible and runs the event loop until the window is closed or the loop is told to quit.
    ///
    /// # Errors
    /// Fails if the platform cannot show the window or has no event loop.
    pub fn run(&self) -> Result<(), PlatformError> {
        self.window.run()
    }

    /// Makes the window visible without running the event loop.
    ///
    /// # Errors
    /// Fails if the platform cannot show the window.
    pub fn show(&self) -> Result<(), PlatformError> {
        self.window.show()
    }

    /// The component itself, to look for elements in it.
    pub fn component(&self) -> &(impl ComponentHandle + 'static) {
        &self.window
    }
}

/// Calls `f` with the newest window of this thread, if it still exists: how a driver without a display reaches the
/// elements of a till that was started by its ordinary entry point.
pub fn with_current<R>(f: impl FnOnce(&TillWindow) -> R) -> Option<R> {
    let window = CURRENT.with(|current| current.borrow().as_ref().and_then(slint::Weak::upgrade))?;
    Some(f(&TillWindow { window }))
}

/// Shows screens in the window, from any thread.
#[derive(Clone)]
pub struct WindowView {
    window: slint::Weak<MainWindow>,
}

impl WindowView {
    /// A key was pressed at a keyboard that the till holds for itself because a scanner speaks through it.
    pub fn type_key(&self, key: Key) {
        self.type_text(keys::text(key));
    }

    /// The same for a key that the desktop gave to the customer's window.
    fn type_text(&self, text: SharedString) {
        let pressed = self.window.upgrade_in_event_loop(move |window| {
            let window = window.window();
            window.dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
            window.dispatch_event(WindowEvent::KeyReleased { text });
        });
        if pressed.is_err() {
            tracing::debug!("the window is gone; a key was not given to it");
        }
    }
}

impl View for WindowView {
    fn show(&self, screen: Screen) {
        // An error means that the event loop has ended: there is no window left to show anything in.
        if self.window.upgrade_in_event_loop(move |window| apply(&window, &screen)).is_err() {
            tracing::debug!("the window is gone; a screen was not shown");
        }
    }
}

fn connect_frame(window: &MainWindow, act: &Act) {
    let till = window.global::<Till>();
    let send = act.clone();
    till.on_back(move || send(UserAction::Back));
    let send = act.clone();
    let weak = window.as_weak();
    till.on_answer(move |yes| {
        let Some(window) = weak.upgrade() else { return };
        let number = window.global::<Till>().get_confirm().number;
        send(UserAction::Confirm { question: u32::try_from(number).unwrap_or(0), yes });
    });
    let send = act.clone();
    let weak = window.as_weak();
    till.on_nobody_came(move || {
        let Some(window) = weak.upgrade() else { return };
        let number = window.global::<Till>().get_confirm().number;
        send(UserAction::NobodyCame { question: u32::try_from(number).unwrap_or(0) });
    });
    let send = act.clone();
    till.on_dismiss_notice(move || send(UserAction::DismissNotice));
    let send = act.clone();
    let weak = window.as_weak();
    till.on_change_language(move || {
        let Some(window) = weak.upgrade() else { return };
        let code = window.global::<Till>().get_next_language().into();
        send(UserAction::Language { code });
    });
    let send = act.clone();
    till.on_choose_colours(move |colours| send(UserAction::Colours(look::colours_of(colours))));
    let send = act.clone();
    till.on_choose_text_size(move |percent| {
        let size = u64::try_from(percent).ok().and_then(TextSize::of_percent);
        size.into_iter().for_each(|size| send(UserAction::TextSize(size)));
    });
    let send = act.clone();
    till.on_open_refunds(move || send(UserAction::OpenRefunds));
    let send = act.clone();
    till.on_open_orders(move || send(UserAction::OpenOrders));
    let send = act.clone();
    till.on_open_about(move || send(UserAction::OpenAbout));
    window.global::<TextTools>().on_without_last(|text| {
        let mut shorter = text.to_string();
        shorter.pop();
        shorter.into()
    });
    window.global::<TextTools>().on_is_secret(|text| secret_code::names_any(&text));
}

/// Puts a screen into the window's properties. Only what differs is touched, so that a button keeps its press while
/// the clock ticks.
fn apply(window: &MainWindow, screen: &Screen) {
    words::choose(window.window(), screen.language);
    wallets::name_them(&window.global(), screen.language);
    look::choose(window, screen.colours);
    look::write(window, screen.text_size);
    look::give_way(window, screen.language);
    let till = window.global::<Till>();
    let fresh = till.get_page() != page_kind(&screen.page);
    let answered = screen.confirm.is_none() && till.get_confirm().kind != ConfirmKind::None;
    if screen.confirm.is_none() && (fresh || answered) {
        focus::give(window, answered && !fresh);
    }
    training::show(window, screen.training);
    till.set_next_language(screen.next_language.code().into());
    till.set_next_language_name(screen.next_language.name().into());
    till.set_status(status::data(&screen.status));
    till.set_notice(notice::data(screen.notice.as_ref(), &screen.money));
    let confirm = notice::question(screen.confirm.as_ref(), &screen.money);
    till.set_confirm(ConfirmData { number: status::whole(screen.question), ..confirm });
    let money = &screen.money;
    match &screen.page {
        Page::Starting => {}
        Page::Enrol(page) => enrol::show(window, page, fresh),
        Page::Sale(page) => sale::show(window, page, money),
        Page::Adjust(page) => adjust::show(window, page, money, fresh),
        Page::Serial(page) => sale::show_serial(window, page),
        Page::Held(page) => adjust::show_held(window, page, money, fresh),
        Page::AwaitCode(page) => payment::show_await(window, page, money),
        Page::Cash(page) => cash::show(window, page, money, fresh),
        Page::Payment(page) => payment::show(window, page, money),
        Page::Done(page) => payment::show_done(window, page, money),
        Page::Refunds(page) => pages::show_refunds(window, page, money),
        Page::Orders(page) => orders::show_list(window, page, money),
        Page::Order(page) => orders::show_one(window, page, money),
        Page::AskRefund(page) => ask_refund::show(window, page, money, fresh),
        Page::Fault(page) => pages::show_fault(window, page),
        Page::About(page) => pages::show_about(window, page),
        Page::Day(page) => day::show(window, page),
        Page::Scanners(page) => scanners::show(window, page),
        Page::Lock(page) => lock::show(window, page, money, fresh),
        Page::Approval(page) => lock::show_approval(window, page, money, fresh),
        Page::Drawer => {}
        Page::Shift(page) => shift::show_shift(window, page),
        Page::DrawerAmount(page) => shift::show_amount(window, page, money, fresh),
        Page::Count(page) => shift::show_count(window, page, money),
        Page::Report(page) => shift::show_report(window, page, money),
    }
    till.set_page(page_kind(&screen.page));
    focus::look_after(window);
}

fn page_kind(page: &Page) -> PageKind {
    match page {
        Page::Starting => PageKind::Starting,
        Page::Enrol(_) => PageKind::Enrol,
        Page::Sale(_) => PageKind::Sale,
        Page::Adjust(_) => PageKind::Adjust,
        Page::Serial(_) => PageKind::Serial,
        Page::Held(_) => PageKind::Held,
        Page::AwaitCode(_) => PageKind::AwaitCode,
        Page::Cash(_) => PageKind::Cash,
        Page::Payment(_) => PageKind::Payment,
        Page::Done(_) => PageKind::Done,
        Page::Refunds(_) => PageKind::Refunds,
        Page::Orders(_) => PageKind::Orders,
        Page::Order(_) => PageKind::Order,
        Page::AskRefund(_) => PageKind::AskRefund,
        Page::Fault(_) => PageKind::Fault,
        Page::About(_) => PageKind::About,
        Page::Day(_) => PageKind::Day,
        Page::Scanners(_) => PageKind::Scanners,
        Page::Lock(_) => PageKind::Lock,
        Page::Approval(_) => PageKind::Approval,
        Page::Drawer => PageKind::Drawer,
        Page::Shift(_) => PageKind::Shift,
        Page::DrawerAmount(_) => PageKind::DrawerAmount,
        Page::Count(_) => PageKind::Count,
        Page::Report(_) => PageKind::Report,
    }
}
