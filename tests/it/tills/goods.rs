//! Goods on their way to the till, while it is in use and while its plug is pulled.

use super::desk::{Desk, GOODS};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;
use evertill_tests::process::wait_until;
use std::time::Duration;

fn product(n: usize) -> Product {
    Product {
        id: format!("M{n:05}"),
        name: format!("Many {n}"),
        barcodes: vec![format!("MANY{n:05}")],
        price: Amount::new(100, Currency::CNY),
        tax_rate: TaxRate(1300),
        favourite: false,
        sold_by_weight: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_by_kill_9_comes_to_its_end_and_the_old_goods_are_sold_meanwhile() {
    const COUNT: usize = 6_000;
    let mut desk = Desk::open().await;
    let mut all: Vec<Product> = serde_json::from_str(evertill_tests::store_rig::CATALOGUE).unwrap();
    all.extend((0..COUNT).map(product));
    desk.rig.staff("it").await.unwrap().put_catalogue(&all).await.unwrap();
    // The cart is there again each time the till comes back, and one more goes into it.
    for (pause, items) in [(900, "1 item"), (300, "2 items"), (500, "3 items")] {
        std::thread::sleep(Duration::from_millis(pause));
        desk.power_cycle();
        desk.till.wait("Payment code").unwrap();
        desk.till.scan(GOODS[0]).unwrap();
        desk.sees(items, 10);
    }
    let last = format!("MANY{:05}", COUNT - 1);
    let loaded = wait_until(Duration::from_secs(60), || {
        desk.till.scan(&last).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        desk.shows(&format!("Many {}", COUNT - 1))
    });
    assert!(loaded, "the last of the goods never came");
    for n in [0, COUNT / 3, COUNT / 2] {
        desk.till.scan(&format!("MANY{n:05}")).unwrap();
        desk.sees(&format!("Many {n}"), 5);
    }
}
