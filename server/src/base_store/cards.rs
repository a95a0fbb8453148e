//! Cards to log in with at tills: one for each person at most, known by its mark. The code itself is kept nowhere.

use super::audit::{self, AuditKind, NewAudit};
use super::people::read_person;
use super::till_staff::changed;
use super::{BaseError, BaseStore, random};
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::{CardSet, StaffRow};
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::{CardCode, CardMark};

/// What the trail says of a card that took the place of another.
const REPLACED: &str = "the one before counts no more";

fn set(
    sql: &dyn Sql,
    login: &str,
    mark: Option<&CardMark>,
    who: &str,
    now: Timestamp,
) -> Result<StaffRow, BaseError> {
    let person = read_person(sql, login)?;
    if person.left_at.is_some() {
        return Err(BaseError::NotFound("person"));
    }
    let (what, why) = match (mark, person.has_card) {
        (None, false) => return Ok(person),
        (None, true) => (AuditKind::CardRemoved, ""),
        (Some(_), true) => (AuditKind::CardMade, REPLACED),
        (Some(_), false) => (AuditKind::CardMade, ""),
    };
    let kept = mark.map(CardMark::as_str);
    sql.execute("UPDATE staff SET card_mark = ?2 WHERE login = ?1", &params![&person.login, kept])?;
    changed(sql)?;
    audit::append(sql, &NewAudit::new(who, what, &person.login, why), now)?;
    Ok(StaffRow { has_card: mark.is_some(), ..person })
}

impl BaseStore {
    /// Makes a new card for a person, which from then on is the only one of theirs that counts. Gives its code, which nobody
    /// keeps. The audit trail says for whom, and never the code.
    ///
    /// # Errors
    /// [`BaseError::NotFound`] for a stranger or somebody who left; [`BaseError::NoRandomness`]; the database's.
    pub async fn make_card(&self, login: &str, who: String) -> Result<CardSet, BaseError> {
        let (login, now) = (login.trim().to_owned(), self.clock.now());
        let code = CardCode::of(random()?);
        let mark = code.mark();
        let made = self.database.write(move |sql| set(sql, &login, Some(&mark), &who, now));
        Ok(CardSet { person: made.await?, code: Some(SecretText::new(code.expose().to_owned())) })
    }

    /// Takes a person's card away: it counts no more. Whoever has none loses nothing.
    ///
    /// # Errors
    /// As [`BaseStore::make_card`].
    pub async fn remove_card(&self, login: &str, who: String) -> Result<CardSet, BaseError> {
        let (login, now) = (login.trim().to_owned(), self.clock.now());
        let removed = self.database.write(move |sql| set(sql, &login, None, &who, now));
        Ok(CardSet { person: removed.await?, code: None })
    }
}
