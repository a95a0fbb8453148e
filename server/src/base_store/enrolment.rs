//! One-time codes, and the registration of a till's key. A code names its terminal (`0007-K4TQ-9WRX`), so that
//! wrong tries count against the one code that they are tries at.

use super::audit::{self, AuditKind, NewAudit};
use super::cache::read_record;
use super::terminals::terminal_id;
use super::{BaseError, BaseStore, guard, hash_of, random};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::protocol::enrol::{Enrol, Enrolled};
use evertill_shared::protocol::staff::EnrolmentCode;
use evertill_shared::secret::SecretText;
use evertill_shared::signing::VerifyingKey;
use std::time::Duration;

/// How long a code counts.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// How many wrong tries void it.
const TRIES: u32 = 5;
const DOMAIN: &str = "evertill-enrolment-v1";
/// Letters and digits that are not taken for one another when read aloud or from paper.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const FIRST_EPOCH: KeyEpoch = 1;

fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}

/// As people type it: case, spaces and dashes do not matter.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

struct CodeRow {
    name: String,
    hash: String,
    expires_at: Timestamp,
    tries: u32,
    used_key: Option<String>,
}

fn read_code(sql: &dyn Sql, terminal: TerminalId) -> Result<Option<CodeRow>, BaseError> {
    let row = sql.row(
        "SELECT t.name, c.code_hash, c.expires_at, c.tries, c.used_key
         FROM enrolment_codes c JOIN terminals t ON t.id = c.terminal WHERE c.terminal = ?1",
        &params![terminal.get()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(CodeRow {
        name: row.at(0)?,
        hash: row.at(1)?,
        expires_at: Timestamp(row.at(2)?),
        tries: row.at(3)?,
        used_key: row.at(4)?,
    }))
}

/// The terminal for a new code: one of that name whose own code was never used and no longer counts, or a new one.
fn terminal_for(sql: &dyn Sql, name: &str, now: Timestamp) -> Result<TerminalId, BaseError> {
    let left: Option<u16> = sql.value(
        "SELECT t.id FROM terminals t JOIN enrolment_codes c ON c.terminal = t.id
         WHERE t.name = ?1 AND t.state IS NULL AND (c.expires_at < ?2 OR c.tries >= ?3)
         ORDER BY t.id LIMIT 1",
        &params![name, now.0, TRIES],
    )?;
    if let Some(left) = left {
        return Ok(terminal_id(left)?);
    }
    let last: Option<u32> = sql.value("SELECT id FROM terminals ORDER BY id DESC LIMIT 1", &[])?;
    let terminal = u16::try_from(last.unwrap_or(0) + 1).ok().and_then(|n| TerminalId::try_from(n).ok());
    let terminal = terminal.ok_or_else(|| BaseError::Invalid("the store has all 9999 terminals".into()))?;
    let row = params![terminal.get(), name];
    sql.execute("INSERT INTO terminals (id, name, epoch) VALUES (?1, ?2, 0)", &row)?;
    Ok(terminal)
}

/// What a try at a code came to. A wrong try is written down, so it is no error of the transaction.
enum Tried {
    Enrolled(TerminalId, String),
    Wrong,
    Locked,
}

fn try_code(sql: &dyn Sql, enrol: &Enrol, now: Timestamp, fresh: &str) -> Result<Tried, BaseError> {
    let given = plain(enrol.code.expose());
    let named = given.get(..4).and_then(|digits| digits.parse::<TerminalId>().ok());
    let Some(terminal) = named else { return Ok(Tried::Wrong) };
    let Some(code) = read_code(sql, terminal)? else { return Ok(Tried::Wrong) };
    let right = code.hash == hash_of(DOMAIN, &given);
    let key = enrol.public_key.to_string();
    if let Some(used_by) = code.used_key {
        // The answer was lost and the till asks again: it has proved that it holds the same key.
        let same = right && used_by == key;
        return Ok(if same { Tried::Enrolled(terminal, code.name) } else { Tried::Wrong });
    }
    if code.tries >= TRIES {
        return Ok(Tried::Locked);
    }
    if code.expires_at < now {
        return Ok(Tried::Wrong);
    }
    if !right {
        let wrong = "UPDATE enrolment_codes SET tries = tries + 1 WHERE terminal = ?1";
        sql.execute(wrong, &params![terminal.get()])?;
        return Ok(if code.tries + 1 >= TRIES { Tried::Locked } else { Tried::Wrong });
    }
    if sql.row("SELECT terminal FROM terminal_keys WHERE public_key = ?1", &params![&key])?.is_some() {
        let text = "this key is another terminal's already: let the till make a new key, and try again";
        return Err(BaseError::Invalid(text.into()));
    }
    register(sql, terminal, &enrol.public_key, now, fresh)?;
    Ok(Tried::Enrolled(terminal, code.name))
}

fn register(
    sql: &dyn Sql,
    terminal: TerminalId,
    key: &VerifyingKey,
    now: Timestamp,
    registration_code: &str,
) -> Result<(), BaseError> {
    sql.execute(
        "UPDATE terminals SET state = 'pending', epoch = ?2, registration_code = ?3 WHERE id = ?1",
        &params![terminal.get(), FIRST_EPOCH, registration_code],
    )?;
    sql.execute(
        "INSERT INTO terminal_keys (terminal, epoch, public_key, registered_at) VALUES (?1, ?2, ?3, ?4)",
        &params![terminal.get(), FIRST_EPOCH, key.to_string(), now.0],
    )?;
    // The code is used up together with the key.
    sql.execute(
        "UPDATE enrolment_codes SET used_key = ?2 WHERE terminal = ?1",
        &params![terminal.get(), key.to_string()],
    )?;
    let why = format!("fingerprint {}", key.fingerprint());
    let what = NewAudit::new(terminal.to_string(), AuditKind::TerminalEnrolled, terminal, why);
    audit::append(sql, &what, now)
}

impl BaseStore {
    /// Makes a one-time code that lets one till register: good for 15 minutes and five tries.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] for an impossible name; the database's.
    pub async fn new_enrolment_code(&self, name: &str, who: String) -> Result<EnrolmentCode, BaseError> {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 60 {
            return Err(BaseError::Invalid(
                "give the till a name of 1 to 60 characters, like `Till 1`".into(),
            ));
        }
        let now = self.clock.now();
        let expires_at = now.plus(LIFE);
        let secret = SecretText::new(letters(&random::<8>()?));
        let hashed = secret.clone();
        let terminal = self
            .database
            .write(move |sql| -> Result<TerminalId, BaseError> {
                let terminal = terminal_for(sql, &name, now)?;
                let hash = hash_of(DOMAIN, &format!("{:04}{}", terminal.get(), hashed.expose()));
                sql.execute(
                    "INSERT INTO enrolment_codes (terminal, code_hash, expires_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (terminal) DO UPDATE SET code_hash = excluded.code_hash,
                         expires_at = excluded.expires_at, tries = 0, used_key = NULL",
                    &params![terminal.get(), hash, expires_at.0],
                )?;
                let what = NewAudit::new(who, AuditKind::EnrolmentCodeMade, terminal, name);
                audit::append(sql, &what, now)?;
                Ok(terminal)
            })
            .await?;
        let (a, b) = secret.expose().split_at(4);
        let code = SecretText::new(format!("{:04}-{a}-{b}", terminal.get()));
        Ok(EnrolmentCode { code, terminal, expires_at })
    }

    /// Registers a till's key with a code. The request's signature, made with that very key, has been checked.
    /// The same code with the same key gets the same answer again.
    ///
    /// # Errors
    /// [`BaseError::EnrolmentRefused`], [`BaseError::EnrolmentLocked`], [`BaseError::Replayed`],
    /// [`BaseError::Invalid`] for a key that is another's; the database's.
    pub async fn enrol(&self, enrol: Enrol, request_id: String) -> Result<Enrolled, BaseError> {
        let now = self.clock.now();
        let fresh = letters(&random::<6>()?);
        let store = self.store().clone();
        let tried = self
            .database
            .write(move |sql| -> Result<Result<Enrolled, BaseError>, BaseError> {
                guard(sql, &request_id, now)?;
                let (terminal, name) = match try_code(sql, &enrol, now, &fresh)? {
                    Tried::Wrong => return Ok(Err(BaseError::EnrolmentRefused)),
                    Tried::Locked => return Ok(Err(BaseError::EnrolmentLocked)),
                    Tried::Enrolled(terminal, name) => (terminal, name),
                };
                let record = read_record(sql, terminal)?.ok_or_else(|| DbError::nonsense("no key"))?;
                let code: Option<String> = sql.value(
                    "SELECT registration_code FROM terminals WHERE id = ?1",
                    &params![terminal.get()],
                )?;
                let registration_code = code.ok_or_else(|| DbError::nonsense("no registration code"))?;
                let (epoch, state) = (record.epoch, record.state);
                Ok(Ok(Enrolled { terminal, name, epoch, registration_code, state, store }))
            })
            .await?;
        if let Ok(enrolled) = &tried {
            self.terminals.forget(enrolled.terminal);
        }
        tried
    }
}
