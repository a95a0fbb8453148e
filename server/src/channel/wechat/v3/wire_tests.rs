use super::super::testing::*;
use super::*;
use evertill_shared::id::RefundId;
use evertill_shared::secret::AuthCode;
use proptest::prelude::*;

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

fn order() -> ShownOrder {
    ShownOrder {
        number: number(1),
        amount: cny(1234),
        description: "街角小店".repeat(20),
        device: "T0001".into(),
        until: NOW,
    }
}

fn refund() -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1|2".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(34),
        reason: "broken\u{0}".into(),
    }
}

#[test]
fn an_order_for_a_code_says_all_that_the_wallet_wants() {
    let call = merchant().native(&order());
    assert_eq!((call.method, call.target.as_str()), ("POST", "/v3/pay/transactions/native"));
    let body = body(&call);
    assert_eq!(body["appid"], US.app_id);
    assert_eq!(body["mchid"], US.merchant_id);
    assert_eq!(body["out_trade_no"], number(1).as_str());
    assert_eq!(body["notify_url"], "https://pay.example.com/notify");
    assert_eq!(body["amount"], json!({ "total": 1234, "currency": "CNY" }));
    assert_eq!(body["time_expire"], "2025-11-21T12:40:00+08:00");
    assert_eq!(body["attach"], "T0001");
    let description = body["description"].as_str().unwrap();
    assert!(description.len() <= 127 && description.starts_with("街角小店"), "{description}");
    assert!(!call.is_harmless(), "the code that comes first may be dead");
}

#[test]
fn a_charge_carries_the_code_and_the_till() {
    let charge = Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(1),
        amount: cny(1),
        auth_code: AuthCode::new("130000000000000001".into()),
        description: "Shop".into(),
        device: "T0001".into(),
    };
    let call = merchant().codepay(&charge);
    assert_eq!(call.target, "/v3/pay/transactions/codepay");
    let body = body(&call);
    assert_eq!(body["payer"]["auth_code"], "130000000000000001");
    assert_eq!(body["scene_info"], json!({ "device_id": "T0001", "store_info": { "out_id": "T0001" } }));
    assert!(body.get("notify_url").is_none() && !call.is_harmless());
}

#[test]
fn questions_and_deeds_go_where_the_wallet_takes_them() {
    let merchant = merchant();
    let at = |call: Call| (call.method, call.target);
    let base = format!("/v3/pay/transactions/out-trade-no/{}", number(1));
    assert_eq!(at(merchant.query(&number(1))), ("GET", format!("{base}?mchid=1900000109")));
    assert_eq!(at(merchant.close(&number(1))), ("POST", format!("{base}/close")));
    assert!(merchant.close(&number(1)).is_harmless() && merchant.query(&number(1)).is_harmless());
    assert!(!merchant.reverse(&number(1)).is_harmless() && !merchant.refund(&refund()).is_harmless());
    assert_eq!(body(&merchant.close(&number(1))), json!({ "mchid": "1900000109" }));
    assert_eq!(at(merchant.reverse(&number(1))), ("POST", format!("{base}/reverse")));
    assert_eq!(
        body(&merchant.reverse(&number(1))),
        json!({ "appid": "wxd678efh567hg6787", "mchid": "1900000109" })
    );
    let asked = merchant.query_refund(&refund());
    assert_eq!(at(asked), ("GET", "/v3/refund/domestic/refunds/R1%7C2".into()));
    let body = body(&merchant.refund(&refund()));
    assert_eq!(body["amount"], json!({ "refund": 34, "total": 1234, "currency": "CNY" }));
    assert_eq!((&body["out_refund_no"], &body["reason"]), (&json!("R1|2"), &json!("broken")));
    let bill = merchant.bill("2026-11-20".parse().unwrap());
    assert_eq!(
        at(bill),
        ("GET", "/v3/bill/tradebill?bill_date=2026-11-20&bill_type=ALL&tar_type=GZIP".into())
    );
}

#[test]
fn a_service_provider_asks_elsewhere_and_names_the_shop_each_time() {
    let shop =
        |app: Option<&str>| SubMerchant { merchant_id: "1900000209".into(), app_id: app.map(str::to_owned) };
    let merchant = Merchant { shop: Some(shop(Some("wxshop"))), ..merchant() };
    let base = "/v3/pay/partner/transactions";
    let native = merchant.native(&order());
    assert_eq!(native.target, format!("{base}/native"));
    let said = body(&native);
    assert!(said.get("mchid").is_none() && said.get("appid").is_none());
    assert_eq!((&said["sp_appid"], &said["sp_mchid"]), (&json!(US.app_id), &json!(US.merchant_id)));
    assert_eq!((&said["sub_appid"], &said["sub_mchid"]), (&json!("wxshop"), &json!("1900000209")));
    let own = format!("{base}/out-trade-no/{}", number(1));
    let asked = merchant.query(&number(1)).target;
    assert_eq!(asked, format!("{own}?sp_mchid=1900000109&sub_mchid=1900000209"));
    let close = merchant.close(&number(1));
    assert_eq!(close.target, format!("{own}/close"));
    assert_eq!(body(&close), json!({ "sp_mchid": "1900000109", "sub_mchid": "1900000209" }));
    assert!(close.is_harmless());
    assert_eq!(merchant.reverse(&number(1)).target, format!("{own}/reverse"));
    assert_eq!(body(&merchant.refund(&refund()))["sub_mchid"], "1900000209");
    let back = merchant.query_refund(&refund()).target;
    assert_eq!(back, "/v3/refund/domestic/refunds/R1%7C2?sub_mchid=1900000209");
    let bill = merchant.bill("2026-11-20".parse().unwrap()).target;
    assert!(bill.ends_with("&tar_type=GZIP&sub_mchid=1900000209"), "{bill}");
    let plain = Merchant { shop: Some(shop(None)), ..merchant };
    assert!(body(&plain.native(&order())).get("sub_appid").is_none());
}

#[test]
fn a_reply_counts_by_its_signature_and_what_it_says() {
    let good = json!({ "trade_state": "SUCCESS" });
    assert_eq!(reply(200, &good), Ok(Reply::Good(good.clone())));
    assert_eq!(reply(204, &Value::Null), Ok(Reply::Good(Value::Null)));
    let error = json!({ "code": "ORDER_NOT_EXIST", "message": "订单不存在", "detail": { "field": "/x" } });
    let wanted = Reply::Error(ErrorCode::OrderNotExist, "ORDER_NOT_EXIST 订单不存在".into());
    assert_eq!(reply(404, &error), Ok(wanted));
    let busy = json!({ "code": "USERPAYING" });
    assert_eq!(reply(202, &busy), Ok(Reply::Error(ErrorCode::UserPaying, "USERPAYING ".into())));
    // The status is not signed: one that does not fit what was signed makes the reply unusable.
    for (status, body) in [(200, &error), (404, &good), (201, &good), (302, &good), (500, &good)] {
        assert_eq!(reply(status, body), Err(Unusable::Unreadable(status)));
    }
    assert_eq!(reply(200, &Value::Null), Err(Unusable::Unreadable(200)));
    assert_eq!(reply(200, &json!([1])), Err(Unusable::Unreadable(200)));
}

#[test]
fn a_reply_without_a_signature_proves_nothing_whatever_its_status() {
    for status in [200, 204, 400, 404, 500, 502] {
        let body = br#"{"code":"ORDER_NOT_EXIST","message":"no"}"#;
        let opened = open(status, &[], body, NOW, &trust());
        let Err(Unusable::NotAuthentic { why: NotAuthentic::Header(_), words, .. }) = opened else {
            panic!("{status}: {opened:?}");
        };
        assert!(words.contains("ORDER_NOT_EXIST"));
    }
    let page = open(502, &[], b"<html>\xff</html>", NOW, &trust());
    assert!(matches!(page, Err(Unusable::NotAuthentic { status: 502, .. })));
}

#[test]
fn a_customers_code_that_is_repeated_to_us_is_never_in_the_words() {
    const CODE: &str = "130000000000000001";
    let asked = json!({ "payer": { "auth_code": CODE }, "code": "PARAM_ERROR" });
    let told = json!({ "code": CODE, "message": format!("auth_code {CODE} expired"), "detail": CODE });
    let page = format!("<html>POST {{\"auth_code\":\"{CODE}\"}}</html>");
    for body in [asked.to_string(), told.to_string(), page, format!("\"{CODE}\""), format!("[{CODE}]")] {
        let Err(unsigned) = open(400, &[], body.as_bytes(), NOW, &trust()) else { panic!("{body}") };
        assert!(!unsigned.to_string().contains(CODE), "{unsigned}");
    }
    let Ok(Reply::Error(_, words)) = reply(400, &told) else { panic!("an authentic error") };
    assert_eq!(words, "… auth_code … expired");
}

#[test]
fn bytes_that_are_the_wallets_and_no_answer_are_unreadable() {
    for noise in [&b"\xff\xfe"[..], b"<html/>", b"{", b"{\"trade_state\":\"SUCCESS\"", b"null", b" "] {
        let headers = headers_over(noise);
        let opened = open(200, &headers, noise, NOW, &trust());
        assert_eq!(opened, Err(Unusable::Unreadable(200)), "{noise:?}");
    }
}

/// The wallet's signature over bytes that need not be text.
fn headers_over(bytes: &[u8]) -> Headers {
    match std::str::from_utf8(bytes) {
        Ok(_) => headers(PUBLIC, PUBLIC_ID, bytes, NOW),
        Err(_) => {
            use base64::Engine;
            use base64::engine::general_purpose::STANDARD;
            use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
            use rustls::pki_types::PrivatePkcs8KeyDer;
            use rustls::pki_types::pem::PemObject;
            let der = PrivatePkcs8KeyDer::from_pem_slice(PUBLIC.as_bytes()).unwrap();
            let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
            let mut all = headers(PUBLIC, PUBLIC_ID, b"", NOW);
            let text = super::super::sign::answer_text(&all[0].1, &all[1].1, bytes);
            let mut signature = vec![0; pair.public().modulus_len()];
            let random = ring::rand::SystemRandom::new();
            pair.sign(&RSA_PKCS1_SHA256, &random, &text, &mut signature).unwrap();
            all[3].1 = STANDARD.encode(signature);
            all
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_reply_makes_it_panic_and_none_counts_unsigned(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..300),
        values in proptest::collection::vec("[ -~]{0,40}", 5),
    ) {
        let names = ["timestamp", "nonce", "serial", "signature", "signature-type"];
        let headers: Headers =
            names.iter().zip(values).map(|(name, value)| (format!("wechatpay-{name}"), value)).collect();
        prop_assert!(open(status, &headers, &body, NOW, &trust()).is_err());
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        "[A-Za-z0-9_ \u{4e00}-\u{4e10}]{0,16}".prop_map(serde_json::Value::from),
    ];
    let names = prop::sample::select(vec![
        "appid",
        "mchid",
        "out_trade_no",
        "amount",
        "total",
        "currency",
        "trade_state",
        "code",
        "code_url",
        "status",
        "data",
        "download_url",
        "hash_type",
        "hash_value",
        "message",
    ]);
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Authentic, and of whatever shape.
    #[test]
    fn whatever_shape_an_authentic_answer_has_it_is_opened_without_panic(
        status in prop::sample::select(vec![200_u16, 202, 204, 400, 404, 429, 500]), said in any_json(),
    ) {
        let _ = reply(status, &said);
        for pointer in ["/code", "/amount/total", "/data/0"] {
            let _ = (text(&said, pointer), same(&said, "/out_trade_no", "E1"), same_if_there(&said, "/appid", "wx"));
        }
        let _ = (same_amount(&said, "/amount/total", cny(1234)), transaction(&said));
    }

    #[test]
    fn an_authentic_answer_that_is_no_json_is_opened_without_panic(status in 100_u16..600, body in any::<String>()) {
        let headers = headers(PUBLIC, PUBLIC_ID, body.as_bytes(), NOW);
        let _ = open(status, &headers, body.as_bytes(), NOW, &trust());
    }
}
