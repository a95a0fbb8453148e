//! PINs that approve something at this server: how often somebody may guess, per person and per till. A try is counted
//! before it is looked at, so that many at once are no more tries than one after the other, whichever server they reach.

use super::staff::{count_failure, person_of};
use super::till_staff::PIN_PERSON;
use super::{BaseError, BaseStore, guard};
use crate::database::Sql;
use crate::params;
use evertill_shared::cashier::{tries_left, wait_after};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::{Role, StaffRow};
use evertill_shared::secret::SecretText;
use std::time::Duration;

/// Whose PIN is tried, and where.
#[derive(Clone, Debug)]
pub struct PinTry {
    /// The login of the person.
    pub login: String,
    /// The till at which it was typed.
    pub till: TerminalId,
    /// The id of the till's request, so that its replay is no further try.
    pub request_id: String,
    /// Whose role may approve it.
    pub may: fn(Role) -> bool,
}

/// What is known when somebody wants to approve something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinCheck {
    /// Look at it; the try is counted as a wrong one until [`BaseStore::pin_was_right`].
    Look {
        /// What it is checked against.
        verifier: SecretText,
        /// So many tries are left if it is wrong.
        tries_left: u32,
        /// So long one has to wait if it is wrong.
        wait: Duration,
    },
    /// Too many wrong ones: not before then.
    Wait(Timestamp),
    /// Nobody on the staff has this login, a PIN and the right.
    Nobody,
}

/// Logins have no colon: these never meet those of people who log in with a password.
fn counted(asked: &PinTry) -> [String; 2] {
    [format!("pin:person:{}", asked.login), format!("pin:till:{}", asked.till)]
}

fn person(sql: &dyn Sql, asked: &PinTry) -> Result<Option<(StaffRow, SecretText)>, BaseError> {
    let row = sql.row(&format!("{PIN_PERSON} AND login = ?1"), &params![&asked.login])?;
    let Some(row) = row else { return Ok(None) };
    let (person, verifier) = (person_of(&row)?, SecretText::new(row.get("pin_hash")?));
    Ok((asked.may)(person.role).then_some((person, verifier)))
}

fn try_pin(sql: &dyn Sql, asked: &PinTry, now: Timestamp) -> Result<PinCheck, BaseError> {
    guard(sql, &asked.request_id, now)?;
    let Some((_, verifier)) = person(sql, asked)? else { return Ok(PinCheck::Nobody) };
    let mut locked = None;
    for name in counted(asked) {
        let until: Option<i64> = sql.value(
            "SELECT locked_until FROM login_failures WHERE login = ?1 AND locked_until > ?2",
            &params![name, now.0],
        )?;
        locked = locked.max(until);
    }
    if let Some(until) = locked {
        return Ok(PinCheck::Wait(Timestamp(until)));
    }
    let mut tries = 0;
    for name in counted(asked) {
        tries = count_failure(sql, &name, wait_after, now)?.0.max(tries);
    }
    Ok(PinCheck::Look { verifier, tries_left: tries_left(tries), wait: wait_after(tries) })
}

impl BaseStore {
    /// Takes one of the tries that somebody has, and says against what the PIN is to be checked.
    ///
    /// # Errors
    /// [`BaseError::Replayed`] for a request that took its try before; the database's.
    pub async fn try_pin(&self, asked: &PinTry) -> Result<PinCheck, BaseError> {
        let (asked, now) = (asked.clone(), self.clock.now());
        self.database.write(move |sql| try_pin(sql, &asked, now)).await
    }

    /// The PIN could not be looked at, by our own fault: it is as if it had not been tried.
    ///
    /// # Errors
    /// The database's.
    pub async fn pin_was_not_looked_at(&self, asked: &PinTry) -> Result<(), BaseError> {
        let asked = asked.clone();
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                for name in counted(&asked) {
                    let left: Option<u32> = sql.value(
                        "UPDATE login_failures SET failures = failures - 1 WHERE login = ?1 AND failures > 0 \
                         RETURNING failures",
                        &params![&name],
                    )?;
                    let wait = i64::try_from(wait_after(left.unwrap_or_default()).as_millis());
                    sql.execute(
                        "UPDATE login_failures SET locked_until = last_at + ?2 WHERE login = ?1",
                        &params![&name, wait.unwrap_or(i64::MAX)],
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// The PIN was right: what was counted is forgotten. Gives the person, if they are still on the staff and that is still
    /// their PIN: checking it took a while.
    ///
    /// # Errors
    /// The database's.
    pub async fn pin_was_right(
        &self,
        asked: &PinTry,
        verifier: &SecretText,
    ) -> Result<Option<StaffRow>, BaseError> {
        let (asked, verifier) = (asked.clone(), verifier.clone());
        self.database
            .write(move |sql| -> Result<Option<StaffRow>, BaseError> {
                for name in counted(&asked) {
                    sql.execute("DELETE FROM login_failures WHERE login = ?1", &params![name])?;
                }
                let found = person(sql, &asked)?;
                Ok(found.filter(|(_, now)| *now == verifier).map(|(person, _)| person))
            })
            .await
    }
}
