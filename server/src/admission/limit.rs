//! How many quick requests at a time are good for this server. Pure.
//!
//! A request that takes longer than it must has stood in a queue somewhere: for a processor, for a database's
//! writer. Which, does not matter. In each interval the *fastest* request of each class is looked at (bursts and
//! shared commits make some slow; a standing queue makes all slow). If even that one took clearly longer than such
//! a request takes when there is room, fewer are let in; if there is no such delay and somebody had to wait at the
//! door, more are.

use super::{Class, INTERVAL};
use std::time::Duration;

/// By more than this the fastest of an interval must not be held up, or by a quarter of what it takes with room, whichever
/// is more: databases far away vary by more than those near by. A writer that gathers what many write waits for up to
/// eight milliseconds before its commit (`database::gather`), and does not while there is room: nearly that much is no
/// queue. Less would only make smaller commits, which is less work done; more makes payments wait.
const TOLERATED: Duration = Duration::from_millis(7);
/// Fewer than this are never let in.
const FLOOR: usize = 8;
/// More than this are never let in.
const CEILING: usize = 1_024;
/// What a server begins with.
const START: usize = 128;
/// An interval with fewer answers says nothing; it goes on until there are so many.
const ENOUGH: u32 = 8;
/// So much of the difference is learned in an interval in which there was room.
const LEARNED_WITH_ROOM: u32 = 8;

/// How much a class of requests was held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strain {
    None,
    Some,
    Severe,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    answers: u32,
    fastest: Option<Duration>,
    /// What the fastest of an interval takes when there is room.
    unhindered: Option<Duration>,
    /// There has been an interval with room: what is known does not come from a crowd alone.
    had_room: bool,
    /// How many were faster than what is known.
    faster: u32,
}

impl Seen {
    /// How much even the fastest was held up; `None` if too few were seen.
    fn strain(&self) -> Option<Strain> {
        if self.answers < ENOUGH {
            return None;
        }
        let (fastest, unhindered) = (self.fastest?, self.unhindered?);
        let (delay, tolerated) = (fastest.saturating_sub(unhindered), TOLERATED.max(unhindered / 4));
        Some(match delay {
            delay if delay > tolerated * 4 => Strain::Severe,
            delay if delay > tolerated => Strain::Some,
            _ => Strain::None,
        })
    }

    /// What this interval says about a request that nobody hinders. With room both ways, since what was fast once may never
    /// be so again: a disk is replaced, a database moves. In a crowd nothing: upwards the measure would creep with the
    /// load, and downwards with those who are lucky (their row came just before a commit), until every crowd looks like
    /// a queue and places are taken away that were needed. But where most of a crowd are faster than what is known, it was
    /// learned in a bad moment. As long as there was never room, a crowd must do.
    fn learn(&mut self, room: bool) {
        let Some(fastest) = self.fastest.filter(|_| self.answers >= ENOUGH) else { return };
        self.unhindered = Some(match self.unhindered {
            None => fastest,
            Some(known) if room => nearer(known, fastest, LEARNED_WITH_ROOM),
            Some(known) if self.had_room && self.faster * 2 > self.answers => {
                nearer(known, fastest, LEARNED_WITH_ROOM)
            }
            Some(known) if self.had_room => known,
            Some(known) => known.min(fastest),
        });
        self.had_room |= room;
    }

    /// The next interval begins.
    fn begin(&mut self) {
        (self.answers, self.faster, self.fastest) = (0, 0, None);
    }
}

/// From what is known so much nearer to what was seen.
fn nearer(known: Duration, seen: Duration, part: u32) -> Duration {
    if seen > known { known + (seen - known) / part } else { known - (known - seen) / part }
}

/// See the module.
#[derive(Debug)]
pub struct Limit {
    places: usize,
    seen: [Seen; Class::COUNT],
    interval_began: Duration,
    pressed: bool,
    /// The most that were in at a time in this interval.
    most: usize,
}

impl Limit {
    /// To begin with.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self {
            places: START,
            seen: [Seen::default(); Class::COUNT],
            interval_began: now,
            pressed: false,
            most: 0,
        }
    }

    /// How many at a time.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places
    }

    /// Somebody found no place.
    pub fn pressed(&mut self) {
        self.pressed = true;
    }

    /// So many are in.
    pub fn busy(&mut self, count: usize) {
        self.most = self.most.max(count);
    }

    /// A quick request of that class took so long.
    pub fn took(&mut self, class: Class, took: Duration) {
        let seen = &mut self.seen[class.index()];
        seen.answers = seen.answers.saturating_add(1);
        seen.faster += u32::from(seen.unhindered.is_some_and(|known| took < known));
        seen.fastest = Some(seen.fastest.map_or(took, |fastest| fastest.min(took)));
    }

    /// Looks whether an interval has ended.
    pub fn step(&mut self, now: Duration) {
        if now.saturating_sub(self.interval_began) < INTERVAL {
            return;
        }
        let enough = self.seen.iter().any(|seen| seen.answers >= ENOUGH);
        if !enough && now.saturating_sub(self.interval_began) < INTERVAL * 10 {
            return;
        }
        if let Some(strain) = self.seen.iter().filter_map(Seen::strain).max() {
            self.adjust(strain);
        }
        // At the floor there is always room: so few do not hold each other up.
        let room = self.has_much_room() || self.places == FLOOR;
        for seen in &mut self.seen {
            seen.learn(room);
            seen.begin();
        }
        self.interval_began = now;
        self.pressed = false;
        self.most = 0;
    }

    /// More than half of the places were left over all the time.
    fn has_much_room(&self) -> bool {
        self.most * 2 < self.places
    }

    fn adjust(&mut self, strain: Strain) {
        // Where there were places left over, it was not those who had one that held each other up: something else did
        // (a busy neighbour, a group that is slow), and fewer places would mend nothing.
        if strain > Strain::None && self.has_much_room() {
            return;
        }
        let more = if self.pressed { self.places + (self.places / 16).max(1) } else { self.places };
        self.places = match strain {
            Strain::None => more.min(CEILING),
            Strain::Some => (self.places * 19 / 20).max(FLOOR),
            Strain::Severe => (self.places * 3 / 4).max(FLOOR),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// So many intervals in which every answer takes as long as `took` says of the number of places.
    fn run(limit: &mut Limit, from: u64, intervals: u64, took: impl Fn(usize) -> Duration) {
        for interval in 0..intervals {
            limit.pressed();
            limit.busy(limit.places());
            (0..20).for_each(|_| limit.took(Class::NewOrders, took(limit.places())));
            limit.step(ms((from + interval + 1) * 100));
        }
    }

    #[test]
    fn it_settles_where_the_delay_is_about_what_is_tolerated() {
        // 4 ms, and 100 µs for each that is in at the same time.
        let took = |places: usize| ms(4) + Duration::from_micros(100) * u32::try_from(places).unwrap();
        let mut limit = Limit::new(ms(0));
        limit.took(Class::NewOrders, ms(4));
        run(&mut limit, 0, 100, took);
        // The eight milliseconds that are tolerated.
        assert!((55..=100).contains(&limit.places()), "{}", limit.places());
    }

    #[test]
    fn a_lucky_request_in_a_crowd_is_no_measure_for_the_others() {
        let (calm, crowd) = (ms(5), ms(10));
        let mut limit = Limit::new(ms(0));
        for interval in 1..200 {
            limit.busy(10);
            (0..20).for_each(|_| limit.took(Class::Uploads, calm));
            limit.step(ms(interval * 100));
        }
        let places = limit.places();
        for interval in 200..500 {
            limit.pressed();
            limit.busy(limit.places());
            (0..20).for_each(|_| limit.took(Class::Uploads, crowd));
            if interval % 20 == 0 {
                limit.took(Class::Uploads, ms(1));
            }
            limit.step(ms(interval * 100));
        }
        assert!(limit.places() >= places, "{} of {places} are left", limit.places());
    }

    #[test]
    fn what_was_learned_in_a_slow_moment_is_unlearned_in_a_crowd() {
        let mut limit = Limit::new(ms(0));
        // The disk stands still for two seconds, and there are places left over.
        for interval in 1..40 {
            limit.busy(10);
            (0..20).for_each(|_| limit.took(Class::NewOrders, ms(if interval < 20 { 5 } else { 200 })));
            limit.step(ms(interval * 100));
        }
        // 4 ms, and 200 µs for each that is in at the same time: far from 200 ms.
        let took = |places: usize| ms(4) + Duration::from_micros(200) * u32::try_from(places).unwrap();
        run(&mut limit, 40, 400, took);
        assert!(took(limit.places()) < ms(100), "{} places", limit.places());
    }

    #[test]
    fn where_more_at_a_time_costs_nothing_it_grows() {
        let mut limit = Limit::new(ms(0));
        run(&mut limit, 0, 100, |_| ms(4));
        assert_eq!(limit.places(), CEILING);
    }

    #[test]
    fn a_database_that_became_slower_for_good_is_got_used_to() {
        let mut limit = Limit::new(ms(0));
        run(&mut limit, 0, 20, |_| ms(2));
        let mut fewest = START;
        for interval in 20..120 {
            run(&mut limit, interval, 1, |_| ms(40));
            fewest = fewest.min(limit.places());
        }
        assert_eq!(fewest, FLOOR, "it might have been a heap");
        run(&mut limit, 120, 1_000, |_| ms(40));
        assert!(limit.places() > START, "but it was not: {}", limit.places());
    }

    #[test]
    fn where_places_are_left_over_slowness_takes_none_away() {
        let mut limit = Limit::new(ms(0));
        for interval in 1..100 {
            limit.busy(5);
            (0..20).for_each(|_| limit.took(Class::NewOrders, ms(1 + 30 * u64::from(interval > 2))));
            limit.step(ms(interval * 100));
        }
        assert_eq!(limit.places(), START);
    }

    #[test]
    fn few_answers_and_idle_times_change_nothing() {
        let mut limit = Limit::new(ms(0));
        limit.took(Class::NewOrders, ms(1));
        for second in 1..100 {
            limit.took(Class::NewOrders, ms(500));
            limit.step(ms(second * 1_000));
        }
        assert_eq!(limit.places(), START);
    }
}
