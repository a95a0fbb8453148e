//! Who may log in at tills, for tills.

use super::Answer;
use super::catalogue::since;
use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::Json;
use axum::extract::{RawQuery, State};
use evertill_shared::protocol::till_staff::{KNOWS_CARDS, TillStaff};

/// `GET /v1/staff?since=N`: nothing but the version where N is the present one. Only to tills that may sell: a blocked
/// or a pending one gets no PINs to guess at. Without [`KNOWS_CARDS`] at its end, for tills that know of no cards: without.
///
/// # Errors
/// A till that may not sell, or a `since` that is no number.
pub async fn till_staff(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<TillStaff> {
    caller.require_money()?;
    let (since, knows_cards) = asked(query.as_deref())?;
    let staff = app.base.till_staff(since).await?;
    Ok(Json(if knows_cards { staff } else { staff.without_cards() }))
}

/// The version that the till has, and whether it knows of cards.
fn asked(query: Option<&str>) -> Result<(Option<u64>, bool), Failure> {
    match query.and_then(|query| query.strip_suffix(KNOWS_CARDS)) {
        Some(version) => Ok((since(Some(version))?, true)),
        None => Ok((since(query)?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_till_says_at_the_end_that_it_knows_of_cards() {
        assert_eq!(asked(None), Ok((None, false)));
        assert_eq!(asked(Some("since=7")), Ok((Some(7), false)));
        assert_eq!(asked(Some("since=7&knows=cards")), Ok((Some(7), true)));
        for bad in
            ["since=7&knows=cards&knows=cards", "knows=cards", "since=7&knows=ages", "since=x&knows=cards"]
        {
            assert!(asked(Some(bad)).is_err(), "{bad}");
        }
    }
}
