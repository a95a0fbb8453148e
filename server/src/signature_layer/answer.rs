//! Answers on their way out: errors get the server's time and are counted; whatever answers a signed request is
//! signed and bound to it.

use crate::app::App;
use crate::failure::Failure;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, ResponseParts, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER,
    SignatureHeaders, sign_response,
};

/// The largest answer there is, in bytes: a whole catalogue.
const LARGEST: usize = 64 << 20;

/// What an answer is bound to.
struct Asked {
    method: String,
    path: String,
    content_digest: String,
    signature: String,
}

impl Asked {
    /// `None` for a request that carries no signature.
    fn of(request: &Request) -> Option<Self> {
        let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Some(Self {
            signature: text(SIGNATURE_HEADER)?,
            content_digest: text(CONTENT_DIGEST_HEADER).unwrap_or_default(),
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
        })
    }

    fn bound(&self) -> BoundRequest<'_> {
        BoundRequest {
            method: &self.method,
            path: &self.path,
            content_digest: &self.content_digest,
            signature: &self.signature,
        }
    }
}

/// The outermost middleware.
pub async fn sign_answers(State(app): State<App>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        app.door.count(failure.code);
        response = failure.answer(app.clock.now());
    }
    match asked {
        Some(asked) => signed(&app, &asked, response).await,
        None => response,
    }
}

async fn signed(app: &App, asked: &Asked, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, LARGEST).await else {
        tracing::error!(path = asked.path, "an answer could not be put together");
        let failure = Failure::new(ErrorCode::Internal, "the server could not answer: try again");
        return failure.answer(app.clock.now());
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let whole = ResponseParts { status: parts.status.as_u16(), content_type, body: &bytes };
    match sign_response(app.door.response_key(), &whole, &asked.bound(), app.clock.now()) {
        Ok(headers) => put(&mut parts.headers, &headers, &bytes),
        // Nothing to bind it to: the request's signature was no signature.
        Err(error) => tracing::debug!(%error, path = asked.path, "an answer goes out unsigned"),
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn put(headers: &mut HeaderMap, signature: &SignatureHeaders, body: &Bytes) {
    let values = [
        (CONTENT_DIGEST_HEADER, &signature.content_digest),
        (SIGNATURE_INPUT_HEADER, &signature.signature_input),
        (SIGNATURE_HEADER, &signature.signature),
    ];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
