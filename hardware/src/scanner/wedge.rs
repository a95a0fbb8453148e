//! Scanners that behave as keyboards, read at the device (`/dev/input/event…`) and held for us alone: a payment code
//! that such a scanner reads reaches no window and no other program.
//!
//! The driver is a thin shell: it reads the kernel's events from a file, and [`WedgeAssembler`] does the rest.

mod assembler;
pub mod keys;
mod times;

pub use assembler::{LATEST_END, Typing, USUAL_GAP, USUAL_SHORTEST, WedgeAssembler, WedgeSettings};
pub use keys::{InputEvent, Key};

use super::find::{Places, Where};
use super::worker::{Device, Open, Running};
use super::{OnEvent, ScannerEvent, device_file};
use crate::monotonic::Monotonic;
use input_linux::EvdevHandle;
use keys::EVENT_BYTES;
use std::fs::File;
use std::io;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// A scanner that behaves as a keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WedgeScannerConfig {
    /// Which device.
    pub device: Where,
    /// Where devices are listed.
    pub places: Places,
    /// How its keys become scans.
    pub settings: WedgeSettings,
    /// Hold the device for us alone; without that it is not read. False only for a file that is no input device, such
    /// as a pipe from a program that holds the device itself.
    pub exclusive: bool,
}

/// A running scanner; dropping it stops its thread and gives the keyboard back.
#[derive(Debug)]
pub struct WedgeScanner {
    _running: Running,
}

impl WedgeScanner {
    /// Starts a thread that holds the device, reports what is scanned and what is typed, and opens the device again
    /// after 0.25 to 5 seconds whenever it is lost.
    ///
    /// # Errors
    /// When the system has no thread left. A missing device is no error but an event.
    pub fn spawn(config: WedgeScannerConfig, clock: Monotonic, on_event: OnEvent) -> io::Result<Self> {
        Running::start(config, clock, on_event).map(|running| Self { _running: running })
    }
}

impl Device for WedgeScannerConfig {
    type Open = OpenKeyboard;

    fn open(&mut self) -> io::Result<OpenKeyboard> {
        let path = self.places.keyboard(&self.device)?;
        let mut file = device_file::open(&path)?;
        if self.exclusive {
            file = hold(file).map_err(|error| {
                let what = format!("{} cannot be held for the till alone: {error}", path.display());
                io::Error::new(error.kind(), what)
            })?;
            drop_what_came_before(&mut file)?;
        }
        Ok(OpenKeyboard {
            file,
            assembler: WedgeAssembler::new(self.settings.clone()),
            bytes: Zeroizing::new(Vec::with_capacity(CHUNK + EVENT_BYTES)),
            chunk: Zeroizing::new([0; CHUNK]),
        })
    }
}

const CHUNK: usize = 64 * EVENT_BYTES;
/// A bit for each key that there is.
const KEYS_BYTES: usize = 0x300 / 8;

/// Takes the device for us alone. Not while a key is down: whoever heard it go down would never hear it go up again, and
/// take it for held for ever.
fn hold(file: File) -> io::Result<File> {
    let device = EvdevHandle::new(file);
    let mut down = [0; KEYS_BYTES];
    device.key_state(&mut down)?;
    if down.iter().any(|keys| *keys != 0) {
        return Err(io::Error::new(io::ErrorKind::WouldBlock, "a key is held down; let go of it"));
    }
    // Otherwise the times are those of the wall clock, which is set now and then. A device that refuses it is read all the
    // same: its times are watched for steps.
    if let Err(error) = device.set_clock_id(libc::CLOCK_MONOTONIC) {
        tracing::info!(%error, "the keyboard's times are those of the wall clock");
    }
    device.grab(true)?;
    Ok(device.into_inner())
}

/// Input from before we listened belongs to no customer of ours.
fn drop_what_came_before(file: &mut File) -> io::Result<()> {
    let mut old = Zeroizing::new([0; CHUNK]);
    while device_file::read(file, old.as_mut_slice(), Duration::ZERO)?.is_some() {}
    Ok(())
}

/// A device that we hold.
pub struct OpenKeyboard {
    file: File,
    assembler: WedgeAssembler,
    /// Of an event that came in pieces.
    bytes: Zeroizing<Vec<u8>>,
    chunk: Zeroizing<[u8; CHUNK]>,
}

impl Open for OpenKeyboard {
    fn hear(&mut self, wait: Duration, clock: &Monotonic) -> io::Result<()> {
        let began = clock.now();
        let Some(count) = device_file::read(&mut self.file, self.chunk.as_mut_slice(), wait)? else {
            self.assembler.handle_quiet(began);
            self.assembler.handle_time(clock.now());
            return Ok(());
        };
        let now = clock.now();
        self.bytes.extend_from_slice(&self.chunk[..count]);
        let (events, rest) = self.bytes.as_chunks::<EVENT_BYTES>();
        if let Some(last) = events.last() {
            self.assembler.handle_read(&InputEvent::from_bytes(last), now);
        }
        for event in events {
            self.assembler.handle_event(&InputEvent::from_bytes(event), now);
        }
        let (whole, left) = (self.bytes.len() - rest.len(), rest.len());
        self.bytes.copy_within(whole.., 0);
        self.bytes[left..].zeroize();
        self.bytes.truncate(left);
        self.chunk[..count].zeroize();
        Ok(())
    }

    fn due(&self) -> Option<Duration> {
        self.assembler.poll_timeout()
    }

    fn lost(&mut self) {
        self.assembler.handle_device_lost();
    }

    fn next(&mut self) -> Option<ScannerEvent> {
        self.assembler.poll_output()
    }
}
