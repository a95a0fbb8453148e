//! The base store: the store itself, its terminals, staff, sessions, catalogue, journal heads and audit trail.
//! Small, read often, apart from the orders. One SQLite file; every server of a store may open it.

mod audit;
mod bootstrap;
mod cache;
mod catalogue;
mod enrolment;
mod error;
mod identity;
mod journal;
mod people;
mod sessions;
mod staff;
mod terminals;
#[cfg(test)]
mod tests;

pub use audit::{AuditBroken, AuditKind, AuditRow, NewAudit};
pub use cache::{KnownTerminal, TerminalRecord};
pub use error::{BaseError, BaseOpenError};
pub use journal::{HandInTaken, JournalFault, KnownJournal};
pub use people::NewPassword;
pub use sessions::OpenSession;
pub use staff::{LoginCheck, StaffRecord};

use crate::sqlite_writer::{Database, Migration};
use cache::TerminalCache;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::protocol::SIGNATURE_WINDOW_S;
use evertill_shared::protocol::store::StoreInfo;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::Transaction;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Tells a base store's file from others: "EvTB".
const APPLICATION: i32 = 0x4576_5442;

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "start", sql: include_str!("../migrations/sqlite/base_0001_start.sql") },
    Migration {
        number: 2,
        name: "identity",
        sql: include_str!("../migrations/sqlite/base_0002_identity.sql"),
    },
    Migration {
        number: 3,
        name: "staff_left",
        sql: include_str!("../migrations/sqlite/base_0003_staff_left.sql"),
    },
];

/// How long a request's id is kept: longer than any signature counts, both clocks' skew included.
const REQUEST_ID_LIFE: Duration = Duration::from_secs(SIGNATURE_WINDOW_S * 3);

/// A handle on the base store; cheap to clone.
#[derive(Clone)]
pub struct BaseStore {
    database: Database,
    store: Arc<StoreInfo>,
    terminals: Arc<TerminalCache>,
    clock: Arc<dyn Clock>,
}

impl BaseStore {
    /// Opens the file, or makes it from the bootstrap file.
    ///
    /// # Errors
    /// [`BaseOpenError`] says what is wrong with which file and what to do.
    pub async fn open(file: &Path, bootstrap: &Path, clock: Arc<dyn Clock>) -> Result<Self, BaseOpenError> {
        let database = Database::open(file, APPLICATION, MIGRATIONS)?;
        let store = bootstrap::store_of(&database, bootstrap, clock.now()).await?;
        let terminals = Arc::new(TerminalCache::new(Arc::clone(&clock)));
        Ok(Self { database, store: Arc::new(store), terminals, clock })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &StoreInfo {
        &self.store
    }

    /// The store's business day at that time.
    #[must_use]
    pub fn business_day(&self, at: Timestamp) -> BusinessDay {
        business_day_of(at, &self.store.zone, self.store.cut_off_minutes)
    }

    /// Whether it can be read and takes writes.
    ///
    /// # Errors
    /// Why not.
    pub async fn health(&self) -> Result<(), BaseError> {
        self.database.health()?;
        self.database.read(|c| Ok(c.query_row("SELECT 1 FROM store", [], |_| Ok(()))?)).await
    }

    /// Finishes what waits and closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Inserts the id of a request into the transaction that it causes, so that a replay causes nothing. Ids of
/// different senders do not meet: the signature check has put the sender's name in front.
fn guard(tx: &Transaction<'_>, request_id: &str, now: Timestamp) -> Result<(), BaseError> {
    tx.prepare_cached("DELETE FROM requests WHERE expires_at < ?1")?.execute([now.0])?;
    let inserted = tx
        .prepare_cached(
            "INSERT INTO requests (request_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((request_id, now.plus(REQUEST_ID_LIFE).0))?;
    if inserted == 1 { Ok(()) } else { Err(BaseError::Replayed) }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], BaseError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| BaseError::NoRandomness)?;
    Ok(bytes)
}

/// SHA-256 in hex, of a text under a domain of its own.
fn hash_of(domain: &str, text: &str) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(domain.as_bytes());
    context.update(b"\n");
    context.update(text.as_bytes());
    hex::encode(context.finish())
}
