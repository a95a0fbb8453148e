//! The wiring: the window on the main thread, the controller on its own, the network, the scanner and the printer on
//! theirs. Nothing is decided here.

mod customer;
mod hands;
mod pole;
mod scanner;

use crate::config::{
    Config, ScannerConfig, remembered_colours, remembered_language, remembered_scanner, remembered_text_size,
};
use crate::controller::{Command, Controller, Input, Moment, Options};
use crate::journal_store::Lock;
use crate::picture_store::PictureStore;
use crate::print::template_file::{self, TemplateFile};
use crate::print::thread::{self as printer_thread, PrinterJob};
use crate::sync::Jitter;
use crate::ui::TillWindow;
use crate::upkeep::PROGRAM_LOCK;
use crate::view::FaultPage;
use customer::Customer;
use evertill_hardware::printer::{NetworkPrinter, SerialPrinter, UsbPrinter};
use evertill_hardware::{Monotonic, Printer};
use evertill_shared::clock::{Clock, SystemClock};
use hands::Hands;
use ring::rand::{SecureRandom as _, SystemRandom};
use scanner::ScannerSeat;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the controller is told that time has passed.
const TICK: Duration = Duration::from_millis(200);

/// How the till is started.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The till's directory: `till.toml`, the trust file, the sealed key, the journal.
    pub data: PathBuf,
}

/// The till could not be started, or has ended badly.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory or a thread.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        error: io::Error,
    },
    /// The window.
    #[error("the window cannot be shown: {0}")]
    Window(#[from] slint::PlatformError),
    /// A mistake in this program; the journal on the disk is not affected.
    #[error("the till has stopped because of a mistake in it; start it again, and send its log to IT")]
    Controller,
}

/// Runs the till until its window is closed. Works under whatever Slint platform is set; call it from the thread that
/// is to have the window.
///
/// # Errors
/// The till could not be started, or has ended badly. What a person at the till can mend is not an error but a page.
pub fn run(options: RunOptions) -> Result<(), AppError> {
    let io = |what: &'static str| move |error: io::Error| AppError::Io { what, error };
    std::fs::create_dir_all(&options.data).map_err(io("the data directory cannot be made"))?;
    // For whoever looks after the directory: the journal's own lock is taken only once the till is registered. A second program
    // finds that one; without this one the till sells all the same.
    let _running = Lock::take(&options.data.join(PROGRAM_LOCK))
        .inspect_err(|error| tracing::warn!(%error, "nothing says that the till runs in this directory"));
    let (config, trouble) = match Config::read(&options.data) {
        Ok(config) => (config, None),
        Err(error) => {
            let page = FaultPage::BadConfiguration { detail: error.to_string() };
            (Config::default(), Some(page))
        }
    };
    let (send, inputs) = channel();
    let touches = send.clone();
    let window = TillWindow::new(move |action| {
        // An error means that the controller has ended, and with it the program.
        let _ = touches.send(Input::Action(action));
    })?;
    window.set_fullscreen(config.fullscreen);
    let pictures = PictureStore::new(&options.data);
    window.pictures_come_from(move |name| pictures.thumb(name));
    // Before the till's own window is shown, so that the keyboard is the cashier's.
    let customer = customer::open_window(&config, &window);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("net")
        .enable_all()
        .build()
        .map_err(io("the network threads cannot be started"))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let chosen = remembered_scanner(&options.data, &config);
    let mut scanner = ScannerSeat::new(monotonic(&clock), send.clone(), window.handle());
    if let Some(chosen) = &chosen {
        scanner.start(chosen);
    }
    let printer = start_printer(&options.data, &config, &clock, send.clone());
    let fixed = controller_options(&options.data, &config, chosen);
    let hands = Hands {
        data: options.data,
        view: Box::new(window.handle()),
        inputs: send,
        net: runtime.handle().clone(),
        clock: Arc::clone(&clock),
        printer,
        scanner,
        customer: Customer::new(&config, customer.as_ref()),
        config: config.clone(),
        key: None,
        trust: None,
        client: None,
        staff: None,
    };
    let controller = Controller::new(fixed, jitter(), moment(&*clock));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let brain = std::thread::Builder::new()
        .name("controller".into())
        .spawn(move || {
            let _closes_the_window = QuitOnPanic;
            serve(controller, hands, &inputs, trouble, &stopped);
        })
        .map_err(io("the controller's thread cannot be started"))?;
    let shown = window.run();
    drop(customer);
    stop.store(true, Ordering::Release);
    let ended = brain.join();
    runtime.shutdown_timeout(Duration::from_secs(1));
    shown?;
    ended.map_err(|_| AppError::Controller)
}

/// A till without a thread that decides is a dead picture: then the window closes too.
struct QuitOnPanic;

impl Drop for QuitOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() && slint::quit_event_loop().is_err() {
            tracing::error!("the window could not be closed");
        }
    }
}

fn serve(
    mut controller: Controller,
    mut hands: Hands,
    inputs: &Receiver<Input>,
    trouble: Option<FaultPage>,
    stop: &AtomicBool,
) {
    match trouble {
        Some(page) => {
            let commands = controller.handle(Input::CannotStart(page), moment(&*hands.clock));
            hands.carry_out_all(commands);
        }
        None => hands.carry_out(Command::Start),
    }
    while !stop.load(Ordering::Acquire) {
        let input = match inputs.recv_timeout(TICK) {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => Input::Tick,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let commands = controller.handle(input, moment(&*hands.clock));
        hands.carry_out_all(commands);
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { wall: clock.now(), monotonic: clock.monotonic() }
}

fn controller_options(data: &Path, config: &Config, scanner: Option<ScannerConfig>) -> Options {
    Options {
        language: remembered_language(data, config),
        colours: remembered_colours(data, config),
        text_size: remembered_text_size(data, config),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        servers: config.servers.clone(),
        has_printer: config.printer.is_some(),
        scanner,
        receipt_template: template_file::shops_name(data),
        pictures: PictureStore::new(data).shelf(),
        written_scanner: config.scanner.clone(),
        // They were checked when the file was read.
        in_store: config.in_store_rules().unwrap_or_default(),
        lock_after: Duration::from_secs(60 * u64::from(config.lock_after_minutes)),
        archive_after_days: config.archive_after_days,
        demand_shifts: config.demand_shifts,
    }
}

fn jitter() -> Jitter {
    let random = SystemRandom::new();
    Box::new(move || {
        let mut bytes = [0; 4];
        // Without chance the pauses are the shortest ones: no reason to stop.
        random.fill(&mut bytes).map_or(0, |()| u32::from_le_bytes(bytes))
    })
}

fn monotonic(clock: &Arc<dyn Clock>) -> Monotonic {
    let clock = Arc::clone(clock);
    Monotonic::new(move || clock.monotonic())
}

fn start_printer(
    data: &Path,
    config: &Config,
    clock: &Arc<dyn Clock>,
    send: Sender<Input>,
) -> Option<Sender<PrinterJob>> {
    let settings = config.printer.as_ref()?;
    let way = settings.way().inspect_err(|error| tracing::error!(error, "the printer's line")).ok()?;
    let (profile, clock) = (settings.profile(), monotonic(clock));
    let printer: Box<dyn Printer> = match way {
        crate::config::PrinterWay::Serial(line) => Box::new(SerialPrinter::new(line, profile, clock)),
        crate::config::PrinterWay::Usb(path) => Box::new(UsbPrinter::new(path, profile, clock)),
        crate::config::PrinterWay::Network(address) => Box::new(NetworkPrinter::new(address, profile, clock)),
    };
    let pulse =
        settings.drawer_pulse().inspect_err(|error| tracing::error!(error, "the drawer's pulse")).ok()?;
    printer_thread::start(printer, TemplateFile::new(data), pulse, send)
        .inspect_err(|error| tracing::error!(%error, "the printer cannot be started"))
        .ok()
}
