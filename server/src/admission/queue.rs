//! A queue that holds a burst and no standing heap ("controlled delay"). Pure.
//!
//! While somebody's turn came within [`TARGET`] during the last [`INTERVAL`], a request may wait as long as that: bursts
//! pass, and a few who always wait a moment are no heap. When it did not, what comes in is more than what can be done, and
//! waiting helps nobody: then a request may wait [`TARGET`] only, until nobody has been refused for a second. In that state the youngest is served first. Served in the order of coming, each would have
//! waited out its time before its turn; like this those who are served are served at once, those who are not are
//! told so after five milliseconds, and as many are served. Without overload the order is that of coming.

use std::collections::VecDeque;
use std::time::Duration;

/// How long a request may wait while more comes in than can be done.
pub const TARGET: Duration = Duration::from_millis(5);
/// How long a request may wait otherwise, and how long all must have waited for more than [`TARGET`] to be called a heap.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// After somebody had to be refused, the queue stays strict for so long.
const STRICT: Duration = Duration::from_secs(1);

/// The queue of one class.
#[derive(Debug)]
pub struct Queue<W> {
    waiting: VecDeque<(u64, Duration, W)>,
    /// When it was last known that nobody had waited for longer than [`TARGET`].
    calm_at: Duration,
    /// Until when nobody waits for long.
    strict_until: Duration,
}

impl<W> Queue<W> {
    /// An empty queue.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self { waiting: VecDeque::new(), calm_at: now, strict_until: now }
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether more has come in than could be done, for an interval at least, or did so a moment ago.
    #[must_use]
    pub fn is_strict(&self, now: Duration) -> bool {
        let standing = !self.is_empty() && now.saturating_sub(self.calm_at) > INTERVAL;
        standing || now < self.strict_until
    }

    /// Somebody waits from now on. Gives the one that has waited longest if more than `most` wait: then it is a heap
    /// already, however young.
    pub fn push(&mut self, name: u64, now: Duration, most: usize, waiter: W) -> Option<W> {
        self.look(now);
        self.waiting.push_back((name, now, waiter));
        if self.waiting.len() <= most {
            return None;
        }
        self.strict_until = now + STRICT;
        self.waiting.pop_front().map(|(_, _, oldest)| oldest)
    }

    /// Those who have waited too long.
    pub fn expire(&mut self, now: Duration, late: &mut Vec<W>) {
        let patience = if self.is_strict(now) { TARGET } else { INTERVAL };
        while let Some((_, since, _)) = self.waiting.front()
            && now.saturating_sub(*since) >= patience
        {
            late.extend(self.waiting.pop_front().map(|(_, _, waiter)| waiter));
            self.strict_until = now + STRICT;
        }
        self.look(now);
    }

    /// Whoever is next.
    pub fn pop(&mut self, now: Duration) -> Option<W> {
        self.look(now);
        let next = if self.is_strict(now) { self.waiting.pop_back() } else { self.waiting.pop_front() };
        self.look(now);
        next.map(|(_, _, waiter)| waiter)
    }

    /// Takes one out; false if it is not there.
    pub fn remove(&mut self, name: u64, now: Duration) -> bool {
        let at = self.waiting.iter().position(|(other, _, _)| *other == name);
        let removed = at.and_then(|at| self.waiting.remove(at)).is_some();
        self.look(now);
        removed
    }

    fn look(&mut self, now: Duration) {
        if self.waiting.front().is_none_or(|(_, since, _)| now.saturating_sub(*since) < TARGET) {
            self.calm_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 512;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn late(queue: &mut Queue<u64>, now: Duration) -> Vec<u64> {
        let mut late = Vec::new();
        queue.expire(now, &mut late);
        late
    }

    #[test]
    fn a_burst_waits_up_to_an_interval_and_goes_in_the_order_of_coming() {
        let mut queue = Queue::new(ms(0));
        (0..3).for_each(|n| assert_eq!(queue.push(n, ms(n), MOST, n), None));
        assert!(late(&mut queue, ms(90)).is_empty());
        assert_eq!(queue.pop(ms(90)), Some(0));
        assert_eq!(queue.pop(ms(99)), Some(1));
        assert_eq!(queue.pop(ms(99)), Some(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_heap_is_cut_down_to_the_target_and_the_youngest_goes_first() {
        let mut queue = Queue::new(ms(0));
        for at in 0..=120 {
            queue.push(at, ms(at), MOST, at);
        }
        assert!(queue.is_strict(ms(120)));
        assert_eq!(late(&mut queue, ms(120)).len(), 116, "0 to 115 waited five milliseconds or more");
        assert_eq!(queue.pop(ms(120)), Some(120));
        assert_eq!(queue.pop(ms(120)), Some(119));
        while queue.pop(ms(120)).is_some() {}
        assert!(queue.is_strict(ms(1_119)), "it was so a moment ago");
        queue.push(7, ms(1_200), MOST, 7);
        assert!(late(&mut queue, ms(1_290)).is_empty(), "patient again");
    }

    #[test]
    fn a_few_who_always_wait_for_a_moment_are_no_heap() {
        let mut queue = Queue::new(ms(0));
        queue.push(0, ms(0), MOST, 0);
        for at in 1..1_000 {
            // There is always somebody, and nobody waits for longer than two milliseconds.
            queue.push(at, ms(at), MOST, at);
            if at > 1 {
                assert!(late(&mut queue, ms(at)).is_empty());
                assert_eq!(queue.pop(ms(at)), Some(at - 2));
            }
            assert!(!queue.is_empty() && !queue.is_strict(ms(at)), "{at}");
        }
    }

    #[test]
    fn it_holds_so_many_and_lets_the_oldest_go() {
        let mut queue = Queue::new(ms(0));
        for n in 0..MOST as u64 {
            assert_eq!(queue.push(n, ms(0), MOST, n), None);
        }
        assert_eq!(queue.push(9_999, ms(0), MOST, 9_999), Some(0));
        assert!(queue.is_strict(ms(999)), "that many are a heap at once");
        assert!(queue.remove(9_999, ms(0)) && !queue.remove(9_999, ms(0)));
    }
}
