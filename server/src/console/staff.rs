//! The staff: who they are, and adding somebody.

use super::frame::{Frame, Notice, Tab, html, may_open, role_word};
use super::posted::Posted;
use super::problem::Problem;
use super::visitor::{Visit, query_of};
use super::words::fill;
use crate::app::App;
use crate::base_store::{BaseError, StaffRecord};
use crate::session;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{Role, StaffRow};
use evertill_shared::secret::SecretText;
use serde::Deserialize;

struct Row {
    name: String,
    login: String,
    role: &'static str,
}

struct RoleChoice {
    value: &'static str,
    word: &'static str,
    chosen: bool,
}

#[derive(Default)]
struct Form {
    name: String,
    login: String,
    role: Option<Role>,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    rows: Vec<Row>,
    form: Form,
    roles: Vec<RoleChoice>,
}

/// Who was just added.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    added: String,
}

fn only_it(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Staff) { Ok(()) } else { Err(Problem::Forbidden) }
}

fn draw(
    visit: &Visit,
    staff: Vec<StaffRow>,
    status: StatusCode,
    notice: Option<Notice>,
    form: Form,
) -> Response {
    let t = visit.words();
    let row = |row: StaffRow| Row { name: row.name, login: row.login, role: role_word(row.role, t) };
    let choice = |role: Role| RoleChoice {
        value: role.as_str(),
        word: role_word(role, t),
        chosen: form.role == Some(role),
    };
    let page = Page {
        f: visit.frame(Tab::Staff),
        notices: notice.into_iter().collect(),
        rows: staff.into_iter().map(row).collect(),
        roles: [Role::Cashier, Role::Manager, Role::It].map(choice).into(),
        form,
    };
    html(status, &page)
}

/// The list.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let staff = app.base.staff().await?;
    let added = staff.iter().find(|row| row.login == done.added);
    let notice = added.map(|row| Notice::good(fill(visit.words().added_person, &[&row.name])));
    Ok(draw(&visit, staff, StatusCode::OK, notice, Form::default()))
}

/// Adds somebody.
pub(super) async fn add(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let t = visit.words();
    let form = Form {
        name: fields.get("name").to_owned(),
        login: fields.get("login").to_owned(),
        role: Role::from_word(fields.get("role")),
    };
    let password = SecretText::new(fields.exact("password").to_owned());
    let refused = match (form.role, session::hash_password(&password).await) {
        (None, _) => t.choose_role.to_owned(),
        (_, Err(failure)) if failure.code == ErrorCode::BadRequest => t.bad_password.to_owned(),
        (_, Err(failure)) if failure.code == ErrorCode::Overloaded => t.overloaded.to_owned(),
        (_, Err(_)) => return Err(Problem::Internal),
        (Some(role), Ok(password_hash)) => {
            let row = StaffRow { login: form.login.clone(), name: form.name.clone(), role };
            match app.base.add_staff(StaffRecord { row, password_hash }, visit.who.login.clone()).await {
                Ok(row) => {
                    let address = format!("/console/staff?{}", query_of(&[("added", &row.login)]));
                    return Ok(Redirect::to(&address).into_response());
                }
                Err(BaseError::LoginTaken(login)) => fill(t.login_taken, &[&login]),
                Err(BaseError::Invalid(_)) => t.bad_names.to_owned(),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let staff = app.base.staff().await?;
    Ok(draw(&visit, staff, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(refused)), form))
}
