//! The kernel's times of events in our own clock. Pure.

use std::time::Duration;

/// Turns the kernel's times into ours, so that gaps are those of the device, however late we come to read.
///
/// The shortest delay that was seen between an event and our reading it is taken for none. The kernel's clock may be set;
/// then it is begun anew: where its times go back, and where something would have happened before a moment at which
/// nothing had.
#[derive(Debug, Default)]
pub(super) struct KernelTimes {
    /// Our time less the kernel's, in nanoseconds.
    offset: Option<i128>,
    last: i128,
    /// Until then, by our time, nothing had come that was not read.
    quiet: i128,
}

/// By so much the shortest delay may turn out shorter, in nanoseconds, without the kernel's clock having been set.
const SLIGHTLY: i128 = 100_000_000;

fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX)
}

impl KernelTimes {
    /// An event of this time was read `now`: the others that were read with it are no later.
    pub(super) fn observe(&mut self, at: Duration, now: Duration) {
        let (kernel, delay) = (nanos(at), nanos(now) - nanos(at));
        let shortest = self.shortest(delay);
        // What is read now did not happen before: the clock was set back while nothing came, however long that was.
        let set_back = kernel + shortest < self.quiet;
        self.offset = Some(if set_back { delay } else { shortest });
    }

    /// All that had come until this time, by our clock, was read before.
    pub(super) fn quiet(&mut self, until: Duration) {
        self.quiet = self.quiet.max(nanos(until));
    }

    /// Our time for an event that happened `at` by the kernel's clock and was read `now` by ours. Never goes back, and
    /// never is in the future.
    pub(super) fn ours(&mut self, at: Duration, now: Duration) -> Duration {
        let (kernel, now) = (nanos(at), nanos(now));
        let mut offset = self.shortest(now - kernel);
        if kernel + offset + SLIGHTLY < self.last {
            // The kernel's clock was set back.
            offset = now - kernel;
        }
        self.offset = Some(offset);
        self.last = (kernel + offset).max(self.last).min(now.max(self.last));
        Duration::from_nanos(u64::try_from(self.last).unwrap_or(0))
    }

    fn shortest(&self, delay: i128) -> i128 {
        self.offset.map_or(delay, |offset| offset.min(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn gaps_are_the_devices_even_when_we_read_late() {
        let mut times = KernelTimes::default();
        let first = times.ours(ms(900_000), ms(100));
        // Ten milliseconds apart at the device, read together two seconds late.
        assert_eq!(times.ours(ms(900_010), ms(2_100)) - first, ms(10));
        assert_eq!(times.ours(ms(900_500), ms(2_100)) - first, ms(500));
    }

    #[test]
    fn gaps_of_what_is_read_together_at_the_very_beginning_are_the_devices_too() {
        let mut times = KernelTimes::default();
        times.observe(ms(900_240), ms(5_000));
        let ours = [900_000, 900_120, 900_240].map(|at| times.ours(ms(at), ms(5_000)));
        assert_eq!(ours, [ms(4_760), ms(4_880), ms(5_000)]);
    }

    #[test]
    fn a_clock_that_is_set_changes_no_more_than_one_gap() {
        let mut times = KernelTimes::default();
        assert_eq!(times.ours(ms(900_000), ms(100)), ms(100));
        assert_eq!(times.ours(ms(10), ms(150)), ms(150), "set back");
        assert_eq!(times.ours(ms(20), ms(160)), ms(160));
        assert_eq!(times.ours(ms(9_000_000), ms(200)), ms(200), "set forward");
        assert_eq!(times.ours(ms(9_000_030), ms(230)), ms(230));
    }

    #[test]
    fn a_clock_that_is_set_back_while_nothing_comes_makes_nothing_late() {
        let mut times = KernelTimes::default();
        assert_eq!(times.ours(ms(900_000), ms(1_000)), ms(1_000));
        times.quiet(ms(10_950));
        // Ten seconds later, after a step back of two.
        let read = [(908_000, 11_000), (908_007, 11_008), (908_014, 11_014), (908_021, 11_320)];
        let ours = read.map(|(at, now)| {
            times.observe(ms(at), ms(now));
            times.ours(ms(at), ms(now))
        });
        assert_eq!(ours, [ms(11_000), ms(11_007), ms(11_014), ms(11_021)]);
    }

    proptest! {
        #[test]
        fn our_times_never_go_back_and_never_lie_ahead(events in prop::collection::vec((0_u64..10_000, 0_u64..50), 1..60)) {
            let (mut times, mut now, mut last) = (KernelTimes::default(), Duration::ZERO, Duration::ZERO);
            for (at, later) in events {
                now += ms(later);
                let ours = times.ours(ms(at), now);
                prop_assert!(ours >= last && ours <= now);
                last = ours;
            }
        }
    }
}
