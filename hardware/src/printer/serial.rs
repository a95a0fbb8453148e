//! Printers on a serial line, real or over USB.

use super::job::EscPosPrinter;
use super::network::none_in_time;
use super::session::{Link, Transport};
use crate::escpos::profile::Profile;
use crate::monotonic::Monotonic;
use crate::serial_line::SerialLine;
use serialport::{SerialPort as _, TTYPort};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

/// A printer on a serial line.
pub type SerialPrinter = EscPosPrinter<SerialLine>;

impl SerialPrinter {
    /// A printer at the end of `line`.
    #[must_use]
    pub fn new(line: SerialLine, profile: Profile, clock: Monotonic) -> Self {
        Self::with_transport(line, profile, clock)
    }
}

impl Transport for SerialLine {
    type Link = SerialLink;

    fn open(&mut self) -> io::Result<SerialLink> {
        // Before the port, which then shuts others out.
        let writer = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(&self.path)?;
        let port = SerialLine::open(self, PAUSE)?;
        Ok(SerialLink { port, writer })
    }

    fn bytes_per_second(&self) -> u32 {
        SerialLine::bytes_per_second(self)
    }

    fn stays_open(&self) -> bool {
        true
    }

    fn connects(&self) -> bool {
        false
    }

    fn notices_loss(&self) -> bool {
        false
    }

    fn reopen_pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// An open serial line.
///
/// Written through a file of its own that does not block: a port's own write waits without end when the
/// printer says "wait" and then is switched off.
#[derive(Debug)]
pub struct SerialLink {
    port: TTYPort,
    writer: File,
}

/// How long to wait before trying to send again on a line that takes nothing.
const PAUSE: Duration = Duration::from_millis(5);

impl Link for SerialLink {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        let mut waited = Duration::ZERO;
        loop {
            let count = none_in_time(self.writer.write(bytes))?;
            if count > 0 || waited >= wait {
                return Ok(count);
            }
            std::thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.port.set_timeout(wait)?;
        match self.port.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            other => none_in_time(other),
        }
    }
}
