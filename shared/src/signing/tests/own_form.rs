//! The short way of reading, held against the general one.

use super::super::{own_form, request, response};
use super::*;
use proptest::prelude::*;

fn answer_headers() -> SignatureHeaders {
    let headers = sign(&request());
    let bound = BoundRequest {
        method: "POST",
        path: "/v1/drafts",
        content_digest: &headers.content_digest,
        signature: &headers.signature,
    };
    sign_response(&key(2), &response(), &bound, NOW).unwrap()
}

/// What the short way reads, the general one reads, and as the same.
fn agree(input: &str, signature: &str) {
    if let Some(read) = own_form::read(LABEL, input, signature) {
        let general = ReceivedSignature::parse_any_form(LABEL, input, signature);
        assert_eq!(general.as_ref(), Ok(&read), "{input} {signature}");
    }
    if let Some(value) = own_form::signature_value(LABEL, signature) {
        assert_eq!(format!("{LABEL}={value}"), signature);
        assert!(ReceivedSignature::parse_any_form(LABEL, "evertill=()", signature).is_ok(), "{signature}");
    }
}

#[test]
fn what_we_write_is_read_the_short_way() {
    for headers in [sign(&request()), answer_headers()] {
        assert!(own_form::read(LABEL, &headers.signature_input, &headers.signature).is_some());
        agree(&headers.signature_input, &headers.signature);
    }
}

#[test]
fn the_lists_are_the_same_in_both_notations() {
    for (list, text) in
        [(request::COVERED, request::COVERED_TEXT), (response::COVERED, response::COVERED_TEXT)]
    {
        assert_eq!(text, format!("({})", list.join(" ")));
    }
}

#[test]
fn a_name_with_quotes_is_written_as_the_general_way_reads_it() {
    let key = SigningKey::from_seed(&[3; 32], r#"a "b" \c"#.into()).unwrap();
    let headers = sign_request(&key, &request(), NOW, NOW.plus(Duration::from_secs(9))).unwrap();
    let read = ReceivedSignature::parse(&headers.signature_input, &headers.signature).unwrap();
    assert_eq!(read.key_id(), r#"a "b" \c"#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn both_ways_agree_on_our_headers_with_something_changed(
        answer: bool, in_signature: bool, at in any::<prop::sample::Index>(),
        cut in 0_usize..3, put in r#"[ -~]{0,3}|;(created|expires)=[0-9]{0,17}|;(nonce|tag|keyid)="[ -~]{0,3}""#,
    ) {
        let headers = if answer { answer_headers() } else { sign(&request()) };
        let (mut input, mut signature) = (headers.signature_input, headers.signature);
        let text = if in_signature { &mut signature } else { &mut input };
        let from = at.index(text.len());
        text.replace_range(from..(from + cut).min(text.len()), &put);
        agree(&input, &signature);
    }

    #[test]
    fn both_ways_agree_on_parameters_of_any_value(
        created in "[0-9]{0,17}|-[0-9]{1,4}", expires in "|;expires=[0-9]{1,16}", nonce in r#"|;nonce="[ -~]{0,9}""#,
        key in "[ -~]{0,9}", tag in "[ -~]{0,9}",
    ) {
        let signature = sign(&request()).signature;
        let input = format!(
            "evertill={};created={created}{expires}{nonce};keyid=\"{key}\";tag=\"{tag}\"", request::COVERED_TEXT);
        agree(&input, &signature);
    }
}
