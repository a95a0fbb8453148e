//! Printers of the USB printer class, whose device file is `/dev/usb/lp0` and the like.

mod find;

use super::job::EscPosPrinter;
use super::network::none_in_time;
use super::session::{Link, Transport};
use crate::escpos::profile::Profile;
use crate::monotonic::Monotonic;
use crate::scanner::{Places, Where};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// How long to wait before trying again on a line that gives or takes nothing.
const PAUSE: Duration = Duration::from_millis(5);
/// What such a printer takes at the least, in bytes per second.
const SLOWEST: u32 = 100_000;

/// The way to a printer of the USB printer class. Nothing but the file is needed: no driver, no rights beyond those of
/// the group `lp`.
#[derive(Clone, Debug)]
pub struct UsbPort {
    device: Where,
    places: Places,
}

/// A printer of the USB printer class.
pub type UsbPrinter = EscPosPrinter<UsbPort>;

impl UsbPrinter {
    /// A printer at `path`, such as `/dev/usb/lp0`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, profile: Profile, clock: Monotonic) -> Self {
        Self::at(Where::Path(path.into()), Places::default(), profile, clock)
    }

    /// The printer that this is, whatever number its file has: it is looked for anew whenever it is opened.
    #[must_use]
    pub fn at(device: Where, places: Places, profile: Profile, clock: Monotonic) -> Self {
        Self::with_transport(UsbPort { device, places }, profile, clock)
    }
}

impl Transport for UsbPort {
    type Link = UsbLink;

    fn open(&mut self) -> io::Result<UsbLink> {
        let path = find::file_of(&self.device, &self.places)?;
        // Without blocking: a printer without paper takes nothing, for hours.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(&path)?;
        if find::file_of(&self.device, &self.places)? != path {
            // Another took its number in between.
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut link = UsbLink { file };
        // What was said before we asked; printers whose answers nobody fetches stop in the end.
        let mut old = [0; 256];
        while link.receive(&mut old, Duration::ZERO)? > 0 {}
        Ok(link)
    }

    fn bytes_per_second(&self) -> u32 {
        SLOWEST
    }

    fn stays_open(&self) -> bool {
        true
    }

    fn connects(&self) -> bool {
        false
    }

    fn notices_loss(&self) -> bool {
        true
    }

    fn reopen_pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// An open device file.
#[derive(Debug)]
pub struct UsbLink {
    file: File,
}

impl UsbLink {
    /// Tries until something moved or the time is over.
    fn until(
        &mut self,
        wait: Duration,
        mut move_some: impl FnMut(&mut File) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut waited = Duration::ZERO;
        loop {
            let count = none_in_time(move_some(&mut self.file))?;
            if count > 0 || waited >= wait {
                return Ok(count);
            }
            std::thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }
}

impl Link for UsbLink {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        self.until(wait, |file| file.write(bytes))
    }

    /// Nothing read is nothing said: a printer that is gone fails.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.until(wait, |file| file.read(buffer))
    }

    /// Without blocking, the system says "written" of a transfer that is still under way, and ends it there when the file
    /// is closed. It can be written to again once the transfer is over.
    fn drain(&mut self, wait: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut wanted = [PollFd::new(&self.file, PollFlags::OUT)];
        match poll(&mut wanted, Some(&limit)) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let seen = wanted[0].revents();
        if seen.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(seen.contains(PollFlags::OUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    #[test]
    fn what_was_written_is_waited_for_before_the_file_may_be_closed() {
        let (mut printer, file) = io::pipe().unwrap();
        let file = File::from(OwnedFd::from(file));
        rustix::io::ioctl_fionbio(&file, true).unwrap();
        let mut link = UsbLink { file };
        assert!(link.drain(Duration::ZERO).unwrap(), "nothing is under way");
        while link.send(&[b'x'; 512], Duration::ZERO).unwrap() > 0 {}
        assert!(!link.drain(Duration::from_millis(10)).unwrap(), "the printer has taken nothing");
        let reader = std::thread::spawn(move || {
            let mut taken = [0; 65_536];
            while printer.read(&mut taken).is_ok_and(|count| count > 0) {}
        });
        assert!(link.drain(Duration::from_secs(10)).unwrap(), "the printer takes all");
        drop(link);
        reader.join().unwrap();
    }

    #[test]
    fn a_printer_that_is_gone_is_not_waited_for() {
        let (printer, file) = io::pipe().unwrap();
        drop(printer);
        let mut link = UsbLink { file: File::from(OwnedFd::from(file)) };
        assert!(link.drain(Duration::from_secs(10)).is_err());
    }
}
