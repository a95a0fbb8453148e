//! When to try again.

use std::time::Duration;

/// A source of chance: any number; its last three digits count.
pub type Jitter = Box<dyn FnMut() -> u32 + Send>;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A request that nobody answers is taken as lost after this: the client's own time-outs are far shorter.
const LOST_AFTER: Duration = Duration::from_secs(90);

/// Pauses that double, with chance in them, so that all tills of a shop do not come back at the same moment.
pub struct Backoff {
    jitter: Jitter,
}

impl Backoff {
    /// Pauses with chance from this source.
    #[must_use]
    pub fn new(jitter: Jitter) -> Self {
        Self { jitter }
    }

    /// The pause after so many failures in a row: between half of and all of the doubled one.
    pub fn after(&mut self, failures: u32) -> Duration {
        let full = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
        full * (500 + (self.jitter)() % 501) / 1000
    }
}

/// One kind of request.
#[derive(Debug, Default)]
pub struct Task {
    due: Duration,
    sent_at: Option<Duration>,
    failures: u32,
}

impl Task {
    pub fn is_due(&self, now: Duration) -> bool {
        let free = self.sent_at.is_none_or(|sent| now >= sent + LOST_AFTER);
        free && now >= self.due
    }

    /// Starts if it is due.
    pub fn start(&mut self, now: Duration) -> bool {
        let due = self.is_due(now);
        if due {
            self.sent_at = Some(now);
        }
        due
    }

    pub fn succeeded(&mut self, now: Duration, pause: Duration) {
        *self = Self { due: now + pause, sent_at: None, failures: 0 };
    }

    pub fn failed(&mut self, now: Duration, pause: Duration) {
        *self = Self { due: now + pause, sent_at: None, failures: self.failures.saturating_add(1) };
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn hurry(&mut self, now: Duration) {
        self.due = now;
    }

    pub fn hurry_if_well(&mut self, now: Duration) {
        if self.failures == 0 {
            self.due = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_are_never_shorter_than_half() {
        let mut low = Backoff::new(Box::new(|| 0));
        let mut high = Backoff::new(Box::new(|| 500));
        assert_eq!(low.after(0), Duration::from_millis(500));
        assert_eq!(high.after(0), Duration::from_secs(1));
        assert_eq!(high.after(3), Duration::from_secs(8));
        assert_eq!(high.after(60), LONGEST);
        assert_eq!(low.after(60), LONGEST / 2);
    }

    #[test]
    fn one_request_at_a_time_and_a_lost_one_is_asked_again() {
        let mut task = Task::default();
        assert!(task.start(Duration::ZERO));
        assert!(!task.start(Duration::from_secs(5)), "the first is still under way");
        assert!(task.start(LOST_AFTER));
        task.failed(LOST_AFTER, Duration::from_secs(4));
        assert!(!task.is_due(LOST_AFTER + Duration::from_secs(3)));
        assert!(task.is_due(LOST_AFTER + Duration::from_secs(4)));
    }
}
