//! Refunds that tills asked for and that wait for a manager in the console. Nothing is reserved by asking: what may go back is
//! decided by the order's group, when a manager has approved it.
//!
//! A manager's word is written down before the group is asked, so that of two who decide at once one does; what was approved
//! and may not have reached the group yet is asked again, under the same name, by whoever comes next: the manager or the till.
//!
//! Refunds are of the day of the sale, so what waits when the store's day ends has ended, by the time at which it came: nobody
//! has to write that down, and no decision can come after it.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::business_day::moment_on;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::RefundRefused;
use std::time::Duration;

/// Requests are forgotten so long after they came: refunds are of the same day.
const KEPT: Duration = Duration::from_secs(2 * 24 * 3600);
/// So many of one till may wait at a time.
const MOST_WAITING: u32 = 50;
/// So many are shown.
const MOST_SHOWN: u32 = 200;
const COLUMNS: &str = "terminal, request, number, currency, minor, reason, cashier_login, cashier_name, asked_at, state, \
                       decided_login, decided_name, refused_why";

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
    /// Somebody refused it.
    Refused(Decider),
    /// Somebody approved it, and the rules of the order's group forbid it.
    Forbidden(Decider, RefundRefused),
    /// Nobody decided on the day of the sale.
    Expired,
}

/// What the order's group said of a request that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameTo {
    /// A refund stands under its name.
    Reserved,
    /// The rules forbid it.
    Forbidden(RefundRefused),
    /// There is nothing that it could be about.
    Refused,
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
            Self::Refused(_) | Self::Forbidden(..) => "refused",
            // Waits for nobody, and stands as it was left.
            Self::Expired => "waiting",
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
        ("refused", Some(by)) => match row.get::<Option<String>>("refused_why")? {
            Some(why) => {
                let why = serde_json::from_str(&why).map_err(|_| nonsense("why a request is refused"))?;
                RequestState::Forbidden(by, why)
            }
            None => RequestState::Refused(by),
        },
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

/// The present moment, and since when it has been the store's present day.
#[derive(Clone, Copy)]
struct Today {
    now: Timestamp,
    since: Timestamp,
}

fn find(
    sql: &dyn Sql,
    terminal: TerminalId,
    request: &str,
    today: Today,
) -> Result<Option<RefundRequest>, BaseError> {
    let statement = format!("SELECT {COLUMNS} FROM refund_requests WHERE terminal = ?1 AND request = ?2");
    let known =
        sql.row(&statement, &params![terminal.get(), request])?.as_ref().map(request_of).transpose()?;
    Ok(known.map(|known| match known.state {
        RequestState::Waiting if known.asked_at < today.since => {
            RefundRequest { state: RequestState::Expired, ..known }
        }
        _ => known,
    }))
}

fn ask(sql: &dyn Sql, new: &RefundRequest, today: Today) -> Result<RefundRequest, BaseError> {
    if let Some(known) = find(sql, new.terminal, &new.request, today)? {
        let same = (known.order, known.amount, &known.reason) == (new.order, new.amount, &new.reason);
        let differs = "a refund was asked for under this id before, with another order, amount or reason";
        return if same { Ok(known) } else { Err(BaseError::Invalid(differs.into())) };
    }
    sql.execute("DELETE FROM refund_requests WHERE asked_at < ?1", &params![today.now.minus(KEPT).0])?;
    // A till asks for one refund of an order at a time: it has forgotten the one before.
    sql.execute(
        "DELETE FROM refund_requests WHERE terminal = ?1 AND number = ?2 AND state = 'waiting'",
        &params![new.terminal.get(), new.order.as_str()],
    )?;
    let waiting: Option<u32> = sql.value(
        "SELECT count(*) FROM refund_requests WHERE terminal = ?1 AND state = 'waiting' AND asked_at >= ?2",
        &params![new.terminal.get(), today.since.0],
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
            // The moment by which it was judged: its day is the order's.
            new.asked_at.0,
        ],
    )?;
    // The day may have ended since it was judged.
    Ok(find(sql, new.terminal, &new.request, today)?.unwrap_or_else(|| new.clone()))
}

fn decide(
    sql: &dyn Sql,
    (terminal, request): (TerminalId, &str),
    (decision, by): (Decision, &Decider),
    today: Today,
) -> Result<RefundRequest, BaseError> {
    let known =
        find(sql, terminal, request, today)?.ok_or(BaseError::NotFound("refund that a till asked for"))?;
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
        &params![terminal.get(), request, decided.state.word(), &by.login, &by.name, today.now.0],
    )?;
    if decision == Decision::Refuse {
        let why = format!("{} ({request}), at {terminal}: {}", decided.amount, decided.reason);
        let what = NewAudit::new(&by.login, AuditKind::RefundRequestRefused, decided.order, why);
        audit::append(sql, &what, today.now)?;
    }
    Ok(decided)
}

/// What waits for a person: today's requests about which nobody has decided, and those that were approved and of which it is not
/// known whether they are reserved.
const FOR_A_PERSON: &str =
    "((state = 'waiting' AND asked_at >= ?1) OR (state = 'approved' AND asked_at >= ?2))";

impl BaseStore {
    fn today(&self) -> Today {
        let (now, store) = (self.clock.now(), &self.store);
        let day = self.business_day(now);
        let since = moment_on(day, store.cut_off_minutes, &store.zone, store.cut_off_minutes);
        Today { now, since: since.unwrap_or_else(|| now.minus(KEPT)) }
    }

    /// Keeps what a till asks for, until a manager decides; gives it as it stands. The same request again changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`]: the same name stands for something else, or too many wait; the database's.
    pub async fn ask_for_refund(&self, new: RefundRequest) -> Result<RefundRequest, BaseError> {
        let today = self.today();
        self.database.write(move |sql| ask(sql, &new, today)).await
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
        let today = self.today();
        self.database.read(move |sql| find(sql, terminal, &request, today)).await
    }

    /// What waits for a person, oldest first: nobody has decided, or it is not known whether the word has reached the order.
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_requests(&self) -> Result<Vec<RefundRequest>, BaseError> {
        let today = self.today();
        let statement = format!(
            "SELECT {COLUMNS} FROM refund_requests WHERE {FOR_A_PERSON} ORDER BY asked_at, terminal, request LIMIT ?3"
        );
        self.database
            .read(move |sql| {
                let rows =
                    sql.rows(&statement, &params![today.since.0, today.now.minus(KEPT).0, MOST_SHOWN])?;
                // One that cannot be read hides no other.
                let readable = |row: &Row| request_of(row).inspect_err(|error| tracing::error!(%error)).ok();
                Ok::<_, BaseError>(rows.iter().filter_map(readable).collect())
            })
            .await
    }

    /// How many wait for a person: see [`Self::refund_requests`].
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_requests_count(&self) -> Result<u32, BaseError> {
        let today = self.today();
        let statement = format!("SELECT count(*) FROM refund_requests WHERE {FOR_A_PERSON}");
        let since = (today.since.0, today.now.minus(KEPT).0);
        let count: Option<u32> =
            self.database.read(move |sql| sql.value(&statement, &params![since.0, since.1])).await?;
        Ok(count.unwrap_or_default())
    }

    /// The names of what this till asked for and nobody has decided about.
    ///
    /// # Errors
    /// The database's.
    pub async fn waiting_refund_requests(&self, terminal: TerminalId) -> Result<Vec<String>, BaseError> {
        let since = self.today().since.0;
        let statement = "SELECT request FROM refund_requests WHERE terminal = ?1 AND state = 'waiting' \
                         AND asked_at >= ?2 ORDER BY asked_at, request LIMIT ?3";
        self.database
            .read(move |sql| {
                let rows = sql.rows(statement, &params![terminal.get(), since, MOST_WAITING])?;
                rows.iter().map(|row| row.get("request").map_err(BaseError::from)).collect()
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
        let today = self.today();
        self.database.write(move |sql| decide(sql, (terminal, &request), (decision, &by), today)).await
    }

    /// Writes down what the order's group said of one that was approved.
    ///
    /// # Errors
    /// The database's.
    pub async fn refund_came_to(
        &self,
        (terminal, request): (TerminalId, String),
        came_to: CameTo,
    ) -> Result<(), BaseError> {
        let (state, why) = match &came_to {
            CameTo::Reserved => ("reserved", None),
            CameTo::Forbidden(why) => {
                let why =
                    serde_json::to_string(why).map_err(|_| DbError::nonsense("why a request is refused"))?;
                ("refused", Some(why))
            }
            CameTo::Refused => ("refused", None),
        };
        self.database
            .write(move |sql| {
                sql.execute(
                    "UPDATE refund_requests SET state = ?3, refused_why = ?4 \
                     WHERE terminal = ?1 AND request = ?2 AND state = 'approved'",
                    &params![terminal.get(), &request, state, why.as_deref()],
                )?;
                Ok(())
            })
            .await
    }
}
