//! What changes about people: a password, and that somebody left. Nobody is ever deleted: the audit trail names
//! them, and their name to log in with is never another's.

use super::audit::{self, AuditKind, NewAudit};
use super::sessions::end_others;
use super::staff::{PERSON, person_of};
use super::till_staff;
use super::{BaseError, BaseStore, StaffRecord};
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::{Role, StaffRow};
use evertill_shared::secret::SecretText;

/// The longest reason that is written down, in characters.
const LONGEST_REASON: usize = 400;

/// A new password for somebody whose old one was right.
#[derive(Clone)]
pub struct NewPassword {
    /// Who, with the hash against which the old one was checked.
    pub person: StaffRecord,
    /// argon2id, PHC string.
    pub new_hash: String,
    /// The token of the session that stays.
    pub kept: SecretText,
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewPassword({:?}, …)", self.person)
    }
}

pub(super) fn read_person(sql: &dyn Sql, login: &str) -> Result<StaffRow, BaseError> {
    let row = sql.row(&format!("{PERSON} WHERE login = ?1"), &params![login])?;
    row.map_or(Err(BaseError::NotFound("person")), |row| Ok(person_of(&row)?))
}

fn leave(sql: &dyn Sql, login: &str, reason: &str, who: &str, now: Timestamp) -> Result<StaffRow, BaseError> {
    let person = read_person(sql, login)?;
    if person.left_at.is_some() {
        return Ok(person);
    }
    let another = sql.row(
        "SELECT login FROM staff WHERE role = ?1 AND left_at IS NULL AND login <> ?2 LIMIT 1",
        &params![Role::It.as_str(), login],
    )?;
    if person.role == Role::It && another.is_none() {
        return Err(BaseError::LastOfIt(person.login));
    }
    let statement = "UPDATE staff SET left_at = ?2, pin_hash = NULL, card_mark = NULL WHERE login = ?1";
    sql.execute(statement, &params![login, now.0])?;
    if person.has_pin || person.has_card {
        till_staff::changed(sql)?;
    }
    end_others(sql, login, None)?;
    audit::append(sql, &NewAudit::new(who, AuditKind::StaffLeft, &person.login, reason), now)?;
    Ok(StaffRow { left_at: Some(now), has_pin: false, has_card: false, ..person })
}

impl BaseStore {
    /// Somebody left: they cannot log in any more, their sessions end. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`BaseError::NotFound`], [`BaseError::Invalid`] for a missing reason, [`BaseError::LastOfIt`]; the database's.
    pub async fn person_left(&self, login: &str, reason: &str, who: String) -> Result<StaffRow, BaseError> {
        let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
        if reason.is_empty() {
            return Err(BaseError::Invalid("say why, in a few words".into()));
        }
        let (login, now) = (login.trim().to_owned(), self.clock.now());
        self.database.write(move |sql| leave(sql, &login, &reason, &who, now)).await
    }

    /// Changes a password, if it is still the one that was checked; ends the person's other sessions.
    ///
    /// # Errors
    /// [`BaseError::PasswordMoved`]; the database's.
    pub async fn change_password(&self, new: NewPassword) -> Result<StaffRow, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<StaffRow, BaseError> {
                let NewPassword { person, new_hash, kept } = &new;
                let login = &person.row.login;
                let changed = sql.execute(
                    "UPDATE staff SET password_hash = ?3
                     WHERE login = ?1 AND password_hash = ?2 AND left_at IS NULL",
                    &params![login, &person.password_hash, new_hash],
                )?;
                if changed == 0 {
                    return Err(BaseError::PasswordMoved);
                }
                end_others(sql, login, Some(kept))?;
                sql.execute("DELETE FROM login_failures WHERE login = ?1", &params![login])?;
                audit::append(sql, &NewAudit::new(login, AuditKind::PasswordChanged, login, ""), now)?;
                read_person(sql, login)
            })
            .await
    }
}
