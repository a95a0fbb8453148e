//! Answers: each belongs to one request and to no other.

use super::super::response::COVERED;
use super::*;
use proptest::prelude::*;

fn bound<'a>(parts: &RequestParts<'a>, headers: &'a SignatureHeaders) -> BoundRequest<'a> {
    BoundRequest {
        method: parts.method,
        path: parts.path,
        content_digest: &headers.content_digest,
        signature: &headers.signature,
    }
}

fn check(
    answer: &SignatureHeaders,
    parts: &ResponseParts<'_>,
    request: &BoundRequest<'_>,
) -> Result<(), SignatureError> {
    let received = ReceivedSignature::parse(&answer.signature_input, &answer.signature)?;
    verify_response(&received, parts, &answer.content_digest, request, &key(9).public())
}

#[test]
fn an_untouched_answer_is_believed_and_tells_the_servers_time() {
    let asked = sign(&request());
    let request = bound(&request(), &asked);
    let at = NOW.plus(Duration::from_secs(86_400));
    let answer = sign_response(&key(9), &response(), &request, at).unwrap();
    assert_eq!(check(&answer, &response(), &request), Ok(()), "a till a day behind must believe it too");
    let received = ReceivedSignature::parse(&answer.signature_input, &answer.signature).unwrap();
    assert_eq!(received.created(), Some(at));
    assert_eq!((received.tag(), received.key_id()), (RESPONSE_TAG, "T0009/1"));
    assert_eq!(received.covered(), COVERED);
}

#[test]
fn a_changed_answer_is_noticed() {
    let asked = sign(&request());
    let request = bound(&request(), &asked);
    let answer = sign_response(&key(9), &response(), &request, NOW).unwrap();
    let paid = response();
    for changed in
        [ResponseParts { status: 202, ..paid }, ResponseParts { content_type: "text/html", ..paid }]
    {
        assert_eq!(check(&answer, &changed, &request), Err(SignatureError::BadSignature), "{changed:?}");
    }
    let changed = ResponseParts { body: br#"{"state":"gone"}"#, ..paid };
    assert_eq!(check(&answer, &changed, &request), Err(SignatureError::DigestMismatch));
    let answer = SignatureHeaders { content_digest: content_digest(changed.body), ..answer };
    assert_eq!(check(&answer, &changed, &request), Err(SignatureError::BadSignature));
}

#[test]
fn an_answer_to_one_request_never_verifies_for_another() {
    let first = request();
    let asked_first = sign(&first);
    let answer = sign_response(&key(9), &response(), &bound(&first, &asked_first), NOW).unwrap();
    let others = [
        RequestParts { request_id: "0193a4c2-7d1e-7c55-8a8e-000000000000", ..first },
        RequestParts { query: "", ..first },
        RequestParts { method: "PUT", ..first },
        RequestParts { path: "/v1/orders", ..first },
        RequestParts { body: b"{}", ..first },
        RequestParts { authority: "other.example", ..first },
    ];
    for other in others {
        let asked = sign(&other);
        let verified = check(&answer, &response(), &bound(&other, &asked));
        assert_eq!(verified, Err(SignatureError::BadSignature), "{other:?}");
    }
    let later =
        sign_request(&key(1), &first, NOW.plus(Duration::from_secs(1)), NOW.plus(WINDOW.max_age)).unwrap();
    assert_eq!(check(&answer, &response(), &bound(&first, &later)), Err(SignatureError::BadSignature));
}

#[test]
fn each_bond_to_the_request_holds_by_itself() {
    let asked = sign(&request());
    let good = bound(&request(), &asked);
    let answer = sign_response(&key(9), &response(), &good, NOW).unwrap();
    let other_signature = format!("evertill=:{}:", STANDARD.encode([7; 64]));
    for other in [
        BoundRequest { method: "GET", ..good },
        BoundRequest { path: "/", ..good },
        BoundRequest { content_digest: "sha-256=:AAAA:", ..good },
        BoundRequest { signature: &other_signature, ..good },
    ] {
        assert_eq!(check(&answer, &response(), &other), Err(SignatureError::BadSignature), "{other:?}");
    }
}

#[test]
fn two_answers_cannot_be_swapped() {
    let (one, two) = (request(), RequestParts { request_id: "another", ..request() });
    let (asked_one, asked_two) = (sign(&one), sign(&two));
    let declined = ResponseParts { body: br#"{"state":"declined"}"#, ..response() };
    let answer_one = sign_response(&key(9), &response(), &bound(&one, &asked_one), NOW).unwrap();
    let answer_two = sign_response(&key(9), &declined, &bound(&two, &asked_two), NOW).unwrap();
    assert_eq!(check(&answer_one, &response(), &bound(&one, &asked_one)), Ok(()));
    assert_eq!(check(&answer_two, &declined, &bound(&two, &asked_two)), Ok(()));
    assert!(check(&answer_one, &response(), &bound(&two, &asked_two)).is_err());
    assert!(check(&answer_two, &declined, &bound(&one, &asked_one)).is_err());
}

#[test]
fn everything_that_binds_must_be_covered() {
    let asked = sign(&request());
    let request = bound(&request(), &asked);
    let parts = response();
    let digest = content_digest(parts.body);
    let value_of = |name: &str| -> Option<Cow<'_, str>> {
        Some(match name {
            "\"@status\"" => "200".into(),
            "\"content-type\"" => parts.content_type.into(),
            "\"content-digest\"" => digest.as_str().into(),
            "\"@method\";req" => request.method.into(),
            "\"@path\";req" => request.path.into(),
            "\"content-digest\";req" => request.content_digest.into(),
            _ => request.signature.strip_prefix("evertill=").unwrap().into(),
        })
    };
    let params = ";created=1795183387;keyid=\"T0009/1\";tag=\"evertill-response\"";
    let by_hand = |covered: &[&str]| {
        let (signature_input, signature) = sign_by_hand(&key(9), covered, params, value_of);
        check(
            &SignatureHeaders { content_digest: digest.clone(), signature_input, signature },
            &parts,
            &request,
        )
    };
    assert_eq!(by_hand(&COVERED), Ok(()), "the RFC's forms, written out by hand");
    for missing in COVERED {
        let rest: Vec<&str> = COVERED.into_iter().filter(|c| *c != missing).collect();
        assert_eq!(by_hand(&rest), Err(SignatureError::NotCovered(missing)));
    }
}

#[test]
fn only_the_servers_key_answers() {
    let asked = sign(&request());
    let request = bound(&request(), &asked);
    let answer = sign_response(&key(8), &response(), &request, NOW).unwrap();
    assert_eq!(check(&answer, &response(), &request), Err(SignatureError::BadSignature));
}

#[test]
fn an_answer_is_no_request_and_a_request_no_answer() {
    let asked = sign(&request());
    let bound = bound(&request(), &asked);
    assert_eq!(check(&asked, &response(), &bound), Err(SignatureError::WrongTag));
    let answer = sign_response(&key(1), &response(), &bound, NOW).unwrap();
    assert_eq!(verify(&answer, &request()), Err(SignatureError::WrongTag));
}

#[test]
fn an_unsigned_request_cannot_be_answered_with_a_bond() {
    let asked = sign(&request());
    for signature in ["", "other=:AAAA:", "evertill=("] {
        let request = BoundRequest { signature, ..bound(&request(), &asked) };
        assert!(sign_response(&key(9), &response(), &request, NOW).is_err(), "{signature}");
    }
}

proptest! {
    #[test]
    fn no_single_byte_of_a_signed_answer_can_be_changed(
        which in 0..3, at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f,
    ) {
        let asked = sign(&request());
        let request = bound(&request(), &asked);
        let mut answer = sign_response(&key(9), &response(), &request, NOW).unwrap();
        let header = match which {
            0 => &mut answer.signature_input,
            1 => &mut answer.signature,
            _ => &mut answer.content_digest,
        };
        let mut bytes = header.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        *header = String::from_utf8(bytes).unwrap();
        prop_assert!(check(&answer, &response(), &request).is_err());
    }
}
