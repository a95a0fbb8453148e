//! A till registers its key with a one-time code.

use super::{Answer, Body};
use crate::app::App;
use crate::signature_layer::EnrolRequestId;
use axum::extract::State;
use axum::{Extension, Json};
use evertill_shared::protocol::enrol::{Enrol, Enrolled};

/// `POST /v1/enrol`. Signed by the key that is being registered; the signature has been checked.
///
/// # Errors
/// A code that does not count, or too many tries at it.
pub async fn enrol(
    State(app): State<App>,
    Extension(EnrolRequestId(request_id)): Extension<EnrolRequestId>,
    Body(request): Body<Enrol>,
) -> Answer<Enrolled> {
    let enrolled = app.base.enrol(request, request_id).await?;
    tracing::info!(terminal = %enrolled.terminal, state = %enrolled.state, "a till has registered");
    Ok(Json(enrolled))
}
