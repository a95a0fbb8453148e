//! The wallet by itself: raw messages over real sockets, the control interface, its books after a restart.

use super::message::{self, Fields};
use super::rules::pairs;
use super::{Behaviour, Simulator, SimulatorConfig, TradeState};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn wallet() -> (Simulator, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap(), folder)
}

/// A pay call as a merchant would make it, signed the old way.
fn pay_fields(wallet: &Simulator, code: &str, number: &str) -> Fields {
    let (kit, _) = wallet.kit();
    pairs(&[
        ("appid", &kit.app_id),
        ("mch_id", &kit.merchant_id),
        ("nonce_str", "abc"),
        ("body", "Tea"),
        ("out_trade_no", number),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("auth_code", code),
    ])
}

fn signed(wallet: &Simulator, mut fields: Fields) -> Fields {
    let (kit, folder) = wallet.kit();
    let sign = message::signature(&fields, None, &kit.api_key(folder).unwrap()).unwrap();
    fields.insert("sign".into(), sign);
    fields
}

async fn send(wallet: &Simulator, path: &str, fields: &Fields) -> Fields {
    let address = format!("http://{}{path}", wallet.addresses().open);
    let reply = http().post(address).body(message::write(fields)).send().await.unwrap();
    message::read(&reply.bytes().await.unwrap()).unwrap()
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn pay(wallet: &Simulator, change: impl FnOnce(&mut Fields)) -> Fields {
    let code = wallet.issue_code(Behaviour::Pays).unwrap();
    let mut fields = pay_fields(wallet, &code, "ORDER00001");
    change(&mut fields);
    send(wallet, "/pay/micropay", &signed(wallet, fields)).await
}

#[tokio::test]
async fn a_signed_call_pays_and_the_reply_is_signed() {
    let (wallet, _folder) = wallet().await;
    let reply = pay(&wallet, |_| ()).await;
    assert_eq!(reply["result_code"], "SUCCESS", "{reply:?}");
    assert_eq!(reply["total_fee"], "100");
    let (kit, folder) = wallet.kit();
    let wanted = message::signature(&reply, None, &kit.api_key(folder).unwrap()).unwrap();
    assert_eq!(reply["sign"], wanted);
}

#[tokio::test]
async fn wrong_signatures_merchants_and_bytes_are_not_taken() {
    let (wallet, _folder) = wallet().await;
    let code = wallet.issue_code(Behaviour::Pays).unwrap();
    let good = signed(&wallet, pay_fields(&wallet, &code, "ORDER00001"));
    for (name, value) in
        [("sign", "0"), ("total_fee", "1"), ("mch_id", "1"), ("appid", "x"), ("sign_type", "X")]
    {
        let mut bad = good.clone();
        bad.insert(name.into(), value.into());
        let reply = send(&wallet, "/pay/micropay", &bad).await;
        assert_eq!(reply["return_code"], "FAIL", "{name}");
        assert!(!reply.contains_key("sign") && !reply.contains_key("result_code"));
    }
    assert_eq!(wallet.orders().unwrap(), []);
    assert_eq!(send(&wallet, "/pay/micropay", &good).await["result_code"], "SUCCESS");
}

#[tokio::test]
async fn wrong_fields_are_refused_by_name() {
    let (wallet, _folder) = wallet().await;
    let long = "9".repeat(33);
    for (name, value, word) in [
        ("body", "", "LACK_PARAMS"),
        ("spbill_create_ip", "", "LACK_PARAMS"),
        ("out_trade_no", "a b c d e", "PARAM_ERROR"),
        ("out_trade_no", &long, "PARAM_ERROR"),
        ("total_fee", "0", "PARAM_ERROR"),
        ("total_fee", "-5", "PARAM_ERROR"),
        ("total_fee", "1.00", "PARAM_ERROR"),
        ("fee_type", "USD", "PARAM_ERROR"),
        ("auth_code", "123", "AUTH_CODE_ERROR"),
        ("auth_code", "281234567890123456", "AUTH_CODE_ERROR"),
        ("auth_code", "130000000000000000", "AUTH_CODE_INVALID"),
    ] {
        let reply = pay(&wallet, |fields| {
            fields.insert(name.into(), value.into());
        })
        .await;
        assert_eq!(reply["err_code"], word, "{name}={value}");
    }
    assert_eq!(wallet.orders().unwrap(), []);
}

#[tokio::test]
async fn a_number_that_was_used_answers_with_its_own_error() {
    let (wallet, _folder) = wallet().await;
    assert_eq!(pay(&wallet, |_| ()).await["result_code"], "SUCCESS");
    assert_eq!(pay(&wallet, |_| ()).await["err_code"], "ORDERPAID");
    let other_amount = pay(&wallet, |fields| {
        fields.insert("total_fee".into(), "101".into());
    });
    assert_eq!(other_amount.await["err_code"], "INVALID_REQUEST");
    let waiting = wallet.issue_code(Behaviour::PasswordNever).unwrap();
    let fields = signed(&wallet, pay_fields(&wallet, &waiting, "ORDER00002"));
    assert_eq!(send(&wallet, "/pay/micropay", &fields).await["err_code"], "USERPAYING");
    let again = send(&wallet, "/pay/micropay", &fields).await;
    assert_eq!(again["err_code_des"], "101 每个二维码仅限使用一次，请刷新再试");
    wallet.turn_clock(45_000).unwrap();
    assert_eq!(send(&wallet, "/pay/micropay", &fields).await["err_code"], "ORDERREVERSED");
    assert_eq!(wallet.orders().unwrap().iter().map(|order| order.charged_minor).sum::<i64>(), 100);
}

#[tokio::test]
async fn taking_back_and_refunding_need_the_secure_door() {
    let (wallet, _folder) = wallet().await;
    for path in ["/secapi/pay/reverse", "/secapi/pay/refund"] {
        let address = format!("http://{}{path}", wallet.addresses().open);
        assert_eq!(http().post(address).body("<xml/>").send().await.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn official_header_names_make_a_call_misbehave() {
    let (wallet, _folder) = wallet().await;
    let code = wallet.issue_code(Behaviour::Pays).unwrap();
    let body = message::write(&signed(&wallet, pay_fields(&wallet, &code, "ORDER00001")));
    let call = http().post(format!("http://{}/pay/micropay", wallet.addresses().open));
    let reply =
        call.header("Wechatpay-Negative-Test", "MICROPAY_USERPAYING").body(body).send().await.unwrap();
    let reply = message::read(&reply.bytes().await.unwrap()).unwrap();
    assert_eq!(reply["err_code"], "USERPAYING");
}

#[tokio::test]
async fn the_books_survive_a_restart() {
    let (wallet, folder) = wallet().await;
    let unused = wallet.issue_code(Behaviour::Pays).unwrap();
    assert_eq!(pay(&wallet, |_| ()).await["result_code"], "SUCCESS");
    wallet.turn_clock(1_000).unwrap();
    let (kit, before) = (wallet.kit().0.clone(), wallet.orders().unwrap());
    drop(wallet);
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    assert_eq!(wallet.kit().0, &kit);
    assert_eq!(wallet.orders().unwrap(), before);
    assert_eq!(before[0].state, TradeState::Success);
    let late = signed(&wallet, pay_fields(&wallet, &unused, "ORDER00002"));
    assert_eq!(send(&wallet, "/pay/micropay", &late).await["result_code"], "SUCCESS");
}

async fn control(wallet: &Simulator, path: &str, body: Value) -> Value {
    let address = format!("http://{}{path}", wallet.addresses().control);
    let reply = http().post(address).body(body.to_string()).send().await.unwrap();
    serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_control_interface_issues_codes_turns_clocks_and_shows_the_truth() {
    let (wallet, _folder) = wallet().await;
    let asked = json!({ "behaviour": { "password_then_pays": { "after_ms": 5_000 } }, "balance_minor": 500 });
    let code = control(&wallet, "/codes", asked).await["code"].as_str().unwrap().to_owned();
    let fields = signed(&wallet, pay_fields(&wallet, &code, "ORDER00001"));
    assert_eq!(send(&wallet, "/pay/micropay", &fields).await["err_code"], "USERPAYING");
    control(&wallet, "/clock", json!({ "advance_ms": 5_000 })).await;
    let address = format!("http://{}/orders", wallet.addresses().control);
    let truth: Value =
        serde_json::from_slice(&http().get(address).send().await.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!(truth["orders"][0]["state"], "SUCCESS");
    assert_eq!((&truth["charged_minor"], &truth["net_minor"]), (&json!(100), &json!(100)));
    assert!(control(&wallet, "/codes", json!({ "behaviour": "no_such" })).await["error"].is_string());
}

#[tokio::test]
async fn switches_merge_and_reset() {
    let (wallet, _folder) = wallet().await;
    control(&wallet, "/switches", json!({ "next": { "pay": ["reply_lost"] }, "refund_spacing_ms": 0 })).await;
    let second = json!({ "next": { "pay": [{ "slow": { "ms": 5 } }] }, "always": { "query": "garbage" } });
    let now = control(&wallet, "/switches", second).await;
    assert_eq!(now["next"]["pay"], json!(["reply_lost", { "slow": { "ms": 5 } }]));
    assert_eq!((&now["always"]["query"], &now["refund_spacing_ms"]), (&json!("garbage"), &json!(0)));
    let now = control(&wallet, "/switches", json!({ "always": { "query": null } })).await;
    assert_eq!(now["always"], json!({}));
    let now = control(&wallet, "/switches", json!({ "reset": true })).await;
    assert_eq!((&now["next"], &now["refund_spacing_ms"]), (&json!({}), &json!(60_000)));
    assert!(control(&wallet, "/switches", json!({ "no_such": 1 })).await["error"].is_string());
}

#[tokio::test]
async fn the_phone_shows_a_code_that_can_be_charged() {
    let (wallet, _folder) = wallet().await;
    let address = format!("http://{}/", wallet.addresses().control);
    let page = http().get(address).send().await.unwrap().text().await.unwrap();
    let shown = page.split("<p id=code>").nth(1).unwrap().split("</p>").next().unwrap().replace(' ', "");
    let fields = signed(&wallet, pay_fields(&wallet, &shown, "ORDER00001"));
    assert_eq!(send(&wallet, "/pay/micropay", &fields).await["result_code"], "SUCCESS");
}

#[tokio::test]
async fn replies_now_and_then_hold_fields_that_nobody_knows() {
    let (wallet, _folder) = wallet().await;
    let mut strange = 0;
    for n in 0..20 {
        let number = format!("ORDER{n:05}");
        let reply = pay(&wallet, |fields| {
            fields.insert("out_trade_no".into(), number);
        })
        .await;
        assert_eq!(reply["result_code"], "SUCCESS");
        strange += usize::from(reply.keys().any(|name| name.starts_with("zz_")));
    }
    assert!((1..20).contains(&strange), "{strange} of 20");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_under_one_number_charge_once() {
    let (wallet, _folder) = wallet().await;
    let wallet = std::sync::Arc::new(wallet);
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let wallet = std::sync::Arc::clone(&wallet);
            tokio::spawn(async move { pay(&wallet, |_| ()).await["result_code"] == "SUCCESS" })
        })
        .collect();
    let mut successes = 0;
    for call in calls {
        successes += usize::from(call.await.unwrap());
    }
    assert_eq!(successes, 1);
    assert_eq!(wallet.orders().unwrap().iter().map(|order| order.charged_minor).sum::<i64>(), 100);
}
