//! Refunds that tills asked for: a manager decides about each.

use super::approvals;
use super::frame::{Notice, Tab, may_open};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::{Visit, query_of};
use super::words::{Words, fill};
use crate::api::refund_request::reserve_approved;
use crate::app::App;
use crate::base_store::{BaseError, Decider, Decision, RefundRequest, RequestState};
use crate::order_group::GroupError;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::TerminalId;

/// One that waits.
pub(super) struct Row {
    pub terminal: String,
    pub request: String,
    pub number: String,
    pub grouped: String,
    pub cashier: String,
    pub at: String,
    pub reason: String,
    pub amount: String,
    pub approve: String,
    /// Somebody approved it, and whether it is reserved is not known.
    pub under_way: Option<String>,
}

/// All that wait for a person.
pub(super) async fn rows(app: &App, visit: &Visit) -> Result<Vec<Row>, BaseError> {
    Ok(app.base.refund_requests().await?.into_iter().map(|one| row(one, visit)).collect())
}

fn row(one: RefundRequest, visit: &Visit) -> Row {
    let t = visit.words().of_requests;
    let amount = one.amount.to_string();
    Row {
        terminal: one.terminal.to_string(),
        number: one.order.to_string(),
        grouped: one.order.grouped(),
        cashier: one.cashier.map(|cashier| cashier.name).unwrap_or_default(),
        at: visit.time(one.asked_at),
        reason: one.reason,
        approve: fill(t.approve, &[&amount]),
        under_way: match &one.state {
            RequestState::Approved(by) => Some(fill(t.under_way, &[&by.name])),
            RequestState::Waiting
            | RequestState::Reserved(_)
            | RequestState::Refused(_)
            | RequestState::Forbidden(..)
            | RequestState::Expired => None,
        },
        request: one.request,
        amount,
    }
}

/// What was decided a moment ago, in words: it stands in the address, and is looked up again.
pub(super) async fn done(
    app: &App,
    visit: &Visit,
    (terminal, request): (&str, &str),
) -> Result<Option<Notice>, BaseError> {
    let Ok(terminal) = terminal.parse::<TerminalId>() else { return Ok(None) };
    let known = app.base.refund_request(terminal, request.to_owned()).await?;
    Ok(known.and_then(|known| outcome(&known, visit.words())))
}

fn outcome(known: &RefundRequest, t: &'static Words) -> Option<Notice> {
    let (words, order) = (t.of_requests, known.order.grouped());
    match &known.state {
        RequestState::Waiting
        | RequestState::Approved(_)
        | RequestState::Forbidden(..)
        | RequestState::Expired => None,
        RequestState::Reserved(_) => {
            let (amount, till) = (known.amount.to_string(), known.terminal.to_string());
            Some(Notice::good(fill(words.approved, &[&amount, &order, &till])))
        }
        RequestState::Refused(_) => Some(Notice::good(fill(words.refused, &[&order]))),
    }
}

/// Approves or refuses one.
pub(super) async fn decide(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Approvals) {
        return Err(Problem::Forbidden);
    }
    let t = visit.words();
    let decision = match fields.get("what") {
        "approve" => Decision::Approve,
        "refuse" => Decision::Refuse,
        _ => return Err(Problem::BadForm),
    };
    let terminal: TerminalId = fields.get("terminal").parse().map_err(|_| Problem::BadForm)?;
    let request = fields.get("request").to_owned();
    let me = Decider { login: visit.who.login.clone(), name: visit.who.name.clone() };
    let key = (terminal, request.clone());
    let known = match app.base.decide_refund(key, decision, me.clone()).await {
        Err(BaseError::NotFound(_)) => return Err(Problem::BadForm),
        known => known?,
    };
    let address =
        format!("/console/approvals?{}", query_of(&[("decided", &request), ("at", &terminal.to_string())]));
    let sentence = match (&known.state, decision) {
        // The same person once more, or whoever helps where the answer was lost: it is asked under the same name.
        (RequestState::Approved(by), Decision::Approve) => {
            match reserve_approved(&app, &known, by, app.clock.now()).await? {
                Ok(_) => return Ok(Redirect::to(&address).into_response()),
                Err(error @ GroupError::Refused(_)) => {
                    say::not_reserved(&error, known.order.tag(), visit.store.currency, t)
                }
                Err(_) => t.of_requests.in_doubt.to_owned(),
            }
        }
        (RequestState::Refused(by), Decision::Refuse) | (RequestState::Reserved(by), Decision::Approve)
            if *by == me =>
        {
            return Ok(Redirect::to(&address).into_response());
        }
        (
            RequestState::Approved(by)
            | RequestState::Reserved(by)
            | RequestState::Refused(by)
            | RequestState::Forbidden(by, _),
            _,
        ) => fill(t.of_requests.decided, &[&by.name]),
        (RequestState::Expired, _) => t.of_requests.expired.to_owned(),
        (RequestState::Waiting, _) => return Err(Problem::Internal),
    };
    approvals::with_notice(&app, &visit, StatusCode::CONFLICT, Notice::bad(sentence)).await
}
