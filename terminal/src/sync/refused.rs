//! Sales that the server has refused for what they are: too new for it, or standing otherwise there. No other waits behind
//! them, and none is given up: servers are brought up to date, and people mend what was in the way, while tills run on.

use std::collections::BTreeMap;
use std::time::Duration;

/// A refused sale is left alone for so long at first.
const FIRST: Duration = Duration::from_secs(600);
/// And for so long at most.
const LONGEST: Duration = Duration::from_secs(3600);

/// Which sales were refused, and from when on each is sent again.
#[derive(Debug, Default)]
pub struct RefusedSales(BTreeMap<u64, Refusal>);

#[derive(Debug)]
struct Refusal {
    not_before: Duration,
    next_pause: Duration,
}

impl RefusedSales {
    /// The server refused this one, now.
    pub fn refused(&mut self, sale: u64, now: Duration) {
        let pause = self.0.get(&sale).map_or(FIRST, |refusal| refusal.next_pause);
        let next_pause = pause.saturating_mul(2).min(LONGEST);
        self.0.insert(sale, Refusal { not_before: now + pause, next_pause });
    }

    /// The server took this one.
    pub fn taken(&mut self, sale: u64) {
        self.0.remove(&sale);
    }

    /// The server was away and may be another now: all may be sent at once. That they were refused is kept, so that they
    /// still come after all others.
    pub fn server_is_back(&mut self) {
        for refusal in self.0.values_mut() {
            *refusal = Refusal { not_before: Duration::ZERO, next_pause: FIRST };
        }
    }

    /// Whether this one was refused when it was sent last.
    pub fn knows(&self, sale: u64) -> bool {
        self.0.contains_key(&sale)
    }

    /// Whether this one may be sent.
    pub fn is_due(&self, sale: u64, now: Duration) -> bool {
        self.0.get(&sale).is_none_or(|refusal| now >= refusal.not_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_sale_is_due_after_ten_minutes_at_first_and_after_an_hour_at_most() {
        let mut sales = RefusedSales::default();
        let mut now = Duration::from_secs(100);
        assert!(sales.is_due(7, now) && !sales.knows(7));
        for minutes in [10, 20, 40, 60, 60] {
            sales.refused(7, now);
            let pause = Duration::from_secs(minutes * 60);
            assert!(!sales.is_due(7, now + pause - Duration::from_secs(1)), "{minutes}");
            assert!(sales.is_due(8, now) && sales.knows(7));
            now += pause;
            assert!(sales.is_due(7, now), "{minutes}");
        }
        sales.taken(7);
        sales.refused(7, now);
        assert!(sales.is_due(7, now + FIRST), "from the beginning");
    }

    #[test]
    fn a_server_that_comes_back_is_asked_at_once_and_for_the_others_first() {
        let mut sales = RefusedSales::default();
        let now = Duration::from_secs(100);
        sales.refused(7, now);
        sales.refused(7, now);
        sales.server_is_back();
        assert!(sales.is_due(7, now) && sales.knows(7));
        sales.refused(7, now);
        assert!(!sales.is_due(7, now) && sales.is_due(7, now + FIRST));
    }
}
