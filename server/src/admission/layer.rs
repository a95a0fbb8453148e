//! The door: in front of the signature check, before a byte of the body is read; for money behind both.

use super::{Class, Enters, OfSource, Place, Shed, Unread};
use crate::app::App;
use crate::failure::Failure;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evertill_shared::protocol::error::ErrorCode;
use std::net::SocketAddr;
use std::sync::Arc;

/// What people see in a browser. Their language is not known yet: that takes a look at the session.
const BUSY_PAGE: &str = "The server is busy. Nothing was done. Try again in a moment.\n\
                         服务器繁忙，未做任何操作，请稍后重试。\n";
const UNREAD_PAGE: &str = "Not all of the page arrived here. Nothing was done. Try again.\n\
                           页面未完整送达，未做任何操作，请重试。\n";

/// Lets a request in, or refuses it: surely nothing was done then, and the answer is signed like any other. The
/// place is kept until the answer is made. What enters when its signature was verified is let in there ([`let_in`]).
pub(crate) async fn admit(app: &App, mut request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let method = request.method().clone();
    let Some(class) = Class::of(&method, route) else { return next.run(request).await };
    let for_people = route.starts_with("/console") || route == "/";
    match class.enters(route) {
        Enters::WhenVerified => return next.run(request).await,
        Enters::WhenRead => {
            let (parts, body) = request.into_parts();
            match app.door.readers().read_ahead(body).await {
                Ok(bytes) => request = Request::from_parts(parts, Body::from(bytes)),
                Err(unread) => return unanswered(unread, for_people),
            }
        }
        // Those that hang over their bodies would be in the way.
        Enters::AtOnce => app.door.readers().tidy(),
    }
    let of_source = match of_source(app, class, &request) {
        Ok(of_source) => of_source,
        Err(shed) => {
            drop(request);
            return refuse(app, &shed, for_people).await;
        }
    };
    let quick = Class::is_quick(&method, route);
    match app.door.places().enter(class, quick, || app.groups.engine()).await {
        Ok(place) => {
            let mut response = place.kept_by(next.run(request).await);
            if let Some(of_source) = of_source {
                response.extensions_mut().insert(Arc::new(of_source));
            }
            response
        }
        Err(shed) => {
            drop(request);
            refuse(app, &shed, for_people).await
        }
    }
}

async fn refuse(app: &App, shed: &Shed, for_people: bool) -> Response {
    let refusal = turn_away(app, shed).await;
    if for_people { page(shed) } else { refusal.into_response() }
}

/// Of people who log in: that their address has not too many in already. The rest is told apart by what is signed.
fn of_source(app: &App, class: Class, request: &Request) -> Result<Option<OfSource>, Shed> {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    match from.filter(|_| class == Class::LogIns) {
        Some(from) => app.door.log_ins().enter(from).map(Some).ok_or_else(|| app.door.places().shed(class)),
        None => Ok(None),
    }
}

/// A place for a request whose signature was verified, if that is when it takes one.
pub(crate) async fn let_in(app: &App, method: &Method, route: &str) -> Result<Option<Place>, Shed> {
    match Class::of(method, route) {
        Some(class) if class.enters(route) == Enters::WhenVerified => {
            app.door.places().enter(class, false, || app.groups.engine()).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// Counts one that is not let in, and holds its refusal back for its time. What it came with should be gone before.
pub(crate) async fn turn_away(app: &App, shed: &Shed) -> Failure {
    app.door.shed(shed);
    app.door.places().hold(shed).await;
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

/// A request whose body did not come.
fn unanswered(unread: Unread, for_people: bool) -> Response {
    match unread {
        Unread::Crowded if for_people => (StatusCode::SERVICE_UNAVAILABLE, BUSY_PAGE).into_response(),
        _ if for_people => (StatusCode::BAD_REQUEST, UNREAD_PAGE).into_response(),
        _ => Failure::from(unread).into_response(),
    }
}

impl Place {
    /// Free again when the answer is signed and on its way.
    pub(crate) fn kept_by(self, mut response: Response) -> Response {
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
