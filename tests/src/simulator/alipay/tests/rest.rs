//! The same books by REST.

use super::*;
use evertill_shared::clock::{Clock, SystemClock};

const PAY: &str = "/v3/alipay/trade/pay";

/// A header over these, as a merchant makes it.
fn authorization(wallet: &Simulator, path: &str, body: &str, extra: &str, age_ms: i64) -> String {
    let at = SystemClock.now().0 - age_ms;
    let signed = format!("app_id={},nonce=n{at},timestamp={at}{extra}", wallet.kit().0.app_id);
    let sign =
        SigningKey::from_pem(&key("merchant")).unwrap().sign(&format!("{signed}\nPOST\n{path}\n{body}\n"));
    format!("ALIPAY-SHA256withRSA {signed},sign={sign}")
}

async fn send(
    wallet: &Simulator,
    path: &str,
    body: &str,
    authorization: String,
) -> (u16, Value, Option<String>) {
    let request = http().post(format!("http://{}{path}", wallet.addresses().gateway));
    let request = request.header("content-type", "application/json").header("authorization", authorization);
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let parts = (header("alipay-timestamp"), header("alipay-nonce"), header("alipay-signature"));
    let text = answer.text().await.unwrap();
    let signed = match parts {
        (Some(at), Some(nonce), Some(sign)) => {
            let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&key("wallet"), &PKCS_RSA_SHA256).unwrap();
            let whole = PublicKey::new(pair.der_bytes()).signed(&format!("{at}\n{nonce}\n{text}\n"), &sign);
            assert!(whole, "{text}");
            Some(sign)
        }
        _ => None,
    };
    (status, serde_json::from_str(&text).unwrap(), signed)
}

#[tokio::test]
async fn what_is_paid_by_rest_the_gateway_knows_and_errors_are_told_by_their_status() {
    let (wallet, _folder) = wallet().await;
    let body = content(&wallet, "ORDER_1", Behaviour::Pays).to_string();
    let (status, said, signed) = send(&wallet, PAY, &body, authorization(&wallet, PAY, &body, "", 0)).await;
    assert_eq!((status, &said["total_amount"], signed.is_some()), (200, &json!("1.00"), true), "{said}");
    assert!(said.get("code").is_none() && said.get("msg").is_none(), "the gateway's own words: {said}");
    let known = call(&wallet, "alipay.trade.query", &json!({ "out_trade_no": "ORDER_1" })).await;
    assert_eq!((&known["trade_status"], &known["trade_no"]), (&json!("TRADE_SUCCESS"), &said["trade_no"]));
    let body = content(&wallet, "ORDER_2", Behaviour::NoFunds).to_string();
    let (status, said, signed) = send(&wallet, PAY, &body, authorization(&wallet, PAY, &body, "", 0)).await;
    assert_eq!((status, &said["code"], signed), (400, &json!("ACQ.BUYER_BALANCE_NOT_ENOUGH"), None));
}

#[tokio::test]
async fn no_request_is_taken_whose_header_does_not_fit() {
    let (wallet, _folder) = wallet().await;
    let body = content(&wallet, "ORDER_1", Behaviour::Pays).to_string();
    let other = body.replace("1.00", "0.01");
    let good = |extra: &str, age_ms| authorization(&wallet, PAY, &body, extra, age_ms);
    for (sent, header, word) in [
        (&other, good("", 0), "invalid-signature"),
        (&body, good("", 0).replace(&wallet.kit().0.app_id, "2021000000000000"), "invalid-app-id"),
        (&body, good("", 601_000), "invalid-timestamp"),
        (&body, good("", -601_000), "invalid-timestamp"),
        (&body, good(",expired_seconds=120", 121_000), "invalid-timestamp"),
        (&body, good(",app_cert_sn=0123", 0), "invalid-cert-sn"),
        (&body, good("", 0).replace("ALIPAY-SHA256withRSA", "ALIPAY-SM2withSM3"), "missing-timestamp"),
    ] {
        let (status, said, signed) = send(&wallet, PAY, sent, header).await;
        assert_eq!((status, said["code"].as_str(), signed), (400, Some(word), None));
    }
    assert_eq!(wallet.orders().unwrap(), []);
    let (status, ..) = send(&wallet, PAY, &body, good(",expired_seconds=120", 60_000)).await;
    assert_eq!(status, 200);
}
