//! What went back by itself, for people to look at.

use super::super::GroupError;
use super::super::overview::{GivenBack, GivenBackEnd, Surplus};
use super::give_backs::{Place, give_back_row};
use super::rows::{readable, with_spare};
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::payment::PaymentState;

/// What went back by itself and what is to, the newest first.
pub(super) fn newest(sql: &dyn Sql, pattern: &str, most: u32) -> Result<Vec<GivenBack>, GroupError> {
    let mut found = Vec::new();
    for place in Place::ALL {
        let statement = format!(
            "{} g.number LIKE ?1 ORDER BY g.since DESC, g.number DESC, g.attempt DESC, {} DESC LIMIT ?2",
            place.select_with(&format!(", p.state AS attempt_state, {}", ended_at(place))),
            place.account()
        );
        found.extend(readable(sql, &statement, &params![pattern, with_spare(most)], most, given_back_row)?);
    }
    found.sort_by_key(GivenBack::newest_first);
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(found)
}

fn given_back_row(row: &Row) -> Result<GivenBack, GroupError> {
    let what = give_back_row(row)?;
    let is_paid = row.get::<String>("attempt_state")? == PaymentState::Paid.as_str();
    let why = match (what.is_elsewhere, is_paid) {
        (true, _) => Surplus::Elsewhere,
        (false, true) => Surplus::Double,
        (false, false) => Surplus::Late,
    };
    let end = match row.get::<String>("state")?.as_str() {
        "open" => None,
        "nothing_taken" => Some(GivenBackEnd::NothingTaken),
        _ => Some(GivenBackEnd::Done),
    };
    let ended_at: Option<i64> = row.get("ended_at")?;
    Ok(GivenBack { what, why, end, ended_at: end.and(ended_at).map(Timestamp) })
}

/// When the ledger says that it was over: the entry is `Entry::Back`.
fn ended_at(place: Place) -> String {
    let name = match place {
        Place::Own => "'back:' || g.attempt",
        Place::Elsewhere => "'back:' || g.attempt || '@' || g.account",
    };
    format!("(SELECT MAX(l.at) FROM ledger l WHERE l.number = g.number AND l.entry = {name}) AS ended_at")
}
