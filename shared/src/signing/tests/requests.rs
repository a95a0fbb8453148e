//! Requests: what is believed, and all that is not.

use super::super::request::COVERED;
use super::*;
use proptest::prelude::*;

const PARAMS: &str =
    ";created=1795183387;expires=1795183500;nonce=\"n\";keyid=\"T0001/1\";tag=\"evertill-request\"";

/// The values of [`request`], and of one header that we know nothing of.
fn value_of(name: &str) -> Option<Cow<'static, str>> {
    let parts = request();
    Some(match name {
        "\"@method\"" => parts.method.into(),
        "\"@authority\"" => parts.authority.into(),
        "\"@path\"" => parts.path.into(),
        "\"@query\"" => format!("?{}", parts.query).into(),
        "\"content-type\"" => parts.content_type.into(),
        "\"content-digest\"" => content_digest(parts.body).into(),
        "\"evertill-request-id\"" => parts.request_id.into(),
        "\"x-other\"" => "other".into(),
        _ => return None,
    })
}

fn by_hand(covered: &[&str], params: &str) -> Result<(), SignatureError> {
    let (signature_input, signature) = sign_by_hand(&key(1), covered, params, value_of);
    let content_digest = content_digest(request().body);
    verify(&SignatureHeaders { content_digest, signature_input, signature }, &request())
}

#[test]
fn an_untouched_request_is_believed_again_and_again() {
    let headers = sign(&request());
    assert_eq!(verify(&headers, &request()), Ok(()));
    assert_eq!(verify(&headers, &request()), Ok(()), "replays are stopped by the request id, not here");
    let received = ReceivedSignature::parse(&headers.signature_input, &headers.signature).unwrap();
    assert_eq!((received.key_id(), received.tag()), ("T0001/1", REQUEST_TAG));
    assert_eq!((received.created(), received.nonce()), (Some(NOW), Some(request().request_id)));
    assert_eq!(received.expires(), Some(NOW.plus(Duration::from_secs(120))));
    assert_eq!(received.covered(), COVERED);
}

#[test]
fn requests_without_query_or_body_are_believed() {
    let bare = RequestParts { method: "GET", query: "", content_type: "", body: b"", ..request() };
    assert_eq!(verify(&sign(&bare), &bare), Ok(()));
}

#[test]
fn any_part_that_was_changed_is_noticed() {
    let headers = sign(&request());
    let changed = [
        RequestParts { method: "PUT", ..request() },
        RequestParts { authority: "other.example:8443", ..request() },
        RequestParts { authority: "store.example", ..request() },
        RequestParts { path: "/v1/orders/2026112014030712348151192/refund", ..request() },
        RequestParts { path: "/V1/orders/2026112014030712348151192/pay", ..request() },
        RequestParts { query: "wait=31&probe=a%20b", ..request() },
        RequestParts { query: "wait=30&probe=a b", ..request() },
        RequestParts { query: "", ..request() },
        RequestParts { content_type: "text/plain", ..request() },
        RequestParts { request_id: "0193a4c2-7d1e-7c55-8a8e-3f0d5f1c9b78", ..request() },
    ];
    for parts in changed {
        assert_eq!(verify(&headers, &parts), Err(SignatureError::BadSignature), "{parts:?}");
    }
}

#[test]
fn a_changed_body_is_noticed_with_its_old_digest_and_with_a_new_one() {
    let headers = sign(&request());
    let changed = RequestParts { body: br#"{"amount":{"minor":9250,"currency":"CNY"}}"#, ..request() };
    assert_eq!(verify(&headers, &changed), Err(SignatureError::DigestMismatch));
    let with_new_digest =
        SignatureHeaders { content_digest: content_digest(changed.body), ..headers.clone() };
    assert_eq!(verify(&with_new_digest, &changed), Err(SignatureError::BadSignature));
    assert_eq!(verify(&with_new_digest, &request()), Err(SignatureError::BadSignature));
}

#[test]
fn a_signed_digest_must_still_be_a_sha_256() {
    for digest in ["", "sha-512=:AAAA:", "md5=:AAAA:", "sha-256=AAAA", "sha-256=(1 2)", "sha-256", "\u{7f}"] {
        let parts = request();
        let value = |name: &str| match name {
            "\"content-digest\"" => Some(digest.to_owned().into()),
            other => value_of(other),
        };
        let checked = super::super::digest::check(digest, parts.body);
        assert!(matches!(checked, Err(SignatureError::Malformed(_))), "{digest:?}: {checked:?}");
        if digest.is_ascii() && !digest.contains('\u{7f}') {
            let (signature_input, signature) = sign_by_hand(&key(1), &COVERED, PARAMS, value);
            let headers = SignatureHeaders { content_digest: digest.into(), signature_input, signature };
            assert!(verify(&headers, &parts).is_err(), "{digest:?} was taken");
        }
    }
}

#[test]
fn any_parameter_that_was_changed_is_noticed() {
    let headers = sign(&request());
    for (from, to) in [
        ("created=1795183387", "created=1795183388"),
        ("expires=1795183507", "expires=1795183508"),
        ("nonce=\"0193", "nonce=\"0194"),
        ("keyid=\"T0001/1\"", "keyid=\"T0001/2\""),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        (";tag=", ";alg=\"ed25519\";tag="),
    ] {
        let input = headers.signature_input.replace(from, to);
        assert_ne!(input, headers.signature_input, "the test itself: {from} is not there");
        let changed = SignatureHeaders { signature_input: input, ..headers.clone() };
        assert_eq!(verify(&changed, &request()), Err(SignatureError::BadSignature), "{to}");
    }
}

#[test]
fn the_senders_own_order_of_components_and_parameters_is_kept() {
    let mut backwards = COVERED;
    backwards.reverse();
    let params = ";tag=\"evertill-request\";keyid=\"T0001/1\";nonce=\"n\";alg=\"ed25519\";expires=1795183500;created=1795183387";
    assert_eq!(by_hand(&COVERED, PARAMS), Ok(()));
    assert_eq!(by_hand(&backwards, params), Ok(()));
}

#[test]
fn everything_that_we_need_must_be_covered() {
    for missing in COVERED {
        let rest: Vec<&str> = COVERED.into_iter().filter(|c| *c != missing).collect();
        assert_eq!(by_hand(&rest, PARAMS), Err(SignatureError::NotCovered(missing)));
    }
}

#[test]
fn a_component_that_cannot_be_checked_is_refused() {
    let mut covered = COVERED.to_vec();
    covered.push("\"x-other\"");
    assert!(matches!(by_hand(&covered, PARAMS), Err(SignatureError::Malformed(_))));
}

#[test]
fn a_component_given_with_a_parameter_does_not_count_as_itself() {
    let mut covered = COVERED.map(str::to_owned);
    covered[4] = "\"content-type\";sf".into();
    let covered: Vec<&str> = covered.iter().map(String::as_str).collect();
    let value = |name: &str| value_of(name.strip_suffix(";sf").unwrap_or(name));
    let (signature_input, signature) = sign_by_hand(&key(1), &covered, PARAMS, value);
    let content_digest = content_digest(request().body);
    let verified = verify(&SignatureHeaders { content_digest, signature_input, signature }, &request());
    assert_eq!(verified, Err(SignatureError::NotCovered("\"content-type\"")));
}

#[test]
fn the_message_does_not_choose_its_algorithm() {
    for alg in ["hmac-sha256", "rsa-v1_5-sha256", "none", ""] {
        let refused = by_hand(&COVERED, &format!("{PARAMS};alg=\"{alg}\""));
        assert!(matches!(refused, Err(SignatureError::Malformed(_))), "{alg}: {refused:?}");
    }
    assert_eq!(by_hand(&COVERED, &format!("{PARAMS};alg=\"ed25519\"")), Ok(()));
}

#[test]
fn a_signature_for_another_purpose_is_refused() {
    for tag in [";tag=\"evertill-response\"", ";tag=\"\"", ""] {
        let params = PARAMS.replace(";tag=\"evertill-request\"", tag);
        assert_eq!(by_hand(&COVERED, &params), Err(SignatureError::WrongTag), "{tag}");
    }
}

#[test]
fn times_nonce_and_key_must_be_given() {
    for (gone, in_place) in [
        (";created=1795183387", ""),
        (";expires=1795183500", ""),
        (";nonce=\"n\"", ""),
        (";nonce=\"n\"", ";nonce=\"\""),
        (";keyid=\"T0001/1\"", ""),
        (";created=1795183387", ";created=1795183387.0"),
        (";created=1795183387", ";created=\"1795183387\""),
        (";expires=1795183500", ";expires=1795183386"),
        (";nonce=\"n\"", ";nonce=n"),
    ] {
        let refused = by_hand(&COVERED, &PARAMS.replace(gone, in_place));
        assert!(matches!(refused, Err(SignatureError::Malformed(_))), "{gone} {in_place}: {refused:?}");
    }
}

#[test]
fn nothing_may_stand_twice() {
    let headers = sign(&request());
    let (input, signature) = (&headers.signature_input, &headers.signature);
    let mut twice = COVERED.to_vec();
    twice.push("\"@method\"");
    assert!(matches!(by_hand(&twice, PARAMS), Err(SignatureError::Malformed(_))));
    let doubled_param = input.replace(";tag=", ";created=1;tag=");
    for (input, signature) in [
        (format!("{input}, {input}"), signature.clone()),
        (format!("{input}, other=()"), signature.clone()),
        (doubled_param, signature.clone()),
        (input.clone(), format!("{signature}, {signature}")),
        (input.clone(), format!("{signature}, other=:AAAA:")),
        (input.clone(), format!("{signature};x=1")),
    ] {
        let read = ReceivedSignature::parse(&input, &signature);
        assert!(matches!(read, Err(SignatureError::Malformed(_))), "{input} {signature}: {read:?}");
    }
}

#[test]
fn an_unsigned_request_is_told_from_a_malformed_one() {
    let headers = sign(&request());
    let read = |input: &str, signature: &str| ReceivedSignature::parse(input, signature).err();
    assert_eq!(read("", ""), Some(SignatureError::Missing));
    assert_eq!(read(&headers.signature_input, ""), Some(SignatureError::Missing));
    assert_eq!(read("other=()", "other=:AAAA:"), Some(SignatureError::Missing));
    let long = format!("evertill=({})", "\"a\" ".repeat(5000));
    assert!(matches!(read(&long, &headers.signature), Some(SignatureError::Malformed(_))));
}

#[test]
fn another_key_does_not_verify() {
    let headers = sign(&request());
    let received = ReceivedSignature::parse(&headers.signature_input, &headers.signature).unwrap();
    let other = key(2).public();
    let verified = verify_request(&received, &request(), &headers.content_digest, &other, NOW, &WINDOW);
    assert_eq!(verified, Err(SignatureError::BadSignature));
}

#[test]
fn a_request_counts_only_for_a_while() {
    let far = NOW.plus(Duration::from_secs(3600));
    let headers = sign_request(&key(1), &request(), NOW, far).unwrap();
    let at = |now| verify_at(&headers, &request(), now, &WINDOW);
    assert_eq!(at(NOW.plus(WINDOW.max_age)), Ok(()));
    let late = NOW.plus(WINDOW.max_age).plus(Duration::from_millis(1));
    assert_eq!(at(late), Err(SignatureError::Stale { created: NOW, now: late }));
    assert_eq!(at(NOW.minus(WINDOW.max_skew)), Ok(()));
    let early = NOW.minus(WINDOW.max_skew).minus(Duration::from_millis(1));
    assert_eq!(at(early), Err(SignatureError::FromTheFuture));

    let short = sign_request(&key(1), &request(), NOW, NOW.plus(Duration::from_secs(5))).unwrap();
    let at = |now| verify_at(&short, &request(), now, &WINDOW);
    assert_eq!(at(NOW.plus(Duration::from_secs(65))), Ok(()), "the clocks may differ by the skew");
    assert_eq!(at(NOW.plus(Duration::from_secs(66))), Err(SignatureError::Expired));
}

#[test]
fn the_authoritys_case_and_default_port_do_not_matter() {
    let plain = RequestParts { authority: "store.example", ..request() };
    let headers = sign(&plain);
    for same in ["STORE.example", "store.example:443"] {
        assert_eq!(verify(&headers, &RequestParts { authority: same, ..request() }), Ok(()), "{same}");
    }
    let other_port = RequestParts { authority: "store.example:4443", ..request() };
    assert_eq!(verify(&headers, &other_port), Err(SignatureError::BadSignature));
}

#[test]
fn no_value_can_pose_as_two() {
    let smuggled = "a\n\"content-digest\": sha-256=:AAAA:";
    let expires = NOW.plus(Duration::from_secs(120));
    for parts in [
        RequestParts { content_type: smuggled, ..request() },
        RequestParts { path: smuggled, ..request() },
        RequestParts { request_id: smuggled, ..request() },
        RequestParts { query: "a\rb", ..request() },
        RequestParts { path: "/ä", ..request() },
        RequestParts { request_id: "", ..request() },
    ] {
        let signed = sign_request(&key(1), &parts, NOW, expires);
        assert!(matches!(signed, Err(SignatureError::Malformed(_))), "{parts:?}");
        assert!(verify(&sign(&request()), &parts).is_err(), "{parts:?}");
    }
}

fn changed(text: &str, at: prop::sample::Index, byte: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    (bytes[at] != byte).then(|| bytes[at] = byte)?;
    String::from_utf8(bytes).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_single_byte_of_a_signed_request_can_be_changed(
        which in 0..4, at in any::<prop::sample::Index>(), byte in 0_u8..0x80,
    ) {
        let (mut headers, mut parts) = (sign(&request()), request());
        let original = match which {
            0 => headers.signature_input.clone(),
            1 => headers.signature.clone(),
            2 => headers.content_digest.clone(),
            _ => String::from_utf8(parts.body.to_vec()).unwrap(),
        };
        let changed = changed(&original, at, byte);
        prop_assume!(changed.is_some());
        let changed = changed.unwrap();
        match which {
            0 => headers.signature_input.clone_from(&changed),
            1 => headers.signature.clone_from(&changed),
            2 => headers.content_digest.clone_from(&changed),
            _ => parts.body = changed.as_bytes(),
        }
        // The widest window, so that it is the signature that refuses and not the clock.
        prop_assert!(verify_at(&headers, &parts, NOW, &WHOLE_HISTORY).is_err(), "{}", changed);
    }

    #[test]
    fn reading_never_panics(input in any::<String>(), signature in any::<String>()) {
        let _ = ReceivedSignature::parse(&input, &signature);
    }

    #[test]
    fn reading_never_panics_on_what_looks_like_a_signature(
        input in r#"evertill=\("[@a-z-]{0,9}"(;[a-z]{1,4}){0,2}( "[a-z]{0,3}"){0,3}\)(;[a-z]{1,7}=("[ -~]{0,5}"|-?[0-9]{1,17}|:[A-Za-z0-9=]{0,8}:)){0,5}"#,
        signature in r"evertill=:[A-Za-z0-9+/]{80,90}={0,2}:",
    ) {
        if let Ok(received) = ReceivedSignature::parse(&input, &signature) {
            let verified =
                verify_request(&received, &request(), "", &key(1).public(), NOW, &WHOLE_HISTORY);
            prop_assert!(verified.is_err());
        }
    }
}
