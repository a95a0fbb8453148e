//! What wallets tell by themselves. Anyone can send something here: what counts is the wallet's own signature inside,
//! and even that is only a reason to ask the wallet.

use crate::app::App;
use crate::failure::Failure;
use crate::order_centre::TakenIn;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use evertill_shared::wallet::Wallet;

/// No real notification comes near this many bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// `POST /v1/notifications/{wallet}`: for wallets, and unsigned by any till. 4xx for what counts for nothing, 503 for
/// what the wallet should tell again.
pub async fn take_in(
    State(app): State<App>,
    Path(wallet): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let Ok(wallet) = wallet.parse::<Wallet>() else {
        return (StatusCode::NOT_FOUND, "no such wallet").into_response();
    };
    let body = match app.door.readers().read(request.into_body(), MAX_BYTES).await {
        Ok(body) => body,
        Err(unread) => return Failure::from(unread).into_response(),
    };
    let text =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let headers: Vec<(String, String)> = text.collect();
    match app.centre.notified(wallet, &headers, &body).await {
        TakenIn::Thanks(status, kind, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            (status, [(CONTENT_TYPE, kind)], body).into_response()
        }
        TakenIn::Refused(_) => (StatusCode::BAD_REQUEST, "refused").into_response(),
        TakenIn::Stranger => (StatusCode::NOT_FOUND, "no such payment here").into_response(),
        TakenIn::Later => (StatusCode::SERVICE_UNAVAILABLE, "tell again later").into_response(),
    }
}
