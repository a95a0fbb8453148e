//! Sales that are paid with Alipay, through the whole shop.

use super::{is_paid, net, settled, shop};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::wallet::Wallet;
use evertill_tests::simulator::wallet::Behaviour;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_alipay_code_pays_at_alipay_and_the_other_wallet_hears_nothing_of_it() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let (alipay, wechat) = (shop.rig.alipay_control(), shop.rig.wallet_control());
    assert_eq!(till.status().await.unwrap().wallets, Wallet::ALL);
    let order = till.sell_and_choose(1280).await.unwrap();
    let code = alipay.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 1, &code).await.unwrap()));
    assert_eq!(till.order(order.number).await.unwrap().state, OrderState::Paid);
    assert_eq!(net(&alipay.orders().await.unwrap(), &order), 1280);
    assert_eq!(net(&wechat.orders().await.unwrap(), &order), 0);
    // A code of the other wallet's pays there, side by side.
    let other = till.sell_and_choose(300).await.unwrap();
    let code = wechat.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&other, 1, &code).await.unwrap()));
    assert_eq!(net(&wechat.orders().await.unwrap(), &other), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_alipay_is_asked_until_it_is_known() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let alipay = shop.rig.alipay_control();
    let mut waiting = Vec::new();
    for (behaviour, end) in [
        (Behaviour::ReplyLost, PaymentState::Paid),
        (Behaviour::Unavailable, PaymentState::Paid),
        (Behaviour::BadSignature, PaymentState::Paid),
        (Behaviour::PasswordThenPays { after_ms: 1_500 }, PaymentState::Paid),
        (Behaviour::PasswordNever, PaymentState::Reversed),
        (Behaviour::SuccessAfterLastQuery, PaymentState::Reversed),
        (Behaviour::RequestLost, PaymentState::Reversed),
    ] {
        let order = till.sell_and_choose(500).await.unwrap();
        let code = alipay.code(behaviour).await.unwrap();
        let view = till.pay(&order, 1, &code).await.unwrap();
        assert!(!view.state.surely_not_charged(), "guessed: {view:?}");
        waiting.push((order, behaviour, end));
    }
    for (order, behaviour, end) in waiting {
        assert_eq!(settled(&till, &order, 1).await.state, end, "{behaviour:?}");
        let wanted = if end == PaymentState::Paid { 500 } else { 0 };
        assert_eq!(net(&alipay.orders().await.unwrap(), &order), wanted, "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_money_at_alipay_pays_with_the_other_wallet() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let (alipay, wechat) = (shop.rig.alipay_control(), shop.rig.wallet_control());
    let order = till.sell_and_choose(500).await.unwrap();
    let poor = alipay.code(Behaviour::NoFunds).await.unwrap();
    let view = till.pay(&order, 1, &poor).await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::NotEnoughFunds)));
    let rich = wechat.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 2, &rich).await.unwrap()));
    assert_eq!(net(&alipay.orders().await.unwrap(), &order), 0);
    assert_eq!(net(&wechat.orders().await.unwrap(), &order), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_a_dead_alipay_stops_no_other_payment() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let (alipay, wechat) = (shop.rig.alipay_control(), shop.rig.wallet_control());
    alipay
        .switch(json!({ "always": { "pay": { "slow": { "ms": 20_000 } }, "query": "reply_lost" } }))
        .await
        .unwrap();
    let stuck = till.sell_and_choose(100).await.unwrap();
    let code = alipay.code(Behaviour::Pays).await.unwrap();
    let view = till.pay(&stuck, 1, &code).await.unwrap();
    assert!(!view.state.is_final(), "{view:?}");
    let order = till.sell_and_choose(200).await.unwrap();
    let code = wechat.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 1, &code).await.unwrap()));
    alipay.switch(json!({ "reset": true })).await.unwrap();
    let end = settled(&till, &stuck, 1).await.state;
    let wanted = if end == PaymentState::Paid { 100 } else { 0 };
    assert_eq!(net(&alipay.orders().await.unwrap(), &stuck), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_go_back_through_alipay_once_whatever_is_said_of_them() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let alipay = shop.rig.alipay_control();
    let order = till.sell_and_choose(1000).await.unwrap();
    let code = alipay.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 1, &code).await.unwrap()));
    let manager = shop.rig.staff("li").await.unwrap();
    for (press, minor, fault, left) in
        [("press-0001", 300, json!([]), 700), ("press-0002", 700, json!(["reply_lost"]), 0)]
    {
        alipay.switch(json!({ "next": { "refund": fault } })).await.unwrap();
        let amount = Amount::new(minor, Currency::CNY);
        let ask = AskRefund { request: press.into(), amount, reason: "brought back".into() };
        let asked = manager.ask_refund(&order.number, &ask).await.unwrap();
        till.carry_out(order.number, &asked.id, amount).await.unwrap();
        let path = format!("/v1/orders/{}/refunds/{}", order.number, asked.id);
        let mut state = RefundState::Reserved;
        for _ in 0..200 {
            state = till.client.get::<Refund>(&path, "").await.unwrap().state;
            if state.is_final() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(state, RefundState::Done, "{press}");
        assert_eq!(net(&alipay.orders().await.unwrap(), &order), left);
    }
}
