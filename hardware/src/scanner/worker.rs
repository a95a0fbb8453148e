//! The thread of a scanner: opens the device, reports what is scanned, and opens it again whenever it is lost.

use super::{OnEvent, ScannerEvent};
use crate::monotonic::Monotonic;
use crate::retry::{Retry, STAYS};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a read may wait, and so how long a stop takes at most.
pub(super) const READ_WAIT: Duration = Duration::from_millis(100);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// A device that may be there or not.
pub(super) trait Device: Send + 'static {
    type Open: Open;

    /// Opens it, for us alone.
    fn open(&mut self) -> io::Result<Self::Open>;
}

/// A device that is there.
pub(super) trait Open {
    /// Waits so long at most, and takes in what came or that nothing came.
    fn hear(&mut self, wait: Duration, clock: &Monotonic) -> io::Result<()>;

    /// When time alone changes something.
    fn due(&self) -> Option<Duration>;

    /// The device is gone: nothing from before joins what comes after.
    fn lost(&mut self);

    /// The next thing to tell, oldest first.
    fn next(&mut self) -> Option<ScannerEvent>;
}

/// A running scanner; dropping it stops its thread and closes the device.
#[derive(Debug)]
pub(super) struct Running {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start<D: Device>(device: D, clock: Monotonic, on_event: OnEvent) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("scanner".into())
            .spawn(move || Worker { device, clock, on_event, stopped }.run())?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Running {
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

struct Worker<D> {
    device: D,
    clock: Monotonic,
    on_event: OnEvent,
    stopped: Receiver<()>,
}

impl<D: Device> Worker<D> {
    fn run(mut self) {
        let mut retry = Retry::default();
        loop {
            let heard = self.device.open().and_then(|open| self.listen(open, &mut retry));
            let Err(error) = heard else { return };
            if retry.is_news() {
                (self.on_event)(ScannerEvent::Disconnected { reason: error.to_string() });
            }
            if self.stopped.recv_timeout(retry.pause()) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Listens until told to stop (`Ok`) or until the device is lost.
    fn listen(&mut self, mut open: D::Open, retry: &mut Retry) -> io::Result<()> {
        let opened = self.clock.now();
        let mut said = false;
        let lost = loop {
            if self.stopped.recv_timeout(Duration::ZERO) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            let longest = if said { READ_WAIT } else { Duration::ZERO };
            let wait = open.due().map_or(longest, |at| at.saturating_sub(self.clock.now()).min(longest));
            let heard = open.hear(wait.max(SHORTEST_WAIT), &self.clock);
            if heard.is_ok() && !said {
                // Some can be opened, and die of the first read.
                said = true;
                retry.said_to_be_there();
                (self.on_event)(ScannerEvent::Connected);
            }
            let reported = self.report(&mut open);
            if let Err(error) = heard {
                break error;
            }
            if reported || self.clock.now().saturating_sub(opened) >= STAYS {
                retry.works();
            }
        };
        open.lost();
        self.report(&mut open);
        Err(lost)
    }

    /// Whether there was anything to report.
    fn report(&mut self, open: &mut D::Open) -> bool {
        let mut any = false;
        while let Some(event) = open.next() {
            any = true;
            (self.on_event)(event);
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::ScanText;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A device that can be opened, and dies of the first read so many times before it gives a code.
    struct Dying(u32);

    struct Opened {
        dies: bool,
        code: Option<ScanText>,
    }

    impl Device for Dying {
        type Open = Opened;

        fn open(&mut self) -> io::Result<Opened> {
            let dies = self.0 > 0;
            self.0 = self.0.saturating_sub(1);
            Ok(Opened { dies, code: Some(ScanText::new("96385074".into())) })
        }
    }

    impl Open for Opened {
        fn hear(&mut self, _wait: Duration, _clock: &Monotonic) -> io::Result<()> {
            if self.dies { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }

        fn due(&self) -> Option<Duration> {
            None
        }

        fn lost(&mut self) {
            self.code = None;
        }

        fn next(&mut self) -> Option<ScannerEvent> {
            if self.dies { None } else { self.code.take().map(ScannerEvent::Scanned) }
        }
    }

    #[test]
    fn a_device_that_dies_as_soon_as_it_is_opened_is_told_of_once() {
        let (send, events) = channel();
        let ticks = AtomicU64::new(0);
        let clock = Monotonic::new(move || Duration::from_millis(ticks.fetch_add(1, Ordering::Relaxed)));
        let _running =
            Running::start(Dying(2), clock, Box::new(move |event| drop(send.send(event)))).unwrap();
        let next = || events.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(matches!(next(), ScannerEvent::Disconnected { .. }));
        assert!(matches!(next(), ScannerEvent::Connected));
        assert!(matches!(next(), ScannerEvent::Scanned(_)));
    }
}
