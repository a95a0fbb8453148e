//! The wallet by itself: raw requests over real sockets, as the widely used libraries make them.

use super::message::{self, Fields, PublicKey, SigningKey};
use super::{Simulator, SimulatorConfig};
use crate::simulator::wallet::{Behaviour, Endpoint, Fault, TradeState};
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData};
use serde_json::{Value, json};
use tempfile::TempDir;

mod rest;

async fn wallet() -> (Simulator, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap(), folder)
}

fn key(name: &str) -> String {
    std::fs::read_to_string(format!("{}/data/alipay/{name}.key.pem", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn common(wallet: &Simulator, method: &str, content: &Value) -> Fields {
    let content = content.to_string();
    [
        ("app_id", wallet.kit().0.app_id.as_str()),
        ("method", method),
        ("format", "JSON"),
        ("charset", "utf-8"),
        ("sign_type", "RSA2"),
        ("timestamp", "2014-07-24 03:07:50"),
        ("version", "1.0"),
        ("notify_url", ""),
        ("biz_content", &content),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn signed(mut fields: Fields) -> Fields {
    let sign = SigningKey::from_pem(&key("merchant")).unwrap().sign(&message::signed_text(&fields));
    fields.insert("sign".into(), sign);
    fields
}

fn form(fields: &Fields) -> String {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    fields.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect::<Vec<_>>().join("&")
}

async fn post(wallet: &Simulator, fields: &Fields) -> String {
    let address = format!("http://{}/gateway.do", wallet.addresses().gateway);
    http().post(address).body(form(fields)).send().await.unwrap().text().await.unwrap()
}

/// The node of an answer whose signature over its very bytes was checked.
fn verified(text: &str) -> Value {
    let (node, sign) = text.split_once(",\"sign\":\"").unwrap_or_else(|| panic!("not signed: {text}"));
    let node = node.split_once(':').unwrap().1;
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&key("wallet"), &PKCS_RSA_SHA256).unwrap();
    assert!(PublicKey::new(pair.der_bytes()).signed(node, sign.trim_end_matches("\"}")), "{text}");
    serde_json::from_str(node).unwrap()
}

async fn call(wallet: &Simulator, method: &str, content: &Value) -> Value {
    verified(&post(wallet, &signed(common(wallet, method, content))).await)
}

fn content(wallet: &Simulator, number: &str, behaviour: Behaviour) -> Value {
    json!({
        "out_trade_no": number, "scene": "bar_code", "auth_code": wallet.issue_code(behaviour).unwrap(),
        "subject": "Tea 茶", "total_amount": "1.00",
    })
}

async fn pay(wallet: &Simulator, change: &[(&str, Value)]) -> Value {
    let mut content = content(wallet, "ORDER_1", Behaviour::Pays);
    change.iter().for_each(|(name, value)| content[*name] = value.clone());
    call(wallet, "alipay.trade.pay", &content).await
}

#[tokio::test]
async fn a_signed_call_pays_wherever_its_fields_stand() {
    let (wallet, _folder) = wallet().await;
    let address = format!("http://{}/gateway.do", wallet.addresses().gateway);
    for place in 0..3 {
        let content = content(&wallet, &format!("ORDER_{place}"), Behaviour::Pays);
        let mut fields = signed(common(&wallet, "alipay.trade.pay", &content));
        let all = form(&fields);
        let own = Fields::from([("biz_content".to_owned(), fields.remove("biz_content").unwrap())]);
        let request = match place {
            0 => http().post(&address).body(all),
            1 => http().get(format!("{address}?{all}")),
            _ => http().post(format!("{address}?{}", form(&fields))).body(form(&own)),
        };
        let node = verified(&request.send().await.unwrap().text().await.unwrap());
        assert_eq!((&node["code"], &node["total_amount"]), (&json!("10000"), &json!("1.00")), "{node}");
    }
}

#[tokio::test]
async fn wrong_signatures_apps_and_fields_are_not_taken() {
    let (wallet, _folder) = wallet().await;
    let good = common(&wallet, "alipay.trade.pay", &content(&wallet, "ORDER_1", Behaviour::Pays));
    let mut forged = signed(good.clone());
    forged.insert("biz_content".into(), good["biz_content"].replace("1.00", "0.01"));
    let word = |text: &str| {
        let all: Value = serde_json::from_str(text).unwrap();
        let node = all.as_object().unwrap().iter().find(|(name, _)| name.contains("response")).unwrap();
        (node.0.clone(), node.1["sub_code"].as_str().unwrap().to_owned())
    };
    let own = "alipay_trade_pay_response";
    let said = post(&wallet, &forged).await;
    assert_eq!(word(&said), (own.into(), "isv.invalid-signature".into()));
    assert_eq!(verified(&said)["code"], "40002");
    for (name, value, node, wanted) in [
        ("app_id", "2014", "error_response", "isv.invalid-app-id"),
        ("method", "", "error_response", "isv.missing-method"),
        ("method", "alipay.trade.give.away", "error_response", "isv.invalid-method"),
        ("sign_type", "RSA", own, "isv.invalid-signature-type"),
        ("charset", "latin1", own, "isv.invalid-charset"),
        ("version", "2.0", own, "isv.invalid-version"),
        ("timestamp", "2014-07-24T03:07:50Z", own, "isv.invalid-timestamp"),
        ("timestamp", "", own, "isv.invalid-timestamp"),
        ("app_cert_sn", "0123", own, "isv.invalid-cert-sn"),
        ("biz_content", "[]", own, "isv.invalid-parameter"),
    ] {
        let mut fields = good.clone();
        fields.insert(name.into(), value.into());
        assert_eq!(
            word(&post(&wallet, &signed(fields)).await),
            (node.into(), wanted.into()),
            "{name}={value}"
        );
    }
    let unsigned = post(&wallet, &good).await;
    assert_eq!(word(&unsigned), (own.into(), "isv.missing-signature".into()));
    assert_eq!(wallet.orders().unwrap(), []);
    assert_eq!(verified(&post(&wallet, &signed(good)).await)["code"], "10000");
}

#[tokio::test]
async fn wrong_content_is_refused_by_name() {
    let (wallet, _folder) = wallet().await;
    let long = "9".repeat(65);
    for (name, value) in [
        ("out_trade_no", ""),
        ("out_trade_no", "a b"),
        ("out_trade_no", long.as_str()),
        ("total_amount", "0"),
        ("total_amount", "1.001"),
        ("total_amount", "-1"),
        ("total_amount", "100000001"),
        ("subject", ""),
        ("subject", "a&b"),
        ("scene", "wave_code"),
        ("product_code", "QUICK_WAP_WAY"),
    ] {
        let node = pay(&wallet, &[(name, json!(value))]).await;
        let words = (node["sub_code"].as_str().unwrap(), node["sub_msg"].as_str().unwrap());
        assert!(words.0 == "ACQ.INVALID_PARAMETER" && words.1.contains(name), "{name}={value}: {node}");
    }
    for code in ["123", "130000000000000000", "280000000000000000"] {
        let node = pay(&wallet, &[("auth_code", json!(code))]).await;
        assert_eq!(node["sub_code"], "ACQ.PAYMENT_AUTH_CODE_INVALID", "{code}");
    }
    assert_eq!(wallet.orders().unwrap(), []);
}

#[tokio::test]
async fn the_bytes_that_are_signed_are_not_those_of_a_plain_rewriting() {
    let (wallet, _folder) = wallet().await;
    let fields = common(&wallet, "alipay.trade.query", &json!({ "out_trade_no": "NONE" }));
    wallet.next(Endpoint::Query, Fault::Refuse { err_code: "ACQ.A/B".into() });
    let text = post(&wallet, &signed(fields)).await;
    assert!(text.contains("ACQ.A\\/B"), "{text}");
    assert_eq!(verified(&text)["sub_code"], "ACQ.A/B");
}

#[tokio::test]
async fn refunds_are_one_per_request_number() {
    let (wallet, _folder) = wallet().await;
    assert_eq!(pay(&wallet, &[]).await["code"], "10000");
    let ask = |amount: &str, request: Option<&str>| json!({ "out_trade_no": "ORDER_1", "refund_amount": amount, "out_request_no": request });
    let refund = |content: Value| {
        let wallet = &wallet;
        async move { call(wallet, "alipay.trade.refund", &content).await }
    };
    let part_without_number = refund(ask("0.40", None)).await;
    assert_eq!(part_without_number["sub_code"], "ACQ.INVALID_PARAMETER");
    let first = refund(ask("0.40", Some("R1"))).await;
    assert_eq!((&first["fund_change"], &first["refund_fee"]), (&json!("Y"), &json!("0.40")));
    let again = refund(ask("0.40", Some("R1"))).await;
    assert_eq!((&again["fund_change"], &again["refund_fee"]), (&json!("N"), &json!("0.40")));
    assert_eq!(refund(ask("0.50", Some("R1"))).await["sub_code"], "ACQ.DISCORDANT_REPEAT_REQUEST");
    let second = refund(ask("0.60", Some("R2"))).await;
    assert_eq!(second["refund_fee"], "1.00", "all that went back");
    assert_eq!(refund(ask("0.01", Some("R3"))).await["sub_code"], "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
    let status = call(&wallet, "alipay.trade.query", &json!({ "out_trade_no": "ORDER_1" })).await;
    assert_eq!(status["trade_status"], "TRADE_CLOSED");
    let order = &wallet.orders().unwrap()[0];
    assert_eq!((order.state, order.net_minor()), (TradeState::Refund, 0));
}

#[tokio::test]
async fn the_books_survive_a_restart() {
    let (wallet, folder) = wallet().await;
    assert_eq!(pay(&wallet, &[]).await["code"], "10000");
    wallet.turn_clock(1_000).unwrap();
    let (kit, before) = (wallet.kit().0.clone(), wallet.orders().unwrap());
    drop(wallet);
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    assert_eq!((wallet.kit().0, wallet.orders().unwrap()), (&kit, before));
}

#[tokio::test]
async fn the_phone_shows_a_code_that_can_be_charged() {
    let (wallet, _folder) = wallet().await;
    let address = format!("http://{}/", wallet.addresses().control);
    let page = http().get(address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Alipay"), "{page}");
    let shown = page.split("<p id=code>").nth(1).unwrap().split("</p>").next().unwrap().replace(' ', "");
    assert_eq!(pay(&wallet, &[("auth_code", json!(shown))]).await["code"], "10000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_under_one_number_charge_once() {
    let (wallet, _folder) = wallet().await;
    let wallet = std::sync::Arc::new(wallet);
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let wallet = std::sync::Arc::clone(&wallet);
            tokio::spawn(async move { pay(&wallet, &[]).await["code"] == "10000" })
        })
        .collect();
    let mut successes = 0;
    for call in calls {
        successes += usize::from(call.await.unwrap());
    }
    assert_eq!(successes, 1);
    assert_eq!(wallet.orders().unwrap().iter().map(|order| order.charged_minor).sum::<i64>(), 100);
}
