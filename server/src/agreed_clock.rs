//! One time for all servers of a store: that of the database that they share.
//!
//! Leases, the time of the next question and the deadline of a payment are written by one server and read by another. A
//! server whose clock is a minute ahead would take payments in hand that another is just charging, and take them back
//! from customers who still type. So each server measures how far its own clock is from the base store's, again and
//! again, and goes by that. Where nobody shares the base store (a file), the server's own clock is as good as any.
//!
//! It follows for no more than [`MOST`]: beyond that tills and wallets would refuse what is signed by that time, and
//! nobody knows whose clock is wrong. Then a person must mend one of the two.

use crate::database::{Database, DbError};
use evertill_shared::clock::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::AbortHandle;

/// How often the difference is measured.
const EVERY: Duration = Duration::from_secs(10);
/// An answer that takes longer says too little about the time.
const LONGEST_WAY: Duration = Duration::from_secs(1);
/// Smaller differences are let be: a clock that is set at every measurement serves nobody.
const LEAST: i64 = 250;
/// So far apart, at most, may clocks be that sign for each other.
pub const MOST: Duration = Duration::from_secs(5 * 60);

/// A server's clock, set by the one that all servers share.
pub struct AgreedClock {
    own: Arc<dyn Clock>,
    ahead_ms: AtomicI64,
}

impl Clock for AgreedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        Timestamp(self.own.now().0.saturating_add(ahead))
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
    /// Over this server's own clock; measured once, if the database answers.
    pub async fn over(own: Arc<dyn Clock>, shared: &Database) -> Arc<Self> {
        let clock = Arc::new(Self { own, ahead_ms: AtomicI64::new(0) });
        clock.measure(shared).await;
        clock
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
            self.go_by(there.plus(way / 2), self.own.now());
        }
    }

    fn go_by(&self, there: Timestamp, here: Timestamp) {
        let (ahead, most) =
            (there.0.saturating_sub(here.0), i64::try_from(MOST.as_millis()).unwrap_or(i64::MAX));
        metrics::gauge!("evertill_clock_behind_seconds").set(seconds(ahead));
        let known = self.ahead_ms.load(Ordering::Relaxed);
        if ahead.saturating_sub(known).saturating_abs() < LEAST {
            return;
        }
        if ahead.saturating_abs() > most {
            tracing::error!(
                ahead_ms = ahead,
                "this server's clock and the base store's differ by more than five minutes: \
                                               set the one that is wrong; until then this server goes by its own"
            );
            return self.ahead_ms.store(0, Ordering::Relaxed);
        }
        tracing::warn!(
            ahead_ms = ahead,
            "this server goes by the base store's clock, which differs from its own"
        );
        self.ahead_ms.store(ahead, Ordering::Relaxed);
    }
}

/// Below 0 for less than nothing.
fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64().copysign(if ms < 0 { -1.0 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_group::testing::{ManualClock, NOON};

    fn clock() -> AgreedClock {
        AgreedClock { own: ManualClock::new(), ahead_ms: AtomicI64::new(0) }
    }

    fn ahead(clock: &AgreedClock) -> i64 {
        clock.now().0 - clock.own.now().0
    }

    #[test]
    fn a_server_goes_by_the_shared_clock_as_far_as_signatures_allow() {
        let clock = clock();
        for (measured, goes) in
            [(200, 0), (-4_000, -4_000), (-4_100, -4_000), (299_000, 299_000), (301_000, 0)]
        {
            clock.go_by(Timestamp(NOON.0 + measured), NOON);
            assert_eq!(ahead(&clock), goes, "measured {measured}");
        }
    }

    #[tokio::test]
    async fn a_file_that_nobody_shares_has_no_clock_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("base.db"), &crate::base_store::SCHEMA).unwrap();
        let clock = AgreedClock::over(ManualClock::new(), &database).await;
        assert_eq!(clock.now(), clock.own.now());
        database.close().await;
    }
}
