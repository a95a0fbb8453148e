//! Pages for what did not work: what happened and what to do next.

use super::frame::{Frame, Tab, html};
use super::visitor::Visitor;
use super::words::fill;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evertill_shared::order_number::OrderNumber;

/// Something that has a page of its own instead of the one asked for. The page is drawn by the shell, which
/// knows the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No such page or thing.
    NotFound,
    /// There is no order with this number.
    NoSuchOrder,
    /// The visitor's role does not allow it.
    Forbidden,
    /// The form was not made for this session.
    FormToken,
    /// A form with parts missing.
    BadForm,
    /// A fault of ours.
    Internal,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoSuchOrder => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::FormToken => StatusCode::FORBIDDEN,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<crate::base_store::BaseError> for Problem {
    fn from(error: crate::base_store::BaseError) -> Self {
        tracing::error!(%error, "the console cannot use the base store");
        Self::Internal
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    f: Frame,
    title: &'static str,
    text: String,
    href: &'static str,
    go: &'static str,
}

/// The page of a problem.
pub(super) fn page(problem: Problem, visitor: &Visitor) -> Response {
    let t = visitor.words();
    let (title, text) = match problem {
        Problem::NotFound => (t.not_found_title, t.not_found_text),
        Problem::NoSuchOrder => (t.not_found_title, t.order_not_found),
        Problem::Forbidden => (t.forbidden_title, t.forbidden_text),
        Problem::FormToken => (t.csrf_title, t.csrf_text),
        Problem::BadForm => (t.error_title, t.bad_form),
        Problem::Internal => (t.internal_title, t.internal_text),
    };
    let (href, go) = match visitor.session {
        Some(_) => ("/console/orders", t.to_orders),
        None => ("/console/login", t.log_in),
    };
    html(problem.status(), &Page { f: visitor.frame(Tab::None), title, text: text.into(), href, go })
}

/// An order whose group cannot be reached: it is there, but nothing can be said of it now.
pub(super) fn group_page(number: OrderNumber, visitor: &Visitor) -> Response {
    let sentence = fill(visitor.words().group_unavailable, &[&number.tag().to_string()]);
    sentence_page(sentence, visitor)
}

/// A page that says one sentence about an order that cannot be shown.
pub(super) fn sentence_page(sentence: String, visitor: &Visitor) -> Response {
    let t = visitor.words();
    let f = visitor.frame(Tab::Orders);
    let page = Page { f, title: t.error_title, text: sentence, href: "/console/orders", go: t.to_orders };
    html(StatusCode::SERVICE_UNAVAILABLE, &page)
}

/// Any address under `/console` that is none of ours.
pub(super) async fn no_such_page() -> Problem {
    Problem::NotFound
}
