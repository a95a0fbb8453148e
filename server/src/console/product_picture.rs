//! The picture of a product: shown, set from a file, taken away.

use super::frame::Notice;
use super::goods::only_editors;
use super::posted::{Posted, PostedFile};
use super::problem::Problem;
use super::product::{Seen, draw};
use super::visitor::{Visit, query_of};
use super::words::fill;
use crate::app::App;
use crate::base_store::BaseError;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::pictures::{Format, look};
use serde::Deserialize;

/// Which picture.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    name: String,
}

/// The bytes of a picture by its name, which says what is in them: they never change.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    if !asked.name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::NotFound);
    }
    let bytes = app.base.picture(asked.name).await?.ok_or(Problem::NotFound)?;
    let kind = match look(&bytes).map(|said| said.format) {
        Ok(Format::Png) => "image/png",
        Ok(Format::Jpeg) => "image/jpeg",
        Err(_) => return Err(Problem::NotFound),
    };
    let cached = "private, max-age=86400, immutable";
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, cached)], bytes).into_response())
}

async fn change(app: &App, visit: &Visit, id: &str, picture: Option<Vec<u8>>) -> Result<Response, Problem> {
    // Pictures are kept by ids: one of goods that are nowhere would never be seen here again.
    let kept = app.base.product(id).await?.ok_or(Problem::NotFound)?;
    match app.base.set_picture(id, picture, visit.who.login.clone()).await {
        Ok(()) => {
            let query = query_of(&[("id", id), ("done", "saved")]);
            Ok(Redirect::to(&format!("/console/goods/one?{query}")).into_response())
        }
        Err(BaseError::Invalid(why)) => {
            let notice = Notice::bad(fill(visit.words().of_goods.goods_picture_wrong, &[&why]));
            draw(app, visit, StatusCode::UNPROCESSABLE_ENTITY, Some(notice), Seen::Kept(kept)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a product the picture in a file. The same again changes nothing.
pub(super) async fn set(
    State(app): State<App>,
    PostedFile { visit, fields, file }: PostedFile,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    let id = fields.get("id");
    if file.is_empty() {
        let kept = app.base.product(id).await?.ok_or(Problem::NotFound)?;
        let notice = Notice::bad(visit.words().of_goods.goods_picture_missing);
        return draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(notice), Seen::Kept(kept)).await;
    }
    change(&app, &visit, id, Some(file)).await
}

/// Takes its picture away.
pub(super) async fn remove(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    change(&app, &visit, fields.get("id"), None).await
}
