//! Logging in and out, and choosing a language.

use super::frame::{Frame, Notice, Tab, Tone, html};
use super::posted::{LogInForm, Posted};
use super::problem::Problem;
use super::visitor::{LANGUAGE_COOKIE, SESSION_COOKIE, VISIT_COOKIE, Visitor, own_page};
use super::words::{Language, fill};
use crate::app::App;
use crate::base_store::LoginCheck;
use crate::session;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::LogIn;
use evertill_shared::secret::SecretText;
use serde::Deserialize;

/// Where people land who asked for no page in particular.
const START: &str = "/console/orders";
const YEAR_S: u64 = 365 * 24 * 3600;

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    login: String,
    next: String,
}

/// What brought somebody here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    next: String,
    out: Option<String>,
}

/// A secret cookie that scripts and other sites never see. Without `age` it ends with the browser.
fn secret_cookie(name: &str, value: &str, age_s: Option<u64>) -> String {
    let age = age_s.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// The form. It is bound to a cookie of this browser, so that nobody can log others in by a page of their own.
fn draw(
    visitor: Visitor,
    status: StatusCode,
    notice: Option<Notice>,
    login: &str,
    next: &str,
) -> Result<Response, Problem> {
    let mut fresh = None;
    let visitor = if visitor.has_visit() {
        visitor
    } else {
        let visit = hex::encode(crate::base_store::random::<16>()?);
        fresh = Some(secret_cookie(VISIT_COOKIE, &visit, None));
        visitor.with_visit(SecretText::new(visit))
    };
    let page = Page {
        f: visitor.frame(Tab::None),
        notices: notice.into_iter().collect(),
        login: login.to_owned(),
        next: own_page(next).unwrap_or(START).to_owned(),
    };
    let response = html(status, &page);
    Ok(match fresh {
        Some(cookie) => with_cookie(response, &cookie),
        None => response,
    })
}

/// The log-in page.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    if visitor.session.is_some() {
        return Ok(Redirect::to(own_page(&asked.next).unwrap_or(START)).into_response());
    }
    let t = visitor.words();
    let notice = if asked.out.is_some() {
        Some(Notice::good(t.logged_out))
    } else {
        (!asked.next.is_empty()).then(|| Notice::new(Tone::Off, t.log_in_first))
    };
    draw(visitor, StatusCode::OK, notice, "", &asked.next)
}

/// Opens a session for whoever gives the right name and password.
pub(super) async fn log_in(State(app): State<App>, form: LogInForm) -> Result<Response, Problem> {
    let LogInForm { visitor, fields, own } = form;
    let (t, next) = (visitor.words(), fields.get("next").to_owned());
    let login = fields.get("login").to_owned();
    if !own {
        return draw(visitor, StatusCode::FORBIDDEN, Some(Notice::bad(t.log_in_old)), &login, &next);
    }
    let asked =
        LogIn { login: login.clone(), password: SecretText::new(fields.exact("password").to_owned()) };
    let failure = match session::log_in(&app, &asked).await {
        Ok(opened) => {
            let response = Redirect::to(own_page(&next).unwrap_or(START)).into_response();
            // Without an age: it ends with the browser, and on the server twelve hours after its last use.
            return Ok(with_cookie(response, &secret_cookie(SESSION_COOKIE, opened.token.expose(), None)));
        }
        Err(failure) => failure,
    };
    let (status, notice) = match (failure.code, app.base.login_check(&login).await?) {
        (_, LoginCheck::Wait(until)) => {
            let seconds = until.since(app.clock.now()).as_secs() + 1;
            let text = fill(t.log_in_throttled, &[&seconds.to_string()]);
            (StatusCode::TOO_MANY_REQUESTS, Notice::bad(text))
        }
        (ErrorCode::NotAllowed, LoginCheck::Try(_)) => (StatusCode::FORBIDDEN, Notice::bad(t.log_in_wrong)),
        (ErrorCode::Overloaded, LoginCheck::Try(_)) => {
            (StatusCode::TOO_MANY_REQUESTS, Notice::bad(t.overloaded))
        }
        (_, LoginCheck::Try(_)) => return Err(Problem::Internal),
    };
    draw(visitor, status, Some(notice), &login, &next)
}

/// Ends the session.
pub(super) async fn log_out(
    State(app): State<App>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Problem> {
    if let Some(token) = visit.token() {
        app.base.close_session(token).await?;
    }
    let response = Redirect::to("/console/login?out=1").into_response();
    Ok(with_cookie(response, &secret_cookie(SESSION_COOKIE, "", Some(0))))
}

/// A choice of language.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    to: String,
    back: String,
}

/// Keeps the choice in a cookie and goes back to the page it was made on.
pub(super) async fn language(Query(choice): Query<Choice>) -> Result<Response, Problem> {
    let language = Language::from_code(&choice.to).ok_or(Problem::NotFound)?;
    let back = if choice.back.starts_with("/console/login") { "/console/login" } else { &choice.back };
    let back = if back == "/console/login" { back } else { own_page(back).unwrap_or(START) };
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={YEAR_S}",
        language.code()
    );
    Ok(with_cookie(Redirect::to(back).into_response(), &cookie))
}
