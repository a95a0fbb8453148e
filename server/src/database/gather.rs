//! How long a writer waits for more before it begins a commit. Pure.
//!
//! A commit costs the processor what a dozen rows do, and each row that finds its writer asleep the price of waking it.
//! So the more were in the last commit, the longer the next one waits for others: with little to do nobody waits, and
//! with much to do the wait is short beside the time that a request spends waiting for its turn anyway.

use std::time::Duration;

/// For each that was in the last commit, so long.
const FOR_EACH: Duration = Duration::from_micros(300);
/// So few do not make it worth while: the pause would be longer than what is saved.
const FEW: u32 = 3;
/// Never longer than this.
const MOST: Duration = Duration::from_millis(8);

/// What is known of the last commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gather {
    last: u32,
}

impl Gather {
    /// A commit served so many.
    pub(crate) fn committed(&mut self, count: usize) {
        self.last = u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// How long to wait for more now that there is one. Whoever writes alone, or nearly, is not held up.
    pub(crate) fn pause(self) -> Duration {
        if self.last <= FEW { Duration::ZERO } else { FOR_EACH.saturating_mul(self.last).min(MOST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_alone_does_not_wait_and_many_wait_a_little() {
        let mut gather = Gather::default();
        assert_eq!(gather.pause(), Duration::ZERO);
        let mut after = |count| {
            gather.committed(count);
            gather.pause()
        };
        assert_eq!(after(1), Duration::ZERO);
        assert_eq!(after(3), Duration::ZERO);
        assert_eq!(after(10), Duration::from_millis(3));
        assert_eq!(after(256), MOST);
        assert_eq!(after(usize::MAX), MOST);
        assert_eq!(after(0), Duration::ZERO);
    }
}
