//! A clock that is wrong, and whose error changes while programs run: as when somebody sets it, or a battery is
//! empty and the time comes from the net a while later.

use super::Failure;
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The machine's clock, set ahead or back by what a file says at the time. The monotonic clock is never turned.
#[derive(Clone, Debug)]
pub struct TurnedClock {
    ahead_ms: i64,
    file: Option<PathBuf>,
}

impl TurnedClock {
    /// Ahead by so many milliseconds, and by as many more as the file says, if it is there.
    #[must_use]
    pub fn new(ahead_ms: i64, file: Option<PathBuf>) -> Self {
        Self { ahead_ms, file }
    }

    fn error_ms(&self) -> i64 {
        let text = self.file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        self.ahead_ms + text.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(0)
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0.saturating_add(self.error_ms()))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// The hand that turns clocks which look at this file, in one step.
#[derive(Clone, Debug)]
pub struct ClockHand(PathBuf);

impl ClockHand {
    /// A hand on a clock that is right.
    /// # Errors
    /// The file cannot be written.
    pub fn new(file: &Path) -> Result<Self, Failure> {
        let hand = Self(file.into());
        hand.turn(0)?;
        Ok(hand)
    }

    /// The file that the clock looks at.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0
    }

    /// A clock under this hand.
    #[must_use]
    pub fn clock(&self) -> TurnedClock {
        TurnedClock::new(0, Some(self.0.clone()))
    }

    /// From now on the clock is ahead by so many milliseconds; below zero: behind.
    /// # Errors
    /// The file cannot be written.
    pub fn turn(&self, ahead_ms: i64) -> Result<(), Failure> {
        let new = self.0.with_extension("new");
        fs::write(&new, ahead_ms.to_string()).map_err(Failure::file(&new))?;
        fs::rename(&new, &self.0).map_err(Failure::file(&self.0))
    }
}
