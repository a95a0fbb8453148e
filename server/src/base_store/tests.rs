mod people;

use super::*;
use crate::sqlite_writer::DbError;
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::enrol::Enrol;
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role, TerminalChange};
use evertill_shared::signing::SigningKey;
use evertill_shared::terminal_state::TerminalState;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// A clock that stands until it is moved.
#[derive(Default)]
struct Hand(AtomicU64);

impl Hand {
    fn forward(&self, ms: u64) {
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

const HASH: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

fn bootstrap(staff: Vec<(&str, Role, &str)>) -> Bootstrap {
    let person = |(login, role, hash): (&str, Role, &str)| BootstrapStaff {
        login: login.into(),
        name: login.into(),
        role,
        password_hash: hash.into(),
    };
    Bootstrap {
        store: StoreInfo {
            id: 7_u32.try_into().unwrap(),
            name: "Corner shop".into(),
            address: Vec::new(),
            currency: "CNY".parse().unwrap(),
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        staff: staff.into_iter().map(person).collect(),
    }
}

struct Shop {
    dir: TempDir,
    clock: Arc<Hand>,
}

impl Shop {
    fn new() -> Self {
        let shop = Self { dir: tempfile::tempdir().unwrap(), clock: Arc::default() };
        shop.write_bootstrap(&bootstrap(vec![("ivy", Role::It, HASH)]));
        shop
    }

    fn write_bootstrap(&self, bootstrap: &Bootstrap) {
        let text = serde_json::to_string(bootstrap).unwrap();
        std::fs::write(self.dir.path().join("bootstrap.json"), text).unwrap();
    }

    async fn try_open(&self) -> Result<BaseStore, BaseOpenError> {
        let (file, bootstrap) = (self.dir.path().join("base.db"), self.dir.path().join("bootstrap.json"));
        BaseStore::open(&file, &bootstrap, Arc::clone(&self.clock) as Arc<dyn Clock>).await
    }

    async fn open(&self) -> BaseStore {
        self.try_open().await.unwrap()
    }
}

async fn till(base: &BaseStore, seed: u8) -> TerminalId {
    let key = SigningKey::from_seed(&[seed; 32], "enrol".into()).unwrap().public();
    let code = base.new_enrolment_code("Till", "ivy".into()).await.unwrap().code;
    let enrol = Enrol { code, public_key: key };
    let enrolled = base.enrol(enrol, format!("enrol {seed}")).await.unwrap();
    let activate = TerminalChange::Activate { fingerprint: key.fingerprint() };
    base.change_terminal(enrolled.terminal, activate, "ivy".into()).await.unwrap();
    enrolled.terminal
}

fn block() -> TerminalChange {
    TerminalChange::Block { reason: "stolen".into() }
}

async fn state(base: &BaseStore, terminal: TerminalId) -> TerminalState {
    base.terminal(terminal).await.unwrap().unwrap().record.state
}

#[tokio::test]
async fn a_state_is_remembered_for_less_than_a_second_and_a_block_here_counts_at_once() {
    let shop = Shop::new();
    let (here, there) = (shop.open().await, shop.open().await);
    let terminal = till(&here, 1).await;
    assert_eq!(state(&there, terminal).await, TerminalState::Active);
    here.change_terminal(terminal, block(), "ivy".into()).await.unwrap();
    assert_eq!(state(&here, terminal).await, TerminalState::Blocked);
    assert_eq!(state(&there, terminal).await, TerminalState::Active, "remembered");
    shop.clock.forward(900);
    assert_eq!(state(&there, terminal).await, TerminalState::Blocked);
}

#[tokio::test]
async fn what_is_known_counts_for_money_for_five_seconds_while_the_store_cannot_be_read() {
    let shop = Shop::new();
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    assert!(base.terminal(terminal).await.unwrap().unwrap().good_for_money);
    base.close().await;
    shop.clock.forward(4_900);
    assert!(base.terminal(terminal).await.unwrap().unwrap().good_for_money);
    shop.clock.forward(200);
    let known = base.terminal(terminal).await.unwrap().unwrap();
    assert!(!known.good_for_money && known.record.state == TerminalState::Active);
    let never_seen = TerminalId::try_from(77).unwrap();
    assert!(base.terminal(never_seen).await.is_err());
}

#[tokio::test]
async fn an_audit_trail_that_was_changed_is_found() {
    let shop = Shop::new();
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    base.change_terminal(terminal, block(), "ivy".into()).await.unwrap();
    let rows = base.verify_audit().await.unwrap().unwrap();
    assert_eq!(rows, 5, "bootstrap, code, enrolment, activation, block");
    let latest = &base.audit_rows(None, 1).await.unwrap()[0];
    assert_eq!((latest.what, latest.why.as_str()), (AuditKind::TerminalBlocked, "stolen"));

    let tamper = |sql: &'static str| {
        let database = base.database.clone();
        async move {
            database
                .write(move |tx| -> Result<(), DbError> {
                    tx.execute_batch(sql)?;
                    Ok(())
                })
                .await
        }
    };
    let forbidden = tamper("UPDATE audit SET text = replace(text, 'stolen', 'no') WHERE id = 5").await;
    assert!(forbidden.unwrap_err().to_string().contains("never changed"));
    assert!(tamper("DELETE FROM audit WHERE id = 5").await.is_err());
    tamper("DROP TRIGGER audit_is_not_changed; UPDATE audit SET text = replace(text, 'stolen', 'no') WHERE id = 5")
        .await
        .unwrap();
    assert_eq!(base.verify_audit().await.unwrap().unwrap_err().row, 5);
    tamper("DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE id = 2").await.unwrap();
    assert_eq!(base.verify_audit().await.unwrap().unwrap_err().row, 3);
}

#[tokio::test]
async fn a_request_is_handled_once_by_all_servers_together() {
    let shop = Shop::new();
    let (here, there) = (shop.open().await, shop.open().await);
    let key = SigningKey::from_seed(&[1; 32], "enrol".into()).unwrap().public();
    let code = here.new_enrolment_code("Till", "ivy".into()).await.unwrap().code;
    let enrol = Enrol { code, public_key: key };
    here.enrol(enrol.clone(), "enrol a".into()).await.unwrap();
    assert!(matches!(there.enrol(enrol.clone(), "enrol a".into()).await, Err(BaseError::Replayed)));
    assert!(there.enrol(enrol, "enrol b".into()).await.is_ok());
}

#[tokio::test]
async fn of_two_that_hand_in_at_the_same_time_one_is_told_to_come_again() {
    use evertill_shared::journal::{EntryHash, Head};
    let shop = Shop::new();
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let taken = |request: &str| HandInTaken {
        from: Head::start(terminal, 1),
        entries: vec![(1, EntryHash([1; 32]))],
        quarantined: false,
        request_id: request.into(),
    };
    let (a, b) = tokio::join!(base.take_hand_in(taken("a")), base.take_hand_in(taken("b")));
    assert!(a.is_ok() != b.is_ok());
    assert!(matches!(a.and(b), Err(BaseError::HeadMoved)));
    assert_eq!(base.journal_head(terminal, 1).await.unwrap().sequence, 1);
}

#[tokio::test]
async fn a_bootstrap_file_that_would_lock_everyone_out_is_refused() {
    let shop = Shop::new();
    for (staff, expected) in
        [(vec![("max", Role::Manager, HASH)], "role `it`"), (vec![("ivy", Role::It, "hunter2")], "argon2id")]
    {
        shop.write_bootstrap(&bootstrap(staff));
        let text = shop.try_open().await.err().unwrap().to_string();
        assert!(text.contains("bootstrap.json") && text.contains(expected), "{text}");
        assert!(!text.contains("hunter2"));
    }
    shop.write_bootstrap(&bootstrap(vec![("ivy", Role::It, HASH)]));
    assert_eq!(shop.open().await.store().name, "Corner shop");
}

#[tokio::test]
async fn two_servers_that_start_on_one_new_file_make_one_store() {
    let shop = Shop::new();
    let (a, b) = tokio::join!(shop.try_open(), shop.try_open());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.verify_audit().await.unwrap(), Ok(1));
    assert_eq!(b.staff().await.unwrap().len(), 1);
}
