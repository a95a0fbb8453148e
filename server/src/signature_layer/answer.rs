//! Answers on their way out: errors get the server's time and are counted; whatever answers a signed request is
//! signed and bound to it.

use crate::admission::admit;
use crate::app::App;
use crate::failure::Failure;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, ResponseParts, SIGNATURE_HEADER,
    SIGNATURE_INPUT_HEADER, SignatureHeaders, sign_response,
};
use std::time::Duration;

/// The largest answer there is, in bytes: a whole catalogue.
const LARGEST: usize = 64 << 20;

/// No more of a request's id or order number goes into the log, in characters.
const LONGEST_ID: usize = 80;

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

/// What is measured and told of a request, whatever becomes of it.
struct About {
    route: Option<MatchedPath>,
    method: &'static str,
    path: String,
    request_id: String,
    since: Duration,
}

impl About {
    fn of(app: &App, request: &Request) -> Self {
        // Methods that nobody knows are not told apart: their number has no bound.
        let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
        let method = known.into_iter().find(|known| *known == request.method().as_str()).unwrap_or("other");
        let id = request.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Self {
            route: request.extensions().get::<MatchedPath>().cloned(),
            method,
            path: request.uri().path().to_owned(),
            request_id: id.chars().take(LONGEST_ID).collect(),
            since: app.clock.monotonic(),
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn measure(&self, app: &App, status: u16) {
        let took = app.clock.monotonic().saturating_sub(self.since);
        let route = self.route().to_owned();
        metrics::histogram!("evertill_http_request_seconds", "route" => route, "method" => self.method,
            "status" => status.to_string())
        .record(took.as_secs_f64());
    }

    /// One line for each refusal, with what is needed to find it again. Those for too much load are told of once a
    /// second, where they are decided.
    fn tell(&self, failure: &Failure) {
        let mut parts = self.path.split('/').skip_while(|part| *part != "orders").skip(1);
        let number: String = parts.next().unwrap_or_default().chars().take(LONGEST_ID).collect();
        let (route, method, request) = (self.route(), self.method, self.request_id.as_str());
        let (code, why) = (failure.code.word(), failure.message.as_str());
        match failure.code {
            ErrorCode::Overloaded => {
                tracing::debug!(code, route, method, number, request, why, "a request is refused");
            }
            ErrorCode::OutcomeUnknown
            | ErrorCode::Internal
            | ErrorCode::GroupUnavailable
            | ErrorCode::NoGroupAvailable
            | ErrorCode::Conflict
            | ErrorCode::ChainBroken => {
                tracing::warn!(code, route, method, number, request, why, "a request is refused");
            }
            _ => tracing::info!(code, route, method, number, request, why, "a request is refused"),
        }
    }
}

/// The outermost middleware: the door, and whatever comes out of it signed. One layer, because each costs every request
/// a microsecond or two.
pub async fn sign_answers(State(app): State<App>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let about = About::of(&app, &request);
    let mut response = admit(&app, request, next).await;
    about.measure(&app, response.status().as_u16());
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        app.door.count(failure.code);
        about.tell(&failure);
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
