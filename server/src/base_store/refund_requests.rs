//! Refunds that tills asked for and that wait for a manager in the console. Nothing is reserved by asking: what may go back is
//! decided by the order's group, when a manager has approved it.
//!
//! A manager's word is written down before the group is asked, so that of two who decide at once one does; what was approved
//! and may not have reached the group yet is asked again, under the same name, by whoever comes next: the manager or the till.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use std::time::Duration;

/// Requests are forgotten so long after they came: refunds are of the same day.
const KEPT: Duration = Duration::from_secs(2 * 24 * 3600);
/// So many of one till may wait at a time.
const MOST_WAITING: u32 = 50;
/// So many are shown.
const MOST_SHOWN: u32 = 200;
const COLUMNS: &str = "terminal, request, number, currency, minor, reason, cashier_login, cashier_name, asked_at, state, \
                       decided_login, decided_name";

/// What a till asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// Which till, the one that sold.
    pub terminal: TerminalId,
    /// The name that the till gave it; the refund will have it, too.
    pub request: String,
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: String,
    /// Who served at the till.
    pub cashier: Option<Cashier>,
    /// When it came.
    pub asked_at: Timestamp,
    /// How it stands.
    pub state: RequestState,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has decided.
    Waiting,
    /// Somebody approved it; whether its amount is reserved has not been written down yet.
    Approved(Decider),
    /// Its amount was reserved: it stands at the till.
    Reserved(Decider),
    /// Somebody refused it, or the order's group did after it was approved.
    Refused(Decider),
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decider {
    /// The name to log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
}

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The money may go back.
    Approve,
    /// It may not.
    Refuse,
}

impl RequestState {
    fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved(_) => "approved",
            Self::Reserved(_) => "reserved",
            Self::Refused(_) => "refused",
        }
    }
}

fn request_of(row: &Row) -> Result<RefundRequest, BaseError> {
    let nonsense = |what| BaseError::from(DbError::nonsense(what));
    let currency: Currency =
        row.get::<String>("currency")?.parse().map_err(|_| nonsense("a request's currency"))?;
    let number: String = row.get("number")?;
    let (login, name): (Option<String>, Option<String>) =
        (row.get("cashier_login")?, row.get("cashier_name")?);
    let decider: (Option<String>, Option<String>) = (row.get("decided_login")?, row.get("decided_name")?);
    let decider = decider.0.zip(decider.1).map(|(login, name)| Decider { login, name });
    let state = match (row.get::<String>("state")?.as_str(), decider) {
        ("waiting", None) => RequestState::Waiting,
        ("approved", Some(by)) => RequestState::Approved(by),
        ("reserved", Some(by)) => RequestState::Reserved(by),
        ("refused", Some(by)) => RequestState::Refused(by),
        _ => return Err(nonsense("a request's state")),
    };
    Ok(RefundRequest {
        terminal: TerminalId::try_from(row.get::<u16>("terminal")?).map_err(|_| nonsense("a terminal"))?,
        request: row.get("request")?,
        order: number.parse().map_err(|_| nonsense("a request's order"))?,
        amount: Amount::new(row.get("minor")?, currency),
        reason: row.get("reason")?,
        cashier: login.zip(name).map(|(login, name)| Cashier { login, name }),
        asked_at: Timestamp(row.get("asked_at")?),
        state,
    })
}

fn find(sql: &dyn Sql, terminal: TerminalId, request: &str) -> Result<Option<RefundRequest>, BaseError> {
    let statement = format!("SELECT {COLUMNS} FROM refund_requests WHERE terminal = ?1 AND request = ?2");
    sql.row(&statement, &params![terminal.get(), request])?.as_ref().map(request_of).transpose()
}

fn ask(sql: &dyn Sql, new: &RefundRequest, now: Timestamp) -> Result<RefundRequest, BaseError> {
    if let Some(known) = find(sql, new.terminal, &new.request)? {
        let same = (known.order, known.amount, &known.reason) == (new.order, new.amount, &new.reason);
        let differs = "a refund was asked for under this id before, with another order, amount or reason";
        return if same { Ok(known) } else { Err(BaseError::Invalid(differs.into())) };
    }
    sql.execute("DELETE FROM refund_requests WHERE asked_at < ?1", &params![now.minus(KEPT).0])?;
    // A till asks for one refund of an order at a time: it has forgotten the one before.
    sql.execute(
        "DELETE FROM refund_requests WHERE terminal = ?1 AND number = ?2 AND state = 'waiting'",
        &params![new.terminal.get(), new.order.as_str()],
    )?;
    let waiting: Option<u32> = sql.value(
        "SELECT count(*) FROM refund_requests WHERE terminal = ?1 AND state = 'waiting'",
        &params![new.terminal.get()],
    )?;
    if waiting.unwrap_or_default() >= MOST_WAITING {
        let many = "too many refunds of this till wait in the console: let a manager decide about them first";
        return Err(BaseError::Invalid(many.into()));
    }
    let cashier = new.cashier.as_ref();
    sql.execute(
        "INSERT INTO refund_requests (terminal, request, number, currency, minor, reason, cashier_login, cashier_name, \
         asked_at, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting')",
        &params![
            new.terminal.get(),
            &new.request,
            new.order.as_str(),
            new.amount.currency.code(),
            new.amount.minor,
            &new.reason,
            cashier.map(|cashier| cashier.login.as_str()),
            cashier.map(|cashier| cashier.name.as_str()),
            now.0,
        ],
    )?;
    Ok(new.clone())
}

fn decide(
    sql: &dyn Sql,
    (terminal, request): (TerminalId, &str),
    (decision, by): (Decision, &Decider),
    now: Timestamp,
) -> Result<RefundRequest, BaseError> {
    let known = find(sql, terminal, request)?.ok_or(BaseError::NotFound("refund that a till asked for"))?;
    if known.state != RequestState::Waiting {
        return Ok(known);
    }
    let state = match decision {
        Decision::Approve => RequestState::Approved(by.clone()),
        Decision::Refuse => RequestState::Refused(by.clone()),
    };
    let decided = RefundRequest { state, ..known };
    sql.execute(
        "UPDATE refund_requests SET state = ?3, decided_login = ?4, decided_name = ?5, decided_at = ?6 \
         WHERE terminal = ?1 AND request = ?2 AND state = 'waiting'",
        &params![terminal.get(), request, decided.state.word(), &by.login, &by.name, now.0],
    )?;
    if decision == Decision::Refuse {
        let why = format!("{} ({request}), at {terminal}: {}", decided.amount, decided.reason);
        let what = NewAudit::new(&by.login, AuditKind::RefundRequestRefused, decided.order, why);
        audit::append(sql, &what, now)?;
    }
    Ok(decided)
}

impl BaseStore {
    /// Keeps what a till asks for, until a manager decides; gives it as it stands. The same request again changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`]: the same name stands for something else, or too many wait; the database's.
    pub async fn ask_for_refund(&self, new: RefundRequest) -> Result<RefundRequest, BaseError> {
        let now = self.clock.now();
        self.database.write(move |sql| ask(sql, &new, now)).await
    }

    /// What a till asked for, if it is known.
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_request(
        &self,
        terminal: TerminalId,
        request: String,
    ) -> Result<Option<RefundRequest>, BaseError> {
        self.database.read(move |sql| find(sql, terminal, &request)).await
    }

    /// What waits for a person, oldest first: nobody has decided, or it is not known whether the word has reached the order.
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_requests(&self) -> Result<Vec<RefundRequest>, BaseError> {
        let since = self.clock.now().minus(KEPT).0;
        let statement = format!(
            "SELECT {COLUMNS} FROM refund_requests WHERE state IN ('waiting', 'approved') AND asked_at >= ?1 \
             ORDER BY asked_at, terminal, request LIMIT ?2"
        );
        self.database
            .read(move |sql| {
                let rows = sql.rows(&statement, &params![since, MOST_SHOWN])?;
                // One that cannot be read hides no other.
                let readable = |row: &Row| request_of(row).inspect_err(|error| tracing::error!(%error)).ok();
                Ok::<_, BaseError>(rows.iter().filter_map(readable).collect())
            })
            .await
    }

    /// Writes down what a person decides, unless somebody has; gives the request as it stands then.
    ///
    /// # Errors
    /// [`BaseError::NotFound`]; the database's.
    pub async fn decide_refund(
        &self,
        (terminal, request): (TerminalId, String),
        decision: Decision,
        by: Decider,
    ) -> Result<RefundRequest, BaseError> {
        let now = self.clock.now();
        self.database.write(move |sql| decide(sql, (terminal, &request), (decision, &by), now)).await
    }

    /// What waits under that name waits no more: it was approved at the till.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_refund_request(
        &self,
        terminal: TerminalId,
        request: String,
    ) -> Result<(), BaseError> {
        self.database
            .write(move |sql| {
                sql.execute(
                    "DELETE FROM refund_requests WHERE terminal = ?1 AND request = ?2 AND state = 'waiting'",
                    &params![terminal.get(), &request],
                )?;
                Ok(())
            })
            .await
    }

    /// Writes down what the order's group said of one that was approved.
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_came_to(
        &self,
        (terminal, request): (TerminalId, String),
        is_reserved: bool,
    ) -> Result<(), BaseError> {
        let state = if is_reserved { "reserved" } else { "refused" };
        self.database
            .write(move |sql| {
                sql.execute(
                    "UPDATE refund_requests SET state = ?3 WHERE terminal = ?1 AND request = ?2 AND state = 'approved'",
                    &params![terminal.get(), &request, state],
                )?;
                Ok(())
            })
            .await
    }
}
