//! The failure counter of one group: pure. Time is a parameter (monotonic), and so is randomness.
//!
//! Failures are counted per period. At the limit the group is skipped until the period ends; then one request
//! tests it, and only if that succeeds do others follow. Periods carry jitter, so that several servers do not
//! all try a dead group in the same second.

use std::time::Duration;

/// When a group is skipped, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthLimits {
    /// With this many failures in one period the group is skipped. At least 1.
    pub failures_per_period: u32,
    /// How long a period lasts.
    pub period: Duration,
    /// By how much longer it may last, at random.
    pub jitter: Duration,
    /// After this long a test that nobody reported on counts as abandoned.
    pub test_timeout: Duration,
    /// When no group is healthy, one that failed at least this long ago is tried all the same.
    pub last_resort_after: Duration,
}

/// What may be asked of a group now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Anything.
    Healthy,
    /// One request may test it.
    TestDue,
    /// Nothing new, except as the last resort.
    Skipped {
        /// No group is better, and it has had a rest: worth a try.
        last_resort: bool,
    },
}

/// The counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    limits: HealthLimits,
    failures: u32,
    period_ends: Duration,
    failed_at: Option<Duration>,
    testing_since: Option<Duration>,
}

impl Health {
    /// Of a group that has not failed yet.
    #[must_use]
    pub fn new(limits: HealthLimits, now: Duration, random: u64) -> Self {
        let mut health = Self { limits, failures: 0, period_ends: now, failed_at: None, testing_since: None };
        health.start_period(now, random);
        health
    }

    /// Failures in this period.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether new orders pass the group by, but for a test.
    #[must_use]
    pub fn is_tripped(&self) -> bool {
        self.failures >= self.limits.failures_per_period.max(1)
    }

    /// What may be asked of the group now.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        if !self.is_tripped() {
            return Standing::Healthy;
        }
        let since = |then: Duration| now.saturating_sub(then);
        let being_tested = self.testing_since.is_some_and(|then| since(then) < self.limits.test_timeout);
        if now >= self.period_ends && !being_tested {
            return Standing::TestDue;
        }
        let rested = self.failed_at.is_none_or(|then| since(then) >= self.limits.last_resort_after);
        Standing::Skipped { last_resort: rested && !being_tested }
    }

    /// Claims the group for one request: `false` if another request has claimed its test in the meantime.
    pub fn claim(&mut self, now: Duration, as_last_resort: bool) -> bool {
        match self.standing(now) {
            Standing::Healthy => true,
            Standing::Skipped { last_resort } if !(as_last_resort && last_resort) => false,
            Standing::TestDue | Standing::Skipped { .. } => {
                self.testing_since = Some(now);
                true
            }
        }
    }

    /// A new order was created in the group: it is healthy.
    pub fn succeeded(&mut self, now: Duration, random: u64) {
        if self.is_tripped() {
            self.failures = 0;
            self.start_period(now, random);
        }
        self.testing_since = None;
    }

    /// The group failed.
    pub fn failed(&mut self, now: Duration, random: u64) {
        let tested = self.testing_since.take().is_some();
        if now >= self.period_ends {
            // A test that failed keeps the group out for another period; otherwise counting starts anew.
            self.failures = if self.is_tripped() { self.failures } else { 0 };
            self.start_period(now, random);
        } else if tested {
            self.start_period(now, random);
        }
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
    }

    fn start_period(&mut self, now: Duration, random: u64) {
        let jitter_ms = u64::try_from(self.limits.jitter.as_millis()).unwrap_or(u64::MAX);
        let jitter = random % jitter_ms.saturating_add(1).max(1);
        self.period_ends = now + self.limits.period + Duration::from_millis(jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn limits() -> HealthLimits {
        HealthLimits {
            failures_per_period: 3,
            period: ms(60_000),
            jitter: ms(10_000),
            test_timeout: ms(2_000),
            last_resort_after: ms(1_000),
        }
    }

    fn tripped_at(now: Duration) -> Health {
        let mut health = Health::new(limits(), ms(0), 0);
        (0..3).for_each(|_| health.failed(now, 5_000));
        health
    }

    #[test]
    fn it_is_skipped_at_the_limit_and_not_before() {
        let mut health = Health::new(limits(), ms(0), 0);
        health.failed(ms(1), 0);
        health.failed(ms(2), 0);
        assert_eq!(health.standing(ms(3)), Standing::Healthy);
        health.failed(ms(3), 0);
        assert_eq!(health.standing(ms(4)), Standing::Skipped { last_resort: false });
        assert!(!health.claim(ms(4), false) && !health.claim(ms(4), true));
    }

    #[test]
    fn when_the_period_ends_one_request_tests_it_and_no_second() {
        let mut health = tripped_at(ms(1));
        assert!(!health.claim(ms(59_999), false));
        assert_eq!(health.standing(ms(60_000)), Standing::TestDue);
        assert!(health.claim(ms(60_000), false));
        assert!(!health.claim(ms(60_001), false), "a second request tested it too");
        health.succeeded(ms(60_100), 0);
        assert!(health.claim(ms(60_101), false) && health.claim(ms(60_101), false));
    }

    #[test]
    fn a_failed_test_keeps_it_out_for_another_period() {
        let mut health = tripped_at(ms(1));
        assert!(health.claim(ms(60_000), false));
        health.failed(ms(61_000), 10_000);
        assert!(!health.claim(ms(61_000 + 69_999), false));
        assert!(health.claim(ms(61_000 + 70_000), false));
    }

    #[test]
    fn a_test_that_nobody_reported_on_is_given_to_another_request() {
        let mut health = tripped_at(ms(1));
        assert!(health.claim(ms(60_000), false));
        assert!(health.claim(ms(62_000), false));
    }

    #[test]
    fn a_few_failures_are_forgotten_with_their_period() {
        let mut health = Health::new(limits(), ms(0), 0);
        health.failed(ms(1), 0);
        health.failed(ms(2), 0);
        health.failed(ms(60_001), 0);
        assert_eq!(health.failures(), 1);
        assert_eq!(health.standing(ms(60_002)), Standing::Healthy);
    }

    #[test]
    fn as_the_last_resort_it_is_tried_after_a_rest_by_one_at_a_time() {
        let mut health = tripped_at(ms(1));
        assert!(!health.claim(ms(1_000), true));
        assert!(health.claim(ms(1_001), true));
        assert!(!health.claim(ms(1_002), true));
        health.succeeded(ms(1_010), 0);
        assert_eq!(health.standing(ms(1_011)), Standing::Healthy);
    }

    proptest! {
        /// Whatever happens: while tripped, at most one request at a time is let in; and a group that works
        /// again is healthy again after one period and its jitter, by itself.
        #[test]
        fn a_tripped_group_is_tested_by_one_at_a_time_and_comes_back(
            steps in prop::collection::vec((0_u64..20_000, 0_u8..4, any::<u64>()), 1..80)
        ) {
            let mut health = Health::new(limits(), ms(0), 0);
            let (mut now, mut let_in) = (ms(0), None::<Duration>);
            for (wait, step, random) in steps {
                now += ms(wait);
                match step {
                    0 | 1 => {
                        let tripped = health.is_tripped();
                        if health.claim(now, step == 1) && tripped {
                            prop_assert!(let_in.is_none_or(|then| now - then >= ms(2_000)));
                            let_in = Some(now);
                        }
                    }
                    2 => { health.failed(now, random); let_in = None; }
                    _ => { health.succeeded(now, random); let_in = None; }
                }
            }
            now += ms(72_000);
            prop_assert!(health.claim(now, false));
            health.succeeded(now, 0);
            prop_assert_eq!(health.standing(now), Standing::Healthy);
        }
    }
}
