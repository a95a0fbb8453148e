//! The pace of refusals. Pure.
//!
//! A refusal is cheap, but not free: it is decrypted, parsed, signed and encrypted, and whoever is refused may ask
//! again at once. So the first so many a second go out immediately, and the rest are held back until their turn,
//! for some seconds at most, by what was refused ([`Class::longest_hold`](super::Class::longest_hold)). A till has one request on a connection: while it waits for its refusal it asks nothing on it,
//! and holding it costs the server nothing. Thus what refusing takes is bounded however much comes in.

use std::time::Duration;

/// One refusal each so often, in the long run.
const EVERY: Duration = Duration::from_millis(3);
/// So many at once are let pass.
const BURST: u32 = 50;

/// When the next refusal may go out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When all refusals until now would have gone out one by one.
    due: Duration,
    /// Refusals so far that found no turn within the longest time.
    crowded: u32,
}

impl Pace {
    /// How long to hold back a refusal that is decided now; `longest` at most.
    pub fn hold(&mut self, now: Duration, longest: Duration) -> Duration {
        let burst = EVERY * BURST;
        let due = self.due.max(now) + EVERY;
        if due <= now + burst + longest {
            self.due = due;
            return due.saturating_sub(now + burst);
        }
        // Whoever comes in a crowd must not come back in one: spread evenly over half of the time (by the golden
        // section, which leaves no gaps however many there are).
        self.crowded = self.crowded.wrapping_add(1) % 1_000_000;
        longest / 2 + longest / 2 * (self.crowded.wrapping_mul(618) % 1_000) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(2);

    #[test]
    fn a_few_refusals_go_out_at_once_and_many_are_spread() {
        let mut pace = Pace::default();
        let now = Duration::from_secs(9);
        let holds: Vec<_> = (0..5_000).map(|_| pace.hold(now, LONGEST)).collect();
        assert!(holds[..50].iter().all(Duration::is_zero));
        assert_eq!(holds[149], Duration::from_millis(300));
        let crowd: std::collections::BTreeSet<_> = holds[2_000..2_500].iter().collect();
        assert!(crowd.len() == 500 && crowd.iter().all(|hold| **hold >= LONGEST / 2 && **hold <= LONGEST));
        assert_eq!(pace.hold(now + Duration::from_secs(3), LONGEST), Duration::ZERO);
    }
}
