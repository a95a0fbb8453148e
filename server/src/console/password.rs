//! Changing one's own password.

use super::frame::{Frame, Notice, Tab, html};
use super::posted::Posted;
use super::problem::Problem;
use super::visitor::Visit;
use super::words::fill;
use crate::app::App;
use crate::base_store::LoginCheck;
use crate::session;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::ChangePassword;
use evertill_shared::secret::SecretText;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "password.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
}

/// What was just done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    done: Option<String>,
}

fn draw(visit: &Visit, status: StatusCode, notice: Option<Notice>) -> Response {
    let page = Page { f: visit.frame(Tab::None), notices: notice.into_iter().collect() };
    html(status, &page)
}

/// The form.
pub(super) async fn page(visit: Visit, Query(done): Query<Done>) -> Result<Response, Problem> {
    let notice = done.done.map(|_| Notice::good(visit.words().password_changed));
    Ok(draw(&visit, StatusCode::OK, notice))
}

/// Changes it.
pub(super) async fn change(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    let t = visit.words();
    let secret = |name| SecretText::new(fields.exact(name).to_owned());
    let (asked, again) = (ChangePassword { old: secret("old"), new: secret("new") }, secret("again"));
    let refused = |status, text: String| Ok(draw(&visit, status, Some(Notice::bad(text))));
    if asked.new != again {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, t.password_differs.into());
    }
    let Some(token) = visit.token() else { return Err(Problem::FormToken) };
    let failure = match session::change_password(&app, &visit.who, token, &asked).await {
        Ok(_) => return Ok(Redirect::to("/console/password?done=1").into_response()),
        Err(failure) => failure,
    };
    if let LoginCheck::Wait(until) = app.base.login_check(&visit.who.login).await? {
        let seconds = until.since(app.clock.now()).as_secs() + 1;
        let text = fill(t.log_in_throttled, &[&seconds.to_string()]);
        return refused(StatusCode::TOO_MANY_REQUESTS, text);
    }
    match failure.code {
        ErrorCode::NotAllowed | ErrorCode::Conflict => {
            refused(StatusCode::UNPROCESSABLE_ENTITY, t.password_wrong.into())
        }
        ErrorCode::BadRequest => refused(StatusCode::UNPROCESSABLE_ENTITY, t.password_short.into()),
        ErrorCode::Overloaded => refused(StatusCode::TOO_MANY_REQUESTS, t.overloaded.into()),
        _ => Err(Problem::Internal),
    }
}
