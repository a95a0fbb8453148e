//! The staff: who they are, adding somebody, and who left.

use super::frame::{Frame, Notice, Tab, html, may_open, role_word};
use super::posted::Posted;
use super::problem::Problem;
use super::visitor::{Visit, query_of};
use super::words::fill;
use crate::api::staff::change_pin;
use crate::app::App;
use crate::base_store::{BaseError, StaffRecord};
use crate::session;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{Role, SetPin, StaffRow};
use evertill_shared::secret::SecretText;
use serde::Deserialize;

struct Row {
    name: String,
    login: String,
    role: &'static str,
    /// When they left, in words; empty for those who are there.
    left: String,
    has_pin: bool,
    has_card: bool,
}

struct RoleChoice {
    value: &'static str,
    word: &'static str,
    chosen: bool,
}

/// What is filled in, as far as it was not taken.
#[derive(Default)]
pub(super) struct Form {
    name: String,
    login: String,
    role: Option<Role>,
    /// Who left, and why.
    gone: String,
    reason: String,
    /// Whose PIN.
    holder: String,
    /// Whose card.
    carrier: String,
}

impl Form {
    /// The one about cards, filled in with whose.
    pub fn of_carrier(carrier: String) -> Self {
        Self { carrier, ..Self::default() }
    }
}

#[derive(Template)]
#[template(path = "staff.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    rows: Vec<Row>,
    form: Form,
    roles: Vec<RoleChoice>,
    zone_note: String,
}

/// Who was just added, or left, or whose PIN or card was just changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    added: String,
    left: String,
    pin: String,
    card: String,
}

pub(super) fn only_it(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Staff) { Ok(()) } else { Err(Problem::Forbidden) }
}

/// The page with the list and all that can be done.
pub(super) fn draw(
    visit: &Visit,
    staff: Vec<StaffRow>,
    status: StatusCode,
    notice: Option<Notice>,
    form: Form,
) -> Response {
    let t = visit.words();
    let row = |row: StaffRow| Row {
        name: row.name,
        login: row.login,
        role: role_word(row.role, t),
        has_pin: row.has_pin,
        has_card: row.has_card,
        left: row.left_at.map(|at| fill(t.left_since, &[&visit.time(at)])).unwrap_or_default(),
    };
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
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
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
    let t = visit.words();
    let added = staff.iter().find(|row| row.login == done.added && row.left_at.is_none());
    let left = staff.iter().find(|row| row.login == done.left && row.left_at.is_some());
    let notice = added.map(|row| Notice::good(fill(t.added_person, &[&row.name])));
    let notice = notice.or(left.map(|row| Notice::good(fill(t.person_left, &[&row.name]))));
    let holder = staff.iter().find(|row| row.login == done.pin && row.left_at.is_none());
    let about_pin = |row: &StaffRow| if row.has_pin { t.pin_set } else { t.pin_removed };
    let notice = notice.or(holder.map(|row| Notice::good(fill(about_pin(row), &[&row.name]))));
    let carrier = staff.iter().find(|row| row.login == done.card && row.left_at.is_none() && !row.has_card);
    let notice = notice.or(carrier.map(|row| Notice::good(fill(t.of_cards.removed, &[&row.name]))));
    Ok(draw(&visit, staff, StatusCode::OK, notice, Form::default()))
}

/// Gives somebody a PIN for the tills, or takes it away.
pub(super) async fn pin(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let t = visit.words();
    let holder = fields.get("holder").to_owned();
    let typed = Some(fields.get("pin")).filter(|pin| !pin.is_empty());
    let asked = SetPin { login: holder.clone(), pin: typed.map(|pin| SecretText::new(pin.to_owned())) };
    let refused = match change_pin(&app, &visit.who, &asked).await {
        Ok(row) => {
            let address = format!("/console/staff?{}", query_of(&[("pin", &row.login)]));
            return Ok(Redirect::to(&address).into_response());
        }
        Err(failure) => match failure.code {
            ErrorCode::BadRequest => t.bad_pin,
            ErrorCode::NotFound => t.left_choose,
            ErrorCode::Overloaded => t.overloaded,
            _ => return Err(Problem::Internal),
        },
    };
    let staff = app.base.staff().await?;
    let form = Form { holder, ..Form::default() };
    Ok(draw(&visit, staff, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(refused)), form))
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
        ..Form::default()
    };
    let password = SecretText::new(fields.exact("password").to_owned());
    let refused = match (form.role, session::hash_password(&password).await) {
        (None, _) => t.choose_role.to_owned(),
        (_, Err(failure)) if failure.code == ErrorCode::BadRequest => t.bad_password.to_owned(),
        (_, Err(failure)) if failure.code == ErrorCode::Overloaded => t.overloaded.to_owned(),
        (_, Err(_)) => return Err(Problem::Internal),
        (Some(role), Ok(password_hash)) => {
            let (login, name) = (form.login.clone(), form.name.clone());
            let row = StaffRow { login, name, role, left_at: None, has_pin: false, has_card: false };
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

/// Somebody left: no more logging in, and their sessions end.
pub(super) async fn left(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let t = visit.words();
    let (gone, reason) = (fields.get("gone").to_owned(), fields.get("reason").to_owned());
    let refused = match app.base.person_left(&gone, &reason, visit.who.login.clone()).await {
        Ok(row) => {
            let address = format!("/console/staff?{}", query_of(&[("left", &row.login)]));
            return Ok(Redirect::to(&address).into_response());
        }
        Err(BaseError::Invalid(_)) => t.reason_needed.to_owned(),
        Err(BaseError::NotFound(_)) => t.left_choose.to_owned(),
        Err(BaseError::LastOfIt(login)) => fill(t.last_of_it, &[&login]),
        Err(error) => return Err(error.into()),
    };
    let staff = app.base.staff().await?;
    let form = Form { gone, reason, ..Form::default() };
    Ok(draw(&visit, staff, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(refused)), form))
}
