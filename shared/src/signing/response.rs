//! Signed answers, each bound to the one request that it answers.

use super::base::{NewSignature, ReceivedSignature, sign_with, signature_member};
use super::{LABEL, RESPONSE_TAG, SignatureError, SignatureHeaders, SigningKey, VerifyingKey};
use super::{content_digest, digest};
use crate::clock::Timestamp;
use std::borrow::Cow;

/// What every answer's signature covers. The request's signature stands for all that the request covered.
pub(super) const COVERED: [&str; 7] = [
    "\"@status\"",
    "\"content-type\"",
    "\"content-digest\"",
    "\"@method\";req",
    "\"@path\";req",
    "\"content-digest\";req",
    "\"signature\";req;key=\"evertill\"",
];
/// The same as one list.
pub(super) const COVERED_TEXT: &str = "(\"@status\" \"content-type\" \"content-digest\" \"@method\";req \"@path\";req \
    \"content-digest\";req \"signature\";req;key=\"evertill\")";

/// The parts of an answer that are signed, as they go over the wire.
#[derive(Clone, Copy, Debug)]
pub struct ResponseParts<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Value of the `Content-Type` header; empty if there is none.
    pub content_type: &'a str,
    /// The body; may be empty.
    pub body: &'a [u8],
}

/// The request that an answer belongs to. The server takes it from what it received, the till from what it
/// sent: only if both mean the same request does the answer verify.
#[derive(Clone, Copy, Debug)]
pub struct BoundRequest<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path, percent-encoded as sent.
    pub path: &'a str,
    /// The raw value of the request's `Content-Digest` header.
    pub content_digest: &'a str,
    /// The raw value of the request's `Signature` header.
    pub signature: &'a str,
}

/// All values that an answer's base is made of.
struct Values<'a> {
    response: &'a ResponseParts<'a>,
    content_digest: &'a str,
    request: &'a BoundRequest<'a>,
    request_signature: Cow<'a, str>,
}

impl<'a> Values<'a> {
    fn new(
        response: &'a ResponseParts<'a>,
        content_digest: &'a str,
        request: &'a BoundRequest<'a>,
    ) -> Result<Self, SignatureError> {
        let request_signature = signature_member(LABEL, request.signature)?;
        Ok(Self { response, content_digest, request, request_signature })
    }

    fn of(&self, component: &str) -> Option<Cow<'_, str>> {
        Some(match component {
            "\"@status\"" => format!("{:03}", self.response.status).into(),
            "\"content-type\"" => self.response.content_type.into(),
            "\"content-digest\"" => self.content_digest.into(),
            "\"@method\";req" => self.request.method.into(),
            "\"@path\";req" => if self.request.path.is_empty() { "/" } else { self.request.path }.into(),
            "\"content-digest\";req" => self.request.content_digest.into(),
            "\"signature\";req;key=\"evertill\"" => self.request_signature.as_ref().into(),
            _ => return None,
        })
    }
}

/// Signs the answer to `request`. `created` is now, by the server's clock.
///
/// # Errors
/// [`SignatureError::Missing`] or [`SignatureError::Malformed`] if the request carried no signature of ours
/// (then there is nothing to bind the answer to), or a part cannot stand in a header.
pub fn sign_response(
    key: &SigningKey,
    parts: &ResponseParts<'_>,
    request: &BoundRequest<'_>,
    created: Timestamp,
) -> Result<SignatureHeaders, SignatureError> {
    let content_digest = content_digest(parts.body);
    let values = Values::new(parts, &content_digest, request)?;
    let new = NewSignature { created, expires: None, nonce: None, tag: Some(RESPONSE_TAG) };
    let (signature_input, signature) = sign_with(key, LABEL, &COVERED, &new, |name| values.of(name))?;
    Ok(SignatureHeaders { content_digest, signature_input, signature })
}

/// Whether this is the answer of the holder of `key` to exactly this `request`, unchanged, body included.
///
/// No clock is asked: the request was signed a moment ago by the one who verifies, so an answer bound to it
/// cannot be older, and a till whose clock is wrong must still be able to believe the server that tells it so.
/// [`ReceivedSignature::created`] is then the server's time.
///
/// # Errors
/// [`SignatureError`].
pub fn verify_response(
    received: &ReceivedSignature,
    parts: &ResponseParts<'_>,
    content_digest_header: &str,
    request: &BoundRequest<'_>,
    key: &VerifyingKey,
) -> Result<(), SignatureError> {
    received.require(RESPONSE_TAG, &COVERED)?;
    let values = Values::new(parts, content_digest_header, request)?;
    received.verify_with(key, |name| values.of(name))?;
    digest::check(content_digest_header, parts.body)
}
