//! A group that works, but slowly: new orders go to quicker ones meanwhile. Pure: time is a parameter.
//!
//! Slowness is no failure: nothing is in doubt, and when all groups are slow the load is to blame and none is better.
//! So such a group is not skipped but tried last. When its time is over, one new order goes there first; the others
//! follow only if that one was quick.

use std::time::Duration;

/// Where a group comes among those that are healthy. Lower is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// One order tries whether it is quick again.
    Trial,
    /// With the others.
    Usual,
    /// Only if no other takes the order.
    Last,
}

/// What is remembered of a slow group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Avoidance {
    until: Option<Duration>,
    /// An order has waited for too long, and it is not known yet what is the matter: until then others go elsewhere.
    doubtful_until: Duration,
}

impl Avoidance {
    /// The group's turn. A trial is given to one order; the next one comes after `patience`, if nobody told how that
    /// one went.
    pub fn turn(&mut self, now: Duration, patience: Duration) -> Turn {
        match self.until {
            None if now < self.doubtful_until => Turn::Last,
            None => Turn::Usual,
            Some(until) if now < until => Turn::Last,
            Some(_) => {
                self.until = Some(now + patience);
                Turn::Trial
            }
        }
    }

    /// An order has waited for too long; within `limit` it will be known what came of it.
    pub fn doubt(&mut self, now: Duration, limit: Duration) {
        self.doubtful_until = now + limit;
    }

    /// Whether others are better now.
    #[must_use]
    pub fn is_avoided(&self, now: Duration) -> bool {
        now < self.doubtful_until || self.until.is_some_and(|until| now < until)
    }

    /// A new order was created there, quickly or not; `is_slow` is what the group's writes have been on the whole.
    pub fn created(&mut self, now: Duration, was_quick: bool, is_slow: bool, rest: Duration) {
        if was_quick {
            self.doubtful_until = Duration::ZERO;
        }
        if was_quick && !is_slow {
            self.until = None;
        } else if is_slow || self.until.is_some() {
            self.until = Some(now + rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);
    const REST: Duration = Duration::from_secs(60);

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_slow_group_comes_last_until_one_order_has_found_it_quick() {
        let mut slow = Avoidance::default();
        slow.created(at(0), false, false, REST);
        assert_eq!(slow.turn(at(0), PATIENCE), Turn::Usual, "one slow order is no slow group");
        slow.created(at(1), false, true, REST);
        assert_eq!(slow.turn(at(60), PATIENCE), Turn::Last);
        assert_eq!(slow.turn(at(61), PATIENCE), Turn::Trial);
        assert_eq!(slow.turn(at(61), PATIENCE), Turn::Last, "one at a time");
        slow.created(at(62), false, false, REST);
        assert_eq!(slow.turn(at(121), PATIENCE), Turn::Last, "still slow: it rests again");
        assert_eq!(slow.turn(at(122), PATIENCE), Turn::Trial);
        slow.created(at(122), true, false, REST);
        assert_eq!(slow.turn(at(122), PATIENCE), Turn::Usual);
    }

    #[test]
    fn while_one_order_waits_in_vain_the_others_go_elsewhere_for_as_long() {
        let mut group = Avoidance::default();
        group.doubt(at(10), at(1));
        assert!(group.is_avoided(at(10)));
        assert_eq!(group.turn(at(10), PATIENCE), Turn::Last);
        assert_eq!(group.turn(at(11), PATIENCE), Turn::Usual, "one slow order is no slow group");
        group.doubt(at(20), at(1));
        group.created(at(20), true, false, REST);
        assert_eq!(group.turn(at(20), PATIENCE), Turn::Usual, "it was quick for another");
    }

    #[test]
    fn a_trial_that_nobody_reported_on_is_given_to_another_order() {
        let mut slow = Avoidance::default();
        slow.created(at(0), false, true, REST);
        assert_eq!(slow.turn(at(60), PATIENCE), Turn::Trial);
        assert_eq!(slow.turn(at(61), PATIENCE), Turn::Last);
        assert_eq!(slow.turn(at(62), PATIENCE), Turn::Trial);
    }
}
