//! Barcode scanners that behave, or misbehave, as asked: on a serial line, as a keyboard, by USB reports.

pub mod hid_pos;
pub mod plug;
pub mod pty;
pub mod wedge;

use pty::Pty;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What a scanner sends after a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// CR.
    Cr,
    /// LF.
    Lf,
    /// CR LF.
    CrLf,
    /// TAB.
    Tab,
    /// Nothing.
    None,
}

impl Terminator {
    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Tab => b"\t",
            Self::None => b"",
        }
    }
}

/// A scanner on a pseudo terminal.
#[derive(Debug)]
pub struct ScannerEmulator {
    line: Pty,
    terminator: Terminator,
}

impl ScannerEmulator {
    /// A scanner that is plugged in.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn new(terminator: Terminator) -> io::Result<Self> {
        Ok(Self { line: Pty::new("scanner")?, terminator })
    }

    /// Where the program opens the line.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.line.path()
    }

    /// Reads a code.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn scan(&mut self, code: &str) -> io::Result<()> {
        self.scan_all(&[code])
    }

    /// Reads several codes so fast that they arrive as one piece.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn scan_all(&mut self, codes: &[&str]) -> io::Result<()> {
        let bytes: Vec<u8> =
            codes.iter().flat_map(|code| [code.as_bytes(), self.terminator.bytes()].concat()).collect();
        self.line.write(&bytes)
    }

    /// Reads a code that arrives in pieces of `size` bytes with pauses between them; the terminator may be
    /// parted as well.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn scan_in_pieces(&mut self, code: &str, size: usize, pause: Duration) -> io::Result<()> {
        let bytes = [code.as_bytes(), self.terminator.bytes()].concat();
        for piece in bytes.chunks(size.max(1)) {
            self.line.write(piece)?;
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// Sends bytes as they are: noise, halves, the wrong thing.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write(bytes)
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        self.line.unplug();
    }

    /// Puts the plug back in; the path is the same again.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn plug(&mut self) -> io::Result<()> {
        self.line.plug()
    }
}
