//! Goods and prices, for tills.

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::Json;
use axum::extract::{RawQuery, State};
use evertill_shared::protocol::catalogue::{BadPlace, Catalogue, KNOWS_AGES, Place, Product};

/// `GET /v1/catalogue?since=N&of=NAME&at=PLACE`: a part of what has changed since version N; nothing but the version where N
/// is the present one. Without a name, for tills that keep none: N is believed. Without a place, for tills that know none:
/// everything at once. Without the word at its end, for tills that ask for no ages: without them.
///
/// # Errors
/// A till that may not sell, a `since` that is no number, an `at` that is no place.
pub async fn catalogue(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Catalogue> {
    caller.require_money()?;
    let Asked { since, of, at, knows_ages } = asked(query.as_deref())?;
    let as_known: fn(Product) -> Product = match at {
        Some(_) if knows_ages => std::convert::identity,
        Some(_) => Product::without_age,
        None => Product::as_older_programs_read_it,
    };
    let found = match at {
        Some(at) => app.base.catalogue_part(since.unwrap_or(0), of, at).await?,
        None => app.base.catalogue(since).await?,
    };
    let products = found.products.map(|all| all.into_iter().map(as_known).collect());
    Ok(Json(Catalogue { products, ..found }))
}

/// What a till asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    since: Option<u64>,
    of: Option<&'a str>,
    at: Option<Place>,
    knows_ages: bool,
}

/// The version that a till has, its name, and the place where the till goes on, from `since=N&of=NAME&at=PLACE`.
fn asked(query: Option<&str>) -> Result<Asked<'_>, Failure> {
    let Some((version, place)) = query.and_then(|query| query.split_once("&at=")) else {
        return Ok(Asked { since: since(query)?, of: None, at: None, knows_ages: false });
    };
    let (place, knows_ages) = match place.strip_suffix(KNOWS_AGES) {
        Some(place) => (place, true),
        None => (place, false),
    };
    let place = place.parse().map_err(|error: BadPlace| Failure::bad_request(error.to_string()))?;
    let (version, of) = match version.split_once("&of=") {
        Some((version, name)) => (version, Some(name)),
        None => (version, None),
    };
    Ok(Asked { since: since(Some(version))?, of, at: Some(place), knows_ages })
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
        let all = Asked { since: Some(7), of: None, at: None, knows_ages: false };
        assert_eq!(asked(Some("since=7")), Ok(all));
        let at = Some(Place { whole: true, step: 3, part: 1 });
        let here = |since, of| Asked { since: Some(since), of, at, knows_ages: false };
        assert_eq!(asked(Some("since=7&at=w3.1")), Ok(here(7, None)));
        assert_eq!(asked(Some("since=7&of=5f&at=w3.1")), Ok(here(7, Some("5f"))));
        assert_eq!(asked(Some("since=0&of=&at=w3.1")), Ok(here(0, Some(""))));
        let knowing = Asked { knows_ages: true, ..here(0, Some("")) };
        assert_eq!(asked(Some("since=0&of=&at=w3.1&knows=ages")), Ok(knowing));
        for bad in [
            "since=7&at=x",
            "since=7&at=0.0&knows=x",
            "since=7&of=5f",
            "of=5f&at=0.0",
            "since=7&at=0.0&of=5f",
        ] {
            assert!(asked(Some(bad)).is_err(), "{bad}");
        }
        for bad in ["since=", "since=-1", "since=x", "version=1", "since=1&since=2"] {
            assert!(since(Some(bad)).is_err(), "{bad}");
        }
    }
}
