//! What others published.

use super::super::base::{NewSignature, sign_with};
use super::*;

/// RFC 9421, B.1.4, test-key-ed25519.
const PRIVATE: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
const PUBLIC: &str = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";

/// RFC 9421, B.2.6.
const INPUT: &str = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                     ;created=1618884473;keyid=\"test-key-ed25519\"";
const SIGNATURE: &str =
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
const COVERED: [&str; 6] =
    ["\"date\"", "\"@method\"", "\"@path\"", "\"@authority\"", "\"content-type\"", "\"content-length\""];

fn value_of(component: &str) -> Option<Cow<'static, str>> {
    Some(match component {
        "\"date\"" => "Tue, 20 Apr 2021 02:07:55 GMT".into(),
        "\"@method\"" => "POST".into(),
        "\"@path\"" => "/foo".into(),
        "\"@authority\"" => "example.com".into(),
        "\"content-type\"" => "application/json".into(),
        "\"content-length\"" => "18".into(),
        _ => return None,
    })
}

fn rfc_key() -> SigningKey {
    SigningKey::from_pkcs8(&STANDARD.decode(PRIVATE).unwrap(), "test-key-ed25519".into()).unwrap()
}

#[test]
fn the_rfcs_key_has_the_rfcs_public_half() {
    assert_eq!(rfc_key().public(), PUBLIC.parse().unwrap());
}

#[test]
fn rfc_9421_b_2_6_is_signed_as_published() {
    let new = NewSignature {
        created: Timestamp::from_unix_seconds(1_618_884_473),
        expires: None,
        nonce: None,
        tag: None,
    };
    let (input, signature) = sign_with(&rfc_key(), "sig-b26", &COVERED, &new, value_of).unwrap();
    assert_eq!((input.as_str(), signature.as_str()), (INPUT, SIGNATURE));
}

#[test]
fn rfc_9421_b_2_6_is_verified_as_published() {
    let received = ReceivedSignature::parse_labelled("sig-b26", INPUT, SIGNATURE).unwrap();
    assert_eq!(received.key_id(), "test-key-ed25519");
    assert_eq!(received.created(), Some(Timestamp(1_618_884_473_000)));
    assert_eq!(received.covered(), COVERED);
    let key: VerifyingKey = PUBLIC.parse().unwrap();
    assert_eq!(received.verify_with(&key, value_of), Ok(()));

    for changed in COVERED {
        let other = |name: &str| if name == changed { Some("x".into()) } else { value_of(name) };
        assert_eq!(received.verify_with(&key, other), Err(SignatureError::BadSignature), "{changed}");
    }
}

#[test]
fn the_base_is_that_of_rfc_9421_b_2_6() {
    let params = INPUT.strip_prefix("sig-b26=").unwrap();
    let base = signature_base(COVERED.into_iter(), params, value_of).unwrap();
    let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
                    \"@method\": POST\n\
                    \"@path\": /foo\n\
                    \"@authority\": example.com\n\
                    \"content-type\": application/json\n\
                    \"content-length\": 18\n\
                    \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
                    \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    assert_eq!(base, expected);
}

#[test]
fn the_digests_of_rfc_9530_come_out() {
    assert_eq!(
        content_digest(b"{\"hello\": \"world\"}\n"),
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    );
    assert_eq!(
        content_digest(b"{\"hello\": \"world\"}"),
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    );
}
