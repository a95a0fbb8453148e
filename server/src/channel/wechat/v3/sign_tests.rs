use super::super::testing::*;
use super::*;
use proptest::prelude::*;

/// A certificate with its key's signatures, as published with the wallet's own library for tests.
const PUBLISHED: &str = "-----BEGIN CERTIFICATE-----
MIIDVzCCAj+gAwIBAgIJANfOWdH1ItcBMA0GCSqGSIb3DQEBCwUAMEIxCzAJBgNV
BAYTAlhYMRUwEwYDVQQHDAxEZWZhdWx0IENpdHkxHDAaBgNVBAoME0RlZmF1bHQg
Q29tcGFueSBMdGQwHhcNMjEwNDI3MDg1NTIzWhcNMzEwNDI1MDg1NTIzWjBCMQsw
CQYDVQQGEwJYWDEVMBMGA1UEBwwMRGVmYXVsdCBDaXR5MRwwGgYDVQQKDBNEZWZh
dWx0IENvbXBhbnkgTHRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXag
HQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOm
DeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B83
4uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGf
y8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtk
aSef4FdEEgEXJiw0VAJT8wIDAQABo1AwTjAdBgNVHQ4EFgQUT1c7nd/SUO76HSoZ
umNUJv1R5PwwHwYDVR0jBBgwFoAUT1c7nd/SUO76HSoZumNUJv1R5PwwDAYDVR0T
BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfTjxKRQMzNB/U6ZoCUS+BSNfa2Oh
0plMN6ZuzwiVVZwg1jywvv5yv04koS7Pd4i9E4gt9ZBUQXlpq+A3oOCEEHNRR6b2
kyazGRM7s0OP5X21WrbpSmKmU6K7hkfx30yYs08LVs/Q8DIhvaj1FCFeJzUCzYn/
fHMq4tsbKO0dKAeydPM/nrUZBmaYQVKMVOORGLFjFKVO7JV6Kq/R86ouhjEPgJOe
2xulNBUcjicqtZlBdEh/PWCYP2SpGVDclKm8jeo175T3EVAkdKzzmfpxtMmnMlmq
cTJOU9TxuGvNASMtjj7pYIerTx+xgZDXEVBWFW9PjJ0TV06tCRsgSHItgg==
-----END CERTIFICATE-----";

fn published() -> KnownKey {
    super::super::certificates::read(PUBLISHED.as_bytes()).unwrap()
}

#[test]
fn the_published_signature_of_the_word_source_verifies() {
    let signature = "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6p\
                     HU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMz\
                     oZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/\
                     RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg==";
    assert!(published().key.verifies(b"source", signature));
    assert!(!published().key.verifies(b"Source", signature));
}

#[test]
fn the_published_notification_verifies_at_its_own_time_and_not_altered() {
    let body = "{\"id\":\"3119dfba-e649-5eec-ab1e-3412bc4d2e17\",\"create_time\":\"2021-06-24T16:37:26+08:00\",\
                \"resource_type\":\"encrypt-resource\",\"event_type\":\"PAYSCORE.USER_OPEN_SERVICE\",\
                \"summary\":\"签约成功\",\"resource\":{\"original_type\":\"payscore\",\
                \"algorithm\":\"AEAD_AES_256_GCM\",\"ciphertext\":\"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQr\
                Rw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNeb\
                thah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54P\
                XpnQ==\",\"associated_data\":\"payscore\",\"nonce\":\"Kj7QIyUiYx1q\"}}";
    let signature = "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZ\
                     TOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxEL\
                     LwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKK\
                     gYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q==";
    let headers: Headers = [
        ("wechatpay-nonce", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"),
        ("wechatpay-timestamp", "1624523846"),
        ("wechatpay-serial", "D7CE59D1F522D701"),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", SCHEME),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let trust = Trust(vec![published()]);
    let verify = |body: &str, now| trust.verify(&headers, body.as_bytes(), Timestamp::from_unix_seconds(now));
    assert_eq!(verify(body, 1_624_523_846), Ok(()));
    assert_eq!(verify(&body.replace("成功", "失败"), 1_624_523_846), Err(NotAuthentic::Signature));
    assert!(matches!(verify(body, 1_624_523_846 + 301), Err(NotAuthentic::Stale(_))));
    // The published certificate ends on 2031-04-25: after that it is not in force.
    assert!(trust.key("D7CE59D1F522D701", Timestamp::from_unix_seconds(1_936_000_000)).is_none());
}

#[test]
fn the_documented_texts_come_out() {
    let text = request_text("GET", "/v3/certificates", 1_554_208_460, "593BEC0C930BF1AFEB40B4A08C8FB242", "");
    assert_eq!(text, "GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n");
    // What the wallet's Go library is tried with (`wechat_pay_credential_test.go`, `validator_test.go`).
    let text = |method, body| request_text(method, "/v3/certificates", 1_624_523_846, "A1B2C3D4E5F6G7", body);
    assert_eq!(text("GET", ""), "GET\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\n\n");
    let with_body = text("POST", "Hello World!\n");
    assert_eq!(with_body, "POST\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\nHello World!\n\n");
    let answer = answer_text("1624523846", "NONCE1234567890", b"BODY");
    assert_eq!(answer, b"1624523846\nNONCE1234567890\nBODY\n");
    assert_eq!(answer_text("1554208460", "c5ac", b"{}"), b"1554208460\nc5ac\n{}\n");
    assert_eq!(answer_text("1554208460", "c5ac", b""), b"1554208460\nc5ac\n\n", "an answer with status 204");
}

#[test]
fn a_request_carries_what_was_signed() {
    let signer = merchant().signer;
    let call = ("POST", "/v3/pay/transactions/native", "{\"a\":1}");
    let header = signer.authorization(call, NOW, "593BEC0C930BF1AFEB40B4A08C8FB242").unwrap();
    let rest = header.strip_prefix("WECHATPAY2-SHA256-RSA2048 ").unwrap();
    let field = |name: &str| {
        let from = rest.split(',').find_map(|part| part.strip_prefix(&format!("{name}=\"")));
        from.and_then(|value| value.strip_suffix('"')).unwrap().to_owned()
    };
    assert_eq!((field("mchid"), field("timestamp")), ("1900000109".into(), "1763700000".into()));
    assert_eq!(field("serial_no"), "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB");
    let text = request_text(call.0, call.1, 1_763_700_000, &field("nonce_str"), call.2);
    let key = known(MERCHANT, 9).key;
    assert!(key.verifies(text.as_bytes(), &field("signature")));
    assert!(!key.verifies(text.replace('1', "2").as_bytes(), &field("signature")));
}

const BODY: &[u8] = br#"{"code_url":"weixin://wxpay/bizpayurl?pr=x"}"#;

fn with(name: &str, value: &str) -> Headers {
    let mut headers = headers(PUBLIC, PUBLIC_ID, BODY, NOW);
    headers.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| *old = value.to_owned());
    headers
}

#[test]
fn either_way_of_knowing_the_wallet_counts_while_it_changes() {
    let verify = |headers: Headers| trust().verify(&headers, BODY, NOW);
    assert_eq!(verify(headers(PUBLIC, PUBLIC_ID, BODY, NOW)), Ok(()));
    assert_eq!(verify(headers(PLATFORM, "5A0101", BODY, NOW)), Ok(()));
    assert_eq!(verify(headers(PLATFORM, PUBLIC_ID, BODY, NOW)), Err(NotAuthentic::Signature));
    let unknown = verify(headers(NEXT, "5A0102", BODY, NOW));
    assert_eq!(unknown, Err(NotAuthentic::UnknownKey("5A0102".into())));
}

#[test]
fn each_of_the_five_headers_must_be_there_once() {
    for missing in [TIMESTAMP, NONCE, SERIAL, SIGNATURE, SIGNATURE_TYPE] {
        let all = headers(PUBLIC, PUBLIC_ID, BODY, NOW);
        let without: Headers = all.iter().filter(|(name, _)| name != missing).cloned().collect();
        let refused = Err(NotAuthentic::Header(missing));
        assert_eq!(trust().verify(&without, BODY, NOW), refused, "without {missing}");
        let twice: Headers = all.iter().chain(all.iter().filter(|(n, _)| n == missing)).cloned().collect();
        assert_eq!(trust().verify(&twice, BODY, NOW), refused, "{missing} twice");
    }
}

#[test]
fn old_times_probes_and_other_schemes_are_refused() {
    let at = |seconds: i64| {
        let then = Timestamp::from_unix_seconds(NOW.unix_seconds() + seconds);
        trust().verify(&headers(PUBLIC, PUBLIC_ID, BODY, then), BODY, NOW)
    };
    assert_eq!((at(-300), at(300)), (Ok(()), Ok(())));
    assert!(matches!(at(-301), Err(NotAuthentic::Stale(_))));
    assert!(matches!(at(301), Err(NotAuthentic::Stale(_))));
    for odd in ["", "now", "1763700000.5", "+1763700000", "9223372036854775808", "-9223372036854775808"] {
        let verified = trust().verify(&with(TIMESTAMP, odd), BODY, NOW);
        assert!(matches!(verified, Err(NotAuthentic::Stale(_))), "{odd}: {verified:?}");
    }
    let probe = with(SIGNATURE, "WECHATPAY/SIGNTEST/hS8bQ3pK");
    assert_eq!(trust().verify(&probe, BODY, NOW), Err(NotAuthentic::Probe));
    let other = with(SIGNATURE_TYPE, "WECHATPAY2-SM2-WITH-SM3");
    assert!(matches!(trust().verify(&other, BODY, NOW), Err(NotAuthentic::OtherScheme(_))));
    assert_eq!(trust().verify(&with(SIGNATURE, ""), BODY, NOW), Err(NotAuthentic::Signature));
    assert_eq!(trust().verify(&with(NONCE, "other"), BODY, NOW), Err(NotAuthentic::Signature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn one_changed_byte_of_a_body_never_verifies(at in 0..BODY.len(), mask in 1_u8..) {
        let mut body = BODY.to_vec();
        body[at] ^= mask;
        let signed = headers(PUBLIC, PUBLIC_ID, BODY, NOW);
        prop_assert_eq!(trust().verify(&signed, &body, NOW), Err(NotAuthentic::Signature));
    }

    #[test]
    fn one_changed_sign_of_a_header_never_verifies(which in 0_usize..5, at in 0_usize..400, mask in 1_u8..128) {
        let mut signed = headers(PUBLIC, PUBLIC_ID, BODY, NOW);
        let mut value = signed[which].1.clone().into_bytes();
        let at = at % value.len();
        value[at] = (value[at] ^ mask) & 0x7f;
        signed[which].1 = String::from_utf8(value).unwrap();
        prop_assert!(trust().verify(&signed, BODY, NOW).is_err());
    }
}
