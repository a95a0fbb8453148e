//! The base store: the store itself, its terminals, staff, sessions, catalogue, journal heads and audit trail.
//! Small, read often, apart from the orders. One SQLite file, or one PostgreSQL database; every server of a store
//! may open it, and none keeps anything of it to itself but terminals' states, for less than a second.

mod accounts;
mod approvals;
mod audit;
mod bills;
mod bootstrap;
mod cache;
mod cards;
mod cash_parts;
mod catalogue;
mod countersigned;
mod doubts;
mod drawers;
mod enrolment;
mod error;
mod homes;
mod identity;
mod journal;
mod moves;
mod people;
mod pictures;
mod pins;
mod receipt_template;
mod refund_requests;
mod sessions;
mod shifts;
mod shifts_retold;
mod staff;
mod terminals;
mod till_staff;

pub use accounts::{AccountFacts, AccountRow, Changer, SealedSecret, Sealing, WalletTable};
pub use approvals::{ApprovalCode, CodeTry, NewApproval};
pub use audit::{AuditBroken, AuditKind, AuditRow, NewAudit};
pub use bills::{
    BILL_LEASE, BillLease, BillRun, BillsOf, RunFigures, RunState, StoredField, StoredFinding, StoredSettled,
};
pub use cache::{KnownTerminal, TerminalRecord};
pub use catalogue::{EditRefused, GoodsList, GoodsSearch, KeptProduct, ProductEdit, ProductFault, Where};
pub use countersigned::{CountersignedDay, SignDay};
pub use doubts::{Doubt, DoubtKey, Doubted, PAGE as DOUBTS_PAGE, Settled};
pub use drawers::{DrawerFault, ProvedDrawer};
pub use error::{BaseError, BaseOpenError};
pub use homes::HomeRecord;
pub use journal::{HandInTaken, JournalFault, KnownJournal};
pub use moves::{MOVE_LEASE, MoveInHand, MoveRecord, TakenMove};
pub use people::NewPassword;
pub use pins::{PinCheck, PinTry};
pub use refund_requests::{CameTo, Decider, Decision, RefundRequest, RequestState};
pub use sessions::OpenSession;
pub use shifts::{GivenUp, PAGE as SHIFTS_PAGE, ShiftRecord};
pub use shifts_retold::{Retelling, Retold};
pub use staff::{LoginCheck, StaffRecord};
pub use till_staff::Versions;

use crate::database::{Database, DbError, Migration, Opening, Schema, Sql};
use crate::params;
use cache::TerminalCache;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::protocol::SIGNATURE_WINDOW_S;
use evertill_shared::protocol::store::StoreInfo;
use ring::rand::{SecureRandom, SystemRandom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use till_staff::OnStaff;

/// Tells a base store's file from others: "EvTB".
const APPLICATION: i32 = 0x4576_5442;

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "start",
        sqlite: include_str!("../migrations/sqlite/base_0001_start.sql"),
        postgres: include_str!("../migrations/postgres/base_0001_start.sql"),
    },
    Migration {
        number: 2,
        name: "identity",
        sqlite: include_str!("../migrations/sqlite/base_0002_identity.sql"),
        postgres: include_str!("../migrations/postgres/base_0002_identity.sql"),
    },
    Migration {
        number: 3,
        name: "staff_left",
        sqlite: include_str!("../migrations/sqlite/base_0003_staff_left.sql"),
        postgres: include_str!("../migrations/postgres/base_0003_staff_left.sql"),
    },
    Migration {
        number: 4,
        name: "homes",
        sqlite: include_str!("../migrations/sqlite/base_0004_homes.sql"),
        postgres: include_str!("../migrations/postgres/base_0004_homes.sql"),
    },
    Migration {
        number: 5,
        name: "till_pins",
        sqlite: include_str!("../migrations/sqlite/base_0005_till_pins.sql"),
        postgres: include_str!("../migrations/postgres/base_0005_till_pins.sql"),
    },
    Migration {
        number: 6,
        name: "bills",
        sqlite: include_str!("../migrations/sqlite/base_0006_bills.sql"),
        postgres: include_str!("../migrations/postgres/base_0006_bills.sql"),
    },
    Migration {
        number: 7,
        name: "accounts",
        sqlite: include_str!("../migrations/sqlite/base_0007_accounts.sql"),
        postgres: include_str!("../migrations/postgres/base_0007_accounts.sql"),
    },
    Migration {
        number: 8,
        name: "catalogue_parts",
        sqlite: include_str!("../migrations/sqlite/base_0008_catalogue_parts.sql"),
        postgres: include_str!("../migrations/postgres/base_0008_catalogue_parts.sql"),
    },
    Migration {
        number: 9,
        name: "account_of_the_file",
        sqlite: include_str!("../migrations/sqlite/base_0009_account_of_the_file.sql"),
        postgres: include_str!("../migrations/postgres/base_0009_account_of_the_file.sql"),
    },
    Migration {
        number: 10,
        name: "account_of_the_file_closed",
        sqlite: include_str!("../migrations/sqlite/base_0010_account_of_the_file_closed.sql"),
        postgres: include_str!("../migrations/postgres/base_0010_account_of_the_file_closed.sql"),
    },
    Migration {
        number: 11,
        name: "shifts",
        sqlite: include_str!("../migrations/sqlite/base_0011_shifts.sql"),
        postgres: include_str!("../migrations/postgres/base_0011_shifts.sql"),
    },
    Migration {
        number: 12,
        name: "open_shifts",
        sqlite: include_str!("../migrations/sqlite/base_0012_open_shifts.sql"),
        postgres: include_str!("../migrations/postgres/base_0012_open_shifts.sql"),
    },
    Migration {
        number: 13,
        name: "days_over",
        sqlite: include_str!("../migrations/sqlite/base_0013_days_over.sql"),
        postgres: include_str!("../migrations/postgres/base_0013_days_over.sql"),
    },
    Migration {
        number: 14,
        name: "approval_codes",
        sqlite: include_str!("../migrations/sqlite/base_0014_approval_codes.sql"),
        postgres: include_str!("../migrations/postgres/base_0014_approval_codes.sql"),
    },
    Migration {
        number: 15,
        name: "bills_by_account",
        sqlite: include_str!("../migrations/sqlite/base_0015_bills_by_account.sql"),
        postgres: include_str!("../migrations/postgres/base_0015_bills_by_account.sql"),
    },
    Migration {
        number: 16,
        name: "drawers",
        sqlite: include_str!("../migrations/sqlite/base_0016_drawers.sql"),
        postgres: include_str!("../migrations/postgres/base_0016_drawers.sql"),
    },
    Migration {
        number: 17,
        name: "receipt_template",
        sqlite: include_str!("../migrations/sqlite/base_0017_receipt_template.sql"),
        postgres: include_str!("../migrations/postgres/base_0017_receipt_template.sql"),
    },
    Migration {
        number: 18,
        name: "pictures",
        sqlite: include_str!("../migrations/sqlite/base_0018_pictures.sql"),
        postgres: include_str!("../migrations/postgres/base_0018_pictures.sql"),
    },
    Migration {
        number: 19,
        name: "cash_parts",
        sqlite: include_str!("../migrations/sqlite/base_0019_cash_parts.sql"),
        postgres: include_str!("../migrations/postgres/base_0019_cash_parts.sql"),
    },
    Migration {
        number: 20,
        name: "fees",
        sqlite: include_str!("../migrations/sqlite/base_0020_fees.sql"),
        postgres: include_str!("../migrations/postgres/base_0020_fees.sql"),
    },
    Migration {
        number: 21,
        name: "staff_cards",
        sqlite: include_str!("../migrations/sqlite/base_0021_staff_cards.sql"),
        postgres: include_str!("../migrations/postgres/base_0021_staff_cards.sql"),
    },
    Migration {
        number: 22,
        name: "goods",
        sqlite: include_str!("../migrations/sqlite/base_0022_goods.sql"),
        postgres: include_str!("../migrations/postgres/base_0022_goods.sql"),
    },
    Migration {
        number: 23,
        name: "named",
        sqlite: include_str!("../migrations/sqlite/base_0023_named.sql"),
        postgres: include_str!("../migrations/postgres/base_0023_named.sql"),
    },
    Migration {
        number: 24,
        name: "refund_requests",
        sqlite: include_str!("../migrations/sqlite/base_0024_refund_requests.sql"),
        postgres: include_str!("../migrations/postgres/base_0024_refund_requests.sql"),
    },
    Migration {
        number: 25,
        name: "refund_requests_refused",
        sqlite: include_str!("../migrations/sqlite/base_0025_refund_requests_refused.sql"),
        postgres: include_str!("../migrations/postgres/base_0025_refund_requests_refused.sql"),
    },
];

/// The audit trail, the journals' heads and the rules about staff are read and then written: one write transaction
/// at a time, over all servers. SQLite has it so by itself. On PostgreSQL it is a lock named after [`APPLICATION`],
/// held until the commit is durable; servers of two versions must know it by the same name.
const ONE_AT_A_TIME: Opening = Opening {
    sqlite: "SELECT 1 AS locked",
    postgres: "SELECT CAST(1 AS BIGINT) AS locked FROM pg_advisory_xact_lock(1165382722, 1)",
};

/// What a base store's database is made of.
pub const SCHEMA: Schema =
    Schema { application: APPLICATION, migrations: MIGRATIONS, opening: Some(ONE_AT_A_TIME) };

/// How long a request's id is kept: longer than any signature counts, both clocks' skew included.
const REQUEST_ID_LIFE: Duration = Duration::from_secs(SIGNATURE_WINDOW_S * 3);

/// A handle on the base store; cheap to clone.
#[derive(Clone)]
pub struct BaseStore {
    database: Database,
    store: Arc<StoreInfo>,
    terminals: Arc<TerminalCache>,
    on_staff: OnStaff,
    clock: Arc<dyn Clock>,
}

impl BaseStore {
    /// Opens the file, or makes it from the bootstrap file.
    ///
    /// # Errors
    /// [`BaseOpenError`] says what is wrong with which file and what to do.
    pub async fn open(file: &Path, bootstrap: &Path, clock: Arc<dyn Clock>) -> Result<Self, BaseOpenError> {
        Self::on(Database::sqlite(file, &SCHEMA)?, bootstrap, clock).await
    }

    /// Takes a database of [`SCHEMA`] that is open already; a new one is filled from the bootstrap file. Of several
    /// servers that start on one new database, the first one's bootstrap file counts for all.
    ///
    /// # Errors
    /// As [`BaseStore::open`].
    pub async fn on(
        database: Database,
        bootstrap: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BaseOpenError> {
        let store = bootstrap::store_of(&database, bootstrap, clock.now()).await?;
        let terminals = Arc::new(TerminalCache::new(Arc::clone(&clock)));
        Ok(Self { database, store: Arc::new(store), terminals, on_staff: OnStaff::default(), clock })
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
        self.database
            .read(|sql| match sql.row("SELECT one FROM store", &[])? {
                Some(_) => Ok(()),
                None => Err(DbError::nonsense("the store is not in its own database").into()),
            })
            .await
    }

    /// Finishes what waits and lets go of the database.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Inserts the id of a request into the transaction that it causes, so that a replay causes nothing. Ids of
/// different senders do not meet: the signature check has put the sender's name in front.
fn guard(sql: &dyn Sql, request_id: &str, now: Timestamp) -> Result<(), BaseError> {
    sql.execute("DELETE FROM requests WHERE expires_at < ?1", &params![now.0])?;
    let inserted = sql.execute(
        "INSERT INTO requests (request_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        &params![request_id, now.plus(REQUEST_ID_LIFE).0],
    )?;
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
