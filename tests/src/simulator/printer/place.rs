//! Where a printer stands: on a serial line or on the network.

use crate::simulator::scanner::pty::Pty;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) enum Place {
    Serial(Pty),
    Network(Network),
}

/// A network card that serves one connection; others wait in line.
#[derive(Debug)]
pub(super) struct Network {
    address: SocketAddr,
    listener: Option<TcpListener>,
    connection: Option<TcpStream>,
}

impl Place {
    pub(super) fn serial() -> io::Result<Self> {
        Pty::new("printer").map(Self::Serial)
    }

    pub(super) fn network(address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        Ok((Self::Network(Network { address, listener: Some(listener), connection: None }), address))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Serial(pty) => pty.path(),
            Self::Network(_) => Path::new(""),
        }
    }

    /// Without power there is no line; with it, the same one again.
    pub(super) fn set_power(&mut self, on: bool) -> io::Result<()> {
        match self {
            Self::Serial(pty) if on => pty.plug(),
            Self::Serial(pty) => {
                pty.unplug();
                Ok(())
            }
            Self::Network(network) if on => {
                if network.listener.is_none() {
                    network.listener = Some(listen(network.address)?);
                }
                Ok(())
            }
            Self::Network(network) => {
                network.connection = None;
                network.listener = None;
                Ok(())
            }
        }
    }

    /// What came; zero after a short wait if nothing did.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        if buffer.is_empty() {
            std::thread::sleep(PAUSE);
            return 0;
        }
        match self {
            Self::Serial(pty) => pty.read(buffer),
            Self::Network(network) => network.read(buffer),
        }
    }

    /// Answers; if nobody listens, the answer is lost.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = match self {
            _ if bytes.is_empty() => Ok(()),
            Self::Serial(pty) => pty.write(bytes),
            Self::Network(Network { connection: Some(connection), .. }) => connection.write_all(bytes),
            Self::Network(_) => Ok(()),
        };
    }
}

impl Network {
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        if self.connection.is_none() {
            self.connection = self.listener.as_ref().and_then(|listener| accept(listener).ok());
        }
        let Some(connection) = &mut self.connection else {
            std::thread::sleep(PAUSE);
            return 0;
        };
        match connection.read(buffer) {
            Ok(0) => self.connection = None,
            Ok(count) => return count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => self.connection = None,
        }
        0
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (connection, _) = listener.accept()?;
    connection.set_nonblocking(false)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PAUSE))?;
    Ok(connection)
}
