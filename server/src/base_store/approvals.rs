//! One-time codes by which a manager approves a refund without standing at the till: made in the console, shown as a QR
//! code, scanned at the till that sold. A code counts for minutes, once, for one order or one till, up to an amount, and
//! only as long as whoever made it is on the staff and may. Of the code only a hash is kept.

use super::audit::{self, AuditKind, NewAudit};
use super::people::read_person;
use super::staff::{PERSON, person_of};
use super::{BaseError, BaseStore, guard, hash_of, random};
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{APPROVAL_PREFIX, CodeRefused};
use evertill_shared::protocol::staff::StaffRow;
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use std::time::Duration;

/// How long a code counts.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// Codes are forgotten so long after their end: a till may ask again about what one has approved.
const KEPT: Duration = Duration::from_secs(2 * 24 * 3600);
/// So many codes of one person may count at a time.
const MOST_OPEN: u32 = 20;
const DOMAIN: &str = "evertill-approval-v1";
/// Letters and digits that are not taken for one another. A code has a hundred bits: nobody finds one by trying.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What somebody wants to approve from afar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// The login of the person.
    pub login: String,
    /// So much at most.
    pub most: Amount,
    /// For this order only.
    pub order: Option<OrderNumber>,
    /// For this till only.
    pub till: Option<TerminalId>,
}

/// A code, as it is shown this once.
#[derive(Clone, Debug)]
pub struct ApprovalCode {
    /// What is scanned.
    pub code: SecretText,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// A code that was scanned for a refund.
#[derive(Clone, Debug)]
pub struct CodeTry {
    /// What was scanned.
    pub code: SecretText,
    /// At which till.
    pub till: TerminalId,
    /// The id of the till's message, so that its replay is refused.
    pub request_id: String,
    /// The id of the refund that is asked for: the same one may be asked for again by the same code.
    pub request: String,
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Amount,
}

/// A code as it stands.
struct Kept {
    login: String,
    most: Amount,
    order: Option<String>,
    till: Option<u16>,
    expires_at: Timestamp,
    /// Request, order, till and minor units of what it has approved.
    used: Option<(String, String, u16, i64)>,
}

fn kept(row: &Row) -> Result<Kept, BaseError> {
    let currency: String = row.get("currency")?;
    let currency: Currency =
        currency.parse().map_err(|_| crate::database::DbError::nonsense("a code's currency"))?;
    let used: Option<String> = row.get("used_request")?;
    let used = match used {
        None => None,
        Some(request) => {
            Some((request, row.get("used_order")?, row.get("used_terminal")?, row.get("used_minor")?))
        }
    };
    Ok(Kept {
        login: row.get("login")?,
        most: Amount::new(row.get("most_minor")?, currency),
        order: row.get("for_order")?,
        till: row.get("for_terminal")?,
        expires_at: Timestamp(row.get("expires_at")?),
        used,
    })
}

/// Whether a code approves that now, whoever made it.
fn approves(code: &Kept, tried: &CodeTry, now: Timestamp) -> Result<(), CodeRefused> {
    if let Some((request, order, till, minor)) = &code.used {
        let same = (request, order.as_str(), *till, *minor)
            == (&tried.request, tried.order.as_str(), tried.till.get(), tried.amount.minor);
        // The answer was lost, and the till asks again: it was approved in time.
        return if same { Ok(()) } else { Err(CodeRefused::Used) };
    }
    if now >= code.expires_at {
        return Err(CodeRefused::Expired);
    }
    if code.till.is_some_and(|till| till != tried.till.get()) {
        return Err(CodeRefused::AnotherTill);
    }
    if code.order.as_ref().is_some_and(|order| order != tried.order.as_str()) {
        return Err(CodeRefused::AnotherOrder);
    }
    if tried.amount.currency != code.most.currency || tried.amount.minor > code.most.minor {
        return Err(CodeRefused::TooMuch);
    }
    Ok(())
}

fn use_code(
    sql: &dyn Sql,
    tried: &CodeTry,
    now: Timestamp,
) -> Result<Result<StaffRow, CodeRefused>, BaseError> {
    guard(sql, &tried.request_id, now)?;
    let hash = hash_of(DOMAIN, tried.code.expose());
    let row = sql.row("SELECT * FROM approval_codes WHERE code_hash = ?1", &params![&hash])?;
    let Some(row) = row else { return Ok(Err(CodeRefused::Unknown)) };
    let code = kept(&row)?;
    if let Err(why) = approves(&code, tried, now) {
        return Ok(Err(why));
    }
    let row = sql.row(&format!("{PERSON} WHERE login = ?1"), &params![&code.login])?;
    let person = row.as_ref().map(person_of).transpose()?;
    let may = |person: &StaffRow| person.left_at.is_none() && Right::Refund.held_by(person.role);
    let Some(person) = person.filter(may) else { return Ok(Err(CodeRefused::NotApprover)) };
    if code.used.is_some() {
        return Ok(Ok(person));
    }
    let rows = sql.execute(
        "UPDATE approval_codes SET used_at = ?2, used_request = ?3, used_order = ?4, used_terminal = ?5, \
         used_minor = ?6 WHERE code_hash = ?1 AND used_at IS NULL",
        &params![&hash, now.0, &tried.request, tried.order.as_str(), tried.till.get(), tried.amount.minor],
    )?;
    if rows != 1 {
        return Ok(Err(CodeRefused::Used));
    }
    let why = format!("{} ({}), at {}", tried.amount, tried.request, tried.till);
    let what = NewAudit::new(&person.login, AuditKind::ApprovalCodeUsed, tried.order, why);
    audit::append(sql, &what, now)?;
    Ok(Ok(person))
}

fn make(sql: &dyn Sql, new: &NewApproval, hash: &str, now: Timestamp) -> Result<Timestamp, BaseError> {
    let person = read_person(sql, &new.login)?;
    if person.left_at.is_some() || !Right::Refund.held_by(person.role) {
        return Err(BaseError::NotFound("person who may approve refunds"));
    }
    sql.execute("DELETE FROM approval_codes WHERE expires_at < ?1", &params![now.minus(KEPT).0])?;
    let open: Option<u32> = sql.value(
        "SELECT count(*) FROM approval_codes WHERE login = ?1 AND used_at IS NULL AND expires_at > ?2",
        &params![&new.login, now.0],
    )?;
    if open.unwrap_or_default() >= MOST_OPEN {
        let text = "too many codes of yours count at the moment: wait until some are over";
        return Err(BaseError::Invalid(text.into()));
    }
    let expires_at = now.plus(LIFE);
    sql.execute(
        "INSERT INTO approval_codes (code_hash, login, currency, most_minor, for_order, for_terminal, made_at, \
         expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &params![
            hash,
            &new.login,
            new.most.currency.code(),
            new.most.minor,
            new.order.as_ref().map(OrderNumber::as_str),
            new.till.map(TerminalId::get),
            now.0,
            expires_at.0,
        ],
    )?;
    let subject = match (&new.order, new.till) {
        (Some(order), _) => order.to_string(),
        (None, till) => till.map_or(String::new(), |till| till.to_string()),
    };
    let why = format!("up to {}{}", new.most, new.till.map_or(String::new(), |till| format!(", at {till}")));
    audit::append(sql, &NewAudit::new(&new.login, AuditKind::ApprovalCodeMade, subject, why), now)?;
    Ok(expires_at)
}

impl BaseStore {
    /// Makes a one-time code. The audit trail says for what, and never the code.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] for an impossible amount, or neither order nor till; [`BaseError::NotFound`] for somebody
    /// who may not; the database's.
    pub async fn new_approval_code(&self, new: NewApproval) -> Result<ApprovalCode, BaseError> {
        if !new.most.is_positive() || new.most.currency != self.store().currency {
            return Err(BaseError::Invalid("up to how much? More than zero, in the store's currency".into()));
        }
        if new.order.is_none() && new.till.is_none() {
            return Err(BaseError::Invalid("a code is for one order or for one till".into()));
        }
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte & 31)]);
        let parts: Vec<String> =
            random::<20>()?.chunks(5).map(|part| part.iter().map(letter).collect()).collect();
        let code = SecretText::new(format!("{APPROVAL_PREFIX}{}", parts.join("-")));
        let (hash, now) = (hash_of(DOMAIN, code.expose()), self.clock.now());
        let expires_at = self.database.write(move |sql| make(sql, &new, &hash, now)).await?;
        Ok(ApprovalCode { code, expires_at })
    }

    /// Whether a code would approve that now; it is not used up by it. Whoever made it is looked at when it is used.
    ///
    /// # Errors
    /// The database's. That it approves nothing is no error but the answer.
    pub async fn look_at_approval_code(&self, tried: &CodeTry) -> Result<Result<(), CodeRefused>, BaseError> {
        let (tried, now) = (tried.clone(), self.clock.now());
        let looked = self.database.read(move |sql| {
            let hash = hash_of(DOMAIN, tried.code.expose());
            let row = sql.row("SELECT * FROM approval_codes WHERE code_hash = ?1", &params![&hash])?;
            let code = row.as_ref().map(kept).transpose()?;
            Ok::<_, BaseError>(code.map_or(Err(CodeRefused::Unknown), |code| approves(&code, &tried, now)))
        });
        looked.await
    }

    /// Uses a code for a refund, in one transaction with the line of the audit trail that says so; gives whoever made it.
    ///
    /// # Errors
    /// [`BaseError::Replayed`]; the database's. That it approves nothing is no error but the answer.
    pub async fn use_approval_code(
        &self,
        tried: CodeTry,
    ) -> Result<Result<StaffRow, CodeRefused>, BaseError> {
        let now = self.clock.now();
        self.database.write(move |sql| use_code(sql, &tried, now)).await
    }
}
