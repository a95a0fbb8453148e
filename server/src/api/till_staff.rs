//! Who may log in at tills, for tills.

use super::Answer;
use super::catalogue::since;
use crate::app::{App, Caller};
use axum::Json;
use axum::extract::{RawQuery, State};
use evertill_shared::protocol::till_staff::TillStaff;

/// `GET /v1/staff?since=N`: nothing but the version where N is the present one. Only to tills that may sell: a blocked
/// or a pending one gets no PINs to guess at.
///
/// # Errors
/// A till that may not sell, or a `since` that is no number.
pub async fn till_staff(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<TillStaff> {
    caller.require_money()?;
    Ok(Json(app.base.till_staff(since(query.as_deref())?).await?))
}
