//! An ESC/POS printer: it takes the real bytes over a real line, answers as printers do, runs out of paper,
//! loses its power, and shows what is on the paper.

mod bare;
mod command;
mod machine;
mod pages;
mod paper;
mod picture;
mod place;

pub use bare::{BarePrinter, Work};
pub use paper::Receipt;
pub use picture::{PictureError, letter_dots};

use machine::{Machine, Step};
use place::Place;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A model of printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterConfig {
    /// Dots across the paper.
    pub dots: u32,
    /// The size of its buffer.
    pub buffer_bytes: usize,
    /// Whether it knows GS ( H.
    pub process_id: bool,
    /// Whether it has a knife.
    pub cutter: bool,
    /// How long a line takes.
    pub line_time: Duration,
    /// The state that it tells unasked from when it is switched on until it is initialised (GS a's number): a switch
    /// inside many printers.
    pub automatic_status: u8,
    /// Whether it is a model for China: it begins in Chinese mode, in which two bytes are one character.
    pub chinese: bool,
    /// Its code pages by their numbers (ESC t), under the names that the makers' manuals give them: `PC437`, `WPC1252`.
    /// The first is the one that it begins with.
    pub code_pages: Vec<(u8, &'static str)>,
    /// Whether it keeps pictures by keys (GS ( L); the number is how many bytes it keeps.
    pub graphics_bytes: usize,
    /// Whether it knows GS v 0; one that does not prints the dots as letters.
    pub raster: bool,
}

impl Default for PrinterConfig {
    /// 80 mm paper, a buffer of 4 KiB, everything known, and fast.
    fn default() -> Self {
        Self {
            dots: 576,
            buffer_bytes: 4096,
            process_id: true,
            cutter: true,
            line_time: Duration::ZERO,
            automatic_status: 0,
            chinese: true,
            code_pages: Vec::new(),
            graphics_bytes: 65_536,
            raster: true,
        }
    }
}

/// How much paper there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Enough.
    Plenty,
    /// The roll ends soon.
    NearEnd,
    /// None; the printer stops, and goes on by itself when there is some again.
    Out,
}

/// A pulse that the drawer got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// 0 for pin 2, 1 for pin 5.
    pub pin: u8,
    /// How long.
    pub on_ms: u16,
    /// The pause after it.
    pub off_ms: u16,
}

/// A printer that runs on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct PrinterEmulator {
    shared: Arc<Shared>,
    address: Address,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Address {
    Pty(std::path::PathBuf),
    Tcp(std::net::SocketAddr),
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    line_time: Duration,
}

#[derive(Debug)]
struct State {
    machine: Machine,
    power: bool,
    ended: bool,
}

/// What a printer made of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printout {
    /// The receipts that were cut off, and last, if anything is on it, what was not.
    pub receipts: Vec<Receipt>,
    /// The pulses that the drawer got.
    pub pulses: Vec<Pulse>,
    /// What a real printer would not have understood, or would have shown wrongly.
    pub problems: Vec<String>,
}

/// What a printer makes of `bytes`, at once: no line, no thread. Bytes that are left because a command lacks
/// its end count as a problem.
#[must_use]
pub fn print_bytes(config: PrinterConfig, bytes: &[u8]) -> Printout {
    let buffer_bytes = bytes.len().max(1);
    let mut machine = Machine::new(PrinterConfig { buffer_bytes, ..config });
    machine.receive(bytes);
    while machine.step() != Step::Idle {}
    let mut problems = std::mem::take(&mut machine.problems);
    if machine.room() < buffer_bytes {
        problems.push("a command lacks its end".into());
    }
    let mut receipts = std::mem::take(&mut machine.receipts);
    receipts.extend(Some(machine.unfinished()).filter(|rest| !rest.is_empty()));
    Printout { receipts, pulses: machine.pulses, problems }
}

/// How many commands are worked off before the line is looked at again.
const BATCH: usize = 64;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PrinterEmulator {
    /// A printer on a serial line.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn on_serial(config: PrinterConfig) -> io::Result<Self> {
        let place = Place::serial()?;
        let address = Address::Pty(place.path().to_owned());
        Self::start(config, place, address)
    }

    /// A printer on the network, at a free port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub fn on_network(config: PrinterConfig) -> io::Result<Self> {
        Self::on_network_at(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// A printer on the network at this address; with port 0 at any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn on_network_at(config: PrinterConfig, address: SocketAddr) -> io::Result<Self> {
        let (place, address) = Place::network(address)?;
        Self::start(config, place, Address::Tcp(address))
    }

    fn start(config: PrinterConfig, place: Place, address: Address) -> io::Result<Self> {
        let line_time = config.line_time;
        let state = State { machine: Machine::new(config), power: true, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), line_time });
        let works = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("printer".into()).spawn(move || run(&works, place))?;
        Ok(Self { shared, address, thread: Some(thread) })
    }

    /// Where the program opens the serial line; empty for a printer on the network.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.address {
            Address::Pty(path) => path,
            Address::Tcp(_) => Path::new(""),
        }
    }

    /// Where the program connects, as `host:port`; empty for a printer on a serial line.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.address {
            Address::Pty(_) => String::new(),
            Address::Tcp(address) => address.to_string(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Machine)) {
        let mut state = self.shared.lock();
        change(&mut state.machine);
        state.machine.state_changed();
    }

    fn look<R>(&self, look: impl FnOnce(&Machine) -> R) -> R {
        look(&self.shared.lock().machine)
    }

    /// Puts paper in or takes it out.
    pub fn set_paper(&self, paper: Paper) {
        self.change(|machine| {
            machine.paper = paper;
            machine.paper_lines_left = None;
        });
    }

    /// Lets the paper end after `lines` more lines.
    pub fn run_out_of_paper_after(&self, lines: u32) {
        self.change(|machine| machine.paper_lines_left = Some(lines));
    }

    /// Opens or closes the cover.
    pub fn set_cover_open(&self, open: bool) {
        self.change(|machine| machine.cover_open = open);
    }

    /// Lets the knife get stuck, or frees it.
    pub fn set_knife_stuck(&self, stuck: bool) {
        self.change(|machine| machine.knife_stuck = stuck);
    }

    /// Pushes the drawer shut, or pulls it open.
    pub fn set_drawer_open(&self, open: bool) {
        self.change(|machine| machine.drawer_open = open);
    }

    /// Cuts the line from the printer to the program: it prints, but its answers are lost.
    pub fn set_mute(&self, mute: bool) {
        self.change(|machine| machine.mute = mute);
    }

    /// Switches the power, or pulls the plug; when it comes back, the buffer is empty.
    pub fn set_power(&self, on: bool) {
        self.shared.lock().power = on;
    }

    /// Lets the power go after `lines` more lines.
    pub fn lose_power_after(&self, lines: u32) {
        self.change(|machine| machine.power_lines_left = Some(lines));
    }

    /// The receipts that were cut off, oldest first.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        self.look(|machine| machine.receipts.clone())
    }

    /// What hangs out of the printer.
    #[must_use]
    pub fn unfinished(&self) -> Receipt {
        self.look(Machine::unfinished)
    }

    /// The pulses that the drawer got.
    #[must_use]
    pub fn pulses(&self) -> Vec<Pulse> {
        self.look(|machine| machine.pulses.clone())
    }

    /// What a real printer would not have understood, or would have shown wrongly.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.look(|machine| machine.problems.clone())
    }

    /// How often it wrote a picture into its memory, which bears that some thousand times.
    #[must_use]
    pub fn graphics_stored(&self) -> usize {
        self.look(|machine| machine.graphics_stored)
    }

    /// How many pictures it keeps.
    #[must_use]
    pub fn graphics_kept(&self) -> usize {
        self.look(|machine| machine.graphics.len())
    }

    /// How many bytes arrived so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.look(|machine| machine.received)
    }

    /// Waits until `count` receipts were cut off; returns whether they were within `wait`.
    #[must_use]
    pub fn wait_for_receipts(&self, count: usize, wait: Duration) -> bool {
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), wait, |state| state.machine.receipts.len() < count);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.machine.receipts.len() >= count
    }
}

impl Drop for PrinterEmulator {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The printer's life.
fn run(shared: &Shared, mut place: Place) {
    let mut buffer = [0; 512];
    loop {
        let room = {
            let mut state = shared.lock();
            if state.ended {
                return;
            }
            if !state.power {
                state.machine.lose_power();
            }
            if place.set_power(state.power).is_err() {
                state.machine.problems.push("the line could not be opened again".into());
            }
            if state.power { state.machine.room().min(buffer.len()) } else { 0 }
        };
        let count = place.read(&mut buffer[..room]);
        let mut printed = 0;
        let replies = {
            let mut state = shared.lock();
            state.machine.receive(&buffer[..count]);
            for _ in 0..BATCH {
                match state.machine.step() {
                    Step::Idle => break,
                    Step::Done => {}
                    Step::Printed => printed += 1,
                }
                if state.machine.power_lines_left == Some(0) {
                    state.power = false;
                    state.machine.lose_power();
                    break;
                }
                if printed > 0 && !shared.line_time.is_zero() {
                    break;
                }
            }
            std::mem::take(&mut state.machine.replies)
        };
        shared.changed.notify_all();
        place.write(&replies);
        std::thread::sleep(shared.line_time * printed);
    }
}
