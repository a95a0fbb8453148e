//! `Content-Digest` (RFC 9530), sha-256 only.

use super::SignatureError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The value of the `Content-Digest` header for this body (which may be empty).
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    let mut header = String::with_capacity(54);
    header.push_str("sha-256=:");
    STANDARD.encode_string(digest(&SHA256, body), &mut header);
    header.push(':');
    header
}

/// Checks a received `Content-Digest` against the body. Other algorithms may stand beside sha-256; they are
/// not looked at, because a sender who names two digests is held to the one that we know to be strong.
pub(super) fn check(header: &str, body: &[u8]) -> Result<(), SignatureError> {
    // Nearly always it is what we would write.
    if header == content_digest(body) {
        return Ok(());
    }
    if header.len() > super::base::MAX_HEADER {
        return Err(SignatureError::Malformed("the content digest is too long"));
    }
    let fields: Dictionary = Parser::new(header)
        .parse()
        .map_err(|_| SignatureError::Malformed("the content digest is unreadable"))?;
    let Some(ListEntry::Item(item)) = fields.get("sha-256") else {
        return Err(SignatureError::Malformed("there is no sha-256 content digest"));
    };
    let BareItem::ByteSequence(claimed) = &item.bare_item else {
        return Err(SignatureError::Malformed("the content digest is not a byte sequence"));
    };
    if claimed.as_slice() == digest(&SHA256, body).as_ref() {
        Ok(())
    } else {
        Err(SignatureError::DigestMismatch)
    }
}
