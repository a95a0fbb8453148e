//! Scanners by USB that are nothing but scanners (HID point-of-sale, usage page 8C), read at `/dev/hidraw…`. They say
//! how long a code is and of what kind, so nothing is told by time.
//!
//! The driver is a thin shell: it reads one report after another, and [`HidPosAssembler`] does the rest.

mod assembler;
mod layout;

pub use assembler::HidPosAssembler;
#[cfg(test)]
pub(super) use layout::DESCRIPTOR_OF_A_SCANNER;
pub use layout::Layout;

use super::find::{Places, Where};
use super::trim::Trim;
use super::worker::{Device, Open, Running};
use super::{OnEvent, ScannerEvent, device_file};
use crate::monotonic::Monotonic;
use std::fs::File;
use std::io;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// A scanner that speaks in reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HidPosScannerConfig {
    /// Which device.
    pub device: Where,
    /// Where devices are listed.
    pub places: Places,
    /// Where a code stands in a report; `None` for where the device itself says.
    pub layout: Option<Layout>,
    /// The same text again within this time is dropped as one scan read twice; zero for never.
    pub duplicate_window: Duration,
    /// What the scanner was set to put around each code.
    pub trim: Trim,
}

/// A running scanner; dropping it stops its thread and closes the device.
#[derive(Debug)]
pub struct HidPosScanner {
    _running: Running,
}

impl HidPosScanner {
    /// Starts a thread that opens the device, reports what is scanned, and opens it again after 0.25 to 5 seconds
    /// whenever it is lost.
    ///
    /// # Errors
    /// When the system has no thread left. A missing device is no error but an event.
    pub fn spawn(config: HidPosScannerConfig, clock: Monotonic, on_event: OnEvent) -> io::Result<Self> {
        Running::start(config, clock, on_event).map(|running| Self { _running: running })
    }
}

/// More than any report of a scanner.
const LONGEST_REPORT: usize = 4096;

impl Device for HidPosScannerConfig {
    type Open = OpenReports;

    fn open(&mut self) -> io::Result<OpenReports> {
        let path = self.places.hid(&self.device)?;
        let unknown = || {
            let what = format!("{} does not describe itself as a scanner", path.display());
            io::Error::new(io::ErrorKind::Unsupported, what)
        };
        let layout = self.layout.clone().or_else(|| self.places.layout(&path)).ok_or_else(unknown)?;
        Ok(OpenReports {
            file: device_file::open(&path)?,
            assembler: HidPosAssembler::new(layout, self.duplicate_window),
            trim: self.trim.clone(),
            report: Zeroizing::new(vec![0; LONGEST_REPORT]),
        })
    }
}

/// A device that is open.
pub struct OpenReports {
    file: File,
    assembler: HidPosAssembler,
    trim: Trim,
    report: Zeroizing<Vec<u8>>,
}

impl Open for OpenReports {
    /// Each read gives one report, whole, as the device sent it.
    fn hear(&mut self, wait: Duration, clock: &Monotonic) -> io::Result<()> {
        match device_file::read(&mut self.file, &mut self.report, wait)? {
            Some(count) => {
                self.assembler.handle_report(&self.report[..count], clock.now());
                self.report[..count].zeroize();
            }
            None => self.assembler.handle_time(clock.now()),
        }
        Ok(())
    }

    fn due(&self) -> Option<Duration> {
        self.assembler.poll_timeout()
    }

    fn lost(&mut self) {
        self.assembler.handle_device_lost();
    }

    fn next(&mut self) -> Option<ScannerEvent> {
        self.assembler.poll_output().map(|item| self.trim.event(item))
    }
}
