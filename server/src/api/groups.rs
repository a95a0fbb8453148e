//! What IT does with order groups: adding, draining, moving, retiring. Who did what, and why, is written down.

use super::{Answer, Body, path_part};
use crate::app::App;
use crate::base_store::BaseError;
use crate::database::postgres::PostgresSettings;
use crate::failure::Failure;
use crate::homes;
use crate::moving;
use crate::order_group::{Place, TagHome};
use crate::session::Person;
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::groups::{AddGroup, GroupAddress, GroupChange, GroupRow};
use evertill_shared::protocol::staff::Role;

/// The longest reason that is written down, in characters.
const LONGEST_REASON: usize = 400;

/// `GET /staff/v1/groups`.
///
/// # Errors
/// Without the right.
pub async fn list_groups(State(app): State<App>, person: Person) -> Answer<Vec<GroupRow>> {
    person.require(|role| matches!(role, Role::Manager | Role::It), "see the order groups")?;
    Ok(Json(rows(&app).await?))
}

/// The groups, for the API and the console.
///
/// # Errors
/// The base store's.
pub async fn rows(app: &App) -> Result<Vec<GroupRow>, Failure> {
    let mut rows = app.base.group_rows().await?;
    rows.iter_mut().for_each(|row| row.place = homes::in_words(&row.place));
    Ok(rows)
}

async fn row(app: &App, tag: GroupTag) -> Result<GroupRow, Failure> {
    let row = rows(app).await?.into_iter().find(|row| row.tag == tag);
    Ok(row.ok_or(BaseError::NotFound("order group"))?)
}

fn reason(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_REASON {
        return Err(Failure::bad_request(format!("say why, in 1 to {LONGEST_REASON} characters")));
    }
    Ok(text.to_owned())
}

/// `POST /staff/v1/groups`: adds one. All servers use it within seconds.
///
/// # Errors
/// Without the right or a reason; a tag that was ever used; a database that cannot be opened, or is another's.
pub async fn add_group(
    State(app): State<App>,
    person: Person,
    Body(new): Body<AddGroup>,
) -> Answer<GroupRow> {
    person.require(Role::may_administer, "add order groups")?;
    let why = reason(&new.reason)?;
    app.base.tag_is_free(new.tag).await?;
    let place = place(new.place)?;
    // It is opened here first: what cannot be used is not told to anybody.
    let expected = app.base.expected_group(new.tag).await?;
    let (name, written) = app.groups.try_new(new.tag, place, expected).await.map_err(Failure::bad_request)?;
    app.base.remember_group(new.tag, name).await?;
    app.base.add_home(new.tag, written, person.0.login.clone(), why).await?;
    read_map(&app).await;
    tracing::info!(tag = %new.tag, login = person.0.login, "an order group was added");
    Ok(Json(row(&app, new.tag).await?))
}

fn place(address: GroupAddress) -> Result<Place, Failure> {
    match address {
        GroupAddress::File(file) if file.trim().is_empty() => {
            Err(Failure::bad_request("name a file, like groups/03.db"))
        }
        GroupAddress::File(file) => Ok(Place::Sqlite(file.into())),
        GroupAddress::Postgres { hosts, database, user, password_file, tls_root, require_synchronous } => {
            let settings = PostgresSettings {
                password_file: password_file.map(Into::into),
                tls_root: tls_root.map(Into::into),
                require_synchronous,
                ..PostgresSettings::new(hosts, &database, &user)
            };
            settings.check().map_err(|(field, what, write)| {
                Failure::bad_request(format!("{field} {what}: write {write}"))
            })?;
            Ok(Place::Postgres(Box::new(settings)))
        }
    }
}

/// `POST /staff/v1/groups/{tag}`: drains one, moves its orders, takes that back, retires it.
///
/// # Errors
/// Without the right or a reason; no such group; what has no place as the group stands.
pub async fn change_group(
    State(app): State<App>,
    person: Person,
    Path(tag): Path<String>,
    Body(change): Body<GroupChange>,
) -> Answer<GroupRow> {
    person.require(Role::may_administer, "drain, move and retire order groups")?;
    let tag: u8 = path_part(&tag)?;
    let tag = GroupTag::try_from(tag).map_err(|error| Failure::bad_request(error.to_string()))?;
    let who = person.0.login;
    match change {
        GroupChange::Drain { reason: why } => {
            let known = app.base.drain(tag, who, reason(&why)?).await?;
            tell(&app, known).await?;
        }
        GroupChange::Move { to, reason: why } => app.base.begin_move(tag, to, who, reason(&why)?).await?,
        GroupChange::Abort { reason: why } => abort(&app, tag, who, reason(&why)?).await?,
        GroupChange::Retire { reason: why } => app.base.retire_home(tag, who, reason(&why)?).await?,
    }
    read_map(&app).await;
    Ok(Json(row(&app, tag).await?))
}

async fn abort(app: &App, tag: GroupTag, who: String, why: String) -> Result<(), Failure> {
    match app.base.abort_move(tag, who.clone(), why.clone()).await {
        // There is no move: the group was only drained.
        Err(BaseError::NotFound(_)) => {
            let known = app.base.undrain(tag, who, why).await?;
            tell(app, known).await
        }
        done => Ok(done?),
    }
}

async fn tell(app: &App, known: TagHome) -> Result<(), Failure> {
    moving::tell(&app.groups, known).await.map_err(|error| {
        Failure::new(
            ErrorCode::GroupUnavailable,
            format!(
                "it is written down, but the group's database cannot be told now: {error}. Run this again"
            ),
        )
    })
}

async fn read_map(app: &App) {
    if let Err(error) = app.groups.read_map().await {
        tracing::warn!(error, "the map of the order groups could not be read at once");
    }
}
