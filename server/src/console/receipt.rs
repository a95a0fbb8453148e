//! How the receipts of all tills look: one template, checked as the tills read it before it gets to any.

use super::frame::{Frame, Notice, Tab, may_open, ok};
use super::posted::Posted;
use super::problem::Problem;
use super::visitor::Visit;
use super::words::fill;
use crate::app::App;
use crate::base_store::BaseError;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::DEFAULT;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    text: String,
    is_own: bool,
}

/// What was done a moment ago.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// The template in use, to be changed.
pub(super) async fn page(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Receipt) {
        return Err(Problem::Forbidden);
    }
    let template = app.base.receipt_template().await?;
    let is_own = template.text.is_some();
    let done = match asked.done.as_str() {
        "kept" => Some(Notice::good(visit.words().receipt_kept)),
        "removed" => Some(Notice::good(visit.words().receipt_removed)),
        _ => None,
    };
    let text = template.text.unwrap_or_else(|| DEFAULT.to_owned());
    Ok(ok(&Page { f: visit.frame(Tab::Receipt), notices: done.into_iter().collect(), text, is_own }))
}

/// Keeps a template, or takes the shop's away. One that is wrong comes back with what is wrong.
pub(super) async fn change(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Receipt) {
        return Err(Problem::Forbidden);
    }
    // Browsers send lines with CR LF; the tills' files have none.
    let text = fields.exact("text").replace("\r\n", "\n");
    let (template, done) = match fields.get("what") {
        "remove" => (ShopTemplate { text: None }, "removed"),
        _ => (ShopTemplate { text: Some(text.clone()) }, "kept"),
    };
    match app.base.set_receipt_template(template, visit.who.login.clone()).await {
        Ok(()) => Ok(Redirect::to(&format!("/console/receipt?done={done}")).into_response()),
        Err(BaseError::Invalid(why)) => {
            let notices = vec![Notice::bad(fill(visit.words().receipt_wrong, &[&why]))];
            let is_own = app.base.receipt_template().await?.text.is_some();
            Ok(ok(&Page { f: visit.frame(Tab::Receipt), notices, text, is_own }))
        }
        Err(error) => Err(error.into()),
    }
}
