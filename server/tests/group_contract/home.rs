//! One group in one database of each engine, and a till that writes its journal.

use crate::server::Server;
use evertill_server::database::{Database, DbError};
use evertill_server::order_group::{
    Adopt, Adoption, Cash, Created, Drafts, Expected, Guard, KeptEntry, Lease, NewDraft, NewPayment, Orders,
    Policies, SaleOfTill, StoredGroup,
};
use evertill_server::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{Attempt, ChannelNumber, StoreId, TerminalId};
use evertill_shared::journal::{Body, Entry, EntryHash, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::{Payment, Policy};
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// 2026-11-20T06:00:00Z: two in the afternoon in Shanghai.
pub const NOON: Timestamp = Timestamp(1_795_154_400_000);

pub fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub fn tag(number: u8) -> GroupTag {
    GroupTag::try_from(number).unwrap()
}

pub fn guard() -> Guard {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let request_id = format!("request-{}", NEXT.fetch_add(1, Ordering::SeqCst));
    Guard { request_id, expires_at: NOON.plus(Duration::from_secs(300)) }
}

/// A group of tag 0, alone in its database.
pub struct Home {
    pub engine: &'static str,
    pub database: Database,
    pub group: Arc<StoredGroup>,
    key: SigningKey,
    next: AtomicU64,
    random: AtomicU32,
    _kept: Kept,
}

/// What a home's database lives on.
enum Kept {
    Folder(#[allow(dead_code, reason = "held until the home goes")] TempDir),
    Server(#[allow(dead_code, reason = "held until the home goes")] Arc<Server>),
}

/// A new home on each engine.
pub async fn homes() -> Vec<Home> {
    let server = Server::shared();
    let settings = server.database().await;
    let postgres = Database::postgres(settings, &StoredGroup::schema(tag(0))).unwrap();
    vec![Home::on_sqlite().await, Home::on("PostgreSQL", postgres, Kept::Server(server)).await]
}

impl Home {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("group.db");
        let sqlite = Database::sqlite(&file, &StoredGroup::schema(tag(0))).unwrap();
        Self::on("SQLite", sqlite, Kept::Folder(folder)).await
    }

    async fn on(engine: &'static str, database: Database, kept: Kept) -> Self {
        let group = StoredGroup::on(tag(0), database.clone(), &Expected::default()).await.unwrap();
        let key = SigningKey::from_seed(&[1; 32], "T0001:1".into()).unwrap();
        let (next, random) = (AtomicU64::new(2), AtomicU32::new(0));
        Self { engine, database, group: Arc::new(group), key, next, random, _kept: kept }
    }

    pub fn write(&self, body: Body) -> KeptEntry {
        let terminal = TerminalId::try_from(1).unwrap();
        let sequence = self.next.fetch_add(1, Ordering::SeqCst);
        let entry = Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at: NOON, body };
        KeptEntry::new(&entry, &SignedEntry::sign(&entry, &self.key).unwrap())
    }

    pub fn sale(&self, minor: i64) -> SaleOfTill {
        let line = Line::new("tea".into(), "Tea".into(), 1, cny(minor), TaxRate(1300)).unwrap();
        let store = StoreId::try_from(7).unwrap();
        let sale = Sale::new(store, NOON, Currency::CNY, vec![line]).unwrap();
        let entry = self.write(Body::Sale(sale.clone()));
        SaleOfTill { key: entry.place, sale, entry }
    }

    /// The till's disk is put back: it writes the last entry again.
    pub fn put_back(&self) {
        self.next.fetch_sub(1, Ordering::SeqCst);
    }

    pub fn draft_of(&self, sale: &SaleOfTill) -> NewDraft {
        let first = self.random.fetch_add(8, Ordering::SeqCst);
        NewDraft {
            sale: Arc::new(sale.clone()),
            at: NOON,
            business_day: day(),
            server: "server-1".into(),
            random: std::array::from_fn(|n| first + u32::try_from(n).unwrap()),
        }
    }

    pub async fn draft(&self, sale: &SaleOfTill) -> Created {
        self.group.create_draft(self.draft_of(sale)).await.unwrap()
    }

    pub fn adoption(&self, sale: &SaleOfTill, number: OrderNumber) -> Adoption {
        let adopted = self.write(Body::Adopted { sale: sale.key.sequence, number });
        Adoption {
            number,
            sale: sale.clone(),
            adopted,
            business_day: day(),
            at: NOON,
            quarantine: false,
            served_by: None,
        }
    }

    pub fn adopt(&self, sale: &SaleOfTill, number: OrderNumber, with_cash: bool) -> Adopt {
        let adoption = self.adoption(sale, number);
        let (given, change) = (sale.sale.total, cny(0));
        let body = Body::CashTaken { sale: sale.key.sequence, given, change };
        let cash = with_cash.then(|| Cash { entry: self.write(body), part: None, given, change });
        Adopt { adoption, cash, policies: Policies::default(), guard: guard() }
    }

    pub async fn cash_order(&self, minor: i64) -> OrderNumber {
        let sale = self.sale(minor);
        let number = self.draft(&sale).await.number;
        self.group.adopt(self.adopt(&sale, number, true)).await.unwrap();
        number
    }

    pub fn payment(&self, sale: &SaleOfTill, number: OrderNumber, attempt: Attempt) -> NewPayment {
        let (wallet, amount) = (Wallet::WeChatPay, sale.sale.total);
        let channel_number = ChannelNumber::new(sale.sale.store, sale.key, attempt);
        let requested = self.write(Body::PaymentRequested {
            sale: sale.key.sequence,
            number,
            attempt,
            wallet,
            channel_number: channel_number.clone(),
            amount,
        });
        let intent = Payment::intent(attempt, wallet, channel_number, amount, NOON, &Policy::default());
        let adoption = self.adoption(sale, number);
        let lease = lease("server-1", 0);
        NewPayment { adoption, requested, cash_part: None, intent, lease, guard: guard() }
    }

    /// One number from the database.
    pub async fn number(&self, statement: &'static str) -> i64 {
        let found = self.database.read(move |sql| sql.value(statement, &params![])).await;
        found.map_err(|error: DbError| error).unwrap().unwrap()
    }

    pub async fn execute(&self, statement: String) {
        let done = self.database.write(move |sql| sql.execute(&statement, &params![])).await;
        done.map_err(|error: DbError| error).unwrap();
    }

    /// What the outbox says of an order: its versions, in order; and the version at which the order stands.
    pub async fn told(&self, number: OrderNumber) -> (Vec<i64>, i64) {
        let job = move |sql: &dyn evertill_server::database::Sql| -> Result<_, DbError> {
            let number = number.as_str();
            let rows =
                sql.rows("SELECT version FROM outbox WHERE number = ?1 ORDER BY seq", &params![number])?;
            let told = rows.iter().map(|row| row.at(0)).collect::<Result<Vec<i64>, _>>()?;
            let stands = sql.value("SELECT version FROM orders WHERE number = ?1", &params![number])?;
            Ok((told, stands.unwrap_or_default()))
        };
        self.database.read(job).await.unwrap()
    }
}

/// A lease of ten seconds that begins so many seconds after noon.
pub fn lease(owner: &str, after: u64) -> Lease {
    let now = NOON.plus(Duration::from_secs(after));
    Lease { owner: owner.into(), now, until: now.plus(Duration::from_secs(10)) }
}
