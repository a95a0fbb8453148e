//! Which requests were here lately. Pure: time is a parameter.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::time::Duration;

/// The time that is remembered is cut into so many spans, each with a set of its own: forgetting is dropping a set.
const SPANS: usize = 4;
/// The most requests of one span: what dozens of cores can check in that time. Each takes about 16 bytes.
const MOST: usize = 8_000_000;

/// The ids of requests, each remembered for a time at least, and for a quarter more at most.
///
/// What is kept of an id is 64 bits that are made with a secret of this process. No sender can look for two ids
/// that are the same here, and if chance makes two, one request is to be signed anew.
pub(super) struct Seen {
    secret: RandomState,
    span: Duration,
    began: Duration,
    present: Ids,
    /// The latest first.
    past: [Ids; SPANS],
}

impl Seen {
    /// Nothing is remembered yet; all will be for `remember`.
    pub(super) fn new(remember: Duration, now: Duration) -> Self {
        let spans = u32::try_from(SPANS).unwrap_or(1);
        Self {
            secret: RandomState::new(),
            span: (remember / spans).max(Duration::from_millis(1)),
            began: now,
            present: Ids::default(),
            past: Default::default(),
        }
    }

    /// Remembers an id; false if it was here before or there is no room.
    pub(super) fn is_first(&mut self, id: &str, now: Duration) -> bool {
        self.forget(now);
        let id = self.secret.hash_one(id);
        if self.past.iter().any(|past| past.contains(&id)) {
            return false;
        }
        (self.present.len() < MOST || self.present.contains(&id)) && self.present.insert(id)
    }

    fn forget(&mut self, now: Duration) {
        for _ in 0..=SPANS {
            if now.saturating_sub(self.began) < self.span {
                return;
            }
            self.began += self.span;
            // As large as the last from the start: nobody waits while a large set grows.
            let next = Ids::with_capacity_and_hasher(self.present.len(), BuildHasherDefault::default());
            self.past.rotate_right(1);
            if let Some(latest) = self.past.first_mut() {
                *latest = std::mem::replace(&mut self.present, next);
            }
        }
        // All of it was longer ago.
        self.began = now;
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.present.len() + self.past.iter().map(HashSet::len).sum::<usize>()
    }
}

type Ids = HashSet<u64, BuildHasherDefault<AsItIs>>;

/// What is kept was hashed already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEMBER: Duration = Duration::from_secs(100);

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_id_is_new_once_for_as_long_as_it_is_remembered() {
        // Wherever in a span it comes.
        for first in 0..30 {
            let mut seen = Seen::new(REMEMBER, s(0));
            assert!(seen.is_first("T0001/1 a", s(first)) && seen.is_first("T0002/1 a", s(first)));
            for later in 0..=100 {
                assert!(!seen.is_first("T0001/1 a", s(first + later)), "{first} + {later}");
            }
            assert!(seen.is_first("T0002/1 a", s(first + 130)), "and not for ever");
        }
    }

    #[test]
    fn ten_thousand_a_second_are_all_taken_and_the_old_ones_forgotten() {
        let mut seen = Seen::new(REMEMBER, s(0));
        for n in 0..3_000_000_u64 {
            assert!(seen.is_first(&n.to_string(), Duration::from_micros(n * 100)), "{n}");
        }
        assert!(!seen.is_first("2999999", s(300)) && !seen.is_first("2000001", s(300)));
        assert!(seen.len() <= 1_250_000, "{}", seen.len());
    }

    #[test]
    fn after_a_long_pause_nothing_is_left() {
        let mut seen = Seen::new(REMEMBER, s(0));
        assert!(seen.is_first("a", s(1)));
        assert!(seen.is_first("a", s(1_000_000)) && !seen.is_first("a", s(1_000_001)));
        assert_eq!(seen.len(), 1);
    }
}
