//! What tests of groups, the order centre and the API share: a clock set by hand, a till that signs, groups in
//! a folder of their own.

use super::lists::ServedBy;
use super::{
    Adopt, Adoption, Cash, Created, GroupPlace, GroupSet, GroupSettings, Guard, KeptEntry, Limits, Place,
    Policies, SaleOfTill,
};
use crate::base_store::BaseStore;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{Attempt, ChannelNumber, RefundId, StoreId, TerminalId};
use evertill_shared::journal::{Body, Entry, EntryHash, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::Wallet;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// 2026-11-20T06:00:00Z: two in the afternoon in Shanghai.
pub(crate) const NOON: Timestamp = Timestamp(1_795_154_400_000);

pub(crate) struct ManualClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(NOON.0), monotonic: AtomicU64::new(0) })
    }

    pub(crate) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap();
        self.now.fetch_add(i64::try_from(ms).unwrap(), Ordering::SeqCst);
        self.monotonic.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock back; the monotonic one does not follow.
    pub(crate) fn set_back(&self, by: Duration) {
        self.now.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }
}

pub(crate) fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub(crate) fn tag(number: u8) -> GroupTag {
    GroupTag::try_from(number).unwrap()
}

pub(crate) fn store() -> StoreInfo {
    StoreInfo {
        id: StoreId::try_from(7).unwrap(),
        name: "Corner shop".into(),
        address: vec!["1 Test Road".into()],
        currency: Currency::CNY,
        zone: "Asia/Shanghai".parse().unwrap(),
        cut_off_minutes: 0,
    }
}

/// A request id that no other has.
pub(crate) fn guard() -> Guard {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = format!("request-{}", NEXT.fetch_add(1, Ordering::SeqCst));
    Guard { request_id: id, expires_at: NOON.plus(Duration::from_secs(300)) }
}

/// Who serves sales of that amount: nobody in particular, Mei, or Bo, who is not on the staff.
pub(crate) fn cashier_of(minor: i64) -> Option<Cashier> {
    let person = |login: &str, name: &str| Cashier { login: login.into(), name: name.into() };
    [None, Some(person("mei", "Mei")), Some(person("bo", "Bo"))][usize::try_from(minor % 3).unwrap()].clone()
}

/// A till with a key, that writes its journal.
pub(crate) struct Till {
    pub key: SigningKey,
    pub terminal: TerminalId,
    next: AtomicU64,
}

impl Till {
    pub(crate) fn new(number: u16) -> Self {
        let seed = [u8::try_from(number).unwrap(); 32];
        let key = SigningKey::from_seed(&seed, format!("T{number:04}:1")).unwrap();
        Self { key, terminal: TerminalId::try_from(number).unwrap(), next: AtomicU64::new(2) }
    }

    /// An image of the till's disk that goes on from `sequence`.
    pub(crate) fn put_back_to(&self, sequence: u64) {
        self.next.store(sequence, Ordering::SeqCst);
    }

    pub(crate) fn write(&self, body: Body) -> (Entry, SignedEntry) {
        let sequence = self.next.fetch_add(1, Ordering::SeqCst);
        let terminal = self.terminal;
        let entry = Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at: NOON, body };
        let signed = SignedEntry::sign(&entry, &self.key).unwrap();
        (entry, signed)
    }

    fn kept(&self, body: Body) -> KeptEntry {
        let (entry, signed) = self.write(body);
        KeptEntry::new(&entry, &signed)
    }

    pub(crate) fn sale(&self, minor: i64) -> SaleOfTill {
        let line = Line::new("tea".into(), "Tea".into(), 1, cny(minor), TaxRate(1300)).unwrap();
        let sale =
            Sale::new(store().id, NOON, Currency::CNY, vec![line]).unwrap().served_by(cashier_of(minor));
        let entry = self.kept(Body::Sale(sale.clone()));
        SaleOfTill { key: entry.place, sale, entry }
    }

    pub(crate) fn adoption(&self, sale: &SaleOfTill, number: OrderNumber, at: Timestamp) -> Adoption {
        let body = Body::Adopted { sale: sale.key.sequence, number };
        let business_day =
            evertill_shared::business_day::business_day_of(at, &store().zone, store().cut_off_minutes);
        let adopted = self.kept(body);
        let on_staff = |cashier: Cashier| ServedBy { on_staff: cashier.login != "bo", cashier };
        let served_by = sale.sale.cashier.clone().map(on_staff);
        Adoption { number, sale: sale.clone(), adopted, business_day, at, quarantine: false, served_by }
    }

    pub(crate) fn cash(&self, sale: &SaleOfTill) -> Cash {
        let (given, change) = (sale.sale.total, cny(0));
        let entry = self.kept(Body::CashTaken { sale: sale.key.sequence, given, change });
        Cash { entry, part: None, given, change }
    }

    pub(crate) fn requested(&self, sale: &SaleOfTill, number: OrderNumber, attempt: Attempt) -> KeptEntry {
        self.kept(Body::PaymentRequested {
            sale: sale.key.sequence,
            number,
            attempt,
            wallet: Wallet::WeChatPay,
            channel_number: ChannelNumber::new(store().id, sale.key, attempt),
            amount: sale.sale.total,
        })
    }

    /// A part of a sale is taken in cash.
    pub(crate) fn part(&self, sale: &SaleOfTill, amount: Amount) -> KeptEntry {
        self.kept(Body::CashPart { sale: sale.key.sequence, amount, cashier: None })
    }

    /// The same for what is left after a part was taken in cash.
    pub(crate) fn rest_requested(
        &self,
        sale: &SaleOfTill,
        number: OrderNumber,
        attempt: Attempt,
        (amount, cash): (Amount, Amount),
    ) -> KeptEntry {
        self.kept(Body::RestRequested {
            sale: sale.key.sequence,
            number,
            attempt,
            wallet: Wallet::WeChatPay,
            channel_number: ChannelNumber::new(store().id, sale.key, attempt),
            amount,
            cash,
        })
    }

    pub(crate) fn carries_out(&self, refund: &RefundId, number: OrderNumber, amount: Amount) -> KeptEntry {
        self.kept(Body::RefundCarriedOut { refund: refund.clone(), number, amount, cashier: None })
    }

    /// The same for what goes back in cash of an order that was paid in parts.
    pub(crate) fn gives_cash(&self, refund: &RefundId, number: OrderNumber, amount: Amount) -> KeptEntry {
        self.kept(Body::CashRefund { refund: refund.clone(), number, amount, cashier: None })
    }
}

/// Groups in a folder.
pub(crate) struct Rig {
    pub folder: Arc<TempDir>,
    pub clock: Arc<ManualClock>,
    pub groups: GroupSet,
    pub till: Till,
}

pub(crate) const CALL_MS: u64 = 400;

impl Rig {
    pub(crate) fn new(count: u8) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = ManualClock::new();
        let groups = open(&folder, count, &clock);
        Self { folder, clock, groups, till: Till::new(1) }
    }

    pub(crate) fn file(&self, number: u8) -> PathBuf {
        file(&self.folder, number)
    }

    /// Another process that holds the group's file until it is dropped.
    pub(crate) fn freeze(&self, number: u8) -> Connection {
        let connection = Connection::open(self.file(number)).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        connection
    }

    pub(crate) async fn draft(&self, sale: &SaleOfTill) -> Created {
        self.groups.create_draft(sale.clone(), "request").await.unwrap().0
    }

    pub(crate) async fn adopt(&self, sale: &SaleOfTill, number: OrderNumber) {
        let adoption = self.till.adoption(sale, number, self.clock.now());
        let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
        self.groups.adopt(adopt).await.unwrap();
    }

    /// An order paid in cash.
    pub(crate) async fn cash_order(&self, minor: i64) -> OrderNumber {
        let sale = self.till.sale(minor);
        let number = self.draft(&sale).await.number;
        let adoption = self.till.adoption(&sale, number, self.clock.now());
        let cash = Some(self.till.cash(&sale));
        let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
        self.groups.adopt(adopt).await.unwrap();
        number
    }
}

const HASH: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

/// The base store in the rig's folder: opened, or made.
pub(crate) async fn base(rig: &Rig) -> BaseStore {
    let (file, bootstrap) = (rig.folder.path().join("base.db"), rig.folder.path().join("bootstrap.json"));
    let ivy = BootstrapStaff {
        login: "ivy".into(),
        name: "Ivy".into(),
        role: Role::It,
        password_hash: HASH.into(),
    };
    let content = Bootstrap { store: store(), staff: vec![ivy] };
    std::fs::write(&bootstrap, serde_json::to_string(&content).unwrap()).unwrap();
    BaseStore::open(&file, &bootstrap, Arc::clone(&rig.clock) as Arc<dyn Clock>).await.unwrap()
}

fn file(folder: &TempDir, number: u8) -> PathBuf {
    folder.path().join(format!("groups/{number:02}.db"))
}

pub(crate) fn open(folder: &TempDir, count: u8, clock: &Arc<ManualClock>) -> GroupSet {
    let groups = (0..count)
        .map(|n| GroupPlace {
            tag: tag(n),
            place: Place::Sqlite(file(folder, n)),
            expected: super::Expected::default(),
        })
        .collect();
    let limits = Limits { call_ms: CALL_MS, period_jitter_ms: 0, ..Limits::default() };
    let settings = GroupSettings { groups, limits, store: store(), server: "server-1".into() };
    GroupSet::open(settings, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}
