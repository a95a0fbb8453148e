//! A pseudo terminal that stands for a serial port: with a path that stays, and a plug that can be pulled.

use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The device's end of a serial line. The program's end is opened by its path.
#[derive(Debug)]
pub struct Pty {
    _folder: TempDir,
    path: PathBuf,
    master: Option<File>,
}

const PAUSE: Duration = Duration::from_millis(2);
/// How long a write may wait for the other end to read.
const WRITE_PAUSES: u32 = 1000;

impl Pty {
    /// A line that is plugged in; its path ends with `name`.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn new(name: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        let mut pty = Self { _folder: folder, path, master: None };
        pty.plug()?;
        Ok(pty)
    }

    /// Where the program opens the line: a link, as udev makes them, which stays when the number changes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the plug in.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn plug(&mut self) -> io::Result<()> {
        if self.master.is_some() {
            return Ok(());
        }
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        // Raw from the start, whoever opens the other end: no echo, no line ends changed.
        let mut modes = tcgetattr(&master)?;
        modes.make_raw();
        tcsetattr(&master, OptionalActions::Now, &modes)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        std::os::unix::fs::symlink(OsStr::from_bytes(name.as_bytes()), &self.path)?;
        self.master = Some(File::from(master));
        Ok(())
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        if self.master.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// What the program sent, without waiting long; zero if nothing, or if nobody has the line open.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.master.as_mut().and_then(|master| master.read(buffer).ok()).unwrap_or(0);
        if count == 0 {
            std::thread::sleep(PAUSE);
        }
        count
    }

    /// Sends all to the program.
    ///
    /// # Errors
    /// When the plug is out, or nobody reads for seconds.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let master = self.master.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut pauses = 0;
        while !bytes.is_empty() {
            match master.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && pauses < WRITE_PAUSES => {
                    pauses += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
