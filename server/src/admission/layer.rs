//! The door: in front of the signature check, before a byte of the body is read.

use super::{Class, Shed};
use crate::app::App;
use crate::failure::Failure;
use axum::extract::{MatchedPath, Request};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evertill_shared::protocol::error::ErrorCode;
use std::sync::Arc;

/// What people see in a browser. Their language is not known yet: that takes a look at the session.
const BUSY_PAGE: &str = "The server is busy. Nothing was done. Try again in a moment.\n\
                         服务器繁忙，未做任何操作，请稍后重试。\n";

/// Lets a request in, or refuses it: surely nothing was done then, and the answer is signed like any other. The
/// place is kept until the answer is made.
pub async fn admit(app: &App, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let Some(class) = Class::of(request.method(), route) else { return next.run(request).await };
    let quick = Class::is_quick(request.method(), route);
    match app.door.places().enter(class, quick, || app.groups.engine()).await {
        Ok(place) => {
            let mut response = next.run(request).await;
            // Free again when the answer is signed and on its way.
            response.extensions_mut().insert(Arc::new(place));
            response
        }
        Err(shed) => {
            let for_people = route.starts_with("/console") || route == "/";
            drop(request);
            app.door.shed(&shed);
            app.door.places().hold(&shed).await;
            if for_people { page(&shed) } else { refusal(&shed).into_response() }
        }
    }
}

fn refusal(shed: &Shed) -> Failure {
    let failure = if shed.class == Class::NewOrders && shed.engine.is_poor() {
        Failure::new(ErrorCode::NoGroupAvailable, "no new orders can be numbered now; go on offline")
    } else {
        Failure::new(ErrorCode::Overloaded, "the server has too much to do: try again in a moment")
    };
    failure.after(shed.retry_after)
}

fn page(shed: &Shed) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, BUSY_PAGE).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(shed.retry_after.as_secs()));
    response
}
