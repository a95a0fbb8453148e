//! The thread of a scanner: opens the device, reports what is scanned, and opens it again whenever it is lost.

use super::{OnEvent, ScannerEvent};
use crate::monotonic::Monotonic;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const FIRST_RETRY: Duration = Duration::from_millis(250);
const SLOWEST_RETRY: Duration = Duration::from_secs(5);
/// How long a read may wait, and so how long a stop takes at most.
pub(super) const READ_WAIT: Duration = Duration::from_millis(100);

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
        let mut retry = FIRST_RETRY;
        let mut told = false;
        loop {
            let reason = match self.device.open() {
                Ok(open) => {
                    retry = FIRST_RETRY;
                    told = false;
                    (self.on_event)(ScannerEvent::Connected);
                    match self.listen(open) {
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

    /// Listens until told to stop (`Ok`) or until the device is lost.
    fn listen(&mut self, mut open: D::Open) -> io::Result<()> {
        let lost = loop {
            if self.stopped.recv_timeout(Duration::ZERO) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            let wait = open.due().map_or(READ_WAIT, |at| at.saturating_sub(self.clock.now()));
            let heard = open.hear(wait.clamp(Duration::from_millis(1), READ_WAIT), &self.clock);
            self.report(&mut open);
            if let Err(error) = heard {
                break error;
            }
        };
        open.lost();
        self.report(&mut open);
        Err(lost)
    }

    fn report(&mut self, open: &mut D::Open) {
        while let Some(event) = open.next() {
            (self.on_event)(event);
        }
    }
}
