use super::turn::Turn;
use super::{Ends, MoveError, Mover, fence};
use crate::base_store::{BaseStore, MoveRecord, TakenMove};
use crate::homes::Atlas;
use crate::order_group::testing::{CALL_MS, Rig, Till, base, cny, guard, open, store, tag};
use crate::order_group::{
    Adopt, Expected, GroupError, GroupSet, Journals, Limits, NewRefund, OrderDetail, OrderGroup, Place,
    Policies, StoredGroup, TagStanding,
};
use evertill_shared::clock::Clock;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::groups::MovePhase;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A store with some groups, whose map stands in its base store.
struct Shop {
    rig: Rig,
    base: BaseStore,
}

/// Another server of the same store, in the same databases.
struct Server {
    groups: GroupSet,
    base: BaseStore,
}

async fn follow(rig: &Rig, groups: &GroupSet, base: &BaseStore, count: u8) {
    base.expected_group(tag(0)).await.unwrap();
    let own: BTreeMap<_, _> = (0..count).map(|n| (tag(n), Place::Sqlite(rig.file(n)))).collect();
    let atlas = Atlas::new(base.clone(), own, rig.folder.path().to_owned(), "server".into());
    atlas.introduce().await.unwrap();
    groups.follow(Arc::new(atlas)).await.unwrap();
}

impl Shop {
    async fn new(count: u8) -> Self {
        let rig = Rig::new(count);
        let base = base(&rig).await;
        follow(&rig, &rig.groups, &base, count).await;
        Self { rig, base }
    }

    async fn another_server(&self, count: u8) -> Server {
        let groups = open(&self.rig.folder, count, &self.rig.clock);
        let base = base(&self.rig).await;
        follow(&self.rig, &groups, &base, count).await;
        Server { groups, base }
    }

    fn mover(&self) -> Mover {
        Mover::new(self.base.clone(), self.rig.groups.clone(), Arc::clone(&self.rig.clock) as Arc<dyn Clock>)
    }

    /// As another server does when nothing has been heard of the move for long enough.
    async fn taken_over_by(&self, mover: &Mover, of: u8) {
        mover.work_on(tag(of)).await;
        self.rig.clock.advance(Duration::from_secs(11));
        mover.work_on(tag(of)).await;
    }

    /// Takes the move in hand as the server of that name.
    async fn take(&self, of: u8, owner: &str) -> Option<MoveRecord> {
        match self.base.take_move(tag(of), owner.into(), None).await.unwrap() {
            TakenMove::Taken(one) => Some(*one),
            TakenMove::Elsewhere(_) | TakenMove::Nothing => None,
        }
    }

    async fn begin(&self, from: u8, to: u8) {
        self.base.begin_move(tag(from), tag(to), "ivy".into(), "smaller".into()).await.unwrap();
    }

    async fn moved(&self, number: u8) -> MoveRecord {
        self.base.moves().await.unwrap().into_iter().find(|one| one.tag == tag(number)).unwrap()
    }

    /// An order with that tag, paid in cash.
    async fn order(&self, number: u8) -> OrderNumber {
        loop {
            let order = self.rig.cash_order(500).await;
            if order.tag() == tag(number) {
                return order;
            }
        }
    }

    async fn details(&self, numbers: &[OrderNumber]) -> Vec<OrderDetail> {
        let mut details = Vec::new();
        for number in numbers {
            details.push(self.rig.groups.order(*number).await.unwrap());
        }
        details
    }

    fn rows(&self, home: u8, table: &str, of: u8) -> i64 {
        let connection = Connection::open(self.rig.file(home)).unwrap();
        let statement = format!("SELECT count(*) FROM {table} WHERE number LIKE '%{}'", tag(of));
        connection.query_row(&statement, [], |row| row.get(0)).unwrap()
    }

    /// Databases that take writes for the tag.
    fn writers(&self, count: u8, of: u8) -> Vec<u8> {
        let serves = |home: &u8| {
            let connection = Connection::open(self.rig.file(*home)).unwrap();
            let state: Option<String> =
                connection.query_row("SELECT state FROM tags WHERE tag = ?1", [of], |row| row.get(0)).ok();
            matches!(state.as_deref(), Some("active" | "draining" | "serving"))
        };
        (0..count).filter(serves).collect()
    }
}

fn refund(shop: &Shop, number: OrderNumber, minor: i64, request: &str) -> NewRefund {
    let at = shop.rig.clock.now();
    NewRefund {
        number,
        request: request.into(),
        amount: cny(minor),
        reason: "cold".into(),
        by: "Mei".into(),
        login: "mei".into(),
        asked_at: None,
        at,
        today: shop.rig.groups.business_day(at),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_move_with_all_that_belongs_to_them_and_their_numbers_go_on_working() {
    let shop = Shop::new(2).await;
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(shop.order(0).await);
    }
    shop.rig.groups.reserve_refund(refund(&shop, numbers[0], 100, "request-1")).await.unwrap();
    let before = shop.details(&numbers).await;
    shop.begin(0, 1).await;
    shop.mover().work_on(tag(0)).await;
    let moved = shop.moved(0).await;
    assert_eq!(
        (moved.phase, moved.copied, moved.total),
        (MovePhase::Done, moved.total, moved.total),
        "{moved:?}"
    );
    assert!(moved.total >= 5);
    assert_eq!(shop.details(&numbers).await, before, "story, refunds and all");
    assert_eq!(shop.rows(1, "outbox", 0), shop.rows(0, "outbox", 0), "those who keep copies go on here");
    // What came before counts on: the same request is the same refund, and there is so much left and no more.
    let groups = &shop.rig.groups;
    let again = groups.reserve_refund(refund(&shop, numbers[0], 100, "request-1")).await.unwrap();
    assert_eq!(again.refund, before[0].summary.refunds[0]);
    groups.reserve_refund(refund(&shop, numbers[0], 400, "request-2")).await.unwrap();
    let over = groups.reserve_refund(refund(&shop, numbers[0], 1, "request-3")).await;
    assert!(matches!(over, Err(GroupError::Refused(_))), "{over:?}");
    // New orders get the other tag; lists are whole; the old database can go.
    assert_eq!(shop.rig.cash_order(100).await.tag(), tag(1));
    shop.base.retire_home(tag(0), "ivy".into(), "old disk".into()).await.unwrap();
    groups.read_map().await.unwrap();
    assert_eq!(groups.health().len(), 1);
    assert_eq!(shop.details(&numbers[1..]).await, before[1..]);
    let used = shop.base.tag_is_free(tag(0)).await.unwrap_err();
    assert!(used.to_string().contains("for ever"), "{used}");
    assert!(shop.base.retire_home(tag(1), "ivy".into(), "x".into()).await.is_err(), "it serves orders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_the_old_map_is_sent_on_by_the_fence_and_writes_once() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    let stale = open(&shop.rig.folder, 2, &shop.rig.clock);
    let late = shop.another_server(2).await;
    shop.begin(0, 1).await;
    shop.mover().work_on(tag(0)).await;
    let refused = stale.reserve_refund(refund(&shop, number, 100, "request-1")).await;
    assert_eq!(
        refused.unwrap_err(),
        GroupError::Elsewhere,
        "one that cannot learn the new map writes nothing"
    );
    late.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    let detail = shop.rig.groups.order(number).await.unwrap();
    assert_eq!(detail.refunds.len(), 1);
    assert_eq!(
        (shop.rows(0, "refunds", 0), shop.rows(1, "refunds", 0)),
        (0, 1),
        "in the new home and nowhere else"
    );
    assert_eq!(late.base.moves().await.unwrap()[0].phase, MovePhase::Done);
}

/// Polls so many times at most; then whoever worked on it is dead.
async fn dies_after(polls: u32, work: impl Future<Output = ()>) {
    let mut work = Box::pin(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        work.as_mut().poll(context)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_whose_server_dies_at_any_point_is_finished_by_another() {
    let shop = Shop::new(2).await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.push(shop.order(0).await);
    }
    let (mut home, mut polls) = (0, 1);
    loop {
        let (from, to) = (home, 1 - home);
        shop.begin(0, to).await;
        dies_after(polls, shop.mover().work_on(tag(0))).await;
        assert!(shop.writers(2, 0).len() <= 1, "two databases write after {polls} polls");
        let died_at = shop.moved(0).await.phase;
        let other = shop.another_server(2).await;
        let mover = Mover::new(other.base, other.groups, Arc::clone(&shop.rig.clock) as Arc<dyn Clock>);
        mover.work_on(tag(0)).await;
        let early = shop.moved(0).await.phase;
        assert!(died_at == MovePhase::Done || early != MovePhase::Done, "its lease still counted");
        shop.rig.clock.advance(Duration::from_secs(11));
        mover.work_on(tag(0)).await;
        let moved = shop.moved(0).await;
        assert_eq!((moved.phase, moved.problem), (MovePhase::Done, None), "after {polls} polls");
        assert_eq!(shop.writers(2, 0), [to], "after {polls} polls");
        assert_eq!(shop.rows(to, "orders", 0), shop.rows(from, "orders", 0));
        let details = shop.details(&numbers).await;
        assert!(details.iter().all(|detail| detail.summary.state == OrderState::Paid));
        if died_at == MovePhase::Done {
            break;
        }
        (home, polls) = (to, polls + 2);
    }
    assert!(polls > 15, "it died at too few points: {polls}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_overtaken_changes_nothing_any_more() {
    let shop = Shop::new(2).await;
    shop.order(0).await;
    shop.begin(0, 1).await;
    let first = shop.take(0, "first").await.unwrap();
    assert_eq!(shop.take(0, "second").await, None);
    let database = |home| shop.rig.groups.home_database(tag(home)).unwrap();
    let ends = Ends::of(&first, database(0), database(1));
    fence::turn(&ends.from, tag(0), first.epoch, &["active"], "draining", None).await.unwrap();
    fence::turn(&ends.to, tag(0), first.epoch, &[], "arriving", None).await.unwrap();
    let chunk = ends.next_chunk(String::new()).await.unwrap().unwrap();
    shop.taken_over_by(&shop.mover(), 0).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Done);
    // The first one wakes up, with what it had read.
    assert_eq!(ends.put(chunk).await, Err(MoveError::Overtaken));
    let froze = fence::turn(&ends.from, tag(0), first.epoch, &["draining", "moved"], "frozen", None).await;
    assert_eq!(froze, Err(MoveError::Overtaken));
    let freed = fence::turn(&ends.from, tag(0), first.epoch, &["moved"], "active", None).await;
    assert_eq!(freed, Err(MoveError::Overtaken));
    assert!(!shop.base.save_move(first.clone(), MovePhase::Done).await.unwrap());
    assert!(!shop.base.publish(first, tag(0), TagStanding::Active).await.unwrap());
    assert_eq!(shop.writers(2, 0), [1]);
    assert_eq!(fence::standing(&ends.from.database, tag(0)).await.unwrap().0, "moved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_of_writing_that_comes_after_the_orders_were_let_go_stops_nothing() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    shop.begin(0, 1).await;
    let one = shop.take(0, "first").await.unwrap();
    let database = |home| shop.rig.groups.home_database(tag(home)).unwrap();
    let ends = Ends::of(&one, database(0), database(1));
    fence::turn(&ends.from, tag(0), one.epoch, &["active"], "draining", None).await.unwrap();
    let (mover, epoch) = (shop.mover(), one.epoch);
    let mut turn = Turn::new(&mover, MoveRecord { phase: MovePhase::Frozen, ..one });
    let late = turn.stop.clone();
    late.freeze(&ends.from, tag(0), epoch).await.unwrap();
    assert_eq!(fence::standing(&ends.from.database, tag(0)).await, Some(("frozen".into(), epoch)));
    // Nobody waited for it to the end, and the orders are let go.
    turn.ends_with(MoveError::Later("it took too long".into())).await;
    assert_eq!(fence::standing(&ends.from.database, tag(0)).await, Some(("draining".into(), epoch)));
    // The same write once more, from a queue in which it stood until now: the epoch is no older than what stands there.
    assert!(matches!(late.freeze(&ends.from, tag(0), epoch).await, Err(MoveError::Later(_))));
    assert_eq!(fence::standing(&ends.from.database, tag(0)).await, Some(("draining".into(), epoch)));
    assert!(shop.rig.groups.order(number).await.is_ok());
    // The next turn stops it all the same.
    let next = Turn::new(&mover, shop.moved(0).await);
    next.stop.freeze(&ends.from, tag(0), epoch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_differs_stops_the_move_and_an_abort_puts_all_back() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    let disk = Connection::open(shop.rig.file(1)).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER bit_rot AFTER INSERT ON story WHEN new.number LIKE '%00' BEGIN \
         UPDATE story SET at = at + 1 WHERE id = new.id; END",
    )
    .unwrap();
    shop.begin(0, 1).await;
    shop.mover().work_on(tag(0)).await;
    let stopped = shop.moved(0).await;
    assert_eq!(stopped.phase, MovePhase::Stopped);
    assert!(stopped.problem.as_ref().unwrap().contains("checksums"), "{stopped:?}");
    assert_eq!(shop.writers(2, 0), [0], "its orders go on where they are");
    shop.rig.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    shop.base.abort_move(tag(0), "ivy".into(), "bad disk".into()).await.unwrap();
    shop.mover().work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Aborted);
    assert_eq!(shop.rows(1, "orders", 0), 0, "nothing of it stays there");
    shop.rig.groups.read_map().await.unwrap();
    shop.order(0).await; // it takes new orders again
    disk.execute_batch("DROP TRIGGER bit_rot").unwrap();
    shop.begin(0, 1).await;
    shop.mover().work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Done, "with a good disk it works");
    let late = shop.base.abort_move(tag(0), "ivy".into(), "oh".into()).await;
    assert!(late.is_err(), "what is done is moved back, not aborted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_sale_with_two_numbers_the_chosen_one_stays() {
    let shop = Shop::new(2).await;
    let (rig, groups) = (&shop.rig, &shop.rig.groups);
    let alone = |n: u8| {
        let own: Vec<Arc<dyn OrderGroup>> = vec![Arc::new(
            StoredGroup::start(tag(n), Place::Sqlite(rig.file(n)), Expected::default()).unwrap(),
        )];
        let limits = Limits { call_ms: CALL_MS, ..Limits::default() };
        GroupSet::of(own, limits, store(), "other", Arc::clone(&rig.clock) as Arc<dyn Clock>).unwrap()
    };
    // Each of three sales got a number in both groups: the first was chosen here, the second there, the third nowhere.
    let sales = [rig.till.sale(100), rig.till.sale(200), rig.till.sale(300)];
    let mut numbers = Vec::new();
    for sale in &sales {
        let here = alone(0).create_draft(sale.clone(), "request").await.unwrap().0.number;
        numbers.push((here, alone(1).create_draft(sale.clone(), "request").await.unwrap().0.number));
    }
    rig.adopt(&sales[0], numbers[0].0).await;
    rig.adopt(&sales[1], numbers[1].1).await;
    shop.begin(0, 1).await;
    shop.mover().work_on(tag(0)).await;
    let moved = shop.moved(0).await;
    assert_eq!(moved.phase, MovePhase::Done, "{moved:?}");
    assert_eq!(groups.order(numbers[0].0).await.unwrap().summary.state, OrderState::Adopted);
    assert_eq!(groups.order(numbers[1].1).await.unwrap().summary.state, OrderState::Adopted);
    assert!(groups.order(numbers[0].1).await.is_err() && groups.order(numbers[1].0).await.is_err());
    // The till chooses the number that was left out: the signed entries bring it in.
    rig.adopt(&sales[2], numbers[2].0).await;
    assert_eq!(groups.order(numbers[2].0).await.unwrap().summary.state, OrderState::Adopted);
    assert!(groups.order(numbers[2].1).await.is_err(), "one number of a sale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_it_is_copied_arrives_too() {
    let shop = Shop::new(2).await;
    let numbers = [shop.order(0).await, shop.order(0).await];
    shop.begin(0, 1).await;
    let one = shop.take(0, shop.rig.groups.owner()).await.unwrap();
    let database = |home| shop.rig.groups.home_database(tag(home)).unwrap();
    let ends = Ends::of(&one, database(0), database(1));
    fence::turn(&ends.from, tag(0), one.epoch, &["active"], "draining", None).await.unwrap();
    fence::turn(&ends.to, tag(0), one.epoch, &[], "arriving", None).await.unwrap();
    let late = ends.last_late().await.unwrap();
    let chunk = ends.next_chunk(String::new()).await.unwrap().unwrap();
    ends.put(chunk).await.unwrap();
    let mut after = (0, 0, 0);
    while let Some(last) = ends.copy_entries(after).await.unwrap() {
        after = last;
    }
    // A refund, and an entry in a place that the copying has passed.
    shop.rig.groups.reserve_refund(refund(&shop, numbers[1], 50, "request-1")).await.unwrap();
    let till = Till::new(1);
    till.put_back_to(1);
    let entry = till.sale(5).entry;
    let group = StoredGroup::start(tag(0), Place::Sqlite(shop.rig.file(0)), Expected::default()).unwrap();
    group.keep_entries(vec![entry], false).await.unwrap();
    let compared = ends.catch_up(&Default::default()).await.unwrap();
    assert_eq!(compared.copied, 1);
    assert!(ends.copy_late(late).await.unwrap() > late);
    assert_eq!(shop.rows(1, "refunds", 0), 1);
    let disk = Connection::open(shop.rig.file(1)).unwrap();
    let there: i64 = disk
        .query_row("SELECT count(*) FROM journal_entries WHERE sequence = 1", [], |row| row.get(0))
        .unwrap();
    assert_eq!(there, 1);
    ends.counts_are_equal(compared.left_out).await.unwrap();
    let again = ends.catch_up(&Default::default()).await.unwrap();
    assert_eq!(again.copied, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_added_is_used_by_all_servers_and_survives_none_of_their_settings() {
    let shop = Shop::new(1).await;
    let other = shop.another_server(1).await;
    let expected = shop.base.expected_group(tag(7)).await.unwrap();
    let place = Place::Sqlite("groups/07.db".into());
    let (name, place) = shop.rig.groups.try_new(tag(7), place, expected).await.unwrap();
    shop.base.remember_group(tag(7), name).await.unwrap();
    shop.base.add_home(tag(7), place.clone(), "ivy".into(), "growth".into()).await.unwrap();
    assert!(
        shop.base.add_home(tag(8), place, "ivy".into(), "twice".into()).await.is_err(),
        "one database, one group"
    );
    other.groups.read_map().await.unwrap();
    shop.rig.groups.read_map().await.unwrap();
    let number = loop {
        let (created, _) = other.groups.create_draft(shop.rig.till.sale(100), "request").await.unwrap();
        if created.number.tag() == tag(7) {
            break created.number;
        }
    };
    assert_eq!(shop.rig.groups.order(number).await.unwrap().summary.number, number);
    assert!(shop.rig.folder.path().join("groups/07.db").exists(), "beside the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_group_gives_out_no_numbers_on_any_server_and_does_all_else() {
    let shop = Shop::new(2).await;
    let stale = open(&shop.rig.folder, 2, &shop.rig.clock);
    let sale = shop.rig.till.sale(700);
    let number = shop.order(0).await;
    let known = shop.base.drain(tag(0), "ivy".into(), "disk".into()).await.unwrap();
    fence::tell(&shop.rig.groups, known).await.unwrap();
    for _ in 0..10 {
        assert_eq!(
            stale.create_draft(shop.rig.till.sale(100), "request").await.unwrap().0.number.tag(),
            tag(1)
        );
    }
    shop.rig.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    let last = shop.base.drain(tag(1), "ivy".into(), "x".into()).await.unwrap_err();
    assert!(last.to_string().contains("add another first"), "{last}");
    let back = shop.base.undrain(tag(0), "ivy".into(), "mended".into()).await.unwrap();
    fence::tell(&shop.rig.groups, back).await.unwrap();
    shop.rig.groups.read_map().await.unwrap();
    shop.order(0).await;
    let created = shop.rig.draft(&sale).await;
    let adoption = shop.rig.till.adoption(&sale, created.number, shop.rig.clock.now());
    let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
    shop.rig.groups.adopt(adopt).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sleeps_at_any_point_of_a_move_and_wakes_when_all_is_over_changes_nothing() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    let (mut home, mut polls, mut minor) = (0, 1, 0);
    loop {
        let (from, to) = (home, 1 - home);
        shop.begin(0, to).await;
        let sleeper = shop.mover();
        let mut turn = Box::pin(sleeper.work_on(tag(0)));
        let is_over = poll_times(turn.as_mut(), polls).await;
        let died_at = shop.moved(0).await.phase;
        let other = shop.another_server(2).await;
        let mover = Mover::new(other.base, other.groups, Arc::clone(&shop.rig.clock) as Arc<dyn Clock>);
        shop.taken_over_by(&mover, 0).await;
        assert_eq!(shop.moved(0).await.phase, MovePhase::Done, "after {polls} polls");
        // The order goes on in its new home.
        shop.rig.groups.read_map().await.unwrap();
        minor += 1;
        shop.rig.groups.reserve_refund(refund(&shop, number, 1, &format!("request-{minor}"))).await.unwrap();
        let before = shop.details(&[number]).await;
        // The sleeper wakes, and does what it was about to do.
        if !is_over {
            turn.await;
        }
        shop.rig.groups.read_map().await.unwrap();
        assert_eq!(shop.writers(2, 0), [to], "after {polls} polls, in {died_at:?}");
        assert_eq!(shop.details(&[number]).await, before, "after {polls} polls, in {died_at:?}");
        assert_eq!(shop.moved(0).await.phase, MovePhase::Done);
        if is_over {
            break;
        }
        (home, polls) = (to, polls + 2);
        assert_eq!(shop.rows(to, "refunds", 0), minor);
        assert!(shop.rows(from, "refunds", 0) < minor);
    }
    assert!(polls > 15, "it slept at too few points: {polls}");
}

/// Polls so many times at most; whether it came to its end.
async fn poll_times(mut work: std::pin::Pin<&mut impl Future<Output = ()>>, polls: u32) -> bool {
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(context).map(|()| true)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_race_for_a_move_carry_it_out_once() {
    let shop = Shop::new(2).await;
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(shop.order(0).await);
    }
    let before = shop.details(&numbers).await;
    shop.begin(0, 1).await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let other = shop.another_server(2).await;
        let mover = Mover::new(other.base, other.groups, Arc::clone(&shop.rig.clock) as Arc<dyn Clock>);
        racing.spawn(async move {
            for _ in 0..10 {
                mover.work_on(tag(0)).await;
                tokio::task::yield_now().await;
            }
        });
    }
    while racing.join_next().await.is_some() {}
    let moved = shop.moved(0).await;
    assert_eq!((moved.phase, moved.problem), (MovePhase::Done, None));
    assert_eq!(shop.writers(2, 0), [1]);
    shop.rig.groups.read_map().await.unwrap();
    assert_eq!(shop.details(&numbers).await, before);
    assert_eq!(moved.epoch, 3, "one began it, one took it in hand, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clock_is_far_ahead_takes_no_move_out_of_working_hands() {
    let shop = Shop::new(2).await;
    shop.order(0).await;
    shop.begin(0, 1).await;
    let one = shop.take(0, "busy").await.unwrap();
    let mover = shop.mover();
    // By this server's clock the lease is over each time that it looks; but something is heard each time.
    for _ in 0..5 {
        shop.rig.clock.advance(Duration::from_secs(11));
        mover.work_on(tag(0)).await;
        assert_eq!(shop.moved(0).await.epoch, one.epoch);
        assert!(shop.base.keep_move(tag(0), one.epoch).await.unwrap());
    }
    shop.rig.clock.advance(Duration::from_secs(11));
    shop.taken_over_by(&mover, 0).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Done, "nothing was heard any more");
    assert!(!shop.base.keep_move(tag(0), one.epoch).await.unwrap());
}

/// What stands in the way of every order that arrives there.
fn full(shop: &Shop, home: u8) -> Connection {
    let disk = Connection::open(shop.rig.file(home)).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON orders WHEN new.number LIKE '%00' BEGIN \
         SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    .unwrap();
    disk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_target_holds_up_the_move_and_no_sale_and_is_told() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    let disk = full(&shop, 1);
    shop.begin(0, 1).await;
    let mover = shop.mover();
    mover.work_on(tag(0)).await;
    let waits = shop.moved(0).await;
    assert_eq!(waits.phase, MovePhase::Copying);
    let problem = waits.problem.unwrap();
    assert!(problem.contains("new database") && problem.contains("full"), "{problem}");
    shop.rig.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    assert!(mover.waiting().await.is_empty(), "it is left alone for a while");
    shop.rig.clock.advance(Duration::from_secs(40));
    assert_eq!(mover.waiting().await, [tag(0)]);
    disk.execute_batch("DROP TRIGGER full").unwrap();
    mover.work_on(tag(0)).await;
    let moved = shop.moved(0).await;
    assert_eq!((moved.phase, moved.problem), (MovePhase::Done, None));
    assert_eq!(shop.rows(1, "refunds", 0), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_fails_in_the_last_moment_lets_the_orders_go_on_where_they_are() {
    let shop = Shop::new(2).await;
    let number = shop.order(0).await;
    shop.begin(0, 1).await;
    // Lines of the outbox are copied while nothing else is written.
    let disk = Connection::open(shop.rig.file(1)).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON outbox WHEN new.number LIKE '%00' BEGIN \
         SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    .unwrap();
    shop.mover().work_on(tag(0)).await;
    let waits = shop.moved(0).await;
    assert_eq!(waits.phase, MovePhase::CatchingUp);
    assert!(waits.problem.unwrap().contains("full"));
    assert_eq!(shop.writers(2, 0), [0]);
    shop.rig.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    disk.execute_batch("DROP TRIGGER full").unwrap();
    let other = shop.another_server(2).await;
    let mover = Mover::new(other.base, other.groups, Arc::clone(&shop.rig.clock) as Arc<dyn Clock>);
    mover.work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::CatchingUp, "the first server's lease counts on");
    shop.taken_over_by(&mover, 0).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Done);
    assert_eq!(shop.rows(1, "refunds", 0), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_into_a_database_that_is_gone_can_be_taken_back() {
    let shop = Shop::new(3).await;
    let number = shop.order(0).await;
    let disk = full(&shop, 2);
    shop.begin(0, 2).await;
    let mover = shop.mover();
    mover.work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Copying);
    // Nothing can be written there any more, not even that it is over.
    disk.execute_batch(
        "CREATE TRIGGER gone BEFORE UPDATE ON tags BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
    )
    .unwrap();
    shop.base.abort_move(tag(0), "ivy".into(), "the disk broke".into()).await.unwrap();
    let too_early = shop.base.begin_move(tag(0), tag(1), "ivy".into(), "again".into()).await.unwrap_err();
    assert!(too_early.to_string().contains("just being taken back"), "{too_early}");
    let needed = shop.base.retire_home(tag(2), "ivy".into(), "x".into()).await.unwrap_err();
    assert!(needed.to_string().contains("move them away"), "{needed}");
    mover.work_on(tag(0)).await;
    let back = shop.moved(0).await;
    assert_eq!(back.phase, MovePhase::Aborted);
    assert!(back.problem.unwrap().contains("copies are left in the database of group 02"));
    assert_eq!(shop.writers(3, 0), [0]);
    shop.rig.groups.read_map().await.unwrap();
    shop.rig.groups.reserve_refund(refund(&shop, number, 100, "request-1")).await.unwrap();
    shop.order(0).await; // it takes new orders again
    // To another database, and into that one when it is well again: what had been left there is in nobody's way.
    shop.begin(0, 1).await;
    mover.work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Done);
    disk.execute_batch("DROP TRIGGER gone; DROP TRIGGER full").unwrap();
    shop.begin(0, 2).await;
    mover.work_on(tag(0)).await;
    assert_eq!((shop.moved(0).await.phase, shop.rows(2, "refunds", 0)), (MovePhase::Done, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_takes_the_move_out_of_the_hands_of_whoever_has_it() {
    let shop = Shop::new(2).await;
    shop.order(0).await;
    shop.begin(0, 1).await;
    let one = shop.take(0, "busy").await.unwrap();
    let database = |home| shop.rig.groups.home_database(tag(home)).unwrap();
    let ends = Ends::of(&one, database(0), database(1));
    fence::turn(&ends.from, tag(0), one.epoch, &["active"], "draining", None).await.unwrap();
    fence::turn(&ends.to, tag(0), one.epoch, &[], "arriving", None).await.unwrap();
    let chunk = ends.next_chunk(String::new()).await.unwrap().unwrap();
    shop.base.abort_move(tag(0), "ivy".into(), "wrong group".into()).await.unwrap();
    assert!(!shop.base.keep_move(tag(0), one.epoch).await.unwrap());
    shop.mover().work_on(tag(0)).await; // at once: nobody has it any more
    assert_eq!(shop.moved(0).await.phase, MovePhase::Aborted);
    assert_eq!(ends.put(chunk).await, Err(MoveError::Overtaken));
    assert_eq!((shop.writers(2, 0), shop.rows(1, "orders", 0)), (vec![0], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_a_stopped_move_still_needs_is_not_retired() {
    let shop = Shop::new(3).await;
    shop.order(0).await;
    // Group 2 serves nothing: its own orders have moved away.
    shop.begin(2, 1).await;
    shop.mover().work_on(tag(2)).await;
    assert_eq!(shop.moved(2).await.phase, MovePhase::Done);
    let disk = Connection::open(shop.rig.file(2)).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER bit_rot AFTER INSERT ON story WHEN new.number LIKE '%00' BEGIN \
         UPDATE story SET at = at + 1 WHERE id = new.id; END",
    )
    .unwrap();
    shop.begin(0, 2).await;
    shop.mover().work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Stopped);
    let needed = shop.base.retire_home(tag(2), "ivy".into(), "x".into()).await.unwrap_err();
    assert!(needed.to_string().contains("group abort 00"), "{needed}");
    shop.base.abort_move(tag(0), "ivy".into(), "bad disk".into()).await.unwrap();
    shop.mover().work_on(tag(0)).await;
    assert_eq!(shop.moved(0).await.phase, MovePhase::Aborted);
    shop.base.retire_home(tag(2), "ivy".into(), "x".into()).await.unwrap();
}
