//! Out of quarantine, into the books.

use super::super::{Accept, Accepted, Fact, GroupError, Quarantine, Refusal, Reply};
use super::SqliteGroup;
use super::lists::story;
use super::rows::{get_order, tell};
use rusqlite::Connection;

impl Quarantine for SqliteGroup {
    fn accept(&self, accept: Accept) -> Reply<Accepted> {
        self.write(move |connection| self::accept(connection, &accept))
    }
}

/// One statement decides: of two who press at the same time, one accepts. The journal's copy stays marked: how the
/// entries came does not change.
fn accept(connection: &Connection, accept: &Accept) -> Result<Accepted, GroupError> {
    let rows = connection
        .prepare_cached(
            "UPDATE orders SET quarantined = 0, version = version + 1 \
             WHERE number = ?1 AND quarantined = 1 AND state IN ('adopted', 'paid')",
        )?
        .execute([accept.number.as_str()])?;
    if rows != 1 {
        return there_already(connection, accept);
    }
    let Accept { by, login, reason, .. } = accept.clone();
    let fact = Fact::AcceptedFromQuarantine { who: by.clone(), login, why: reason.clone() };
    tell(connection, accept.number, accept.at, &fact)?;
    Ok(Accepted { by, reason, at: accept.at })
}

fn there_already(connection: &Connection, accept: &Accept) -> Result<Accepted, GroupError> {
    let order = get_order(connection, accept.number)?.summary;
    if order.quarantined {
        return Err(Refusal::WrongState(order.state).into());
    }
    let story = story(connection, accept.number)?;
    let accepted = story.into_iter().rev().find_map(|line| match line.what {
        Fact::AcceptedFromQuarantine { who, why, .. } => Some(Accepted { by: who, reason: why, at: line.at }),
        _ => None,
    });
    accepted.ok_or(GroupError::Refused(Refusal::NotQuarantined))
}
