//! Orders that move between databases of different engines.

use crate::home::{Home, NOON, guard, homes, tag};
use crate::server::Server;
use evertill_server::base_store::BaseStore;
use evertill_server::database::{Database, DbError};
use evertill_server::homes::Atlas;
use evertill_server::moving::Mover;
use evertill_server::order_group::{
    Expected, GroupSet, Limits, OrderDetail, OrderGroup, Payments, Place, Policies, Refunds, StoredGroup,
};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::protocol::groups::MovePhase;
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role};
use evertill_shared::protocol::store::StoreInfo;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

struct AtNoon;

impl Clock for AtNoon {
    fn now(&self) -> Timestamp {
        NOON
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn info() -> StoreInfo {
    StoreInfo {
        id: 7_u32.try_into().unwrap(),
        name: "Corner shop".into(),
        address: Vec::new(),
        currency: "CNY".parse().unwrap(),
        zone: "Asia/Shanghai".parse().unwrap(),
        cut_off_minutes: 0,
    }
}

async fn base(folder: &std::path::Path) -> BaseStore {
    let ivy = BootstrapStaff {
        login: "ivy".into(),
        name: "Ivy".into(),
        role: Role::It,
        password_hash: HASH.into(),
    };
    let bootstrap = folder.join("bootstrap.json");
    let content = Bootstrap { store: info(), staff: vec![ivy] };
    std::fs::write(&bootstrap, serde_json::to_string(&content).unwrap()).unwrap();
    BaseStore::open(&folder.join("base.db"), &bootstrap, Arc::new(AtNoon)).await.unwrap()
}

const HASH: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

/// Sets up a move of the home's orders (tag 0) into `other` (tag 1).
async fn mover_between(home: &Home, other: Database, folder: &Path) -> (BaseStore, GroupSet, Mover) {
    let other = StoredGroup::on(tag(1), other, &Expected::default()).await.unwrap();
    let own: Vec<Arc<dyn OrderGroup>> = vec![Arc::clone(&home.group) as _, Arc::new(other)];
    let groups = GroupSet::of(own, Limits::default(), info(), "server", Arc::new(AtNoon)).unwrap();
    let base = base(folder).await;
    base.expected_group(tag(0)).await.unwrap();
    let places = [0, 1].map(|n| (tag(n), Place::Sqlite(format!("{n}.db").into())));
    let places: BTreeMap<_, _> = places.into_iter().collect();
    let atlas = Atlas::new(base.clone(), places, folder.to_owned(), "server".into());
    atlas.introduce().await.unwrap();
    groups.follow(Arc::new(atlas)).await.unwrap();
    let mover = Mover::new(base.clone(), groups.clone(), Arc::new(AtNoon));
    (base, groups, mover)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_while_orders_arrive_holds_up_nobody_and_gets_them_when_it_is_back() {
    let home = Home::on_sqlite().await;
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    let target = Database::postgres(server.database().await, &StoredGroup::schema(tag(1))).unwrap();
    let mut numbers = Vec::new();
    for _ in 0..30 {
        numbers.push(home.cash_order(500).await);
    }
    let (base, groups, mover) = mover_between(&home, target.clone(), folder.path()).await;
    base.begin_move(tag(0), tag(1), "ivy".into(), "why not".into()).await.unwrap();
    // It hangs as soon as the first orders want to arrive, and then dies.
    let block = "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(30); COMMIT";
    let name = target_name(&target).await;
    let (client, connection) = server.client(&name).await;
    let connection = tokio::spawn(connection);
    let blocking = tokio::spawn(async move { client.simple_query(block).await.is_ok() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let working = tokio::spawn({
        let mover = mover.clone();
        async move { mover.work_on(tag(0)).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill();
    working.await.unwrap();
    assert!(!blocking.await.unwrap());
    connection.abort();
    let waits = base.moves().await.unwrap().remove(0);
    assert!(waits.phase.is_under_way() && waits.phase != MovePhase::Frozen, "{waits:?}");
    let problem = waits.problem.unwrap();
    assert!(problem.contains("new database"), "{problem}");
    // Meanwhile the orders go on where they are.
    home.group.reserve_refund(crate::refund(numbers[0], 100, "request-1")).await.unwrap();
    let before = details(&groups, &numbers).await;
    server.run();
    for _ in 0..300 {
        mover.work_on(tag(0)).await;
        if base.moves().await.unwrap()[0].phase == MovePhase::Done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let moved = base.moves().await.unwrap().remove(0);
    assert_eq!((moved.phase, moved.problem.as_deref()), (MovePhase::Done, None));
    groups.read_map().await.unwrap();
    assert_eq!(details(&groups, &numbers).await, before);
    target.close().await;
}

/// The name of the database that this one is on its server.
async fn target_name(target: &Database) -> String {
    let asked = target.read(|sql| sql.value::<String>("SELECT CAST(current_database() AS TEXT)", &[])).await;
    asked.map_err(|error: DbError| error).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_move_from_any_engine_to_any_other_and_back() {
    for home in homes().await {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::shared();
        let schema = StoredGroup::schema(tag(1));
        let other = match home.engine {
            "SQLite" => Database::postgres(server.database().await, &schema).unwrap(),
            _ => Database::sqlite(&folder.path().join("other.db"), &schema).unwrap(),
        };
        // More than go into one statement; one is being paid, one has a refund.
        let mut numbers = Vec::new();
        for _ in 0..50 {
            numbers.push(home.cash_order(500).await);
        }
        let sale = home.sale(900);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(home.payment(&sale, number, 1)).await.unwrap();
        numbers.push(number);
        home.group.reserve_refund(crate::refund(numbers[0], 100, "request-1")).await.unwrap();
        // One was paid in parts, with a refund of both.
        numbers.push(crate::split::split(&home).await);
        home.group.reserve_refund(crate::refund(numbers[51], 700, "request-2")).await.unwrap();
        let (base, groups, mover) = mover_between(&home, other, folder.path()).await;
        let before = details(&groups, &numbers).await;
        for to in [1, 0] {
            base.begin_move(tag(0), tag(to), "ivy".into(), "why not".into()).await.unwrap();
            for _ in 0..20 {
                mover.work_on(tag(0)).await;
            }
            let moved = base.moves().await.unwrap().remove(0);
            assert_eq!((moved.phase, moved.problem.as_deref()), (MovePhase::Done, None), "{}", home.engine);
            assert_eq!(details(&groups, &numbers).await, before, "{} to {to}", home.engine);
        }
        // It goes on where it was: the payment that was open is taken back.
        let back = groups.take_back(number, 1, None, Policies::default(), guard()).await.unwrap();
        assert_eq!(back.record.number, number);
    }
}

async fn details(
    groups: &GroupSet,
    numbers: &[evertill_shared::order_number::OrderNumber],
) -> Vec<OrderDetail> {
    let mut details = Vec::new();
    for number in numbers {
        details.push(groups.order(*number).await.unwrap());
    }
    details
}
