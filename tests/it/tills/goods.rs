//! Goods on their way to the till, while it is in use and while its plug is pulled.

use super::desk::{Desk, GOODS};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;
use evertill_tests::process::wait_until;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::time::Duration;

/// So many goods come in a dozen parts.
const COUNT: usize = 6_000;

fn product(n: usize, price: i64) -> Product {
    Product {
        id: format!("M{n:05}"),
        name: format!("Many {n}"),
        barcodes: vec![format!("MANY{n:05}")],
        price: Amount::new(price, Currency::CNY),
        tax_rate: TaxRate(1300),
        favourite: false,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    }
}

/// The usual goods, and many more at this price.
async fn import(desk: &Desk, price: i64) {
    let mut all: Vec<Product> = serde_json::from_str(evertill_tests::store_rig::CATALOGUE).unwrap();
    all.extend((0..COUNT).map(|n| product(n, price)));
    desk.rig.staff("it").await.unwrap().put_catalogue(&all).await.unwrap();
}

/// Where the load that is under way goes on, as it stands in the file of the till in this folder; nothing if none is.
fn under_way(till: &Path) -> Option<String> {
    let file = Connection::open_with_flags(till.join("goods.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    file.query_row("SELECT value FROM fact WHERE name = 'next'", [], |row| row.get(0)).optional().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_by_kill_9_comes_to_its_end_and_the_old_goods_are_sold_meanwhile() {
    const CUTS: usize = 2;
    let mut desk = Desk::open().await;
    let dir = desk.till.dir().to_owned();
    let (mut cut_at, mut items) = (Vec::new(), 0);
    // A machine that stalls may pull the plug too late: then all goods come anew, at another price.
    for price in 100..110 {
        import(&desk, price).await;
        let goes_on = |cut_at: &[String]| under_way(&dir).filter(|place| !cut_at.contains(place)).is_some();
        while cut_at.len() < CUTS && wait_until(Duration::from_secs(20), || goes_on(&cut_at)) {
            desk.till.power_cut();
            cut_at.extend(under_way(&dir).filter(|place| !cut_at.contains(place)));
            desk.till.power_on().unwrap();
            desk.till.wait("Payment code").unwrap();
            // The cart is there again each time the till comes back, and one more goes into it.
            desk.till.scan(GOODS[0]).unwrap();
            items += 1;
            desk.sees(&if items == 1 { "1 item".to_owned() } else { format!("{items} items") }, 10);
        }
        if cut_at.len() == CUTS {
            break;
        }
    }
    assert_eq!(cut_at.len(), CUTS, "the plug was never pulled while goods came");
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
    let is_whole = wait_until(Duration::from_secs(20), || under_way(&dir).is_none());
    assert!(is_whole, "the load does not come to its end");
}
