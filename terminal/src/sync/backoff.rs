//! When to try again.

use super::NetError;
use std::time::Duration;

/// A source of chance: any number; its last three digits count.
pub type Jitter = Box<dyn FnMut() -> u32 + Send>;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A server may ask to be left alone for so long at most: a wrong answer must not silence a till for a day.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// What a request that went well adds to the budget of retries, and what a retry takes from it: one in ten.
const EARNED: u32 = 1;
const COST: u32 = 10;
/// The fullest budget: ten retries.
const FULLEST: u32 = 10 * COST;
/// A request that nobody answers is taken as lost after this: the client's own time-outs are far shorter.
const LOST_AFTER: Duration = Duration::from_secs(90);

/// Pauses that double, with chance in them, so that all tills of a shop do not come back at the same moment.
///
/// Retries are a small part of what a till sends: each request that goes well earns a tenth of one. Whoever has used
/// them up waits the longest pause before the next, so that tills do not add to the trouble of a server in trouble.
pub struct Backoff {
    jitter: Jitter,
    budget: u32,
}

impl Backoff {
    /// Pauses with chance from this source.
    #[must_use]
    pub fn new(jitter: Jitter) -> Self {
        Self { jitter, budget: FULLEST }
    }

    /// A request went well.
    pub fn earned(&mut self) {
        self.budget = (self.budget + EARNED).min(FULLEST);
    }

    /// The pause before the next try after so many failures in a row, the last one with this error: never shorter
    /// than the server asked for.
    pub fn retry(&mut self, failures: u32, error: &NetError) -> Duration {
        let own = match self.budget.checked_sub(COST) {
            Some(left) => {
                self.budget = left;
                self.after(failures)
            }
            None => self.after(u32::MAX),
        };
        error.retry_after().map_or(own, |asked| own.max(self.asked(asked)))
    }

    /// A pause that the server asked for: all of it, and up to half of it more, so that those who were refused
    /// together do not come back together.
    pub fn asked(&mut self, asked: Duration) -> Duration {
        asked.min(LONGEST_ASKED) * (1_000 + (self.jitter)() % 501) / 1_000
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
    use evertill_shared::clock::Timestamp;
    use evertill_shared::protocol::error::{ApiError, ErrorCode};

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

    fn refused(retry_after_ms: Option<u64>) -> NetError {
        NetError::Refused(ApiError {
            code: ErrorCode::Overloaded,
            message: "later".into(),
            server_time: Timestamp(0),
            retry_after_ms,
        })
    }

    #[test]
    fn a_pause_that_the_server_asks_for_is_kept_and_spread() {
        let mut low = Backoff::new(Box::new(|| 0));
        let mut high = Backoff::new(Box::new(|| 500));
        let error = refused(Some(8_000));
        assert_eq!(low.retry(0, &error), Duration::from_secs(8));
        assert_eq!(high.retry(0, &error), Duration::from_secs(12));
        assert_eq!(low.retry(60, &refused(Some(1_000))), LONGEST / 2, "the till's own pause is longer");
        assert_eq!(low.retry(0, &refused(Some(86_400_000))), LONGEST_ASKED);
        assert_eq!(low.retry(0, &refused(None)), FIRST / 2);
    }

    #[test]
    fn retries_are_a_tenth_of_what_goes_well() {
        let mut backoff = Backoff::new(Box::new(|| 500));
        let error = NetError::NoAnswer("time-out".into());
        let mut quick = 0;
        // Every second request fails once: far more than one in ten.
        for _ in 0..1_000 {
            backoff.earned();
            quick += u32::from(backoff.retry(0, &error) < LONGEST);
        }
        assert!((100..=112).contains(&quick), "{quick} quick retries for 1000 requests that went well");
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
