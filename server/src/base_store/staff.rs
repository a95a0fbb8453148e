//! Staff: who may log in, and how often somebody may guess.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::{Role, StaffRow};
use std::time::Duration;

/// So many wrong passwords are free.
const FREE_FAILURES: u32 = 5;
/// How long one has to wait after that; doubles each time, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Failures this old are forgotten.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// A person, with what is needed to check the password.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffRecord {
    /// Who.
    pub row: StaffRow,
    /// argon2id, PHC string.
    pub password_hash: String,
}

impl std::fmt::Debug for StaffRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StaffRecord({:?}, …)", self.row)
    }
}

/// What is known when somebody wants to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginCheck {
    /// Check the password; `None` if nobody of that name may log in (then check one that cannot be right).
    Try(Option<StaffRecord>),
    /// Too many wrong passwords: not before then.
    Wait(Timestamp),
}

fn wait_after(failures: u32) -> Duration {
    if failures < FREE_FAILURES {
        return Duration::ZERO;
    }
    let doublings = (failures - FREE_FAILURES).min(10);
    LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(doublings))
}

/// Counts one more failure under this name; gives how many there are, and how long one has to wait now. Old ones are
/// forgotten.
pub(super) fn count_failure(
    sql: &dyn Sql,
    name: &str,
    wait_after: fn(u32) -> Duration,
    now: Timestamp,
) -> Result<(u32, Duration), DbError> {
    sql.execute("DELETE FROM login_failures WHERE last_at < ?1", &params![now.minus(FORGET).0])?;
    let failures: Option<u32> = sql.value(
        "INSERT INTO login_failures (login, failures, last_at, locked_until) VALUES (?1, 1, ?2, 0)
         ON CONFLICT (login) DO UPDATE
         SET failures = login_failures.failures + 1, last_at = excluded.last_at
         RETURNING failures",
        &params![name, now.0],
    )?;
    let failures = failures.unwrap_or(u32::MAX);
    let wait = wait_after(failures);
    let row = params![name, now.plus(wait).0];
    sql.execute("UPDATE login_failures SET locked_until = ?2 WHERE login = ?1", &row)?;
    Ok((failures, wait))
}

pub(super) const PERSON: &str = "SELECT login, name, role, left_at, pin_hash, card_mark FROM staff";

pub(super) fn person_of(row: &Row) -> Result<StaffRow, DbError> {
    let (role, left_at): (String, Option<i64>) = (row.get("role")?, row.get("left_at")?);
    let role = role_of(&role)?;
    let has_pin = row.get::<Option<String>>("pin_hash")?.is_some();
    let has_card = row.get::<Option<String>>("card_mark")?.is_some();
    let (login, name) = (row.get("login")?, row.get("name")?);
    Ok(StaffRow { login, name, role, left_at: left_at.map(Timestamp), has_pin, has_card })
}

pub(super) fn role_of(word: &str) -> Result<Role, DbError> {
    Role::from_word(word).ok_or_else(|| DbError::nonsense(format_args!("role {word:?}")))
}

impl BaseStore {
    /// Whether somebody may try to log in now, and against which hash.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn login_check(&self, login: &str) -> Result<LoginCheck, BaseError> {
        let (login, now) = (login.to_owned(), self.clock.now());
        self.database
            .read(move |sql| -> Result<LoginCheck, BaseError> {
                let until: Option<i64> = sql.value(
                    "SELECT locked_until FROM login_failures WHERE login = ?1 AND locked_until > ?2",
                    &params![&login, now.0],
                )?;
                if let Some(until) = until {
                    return Ok(LoginCheck::Wait(Timestamp(until)));
                }
                let row = sql.row(
                    "SELECT login, name, role, left_at, pin_hash, card_mark, password_hash FROM staff
                     WHERE login = ?1 AND left_at IS NULL",
                    &params![&login],
                )?;
                let Some(row) = row else { return Ok(LoginCheck::Try(None)) };
                let password_hash = row.get("password_hash")?;
                Ok(LoginCheck::Try(Some(StaffRecord { row: person_of(&row)?, password_hash })))
            })
            .await
    }

    /// Counts a wrong password; answers until when one has to wait now.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn login_failed(&self, login: &str) -> Result<Option<Timestamp>, BaseError> {
        // A stranger must not fill the file with long names.
        let login: String = login.chars().take(60).collect();
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<Option<Timestamp>, BaseError> {
                let (_, wait) = count_failure(sql, &login, wait_after, now)?;
                Ok((!wait.is_zero()).then(|| now.plus(wait)))
            })
            .await
    }

    /// Everyone, by name; those who left too.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn staff(&self) -> Result<Vec<StaffRow>, BaseError> {
        self.database
            .read(|sql| -> Result<Vec<StaffRow>, BaseError> {
                let rows = sql.rows(&format!("{PERSON} ORDER BY login"), &[])?;
                Ok(rows.iter().map(person_of).collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Adds a person; the password is hashed already.
    ///
    /// # Errors
    /// [`BaseError::LoginTaken`], [`BaseError::Invalid`]; the database's.
    pub async fn add_staff(&self, new: StaffRecord, who: String) -> Result<StaffRow, BaseError> {
        let StaffRecord { row, password_hash } = new;
        let login_ok = (1..=60).contains(&row.login.chars().count())
            && row.login.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c));
        if !login_ok {
            let text = "the name to log in with is 1 to 60 letters, digits or . _ - @";
            return Err(BaseError::Invalid(text.into()));
        }
        if row.name.trim().is_empty() || row.name.chars().count() > 60 {
            return Err(BaseError::Invalid("the name that others see is 1 to 60 characters".into()));
        }
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<StaffRow, BaseError> {
                let inserted = sql.execute(
                    "INSERT INTO staff (login, name, role, password_hash, added_at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                    &params![&row.login, &row.name, row.role.as_str(), password_hash, now.0],
                )?;
                if inserted == 0 {
                    return Err(BaseError::LoginTaken(row.login));
                }
                let what = NewAudit::new(who, AuditKind::StaffAdded, &row.login, row.role.as_str());
                audit::append(sql, &what, now)?;
                Ok(row)
            })
            .await
    }
}
