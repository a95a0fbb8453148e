//! Disks that fill while tills sell. What was acknowledged is there, what was refused is not half done, and all goes
//! on by itself when there is room.

use crate::seller::Seller;
use crate::shop::{Shop, fold, seed, shop};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::protocol::error::ErrorCode;
use evertill_tests::rig::small_disk::SmallDisk;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Room for the three groups' logs as long as they grow, and for some sales.
const MIB: u32 = 32;

/// The product's own limit for a number, however many groups hang, is two seconds and a quarter; the rest is for the way there
/// and back.
const LIMIT_OF_A_NUMBER: Duration = Duration::from_secs(3);
/// What `/health/ready` says of the group on the small disk as long as it is well.
const HEALTHY: &str = "\"00\":\"healthy\"";
/// How long sales go on until they fill what the databases hold already.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops the server, moves one of its databases onto a small disk, and starts it again.
fn move_to_small_disk(shop: &mut Shop, file: &Path) -> SmallDisk {
    shop.rig.stop_server();
    fold(file);
    let small = shop.rig.data_dir().join("small");
    let disk = SmallDisk::under(&shop.place, &small, MIB).unwrap();
    let there = small.join(file.file_name().unwrap());
    std::fs::copy(file, &there).unwrap();
    std::fs::remove_file(file).unwrap();
    symlink(&there, file).unwrap();
    shop.rig.start_server().unwrap();
    disk
}

async fn sellers(shop: &Shop, count: u64, gives_up: &Arc<AtomicBool>) -> Vec<Seller> {
    let mut sellers = Vec::new();
    for till in 0..count {
        let name = format!("Till {}", till + 1);
        sellers.push(Seller::new(&shop.rig, &name, seed() + till, gives_up).await);
    }
    sellers
}

type Task = tokio::task::JoinHandle<Seller>;

fn sell_on(sellers: Vec<Seller>) -> Vec<Task> {
    let start = |mut seller: Seller| {
        tokio::spawn(async move {
            seller.sell_on().await;
            seller
        })
    };
    sellers.into_iter().map(start).collect()
}

/// What the console's page of groups shows of that one.
fn tile_of<'p>(page: &'p str, tag: &str) -> &'p str {
    let begins = format!("<span class=\"number\">{tag}</span>");
    let (_, rest) = page.split_once(&begins).unwrap_or_else(|| panic!("no group {tag}: {page}"));
    rest.split_once("</section>").expect("a whole page").0
}

/// Lets all end what they have begun, and checks all that they were told; gives how many sales they made.
async fn end_well(shop: &Shop, tasks: Vec<Task>, gives_up: &AtomicBool) -> usize {
    gives_up.store(true, Ordering::Release);
    let mut sellers = Vec::new();
    for task in tasks {
        sellers.push(task.await.unwrap());
    }
    gives_up.store(false, Ordering::Release);
    let mut sold = 0;
    for seller in &mut sellers {
        seller.sell(2).await;
        let missing = seller.missing_at_the_server(i64::MAX).await;
        assert!(missing.is_empty(), "{missing:#?}");
        sold += seller.done;
    }
    shop.books_agree().await;
    sold
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_one_groups_full_disk_stops_no_other_and_it_is_back_by_itself() {
    let mut shop = shop("disk-group").await;
    let file = shop.rig.group_file(0);
    let disk = move_to_small_disk(&mut shop, &file);
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut counter = shop.rig.scripted_till("Counter").await.unwrap();
    let tasks = sell_on(sellers(&shop, 4, &gives_up).await);
    tokio::time::sleep(Duration::from_millis(700)).await;
    // Much may still fit into the log that the database holds already, and one that finds the disk full cuts its log
    // short: what that frees is filled up again until the group is found out.
    let until = SystemClock.monotonic() + PATIENCE;
    loop {
        disk.fill().unwrap();
        let (_, health) = shop.page("/health/ready").await;
        if !health.contains(HEALTHY) {
            break;
        }
        assert!(SystemClock.monotonic() < until, "the disk is full, and nobody noticed: {health}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut slowest = Duration::ZERO;
    let mut elsewhere = 0;
    let mut refused = 0;
    for _ in 0..25 {
        disk.fill().unwrap();
        let sale = counter.sell(300).unwrap();
        let started = SystemClock.monotonic();
        let draft = counter.draft(&sale).await.expect("another group takes it");
        slowest = slowest.max(SystemClock.monotonic().saturating_sub(started));
        let order = counter.choose(&sale, draft.number).unwrap();
        let cash = counter.take_cash(&sale).unwrap();
        match counter.complete(&order, cash).await {
            Ok(_) => elsewhere += usize::from(draft.number.tag().get() != 0),
            Err(error) => {
                // The one group whose disk is full, and it says so; no other.
                assert!(error.code().is_some_and(ErrorCode::is_later), "{error:?}");
                assert_eq!(draft.number.tag().get(), 0, "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(elsewhere >= 15, "{elsewhere} of 25 went to the other groups");
    let (status, health) = shop.page("/health/ready").await;
    assert_eq!(status, 200, "{health}");
    assert!(!health.contains(HEALTHY), "nobody noticed: {health}");
    let (_, console) = shop.page("/console/groups").await;
    let told = ["Skipped by new orders", "Slow: new orders go here last"];
    let own = tile_of(&console, "00");
    assert!(told.iter().any(|words| own.contains(words)), "the console does not show it: {own}");
    println!("{elsewhere} of 25 sales went elsewhere, {refused} waited; the slowest number took {slowest:?}");
    assert!(slowest < LIMIT_OF_A_NUMBER, "a number took {slowest:?}");

    disk.make_room().unwrap();
    let mut is_back = false;
    for _ in 0..100 {
        let sale = counter.sell(100).unwrap();
        let draft = counter.draft(&sale).await.unwrap();
        is_back = draft.number.tag().get() == 0;
        if is_back {
            let order = counter.choose(&sale, draft.number).unwrap();
            let cash = counter.take_cash(&sale).unwrap();
            counter.complete(&order, cash).await.unwrap();
            break;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(is_back, "there is room again, and nobody noticed");
    end_well(&shop, tasks, &gives_up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_group_has_room_the_answer_is_a_quick_later_and_all_goes_on_by_itself() {
    let mut shop = shop("disk-groups").await;
    shop.rig.stop_server();
    let disk = SmallDisk::under(&shop.place, &shop.rig.data_dir().join("groups"), MIB).unwrap();
    shop.rig.start_server().unwrap();
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut counter = shop.rig.scripted_till("Counter").await.unwrap();
    let tasks = sell_on(sellers(&shop, 2, &gives_up).await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    disk.fill().unwrap();
    let mut sale = counter.sell(700).unwrap();
    let mut later = None;
    // Much may still fit into the logs that the databases hold already. Each is a sale of its own: for one that has its
    // draft, nothing would have to be written. A database that finds the disk full cuts its log short; what that frees
    // is filled up again at once.
    let until = SystemClock.monotonic() + PATIENCE;
    while SystemClock.monotonic() < until {
        disk.fill().unwrap();
        let started = SystemClock.monotonic();
        if let Err(error) = counter.draft(&sale).await {
            later = Some((error, SystemClock.monotonic().saturating_sub(started)));
            break;
        }
        sale = counter.sell(700).unwrap();
    }
    let (error, took) = later.expect("full, and orders are still taken");
    let code = error.code();
    assert!(matches!(code, Some(ErrorCode::NoGroupAvailable | ErrorCode::OutcomeUnknown)), "{error:?}");
    println!("no group has room: {error}, after {took:?}");
    assert!(took < LIMIT_OF_A_NUMBER, "that is no quick answer: {took:?}");
    let is_ready = |status: u16| status == 200;
    assert!(!is_ready(shop.settled_page("/health/ready", |status, _| !is_ready(status)).await.0));

    disk.make_room().unwrap();
    let mut draft = counter.draft(&sale).await;
    for _ in 0..100 {
        if draft.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        draft = counter.draft(&sale).await;
    }
    draft.expect("there is room again, and no order is taken");
    assert!(is_ready(shop.settled_page("/health/ready", |status, _| is_ready(status)).await.0));
    let sold = end_well(&shop, tasks, &gives_up).await;
    println!("{sold} sales in all");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_when_the_base_stores_disk_is_full_and_all_goes_on_by_itself() {
    let mut shop = shop("disk-base").await;
    let base = shop.rig.data_dir().join("base.db");
    let disk = move_to_small_disk(&mut shop, &base);
    let gives_up = Arc::new(AtomicBool::new(false));
    let tasks = sell_on(sellers(&shop, 2, &gives_up).await);
    let mut counter = shop.rig.scripted_till("Counter").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    disk.fill().unwrap();
    let mut refused = None;
    // Much may still fit into the log that the database holds already.
    let until = SystemClock.monotonic() + 2 * PATIENCE;
    while SystemClock.monotonic() < until {
        disk.fill().unwrap();
        if let Err(error) = shop.rig.staff("li").await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("full, and people still log in").to_string();
    println!("the base store's disk is full: {refused}");
    // Who is who is still known: sales of tills that are signed in go on.
    let sale = counter.sell(250).unwrap();
    let draft = counter.draft(&sale).await.expect("selling needs nothing to be written in the base store");
    let order = counter.choose(&sale, draft.number).unwrap();
    let cash = counter.take_cash(&sale).unwrap();
    counter.complete(&order, cash).await.expect("nor does cash");
    let handed_in = counter.hand_in(0).await.unwrap_err();
    assert!(handed_in.code().is_some_and(ErrorCode::is_later), "{handed_in:?}");

    disk.make_room().unwrap();
    let mut back = counter.hand_in(0).await;
    for _ in 0..60 {
        if back.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        back = counter.hand_in(0).await;
    }
    assert_eq!(back.expect("there is room again").head, counter.head());
    shop.rig.staff("li").await.unwrap();
    end_well(&shop, tasks, &gives_up).await;
}
