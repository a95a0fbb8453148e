//! A device file with a plug that can be pulled: what is written at once is read at once, as from the kernel's devices.

use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const PAUSE: Duration = Duration::from_millis(2);
/// How long a write may wait for the other end to read.
const WRITE_PAUSES: u32 = 1000;

/// The device's end. The program's end is opened by its path.
#[derive(Debug)]
pub struct Plug {
    _folder: TempDir,
    path: PathBuf,
    ends: Option<(File, OwnedFd)>,
}

impl Plug {
    /// A device that is plugged in; its path ends with `name`.
    ///
    /// # Errors
    /// When the system has no pipe left.
    pub fn new(name: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        let mut plug = Self { _folder: folder, path, ends: None };
        plug.plug()?;
        Ok(plug)
    }

    /// Where the program opens the device: a link, as udev makes them.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the plug in.
    ///
    /// # Errors
    /// When the system has no pipe left.
    pub fn plug(&mut self) -> io::Result<()> {
        if self.ends.is_some() {
            return Ok(());
        }
        // In packets: a read gives what one write put in, never more.
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK | PipeFlags::DIRECT)?;
        let end = format!("/proc/{}/fd/{}", std::process::id(), read.as_raw_fd());
        std::os::unix::fs::symlink(end, &self.path)?;
        self.ends = Some((File::from(write), read));
        Ok(())
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        if self.ends.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Gives this to the program, in one read.
    ///
    /// # Errors
    /// When the plug is out, or nobody has read for long.
    pub fn write(&mut self, packet: &[u8]) -> io::Result<()> {
        let (write, _) = self.ends.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut pauses = 0;
        loop {
            // All of it or nothing: it is one packet.
            match write.write_all(packet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && pauses < WRITE_PAUSES => {
                    pauses += 1;
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }
}
