//! How the shop wants its receipts to look, for tills.

use super::Answer;
use crate::app::{App, Caller};
use axum::Json;
use axum::extract::State;
use evertill_shared::protocol::receipts::ShopTemplate;

/// `GET /v1/receipt-template`. Receipts of offline sales print at blocked tills, too.
///
/// # Errors
/// A till that is not of this store any more; the base store cannot be read.
pub async fn receipt_template(State(app): State<App>, caller: Caller) -> Answer<ShopTemplate> {
    caller.require_upload()?;
    Ok(Json(app.base.receipt_template().await?))
}
