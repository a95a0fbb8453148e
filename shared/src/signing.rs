//! HTTP message signatures (RFC 9421, Ed25519 only) with content digests (RFC 9530, sha-256): who sent a
//! request or an answer, that nothing in it was changed, and to which request an answer belongs.
//!
//! The algorithm is fixed by the key, never chosen by the message. The signature and the digest are two
//! checks: the signature covers the digest *header*, and only the digest check ties that header to the body.
//! [`verify_request`] and [`verify_response`] make both.
//!
//! What is received must be in the one canonical form of structured fields (RFC 9651), with one signature
//! labelled [`LABEL`]. So there is exactly one byte string for each set of parameters, duplicates cannot hide,
//! and the signature base is rebuilt from the parameters in the order in which they came.
//!
//! Replays are not found here: the request id is unique inside the transaction that it causes.

mod base;
mod digest;
mod key;
mod own_form;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use base::ReceivedSignature;
pub use digest::content_digest;
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use request::{RequestParts, sign_request, verify_request};
pub use response::{BoundRequest, ResponseParts, sign_response, verify_response};

use crate::clock::Timestamp;
use std::time::Duration;

/// The label of our signature in `Signature-Input` and `Signature`.
pub const LABEL: &str = "evertill";
/// The `tag` of a signed request.
pub const REQUEST_TAG: &str = "evertill-request";
/// The `tag` of a signed answer.
pub const RESPONSE_TAG: &str = "evertill-response";
/// The header with the request's id, which every request carries.
pub const REQUEST_ID_HEADER: &str = "evertill-request-id";
/// The header with the body's digest.
pub const CONTENT_DIGEST_HEADER: &str = "content-digest";
/// The header that says what was signed.
pub const SIGNATURE_INPUT_HEADER: &str = "signature-input";
/// The header with the signature itself.
pub const SIGNATURE_HEADER: &str = "signature";

/// The three headers that make a message a signed one; ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// Value of [`CONTENT_DIGEST_HEADER`].
    pub content_digest: String,
    /// Value of [`SIGNATURE_INPUT_HEADER`].
    pub signature_input: String,
    /// Value of [`SIGNATURE_HEADER`].
    pub signature: String,
}

/// How far a request's times may be from the receiver's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The oldest that a request may be.
    pub max_age: Duration,
    /// How far the sender's clock may run ahead of ours, or ours ahead of its `expires`.
    pub max_skew: Duration,
}

impl Default for Window {
    /// Five minutes old, one minute ahead.
    fn default() -> Self {
        Self { max_age: Duration::from_secs(300), max_skew: Duration::from_secs(60) }
    }
}

/// Why a message is not believed, or could not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The message carries no signature of ours.
    #[error("the message is not signed")]
    Missing,
    /// The headers, or a value that is to be signed, are not of the required form; the text says what is wrong.
    #[error("the message's signature is malformed: {0}")]
    Malformed(&'static str),
    /// The signature was made for another use.
    #[error("the signature was made for another purpose")]
    WrongTag,
    /// Something that must be signed is not.
    #[error("the signature does not cover {0}")]
    NotCovered(&'static str),
    /// The body is not the one that was signed.
    #[error("the body does not match its digest: it was changed or cut off on the way")]
    DigestMismatch,
    /// The signature does not fit the message and the key.
    #[error(
        "the signature does not match the message: it was changed on the way, or signed with another key"
    )]
    BadSignature,
    /// Signed too long ago; or the two clocks differ.
    #[error("the message was signed at {created}, too long before {now}: check the clocks and send it again")]
    Stale {
        /// When the sender says that it signed.
        created: Timestamp,
        /// The receiver's time.
        now: Timestamp,
    },
    /// Signed at a time that has not come yet.
    #[error("the message was signed in the future: check the sender's clock")]
    FromTheFuture,
    /// Past the time that the sender itself had set.
    #[error("the signature has expired: sign the request again")]
    Expired,
    /// Nobody here knows the key. Not found by this module: for those who look keys up.
    #[error("the key that signed is not known here: activate the terminal first")]
    UnknownKey,
}
