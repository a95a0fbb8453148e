//! Out of quarantine, into the books.

use super::super::{Accept, Accepted, Fact, GroupError, Quarantine, Refusal, Reply};
use super::StoredGroup;
use super::books::Books;
use super::lists::story;
use super::rows::locked;
use crate::params;
use evertill_shared::order::OrderState;

impl Quarantine for StoredGroup {
    fn accept(&self, accept: Accept) -> Reply<Accepted> {
        self.write(accept.number, move |books| self::accept(books, &accept))
    }
}

/// Of two who press at the same time, one accepts. The journal's copy stays marked: how the entries came does not
/// change.
fn accept(books: &Books<'_>, accept: &Accept) -> Result<Accepted, GroupError> {
    let order = locked(books.sql, accept.number)?;
    if !order.summary.quarantined {
        return there_already(books, accept);
    }
    if !matches!(order.summary.state, OrderState::Adopted | OrderState::Paid) {
        return Err(Refusal::WrongState(order.summary.state).into());
    }
    let number = accept.number.as_str();
    books.sql.execute("UPDATE orders SET quarantined = 0 WHERE number = ?1", &params![number])?;
    let Accept { by, login, reason, .. } = accept.clone();
    let fact = Fact::AcceptedFromQuarantine { who: by.clone(), login, why: reason.clone() };
    books.tell(accept.number, accept.at, &fact)?;
    Ok(Accepted { by, reason, at: accept.at })
}

fn there_already(books: &Books<'_>, accept: &Accept) -> Result<Accepted, GroupError> {
    let story = story(books.sql, accept.number)?;
    let accepted = story.into_iter().rev().find_map(|line| match line.what {
        Fact::AcceptedFromQuarantine { who, why, .. } => Some(Accepted { by: who, reason: why, at: line.at }),
        _ => None,
    });
    accepted.ok_or(GroupError::Refused(Refusal::NotQuarantined))
}
