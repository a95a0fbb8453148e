//! What staff ask: sessions, people, terminals, refunds, the catalogue. Rights go by role; who did what, and why,
//! is written down.

use super::refunds::{Asker, reserve_refund};
use super::{Answer, Body, path_part};
use crate::admission::Unread;
use crate::app::App;
use crate::base_store::{OpenSession, StaffRecord};
use crate::failure::Failure;
use crate::session::{self, Person, Token};
use axum::Json;
use axum::extract::{Path, Request, State};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::MAX_CATALOGUE_BYTES;
use evertill_shared::protocol::catalogue::{Catalogue, Product};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{
    AskRefund, CardSet, ChangePassword, EnrolmentCode, LogIn, NewEnrolmentCode, NewStaff, PersonLeft, Role,
    Session, SetCard, SetPin, StaffRow, TerminalChange, TerminalRow,
};
use evertill_shared::refund::Refund;

fn may_look(role: Role) -> bool {
    matches!(role, Role::Manager | Role::It)
}

/// `POST /staff/v1/sessions`.
///
/// # Errors
/// A wrong name or password; too many of them.
pub async fn log_in(State(app): State<App>, Body(asked): Body<LogIn>) -> Answer<Session> {
    Ok(Json(session::log_in(&app, &asked).await?))
}

/// `GET /staff/v1/staff`.
///
/// # Errors
/// Without the right.
pub async fn list_staff(State(app): State<App>, person: Person) -> Answer<Vec<StaffRow>> {
    person.require(may_look, "see the staff")?;
    Ok(Json(app.base.staff().await?))
}

/// `POST /staff/v1/staff`.
///
/// # Errors
/// Without the right; a name that is taken or impossible; a password that is too short.
pub async fn add_staff(
    State(app): State<App>,
    person: Person,
    Body(new): Body<NewStaff>,
) -> Answer<StaffRow> {
    Ok(Json(add_person(&app, &person.0, new).await?))
}

/// Adds a person, for the API and the console.
///
/// # Errors
/// Without the right; a name that is taken or impossible; a password that is too short.
pub async fn add_person(app: &App, who: &OpenSession, new: NewStaff) -> Result<StaffRow, Failure> {
    Person(who.clone()).require(Role::may_administer, "add people")?;
    let password_hash = session::hash_password(&new.password).await?;
    let (login, name) = (new.login.trim().to_owned(), new.name.trim().to_owned());
    let row = StaffRow { login, name, role: new.role, left_at: None, has_pin: false, has_card: false };
    Ok(app.base.add_staff(StaffRecord { row, password_hash }, who.login.clone()).await?)
}

/// `POST /staff/v1/staff/left`. When this has answered, the person's sessions have ended.
///
/// # Errors
/// Without the right or a reason; nobody of that name; the last person of IT.
pub async fn person_left(
    State(app): State<App>,
    person: Person,
    Body(left): Body<PersonLeft>,
) -> Answer<StaffRow> {
    person.require(Role::may_administer, "say who left")?;
    Ok(Json(app.base.person_left(&left.login, &left.reason, person.0.login).await?))
}

/// `POST /staff/v1/staff/pin`: gives a person a PIN for the tills, or takes it away.
///
/// # Errors
/// Without the right; nobody of that name; a PIN that is none, or too simple.
pub async fn set_pin(State(app): State<App>, person: Person, Body(asked): Body<SetPin>) -> Answer<StaffRow> {
    Ok(Json(change_pin(&app, &person.0, &asked).await?))
}

/// The same, for the API and the console.
///
/// # Errors
/// Without the right; nobody of that name; a PIN that is none, or too simple.
pub async fn change_pin(app: &App, who: &OpenSession, asked: &SetPin) -> Result<StaffRow, Failure> {
    Person(who.clone()).require(Role::may_administer, "set PINs for the tills")?;
    let hash = match &asked.pin {
        Some(pin) => Some(session::hash_pin(pin).await?),
        None => None,
    };
    Ok(app.base.set_pin(&asked.login, hash, who.login.clone()).await?)
}

/// `POST /staff/v1/staff/card`: makes a new card for a person, or takes theirs away.
///
/// # Errors
/// Without the right; nobody of that name.
pub async fn set_card(State(app): State<App>, person: Person, Body(asked): Body<SetCard>) -> Answer<CardSet> {
    Ok(Json(change_card(&app, &person.0, &asked).await?))
}

/// The same, for the API and the console.
///
/// # Errors
/// Without the right; nobody of that name.
pub async fn change_card(app: &App, who: &OpenSession, asked: &SetCard) -> Result<CardSet, Failure> {
    Person(who.clone()).require(Role::may_administer, "make cards for the tills")?;
    let by = who.login.clone();
    Ok(match asked.remove {
        true => app.base.remove_card(&asked.login, by).await?,
        false => app.base.make_card(&asked.login, by).await?,
    })
}

/// `POST /staff/v1/password`: one's own.
///
/// # Errors
/// A wrong old password, or too many of them; a new one that is too short.
pub async fn change_password(
    State(app): State<App>,
    person: Person,
    Token(token): Token,
    Body(asked): Body<ChangePassword>,
) -> Answer<StaffRow> {
    Ok(Json(session::change_password(&app, &person.0, &token, &asked).await?))
}

/// `POST /staff/v1/enrolment-codes`.
///
/// # Errors
/// Without the right; an impossible name.
pub async fn make_enrolment_code(
    State(app): State<App>,
    person: Person,
    Body(new): Body<NewEnrolmentCode>,
) -> Answer<EnrolmentCode> {
    person.require(Role::may_administer, "make enrolment codes")?;
    Ok(Json(app.base.new_enrolment_code(&new.name, person.0.login).await?))
}

/// `GET /staff/v1/terminals`.
///
/// # Errors
/// Without the right.
pub async fn list_terminals(State(app): State<App>, person: Person) -> Answer<Vec<TerminalRow>> {
    person.require(may_look, "see the terminals")?;
    Ok(Json(app.base.terminals().await?))
}

/// `POST /staff/v1/terminals/{terminal}`. When this has answered, this server goes by the new state.
///
/// # Errors
/// Without the right; no such terminal; a wrong fingerprint; a change that has no place.
pub async fn change_terminal(
    State(app): State<App>,
    person: Person,
    Path(terminal): Path<String>,
    Body(change): Body<TerminalChange>,
) -> Answer<TerminalRow> {
    person.require(Role::may_administer, "activate, block and retire terminals")?;
    let terminal: TerminalId = path_part(&terminal)?;
    let login = person.0.login;
    let row = app.base.change_terminal(terminal, change, login.clone()).await?;
    tracing::info!(%terminal, state = ?row.state, login, "a terminal was changed");
    Ok(Json(row))
}

/// `POST /staff/v1/orders/{number}/refunds`.
///
/// # Errors
/// Without the right; why the refund is refused.
pub async fn ask_refund(
    State(app): State<App>,
    person: Person,
    Path(number): Path<String>,
    Body(asked): Body<AskRefund>,
) -> Answer<Refund> {
    person.require(Role::may_refund, "refund")?;
    let (number, at) = (path_part(&number)?, app.clock.now());
    Ok(Json(reserve_refund(&app, &Asker::of(&person.0), number, asked, at).await??.refund))
}

/// How long a catalogue may take to come: it is large, and whoever sends it is logged in.
const CATALOGUE_WAIT: std::time::Duration = std::time::Duration::from_secs(120);
/// So long the goods' rows are brought up to a new catalogue before it is left to whoever looks at them.
const FOLLOWING: std::time::Duration = std::time::Duration::from_secs(600);

/// `PUT /staff/v1/catalogue`: replaces it as a whole.
///
/// # Errors
/// Without the right; the first product that is wrong.
pub async fn put_catalogue(State(app): State<App>, person: Person, request: Request) -> Answer<Catalogue> {
    person.require(Role::may_edit_catalogue, "change the catalogue")?;
    let reading = app.door.readers().read_within(request.into_body(), MAX_CATALOGUE_BYTES, CATALOGUE_WAIT);
    let bytes = reading.await.map_err(|unread| match unread {
        Unread::TooLong(_) => Failure::new(ErrorCode::TooLarge, "the catalogue is larger than 64 MiB"),
        other => other.into(),
    })?;
    // A catalogue holds no secrets: whoever wrote it is told what is wrong with it.
    let products: Vec<Product> = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::bad_request(format!("this is not a list of products: {error}")))?;
    let answer = app.base.put_catalogue(products, person.0.login).await?;
    // Whoever opens the page of goods next finds them there.
    tokio::spawn(async move {
        if let Err(error) = app.base.follow_catalogue(FOLLOWING).await {
            tracing::warn!(%error, "the goods are not brought up to the new catalogue: the page of goods does it");
        }
    });
    Ok(Json(answer))
}
