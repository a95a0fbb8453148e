//! The merchant view: copies of all orders in a store of their own, for lists, searches and totals across the order
//! groups. It is fed from each group's outbox, may lag, and says how far it is complete; all of it can be made again
//! from the groups. No decision about money reads it (rule *no-guess-from-copies*).
//!
//! Feeding is idempotent: a copy goes in only if its version is larger than the one that is there, so parts that come
//! twice, late or out of order change nothing. A server that dies in the middle feeds the same lines again.

mod apply;
mod build;
mod feeder;
mod find;
mod open;
mod rebuild;
mod rows;
#[cfg(test)]
mod tests;

pub use feeder::Feeders;
pub use find::{CashierTotal, DayTotals, Page, Reach, SaleFilter, SaleList, Span, TenderTotal};
pub use open::{VIEW, ViewPlace};
pub use rebuild::{Differences, Progress, RebuildError, Rebuilt};

use crate::database::{Database, DbError, Sql};
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use open::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Why the view has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Its database is not open; the text says why and what to do.
    #[error("the merchant view cannot be opened: {0}")]
    NotOpen(String),
    /// Its database did not do as it was told.
    #[error("the merchant view: {0}")]
    Database(#[from] DbError),
}

/// When a tag's outbox was last read to its end by this server: by the monotonic clock, and whether the last look
/// went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    at: Duration,
    well: bool,
}

struct Inner {
    slot: Arc<Slot>,
    clock: Arc<dyn Clock>,
    /// Somebody looks: when, by the monotonic clock.
    asked: watch::Sender<Duration>,
    seen: watch::Sender<BTreeMap<GroupTag, Seen>>,
}

/// The merchant view. Cheap to clone.
#[derive(Clone)]
pub struct MerchantView(Arc<Inner>);

impl MerchantView {
    /// Opens the view's database in the background: sales never wait for it.
    /// # Errors
    /// The system gave no thread.
    pub fn start(place: ViewPlace, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        Ok(Self::with(Slot::start(place)?, clock))
    }

    /// The view in a database of [`VIEW`] that is open already.
    #[must_use]
    pub fn on(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self::with(Slot::filled(database), clock)
    }

    /// No view, and why: lists and totals say so.
    #[must_use]
    pub fn missing(why: &str, clock: Arc<dyn Clock>) -> Self {
        Self::with(Slot::missing(why), clock)
    }

    fn with(slot: Arc<Slot>, clock: Arc<dyn Clock>) -> Self {
        let (asked, seen) = (watch::Sender::new(Duration::ZERO), watch::Sender::new(BTreeMap::new()));
        Self(Arc::new(Inner { slot, clock, asked, seen }))
    }

    fn database(&self) -> Result<Database, ViewError> {
        self.0.slot.database().ok_or_else(|| ViewError::NotOpen(self.0.slot.trouble()))
    }

    async fn write<T, E>(&self, job: impl FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + From<ViewError> + Send + 'static,
    {
        let database = self.database()?;
        database.write(job).await
    }

    async fn read<T, E>(&self, query: impl FnOnce(&dyn Sql) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + From<ViewError> + Send + 'static,
    {
        let database = self.database()?;
        database.read(query).await
    }

    /// Waits, within a limit, until all that the groups have committed up to now is in: whoever has just sold wants
    /// to see it. Groups that do not answer are not waited for.
    pub async fn catch_up(&self, limit: Duration) {
        let now = self.0.clock.monotonic();
        let mut seen = self.0.seen.subscribe();
        self.0.asked.send_replace(now);
        let all = seen.wait_for(|seen| seen.values().all(|seen| !seen.well || seen.at >= now));
        let _ = tokio::time::timeout(limit, all).await;
    }

    /// The groups that this server could not read when it last looked.
    #[must_use]
    pub fn unread(&self) -> Vec<GroupTag> {
        let seen = self.0.seen.borrow();
        seen.iter().filter(|(_, seen)| !seen.well).map(|(tag, _)| *tag).collect()
    }

    /// Finishes what waits and lets go of the database.
    pub async fn close(&self) {
        if let Some(database) = self.0.slot.database() {
            database.close().await;
        }
    }
}
