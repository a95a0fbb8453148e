//! A code on the till's own screen: read off it as a phone's camera does, and paid.

use super::desk::Desk;
use evertill_shared::journal::Body;
use evertill_shared::payment::Policy;
use evertill_tests::simulator::wallet::{Behaviour, Scanned};
use evertill_tests::store_rig::RigOptions;

/// Codes that live long enough for a program to start meanwhile.
fn patient() -> RigOptions {
    let policy = Policy { show_for_ms: 60_000, ..RigOptions::default().policy };
    RigOptions { policy, ..RigOptions::default() }
}

fn show(desk: &mut Desk, goods: usize) -> String {
    desk.choose_code(goods);
    desk.tap("Show Alipay code");
    desk.sees("Ask the customer to scan this code", 15);
    desk.code_on_screen().expect("a code that can be read")
}

async fn alipay_net(desk: &Desk) -> i64 {
    desk.rig.alipay_control().orders().await.unwrap().iter().map(|order| order.net_minor()).sum()
}

fn requests(desk: &Desk) -> usize {
    desk.entries().iter().filter(|entry| matches!(entry.body, Body::PaymentRequested { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_on_the_screen_is_scanned_and_paid_also_when_the_till_was_killed_over_it() {
    let mut desk = Desk::open_for(patient()).await;
    let alipay = desk.rig.alipay_control();
    let code = show(&mut desk, 1);
    assert_eq!(alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    desk.paid(20);
    assert_eq!(alipay_net(&desk).await, 200);
    desk.next_sale();

    let before = show(&mut desk, 2);
    desk.power_cycle();
    desk.sees("Ask the customer to scan this code", 30);
    let after = desk.code_on_screen().expect("a code that can be read");
    assert_eq!(after, before, "where it was");
    assert_eq!(alipay.scan(&after, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    desk.paid(20);
    assert_eq!((alipay_net(&desk).await, requests(&desk)), (750, 2));
    desk.sees("All sales sent", 60);
    assert_eq!(desk.booked().iter().map(|order| order.paid_minor).sum::<i64>(), 750);
    assert_eq!(desk.originals().values().copied().max(), Some(1), "one receipt each");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_cancelled_code_is_off_the_screen_and_cash_is_taken_when_it_is_surely_over() {
    let mut desk = Desk::open().await;
    let alipay = desk.rig.alipay_control();
    let code = show(&mut desk, 1);
    desk.tap("Cancel the code");
    desk.sees("The code is being closed", 10);
    assert_eq!(desk.code_on_screen(), None);
    assert!(!desk.shows("Cash"), "another tender, while it may be paid");
    desk.sees("Taken back: the customer was not charged", 60);
    assert_eq!(alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::NoGood);
    desk.tap("Cash");
    desk.take_cash().unwrap();
    assert_eq!(alipay_net(&desk).await, 0);
}
