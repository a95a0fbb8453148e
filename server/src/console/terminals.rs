//! Terminals: the list, activating after the fingerprint was compared, blocking, unblocking, retiring, enrolment codes.

use super::frame::{Badge, Frame, Notice, Tab, html, may_open};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::BaseError;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::{EnrolmentCode, TerminalChange, TerminalRow};
use evertill_shared::terminal_state::TerminalState;
use serde::Deserialize;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;

struct Row {
    terminal: String,
    name: String,
    badge: Badge,
    last_seen: String,
    journal: u64,
    fingerprint: String,
    registration_code: Option<String>,
    action: &'static str,
}

struct Code {
    title: String,
    code: String,
    how: String,
}

#[derive(Template)]
#[template(path = "terminals.html")]
struct List {
    f: Frame,
    notices: Vec<Notice>,
    code: Option<Code>,
    rows: Vec<Row>,
    name: String,
    zone_note: String,
}

/// What can be done with a terminal where it stands.
enum Action {
    Activate,
    Block,
    Unblock,
    Nothing(&'static str),
}

#[derive(Template)]
#[template(path = "terminal.html")]
struct One {
    f: Frame,
    notices: Vec<Notice>,
    row: Row,
    groups: Vec<String>,
    action: Action,
    /// What retiring it would lose; nothing if it cannot be retired.
    retiring: Option<String>,
    form: Form,
    zone_note: String,
}

/// What was typed and not taken.
#[derive(Clone, Debug, Default)]
struct Form {
    reason: String,
    /// It is the form for retiring.
    retires: bool,
}

/// What was just done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    done: String,
}

fn only_it(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Terminals) { Ok(()) } else { Err(Problem::Forbidden) }
}

fn row(terminal: &TerminalRow, visit: &Visit) -> Row {
    let t = visit.words();
    Row {
        terminal: terminal.terminal.to_string(),
        name: terminal.name.clone(),
        badge: say::terminal(terminal.state, t),
        last_seen: terminal.last_seen.map_or(t.never_seen.to_owned(), |at| visit.time(at)),
        journal: terminal.journal_sequence,
        fingerprint: terminal.fingerprint.clone().unwrap_or_default(),
        registration_code: terminal.registration_code.clone(),
        action: match terminal.state {
            Some(TerminalState::Pending) => t.activate,
            _ => t.open,
        },
    }
}

async fn draw_list(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    notices: Vec<Notice>,
    code: Option<Code>,
    name: String,
) -> Result<Response, Problem> {
    let terminals = app.base.terminals().await?;
    let page = List {
        f: visit.frame(Tab::Terminals),
        notices,
        code,
        rows: terminals.iter().map(|terminal| row(terminal, visit)).collect(),
        name,
        zone_note: fill(visit.words().times_in, &[visit.store.zone.name()]),
    };
    Ok(html(status, &page))
}

/// The list.
pub(super) async fn list(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    only_it(&visit)?;
    draw_list(&app, &visit, StatusCode::OK, Vec::new(), None, String::new()).await
}

/// Makes an enrolment code and shows it, this once.
pub(super) async fn make_code(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let (t, name) = (visit.words(), fields.get("name").to_owned());
    match app.base.new_enrolment_code(&name, visit.who.login.clone()).await {
        Ok(code) => {
            let code = code_view(&code, &name, &visit, t);
            draw_list(&app, &visit, StatusCode::OK, Vec::new(), Some(code), String::new()).await
        }
        Err(BaseError::Invalid(_)) => {
            let notices = vec![Notice::bad(t.name_needed)];
            draw_list(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, notices, None, name).await
        }
        Err(error) => Err(error.into()),
    }
}

fn code_view(code: &EnrolmentCode, name: &str, visit: &Visit, t: &'static Words) -> Code {
    Code {
        title: fill(t.code_title, &[&format!("{} · {name}", code.terminal)]),
        code: code.code.expose().to_owned(),
        how: fill(t.code_how, &[&visit.time(code.expires_at)]),
    }
}

async fn find(app: &App, terminal: &str) -> Result<TerminalRow, Problem> {
    let terminal: TerminalId = terminal.parse().map_err(|_| Problem::NotFound)?;
    let terminals = app.base.terminals().await?;
    terminals.into_iter().find(|row| row.terminal == terminal).ok_or(Problem::NotFound)
}

fn draw_one(
    visit: &Visit,
    terminal: &TerminalRow,
    status: StatusCode,
    notices: Vec<Notice>,
    form: Form,
) -> Response {
    let (t, row) = (visit.words(), row(terminal, visit));
    let retirable = !matches!(terminal.state, None | Some(TerminalState::Retired));
    let action = match terminal.state {
        None => Action::Nothing(t.not_enrolled_note),
        Some(TerminalState::Pending) => Action::Activate,
        Some(TerminalState::Active) => Action::Block,
        Some(TerminalState::Blocked) => Action::Unblock,
        Some(TerminalState::Retired) => Action::Nothing(t.retired_note),
    };
    let fingerprint = terminal.fingerprint.as_deref().unwrap_or_default();
    let page = One {
        f: visit.frame(Tab::Terminals),
        notices,
        retiring: retirable
            .then(|| fill(t.retire_warning, &[&terminal.journal_sequence.to_string(), &row.last_seen])),
        row,
        groups: fingerprint.split_whitespace().map(str::to_owned).collect(),
        action,
        form,
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    html(status, &page)
}

/// One terminal.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(terminal): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let (terminal, t) = (find(&app, &terminal).await?, visit.words());
    // Said only if it is so: an address can be kept and opened again.
    let sentence = match (done.done.as_str(), terminal.state) {
        ("activate", Some(TerminalState::Active)) => Some(t.activated),
        ("block", Some(TerminalState::Blocked)) => Some(t.blocked),
        ("unblock", Some(TerminalState::Active)) => Some(t.unblocked),
        ("retire", Some(TerminalState::Retired)) => Some(t.retired),
        _ => None,
    };
    let notices = sentence.map(|text| Notice::good(fill(text, &[&terminal.terminal.to_string()])));
    Ok(draw_one(&visit, &terminal, StatusCode::OK, notices.into_iter().collect(), Form::default()))
}

/// Activates a terminal whose fingerprint was compared at the till.
pub(super) async fn activate(
    State(app): State<App>,
    Path(terminal): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let (terminal, t) = (find(&app, &terminal).await?, visit.words());
    let fingerprint = terminal.fingerprint.clone().unwrap_or_default();
    let last = fingerprint.split_whitespace().next_back().unwrap_or_default();
    let typed: String = fields.get("last").split_whitespace().collect();
    let refused = if fields.get("compared") != "yes" {
        Some(t.activate_not_ticked)
    } else if last.is_empty() || !typed.eq_ignore_ascii_case(last) {
        Some(t.activate_wrong)
    } else {
        None
    };
    if let Some(why) = refused {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(draw_one(&visit, &terminal, status, vec![Notice::bad(why)], Form::default()));
    }
    // The whole fingerprint that was on the page: another key in the meantime is another terminal.
    change(&app, &visit, terminal, TerminalChange::Activate { fingerprint }, "activate").await
}

/// Blocks a terminal.
pub(super) async fn block(
    State(app): State<App>,
    Path(terminal): Path<String>,
    posted: Posted,
) -> Result<Response, Problem> {
    with_reason(&app, &terminal, posted, "block", |reason| TerminalChange::Block { reason }).await
}

/// Lets a blocked terminal work again.
pub(super) async fn unblock(
    State(app): State<App>,
    Path(terminal): Path<String>,
    posted: Posted,
) -> Result<Response, Problem> {
    with_reason(&app, &terminal, posted, "unblock", |reason| TerminalChange::Unblock { reason }).await
}

/// Takes a terminal out of use for good.
pub(super) async fn retire(
    State(app): State<App>,
    Path(terminal): Path<String>,
    posted: Posted,
) -> Result<Response, Problem> {
    with_reason(&app, &terminal, posted, "retire", |reason| TerminalChange::Retire { reason }).await
}

async fn with_reason(
    app: &App,
    terminal: &str,
    Posted { visit, fields }: Posted,
    what: &'static str,
    make: impl FnOnce(String) -> TerminalChange,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let terminal = find(app, terminal).await?;
    let (t, retires, reason) = (visit.words(), what == "retire", fields.get("reason").to_owned());
    let refused = if retires && fields.get("sure") != "yes" {
        Some(t.retire_not_ticked)
    } else if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        Some(t.reason_needed)
    } else {
        None
    };
    if let Some(why) = refused {
        let (status, notices) = (StatusCode::UNPROCESSABLE_ENTITY, vec![Notice::bad(why)]);
        return Ok(draw_one(&visit, &terminal, status, notices, Form { reason, retires }));
    }
    change(app, &visit, terminal, make(reason), what).await
}

async fn change(
    app: &App,
    visit: &Visit,
    terminal: TerminalRow,
    change: TerminalChange,
    what: &str,
) -> Result<Response, Problem> {
    let id = terminal.terminal;
    match app.base.change_terminal(id, change, visit.who.login.clone()).await {
        Ok(_) => Ok(Redirect::to(&format!("/console/terminals/{id}?done={what}")).into_response()),
        // Somebody else was quicker: show where it stands now.
        Err(BaseError::TerminalState(_) | BaseError::WrongFingerprint) => {
            let (now, t) = (find(app, &id.to_string()).await?, visit.words());
            let notices = vec![Notice::bad(t.terminal_moved)];
            Ok(draw_one(visit, &now, StatusCode::CONFLICT, notices, Form::default()))
        }
        Err(error) => Err(error.into()),
    }
}
