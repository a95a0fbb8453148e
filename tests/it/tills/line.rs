//! The line to the server: slow, cut, half dead; and a clock that is wrong.

use super::desk::{Desk, GO_ON, STOP, seconds};
use super::relay::Relay;
use evertill_shared::business_day::business_day_of;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::AskRefund;
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::time::Duration;

async fn charged(desk: &Desk, minor: i64) {
    for _ in 0..300 {
        if desk.wallet_net().await == minor {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the wallet did not charge {minor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_an_answer_that_does_not_come_leaves_the_payment_unknown_until_it_is_known() {
    let mut relay = None;
    let mut desk = Desk::open_with(|rig| {
        let port = rig.server_url().rsplit(':').next().unwrap().parse().unwrap();
        relay.insert(Relay::to(port)).url().into()
    })
    .await;
    let relay = relay.unwrap();
    // The server stands still for five seconds between the charge and its answer.
    desk.choose_code(1);
    desk.customer(Behaviour::Slow { ms: 1_000 }).await;
    charged(&desk, 200).await;
    desk.signal_server(STOP);
    desk.sees("UNKNOWN: do not charge again", 5);
    assert!(!desk.shows("Scan a payment code") && !desk.shows("Cash"));
    tokio::time::sleep(seconds(5)).await;
    assert!(desk.shows("UNKNOWN: do not charge again"), "it was decided without knowing");
    desk.signal_server(GO_ON);
    desk.paid(30);
    assert_eq!(desk.wallet_net().await, 200);
    desk.next_sale();

    // The request arrives and is charged; the answers are lost on the way, and then the line is cut.
    desk.choose_code(2);
    desk.wait_for_number();
    relay.swallow_answers();
    desk.customer(Behaviour::Pays).await;
    charged(&desk, 200 + 550).await;
    desk.sees("UNKNOWN: do not charge again", 10);
    // The cashier scans once more, as cashiers do.
    let another = desk.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    desk.till.scan(&another).unwrap();
    desk.sees("The same scan came twice and counted once", 5);
    relay.mend();
    desk.paid(40);
    assert_eq!(desk.wallet_net().await, 200 + 550);
    desk.next_sale();
    desk.books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_whose_clock_is_a_day_off_sells_and_the_business_day_is_the_servers() {
    let mut desk = Desk::open().await;
    let yesterday: OrderNumber = desk.sell_by_code(1).await.parse().unwrap();
    desk.next_sale();
    desk.rig.restart_server_ahead(1).unwrap();
    let told = desk.sees("This till's clock is", 60);
    assert!(["23 h behind", "24 h behind"].iter().any(|off| told.contains(off)), "{told}");
    desk.sees("Online", 30);
    let by_code: OrderNumber = desk.sell_by_code(2).await.parse().unwrap();
    desk.next_sale();
    let in_cash = desk.sell_for_cash(1);
    desk.next_sale();
    // Switched on with the wrong clock, it learns the right time anew.
    desk.power_cycle();
    desk.till.wait("Scan the first item").unwrap();
    desk.sees("Online", 30);
    let again: OrderNumber = desk.sell_by_code(1).await.parse().unwrap();
    desk.next_sale();
    desk.books_agree().await;

    let zone = "Asia/Shanghai".parse().unwrap();
    let day =
        |ahead: u64| business_day_of(SystemClock.now().plus(seconds(ahead * 86_400)), &zone, 0).to_string();
    assert_eq!(business_day(&desk, yesterday.as_str()), day(0));
    for number in [by_code.as_str(), in_cash.as_str(), again.as_str()] {
        assert_eq!(business_day(&desk, number), day(1), "{number}");
    }
    // Refunds go by the server's day as well: what was sold before its midnight is yesterday's.
    let manager = desk.rig.staff("li").await.unwrap();
    let ask = |request: &str| AskRefund {
        request: request.into(),
        amount: Amount::new(100, Currency::CNY),
        reason: "brought back".into(),
    };
    let refused = manager.ask_refund(&yesterday, &ask("wrong-clock-1")).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::RefundRefused), "{refused}");
    manager.ask_refund(&by_code, &ask("wrong-clock-2")).await.unwrap();
}

fn business_day(desk: &Desk, number: &str) -> String {
    let mut found = None;
    wait_until(seconds(5), || {
        found = (0..3).find_map(|tag| {
            let connection = rusqlite::Connection::open(desk.rig.group_file(tag)).ok()?;
            let query = "SELECT business_day FROM orders WHERE number = ?1";
            connection.query_row(query, [number], |row| row.get(0)).ok()
        });
        found.is_some()
    });
    found.unwrap_or_else(|| panic!("no group has order {number}"))
}
