//! One time for all servers of a store: that of the database that they share.
//!
//! Leases, the time of the next question and the deadline of a payment are written by one server and read by another. A
//! server whose clock is a minute ahead would take payments in hand that another is just charging, and take them back
//! from customers who still type. So each server measures how far its own clock is from the base store's, again and
//! again, and goes by that. Where nobody shares the base store (a file), the server's own clock is as good as any.
//!
//! Between two measurements the time goes on by a clock that nobody sets. A leap of the shared clock (its database failed
//! over to another machine) is believed once two measurements agree about it, and then nothing is taken in hand for as long
//! as a lease may live: other servers leap at other moments. It follows for no more than [`MOST`]: beyond that tills and
//! wallets would refuse what is signed by that time, and nobody knows whose clock is wrong. Then this server takes no new
//! payments and takes nothing in hand, says that it is not ready, and a person must mend one of the two.

use crate::database::{Database, DbError};
use evertill_shared::clock::{Clock, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// How often the difference is measured.
const EVERY: Duration = Duration::from_secs(10);
/// Smaller differences are let be: a clock that is set at every measurement serves nobody.
const LEAST: i64 = 250;
/// An answer that takes longer says too little about the time: it may be wrong by half of this.
const LONGEST_WAY: Duration = Duration::from_millis(2 * LEAST.unsigned_abs());
/// A clock that runs ill differs by less. What differs by more has leapt, or was measured wrongly.
const LEAP: i64 = 2_000;
/// So far apart, at most, may clocks be that sign for each other.
pub const MOST: Duration = Duration::from_secs(5 * 60);

/// One moment, by three clocks.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// By the one that nobody sets.
    since: Duration,
    /// By the shared one.
    there: Timestamp,
    /// By this server's own, which may be set, and which goes on while the machine sleeps.
    wall: Timestamp,
}

/// What this server makes of its time.
#[derive(Clone, Copy, Debug, Default)]
struct Going {
    /// The shared time at a moment of the clock that nobody sets; nothing while the server's own clock is gone by.
    anchor: Option<Anchor>,
    /// How far the last measurement was off, if that was a leap.
    leap: Option<i64>,
    /// Nothing is taken in hand until then.
    quiet_until: Duration,
    /// The shared clock is too far away to be followed.
    is_lost: bool,
}

/// A server's clock, set by the one that all servers share.
pub struct AgreedClock {
    own: Arc<dyn Clock>,
    /// Nothing is taken in hand for so long after a leap.
    quiet: Duration,
    going: Mutex<Going>,
}

impl Clock for AgreedClock {
    fn now(&self) -> Timestamp {
        let going = *self.going();
        self.time_of(&going)
    }

    fn monotonic(&self) -> Duration {
        self.own.monotonic()
    }
}

/// Stops the measuring when it is dropped.
#[derive(Debug)]
pub struct Measuring(AbortHandle);

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl AgreedClock {
    /// Over this server's own clock; measured, if the database answers: twice, so that a difference is believed at once.
    /// No lease of payments or refunds lasts longer than `longest_lease`; that of a wallet's bills may, and is fenced by a
    /// number of its own.
    pub async fn over(own: Arc<dyn Clock>, shared: &Database, longest_lease: Duration) -> Arc<Self> {
        let clock = Arc::new(Self::new(own, longest_lease));
        clock.measure(shared).await;
        clock.measure(shared).await;
        clock
    }

    /// After a leap it is quiet for as long as a lease may live, and as others may need to notice the leap.
    fn new(own: Arc<dyn Clock>, longest_lease: Duration) -> Self {
        Self { own, quiet: longest_lease + 2 * EVERY, going: Mutex::default() }
    }

    /// Measures for as long as what this gives lives.
    #[must_use = "dropping it stops the measuring"]
    pub fn spawn(self: &Arc<Self>, shared: Database) -> Measuring {
        let clock = Arc::clone(self);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                clock.measure(&shared).await;
            }
        });
        Measuring(task.abort_handle())
    }

    /// Whether this server's time can be signed by, and be trusted to have gone on: else it takes no new payments, and sends
    /// nothing that it began before. A machine that slept may have slept through a lease.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        let going = self.going();
        !going.is_lost && !self.slept(&going)
    }

    /// Whether leases can be judged by it now: else what is due is left to others for a while.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        let going = self.going();
        !going.is_lost && !self.slept(&going) && self.own.monotonic() >= going.quiet_until
    }

    /// Measures how far the shared clock is ahead, and goes by that. Without an answer all stays as it is.
    pub async fn measure(&self, shared: &Database) {
        let before = self.own.monotonic();
        let there = match shared.read(|sql| sql.time()).await {
            Ok(Some(there)) => there,
            Ok(None) => return,
            Err(error) => {
                let error: DbError = error;
                return tracing::debug!(%error, "the shared clock could not be read");
            }
        };
        let way = self.own.monotonic().saturating_sub(before);
        if way <= LONGEST_WAY {
            self.go_by(there.plus(way / 2));
        }
    }

    fn go_by(&self, there: Timestamp) {
        let (here, mut going) = (self.own.monotonic(), self.going());
        let off = there.0.saturating_sub(self.time_of(&going).0);
        let from_own = there.0.saturating_sub(self.own.now().0);
        metrics::gauge!("evertill_clock_behind_seconds").set(seconds(from_own));
        let most = i64::try_from(MOST.as_millis()).unwrap_or(i64::MAX);
        if off.saturating_abs().min(from_own.saturating_abs()) > most {
            tracing::error!(
                ahead_ms = off,
                "this server's clock and the base store's differ by more than five minutes: set \
                the one that is wrong. Until then this server takes no new payments and works on none"
            );
            (going.is_lost, going.leap) = (true, None);
            return;
        }
        if off.saturating_abs() < LEAST {
            (going.is_lost, going.leap) = (false, None);
            // From the first measurement on nobody can set it.
            let (now, wall) = (self.time_of(&going), self.own.now());
            going.anchor = Some(Anchor { since: here, there: now, wall });
            return;
        }
        if off.saturating_abs() > LEAP {
            let agrees = going.leap.is_some_and(|before| before.saturating_sub(off).saturating_abs() <= LEAP);
            if !agrees {
                going.leap = Some(off);
                return;
            }
            // At the start there is nothing yet that could be taken from anybody.
            if going.anchor.is_some() || going.is_lost {
                going.quiet_until = here + self.quiet;
            }
        }
        tracing::warn!(
            ahead_ms = off,
            "this server goes by the base store's clock, which differs from its own"
        );
        let anchor = Anchor { since: here, there, wall: self.own.now() };
        (going.is_lost, going.leap, going.anchor) = (false, None, Some(anchor));
    }

    fn time_of(&self, going: &Going) -> Timestamp {
        match going.anchor {
            Some(anchor) => anchor.there.plus(self.own.monotonic().saturating_sub(anchor.since)),
            None => self.own.now(),
        }
    }

    /// Whether the two clocks of this machine have parted since the last measurement: it slept, or its clock was set.
    fn slept(&self, going: &Going) -> bool {
        going.anchor.is_some_and(|anchor| {
            let awake = self.own.monotonic().saturating_sub(anchor.since);
            let apart = self.own.now().0.saturating_sub(anchor.wall.plus(awake).0);
            apart.saturating_abs() > LEAP
        })
    }

    fn going(&self) -> MutexGuard<'_, Going> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Below 0 for less than nothing.
fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64().copysign(if ms < 0 { -1.0 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_group::testing::ManualClock;

    /// A clock of the server's own that can be set, and one beside it that cannot.
    struct Own {
        wall: Mutex<Timestamp>,
        monotonic: Mutex<Duration>,
    }

    impl Clock for Own {
        fn now(&self) -> Timestamp {
            *self.wall.lock().unwrap()
        }
        fn monotonic(&self) -> Duration {
            *self.monotonic.lock().unwrap()
        }
    }

    const NOON: Timestamp = Timestamp(1_795_154_400_000);
    const LEASE: Duration = Duration::from_secs(60);

    fn clock() -> (Arc<Own>, AgreedClock) {
        let own = Arc::new(Own { wall: Mutex::new(NOON), monotonic: Mutex::new(Duration::from_secs(100)) });
        (Arc::clone(&own), AgreedClock::new(own, LEASE))
    }

    fn pass(own: &Own, time: Duration) {
        let now = own.now();
        *own.wall.lock().unwrap() = now.plus(time);
        *own.monotonic.lock().unwrap() += time;
    }

    /// The shared clock is so far ahead of the server's own.
    fn measured(own: &Own, clock: &AgreedClock, ahead: i64) -> i64 {
        clock.go_by(Timestamp(own.now().0 + ahead));
        clock.now().0 - own.now().0
    }

    #[test]
    fn a_server_goes_by_the_shared_clock_and_a_leap_needs_two_measurements() {
        let (own, clock) = clock();
        for (ahead, goes) in [(200, 0), (1_500, 1_500), (1_600, 1_500), (-4_000, 1_500), (-4_100, -4_100)] {
            assert_eq!(measured(&own, &clock, ahead), goes, "measured {ahead}");
        }
        // One that is wrong is believed by nobody.
        assert_eq!(measured(&own, &clock, 200_000), -4_100);
        assert_eq!(measured(&own, &clock, -4_100), -4_100);
        assert_eq!(measured(&own, &clock, 200_000), -4_100, "and the next one stands alone again");
    }

    #[test]
    fn after_a_leap_nothing_is_taken_in_hand_for_a_while() {
        let (own, clock) = clock();
        measured(&own, &clock, 0);
        assert!(clock.is_steady());
        measured(&own, &clock, 200_000);
        assert_eq!(measured(&own, &clock, 200_000), 200_000);
        assert!(clock.is_agreed() && !clock.is_steady(), "others may not have leapt yet");
        pass(&own, LEASE + EVERY);
        assert!(
            !clock.is_steady(),
            "what another took in hand just before it leapt may be in its hand still"
        );
        pass(&own, EVERY);
        assert!(clock.is_steady());
    }

    #[test]
    fn a_shared_clock_too_far_away_is_not_followed_and_nothing_new_begins_until_it_is_mended() {
        let (own, clock) = clock();
        measured(&own, &clock, 0);
        assert_eq!(measured(&own, &clock, 301_000), 0);
        assert!(!clock.is_agreed() && !clock.is_steady());
        assert_eq!(measured(&own, &clock, 100), 0);
        assert!(clock.is_agreed() && clock.is_steady(), "the shared one was set right");
        // Or this server's own was wrong, and is set right.
        measured(&own, &clock, 301_000);
        *own.wall.lock().unwrap() = NOON.plus(Duration::from_secs(301));
        measured(&own, &clock, 0);
        assert_eq!(measured(&own, &clock, 0), 0);
        assert!(clock.is_agreed() && !clock.is_steady());
    }

    #[test]
    fn whoever_sets_the_servers_own_clock_sets_no_agreed_time() {
        let (own, clock) = clock();
        measured(&own, &clock, 1_000);
        let before = clock.now();
        *own.wall.lock().unwrap() = Timestamp(0);
        assert_eq!(clock.now(), before);
        pass(&own, Duration::from_secs(7));
        assert_eq!(clock.now(), before.plus(Duration::from_secs(7)));
    }

    #[test]
    fn a_machine_that_slept_begins_nothing_and_sends_nothing_before_its_time_is_measured_again() {
        let (own, clock) = clock();
        measured(&own, &clock, 0);
        *own.wall.lock().unwrap() = NOON.plus(Duration::from_secs(40));
        assert!(!clock.is_agreed() && !clock.is_steady(), "it may have slept through its leases");
        measured(&own, &clock, 0);
        assert_eq!((measured(&own, &clock, 0), clock.is_agreed()), (0, true));
        assert!(!clock.is_steady());
        // Only its own clock was set: the next measurement says so, and all goes on.
        pass(&own, clock.quiet);
        *own.wall.lock().unwrap() = NOON;
        assert!(!clock.is_agreed());
        clock.go_by(clock.now());
        assert!(clock.is_agreed() && clock.is_steady());
    }

    #[tokio::test]
    async fn a_file_that_nobody_shares_has_no_clock_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("base.db"), &crate::base_store::SCHEMA).unwrap();
        let clock = AgreedClock::over(ManualClock::new(), &database, LEASE).await;
        assert_eq!(clock.now(), clock.own.now());
        assert!(clock.is_agreed() && clock.is_steady());
        database.close().await;
    }
}
