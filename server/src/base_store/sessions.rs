//! Open sessions of staff. Only the hash of a token is kept: whoever reads the file cannot log in with it.

use super::staff::role_of;
use super::{BaseError, BaseStore, StaffRecord, hash_of, random};
use crate::database::Sql;
use crate::params;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::Role;
use evertill_shared::secret::SecretText;
use std::time::Duration;

/// How long a session lasts after it was last used.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// A session is made longer only when at least this much of it is gone: not every request writes.
const RENEW_AFTER: Duration = Duration::from_secs(300);
const DOMAIN: &str = "evertill-session-v1";

/// A session that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// The name that was logged in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do now.
    pub role: Role,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Ends all sessions of a person but the one of the token that is kept, if one is.
pub(super) fn end_others(sql: &dyn Sql, login: &str, kept: Option<&SecretText>) -> Result<(), BaseError> {
    let kept = kept.map(|token| hash_of(DOMAIN, token.expose())).unwrap_or_default();
    sql.execute("DELETE FROM sessions WHERE login = ?1 AND token_hash <> ?2", &params![login, kept])?;
    Ok(())
}

impl BaseStore {
    /// Opens a session for somebody whose password was right.
    ///
    /// # Errors
    /// [`BaseError::PasswordMoved`] if that password does not count any more; the database's.
    pub async fn open_session(&self, person: &StaffRecord) -> Result<(SecretText, Timestamp), BaseError> {
        let token = SecretText::new(URL_SAFE_NO_PAD.encode(random::<32>()?));
        let hash = hash_of(DOMAIN, token.expose());
        let (person, now) = (person.clone(), self.clock.now());
        let expires_at = now.plus(LIFE);
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                sql.execute("DELETE FROM sessions WHERE expires_at < ?1", &params![now.0])?;
                // Checking the password took a while: it must still be this one, and the person be there.
                let opened = sql.execute(
                    "INSERT INTO sessions (token_hash, login, opened_at, expires_at)
                     SELECT ?1, login, ?2, ?3 FROM staff
                     WHERE login = ?4 AND password_hash = ?5 AND left_at IS NULL",
                    &params![hash, now.0, expires_at.0, &person.row.login, &person.password_hash],
                )?;
                if opened == 0 {
                    return Err(BaseError::PasswordMoved);
                }
                let forget = "DELETE FROM login_failures WHERE login = ?1";
                sql.execute(forget, &params![&person.row.login])?;
                Ok(())
            })
            .await?;
        Ok((token, expires_at))
    }

    /// The session of this token, made longer by its use; `None` if there is none or it has ended.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn session(&self, token: &SecretText) -> Result<Option<OpenSession>, BaseError> {
        let hash = hash_of(DOMAIN, token.expose());
        let (now, asked) = (self.clock.now(), hash.clone());
        let found = self
            .database
            .read(move |sql| -> Result<Option<OpenSession>, BaseError> {
                let row = sql.row(
                    "SELECT p.login, p.name, p.role, s.expires_at FROM sessions s
                     JOIN staff p ON p.login = s.login
                     WHERE s.token_hash = ?1 AND s.expires_at > ?2 AND p.left_at IS NULL",
                    &params![asked, now.0],
                )?;
                let Some(row) = row else { return Ok(None) };
                let role = role_of(&row.at::<String>(2)?)?;
                let expires_at = Timestamp(row.at(3)?);
                Ok(Some(OpenSession { login: row.at(0)?, name: row.at(1)?, role, expires_at }))
            })
            .await?;
        let Some(mut session) = found else { return Ok(None) };
        let longer = now.plus(LIFE);
        if longer.since(session.expires_at) >= RENEW_AFTER {
            session.expires_at = longer;
            self.database
                .write(move |sql| -> Result<(), BaseError> {
                    // Another server may have made it longer still.
                    let renew =
                        "UPDATE sessions SET expires_at = ?2 WHERE token_hash = ?1 AND expires_at < ?2";
                    sql.execute(renew, &params![hash, longer.0])?;
                    Ok(())
                })
                .await?;
        }
        Ok(Some(session))
    }

    /// Ends a session. Ending one that has ended is no error.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn close_session(&self, token: &SecretText) -> Result<(), BaseError> {
        let hash = hash_of(DOMAIN, token.expose());
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                sql.execute("DELETE FROM sessions WHERE token_hash = ?1", &params![hash])?;
                Ok(())
            })
            .await
    }
}
