//! Tests of message signatures: those that change, swap, replay and forge.

mod keys;
mod own_form;
mod requests;
mod responses;
mod vectors;

use super::base::{ReceivedSignature, signature_base};
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// 2026-11-20T14:03:07Z
const NOW: Timestamp = Timestamp(1_795_183_387_000);
const WINDOW: Window = Window { max_age: Duration::from_secs(300), max_skew: Duration::from_secs(60) };
const WHOLE_HISTORY: Window =
    Window { max_age: Duration::from_secs(1 << 40), max_skew: Duration::from_secs(1 << 40) };

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], format!("T000{seed}/1")).unwrap()
}

fn request() -> RequestParts<'static> {
    RequestParts {
        method: "POST",
        authority: "store.example:8443",
        path: "/v1/orders/2026112014030712348151192/pay",
        query: "wait=30&probe=a%20b",
        content_type: "application/json",
        request_id: "0193a4c2-7d1e-7c55-8a8e-3f0d5f1c9b77",
        body: br#"{"amount":{"minor":1250,"currency":"CNY"}}"#,
    }
}

fn response() -> ResponseParts<'static> {
    ResponseParts { status: 200, content_type: "application/json", body: br#"{"state":"paid"}"# }
}

fn sign(parts: &RequestParts<'_>) -> SignatureHeaders {
    sign_request(&key(1), parts, NOW, NOW.plus(Duration::from_secs(120))).unwrap()
}

fn verify(headers: &SignatureHeaders, parts: &RequestParts<'_>) -> Result<(), SignatureError> {
    verify_at(headers, parts, NOW, &WINDOW)
}

fn verify_at(
    headers: &SignatureHeaders,
    parts: &RequestParts<'_>,
    now: Timestamp,
    window: &Window,
) -> Result<(), SignatureError> {
    let received = ReceivedSignature::parse(&headers.signature_input, &headers.signature)?;
    verify_request(&received, parts, &headers.content_digest, &key(1).public(), now, window)
}

/// Signs by hand, so that a test can sign what our own signer never would.
fn sign_by_hand<'a>(
    key: &SigningKey,
    covered: &[&str],
    params: &str,
    value_of: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> (String, String) {
    let params = format!("({}){params}", covered.join(" "));
    let base = signature_base(covered.iter().copied(), &params, value_of).unwrap();
    (format!("evertill={params}"), format!("evertill=:{}:", STANDARD.encode(key.sign(base.as_bytes()))))
}
