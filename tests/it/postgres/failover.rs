//! The primary is gone and a standby takes over: what was acknowledged is there, and what comes back from the old
//! primary is not.

use super::shop::{PATIENCE, Shop, charged_at_last, seen_at_last, shop_on_a_group};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::RefundState;
use evertill_tests::rig::postgres::{End, Fault};
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use std::time::Duration;

/// Gives part of an order back, as far as the server says that it was taken up by the till.
async fn refund(shop: &Shop, till: &mut ScriptedTill, order: &AdoptedSale, minor: i64) {
    let manager = shop.rig.staff("li").await.unwrap();
    let amount = Amount::new(minor, Currency::CNY);
    let ask = AskRefund { request: format!("return-{}", order.number), amount, reason: "too cold".into() };
    let asked = manager.ask_refund(&order.number, &ask).await.unwrap();
    till.carry_out(order.number, &asked.id, amount).await.unwrap();
}

/// Whether the server shows this refund as carried out, or further.
async fn is_refunded(till: &ScriptedTill, number: OrderNumber, minor: i64) -> bool {
    let order = seen_at_last(till, number).await;
    let mut of_amount = order.refunds.iter().filter(|refund| refund.amount.minor == minor);
    of_amount.any(|refund| !matches!(refund.state, RefundState::Reserved | RefundState::Refused))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_primary_and_what_was_not_never_comes_back() {
    let (mut shop, mut group) = shop_on_a_group("failover").await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    wallet.switch(serde_json::json!({"refund_spacing_ms": 0})).await.unwrap();
    let mut paid = Vec::new();
    for minor in [1_000, 2_000, 3_000] {
        let order = shop.sale_in(&mut till, 0, minor).await;
        let view = till.pay(&order, 1, &shop.code().await).await.unwrap();
        assert_eq!(view.state, PaymentState::Paid);
        paid.push(order);
    }
    refund(&shop, &mut till, &paid[0], 300).await;
    let open = shop.sale_in(&mut till, 0, 4_000).await;

    // Right after the last acknowledgement: nothing has had time to travel later.
    let last = shop.sale_in(&mut till, 0, 5_000).await;
    let cash = till.take_cash(&last.sale).unwrap();
    assert_eq!(till.complete(&last, cash).await.unwrap().state, OrderState::Paid);
    group.inflict(Fault::Kill).unwrap();
    let code = shop.code().await;
    let requested = till.request(&open, 1).unwrap();
    assert!(till.charge(&open, &requested, &code).await.is_err(), "a dead group took a payment");
    for minor in [110, 120, 130] {
        let order = shop.paid(&mut till, minor).await;
        assert_ne!(order.number.tag().get(), 0, "a dead group gave out a number");
    }
    let promotion = group.promote_furthest().unwrap();
    println!("{} took over after {} ms", promotion.primary, promotion.took.as_millis());

    // Nobody touches the server: it finds the new primary in its list of hosts.
    let view = charged_at_last(&till, &open, &requested, &code).await;
    assert_eq!((view.state, shop.net(&open).await), (PaymentState::Paid, Some(4_000)));
    for order in paid.iter().chain([&last]) {
        assert_eq!(seen_at_last(&till, order.number).await.state, OrderState::Paid, "{}", order.number);
    }
    assert!(is_refunded(&till, paid[0].number, 300).await, "the refund is lost");
    let after = shop.sale_in(&mut till, 0, 6_000).await;
    let view = till.pay(&after, 1, &shop.code().await).await.unwrap();
    assert_eq!(view.state, PaymentState::Paid);

    // The old primary comes up as it was, beside the new one: whoever asks it is left without an answer.
    let old = group.restart_unfenced().unwrap();
    let row = "INSERT INTO outbox (number, version, at) VALUES ('of the old primary', 1, 0)";
    let stray = old.run(row, Duration::from_secs(3)).unwrap();
    assert_eq!(stray.end, End::TimedOut, "a primary without standbys acknowledged: {stray:?}");
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'evertill'";
    group.primary().superuser().rows(ended).unwrap();
    for minor in [210, 220, 230] {
        let beside = shop.sale_in(&mut till, 0, minor).await;
        let view = till.pay(&beside, 1, &shop.code().await).await.unwrap();
        assert_eq!(view.state, PaymentState::Paid, "a server that knows better turns to the new primary");
        assert_eq!(seen_at_last(&till, beside.number).await.state, OrderState::Paid);
    }
    // A server that has just started knows nothing of before: it sees two primaries, and takes the newer one.
    shop.rig.stop_server();
    shop.rig.start_server().unwrap();
    let beside = shop.sale_in(&mut till, 0, 7_000).await;
    let view = till.pay(&beside, 1, &shop.code().await).await.unwrap();
    assert_eq!(view.state, PaymentState::Paid, "the new primary is used beside the old one");
    assert_eq!(seen_at_last(&till, beside.number).await.state, OrderState::Paid);

    group.rejoin().unwrap();
    let known = group.conninfo().login();
    let rows = known.rows("SELECT count(*) FROM outbox WHERE number = 'of the old primary'").unwrap();
    assert_eq!(rows, ["0"], "a row that nobody acknowledged came with the old primary");
    let again = shop.sale_in(&mut till, 0, 8_000).await;
    let view = till.pay(&again, 1, &shop.code().await).await.unwrap();
    assert_eq!(view.state, PaymentState::Paid);
    for (order, net) in
        [(&paid[1], 2_000), (&open, 4_000), (&after, 6_000), (&beside, 7_000), (&again, 8_000)]
    {
        assert_eq!(shop.net(order).await, Some(net), "{}", order.number);
    }
    shop.nothing_is_doubled();
    let told = tokio::time::timeout(PATIENCE, till.hand_in(0)).await.unwrap().unwrap();
    assert_eq!(told.head, till.head(), "the whole journal is at the server");
}
