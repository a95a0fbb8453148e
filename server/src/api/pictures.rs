//! Small pictures of goods: for tills, and from staff.

use super::{Answer, Body};
use crate::app::{App, Caller};
use crate::base_store::BaseError;
use crate::failure::Failure;
use crate::session::Person;
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::protocol::pictures::{Picture, Pictures};
use evertill_shared::protocol::staff::{Role, SetPicture};

/// `GET /v1/pictures`.
///
/// # Errors
/// A till that may not sell; the base store cannot be read.
pub async fn pictures(State(app): State<App>, caller: Caller) -> Answer<Pictures> {
    caller.require_money()?;
    Ok(Json(app.base.pictures().await?))
}

/// `GET /v1/pictures/{name}`.
///
/// # Errors
/// A till that may not sell; no goods have it any more.
pub async fn picture(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Answer<Picture> {
    caller.require_money()?;
    let bytes = app.base.picture(name).await?.ok_or(BaseError::NotFound("picture"))?;
    Ok(Json(Picture::new(&bytes)))
}

/// `PUT /staff/v1/pictures`: gives goods a picture, or takes theirs away.
///
/// # Errors
/// Without the right; what is no picture.
pub async fn set_picture(
    State(app): State<App>,
    person: Person,
    Body(asked): Body<SetPicture>,
) -> Answer<Pictures> {
    person.require(Role::may_edit_catalogue, "change the goods' pictures")?;
    let bytes = asked.picture.as_ref().map(Picture::bytes).transpose();
    let bytes =
        bytes.map_err(|error| Failure::bad_request(format!("the picture of {}: {error}", asked.product)))?;
    app.base.set_picture(&asked.product, bytes, person.0.login).await?;
    Ok(Json(app.base.pictures().await?))
}
