//! Goods and prices, for tills.

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::Json;
use axum::extract::{RawQuery, State};
use evertill_shared::protocol::catalogue::Catalogue;

/// `GET /v1/catalogue?since=N`: nothing but the version where N is the present one.
///
/// # Errors
/// A till that may not sell, or a `since` that is no number.
pub async fn catalogue(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Catalogue> {
    caller.require_money()?;
    Ok(Json(app.base.catalogue(since(query.as_deref())?).await?))
}

/// The version that a till has, from `since=N`.
pub(super) fn since(query: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let number = query.strip_prefix("since=").and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| Failure::bad_request("write ?since= and the version that you have"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_number_or_not_there() {
        assert_eq!(since(None), Ok(None));
        assert_eq!(since(Some("")), Ok(None));
        assert_eq!(since(Some("since=7")), Ok(Some(7)));
        for bad in ["since=", "since=-1", "since=x", "version=1", "since=1&since=2"] {
            assert!(since(Some(bad)).is_err(), "{bad}");
        }
    }
}
