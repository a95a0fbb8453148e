//! Kill -9 of the server under load, again and again, with its three groups: the tills ask again for the same, and in
//! the end each sale is there once, and each customer has paid once.

use crate::seller::Seller;
use crate::shop::{seed, shop};
use evertill_tests::rig::power_cut::Seeded;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TILLS: u64 = 4;
const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_nothing_lost_the_server_is_killed_again_and_again_under_load() {
    let seed = seed();
    let mut random = Seeded::new(seed);
    let mut shop = shop("kill").await;
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for till in 0..TILLS {
        let mut seller = Seller::new(&shop.rig, &format!("Till {}", till + 1), seed + till, &gives_up).await;
        tasks.push(tokio::spawn(async move {
            seller.sell_on().await;
            seller
        }));
    }
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(200 + random.below(900))).await;
        shop.rig.kill_server();
        tokio::time::sleep(Duration::from_millis(random.below(150))).await;
        shop.rig.start_server().unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    gives_up.store(true, Ordering::Release);
    let mut sellers = Vec::new();
    for task in tasks {
        sellers.push(task.await.unwrap());
    }
    gives_up.store(false, Ordering::Release);
    let (mut sold, mut asked_again) = (0, 0);
    for seller in &mut sellers {
        // What was under way ends, and one more.
        seller.sell(2).await;
        let missing = seller.missing_at_the_server(i64::MAX).await;
        assert!(missing.is_empty(), "seed {seed}: {missing:#?}");
        sold += seller.done;
        asked_again += seller.asked_again;
    }
    println!("{KILLS} kills, {sold} sales, {asked_again} requests asked again");
    assert!(asked_again > KILLS, "the kills hit nobody");
    assert_eq!(shop.books_agree().await, sold, "seed {seed}: sales that the tills do not know");
}
