//! The wiring: the window on the main thread, the controller on its own, the network, the scanner and the printer on
//! theirs. Nothing is decided here.

mod customer;
mod hands;
mod pole;
mod scanner;

use crate::config::{
    Config, PrinterWay, ScannerConfig, kiosk_is_meant, remembered_colours, remembered_language,
    remembered_scanner, remembered_text_size, spoken_languages,
};
use crate::controller::{Command, Controller, Input, Moment, Options};
use crate::fonts;
use crate::front::{Errand, Front, Heard};
use crate::journal_store::{JournalError, Lock};
use crate::picture_store::PictureStore;
use crate::print::letters::OwnLetters;
use crate::print::logo_file::LogoFile;
use crate::print::template_file::{self, TemplateFile};
use crate::print::thread::{self as printer_thread, PrinterJob};
use crate::sync::Jitter;
use crate::ui::TillWindow;
use crate::upkeep::PROGRAM_LOCK;
use crate::view::FaultPage;
use customer::Customer;
use evertill_hardware::printer::{NetworkPrinter, SerialPrinter, UsbPrinter};
use evertill_hardware::scanner::Places;
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

/// Each word of the customer's display of two lines, in English: for whoever translates them.
pub use pole::all_words as display_words;

/// How often the controller is told that time has passed.
const TICK: Duration = Duration::from_millis(200);

/// So many ticks a program that is ending has for it.
const PATIENCE: u32 = 15;

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
    /// Another program works in the data directory: a till, or whoever looks after it.
    #[error("another program works in the till's directory; it has to end first")]
    InUse,
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
    let _running = take_directory(&options.data, PATIENCE)?;
    let (config, trouble) = match Config::read(&options.data) {
        Ok(config) => (config, None),
        Err(error) => {
            let page = FaultPage::BadConfiguration { detail: error.to_string() };
            // A slip of the pen is no way out.
            let kiosk = kiosk_is_meant(&options.data);
            (Config { kiosk, ..Config::default() }, Some(page))
        }
    };
    let (send, inputs) = channel();
    let touches = send.clone();
    let window = TillWindow::new(move |action| {
        // An error means that the controller has ended, and with it the program.
        let _ = touches.send(Heard::Input(Input::Action(action)));
    })?;
    window.set_fullscreen(config.fullscreen || config.kiosk);
    let pictures = PictureStore::new(&options.data);
    window.pictures_come_from(move |name| pictures.thumb(name));
    // Before the till's own window is shown, so that the keyboard is the cashier's.
    let customer = customer::open_window(&config, &window);
    if config.kiosk {
        window.hold_the_screen();
    }
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
    let front = Front::new(Controller::new(fixed, jitter(), moment(&*clock)));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let brain = std::thread::Builder::new()
        .name("controller".into())
        .spawn(move || {
            let _closes_the_window = QuitOnPanic;
            serve(front, hands, &inputs, trouble, &stopped);
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

/// The directory is this program's: the journal's own lock is taken only once the till is registered, and before that a till
/// that is being moved away would lose the key that this program has read. A program that is just ending has a moment for it.
/// Where locks do not work at all the till sells all the same.
fn take_directory(data: &Path, patience: u32) -> Result<Option<Lock>, AppError> {
    for _ in 0..patience {
        match Lock::take(&data.join(PROGRAM_LOCK)) {
            Ok(lock) => return Ok(Some(lock)),
            Err(JournalError::InUse) => std::thread::sleep(TICK),
            Err(error) => {
                tracing::warn!(%error, "nothing says that the till runs in this directory");
                return Ok(None);
            }
        }
    }
    Err(AppError::InUse)
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
    mut front: Front,
    mut hands: Hands,
    inputs: &Receiver<Heard>,
    trouble: Option<FaultPage>,
    stop: &AtomicBool,
) {
    match trouble {
        Some(page) => {
            let errands = front.handle(Heard::Input(Input::CannotStart(page)), moment(&*hands.clock));
            hands.run_all(errands);
        }
        None => hands.run(Errand::Till(Command::Start)),
    }
    while !stop.load(Ordering::Acquire) {
        let heard = match inputs.recv_timeout(TICK) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) => Heard::Input(Input::Tick),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let errands = front.handle(heard, moment(&*hands.clock));
        hands.run_all(errands);
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { wall: clock.now(), monotonic: clock.monotonic() }
}

fn controller_options(data: &Path, config: &Config, scanner: Option<ScannerConfig>) -> Options {
    let (languages, wrong) = spoken_languages(data, config);
    wrong.iter().for_each(|error| tracing::error!(%error, "a language cannot be used"));
    for added in languages.iter().filter_map(|language| language.added()) {
        let letters = fonts::lacking(added.letters());
        if !letters.is_empty() {
            tracing::warn!(language = added.code(), letters, "the screens' font lacks letters of a language");
        }
    }
    Options {
        language: remembered_language(data, config, &languages),
        languages,
        languages_wrong: wrong.iter().map(ToString::to_string).collect(),
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
        kiosk: config.kiosk,
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
    send: Sender<Heard>,
) -> Option<Sender<PrinterJob>> {
    let settings = config.printer.as_ref()?;
    let way = settings.way().inspect_err(|error| tracing::error!(error, "the printer's line")).ok()?;
    let (profile, clock) = (settings.profile(), monotonic(clock));
    let letters = Arc::new(OwnLetters);
    let mut printer: Box<dyn Printer> = match way {
        PrinterWay::Serial(line) => Box::new(SerialPrinter::new(line, profile, clock).with_letters(letters)),
        PrinterWay::Usb(device) => {
            Box::new(UsbPrinter::at(device, Places::default(), profile, clock).with_letters(letters))
        }
        PrinterWay::Network(address) => {
            Box::new(NetworkPrinter::new(address, profile, clock).with_letters(letters))
        }
    };
    let pulse =
        settings.drawer_pulse().inspect_err(|error| tracing::error!(error, "the drawer's pulse")).ok()?;
    let logo = LogoFile::open(data, &settings.name(), &mut *printer);
    printer_thread::start(printer, (TemplateFile::new(data), logo), pulse, send)
        .inspect_err(|error| tracing::error!(%error, "the printer cannot be started"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_till_does_not_start_while_somebody_works_in_its_directory() {
        let data = tempfile::tempdir().unwrap();
        let held = Lock::take(&data.path().join(PROGRAM_LOCK)).unwrap();
        let started = run(RunOptions { data: data.path().to_owned() });
        assert!(matches!(started, Err(AppError::InUse)), "{started:?}");
        assert!(!data.path().join("key.sealed").exists(), "no key is read or made");
        drop(held);
        assert!(take_directory(data.path(), 1).unwrap().is_some());
    }

    #[test]
    fn a_program_that_is_just_ending_has_a_moment_for_it() {
        let data = tempfile::tempdir().unwrap();
        let held = Lock::take(&data.path().join(PROGRAM_LOCK)).unwrap();
        let ends = std::thread::spawn(move || {
            std::thread::sleep(TICK);
            drop(held);
        });
        assert!(take_directory(data.path(), PATIENCE).unwrap().is_some());
        ends.join().unwrap();
    }

    #[test]
    fn a_disk_without_locks_keeps_no_till_from_selling() {
        let data = tempfile::tempdir().unwrap();
        assert!(take_directory(&data.path().join("not there"), 1).unwrap().is_none());
    }
}
