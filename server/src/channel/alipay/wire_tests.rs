use super::super::testing::{
    self, MERCHANT, ROOT, WALLET, answer, certificates, merchant, public, signed_by,
};
use super::*;
use crate::channel::alipay::keys::WalletKey;
use evertill_shared::id::{RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::secret::AuthCode;
use md5::{Digest, Md5};
use proptest::prelude::*;

fn charge() -> Charge {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 7 };
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1),
        amount: Amount::new(8888, Currency::CNY),
        auth_code: AuthCode::new("28763443825664394".into()),
        description: "Iphone6 16G".into(),
        device: "T0001".into(),
    }
}

fn decoded(form: &str) -> BTreeMap<String, String> {
    let text = |part: &str| {
        let mut bytes = Vec::new();
        let mut rest = part.as_bytes();
        while let [first, more @ ..] = rest {
            rest = more;
            match (first, more) {
                (b'%', [high, low, after @ ..]) => {
                    bytes
                        .push(u8::from_str_radix(&format!("{}{}", *high as char, *low as char), 16).unwrap());
                    rest = after;
                }
                _ => bytes.push(*first),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    form.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (text(n), text(v))).collect()
}

fn sent(merchant: &Merchant, call: Call, content: &Value) -> BTreeMap<String, String> {
    // 2014-07-24 03:07:50 in China.
    let request = merchant.request(call, content, Timestamp(1_406_142_470_000)).unwrap();
    let (path, query) = request.path.split_once('?').unwrap();
    assert_eq!(path, "/gateway.do");
    let mut fields = decoded(query);
    fields.extend(decoded(&request.body));
    fields
}

#[test]
fn a_charge_is_asked_as_documented() {
    let charge = charge();
    let content = pay(&charge, "FACE_TO_FACE_PAYMENT");
    let fields = sent(&merchant(), Call::Pay, &content);
    for (name, value) in [
        ("app_id", "2021000000000001"),
        ("method", "alipay.trade.pay"),
        ("format", "JSON"),
        ("charset", "utf-8"),
        ("sign_type", "RSA2"),
        ("timestamp", "2014-07-24 03:07:50"),
        ("version", "1.0"),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
    assert_eq!(fields.len(), 9, "and its content and signature: {fields:?}");
    let sent: Value = serde_json::from_str(&fields["biz_content"]).unwrap();
    assert_eq!(
        sent,
        json!({
            "out_trade_no": charge.number.as_str(), "scene": "bar_code", "auth_code": "28763443825664394",
            "subject": "Iphone6 16G", "total_amount": "88.88", "product_code": "FACE_TO_FACE_PAYMENT",
            "terminal_id": "T0001", "timeout_express": "3m",
        })
    );
    assert!(charge.number.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
}

#[test]
fn the_payment_code_stands_in_no_address() {
    let request = merchant().request(Call::Pay, &pay(&charge(), "F"), Timestamp(0)).unwrap();
    assert!(!request.path.contains("28763443825664394") && request.body.contains("28763443825664394"));
}

#[test]
fn a_service_provider_shows_the_shops_token_in_each_request_and_in_no_address() {
    let provider = Merchant { shops_token: Some(SecretText::new("202601BBtoken".into())), ..merchant() };
    for (call, content) in [
        (Call::Pay, pay(&charge(), "F")),
        (Call::Query, about_nothing()),
        (Call::Bill, bill("2026-11-20".parse().unwrap())),
    ] {
        let request = provider.request(call, &content, Timestamp(0)).unwrap();
        assert!(!request.path.contains("202601BBtoken") && request.body.contains("202601BBtoken"));
        let fields = sent(&provider, call, &content);
        assert_eq!(fields["app_auth_token"], "202601BBtoken");
        let names: BTreeMap<&str, &str> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let text = signing_text(&names);
        assert!(text.contains("app_auth_token=202601BBtoken"), "signed, too: {text}");
        let key = WalletKey::read(public(MERCHANT).as_bytes()).unwrap();
        assert!(key.verifies(text.as_bytes(), &fields["sign"]));
    }
    assert!(!sent(&merchant(), Call::Query, &about_nothing()).contains_key("app_auth_token"));
}

#[test]
fn an_answer_that_names_another_seller_proves_nothing() {
    let of = |seller: &str| {
        testing::reply(Call::Query, &json!({ "code": "10000", "seller_id": seller })).map(drop)
    };
    assert_eq!((of("2088000000000001"), of("")), (Ok(()), Ok(())));
    assert_eq!(of("2088000000000002"), Err(Unusable::Mismatch("seller_id")));
}

#[test]
fn questions_cancellations_and_refunds_are_asked_as_documented() {
    let charge = charge();
    let number = charge.number.as_str();
    let back = ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("HZ01RF001".into()),
        number: charge.number.clone(),
        paid: charge.amount,
        amount: Amount::new(5, Currency::CNY),
        reason: "正常退款".into(),
    };
    for (call, method, content, wanted) in [
        (Call::Query, "alipay.trade.query", about(&charge.number), json!({ "out_trade_no": number })),
        (Call::Cancel, "alipay.trade.cancel", about(&charge.number), json!({ "out_trade_no": number })),
        (
            Call::Refund,
            "alipay.trade.refund",
            refund(&back),
            json!({ "out_trade_no": number, "refund_amount": "0.05", "out_request_no": "HZ01RF001",
                    "refund_reason": "正常退款" }),
        ),
        (
            Call::QueryRefund,
            "alipay.trade.fastpay.refund.query",
            about_refund(&back),
            json!({ "out_trade_no": number, "out_request_no": "HZ01RF001" }),
        ),
    ] {
        let fields = sent(&merchant(), call, &content);
        assert_eq!(fields["method"], method);
        assert_eq!(serde_json::from_str::<Value>(&fields["biz_content"]).unwrap(), wanted);
    }
    assert_eq!(Call::QueryRefund.node(), "alipay_trade_fastpay_refund_query_response");
}

#[test]
fn the_text_that_is_signed_is_sorted_raw_and_without_empty_fields_and_sign() {
    let fields = BTreeMap::from([
        ("version", "1.0"),
        ("sign_type", "RSA2"),
        ("sign", "no part of it"),
        ("app_auth_token", ""),
        ("biz_content", "{\"subject\":\"茶 & <x>\"}"),
        ("app_id", "2014"),
    ]);
    let wanted = "app_id=2014&biz_content={\"subject\":\"茶 & <x>\"}&sign_type=RSA2&version=1.0";
    assert_eq!(signing_text(&fields), wanted);
}

#[test]
fn a_request_carries_our_true_signature() {
    let fields = sent(&merchant(), Call::Pay, &pay(&charge(), "F"));
    let plain: BTreeMap<&str, &str> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let ours = WalletKey::read(public(MERCHANT).as_bytes()).unwrap();
    assert!(ours.verifies(signing_text(&plain).as_bytes(), &fields["sign"]));
}

#[test]
fn in_certificate_mode_the_certificates_are_named_and_choose_the_key() {
    let [app, wallet, root] = certificates();
    let trust = Trust::by_certificates(app.as_bytes(), root.as_bytes(), &[wallet.into()]).unwrap();
    let serial = hex::encode(Md5::digest("CN=Root of the tests,O=Evertill tests,C=CN65538"));
    let Trust::Certificates { app, root, wallet } = &trust else { panic!("not by certificates") };
    assert_eq!((app, &wallet[0].0), (&serial, &serial));
    let root = root.clone();
    let merchant = testing::with(trust);
    let fields = sent(&merchant, Call::Query, &about_nothing());
    assert_eq!((&fields["app_cert_sn"], &fields["alipay_root_cert_sn"]), (&serial, &root));
    let node = "{\"code\":\"10000\"}";
    let named = |serial: &str, pem| {
        let (name, sign) = (Call::Query.node(), signed_by(pem, node));
        format!("{{\"{name}\":{node},\"alipay_cert_sn\":\"{serial}\",\"sign\":\"{sign}\"}}").into_bytes()
    };
    assert!(merchant.open(Call::Query, &named(&serial, WALLET)).is_ok());
    let open = |bytes: Vec<u8>| merchant.open(Call::Query, &bytes).unwrap_err();
    assert_eq!(open(named("0123", WALLET)), Unusable::OtherCertificate, "renewed: we do not have it");
    assert_eq!(open(answer(Call::Query, node, WALLET)), Unusable::OtherCertificate, "none is named");
    assert_eq!(open(named(&serial, ROOT)), Unusable::Signature);
}

#[test]
fn keys_are_read_as_the_wallets_tools_write_them() {
    let pem = MERCHANT.as_bytes();
    let bare: String = MERCHANT.lines().filter(|line| !line.starts_with('-')).collect();
    let of = |text: &[u8]| AppKey::read(text).unwrap().sign("source").unwrap();
    assert_eq!(of(pem), of(bare.as_bytes()));
    assert_eq!(of(pem), signed_by(MERCHANT, "source"));
    for bad in ["", "hello", "AAAA", &public(WALLET)] {
        assert!(AppKey::read(bad.as_bytes()).is_err(), "{bad}");
    }
    let wrapped = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", public(WALLET));
    assert_eq!(WalletKey::read(wrapped.as_bytes()), WalletKey::read(public(WALLET).as_bytes()));
    for bad in ["", "hello", "AAAA", &bare] {
        assert!(WalletKey::read(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(!format!("{:?}", merchant()).contains("PRIVATE"));
    let [app, wallet, root] = certificates().map(String::into_bytes);
    let wrong = |app: &[u8], root: &[u8], wallet: &[u8]| {
        Trust::by_certificates(app, root, &[wallet.to_vec()]).unwrap_err().0
    };
    let marks = (wrong(b"x", &root, &wallet), wrong(&app, b"x", &wallet), wrong(&app, &root, b"x"));
    assert_eq!(marks, (0, 1, 2), "each wrong file is named");
}

#[test]
fn only_an_answer_with_a_true_signature_over_its_own_bytes_counts() {
    let node = "{\"code\":\"10000\", \"msg\":\"Success\",\"url\":\"a\\/b\"}";
    let good = answer(Call::Pay, node, WALLET);
    let text = String::from_utf8(good.clone()).unwrap();
    let open = |bytes: &[u8]| merchant().open(Call::Pay, bytes).map(|reply| reply.code);
    assert_eq!(open(&good), Ok(Code::Success));
    // The same object, written anew: other bytes.
    let anew: Value = serde_json::from_str(node).unwrap();
    assert_eq!(open(text.replace(node, &anew.to_string()).as_bytes()), Err(Unusable::Signature));
    assert_eq!(open(text.replace("10000", "10003").as_bytes()), Err(Unusable::Signature));
    assert_eq!(open(&answer(Call::Pay, node, ROOT)), Err(Unusable::Signature), "by a stranger");
    assert_eq!(
        open(text.replace("\"sign\"", "\"sing\"").as_bytes()),
        Err(Unusable::Unsigned("10000".into()))
    );
    let (before, sign) = text.split_once("\"sign\":\"").unwrap();
    for forged in ["", "AAAA", "***", &sign[1..sign.len() - 2]] {
        let body = format!("{before}\"sign\":\"{forged}\"}}");
        assert_eq!(open(body.as_bytes()), Err(Unusable::Signature), "{forged}");
    }
    let elsewhere = merchant().open(Call::Query, &good).unwrap_err();
    assert_eq!(elsewhere, Unusable::Unreadable(Unreadable::Node), "the answer to another call");
    for half in [0, 1, good.len() / 2, good.len() - 1] {
        assert!(open(&good[..half]).is_err(), "half an answer: {half} bytes");
    }
    assert!(open(b"<html><body>502 Bad Gateway</body></html>").is_err());
}

/// A true answer with the wallet's key of that day, as its own library for Node is tried with it; and where the signed bytes
/// begin and end there, however the answer is written around them.
#[test]
fn the_published_answer_of_alipay_sdk_is_the_wallets_over_the_bytes_that_it_says() {
    const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk7LzhmMa2c4qQd4fqAqenfbuFoA7stPKvoS1LrZEsVnOOGUUjwoa1oU9xsSP\
        jcOWhIerU/VAN4J95GIAXx59ipcleIyfLn2FhHXPgLJpvo+b2jJFyn/1/DbeJDh+0yDVAOf50Z7HhI0mdUhFMkXlT7BU0ZMtJf/TmISF\
        EfhDU/w6qFd6D42L97byAkq0K6LroglSVF24GqJEa7hSeUIkZWj7RasykXrc2uVJ1+ejkXE0LyPxa2AHykMGbJLf5SiZvaNzUZgnKIR3\
        6mLOHpQ/2JCXxhXZYUWHzy0kMH54JcUEeksFWBYLGvLjV1phbcUIc3Q76tIuqApY6E222OoZZQIDAQAB";
    const NODE: &str =
        "{\"code\":\"10000\",\"msg\":\"Success\",\"file_id\":\"CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr\"}";
    const SIGN: &str = "F+LDzpTNiavn7xVZPGuPCSSVRSmWzJGgtuji6tVELGEaqMaNj0jRKXUEr5nloZJBBmwEnddOyCjjepMmrTKTvoOqQ0E\
        fxpr/R1iEeHTHVbb/Q8TTh6Up5gHJDkILdaWS2q1cWeQ6VT+HQY9P3WRXS7uhILHuDODIhpAyCu5KhWGt0rMCIG+Im6NODJP2oohtSCtmTFXg\
        58HH587Z2y2bdbjzOxLvzD9IrU1imghXQ2S/Q+wMIvRk9on6cWnBLkrNvJKapA2ReNGWOwyuASvB9zDVzhMPbR+3mfRGkVDxsq5HYLjBKGskJ\
        MXHw0HuugZij6ScRuaLPODhmHwr/pJ9yw==";
    const NAME: &str = "alipay_open_file_upload_response";
    let key = WalletKey::read(KEY.as_bytes()).unwrap();
    let close = format!("{{\"{NAME}\":{NODE},\"sign\":\"{SIGN}\"}}");
    let apart = format!("{{\"{NAME}\"\n        :\n        {NODE},\n\n          \"sign\"  :  \"{SIGN}\"}}");
    for text in [&close, &apart] {
        let envelope = node::open(text.as_bytes(), NAME).unwrap();
        assert_eq!(envelope.node, NODE);
        assert!(key.verifies(envelope.node.as_bytes(), &envelope.sign.unwrap()));
    }
    let forged = close.replace("AQBr", "AQBs");
    let envelope = node::open(forged.as_bytes(), NAME).unwrap();
    assert!(!key.verifies(envelope.node.as_bytes(), &envelope.sign.unwrap()));
    // A field of the business's that is called "sign" is not the signature.
    let inside = "{\"code\":\"10000\",\"sign\":\"xxx\",\"msg\":\"Success\"}";
    let text = format!("{{\"{NAME}\"\n        :\n        {inside},\n\n          \"sign\"  :  \"{SIGN}\"}}");
    let envelope = node::open(text.as_bytes(), NAME).unwrap();
    assert_eq!((envelope.node, envelope.sign.as_deref()), (inside, Some(SIGN)));
}

#[test]
fn an_error_of_the_gateway_says_what_is_wrong_and_proves_nothing_unsigned() {
    let node = json!({ "code": "40002", "sub_code": "isv.invalid-signature", "sub_msg": "验签出错" });
    let body = json!({ "error_response": node }).to_string();
    let error = merchant().open(Call::Pay, body.as_bytes()).unwrap_err();
    assert_eq!(error, Unusable::Unsigned("40002 isv.invalid-signature 验签出错".into()));
}

#[test]
fn amounts_are_yuan_on_the_wire_and_fen_here() {
    let cny = |minor| Amount::new(minor, Currency::CNY);
    for (minor, text) in
        [(1, "0.01"), (10, "0.10"), (100, "1.00"), (8888, "88.88"), (10_000_000_000, "100000000.00")]
    {
        assert_eq!(yuan(cny(minor)), text);
        assert_eq!(from_yuan(text), Some(cny(minor)));
    }
    for (text, minor) in [("88.8", 8880), ("88", 8800), ("0", 0), ("0.0", 0), ("007.10", 710)] {
        assert_eq!(from_yuan(text), Some(cny(minor)), "{text}");
    }
    for bad in [
        "",
        ".",
        "1.",
        ".5",
        "1.234",
        "-1.00",
        "+1.00",
        "1e2",
        "1,00",
        " 1.00",
        "1.0 ",
        "１.00",
        "NaN",
        "92233720368547758.08",
    ] {
        assert_eq!(from_yuan(bad), None, "{bad}");
    }
}

#[test]
fn what_the_customer_sees_is_within_what_the_wallet_takes() {
    assert_eq!(subject("茶/咖啡 & =\n"), "茶咖啡  ");
    assert_eq!(subject("&/="), "-");
    assert_eq!(subject(&"茶".repeat(200)).len(), 255);
}

proptest! {
    #[test]
    fn an_amount_survives_the_wire_exactly(minor in 0..=i64::MAX) {
        let amount = Amount::new(minor, Currency::CNY);
        prop_assert_eq!(from_yuan(&yuan(amount)), Some(amount));
    }

    #[test]
    fn no_text_is_read_as_an_amount_that_it_does_not_say(text in "[0-9.+e-]{0,12}") {
        if let Some(amount) = from_yuan(&text) {
            let (whole, part) = text.split_once('.').unwrap_or((text.as_str(), "0"));
            let fen: i64 = format!("{whole}{part:0<2}").parse().unwrap();
            prop_assert_eq!(amount.minor, fen);
        }
    }

    #[test]
    fn no_altered_byte_goes_unnoticed(at in 0_usize..200, mask in 1_u8..=255) {
        let node = "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"6823789339978248\",\"total_amount\":\"120.88\"}";
        let mut body = answer(Call::Query, node, WALLET);
        let start = Call::Query.node().len() + 4;
        let at = start + at % node.len();
        body[at] ^= mask;
        prop_assert!(merchant().open(Call::Query, &body).is_err());
    }

    #[test]
    fn any_form_is_read_back(value in any::<String>()) {
        let text = form(&BTreeMap::from([("a", value.as_str()), ("b", "1")]));
        prop_assert!(text.is_ascii());
        prop_assert_eq!(&decoded(&text)["a"], &value);
    }
}

proptest! {
    #[test]
    fn no_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(merchant().open(Call::Query, &bytes).is_err());
    }

    /// A true answer with one byte altered anywhere, the signature's and what is around it included.
    #[test]
    fn an_altered_answer_is_opened_without_panic_and_says_nothing_else(
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let node = "{\"code\":\"10000\",\"out_trade_no\":\"6823789339978248\",\"total_amount\":\"120.88\"}";
        let whole = answer(Call::Query, node, WALLET);
        let mut altered = whole.clone();
        altered[at.index(whole.len())] = byte;
        if let Ok(opened) = merchant().open(Call::Query, &altered) {
            prop_assert_eq!(opened.get("out_trade_no"), Some("6823789339978248"));
            prop_assert_eq!(opened.get("total_amount"), Some("120.88"));
        }
    }

    /// Truly signed, and anything at all in the place of its object.
    #[test]
    fn whatever_is_signed_is_opened_without_panic(
        node in "(\\{|\\}|\\[|\\]|\"code\"|\"10000\"|\"sub_code\"|:|,|\"|1|-|null| ){0,12}", any in any::<String>(),
    ) {
        for node in [node, any] {
            let _ = merchant().open(Call::Pay, &answer(Call::Pay, &node, WALLET));
        }
    }
}
