//! The line between the server and a group's primary: silent, cut, and silent in the middle of a transaction. What the
//! server does not know is settled when the line is back, and the group costs nobody more than one time-out.

use super::seller::Seller;
use super::shop::{PATIENCE, Shop, charged_at_last, shop};
use evertill_provisioning::client::ClientError;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::order::OrderState;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_tests::books;
use evertill_tests::process::wait_until;
use evertill_tests::rig::postgres::{Conninfo, Login, PostgresGroup, PostgresOptions};
use evertill_tests::rig::proxy::{Line, Proxy, Way};
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::store_rig::{InPostgres, RigOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many failures of a group in one period make new orders pass it by; and how long a period is.
const FAILURES: u32 = 3;
const PERIOD: Duration = Duration::from_secs(2);

/// How a commit ends on the wire. BEGIN has the word in it, too.
const COMMIT: &[u8] = b";COMMIT\0";

/// A shop that reaches the primary of its group 0 through a line of ours. The line goes last.
struct Behind {
    shop: Shop,
    group: PostgresGroup,
    line: Proxy,
}

async fn shop_behind_a_line(name: &str) -> Behind {
    let group = PostgresGroup::start(name, PostgresOptions::default()).unwrap();
    let primary = group.primary().address();
    let line = Proxy::start(primary).unwrap();
    let direct = group.conninfo();
    let through = |address| if address == primary { line.address() } else { address };
    let addresses = direct.addresses.iter().copied().map(through).collect();
    let database = Conninfo { addresses, ..direct };
    let postgres = InPostgres { lanes: 2, ..InPostgres::one_group(0, database) };
    let period_ms = u64::try_from(PERIOD.as_millis()).unwrap();
    let failures_per_period = FAILURES;
    let options =
        RigOptions { postgres, period_ms, failures_per_period, figures: true, ..RigOptions::default() };
    Behind { shop: shop(options).await, group, line }
}

impl Behind {
    /// The primary itself, past the line.
    fn primary(&self) -> Login {
        self.group.primary().application()
    }

    fn count(&self, rows: &str) -> u32 {
        self.primary().rows(&format!("SELECT count(*) FROM {rows}")).unwrap()[0].parse().unwrap()
    }

    /// Nobody is in the middle of anything there any more, so that what is not there will not come.
    fn has_ended(&self) -> bool {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'evertill' AND state <> 'idle' \
                    AND pid <> pg_backend_pid()";
        self.group.primary().superuser().rows(open).is_ok_and(|rows| rows == ["0"])
    }

    /// How many new orders have waited for group 0 in vain, as the server counts.
    async fn jumped_away(&self) -> u64 {
        let figures = self.shop.rig.figures().await.unwrap();
        let of_group =
            |line: &&str| line.starts_with("evertill_jumps_total") && line.contains("group=\"00\"");
        let counts = figures.lines().filter(of_group);
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// The line is good again, and group 0 is used again by itself.
    async fn mend(&self, till: &mut ScriptedTill) -> AdoptedSale {
        self.line.pass();
        self.shop.sale_in(till, 0, 100).await
    }
}

fn is_honest(error: &ClientError) -> bool {
    error.outcome_unknown() || error.code().is_some_and(ErrorCode::is_later)
}

/// Sells for cash wherever there is room, for so long; gives after what time each number came.
async fn sell_for(till: &mut ScriptedTill, how_long: Duration) -> Vec<Duration> {
    let until = SystemClock.monotonic() + how_long;
    let mut times = Vec::new();
    while SystemClock.monotonic() < until {
        let sale = till.sell(300).unwrap();
        let began = SystemClock.monotonic();
        let draft = till.draft(&sale).await.expect("the other groups are well");
        times.push(SystemClock.monotonic() - began);
        assert_ne!(draft.number.tag().get(), 0, "a group that nobody reaches gave out a number");
        let order = till.choose(&sale, draft.number).unwrap();
        let cash = till.take_cash(&sale).unwrap();
        assert_eq!(till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_a_primary_that_falls_silent_costs_a_sale_one_time_out_and_the_next_sales_nothing() {
    let behind = shop_behind_a_line("network-silent").await;
    let mut till = behind.shop.rig.scripted_till("Till").await.unwrap();
    let mut another = behind.shop.rig.scripted_till("Another").await.unwrap();
    let mut waiting = Vec::new();
    for way in [None, Some(Way::ToClient), Some(Way::ToServer)] {
        let order = behind.shop.sale_in(&mut another, 0, 900).await;
        let before = behind.jumped_away().await;
        match way {
            None => behind.line.black_hole(),
            Some(way) => behind.line.set_way(way, Line::BlackHole),
        }
        let began = SystemClock.monotonic();
        let times = sell_for(&mut till, Duration::from_millis(2_500)).await;
        let periods = (SystemClock.monotonic() - began).as_secs() / PERIOD.as_secs() + 1;
        let jumped = behind.jumped_away().await - before;
        let slowest = times.iter().max().unwrap();
        println!("{way:?}: {} sales, {jumped} jumped, the slowest number after {slowest:?}", times.len());
        // Counted, not timed: after a few that waited in vain, and one that tests the group in each period, none waits.
        assert!((1..=u64::from(FAILURES) + periods).contains(&jumped), "{way:?}: {jumped} waited in vain");
        assert!(jumped < times.len() as u64, "{way:?}: every sale waited");
        // The time-out is one second; the rest is for slow machines.
        assert!(*slowest < Duration::from_secs(4), "{way:?}: {slowest:?}");

        // Who has a number of that group is told to wait, quickly, and nobody is asked for money.
        let (code, requested) = (behind.shop.code().await, another.request(&order, 1).unwrap());
        let refused = another.charge(&order, &requested, &code).await.unwrap_err();
        assert!(is_honest(&refused), "{refused:?}");
        assert_eq!(behind.shop.net(&order).await, None, "{way:?}");
        assert!(behind.line.open_connections() < 50, "connections pile up");
        behind.mend(&mut till).await;
        waiting.push((order, requested, code));
    }
    for (order, requested, code) in &waiting {
        assert_eq!(charged_at_last(&another, order, requested, code).await.state, PaymentState::Paid);
        assert_eq!(behind.shop.net(order).await, Some(900));
    }
    books::agree(&behind.shop.rig, PATIENCE).await.unwrap();
}

/// What came of the requests that met the silence.
#[derive(Debug, Default)]
struct Fates {
    /// They are in the database, and nobody was told.
    happened: u32,
    /// They never came there.
    lost: u32,
}

impl Fates {
    /// So many rows are there of what was committed on a line that lost what went this way.
    fn count(&mut self, way: Way, there: u32) {
        self.happened += u32::from(there == 1 && way == Way::ToClient);
        self.lost += u32::from(there == 0 && way == Way::ToServer);
    }
}

/// Charges a customer while the commit of the intent goes unheard, or astray, until it is known what came of it; gives how
/// many orders are paid by that.
async fn charge_unheard(behind: &Behind, till: &mut ScriptedTill, way: Way, fates: &mut Fates) -> usize {
    let order = behind.shop.sale_in(till, 0, 700).await;
    let (code, requested) = (behind.shop.code().await, till.request(&order, 1).unwrap());
    behind.line.black_hole_at(COMMIT, way);
    let refused = till.charge(&order, &requested, &code).await.unwrap_err();
    assert!(behind.line.has_sprung(), "nothing was committed");
    assert!(is_honest(&refused), "{refused:?}");
    // The first of the two transactions of a charge is the intent: the wallet was not asked without it.
    assert_eq!(behind.shop.net(&order).await, None, "{way:?}");
    behind.line.reset_all();
    behind.line.pass();
    assert!(wait_until(PATIENCE, || behind.has_ended()));
    fates.count(way, behind.count(&format!("payments WHERE number = '{}'", order.number)));
    let view = charged_at_last(till, &order, &requested, &code).await;
    let is_paid = view.state == PaymentState::Paid;
    assert_eq!(behind.shop.net(&order).await.unwrap_or(0), if is_paid { 700 } else { 0 }, "{view:?}");
    usize::from(is_paid)
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_a_commit_whose_answer_is_lost_is_settled_and_never_done_twice() {
    let behind = shop_behind_a_line("network-commit").await;
    let mut till = behind.shop.rig.scripted_till("Till").await.unwrap();
    let mut fates = Fates::default();
    let mut sold = 0;
    for (round, way) in [Way::ToClient, Way::ToServer, Way::ToClient, Way::ToServer].into_iter().enumerate() {
        // An intent to charge; what is not known of it takes its time to be settled, so not every time.
        if round < 2 {
            sold += charge_unheard(&behind, &mut till, way, &mut fates).await;
        }

        // A cash sale, which counts once it is adopted.
        let order = behind.shop.sale_in(&mut till, 0, 800).await;
        let cash = till.take_cash(&order.sale).unwrap();
        behind.line.black_hole_at(COMMIT, way);
        let refused = till.complete(&order, cash.clone()).await.unwrap_err();
        assert!(is_honest(&refused), "{refused:?}");
        behind.line.pass();
        assert!(wait_until(PATIENCE, || behind.has_ended()));
        let there = behind.count(&format!("orders WHERE number = '{}' AND state = 'paid'", order.number));
        fates.count(way, there);
        assert_eq!(paid_at_last(&till, &order, &cash).await, OrderState::Paid);
        sold += 1;
    }
    println!("{fates:?}");
    // The word may have been another one's, of work in the background; not every time.
    assert!(
        fates.happened >= 1 && fates.lost >= 1,
        "the line did not bite in the middle of commits: {fates:?}"
    );
    behind.shop.nothing_is_doubled();
    assert_eq!(books::agree(&behind.shop.rig, PATIENCE).await.unwrap(), sold);
    let log = std::fs::read_to_string(behind.group.primary().log()).unwrap();
    assert!(!log.contains("canceling statement due to user request"), "something was cancelled");
}

/// Sends the same sale again until the server takes it, as a till does.
async fn paid_at_last(
    till: &ScriptedTill,
    order: &AdoptedSale,
    cash: &evertill_shared::journal::SignedEntry,
) -> OrderState {
    for _ in 0..100 {
        match till.complete(order, cash.clone()).await {
            Ok(view) => return view.state,
            Err(error) => assert!(is_honest(&error), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{} is never taken", order.number);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_nothing_lost_while_the_line_to_the_primary_is_reset_and_silent_by_turns() {
    let behind = shop_behind_a_line("network-turns").await;
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for till in 0..3 {
        let name = format!("Till {till}");
        let mut seller = Seller::new(&behind.shop.rig, &name, 20_261_123 + till, &gives_up).await;
        tasks.push(tokio::spawn(async move {
            seller.sell_on().await;
            seller
        }));
    }
    for round in 0..8 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        match round % 4 {
            0 => (0..5).for_each(|_| behind.line.reset_all()),
            1 => behind.line.black_hole_at(COMMIT, Way::ToClient),
            2 => behind.line.black_hole_at(COMMIT, Way::ToServer),
            _ => behind.line.black_hole(),
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
        behind.line.pass();
    }
    // Sellers whose order is in the group wait for it; all of them end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    gives_up.store(true, Ordering::Release);
    let mut sellers = Vec::new();
    for task in tasks {
        sellers.push(task.await.unwrap());
    }
    gives_up.store(false, Ordering::Release);
    let (mut sold, mut asked_again) = (0, 0);
    for seller in &mut sellers {
        seller.sell(2).await;
        let missing = seller.missing_at_the_server(i64::MAX).await;
        assert!(missing.is_empty(), "{missing:#?}");
        (sold, asked_again) = (sold + seller.done, asked_again + seller.asked_again);
    }
    println!("{sold} sales, {asked_again} requests asked again, {} bytes lost", behind.line.lost_bytes());
    // How many were hit depends on the machine; that nobody was would be no test.
    assert!(asked_again > 0 && behind.line.lost_bytes() > 0, "the line hit nobody");
    let mut till = behind.shop.rig.scripted_till("After").await.unwrap();
    let order = behind.mend(&mut till).await;
    let cash = till.take_cash(&order.sale).unwrap();
    assert_eq!(paid_at_last(&till, &order, &cash).await, OrderState::Paid);
    assert_eq!(books::agree(&behind.shop.rig, PATIENCE).await.unwrap(), sold + 1);
}
