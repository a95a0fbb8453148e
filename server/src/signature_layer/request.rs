//! A signed request: read, verified, handed on.

use super::{told, with_body};
use crate::admission::{Readers, Unread};
use crate::door::Door;
use crate::failure::Failure;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::MAX_BODY_BYTES;
use evertill_shared::signing::{
    CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, ReceivedSignature, RequestParts, SIGNATURE_HEADER,
    SIGNATURE_INPUT_HEADER, SignatureError, VerifyingKey, verify_request,
};
use std::sync::Mutex;
use std::sync::PoisonError;

/// The longest request id, in bytes.
const LONGEST_ID: usize = 80;

/// A request with our signature on it. Not to be believed before [`Signed::verify`].
pub(super) struct Signed {
    parts: Parts,
    /// Taken out once, when it is read.
    body: Mutex<Option<Body>>,
    received: ReceivedSignature,
}

/// The one value of a header; empty if it is not there.
fn header<'a>(parts: &'a Parts, name: &str) -> Result<&'a str, Failure> {
    let mut values = parts.headers.get_all(name).into_iter();
    let (first, second) = (values.next(), values.next());
    let text = first.map_or(Ok(""), |value| value.to_str());
    match (text, second) {
        (Ok(text), None) => Ok(text),
        _ => Err(told(&SignatureError::Malformed("a signed header stands twice or is not plain text"))),
    }
}

impl Signed {
    /// Reads the headers; the body is not touched.
    pub(super) fn read(request: Request) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let input = header(&parts, SIGNATURE_INPUT_HEADER)?;
        let signature = header(&parts, SIGNATURE_HEADER)?;
        let received = ReceivedSignature::parse(input, signature).map_err(|error| told(&error))?;
        let id = header(&parts, REQUEST_ID_HEADER)?;
        let id_fits = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic());
        if !id_fits {
            return Err(told(&SignatureError::Malformed(
                "the request id must be 1 to 80 printable characters",
            )));
        }
        for name in [CONTENT_DIGEST_HEADER, CONTENT_TYPE.as_str()] {
            header(&parts, name)?;
        }
        let stated = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if stated.is_some_and(|length: u64| length > MAX_BODY_BYTES as u64) {
            return Err(Unread::TooLong(MAX_BODY_BYTES).into());
        }
        Ok(Self { parts, body: Mutex::new(Some(body)), received })
    }

    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    pub(super) fn key_id(&self) -> &str {
        self.received.key_id()
    }

    pub(super) fn request_id(&self) -> &str {
        self.header(REQUEST_ID_HEADER)
    }

    /// A header that [`Signed::read`] has looked at.
    fn header(&self, name: &str) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, read up to what a server reads and as long as it may take.
    pub(super) async fn body(&self, readers: &Readers) -> Result<Bytes, Failure> {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        Ok(readers.read(body, MAX_BODY_BYTES).await?)
    }

    /// Whether the holder of `key` signed all of it, within the window.
    pub(super) fn verify(&self, key: &VerifyingKey, body: &[u8], now: Timestamp) -> Result<(), Failure> {
        let uri = &self.parts.uri;
        let authority = uri.authority().map_or_else(|| self.header(HOST.as_str()), |a| a.as_str());
        let parts = RequestParts {
            method: self.parts.method.as_str(),
            authority,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            content_type: self.header(CONTENT_TYPE.as_str()),
            request_id: self.request_id(),
            body,
        };
        let digest = self.header(CONTENT_DIGEST_HEADER);
        verify_request(&self.received, &parts, digest, key, now, &Door::window()).map_err(|e| told(&e))
    }

    /// The request for the handler, with who sent it.
    pub(super) fn admitted<T: Clone + Send + Sync + 'static>(self, body: Bytes, who: T) -> Request {
        let mut parts = self.parts;
        parts.extensions.insert(who);
        with_body(parts, body)
    }
}
