//! The root's word on this store's response keys. Unsigned: the root's signature is inside.

use crate::app::App;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// `GET /v1/server-keys`.
pub async fn server_keys(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.door.server_keys().to_owned()).into_response()
}
