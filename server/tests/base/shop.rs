//! A store for one test: where its base is kept, a clock moved by hand, and what its servers do.

use crate::server::Server;
use evertill_server::base_store::{BaseOpenError, BaseStore, LoginCheck, SCHEMA, StaffRecord};
use evertill_server::database::postgres::PostgresSettings;
use evertill_server::database::{Database, Schema};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::enrol::Enrol;
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role, StaffRow, TerminalChange};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use evertill_shared::terminal_state::TerminalState;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Where one base is kept, for as long as this lives.
pub trait Place: Send + Sync + 'static {
    /// A server's handle on it; another one each time.
    fn database(&self) -> impl Future<Output = Database> + Send {
        self.database_of(&SCHEMA)
    }
    /// The same, made of another schema: an earlier program's.
    fn database_of(&self, schema: &'static Schema) -> impl Future<Output = Database> + Send;
    /// The statement with which an intruder takes away one of the audit trail's triggers.
    fn drop_trigger(&self, name: &str) -> String;
    /// What asks for a statement's plan in its place.
    fn explain(&self) -> &'static str;
}

/// A file in a folder of its own.
pub struct Sqlite {
    dir: TempDir,
}

impl Sqlite {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }
}

impl Place for Sqlite {
    async fn database_of(&self, schema: &'static Schema) -> Database {
        Database::sqlite(&self.dir.path().join("base.db"), schema).unwrap()
    }

    fn drop_trigger(&self, name: &str) -> String {
        format!("DROP TRIGGER {name}")
    }

    fn explain(&self) -> &'static str {
        "EXPLAIN QUERY PLAN"
    }
}

/// A database of its own on the server that the tests share.
pub struct Postgres {
    settings: OnceCell<PostgresSettings>,
    server: Arc<Server>,
}

impl Postgres {
    pub fn new() -> Self {
        Self { settings: OnceCell::new(), server: Server::shared() }
    }
}

impl Place for Postgres {
    async fn database_of(&self, schema: &'static Schema) -> Database {
        let made = async || {
            // Several servers at a time share one that takes few connections.
            PostgresSettings { writers: 2, readers: 2, ..self.server.database().await }
        };
        let settings = self.settings.get_or_init(made).await;
        Database::postgres(settings.clone(), schema).unwrap()
    }

    fn drop_trigger(&self, name: &str) -> String {
        format!("DROP TRIGGER {name} ON audit")
    }

    fn explain(&self) -> &'static str {
        "EXPLAIN"
    }
}

/// A clock that stands until it is moved.
#[derive(Default)]
pub struct Hand(AtomicU64);

impl Hand {
    pub fn forward(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_183_387_000 + i64::try_from(self.0.load(Ordering::SeqCst)).unwrap())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub const HASH: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

/// A bootstrap file's content, of a shop of that name.
pub fn bootstrap(name: &str, staff: Vec<(&str, Role, &str)>) -> Bootstrap {
    let person = |(login, role, hash): (&str, Role, &str)| BootstrapStaff {
        login: login.into(),
        name: login.into(),
        role,
        password_hash: hash.into(),
    };
    Bootstrap {
        store: StoreInfo {
            id: 7_u32.try_into().unwrap(),
            name: name.into(),
            address: Vec::new(),
            currency: "CNY".parse().unwrap(),
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        staff: staff.into_iter().map(person).collect(),
    }
}

pub struct Shop<P> {
    pub place: Arc<P>,
    pub clock: Arc<Hand>,
    files: TempDir,
}

impl<P: Place> Shop<P> {
    pub fn new(place: P) -> Self {
        let files = tempfile::tempdir().unwrap();
        let shop = Self { place: Arc::new(place), clock: Arc::default(), files };
        shop.write_bootstrap("bootstrap.json", &bootstrap("Corner shop", vec![("ivy", Role::It, HASH)]));
        shop
    }

    pub fn write_bootstrap(&self, file: &str, bootstrap: &Bootstrap) -> PathBuf {
        let file = self.files.path().join(file);
        std::fs::write(&file, serde_json::to_string(bootstrap).unwrap()).unwrap();
        file
    }

    /// Starts a server.
    pub async fn try_open(&self) -> Result<BaseStore, BaseOpenError> {
        let bootstrap = self.files.path().join("bootstrap.json");
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        BaseStore::on(self.place.database().await, &bootstrap, clock).await
    }

    pub async fn open(&self) -> BaseStore {
        self.try_open().await.unwrap()
    }

    pub async fn two_servers(&self) -> (BaseStore, BaseStore) {
        (self.open().await, self.open().await)
    }
}

pub fn key(seed: u8) -> VerifyingKey {
    SigningKey::from_seed(&[seed; 32], "enrol".into()).unwrap().public()
}

/// An active till.
pub async fn till(base: &BaseStore, seed: u8) -> TerminalId {
    let key = key(seed);
    let code = base.new_enrolment_code("Till", "ivy".into()).await.unwrap().code;
    let enrolled = base.enrol(Enrol { code, public_key: key }, format!("enrol {seed}")).await.unwrap();
    let activate = TerminalChange::Activate { fingerprint: key.fingerprint() };
    base.change_terminal(enrolled.terminal, activate, "ivy".into()).await.unwrap();
    enrolled.terminal
}

pub fn block() -> TerminalChange {
    TerminalChange::Block { reason: "stolen".into() }
}

pub async fn state(base: &BaseStore, terminal: TerminalId) -> TerminalState {
    base.terminal(terminal).await.unwrap().unwrap().record.state
}

/// Somebody who may log in.
pub async fn record(base: &BaseStore, login: &str) -> Option<StaffRecord> {
    match base.login_check(login).await.unwrap() {
        LoginCheck::Try(record) => record,
        LoginCheck::Wait(until) => panic!("until {until}"),
    }
}

pub async fn add(base: &BaseStore, login: &str, role: Role) -> StaffRecord {
    let row = StaffRow {
        login: login.into(),
        name: login.into(),
        role,
        left_at: None,
        has_pin: false,
        has_card: false,
    };
    base.add_staff(StaffRecord { row, password_hash: HASH.into() }, "ivy".into()).await.unwrap();
    record(base, login).await.unwrap()
}

/// Opens a session.
pub async fn log_in(base: &BaseStore, person: &StaffRecord) -> SecretText {
    base.open_session(person).await.unwrap().0
}

pub async fn lives(base: &BaseStore, token: &SecretText) -> bool {
    base.session(token).await.unwrap().is_some()
}
