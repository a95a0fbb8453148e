//! What stands around every page: the visitor is known before it, headers and friendly errors come after it.

use super::problem::{self, Problem};
use super::visitor::Visitor;
use crate::app::App;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The middleware.
pub(super) async fn shell(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/console/assets/") {
        return with_headers(next.run(request).await);
    }
    let visitor = match Visitor::of(&app, request.uri(), request.headers()).await {
        Ok(visitor) => Arc::new(visitor),
        Err(error) => {
            tracing::error!(%error, "the console cannot read its sessions");
            let stranger = Visitor::stranger(&app, request.uri(), request.headers());
            return with_headers(problem::page(Problem::Internal, &stranger));
        }
    };
    request.extensions_mut().insert(Arc::clone(&visitor));
    let response = next.run(request).await;
    let asked = response.extensions().get::<Problem>().copied().or_else(|| bare_error(&response));
    with_headers(match asked {
        Some(problem) => problem::page(problem, &visitor),
        None => response,
    })
}

/// Refusals of the framework itself (a path or a query that cannot be read, a method that is not there) have no
/// page of their own.
fn bare_error(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    match status.as_u16() {
        _ if is_page => None,
        404 | 405 => Some(Problem::NotFound),
        400..500 => Some(Problem::BadForm),
        500..600 => Some(Problem::Internal),
        _ => None,
    }
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
