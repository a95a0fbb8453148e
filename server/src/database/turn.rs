//! How long what is to be written waits for its turn: between being taken and being begun.

use evertill_shared::clock::{Clock, SystemClock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Something in a queue, and since when.
pub(super) struct Queued<T> {
    what: T,
    since: Duration,
}

impl<T> Queued<T> {
    /// Puts it there now.
    pub(super) fn now(what: T) -> Self {
        Self { what, since: SystemClock.monotonic() }
    }

    /// Its turn has come, which is counted.
    pub(super) fn begins(self, waits: &Waits) -> T {
        waits.add(SystemClock.monotonic().saturating_sub(self.since));
        self.what
    }
}

/// The sum of all waits since the start.
#[derive(Default)]
pub(super) struct Waits {
    micros: AtomicU64,
}

impl Waits {
    fn add(&self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}
