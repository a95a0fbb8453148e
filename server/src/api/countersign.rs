//! A till asks for the server's word on a business day that is over.

use super::{Answer, Body};
use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::Json;
use axum::extract::State;
use evertill_shared::journal::{ChainError, Entry};
use evertill_shared::protocol::countersign::{Countersign, Countersigned};
use std::sync::Arc;

/// `POST /v1/journal/countersigned`.
///
/// # Errors
/// `terminal_blocked` and its like: what such a till hands in is looked at by people. `bad_request` if the entry is not the
/// till's, its day is not over, or it was not handed in.
pub async fn countersign(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<Countersign>,
) -> Answer<Countersigned> {
    caller.require_money()?;
    let entry = request.last.verify(&caller.key).map_err(|error| Failure::bad_request(error.to_string()))?;
    let Entry { terminal, epoch, sequence, .. } = entry;
    if (terminal, epoch) != (caller.terminal, caller.epoch) {
        return Err(Failure::bad_request(ChainError::Foreign { sequence, terminal, epoch }.to_string()));
    }
    let door = Arc::clone(&app.door);
    let sign = Box::new(move |statement: &_| door.countersign(statement));
    Ok(Json(app.base.countersign(entry, request.last.hash(), caller.request_id, sign).await?))
}
