//! Sales that are paid by a code that the till shows and the customer scans.

use super::{Shop, net, settled, shop, shop_with};
use evertill_shared::order::OrderState;
use evertill_shared::payment::{PaymentState, Policy};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::wallet::Wallet;
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::simulator::wallet::{Behaviour, Scanned};
use evertill_tests::store_rig::{RigOptions, WalletControl};
use serde_json::json;
use std::time::Duration;

struct Counter {
    shop: Shop,
    till: ScriptedTill,
    alipay: WalletControl,
}

async fn counter() -> Counter {
    of(shop().await).await
}

async fn of(shop: Shop) -> Counter {
    let till = shop.rig.scripted_till("Till").await.unwrap();
    let alipay = shop.rig.alipay_control();
    Counter { shop, till, alipay }
}

impl Counter {
    async fn net(&self, order: &AdoptedSale) -> i64 {
        net(&self.alipay.orders().await.unwrap(), order)
    }

    /// What it is within a time in which no question can have been answered by itself.
    async fn soon(&self, order: &AdoptedSale, wanted: PaymentState, within: Duration) -> bool {
        let tries = within.as_millis() / 20;
        for _ in 0..tries {
            if self.till.payment(order.number, 1).await.is_ok_and(|view| view.state == wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

fn content(view: &PaymentView) -> String {
    assert_eq!(view.state, PaymentState::Waiting, "{view:?}");
    view.shown.as_ref().and_then(|shown| shown.content.clone()).expect("a code to show")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_code_that_is_scanned_pays_by_notification_long_before_it_would_be_asked_about() {
    let policy = RigOptions::default().policy;
    let policy = Policy { query_every_ms: 50_000, show_for_ms: 90_000, ..policy };
    let mut c = of(shop_with(RigOptions { policy, ..RigOptions::default() }).await).await;
    assert_eq!(c.till.status().await.unwrap().shows, [Wallet::Alipay]);
    let order = c.till.sell_and_choose(1280).await.unwrap();
    let code = content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    // Told three times over: the first is enough, and the others change nothing.
    c.alipay.switch(json!({ "notification_copies": 3 })).await.unwrap();
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    assert!(c.soon(&order, PaymentState::Paid, Duration::from_secs(10)).await);
    assert_eq!(c.till.order(order.number).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.net(&order).await, 1280);
    // Scanned again by the next in the queue: the wallet takes nothing, and neither does anything change here.
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::NoGood);
    assert_eq!(c.net(&order).await, 1280);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_code_is_paid_by_query_with_notifications_off() {
    let mut c = counter().await;
    c.alipay.switch(json!({ "notifications_off": true })).await.unwrap();
    let order = c.till.sell_and_choose(500).await.unwrap();
    let code = content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    assert_eq!(
        c.alipay.scan(&code, Behaviour::PasswordThenPays { after_ms: 1_200 }).await.unwrap(),
        Scanned::Waiting
    );
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
    assert_eq!(c.net(&order).await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_code_that_nobody_scans_is_closed_and_then_cash_is_taken() {
    let mut c = counter().await;
    let order = c.till.sell_and_choose(660).await.unwrap();
    let code = content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    // No second attempt beside it, by whatever means.
    let scanned = c.alipay.code(Behaviour::Pays).await.unwrap();
    let refused = c.till.pay(&order, 2, &scanned).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::WrongState));
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Reversed);
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::NoGood, "never paid later");
    let cash = c.till.take_cash(&order.sale).unwrap();
    assert_eq!(c.till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.net(&order).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_customer_who_pays_while_it_is_being_closed_has_paid_once() {
    let mut c = counter().await;
    c.alipay.switch(json!({ "notifications_off": true })).await.unwrap();
    let order = c.till.sell_and_choose(420).await.unwrap();
    let requested = c.till.request_shown(Wallet::Alipay, &order, 1).unwrap();
    let code = content(&c.till.show_under(&order, &requested).await.unwrap());
    c.alipay.scan(&code, Behaviour::SuccessAfterLastQuery).await.unwrap();
    let view = c.till.take_back(&order, &requested, 1).await.unwrap();
    assert!(view.shown.unwrap().content.is_none(), "shown to nobody any more");
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
    assert_eq!(c.till.order(order.number).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.net(&order).await, 420);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_code_that_was_scanned_and_left_is_closed_at_once_and_the_next_attempt_pays() {
    let mut c = counter().await;
    let order = c.till.sell_and_choose(420).await.unwrap();
    let requested = c.till.request_shown(Wallet::Alipay, &order, 1).unwrap();
    let code = content(&c.till.show_under(&order, &requested).await.unwrap());
    c.alipay.scan(&code, Behaviour::PasswordNever).await.unwrap();
    c.till.take_back(&order, &requested, 1).await.unwrap();
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Reversed);
    let next = content(&c.till.show(Wallet::Alipay, &order, 2).await.unwrap());
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::NoGood);
    assert_eq!(c.alipay.scan(&next, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    assert_eq!(settled(&c.till, &order, 2).await.state, PaymentState::Paid);
    assert_eq!(c.net(&order).await, 420);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_cash_beside_a_shown_code_gives_the_wallets_part_back() {
    let mut c = counter().await;
    let order = c.till.sell_and_choose(440).await.unwrap();
    let code = content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    // Our till does not allow it; one that did has the notes in its drawer all the same.
    let cash = c.till.take_cash(&order.sale).unwrap();
    assert_eq!(c.till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    settled(&c.till, &order, 1).await;
    for _ in 0..200 {
        if c.net(&order).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("paid twice: {}", c.net(&order).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn intent_first_a_server_that_dies_between_the_request_and_its_record_shows_a_code_after_all() {
    // Longer than the lease of the server that died: its code is asked for again while there is time to pay.
    let policy = Policy { show_for_ms: 60_000, ..RigOptions::default().policy };
    let mut c = of(shop_with(RigOptions { policy, ..RigOptions::default() }).await).await;
    c.alipay.switch(json!({ "next": { "create": [{ "slow": { "ms": 4_000 } }] } })).await.unwrap();
    let order = c.till.sell_and_choose(990).await.unwrap();
    let requested = c.till.request_shown(Wallet::Alipay, &order, 1).unwrap();
    let asked = tokio::time::timeout(Duration::from_millis(1_500), c.till.show_under(&order, &requested));
    assert!(asked.await.is_err(), "answered before it was slow");
    c.shop.rig.kill_server();
    c.shop.rig.start_server().unwrap();
    let mut last = None;
    for _ in 0..200 {
        let view = c.till.payment(order.number, 1).await.unwrap();
        if let Some(code) = view.shown.as_ref().and_then(|shown| shown.content.clone()) {
            assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
            assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
            return assert_eq!(c.net(&order).await, 990);
        }
        assert!(!view.state.is_final(), "ended before anybody saw a code: {view:?}");
        last = Some(view);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not shown: {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_a_lost_reply_to_the_request_for_a_code_is_asked_for_again() {
    let mut c = counter().await;
    c.alipay.switch(json!({ "next": { "create": ["reply_lost"] } })).await.unwrap();
    let order = c.till.sell_and_choose(300).await.unwrap();
    let view = c.till.show(Wallet::Alipay, &order, 1).await.unwrap();
    assert_eq!(view.state, PaymentState::Unknown);
    assert!(c.soon(&order, PaymentState::Waiting, Duration::from_secs(5)).await);
    let code = content(&c.till.payment(order.number, 1).await.unwrap());
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
    assert_eq!(c.net(&order).await, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_that_are_forged_or_about_something_else_change_nothing() {
    let mut c = counter().await;
    // Each is told anew until it is taken, by a clock that is turned; questions do not tell either.
    c.alipay.switch(json!({ "always": { "query": "reply_lost" } })).await.unwrap();
    let order = c.till.sell_and_choose(700).await.unwrap();
    let bad =
        ["bad_signature", "unsigned", "altered", "wrong_amount", "other_number", "other_merchant", "garbage"];
    c.alipay.switch(json!({ "next": { "notify": bad } })).await.unwrap();
    let code = content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    assert_eq!(c.alipay.scan(&code, Behaviour::Pays).await.unwrap(), Scanned::Paid);
    for _ in bad {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let view = c.till.payment(order.number, 1).await.unwrap();
        assert!(!view.state.is_final(), "taken in: {view:?}");
        c.alipay.turn_clock(Duration::from_secs(16 * 60 * 60)).await.unwrap();
    }
    let left = c.alipay.switches().await.unwrap()["next"]["notify"].clone();
    assert_eq!(left, json!([]), "each was told");
    c.alipay.switch(json!({ "always": { "query": null } })).await.unwrap();
    assert_eq!(settled(&c.till, &order, 1).await.state, PaymentState::Paid);
    assert_eq!(c.net(&order).await, 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_may_knock_where_wallets_tell_and_nothing_changes() {
    let mut c = counter().await;
    let order = c.till.sell_and_choose(700).await.unwrap();
    content(&c.till.show(Wallet::Alipay, &order, 1).await.unwrap());
    let root = reqwest::Certificate::from_pem(c.shop.rig.trust().root_certificates[0].as_bytes()).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let number = evertill_shared::id::ChannelNumber::new(c.till.store(), order.sale.key, 1);
    let forged = format!(
        "out_trade_no={number}&total_amount=7.00&trade_status=TRADE_SUCCESS&sign=AAAA&sign_type=RSA2"
    );
    for (wallet, body, status) in [
        ("alipay", forged, 400),
        ("alipay", String::new(), 400),
        ("alipay", "x".repeat(70_000), 413),
        ("wechat_pay", "{}".into(), 400),
        ("bank", "{}".into(), 404),
    ] {
        let url = format!("{}/v1/notifications/{wallet}", c.shop.rig.server_url());
        let answer = http.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{wallet}");
        assert_ne!(answer.text().await.unwrap(), "success");
    }
    let view = c.till.payment(order.number, 1).await.unwrap();
    assert_eq!(view.state, PaymentState::Waiting);
}
