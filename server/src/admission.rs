//! Who is let in when there is too much to do. Pure: time is a parameter.
//!
//! Past its capacity a server that takes everything answers nobody in time. This one refuses early, before it has
//! read a body or checked a signature, and in the order in which things may be missed: first what people look at,
//! then new orders, then what was sold offline, then questions, and at last what money is under way for. Each class has places of
//! its own and a queue of its own, so that a heap of new orders delays no payment.
//!
//! What money is under way for is let in the other way round: its body is read and its signature checked first, and only
//! then it takes one of the places that are for money alone ([`Enters`]). Otherwise whoever can open a connection could hold
//! all of them with nothing in its hands.
//!
//! - [`Class`] tells by the route what a request is.
//! - [`Limit`] finds how many quick requests at a time are good for the server, by how long they take.
//! - [`Queue`] holds those that came a moment too early, and no longer than that.
//! - [`Readers`] reads bodies, and bounds what those can hold that send theirs slowly.
//! - [`Sources`] keeps one address from taking all places of logging in.
//! - [`Pace`] spreads the refusals: one that is waited for cannot be asked again at once.
//! - [`Places`] is all of it with real waiting, for the server.

mod busy;
mod class;
mod engine;
mod layer;
mod limit;
mod pace;
mod places;
mod queue;
mod reading;
#[cfg(test)]
mod simulation;
mod sources;

use busy::Busy;
pub use class::{Class, Enters};
pub use engine::Engine;
pub(crate) use layer::{admit, let_in, turn_away};
pub use limit::Limit;
pub use pace::Pace;
pub use places::{Place, Places, Shed};
pub use queue::{INTERVAL, Queue, TARGET};
pub use reading::{BODY_WAIT, Readers, Unread};
pub use sources::{OfSource, Sources};

use std::time::Duration;

/// The most requests of the first class at a time. Most of them wait for a wallet, and cost nothing meanwhile.
const MONEY_PLACES: usize = 600;
/// People who log in at a time. Two passwords are looked at at a time, so whoever comes last waits for a second or so; nobody has
/// shown yet who he is, so no more than this of the server is theirs.
const LOG_IN_PLACES: usize = 16;
/// However few are let in at a time, so many may wait; and however many are, no more than so many.
const LEAST_QUEUE: usize = 32;
const MOST_QUEUE: usize = 512;
/// So many new orders at a time are tried when no order group is usable: by them its recovery is noticed.
const TRICKLE: usize = 4;

/// What became of a request that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It goes on at once, and has a place.
    Admitted,
    /// It waits, under this name.
    Waits(u64),
    /// It is refused at once.
    Refused,
}

/// Requests that waited and wait no longer.
#[derive(Debug)]
pub struct Moved<W> {
    /// They have a place each now.
    pub admitted: Vec<W>,
    /// They waited too long.
    pub refused: Vec<W>,
}

/// How a class fared lately: for the pause that a refusal asks for.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    admitted: u32,
    refused: u32,
}

/// The state of the door. `W` stands for a request that waits.
#[derive(Debug)]
pub struct Admission<W> {
    busy: [Busy; Class::COUNT],
    queues: [Queue<W>; Class::COUNT],
    limit: Limit,
    engine: Engine,
    names: u64,
    fates: [[Fate; 2]; Class::COUNT],
    fates_since: Duration,
}

impl<W> Admission<W> {
    /// Nobody is in.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self {
            busy: [Busy::default(); Class::COUNT],
            queues: std::array::from_fn(|_| Queue::new(now)),
            limit: Limit::new(now),
            engine: Engine::default(),
            names: 0,
            fates: [[Fate::default(); 2]; Class::COUNT],
            fates_since: now,
        }
    }

    /// A request comes in. `waiter` stands for it if it has to wait.
    pub fn arrive(&mut self, class: Class, now: Duration, waiter: impl FnOnce() -> W) -> (Arrival, Moved<W>) {
        let mut moved = self.step(now);
        if self.queues[class.index()].is_empty() && self.has_room(class) {
            self.take(class, now);
            return (Arrival::Admitted, moved);
        }
        if class.shares() {
            self.limit.pressed();
        }
        if class == Class::NewOrders && self.engine.is_poor() {
            self.fate(class).refused += 1;
            return (Arrival::Refused, moved);
        }
        self.names += 1;
        let most = self.most_waiting();
        if let Some(oldest) = self.queues[class.index()].push(self.names, now, most, waiter()) {
            self.fate(class).refused += 1;
            moved.refused.push(oldest);
        }
        (Arrival::Waits(self.names), moved)
    }

    /// A request that was let in at that time has gone. `quick`: how long it was in says something about the server;
    /// what waits for a wallet does not.
    pub fn leave(&mut self, class: Class, entered: Duration, now: Duration, quick: bool) -> Moved<W> {
        self.busy[class.index()].leave(entered, now);
        if quick {
            self.limit.took(class, now.saturating_sub(entered));
        }
        self.step(now)
    }

    /// A request that waits is not waited for any more; false if it is not waiting.
    pub fn give_up(&mut self, class: Class, name: u64, now: Duration) -> bool {
        let waited = self.queues[class.index()].remove(name, now);
        if waited {
            self.fate(class).refused += 1;
        }
        waited
    }

    /// How the order groups are.
    pub fn set_engine(&mut self, engine: Engine) {
        self.engine = engine;
    }

    /// How the order groups were last said to be.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// After what time whoever is refused may ask again: the longer, the more were refused for each that was let
    /// in. A customer waits for those of the first two, so they are asked to wait two seconds at most.
    #[must_use]
    pub fn retry_after(&self, class: Class) -> Duration {
        let [a, b] = self.fates[class.index()];
        let (refused, admitted) = (a.refused + b.refused, a.admitted + b.admitted);
        let times = 1 + refused / admitted.max(1);
        let most = if class <= Class::Questions { 2 } else { 30 };
        Duration::from_secs(u64::from(times.min(most)))
    }

    /// Requests of that class that have a place, and those that wait for one.
    #[must_use]
    pub fn count(&self, class: Class) -> (usize, usize) {
        (self.busy[class.index()].all(), self.queues[class.index()].len())
    }

    /// How many quick requests are let in at a time just now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.places()
    }

    /// Time has passed, or a place has come free.
    fn step(&mut self, now: Duration) -> Moved<W> {
        self.limit.step(now);
        self.busy.iter_mut().for_each(|busy| busy.pass(now));
        if now.saturating_sub(self.fates_since) >= Duration::from_secs(1) {
            self.fates_since = now;
            self.fates.iter_mut().for_each(|[last, this]| *last = std::mem::take(this));
        }
        let mut moved = Moved { admitted: Vec::new(), refused: Vec::new() };
        for class in Class::ALL {
            let refused = moved.refused.len();
            self.queues[class.index()].expire(now, &mut moved.refused);
            let late = moved.refused.len() - refused;
            self.fate(class).refused += u32::try_from(late).unwrap_or(u32::MAX);
            while self.has_room(class)
                && let Some(waiter) = self.queues[class.index()].pop(now)
            {
                self.take(class, now);
                moved.admitted.push(waiter);
            }
        }
        moved
    }

    fn take(&mut self, class: Class, now: Duration) {
        self.busy[class.index()].enter(now);
        self.fate(class).admitted += 1;
        if class.shares() {
            self.limit.busy(self.shared());
        }
    }

    /// How many of a class may wait: about as many as can be in at a time. Whoever is further behind waits for more than
    /// one turn of them all.
    fn most_waiting(&self) -> usize {
        self.limit.places().clamp(LEAST_QUEUE, MOST_QUEUE)
    }

    /// Requests that share what the server can do, and do not hang.
    fn shared(&self) -> usize {
        let sharing = Class::ALL.iter().filter(|class| class.shares());
        sharing.map(|class| self.busy[class.index()].counting()).sum()
    }

    fn fate(&mut self, class: Class) -> &mut Fate {
        &mut self.fates[class.index()][1]
    }

    /// Whether there is a place. Those of money and of logging in are their own; the others share what the server can do,
    /// and each class leaves some of it to the classes before it.
    fn has_room(&self, class: Class) -> bool {
        let busy = |class: Class| self.busy[class.index()].counting();
        let (all, shared) = (self.limit.places(), self.shared());
        match class {
            // Those wait for wallets: all of them count, however long it takes.
            Class::Money => self.busy[class.index()].all() < MONEY_PLACES,
            Class::LogIns => self.busy[class.index()].all() < LOG_IN_PLACES,
            Class::Questions => shared < all,
            Class::Uploads => shared < all - all / 16,
            Class::NewOrders => {
                let most = self.engine.share_of(all).max(TRICKLE);
                shared < all - all / 8 && busy(class) < most
            }
            Class::Reports => shared < all / 2 && busy(class) < (all / 8).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Lets in whatever finds room, and gives how many did.
    fn fill(admission: &mut Admission<u32>, class: Class) -> usize {
        fill_at(admission, class, 0)
    }

    fn fill_at(admission: &mut Admission<u32>, class: Class, at: u64) -> usize {
        (0..2_000).take_while(|_| admission.arrive(class, ms(at), || 0).0 == Arrival::Admitted).count()
    }

    #[test]
    fn when_it_is_full_of_new_orders_uploads_still_enter_and_payments_always_do() {
        let mut door = Admission::<u32>::new(ms(0));
        assert!(fill(&mut door, Class::NewOrders) > 0);
        assert!(fill(&mut door, Class::Uploads) > 0);
        assert_eq!(fill(&mut door, Class::Reports), 0);
        assert_eq!(fill(&mut door, Class::Money), MONEY_PLACES);
    }

    #[test]
    fn people_who_log_in_take_no_place_of_others_and_others_none_of_theirs() {
        let mut door = Admission::<u32>::new(ms(0));
        for class in [Class::NewOrders, Class::Uploads, Class::Questions] {
            fill(&mut door, class);
        }
        assert_eq!(fill(&mut door, Class::LogIns), LOG_IN_PLACES);
        assert_eq!(fill_at(&mut door, Class::LogIns, 10_000), 0, "what hangs there goes on counting");
        assert_eq!(fill_at(&mut door, Class::Money, 10_000), MONEY_PLACES);
    }

    #[test]
    fn a_place_that_comes_free_goes_to_what_matters_most() {
        let mut door = Admission::new(ms(0));
        fill(&mut door, Class::NewOrders);
        fill(&mut door, Class::Uploads);
        // One of each waits, the less important first.
        let mut door = door_with(door, [(Class::Reports, 10), (Class::NewOrders, 11), (Class::Uploads, 12)]);
        let moved = door.leave(Class::NewOrders, ms(0), ms(2), false);
        assert_eq!(moved.admitted.len(), 1);
        assert_eq!(moved.admitted[0], 12);
    }

    fn door_with<const N: usize>(mut door: Admission<u32>, waiting: [(Class, u32); N]) -> Admission<u32> {
        // Whatever waits already from filling up is gone first.
        for class in Class::ALL {
            for name in 0..10_000 {
                door.give_up(class, name, ms(1));
            }
        }
        for (class, name) in waiting {
            assert!(matches!(door.arrive(class, ms(1), || name).0, Arrival::Waits(_)), "{class:?}");
        }
        door
    }

    #[test]
    fn new_orders_are_refused_at_once_while_most_groups_are_slow_and_payments_go_on() {
        let mut door = Admission::<u32>::new(ms(0));
        door.set_engine(Engine { usable: 0, groups: 3 });
        assert_eq!(fill(&mut door, Class::NewOrders), TRICKLE);
        assert_eq!(door.arrive(Class::NewOrders, ms(1), || 0).0, Arrival::Refused);
        assert_eq!(door.arrive(Class::Money, ms(1), || 0).0, Arrival::Admitted);
        assert_eq!(door.arrive(Class::Uploads, ms(1), || 0).0, Arrival::Admitted);
        door.set_engine(Engine { usable: 3, groups: 3 });
        assert_eq!(door.arrive(Class::NewOrders, ms(2), || 0).0, Arrival::Admitted);
    }

    #[test]
    fn isolation_what_hangs_on_a_bad_group_keeps_nobody_out() {
        let mut door = Admission::<u32>::new(ms(0));
        let let_in = fill(&mut door, Class::Uploads);
        assert!(matches!(door.arrive(Class::Uploads, ms(1), || 7).0, Arrival::Waits(_)));
        // None of those that were let in has gone: the group that they are for is dead.
        let (arrival, moved) = door.arrive(Class::Uploads, ms(400), || 8);
        assert_eq!(arrival, Arrival::Admitted);
        assert_eq!(moved.refused, [0, 7], "they came while it was not known yet");
        assert_eq!(door.count(Class::Uploads).0, let_in + 1, "they are still in");
        assert!(fill_at(&mut door, Class::NewOrders, 401) > 0);
    }

    #[test]
    fn the_more_are_refused_the_longer_they_are_asked_to_stay_away() {
        let mut door = Admission::<u32>::new(ms(0));
        assert_eq!(door.retry_after(Class::NewOrders), ms(1_000));
        fill(&mut door, Class::NewOrders);
        for at in 0..900 {
            door.arrive(Class::NewOrders, ms(at), || 0);
        }
        let asked = door.retry_after(Class::NewOrders);
        assert!(asked > ms(2_000) && asked <= ms(30_000), "{asked:?}");
        assert_eq!(door.retry_after(Class::Money), ms(1_000));
    }
}
