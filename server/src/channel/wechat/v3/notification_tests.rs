use super::super::testing::*;
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn paid() -> Value {
    json!({
        "appid": US.app_id, "mchid": US.merchant_id, "out_trade_no": number(1).as_str(),
        "transaction_id": "4200001", "trade_type": "NATIVE", "trade_state": "SUCCESS",
        "amount": { "total": 1234, "payer_total": 1234, "currency": "CNY" }, "new_field": {},
    })
}

fn told(event: &str, content: &str) -> Vec<u8> {
    let mut resource = sealed(content, "transaction");
    resource["original_type"] = json!("transaction");
    let outside = json!({
        "id": "EV-1", "create_time": "2025-11-21T12:40:00+08:00", "resource_type": "encrypt-resource",
        "event_type": event, "summary": "支付成功", "resource": resource, "new_field": 1,
    });
    outside.to_string().into_bytes()
}

fn taken(body: &[u8]) -> Result<Notified, NotificationError> {
    let headers = headers(PLATFORM, "5A0101", body, NOW);
    open((&headers, body), &trust(), &api_key(), US, NOW)
}

#[test]
fn a_true_notification_tells_number_amount_and_transaction() {
    let told = taken(&told(PAID, &paid().to_string())).unwrap();
    assert_eq!(told, Notified { number: number(1), amount: cny(1234), transaction: "4200001".into() });
}

#[test]
fn probes_old_copies_and_unknown_keys_are_not_taken() {
    let body = told(PAID, &paid().to_string());
    let refused = |headers: Headers| {
        let opened = open((&headers, &body), &trust(), &api_key(), US, NOW);
        assert_eq!(opened, Err(NotificationError::NotAuthentic));
    };
    let mut probe = headers(PLATFORM, "5A0101", &body, NOW);
    probe[3].1 = format!("WECHATPAY/SIGNTEST/{}", probe[3].1);
    refused(probe);
    refused(headers(PLATFORM, "5A0101", &body, Timestamp(NOW.0 - 301_000)));
    refused(headers(NEXT, "5A0102", &body, NOW));
    refused(headers(NEXT, "5A0101", &body, NOW));
    refused(Headers::new());
}

#[test]
fn what_is_not_a_payment_to_us_says_nothing() {
    let unreadable = |body: &[u8]| {
        let opened = taken(body);
        assert!(matches!(opened, Err(NotificationError::Unreadable(_))), "{opened:?}");
    };
    for event in ["REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED", "", "NEW"] {
        unreadable(&told(event, &paid().to_string()));
    }
    for (pointer, value) in [
        ("/appid", json!("wx0")),
        ("/out_trade_no", json!("E1")),
        ("/mchid", json!("1900000110")),
        ("/trade_state", json!("NOTPAY")),
        ("/out_trade_no", json!(7)),
        ("/transaction_id", json!("../x")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!("1234")),
        ("/amount/currency", json!("X")),
    ] {
        let mut other = paid();
        *other.pointer_mut(pointer).unwrap() = value;
        assert_eq!(taken(&told(PAID, &other.to_string())), Err(NotificationError::Mismatch(pointer)));
    }
    for content in ["", "{", "<xml/>"] {
        unreadable(&told(PAID, content));
    }
    for content in ["[]", "null", "{}"] {
        assert_eq!(taken(&told(PAID, content)), Err(NotificationError::Mismatch("/appid")));
    }
    for body in ["", "{}", "null", "{\"event_type\":\"TRANSACTION.SUCCESS\"}", "<html>"] {
        unreadable(body.as_bytes());
    }
    let mut other = serde_json::from_slice::<Value>(&told(PAID, &paid().to_string())).unwrap();
    other["resource"]["associated_data"] = json!("refund");
    unreadable(other.to_string().as_bytes());
    other["resource_type"] = json!("plain");
    unreadable(other.to_string().as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_changed_byte_is_never_taken(at in 0_usize..2000, mask in 1_u8..) {
        let body = told(PAID, &paid().to_string());
        let headers = headers(PLATFORM, "5A0101", &body, NOW);
        let mut altered = body.clone();
        let at = at % altered.len();
        altered[at] ^= mask;
        prop_assert!(open((&headers, &altered), &trust(), &api_key(), US, NOW).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_refused_without_panic(
        body in prop::collection::vec(any::<u8>(), 0..400), values in prop::collection::vec("[ -~]{0,40}", 5),
    ) {
        let names = ["timestamp", "nonce", "serial", "signature", "signature-type"];
        let headers: Headers =
            names.iter().zip(values).map(|(name, value)| (format!("wechatpay-{name}"), value)).collect();
        prop_assert!(open((&headers, &body), &trust(), &api_key(), US, NOW).is_err());
    }

    /// Authentic outside, and anything within: in the open, and sealed.
    #[test]
    fn whatever_an_authentic_one_holds_is_taken_without_panic(
        text in any::<String>(), at in any::<prop::sample::Index>(), byte in any::<char>(),
    ) {
        prop_assert!(taken(text.as_bytes()).is_err());
        prop_assert!(taken(&told(PAID, &text)).is_err());
        let whole: Vec<char> = paid().to_string().chars().collect();
        let mut altered = whole.clone();
        altered[at.index(whole.len())] = byte;
        let altered: String = altered.into_iter().collect();
        if let Ok(said) = taken(&told(PAID, &altered)) {
            prop_assert!(altered.contains(said.number.as_str()), "{altered}");
            prop_assert!(altered.contains(&said.amount.minor.to_string()), "{altered}");
        }
    }
}
