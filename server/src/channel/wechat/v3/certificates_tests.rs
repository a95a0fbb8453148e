use super::super::testing::*;
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn entry(pem: &str, serial: u8) -> Value {
    json!({
        "serial_no": format!("5A01{serial:02X}"),
        "effective_time": "2024-11-21T00:00:00+08:00",
        "expire_time": "2026-11-21T00:00:00+08:00",
        "encrypt_certificate": sealed(&certificate(pem, serial), "certificate"),
    })
}

fn list(entries: &[Value]) -> Vec<u8> {
    json!({ "data": entries, "new_field": true }).to_string().into_bytes()
}

fn opened(body: &[u8], signed_by: (&str, &str), known: &Trust) -> Result<Vec<String>, BadCertificates> {
    let headers = headers(signed_by.0, signed_by.1, body, NOW);
    open((&headers, body), &api_key(), known, NOW).map(|keys| keys.into_iter().map(|key| key.id).collect())
}

#[test]
fn several_certificates_live_at_once_and_one_of_them_signs_the_list() {
    let body = list(&[entry(PLATFORM, 1), entry(NEXT, 2)]);
    for signed_by in [(PLATFORM, "5A0101"), (NEXT, "5A0102")] {
        assert_eq!(opened(&body, signed_by, &Trust::default()).unwrap(), ["5A0101", "5A0102"]);
    }
    assert_eq!(opened(&body, (PUBLIC, PUBLIC_ID), &trust()).unwrap().len(), 2, "signed by the public key");
    let stranger = opened(&body, (PUBLIC, PUBLIC_ID), &Trust::default());
    assert!(matches!(stranger, Err(BadCertificates::NotAuthentic(NotAuthentic::UnknownKey(_)))));
    let forged = opened(&body, (NEXT, "5A0101"), &Trust::default());
    assert_eq!(forged, Err(BadCertificates::NotAuthentic(NotAuthentic::Signature)));
}

#[test]
fn what_is_not_sealed_with_our_key_or_is_something_else_refuses_the_list() {
    let signed_by = (PLATFORM, "5A0101");
    let mut altered = entry(NEXT, 2);
    altered["encrypt_certificate"]["associated_data"] = json!("transaction");
    let body = list(&[entry(PLATFORM, 1), altered]);
    assert_eq!(opened(&body, signed_by, &trust()), Err(BadCertificates::Sealed("5A0102".into())));
    let mut renamed = entry(NEXT, 2);
    renamed["serial_no"] = json!("5A0103");
    let body = list(&[entry(PLATFORM, 1), renamed]);
    assert_eq!(opened(&body, signed_by, &trust()), Err(BadCertificates::Content("5A0103".into())));
    let mut noise = entry(PLATFORM, 1);
    noise["encrypt_certificate"] = sealed("no certificate", "certificate");
    assert!(matches!(opened(&list(&[noise]), signed_by, &trust()), Err(BadCertificates::Content(_))));
    assert_eq!(opened(&list(&[]), signed_by, &trust()), Err(BadCertificates::None));
    for bad in ["", "[]", "{\"data\":3}", "{\"data\":[{}]}", "<html>"] {
        assert_eq!(opened(bad.as_bytes(), signed_by, &trust()), Err(BadCertificates::Unreadable), "{bad}");
    }
}

#[test]
fn a_certificate_out_of_force_signs_nothing() {
    let known = known(PLATFORM, 1);
    let (from, until) = known.valid.unwrap();
    let trust = Trust(vec![known]);
    let day = std::time::Duration::from_secs(86_400);
    for (at, good) in [(from.minus(day), false), (NOW, true), (until.plus(day), false)] {
        let signed = headers(PLATFORM, "5A0101", b"{}", at);
        assert_eq!(trust.verify(&signed, b"{}", at).is_ok(), good, "{at}");
        let body = list(&[entry(PLATFORM, 1)]);
        let signed = headers(PLATFORM, "5A0101", &body, at);
        assert_eq!(open((&signed, &body), &api_key(), &Trust::default(), at).is_ok(), good, "{at}");
    }
}

#[test]
fn serial_numbers_are_written_as_the_wallet_writes_them() {
    assert_eq!(serial_of(certificate(PLATFORM, 1).as_bytes()).unwrap(), "5A0101");
    assert_eq!(serial_of(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), None);
    assert_eq!(serial_of(b"noise"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic_or_a_changed_list_count(at in 0_usize..4000, mask in 1_u8..) {
        let body = list(&[entry(PLATFORM, 1)]);
        let headers = headers(PLATFORM, "5A0101", &body, NOW);
        let mut altered = body.clone();
        let at = at % altered.len();
        altered[at] ^= mask;
        prop_assert!(open((&headers, &altered), &api_key(), &trust(), NOW).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_list_however_it_is_signed_is_refused_without_panic(text in any::<String>()) {
        let headers = headers(PLATFORM, "5A0101", text.as_bytes(), NOW);
        prop_assert!(open((&headers, text.as_bytes()), &api_key(), &trust(), NOW).is_err());
        let sealed = json!({
            "serial_no": "5A0101", "effective_time": text, "expire_time": text,
            "encrypt_certificate": sealed(&text, "certificate"),
        });
        prop_assert!(opened(&list(&[sealed]), (PLATFORM, "5A0101"), &trust()).is_err());
    }

    #[test]
    fn no_bytes_are_a_certificate_by_chance_and_an_altered_one_is_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        prop_assert!(read(&bytes).is_none() && serial_of(&bytes).is_none());
        let mut altered = certificate(PLATFORM, 1).into_bytes();
        let at = at.index(altered.len());
        altered[at] = byte;
        let _ = (read(&altered), serial_of(&altered));
    }
}
