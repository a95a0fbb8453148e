//! Signed requests.

use super::base::{NewSignature, ReceivedSignature, sign_with};
use super::{LABEL, REQUEST_TAG, SignatureError, SignatureHeaders, SigningKey, VerifyingKey, Window};
use super::{content_digest, digest};
use crate::clock::Timestamp;
use std::borrow::Cow;

/// What every request's signature covers.
pub(super) const COVERED: [&str; 7] = [
    "\"@method\"",
    "\"@authority\"",
    "\"@path\"",
    "\"@query\"",
    "\"content-type\"",
    "\"content-digest\"",
    "\"evertill-request-id\"",
];
/// The same as one list.
pub(super) const COVERED_TEXT: &str = "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \
    \"content-digest\" \"evertill-request-id\")";

/// The parts of a request that are signed, as they go over the wire.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// `GET`, `POST`: upper case, as sent.
    pub method: &'a str,
    /// Host and port, as in the `Host` header or `:authority`. Case and an explicit `:443` do not matter.
    pub authority: &'a str,
    /// The path, percent-encoded as sent; starts with `/`.
    pub path: &'a str,
    /// The query, percent-encoded as sent, without its `?`; may be empty.
    pub query: &'a str,
    /// Value of the `Content-Type` header; empty if there is none.
    pub content_type: &'a str,
    /// Value of the header [`super::REQUEST_ID_HEADER`].
    pub request_id: &'a str,
    /// The body; may be empty.
    pub body: &'a [u8],
}

impl<'a> RequestParts<'a> {
    fn value_of(&self, component: &str, content_digest: &'a str) -> Option<Cow<'a, str>> {
        Some(match component {
            "\"@method\"" => self.method.into(),
            "\"@authority\"" => authority(self.authority),
            "\"@path\"" => if self.path.is_empty() { "/" } else { self.path }.into(),
            "\"@query\"" if self.query.is_empty() => "?".into(),
            "\"@query\"" => format!("?{}", self.query).into(),
            "\"content-type\"" => self.content_type.into(),
            "\"content-digest\"" => content_digest.into(),
            "\"evertill-request-id\"" => self.request_id.into(),
            _ => return None,
        })
    }
}

/// RFC 9421 section 2.2.3: lower case, without the scheme's own port; our scheme is always https.
fn authority(text: &str) -> Cow<'_, str> {
    let text = text.strip_suffix(":443").unwrap_or(text);
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// Signs a request. `created` is now, by the sender's clock; `expires` is when it shall no longer count.
///
/// # Errors
/// [`SignatureError::Malformed`] if a part cannot stand in a header, or the request id is empty.
pub fn sign_request(
    key: &SigningKey,
    parts: &RequestParts<'_>,
    created: Timestamp,
    expires: Timestamp,
) -> Result<SignatureHeaders, SignatureError> {
    if parts.request_id.is_empty() {
        return Err(SignatureError::Malformed("there is no request id"));
    }
    let content_digest = content_digest(parts.body);
    let new = NewSignature {
        created,
        expires: Some(expires),
        nonce: Some(parts.request_id),
        tag: Some(REQUEST_TAG),
    };
    let (signature_input, signature) =
        sign_with(key, LABEL, &COVERED, &new, |name| parts.value_of(name, &content_digest))?;
    Ok(SignatureHeaders { content_digest, signature_input, signature })
}

/// Whether this request was signed by the holder of `key`, not long ago, and arrived unchanged, body included.
/// A replay verifies again: the request id is what makes its effect happen once.
///
/// # Errors
/// [`SignatureError`], the cheapest reason first.
pub fn verify_request(
    received: &ReceivedSignature,
    parts: &RequestParts<'_>,
    content_digest_header: &str,
    key: &VerifyingKey,
    now: Timestamp,
    window: &Window,
) -> Result<(), SignatureError> {
    let created = received.require(REQUEST_TAG, &COVERED)?;
    let expires = received.expires().ok_or(SignatureError::Malformed("there is no expires"))?;
    if received.nonce().is_none_or(str::is_empty) || parts.request_id.is_empty() {
        return Err(SignatureError::Malformed("there is no nonce or no request id"));
    }
    check_times(created, expires, now, window)?;
    received.verify_with(key, |name| parts.value_of(name, content_digest_header))?;
    digest::check(content_digest_header, parts.body)
}

fn check_times(
    created: Timestamp,
    expires: Timestamp,
    now: Timestamp,
    window: &Window,
) -> Result<(), SignatureError> {
    if expires < created {
        return Err(SignatureError::Malformed("it expires before it is created"));
    }
    if created > now.plus(window.max_skew) {
        return Err(SignatureError::FromTheFuture);
    }
    if now > created.plus(window.max_age) {
        return Err(SignatureError::Stale { created, now });
    }
    if now > expires.plus(window.max_skew) {
        return Err(SignatureError::Expired);
    }
    Ok(())
}
