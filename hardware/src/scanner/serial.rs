//! The driver of a scanner on a serial line, real or over USB (CDC ACM).

use super::assembler::{Assembler, AssemblerConfig};
use super::trim::Trim;
use super::worker::{Device, Open, Running};
use super::{OnEvent, ScannerEvent};
use crate::monotonic::Monotonic;
use crate::serial_line::SerialLine;
use serialport::{SerialPort as _, TTYPort};
use std::io::{self, Read as _};
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// A scanner on a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialScannerConfig {
    /// The line.
    pub line: SerialLine,
    /// How bytes become scans.
    pub assembler: AssemblerConfig,
    /// What the scanner was set to put around each code.
    pub trim: Trim,
}

impl SerialScannerConfig {
    /// A scanner with the usual settings: scans end with a terminator, no duplicates are dropped.
    #[must_use]
    pub fn new(line: SerialLine) -> Self {
        Self { line, assembler: AssemblerConfig::default(), trim: Trim::default() }
    }
}

/// A running scanner; dropping it stops its thread and closes the line.
#[derive(Debug)]
pub struct SerialScanner {
    _running: Running,
}

impl SerialScanner {
    /// Starts a thread that opens the line, reports what is scanned, and opens the line again after 0.25 to 5
    /// seconds whenever it is lost.
    ///
    /// # Errors
    /// When the system has no thread left. A missing device is no error but an event.
    pub fn spawn(config: SerialScannerConfig, clock: Monotonic, on_event: OnEvent) -> io::Result<Self> {
        Running::start(config, clock, on_event).map(|running| Self { _running: running })
    }
}

impl Device for SerialScannerConfig {
    type Open = OpenLine;

    fn open(&mut self) -> io::Result<OpenLine> {
        Ok(OpenLine {
            port: self.line.open(super::worker::READ_WAIT)?,
            assembler: Assembler::new(self.assembler),
            trim: self.trim.clone(),
            chunk: Zeroizing::new([0; 1024]),
        })
    }
}

/// A line that is open.
pub struct OpenLine {
    port: TTYPort,
    assembler: Assembler,
    trim: Trim,
    chunk: Zeroizing<[u8; 1024]>,
}

impl Open for OpenLine {
    fn hear(&mut self, wait: Duration, clock: &Monotonic) -> io::Result<()> {
        self.port.set_timeout(wait)?;
        match self.port.read(self.chunk.as_mut_slice()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.assembler.handle_bytes(&self.chunk[..count], clock.now());
                self.chunk[..count].zeroize();
            }
            Err(error) if is_passing(&error) => self.assembler.handle_time(clock.now()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn due(&self) -> Option<Duration> {
        self.assembler.poll_timeout()
    }

    fn lost(&mut self) {
        self.assembler.handle_line_lost();
    }

    fn next(&mut self) -> Option<ScannerEvent> {
        self.assembler.poll_output().map(|item| self.trim.event(item))
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
