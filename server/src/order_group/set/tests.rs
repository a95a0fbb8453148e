use super::super::testing::{CALL_MS, ManualClock, NOON, Rig, Till, cny, guard, open, tag};
use super::super::*;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::{RefundEvent, RefundRefused, RefundState};
use std::sync::Arc;
use std::time::Duration;

fn ask(rig: &Rig, number: OrderNumber, minor: i64, request: &str) -> NewRefund {
    NewRefund {
        number,
        request: request.into(),
        amount: cny(minor),
        reason: "too cold".into(),
        by: "Mei".into(),
        login: "mei".into(),
        asked_at: None,
        at: rig.clock.now(),
        today: rig.groups.business_day(rig.clock.now()),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, GroupError>) -> Refusal {
    match result {
        Err(GroupError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_group_is_left_within_the_call_limit_and_taken_back_by_itself() {
    let rig = Rig::new(2);
    rig.draft(&rig.till.sale(100)).await;
    let frozen = rig.freeze(0);
    // An order that meets the frozen group jumps before it is known what the matter is, and the others go elsewhere
    // meanwhile; after three failures it is skipped.
    let mut jumps = 0;
    for _ in 0..20 {
        let start = SystemClock.monotonic();
        let (created, jumped) = rig.groups.create_draft(rig.till.sale(100), "request").await.unwrap();
        assert_eq!(created.number.tag(), tag(1));
        let took = SystemClock.monotonic() - start;
        assert!(took < Duration::from_millis(CALL_MS * 2), "took {took:?}");
        jumps += jumped;
    }
    assert_eq!(jumps, 1);
    while rig.groups.health()[0].failures < 3 {
        rig.clock.advance(Duration::from_millis(CALL_MS));
        let (_, jumped) = rig.groups.create_draft(rig.till.sale(100), "request").await.unwrap();
        tokio::time::sleep(Duration::from_millis(CALL_MS) * 2 * u32::from(jumped)).await;
    }
    let health = rig.groups.health();
    assert_eq!((health[0].standing, health[1].standing), ("skipped", "healthy"));
    assert!(health[0].last_error.as_ref().unwrap().contains("no answer within 400 ms"), "{health:?}");
    drop(frozen);
    tokio::time::sleep(Duration::from_millis(1_000)).await; // the writer's own wait for the lock ends
    rig.clock.advance(Duration::from_secs(61));
    for _ in 0..20 {
        assert_eq!(rig.groups.create_draft(rig.till.sale(100), "request").await.unwrap().1, 0);
    }
    let health = rig.groups.health();
    assert_eq!(health[0].standing, "healthy");
    assert!(health[0].orders_created > 1, "{health:?}");
}

#[tokio::test]
async fn a_group_in_which_nothing_but_the_probe_works_is_not_ready() {
    let rig = Rig::new(1);
    rig.draft(&rig.till.sale(100)).await;
    // As on a disk that is nearly full: there is room for the small write, and none for an order.
    let file = rusqlite::Connection::open(rig.file(0)).unwrap();
    file.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'there is no room'); END",
    )
    .unwrap();
    assert!(rig.groups.can_create().await, "nobody knows it yet");
    for _ in 0..3 {
        assert!(rig.groups.create_draft(rig.till.sale(100), "request").await.is_err());
    }
    assert!(!rig.groups.can_create().await);
    file.execute_batch("DROP TRIGGER full").unwrap();
    // It may be tried again before its period is over, if there is no other.
    rig.clock.advance(Duration::from_secs(1));
    assert!(rig.groups.can_create().await);
    rig.draft(&rig.till.sale(100)).await;
}

#[tokio::test]
async fn a_group_that_takes_no_new_orders_is_passed_by_and_does_all_else() {
    let rig = Rig::new(2);
    let set = |state: &str| {
        let connection = rusqlite::Connection::open(rig.file(0)).unwrap();
        assert_eq!(connection.execute("UPDATE tags SET state = ?1", [state]), Ok(1));
    };
    let sale = rig.till.sale(100);
    let mut created = rig.draft(&sale).await.number;
    while created.tag() != tag(0) {
        created = rig.draft(&sale).await.number;
    }
    set("draining");
    for _ in 0..20 {
        let (draft, jumps) = rig.groups.create_draft(rig.till.sale(100), "request").await.unwrap();
        assert_eq!((draft.number.tag(), jumps), (tag(1), 0));
    }
    rig.adopt(&sale, created).await;
    let health = rig.groups.health();
    assert_eq!((health[0].standing, health[0].failures, health[0].jumps_away), ("healthy", 0, 0));
    set("frozen");
    let adoption = rig.till.adoption(&sale, created, rig.clock.now());
    let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
    assert_eq!(rig.groups.adopt(adopt).await, Err(GroupError::Moving));
    assert_eq!(rig.groups.health()[0].failures, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_creation_jumps_and_what_timed_out_is_unknown() {
    let rig = Rig::new(3);
    let sale = rig.till.sale(500);
    let number = rig.draft(&sale).await.number;
    let frozen = rig.freeze(number.tag().get());
    let adoption = rig.till.adoption(&sale, number, rig.clock.now());
    let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
    // 400 ms here, 900 ms in the engine: the caller does not know.
    assert!(matches!(rig.groups.adopt(adopt.clone()).await, Err(GroupError::Unknown(_))));
    for other in (0..3).filter(|n| *n != number.tag().get()) {
        let connection = rusqlite::Connection::open(rig.file(other)).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "the order was looked for in group {other}");
    }
    drop(frozen);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let again = Adopt { guard: guard(), ..adopt };
    rig.groups.adopt(again).await.unwrap();
    assert_eq!(rig.groups.order(number).await.unwrap().summary.state, OrderState::Adopted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_group_definitely_did_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let group =
        StoredGroup::start(tag(4), Place::Sqlite(folder.path().join("4.db")), Expected::default()).unwrap();
    let holder = rusqlite::Connection::open(folder.path().join("4.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let answer = group.probe("s".into(), NOON).await;
    assert!(matches!(answer, Err(GroupError::Unavailable(_))), "{answer:?}");
    holder.execute_batch("ROLLBACK").unwrap();
    let count = |c: &rusqlite::Connection| -> i64 {
        c.query_row("SELECT count(*) FROM probe", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&holder), 0);
    group.probe("s".into(), NOON).await.unwrap();
    assert_eq!(count(&holder), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_groups_are_gone_the_till_is_told_quickly() {
    let rig = Rig::new(2);
    let _frozen = (rig.freeze(0), rig.freeze(1));
    for _ in 0..3 {
        let result = rig.groups.create_draft(rig.till.sale(1), "request").await;
        assert_eq!(result, Err(GroupError::NoGroupAvailable));
    }
    let start = SystemClock.monotonic();
    for _ in 0..50 {
        let result = rig.groups.create_draft(rig.till.sale(1), "request").await;
        assert_eq!(result, Err(GroupError::NoGroupAvailable));
    }
    assert!(
        SystemClock.monotonic() - start < Duration::from_millis(CALL_MS),
        "skipped groups were waited for"
    );
}

#[tokio::test]
async fn a_group_that_cannot_be_opened_is_reported_and_the_others_work() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    std::fs::create_dir_all(folder.path().join("groups")).unwrap();
    std::fs::write(folder.path().join("groups/00.db"), vec![7; 8192]).unwrap();
    let clock = ManualClock::new();
    let groups = open(&folder, 2, &clock);
    let till = Till::new(1);
    for _ in 0..10 {
        let (created, _) = groups.create_draft(till.sale(100), "request").await.unwrap();
        assert_eq!(created.number.tag(), tag(1));
    }
    let health = groups.health();
    assert!(health[0].engine.contains("damaged"), "{}", health[0].engine);
    assert_eq!(groups.unsettled(10).await.unreachable, vec![tag(0)], "and what is missing is named");
}

#[tokio::test]
async fn a_groups_file_in_the_place_of_anothers_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("g.db");
    drop(StoredGroup::start(tag(1), Place::Sqlite(file.clone()), Expected::default()).unwrap());
    let other = StoredGroup::start(tag(2), Place::Sqlite(file), Expected::default()).unwrap();
    assert!(matches!(other.engine(), EngineState::Unavailable(why) if why.contains("another kind")));
}

#[tokio::test]
async fn one_sale_has_one_number_in_a_group_and_another_content_is_a_fork() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let first = rig.draft(&sale).await;
    assert_eq!(rig.draft(&sale).await, first);
    rig.till.put_back_to(sale.key.sequence);
    let forked = rig.till.sale(600);
    assert_eq!(forked.key, sale.key);
    let refusal = refused(rig.groups.create_draft(forked, "request").await);
    assert!(matches!(refusal, Refusal::Conflict(_)));
}

#[tokio::test]
async fn a_replayed_request_has_no_effect_even_if_it_was_refused_at_first() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let created = rig.draft(&sale).await;
    assert_eq!(rig.draft(&sale).await, created, "a replayed creation finds the same draft");
    // Refused: the entry's place is taken by another. Later, and only for a new request, it would do.
    let stranger = Till::new(2);
    let other = stranger.sale(500);
    let adoption = stranger.adoption(&other, created.number, rig.clock.now());
    let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
    assert!(matches!(refused(rig.groups.adopt(adopt.clone()).await), Refusal::Conflict(_)));
    assert_eq!(refused(rig.groups.adopt(adopt).await), Refusal::Replayed);
    assert_eq!(rig.groups.order(created.number).await.unwrap().summary.state, OrderState::Draft);
}

#[tokio::test]
async fn adopting_brings_in_an_order_whose_draft_was_lost_and_again_changes_nothing() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let lost = OrderNumber::new(NOON, 5, tag(0)).unwrap();
    let later = rig.draft(&sale).await.number; // the group has forgotten `lost` and gave another
    rig.adopt(&sale, lost).await;
    let order = rig.groups.order(lost).await.unwrap();
    assert_eq!(order.summary.state, OrderState::Adopted);
    assert_eq!(order.goods, sale.sale);
    assert_eq!(refused(rig.groups.order(later).await), Refusal::NotFound("order"));
    rig.adopt(&sale, lost).await;
    assert_eq!(rig.groups.order(lost).await.unwrap().story, order.story);
    // And a second number for a sale that has chosen is a fork.
    let adoption = rig.till.adoption(&sale, later, rig.clock.now());
    let adopt = Adopt { adoption, cash: None, policies: Policies::default(), guard: guard() };
    assert!(matches!(refused(rig.groups.adopt(adopt).await), Refusal::Conflict(_)));
}

#[tokio::test]
async fn cash_makes_an_order_paid_once() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let number = rig.draft(&sale).await.number;
    let adoption = rig.till.adoption(&sale, number, rig.clock.now());
    let cash = Some(rig.till.cash(&sale));
    let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
    rig.groups.adopt(adopt.clone()).await.unwrap();
    rig.groups.adopt(Adopt { guard: guard(), ..adopt }).await.unwrap();
    let order = rig.groups.order(number).await.unwrap();
    assert_eq!(order.summary.paid_by, Some(PaidBy::Cash { given: cny(500), change: cny(0) }));
    assert_eq!(order.summary.paid, cny(500));
    assert_eq!(order.story.iter().filter(|l| matches!(l.what, Fact::CashTaken { .. })).count(), 1);
}

#[tokio::test]
async fn what_a_blocked_till_hands_in_waits_for_a_person_and_cannot_be_refunded() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let number = rig.draft(&sale).await.number;
    let adoption = Adoption { quarantine: true, ..rig.till.adoption(&sale, number, rig.clock.now()) };
    let cash = Some(rig.till.cash(&sale));
    let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
    rig.groups.adopt(adopt).await.unwrap();
    assert!(rig.groups.order(number).await.unwrap().summary.quarantined);
    let asked = rig.groups.reserve_refund(ask(&rig, number, 1, "request-1")).await;
    assert_eq!(refused(asked), Refusal::Quarantined);
}

#[tokio::test]
async fn a_draft_that_nobody_chose_expires_and_may_still_be_chosen() {
    let rig = Rig::new(1);
    let sale = rig.till.sale(500);
    let number = rig.draft(&sale).await.number;
    rig.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(rig.groups.tidy(tag(0)).await.unwrap(), Tidied::default());
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.groups.tidy(tag(0)).await.unwrap().drafts, 1);
    assert_eq!(rig.groups.order(number).await.unwrap().summary.state, OrderState::Expired);
    rig.adopt(&sale, number).await;
    assert_eq!(rig.groups.order(number).await.unwrap().summary.state, OrderState::Adopted);
    rig.clock.advance(Duration::from_secs(3600));
    let tidied = rig.groups.tidy(tag(0)).await.unwrap();
    assert_eq!((tidied.drafts, tidied.requests), (0, 1), "the request's id is of no use any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_managers_never_give_back_more_than_was_paid() {
    let rig = Arc::new(Rig::new(1));
    let number = rig.cash_order(1_000).await;
    let racers: Vec<_> = (0..64)
        .map(|n| {
            let rig = Arc::clone(&rig);
            let ask = ask(&rig, number, 30 + n % 7, &format!("request-{n}"));
            tokio::spawn(async move { rig.groups.reserve_refund(ask).await })
        })
        .collect();
    let (mut held, mut refusals) = (0, 0);
    for racer in racers {
        match racer.await.unwrap() {
            Ok(record) => held += record.refund.amount.minor,
            Err(GroupError::Refused(Refusal::Refund(RefundRefused::TooMuch { .. }))) => refusals += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    let order = rig.groups.order(number).await.unwrap().summary;
    assert_eq!(order.held, cny(held));
    assert!(held <= 1_000 && held > 1_000 - 37, "{held}");
    assert!(refusals > 30);
    let ids: std::collections::BTreeSet<_> = order.refunds.iter().map(|r| r.id.clone()).collect();
    assert_eq!(ids.len(), order.refunds.len());
}

#[tokio::test]
async fn a_refund_asked_twice_with_one_id_is_one_refund() {
    let rig = Rig::new(1);
    let number = rig.cash_order(1_000).await;
    let first = rig.groups.reserve_refund(ask(&rig, number, 300, "request-1")).await.unwrap();
    let second = rig.groups.reserve_refund(ask(&rig, number, 300, "request-1")).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(rig.groups.order(number).await.unwrap().summary.held, cny(300));
    let other = rig.groups.reserve_refund(ask(&rig, number, 301, "request-1")).await;
    assert_eq!(refused(other), Refusal::Conflict("the amount"));
}

#[tokio::test]
async fn yesterdays_order_is_not_refunded_by_the_servers_clock() {
    let rig = Rig::new(1);
    let number = rig.cash_order(1_000).await;
    let in_time = rig.groups.reserve_refund(ask(&rig, number, 1, "request-1")).await.unwrap();
    rig.clock.advance(Duration::from_secs(10 * 3600)); // midnight in Shanghai
    let late = refused(rig.groups.reserve_refund(ask(&rig, number, 1, "request-2")).await);
    assert!(matches!(late, Refusal::Refund(RefundRefused::AnotherDay { .. })));
    // What was decided in time stays decided, for a retry too.
    let again = rig.groups.reserve_refund(ask(&rig, number, 1, "request-1")).await.unwrap();
    assert_eq!(again, in_time);
    // Nobody fetched it: the next morning the money is free.
    assert_eq!(rig.groups.tidy(tag(0)).await.unwrap().refunds, 1);
    let order = rig.groups.order(number).await.unwrap().summary;
    assert_eq!((order.held, order.refunds[0].state), (cny(0), RefundState::Refused));
    assert_eq!(order.refunds[0].refused, Some(RefundRefused::Withdrawn));
}

#[tokio::test]
async fn a_refund_that_cannot_be_read_keeps_the_money_of_no_other_held() {
    let rig = Rig::new(1);
    let (spoilt, well) = (rig.cash_order(1_000).await, rig.cash_order(1_000).await);
    for (number, request) in [(spoilt, "request-1"), (well, "request-2")] {
        rig.groups.reserve_refund(ask(&rig, number, 300, request)).await.unwrap();
    }
    let file = rusqlite::Connection::open(rig.file(0)).unwrap();
    let statement = "UPDATE refunds SET refused = 'no reason' WHERE number = ?1";
    assert_eq!(file.execute(statement, [spoilt.as_str()]).unwrap(), 1);
    drop(file);
    rig.clock.advance(Duration::from_secs(10 * 3600));
    assert_eq!(rig.groups.tidy(tag(0)).await.unwrap().refunds, 1);
    assert_eq!(rig.groups.order(well).await.unwrap().summary.held, cny(0));
}

#[tokio::test]
async fn isolation_a_refund_that_cannot_be_read_hides_no_other_and_keeps_no_new_order_away() {
    let rig = Rig::new(1);
    let (spoilt, well) = (rig.cash_order(1_000).await, rig.cash_order(1_000).await);
    for (number, request) in [(spoilt, "request-1"), (well, "request-2")] {
        rig.groups.reserve_refund(ask(&rig, number, 300, request)).await.unwrap();
    }
    let till = rig.till.terminal;
    assert_eq!((rig.groups.refund_inbox(till).await.0.len(), rig.groups.refund_inbox(till).await.1), (2, 0));
    let file = rusqlite::Connection::open(rig.file(0)).unwrap();
    let statement = "UPDATE refunds SET state = 'reserved', refused = 'no reason' WHERE number = ?1";
    assert_eq!(file.execute(statement, [spoilt.as_str()]).unwrap(), 1);
    drop(file);
    // The till asks every three seconds, and monitoring too.
    for _ in 0..5 {
        let (refunds, incomplete) = rig.groups.refund_inbox(till).await;
        assert_eq!(
            (refunds.len(), refunds[0].refund.order, incomplete),
            (1, well, 1),
            "it says that there is more"
        );
        let unsettled = rig.groups.unsettled(10).await;
        assert_eq!((unsettled.refunds.len(), unsettled.unreachable.len()), (1, 0));
    }
    let health = rig.groups.health();
    assert_eq!((health[0].standing, health[0].failures), ("healthy", 0));
    rig.draft(&rig.till.sale(100)).await;
}

fn carry_out(rig: &Rig, till: &Till, record: &RefundRecord) -> CarryOut {
    let (number, refund, amount) = (record.refund.order, record.refund.id.clone(), record.refund.amount);
    let now = rig.clock.now();
    CarryOut {
        cashier: None,
        number,
        entry: till.carries_out(&refund, number, amount),
        refund,
        amount,
        terminal: till.terminal,
        lease: Lease { owner: "s".into(), now, until: now.plus(Duration::from_secs(10)) },
        guard: guard(),
    }
}

#[tokio::test]
async fn only_the_till_that_sold_gives_cash_back_and_once() {
    let rig = Rig::new(1);
    let number = rig.cash_order(1_000).await;
    let record = rig.groups.reserve_refund(ask(&rig, number, 400, "request-1")).await.unwrap();
    assert_eq!(rig.groups.refund_inbox(rig.till.terminal).await.0, vec![record.clone()]);
    let stranger = Till::new(2);
    assert!(rig.groups.refund_inbox(stranger.terminal).await.0.is_empty());
    let refusal = refused(rig.groups.carry_out_refund(carry_out(&rig, &stranger, &record)).await);
    assert_eq!(refusal, Refusal::Refund(RefundRefused::AnotherTill { sold_at: rig.till.terminal }));
    for _ in 0..2 {
        let done = rig.groups.carry_out_refund(carry_out(&rig, &rig.till, &record)).await.unwrap();
        assert_eq!((done.record.refund.state, done.fresh), (RefundState::Done, false));
    }
    let order = rig.groups.order(number).await.unwrap();
    assert_eq!(order.summary.held, cny(400));
    assert!(rig.groups.refund_inbox(rig.till.terminal).await.0.is_empty());
}

#[tokio::test]
async fn a_refund_that_was_refused_and_done_all_the_same_is_held_again_or_told_of_where_nothing_is_left() {
    let rig = Rig::new(1);
    let number = rig.cash_order(1_000).await;
    let record = rig.groups.reserve_refund(ask(&rig, number, 400, "request-1")).await.unwrap();
    let news = |event| RefundNews {
        number,
        refund: record.refund.id.clone(),
        event,
        message: Some("no".into()),
        at: NOON,
        next_at: NOON,
    };
    for _ in 0..3 {
        let now = rig.groups.record_refund(news(RefundEvent::Refused)).await.unwrap();
        assert_eq!(now.refund.state, RefundState::Refused);
    }
    assert_eq!(rig.groups.order(number).await.unwrap().summary.held, cny(0), "freed once");
    rig.groups.reserve_refund(ask(&rig, number, 700, "request-2")).await.unwrap();
    let now = rig.groups.record_refund(news(RefundEvent::Confirmed)).await.unwrap();
    assert_eq!(now.refund.state, RefundState::Refused, "only 300 are left");
    let story = rig.groups.order(number).await.unwrap().story;
    assert!(story.iter().any(|line| matches!(line.what, Fact::RefundContradicted { .. })));
}
