//! Goods and prices, for tills.

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::Json;
use axum::extract::{RawQuery, State};
use evertill_shared::protocol::catalogue::{BadPlace, Catalogue, KNOWS_AGES, KNOWS_SERIALS, Place, Product};

/// `GET /v1/catalogue?since=N&of=NAME&at=PLACE`: a part of what has changed since version N; nothing but the version where N
/// is the present one. Without a name, for tills that keep none: N is believed. Without a place, for tills that know none:
/// everything at once. Without the words at its end, for tills that ask for no ages
/// or no serial numbers: without them.
///
/// # Errors
/// A till that may not sell, a `since` that is no number, an `at` that is no place.
pub async fn catalogue(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Catalogue> {
    caller.require_money()?;
    let Asked { since, of, at, knows } = asked(query.as_deref())?;
    let as_known: fn(Product) -> Product = match at {
        Some(_) => match knows {
            Knows::Serials => std::convert::identity,
            Knows::Ages => Product::without_serial,
            Knows::Neither => Product::without_age,
        },
        None => Product::as_older_programs_read_it,
    };
    let found = match at {
        Some(at) => app.base.catalogue_part(since.unwrap_or(0), of, at).await?,
        None => app.base.catalogue(since).await?,
    };
    let products = found.products.map(|all| all.into_iter().map(as_known).collect());
    Ok(Json(Catalogue { products, ..found }))
}

/// What a till asks of customers and cashiers: each later one asks what the one before does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    Neither,
    Ages,
    Serials,
}

/// What a till asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    since: Option<u64>,
    of: Option<&'a str>,
    at: Option<Place>,
    knows: Knows,
}

/// The version that a till has, its name, and the place where the till goes on, from `since=N&of=NAME&at=PLACE`.
fn asked(query: Option<&str>) -> Result<Asked<'_>, Failure> {
    let Some((version, place)) = query.and_then(|query| query.split_once("&at=")) else {
        return Ok(Asked { since: since(query)?, of: None, at: None, knows: Knows::Neither });
    };
    let words = [(KNOWS_SERIALS, Knows::Serials), (KNOWS_AGES, Knows::Ages)];
    let said = words.into_iter().find_map(|(word, knows)| Some((place.strip_suffix(word)?, knows)));
    let (place, knows) = said.unwrap_or((place, Knows::Neither));
    let place = place.parse().map_err(|error: BadPlace| Failure::bad_request(error.to_string()))?;
    let (version, of) = match version.split_once("&of=") {
        Some((version, name)) => (version, Some(name)),
        None => (version, None),
    };
    Ok(Asked { since: since(Some(version))?, of, at: Some(place), knows })
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
        let all = Asked { since: Some(7), of: None, at: None, knows: Knows::Neither };
        assert_eq!(asked(Some("since=7")), Ok(all));
        let at = Some(Place { whole: true, step: 3, part: 1 });
        let here = |since, of| Asked { since: Some(since), of, at, knows: Knows::Neither };
        assert_eq!(asked(Some("since=7&at=w3.1")), Ok(here(7, None)));
        assert_eq!(asked(Some("since=7&of=5f&at=w3.1")), Ok(here(7, Some("5f"))));
        assert_eq!(asked(Some("since=0&of=&at=w3.1")), Ok(here(0, Some(""))));
        for (word, knows) in [(KNOWS_AGES, Knows::Ages), (KNOWS_SERIALS, Knows::Serials)] {
            let question = format!("since=0&of=&at=w3.1{word}");
            assert_eq!(asked(Some(&question)), Ok(Asked { knows, ..here(0, Some("")) }));
        }
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
