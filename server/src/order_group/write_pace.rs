//! How long a group's writes have taken lately. Pure: time is a parameter.

use std::time::Duration;

/// What was measured longer ago says nothing any more: a group that nobody writes to is not called slow.
const FRESH: Duration = Duration::from_secs(2);
/// So many writes at least before a group is called slow.
const ENOUGH: u32 = 4;

/// A running mean, in which the last few writes count most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WritePace {
    mean: Duration,
    writes: u32,
    last: Duration,
}

impl WritePace {
    /// A write ended, well or not, after so long.
    pub fn took(&mut self, now: Duration, took: Duration) {
        if now.saturating_sub(self.last) > FRESH {
            *self = Self::default();
        }
        self.mean = if self.writes == 0 { took } else { (self.mean * 7 + took) / 8 };
        self.writes = self.writes.saturating_add(1);
        self.last = now;
    }

    /// Whether writes have lately taken longer than `limit` on the whole.
    #[must_use]
    pub fn is_slower_than(&self, limit: Duration, now: Duration) -> bool {
        self.writes >= ENOUGH && now.saturating_sub(self.last) <= FRESH && self.mean > limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(250);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn one_slow_write_is_no_slow_group_and_several_are() {
        let mut pace = WritePace::default();
        (0..20).for_each(|at| pace.took(ms(at), ms(4)));
        pace.took(ms(20), ms(1_000));
        assert!(!pace.is_slower_than(LIMIT, ms(20)));
        (0..4).for_each(|at| pace.took(ms(21 + at), ms(1_000)));
        assert!(pace.is_slower_than(LIMIT, ms(30)));
        (0..20).for_each(|at| pace.took(ms(31 + at), ms(4)));
        assert!(!pace.is_slower_than(LIMIT, ms(60)), "and it is well again");
    }

    #[test]
    fn what_was_slow_and_then_silent_gets_another_chance() {
        let mut pace = WritePace::default();
        (0..9).for_each(|at| pace.took(ms(at), ms(900)));
        assert!(pace.is_slower_than(LIMIT, ms(1_000)));
        assert!(!pace.is_slower_than(LIMIT, ms(3_000)));
        pace.took(ms(3_000), ms(900));
        assert!(!pace.is_slower_than(LIMIT, ms(3_000)), "it begins anew");
    }
}
