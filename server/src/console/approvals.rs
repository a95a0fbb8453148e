//! A manager approves a refund from afar: one that a till has asked for, by a touch; or by a one-time code, shown on their
//! phone, scanned at the till.

use super::frame::{Frame, Notice, Tab, html, may_open};
use super::posted::{Fields, Posted};
use super::problem::Problem;
use super::qr::picture;
use super::refund_request::{self, Row};
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{ApprovalCode, BaseError, NewApproval};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use evertill_shared::id::TerminalId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::terminal_state::TerminalState;
use serde::Deserialize;

struct Till {
    terminal: String,
    name: String,
    chosen: bool,
}

/// The code, as a picture and as text.
struct Shown {
    what: String,
    side: usize,
    path: String,
    code: String,
    how: String,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    shown: Option<Shown>,
    currency: &'static str,
    form: Form,
    tills: Vec<Till>,
    asked: Vec<Row>,
}

/// What is to be approved, as far as it is filled in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    order: String,
    amount: String,
    till: String,
    /// The request of a till that was decided a moment ago, and the till.
    decided: String,
    at: String,
}

fn only_who_may(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Approvals) { Ok(()) } else { Err(Problem::Forbidden) }
}

/// The form, with the order that the person comes from.
pub(super) async fn page(
    State(app): State<App>,
    Query(form): Query<Form>,
    visit: Visit,
) -> Result<Response, Problem> {
    only_who_may(&visit)?;
    let done = refund_request::done(&app, &visit, (&form.at, &form.decided)).await?;
    draw(&app, &visit, StatusCode::OK, done.into_iter().collect(), None, form).await
}

/// The page, with what came of a decision about what a till asked for.
pub(super) async fn with_notice(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    notice: Notice,
) -> Result<Response, Problem> {
    draw(app, visit, status, vec![notice], None, Form::default()).await
}

/// Makes a code and shows it, this once.
pub(super) async fn make(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_who_may(&visit)?;
    let (t, currency) = (visit.words(), visit.store.currency);
    let form = filled_in(&fields);
    let new = match read(&form, &visit.who.login, currency, t) {
        Ok(new) => new,
        Err(sentence) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return draw(&app, &visit, status, vec![Notice::bad(sentence)], None, form).await;
        }
    };
    match app.base.new_approval_code(new.clone()).await {
        Ok(code) => {
            let shown = shown(&code, &new, &visit, t)?;
            draw(&app, &visit, StatusCode::OK, Vec::new(), Some(shown), Form::default()).await
        }
        Err(BaseError::Invalid(_)) => {
            let (status, notices) =
                (StatusCode::UNPROCESSABLE_ENTITY, vec![Notice::bad(t.approval_too_many)]);
            draw(&app, &visit, status, notices, None, form).await
        }
        Err(error) => Err(error.into()),
    }
}

fn filled_in(fields: &Fields) -> Form {
    let get = |name| fields.get(name).to_owned();
    Form { order: get("order"), amount: get("amount"), till: get("till"), ..Form::default() }
}

fn read(form: &Form, login: &str, currency: Currency, t: &'static Words) -> Result<NewApproval, String> {
    let most = Amount::parse_decimal(&form.amount, currency).ok().filter(|amount| amount.is_positive());
    let most = most.ok_or_else(|| fill(t.refund_bad_amount, &[currency.code()]))?;
    let digits: String = form.order.chars().filter(|c| !c.is_whitespace()).collect();
    let order: Option<OrderNumber> = match digits.is_empty() {
        true => None,
        false => Some(digits.parse().map_err(|_| t.approval_bad_order.to_owned())?),
    };
    let till: Option<TerminalId> = match form.till.is_empty() {
        true => None,
        false => Some(form.till.parse().map_err(|_| t.approval_choose.to_owned())?),
    };
    if order.is_none() && till.is_none() {
        return Err(t.approval_choose.into());
    }
    Ok(NewApproval { login: login.to_owned(), most, order, till })
}

fn shown(code: &ApprovalCode, new: &NewApproval, visit: &Visit, t: &'static Words) -> Result<Shown, Problem> {
    let (side, path) = picture(code.code.expose()).ok_or(Problem::Internal)?;
    let most = new.most.to_string();
    let what = match (&new.order, new.till) {
        (Some(order), _) => fill(t.approval_for_order, &[&most, &order.grouped()]),
        (None, till) => fill(t.approval_for_till, &[&most, &till.map_or(String::new(), |t| t.to_string())]),
    };
    let how = fill(t.approval_how_shown, &[&visit.time(code.expires_at)]);
    Ok(Shown { what, side, path, code: code.code.expose().to_owned(), how })
}

async fn draw(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    notices: Vec<Notice>,
    shown: Option<Shown>,
    form: Form,
) -> Result<Response, Problem> {
    let terminals = app.base.terminals().await?;
    let active = terminals.into_iter().filter(|row| row.state == Some(TerminalState::Active));
    let till = |terminal: String, name| Till { chosen: terminal == form.till, terminal, name };
    let asked = refund_request::rows(app, visit).await?;
    // One may have been decided since the visitor came.
    let requests = app.base.refund_requests_count().await?;
    let page = Page {
        f: visit.frame(Tab::Approvals).with_requests(requests),
        notices,
        shown,
        currency: visit.store.currency.code(),
        tills: active.map(|row| till(row.terminal.to_string(), row.name)).collect(),
        asked,
        form,
    };
    Ok(html(status, &page))
}
