//! Virtual time: the runtime's paused clock, and wall clocks that hang on it and can be set wrong.

use evertill_shared::clock::{Clock, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A machine's clock in the world.
#[derive(Debug)]
pub struct WorldClock {
    start: Instant,
    began: Timestamp,
    /// How far the wall clock is off, in milliseconds.
    off_ms: AtomicI64,
}

impl WorldClock {
    /// A clock that is right. Only within a runtime.
    pub fn new(start: Instant, began: Timestamp) -> Self {
        Self { start, began, off_ms: AtomicI64::new(0) }
    }

    /// Sets the wall clock ahead or back.
    pub fn step(&self, by_ms: i64) {
        self.off_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Puts the wall clock right.
    pub fn put_right(&self) {
        self.off_ms.store(0, Ordering::Relaxed);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.began.0 + passed + self.off_ms.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        // A machine that has just started would make deadlines of the first minute special.
        self.start.elapsed() + Duration::from_secs(1_000)
    }
}
