//! The merchant view behind the lists: it may be wrong, and no refund depends on it; a command mends it.

use super::shop::Shop;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::AskRefund;
use evertill_tests::process::wait_until;
use evertill_tests::workspace;
use std::process::Command;
use std::time::Duration;

fn tamper(shop: &Shop, statements: &str) {
    let file = shop.rig.store_dir().join("server/data/view.db");
    let view = rusqlite::Connection::open(file).unwrap();
    view.busy_timeout(Duration::from_secs(5)).unwrap();
    view.execute_batch(statements).unwrap();
}

fn refund(shop: &Shop, number: OrderNumber, minor: i64, request: &str) -> Result<(), String> {
    let ask = AskRefund {
        request: request.into(),
        amount: Amount::new(minor, Currency::CNY),
        reason: "Brought back".into(),
    };
    let asked = shop.runtime.block_on(async {
        let staff = shop.rig.staff("li").await.unwrap();
        staff.ask_refund(&number, &ask).await
    });
    asked.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_wrong_view_neither_allows_a_refund_nor_forbids_one_and_is_mended() {
    let mut shop = Shop::open();
    let (spent, fresh) = (shop.cash(1_000), shop.cash(2_000));
    refund(&shop, spent, 1_000, "all-of-it").unwrap();
    let page = shop.browser();
    page.log_in("li");
    page.expect(&spent.grouped());
    page.expect_in("#complete", "List and totals are complete up to");
    // From here on the view believes that the one can still be refunded, the other is void and of another day, and
    // takes no better word for it.
    tamper(
        &shop,
        &format!(
            "UPDATE sales SET version = 999999, held_minor = 0 WHERE number = '{spent}';
             DELETE FROM refunds WHERE number = '{spent}';
             UPDATE sales SET version = 999999, state = 'void', paid_minor = 0, business_day = '2001-01-01'
                 WHERE number = '{fresh}';"
        ),
    );
    let refused = refund(&shop, spent, 1, "once-more").unwrap_err();
    assert!(refused.contains("left to refund") || refused.contains("only"), "{refused}");
    refund(&shop, fresh, 1_500, "part-of-it").unwrap();
    page.go(&format!("/console/orders/{spent}"));
    page.expect_in("#refund-card", "All of this order is refunded or about to be.");
    page.go(&format!("/console/orders/{fresh}"));
    page.expect_in("#refund-card", "All that is left: ￥5.00");
    page.go("/console/orders");
    assert!(!page.text("#orders").contains(&fresh.grouped()), "the list is as wrong as the view");

    let rebuilt = Command::new(workspace::program("evertill-server"))
        .args(["view", "rebuild", "--config"])
        .arg(shop.rig.store_dir().join("server/server.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(rebuilt.status.success(), "{said}{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert!(said.contains("2 orders.") && said.contains("2 stood otherwise"), "{said}");
    assert!(said.contains(&spent.to_string()) && said.contains(&fresh.to_string()), "{said}");
    page.go("/console/orders");
    page.expect_in("#orders", &fresh.grouped());
    page.expect_in("#orders", "Refund under way");
    page.expect_in(".totals", "￥30.00");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn orders_are_found_by_range_time_and_the_goods_barcode() {
    let mut shop = Shop::open();
    let (small, large) = (shop.cash(1_250), shop.cash(9_900));
    let page = shop.browser();
    page.log_in("wang");
    let only = |query: &str, number: OrderNumber| {
        page.go(&format!("/console/orders?{query}"));
        page.expect_in("#orders", &number.grouped());
        assert_eq!(page.count("#orders tbody tr"), 1, "{query}");
    };
    only("amount=10-20", small);
    only("amount=50-", large);
    page.go("/console/orders?amount=ten");
    page.expect("This is not an amount. Write it like 12.50, or 10-20 for a range.");
    page.go("/console/orders?from=25:00");
    page.expect("This is not a time of day.");
    page.go("/console/orders?from=00:00&to=23:59");
    page.expect_in("#orders", &small.grouped());
    page.go("/console/orders?code=no-such-goods");
    page.expect("There are no orders like this on this day.");
    let codes = "SELECT code FROM lines LIMIT 1";
    let file = shop.rig.store_dir().join("server/data/view.db");
    let read = || rusqlite::Connection::open(&file)?.query_row(codes, [], |row| row.get::<_, String>(0));
    let code = read().unwrap();
    page.go(&format!("/console/orders?code={code}"));
    page.expect_in("#orders", &large.grouped());
}

#[test]
fn a_view_that_is_lost_fills_itself_again() {
    let mut shop = Shop::open();
    let number = shop.cash(700);
    let page = shop.browser();
    page.log_in("li");
    page.expect(&number.grouped());
    shop.rig.stop_server();
    let data = shop.rig.store_dir().join("server/data");
    for name in ["view.db", "view.db-wal", "view.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    shop.rig.start_server().unwrap();
    let came = wait_until(Duration::from_secs(10), || {
        page.go("/console/orders");
        page.count("#orders tbody tr") == 1
    });
    assert!(came, "{}", page.text("body"));
    page.expect_in(".totals", "￥7.00");
}
