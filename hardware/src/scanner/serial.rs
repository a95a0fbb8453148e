//! The driver of a scanner on a serial line, real or over USB (CDC ACM).

use super::assembler::{Assembled, Assembler, AssemblerConfig};
use super::{OnEvent, ScannerEvent};
use crate::monotonic::Monotonic;
use crate::serial_line::SerialLine;
use serialport::{SerialPort as _, TTYPort};
use std::io::{self, Read as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

const FIRST_RETRY: Duration = Duration::from_millis(250);
const SLOWEST_RETRY: Duration = Duration::from_secs(5);
/// How long a read may wait, and so how long a stop takes at most.
const READ_WAIT: Duration = Duration::from_millis(100);

/// A scanner on a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialScannerConfig {
    /// The line.
    pub line: SerialLine,
    /// How bytes become scans.
    pub assembler: AssemblerConfig,
}

impl SerialScannerConfig {
    /// A scanner with the usual settings: scans end with a terminator, no duplicates are dropped.
    #[must_use]
    pub fn new(line: SerialLine) -> Self {
        Self { line, assembler: AssemblerConfig::default() }
    }
}

/// A running scanner; dropping it stops its thread and closes the line.
#[derive(Debug)]
pub struct SerialScanner {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SerialScanner {
    /// Starts a thread that opens the line, reports what is scanned, and opens the line again after 0.25 to 5
    /// seconds whenever it is lost.
    ///
    /// # Errors
    /// When the system has no thread left. A missing device is no error but an event.
    pub fn spawn(config: SerialScannerConfig, clock: Monotonic, on_event: OnEvent) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("scanner".into())
            .spawn(move || Worker { config, clock, on_event, stopped }.run())?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for SerialScanner {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the scanner thread ended by a panic");
        }
    }
}

struct Worker {
    config: SerialScannerConfig,
    clock: Monotonic,
    on_event: OnEvent,
    stopped: Receiver<()>,
}

impl Worker {
    fn run(mut self) {
        let mut retry = FIRST_RETRY;
        let mut told = false;
        loop {
            let reason = match self.config.line.open(READ_WAIT) {
                Ok(port) => {
                    retry = FIRST_RETRY;
                    told = false;
                    (self.on_event)(ScannerEvent::Connected);
                    match self.read(port) {
                        Ok(()) => return,
                        Err(error) => error.to_string(),
                    }
                }
                Err(error) => error.to_string(),
            };
            // Told once per loss, not at each attempt: this goes on all day when no scanner is plugged in.
            if !told {
                told = true;
                (self.on_event)(ScannerEvent::Disconnected { reason });
            }
            if self.stopped.recv_timeout(retry) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            retry = (retry * 2).min(SLOWEST_RETRY);
        }
    }

    /// Reads until told to stop (`Ok`) or until the line is lost.
    fn read(&mut self, mut port: TTYPort) -> io::Result<()> {
        let mut assembler = Assembler::new(self.config.assembler);
        let mut chunk = Zeroizing::new([0_u8; 1024]);
        let lost = loop {
            if self.stopped.recv_timeout(Duration::ZERO) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            let wait = assembler.poll_timeout().map_or(READ_WAIT, |at| at.saturating_sub(self.clock.now()));
            port.set_timeout(wait.clamp(Duration::from_millis(1), READ_WAIT))?;
            match port.read(chunk.as_mut_slice()) {
                Ok(0) => break io::Error::from(io::ErrorKind::UnexpectedEof),
                Ok(count) => {
                    assembler.handle_bytes(&chunk[..count], self.clock.now());
                    chunk[..count].zeroize();
                }
                Err(error) if is_passing(&error) => assembler.handle_time(self.clock.now()),
                Err(error) => break error,
            }
            self.report(&mut assembler);
        };
        assembler.handle_line_lost();
        self.report(&mut assembler);
        Err(lost)
    }

    fn report(&mut self, assembler: &mut Assembler) {
        while let Some(item) = assembler.poll_output() {
            (self.on_event)(match item {
                Assembled::Scan(text) => ScannerEvent::Scanned(text),
                Assembled::Refused(reason) => ScannerEvent::ScanRefused { reason },
            });
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
