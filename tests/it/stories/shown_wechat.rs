//! Sales that are paid by a WeChat Pay code that the till shows, by version 3 of that wallet's interface.

use super::{Shop, net, settled, shop_with};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::payment::{PaymentState, Policy};
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::wallet::Wallet;
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::simulator::wallet::{Behaviour, Scanned};
use evertill_tests::store_rig::{RigOptions, WalletControl};
use serde_json::json;
use std::time::Duration;

struct Counter {
    shop: Shop,
    till: ScriptedTill,
    wechat: WalletControl,
}

async fn counter(policy: Policy) -> Counter {
    let shop = shop_with(RigOptions { policy, wechat_v3: true, ..RigOptions::default() }).await;
    let till = shop.rig.scripted_till("Till").await.unwrap();
    assert_eq!(till.status().await.unwrap().shows, [Wallet::WeChatPay, Wallet::Alipay]);
    let wechat = shop.rig.wallet_control();
    Counter { shop, till, wechat }
}

impl Counter {
    async fn shown(&mut self, total_minor: i64) -> (AdoptedSale, String) {
        let order = self.till.sell_and_choose(total_minor).await.unwrap();
        let view = self.till.show(Wallet::WeChatPay, &order, 1).await.unwrap();
        let code = content(&view);
        assert!(code.starts_with("weixin://wxpay/bizpayurl"), "{code}");
        (order, code)
    }

    async fn net(&self, order: &AdoptedSale) -> i64 {
        net(&self.wechat.orders().await.unwrap(), order)
    }

    async fn scan(&self, code: &str, behaviour: Behaviour) -> Scanned {
        self.wechat.scan(code, behaviour).await.unwrap()
    }
}

fn content(view: &PaymentView) -> String {
    assert_eq!(view.state, PaymentState::Waiting, "{view:?}");
    view.shown.as_ref().and_then(|shown| shown.content.clone()).expect("a code to show")
}

/// Nothing is asked by itself within these stories: what is known in time was told.
fn asks_late() -> Policy {
    Policy { query_every_ms: 50_000, show_for_ms: 90_000, ..RigOptions::default().policy }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_wechat_code_pays_by_notification_and_part_of_it_goes_back() {
    let mut c = counter(asks_late()).await;
    // Copies change nothing, and one that is forged before them does not either.
    c.wechat
        .switch(json!({ "notification_copies": 3, "next": { "notify": ["bad_signature"] } }))
        .await
        .unwrap();
    let (order, code) = c.shown(1280).await;
    assert_eq!(c.scan(&code, Behaviour::Pays).await, Scanned::Paid);
    let mut view = c.till.payment(order.number, 1).await.unwrap();
    for _ in 0..500 {
        if view.state.is_final() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        view = c.till.payment(order.number, 1).await.unwrap();
    }
    assert_eq!(view.state, PaymentState::Paid, "{view:?}");
    assert_eq!(c.till.order(order.number).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.scan(&code, Behaviour::Pays).await, Scanned::NoGood);
    assert_eq!(c.net(&order).await, 1280);

    let manager = c.shop.rig.staff("li").await.unwrap();
    let amount = Amount::new(280, Currency::CNY);
    let ask = AskRefund { request: "press-0001".into(), amount, reason: "one was broken".into() };
    let refund = manager.ask_refund(&order.number, &ask).await.unwrap();
    c.till.carry_out(order.number, &refund.id, refund.amount).await.unwrap();
    let path = format!("/v1/orders/{}/refunds/{}", refund.order, refund.id);
    let mut now: Refund = c.till.client.get(&path, "").await.unwrap();
    for _ in 0..200 {
        if now.state.is_final() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        now = c.till.client.get(&path, "").await.unwrap();
    }
    assert_eq!(now.state, RefundState::Done, "{now:?}");
    assert_eq!(c.net(&order).await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_wechat_code_is_paid_by_query_when_the_notification_is_lost() {
    let mut c = counter(RigOptions::default().policy).await;
    c.wechat.switch(json!({ "next": { "notify": ["request_lost", "request_lost"] } })).await.unwrap();
    let (order, code) = c.shown(500).await;
    assert_eq!(c.scan(&code, Behaviour::PasswordThenPays { after_ms: 1_200 }).await, Scanned::Waiting);
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
    let left = c.wechat.switches().await.unwrap()["next"]["notify"].clone();
    assert_eq!(left, json!(["request_lost"]), "told once, which was lost, and not again before it was known");
    assert_eq!(c.net(&order).await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_wechat_code_that_nobody_scans_is_closed_and_then_cash_is_taken() {
    let mut c = counter(RigOptions::default().policy).await;
    let (order, code) = c.shown(660).await;
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Reversed);
    assert_eq!(c.scan(&code, Behaviour::Pays).await, Scanned::NoGood, "never paid later");
    let cash = c.till.take_cash(&order.sale).unwrap();
    assert_eq!(c.till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.net(&order).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_each_wallet_shows_its_own_code_and_only_the_second_attempt_pays() {
    let mut c = counter(RigOptions::default().policy).await;
    let (order, first) = c.shown(420).await;
    let requested = c.till.entries().last().unwrap().clone();
    c.till.take_back(&order, &requested, 1).await.unwrap();
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Reversed);
    let second = content(&c.till.show(Wallet::Alipay, &order, 2).await.unwrap());
    let alipay = c.shop.rig.alipay_control();
    assert_eq!(alipay.scan(&second, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    assert_eq!(settled(&c.till, &order, 2).await.state, PaymentState::Paid);
    assert_eq!(c.scan(&first, Behaviour::Pays).await, Scanned::NoGood);
    let both = (c.net(&order).await, net(&alipay.orders().await.unwrap(), &order));
    assert_eq!(both, (0, 420));
}
