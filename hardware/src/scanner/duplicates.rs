//! The same code read twice in one go. Pure.

use super::ScanText;
use std::time::Duration;

/// The longest time in which the same code twice may be taken for one scan.
pub const LONGEST_DUPLICATE_WINDOW: Duration = Duration::from_millis(300);

/// Remembers the last code for as long as it may come again unmeant.
#[derive(Debug)]
pub(super) struct Duplicates {
    window: Duration,
    last: Option<(ScanText, Duration)>,
}

impl Duplicates {
    pub(super) fn new(window: Duration) -> Self {
        Self { window: window.min(LONGEST_DUPLICATE_WINDOW), last: None }
    }

    /// Whether this is not the last code once more.
    pub(super) fn is_new(&mut self, text: &ScanText, now: Duration) -> bool {
        if self.window.is_zero() {
            return true;
        }
        if self.last.as_ref().is_some_and(|(last, until)| now < *until && last.same_as(text)) {
            return false;
        }
        self.last = Some((text.duplicate(), now.saturating_add(self.window)));
        true
    }

    pub(super) fn pass_time(&mut self, now: Duration) {
        if self.due().is_some_and(|until| now >= until) {
            self.forget();
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.last.as_ref().map(|(_, until)| *until)
    }

    pub(super) fn forget(&mut self) {
        self.last = None;
    }
}
