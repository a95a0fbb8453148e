//! Printers on the network, port 9100.

use super::job::EscPosPrinter;
use super::session::{Link, Transport};
use crate::escpos::profile::Profile;
use crate::monotonic::Monotonic;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// A printer in the shop's own network answers at once or not at all.
const CONNECT_WAIT: Duration = Duration::from_secs(1);
/// Some printers need a moment between two connections.
const REOPEN_PAUSE: Duration = Duration::from_millis(200);
/// What such a printer takes at the least, in bytes per second; its own buffer is the limit, not the network.
const SLOWEST: u32 = 10_000;

/// The way to a printer on the network. The line is closed after every job: most printers serve one at a
/// time, and another till may be waiting.
#[derive(Clone, Debug)]
pub struct Network {
    address: String,
}

/// A printer on the network.
pub type NetworkPrinter = EscPosPrinter<Network>;

impl NetworkPrinter {
    /// A printer at `address`, such as `10.0.0.9:9100`.
    #[must_use]
    pub fn new(address: impl Into<String>, profile: Profile, clock: Monotonic) -> Self {
        Self::with_transport(Network { address: address.into() }, profile, clock)
    }
}

impl Transport for Network {
    type Link = NetworkLink;

    fn open(&mut self) -> io::Result<NetworkLink> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_WAIT) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(NetworkLink { stream });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn bytes_per_second(&self) -> u32 {
        SLOWEST
    }

    fn stays_open(&self) -> bool {
        false
    }

    fn connects(&self) -> bool {
        true
    }

    fn notices_loss(&self) -> bool {
        true
    }

    fn reopen_pause(&self) -> Duration {
        REOPEN_PAUSE
    }
}

/// An open connection.
#[derive(Debug)]
pub struct NetworkLink {
    stream: TcpStream,
}

/// The shortest time-out that sockets take.
const INSTANT: Duration = Duration::from_millis(1);

impl Link for NetworkLink {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(wait.max(INSTANT)))?;
        none_in_time(self.stream.write(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(wait.max(INSTANT)))?;
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            other => none_in_time(other),
        }
    }
}

impl Drop for NetworkLink {
    /// Says goodbye in order: a connection torn down may take with it what the printer has not read yet.
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

pub(super) fn none_in_time(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ) =>
        {
            Ok(0)
        }
        other => other,
    }
}
