//! Fingers and scanners that do everything twice.

use super::desk::{Desk, GOODS, SCAN_PROMPT, seconds};
use evertill_shared::journal::Body;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::AskRefund;
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::time::Duration;

/// Both touches before the till did anything; a nervous finger; a slow one.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(40), Duration::from_millis(250)];

fn count(desk: &Desk, is_it: impl Fn(&Body) -> bool) -> usize {
    desk.entries().iter().filter(|entry| is_it(&entry.body)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pressed_twice_happens_once() {
    let mut desk = Desk::open().await;
    for (done, pause) in PAUSES.into_iter().enumerate() {
        desk.goods(2);
        desk.till.tap_twice("Cash", pause).unwrap();
        desk.till.wait("Confirm cash").unwrap();
        assert!(!desk.till.is_enabled("Confirm cash").unwrap(), "the second touch typed an amount");
        let exact = desk.exact_amount().unwrap();
        desk.tap(&exact);
        assert!(wait_until(seconds(3), || desk.till.is_enabled("Confirm cash").unwrap()));
        desk.till.tap_twice("Confirm cash", pause).unwrap();
        desk.till.wait("Next sale").unwrap_or_else(|error| {
            panic!("pause {pause:?}: the page with the change is gone before anyone could read it: {error}")
        });
        desk.sees("Change ¥", 1);
        assert_eq!(count(&desk, |body| matches!(body, Body::CashTaken { .. })), done + 1);
        assert!(desk.till.printer.wait_for_receipts(done + 1, seconds(15)));
        // The button wakes up when nobody's finger can still be on the way from the page before.
        assert!(wait_until(seconds(3), || desk.till.is_enabled("Next sale").unwrap()));
        desk.till.tap_twice("Next sale", pause).unwrap();
        desk.till.wait("Scan the first item").unwrap();
    }
    assert_eq!(desk.till.printer.pulses().len(), PAUSES.len(), "the drawer");
    assert_eq!(desk.till.printer.receipts().len(), PAUSES.len(), "receipts");

    for pause in PAUSES {
        desk.goods(1);
        desk.till.tap_twice("Payment code", pause).unwrap();
        desk.till.wait(SCAN_PROMPT).unwrap();
        // The scanner reads the code on the phone twice before it is moved away.
        let code = desk.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
        desk.till.scanner.scan_all(&[&code, &code]).unwrap();
        desk.paid(20);
        desk.next_sale();
    }
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 2 * PAUSES.len());
    assert_eq!(count(&desk, |body| matches!(body, Body::Sale(_))), 2 * PAUSES.len());
    assert_eq!(count(&desk, |body| matches!(body, Body::PaymentRequested { .. })), PAUSES.len());
    assert_eq!(desk.wallet_net().await, 600);
    assert!(desk.originals().values().all(|count| *count == 1), "{:?}", desk.originals());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_scanned_again_after_it_paid_changes_nothing_on_screen() {
    let mut desk = Desk::open().await;
    desk.choose_code(1);
    let code = desk.customer(Behaviour::Pays).await;
    let order = desk.paid(20);
    desk.till.scan(&code).unwrap();
    desk.sees("The same scan came twice and counted once", 5);
    assert_eq!(desk.paid(1), order, "the page that says paid must stay");
    // Goods of the next customer begin the next sale at once.
    desk.till.scan(GOODS[0]).unwrap();
    desk.till.wait("1 item").unwrap();
    assert_eq!(desk.wallet_net().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_carried_out_twice_moves_money_once() {
    let mut desk = Desk::open().await;
    let by_code: OrderNumber = desk.sell_by_code(3).await.parse().unwrap();
    desk.next_sale();
    let in_cash: OrderNumber = desk.sell_for_cash(2).parse().unwrap();
    desk.next_sale();
    desk.sees("All sales sent", 20);
    let manager = desk.rig.staff("li").await.unwrap();
    desk.rig.wallet_control().switch(serde_json::json!({"refund_spacing_ms": 0})).await.unwrap();
    assert!(desk.till.printer.wait_for_receipts(2, seconds(15)));
    let pulses = desk.till.printer.pulses().len();
    let orders = [(by_code, 200), (in_cash, 300), (by_code, 150)];
    for (done, (pause, (order, minor))) in PAUSES.into_iter().zip(orders).enumerate() {
        let ask = AskRefund {
            request: format!("pressed-twice-{done}"),
            amount: Amount::new(minor, Currency::CNY),
            reason: "brought back".into(),
        };
        // Asked for twice as well: the manager's browser repeats what it sent.
        let refund = manager.ask_refund(&order, &ask).await.unwrap();
        assert_eq!(manager.ask_refund(&order, &ask).await.unwrap().id, refund.id);
        desk.till.open_page("Refunds", "Refunds at this till").unwrap();
        let button = desk.sees("Carry out the refund of order", 20);
        // In a list that scrolls, a touch must rest a moment to be one.
        desk.till.tap_twice(&button, pause.max(Duration::from_millis(40))).unwrap();
        let yes = desk.sees("Yes, refund", 10);
        desk.till.tap_twice(&yes, pause).unwrap();
        assert!(desk.till.printer.wait_for_receipts(3 + done, seconds(30)), "no receipt of refund {done}");
        desk.sees("Refunded", 10);
        desk.tap("Back");
        assert_eq!(count(&desk, |body| matches!(body, Body::RefundCarriedOut { .. })), done + 1);
    }
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(desk.till.printer.receipts().len(), 2 + 3, "receipts");
    assert_eq!(desk.till.printer.pulses().len(), pulses + 1, "the drawer opens for the cash refund alone");
    assert_eq!(desk.wallet_net().await, 850 - 350);
    let refunded: i64 = desk.booked().iter().map(|order| order.refunded_minor).sum();
    assert_eq!(refunded, 650);
    desk.books_agree().await;
}
