//! Rows to values and back. A stored word that means nothing is a fault of ours and is said so.

use super::super::lists::ServedBy;
use super::super::{GroupError, KeptEntry, OrderSummary, PaymentRecord, RefundRecord, Refusal};
use super::tags;
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, ChannelNumber, Interface, RefundId, SaleKey, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Payment, PaymentState, ShownCode};
use evertill_shared::refund::{Refund, RefundState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;

pub(super) fn nonsense(what: impl Display) -> GroupError {
    GroupError::Internal(format!("the database holds a value that makes no sense: {what}"))
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, GroupError>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| nonsense(error))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, GroupError> {
    serde_json::from_str(text).map_err(nonsense)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, GroupError> {
    serde_json::to_string(value).map_err(|error| GroupError::Internal(error.to_string()))
}

fn amount(minor: i64, currency: Currency) -> Amount {
    Amount::new(minor, currency)
}

pub(super) fn order_state(word: &str) -> Result<OrderState, GroupError> {
    OrderState::from_word(word).ok_or_else(|| nonsense(word))
}

/// The columns that [`order_row`] reads.
pub(super) const ORDER: &str = "number, terminal, epoch, sequence, state, business_day, currency, total_minor, \
     paid_minor, held_minor, paid_by, quarantined, created_at, created_by, paid_at, sale, sale_hash, \
     cashier, cashier_name, cashier_known";

/// An order, the text of its sale's entry, that entry's hash, and the server that gave the number out.
pub(super) struct OrderRow {
    pub summary: OrderSummary,
    pub sale: String,
    pub sale_hash: String,
    pub created_by: Option<String>,
}

pub(super) fn order_row(row: &Row) -> Result<OrderRow, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let currency: Currency = parsed(&text("currency")?)?;
    let minor = |column: &str| row.get::<i64>(column).map(|minor| amount(minor, currency));
    let paid_by: Option<String> = row.get("paid_by")?;
    let summary = OrderSummary {
        number: parsed(&text("number")?)?,
        sale: SaleKey {
            terminal: terminal(row.get("terminal")?)?,
            epoch: row.get("epoch")?,
            sequence: row.get("sequence")?,
        },
        state: order_state(&text("state")?)?,
        business_day: parsed(&text("business_day")?)?,
        total: minor("total_minor")?,
        paid: minor("paid_minor")?,
        held: minor("held_minor")?,
        paid_by: paid_by.as_deref().map(from_json).transpose()?,
        quarantined: row.get("quarantined")?,
        created_at: Timestamp(row.get("created_at")?),
        paid_at: row.get::<Option<i64>>("paid_at")?.map(Timestamp),
        served_by: served_by(row)?,
        refunds: Vec::new(),
    };
    let created_by = row.get("created_by")?;
    Ok(OrderRow { summary, sale: text("sale")?, sale_hash: text("sale_hash")?, created_by })
}

/// Who served, from the columns `cashier`, `cashier_name` and `cashier_known` of an order or of its copy.
pub(crate) fn served_by(row: &Row) -> Result<Option<ServedBy>, DbError> {
    let (login, name): (String, String) = (row.get("cashier")?, row.get("cashier_name")?);
    let on_staff = row.get("cashier_known")?;
    Ok((!login.is_empty()).then_some(ServedBy { cashier: Cashier { login, name }, on_staff }))
}

/// The values of those columns.
pub(crate) fn served_by_values(served: Option<&ServedBy>) -> (&str, &str, bool) {
    served.map_or(("", "", true), |served| {
        (served.cashier.login.as_str(), served.cashier.name.as_str(), served.on_staff)
    })
}

pub(super) fn terminal(number: u16) -> Result<TerminalId, GroupError> {
    TerminalId::try_from(number).map_err(nonsense)
}

/// Locks the order and reads it: until the end of this transaction nobody else changes it, or decides anything about
/// what belongs to it. Nothing if it is not here.
pub(super) fn lock(sql: &dyn Sql, number: OrderNumber) -> Result<Option<OrderRow>, GroupError> {
    let statement = format!("SELECT {ORDER} FROM orders WHERE number = ?1");
    let rows = sql.rows_locked(&statement, &params![number.as_str()])?;
    rows.first().map(order_row).transpose()
}

/// The same for an order that must be here.
pub(super) fn locked(sql: &dyn Sql, number: OrderNumber) -> Result<OrderRow, GroupError> {
    lock(sql, number)?.ok_or(GroupError::Refused(Refusal::NotFound("order")))
}

/// The first row of a query, read.
pub(super) fn one<T>(
    sql: &dyn Sql,
    statement: &str,
    parameters: &[Value<'_>],
    read: impl Fn(&Row) -> Result<T, GroupError>,
) -> Result<Option<T>, GroupError> {
    sql.rows(statement, parameters)?.first().map(read).transpose()
}

/// All rows of a query, read.
pub(super) fn all<T>(
    sql: &dyn Sql,
    statement: &str,
    parameters: &[Value<'_>],
    read: impl Fn(&Row) -> Result<T, GroupError>,
) -> Result<Vec<T>, GroupError> {
    sql.rows(statement, parameters)?.iter().map(read).collect()
}

/// How many rows to ask for where so many are wanted: a few that cannot be read, the longest due for ever, must not hide
/// those that can.
pub(super) fn with_spare(most: u32) -> u32 {
    most.saturating_add(32)
}

/// The first rows of a query that can be read, `most` of them. One that cannot is told of and passed over: it needs a
/// person, and the others need their end.
pub(super) fn readable<T>(
    sql: &dyn Sql,
    statement: &str,
    parameters: &[Value<'_>],
    most: u32,
    read: impl Fn(&Row) -> Result<T, GroupError>,
) -> Result<Vec<T>, GroupError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok(sql.rows(statement, parameters)?.iter().filter_map(told(read)).take(most).collect())
}

/// The same of rows that are here already, all of them.
pub(super) fn read_of<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, GroupError>) -> Vec<T> {
    rows.iter().filter_map(told(read)).collect()
}

fn told<T>(read: impl Fn(&Row) -> Result<T, GroupError>) -> impl Fn(&Row) -> Option<T> {
    move |row| {
        read(row)
            .inspect_err(
                |error| tracing::error!(%error, "a payment or refund cannot be finished: look at its row"),
            )
            .ok()
    }
}

/// The columns that [`payment_row`] reads.
pub(super) const PAYMENT: &str = "number, attempt, wallet, channel_number, currency, amount_minor, state, \
     sent_at, since, next_at, reversals, reversal_accepted, transaction_number, reason, shown_until, shown_code, \
     looked_again, account, interface, version, (SELECT o.terminal FROM orders o WHERE o.number = payments.number) AS terminal";

pub(super) fn payment_row(row: &Row) -> Result<PaymentRecord, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let state = text("state")?;
    let reason: Option<String> = row.get("reason")?;
    Ok(PaymentRecord {
        number: parsed(&text("number")?)?,
        payment: Payment {
            attempt: row.get("attempt")?,
            wallet: parsed(&text("wallet")?)?,
            channel_number: channel_number(text("channel_number")?)?,
            amount: amount(row.get("amount_minor")?, parsed(&text("currency")?)?),
            state: PaymentState::from_word(&state).ok_or_else(|| nonsense(&state))?,
            sent_at: Timestamp(row.get("sent_at")?),
            since: Timestamp(row.get("since")?),
            next_at: Timestamp(row.get("next_at")?),
            reversals: row.get("reversals")?,
            reversal_accepted: row.get("reversal_accepted")?,
            transaction: row.get("transaction_number")?,
            reason: reason.as_deref().map(from_json).transpose()?,
            shown: shown_code(row)?,
            looked_again: row.get("looked_again")?,
            account: AccountId(row.get("account")?),
            interface: Interface(row.get("interface")?),
        },
        terminal: terminal(row.get("terminal")?)?,
        version: row.get("version")?,
    })
}

fn shown_code(row: &Row) -> Result<Option<ShownCode>, GroupError> {
    let until: Option<i64> = row.get("shown_until")?;
    let content = row.get("shown_code")?;
    Ok(until.map(|until| ShownCode { content, until: Timestamp(until) }))
}

pub(super) fn channel_number(text: String) -> Result<ChannelNumber, GroupError> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(nonsense)
}

/// A query for [`refund_row`], up to its condition.
pub(super) const REFUND: &str = "SELECT r.id, r.number, r.terminal, r.currency, r.amount_minor, r.state, r.who, \
     r.why, r.requested_at, r.refused, r.next_at, r.tries, r.asked_at, r.by_hand, r.version, r.wallet, o.paid_by, o.paid_minor, \
     p.channel_number, p.account, p.interface \
     FROM refunds r JOIN orders o ON o.number = r.number \
     LEFT JOIN payments p ON p.number = r.number AND p.state = 'paid'";

pub(super) fn refund_row(row: &Row) -> Result<RefundRecord, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let state = text("state")?;
    let currency: Currency = parsed(&text("currency")?)?;
    let refused: Option<String> = row.get("refused")?;
    let channel: Option<String> = row.get("channel_number")?;
    let (paid_by, paid): (PaidBy, _) =
        (from_json(&text("paid_by")?)?, amount(row.get("paid_minor")?, currency));
    let in_cash = row.get::<Option<String>>("wallet")?.is_none();
    let parts = paid_by.parts_of(paid);
    Ok(RefundRecord {
        refund: Refund {
            id: RefundId(text("id")?),
            order: parsed(&text("number")?)?,
            amount: amount(row.get("amount_minor")?, currency),
            state: RefundState::from_word(&state).ok_or_else(|| nonsense(&state))?,
            requested_by: text("who")?,
            reason: text("why")?,
            requested_at: Timestamp(row.get("requested_at")?),
            refused: refused.as_deref().map(from_json).transpose()?,
        },
        terminal: terminal(row.get("terminal")?)?,
        paid_by: paid_by.one_part(in_cash),
        paid: if in_cash { parts.cash } else { parts.wallet },
        channel_number: channel.map(channel_number).transpose()?,
        account: row.get::<Option<u32>>("account")?.map_or(AccountId::OF_THE_FILE, AccountId),
        interface: row.get::<Option<u32>>("interface")?.map_or(Interface::NOT_KNOWN, Interface),
        tries: row.get("tries")?,
        asked_at: row.get::<Option<i64>>("asked_at")?.map(Timestamp),
        next_at: Timestamp(row.get("next_at")?),
        by_hand: row.get("by_hand")?,
        version: row.get("version")?,
        beside: None,
    })
}

/// Keeps a signed entry. Another one in the same place is a fork.
pub(super) fn keep(sql: &dyn Sql, entry: &KeptEntry, quarantined: bool) -> Result<(), GroupError> {
    let (place, hash) = (entry.place, entry.hash.to_string());
    let new = sql.execute(
        "INSERT INTO journal_entries (terminal, epoch, sequence, hash, text, signature, quarantined) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        &params![
            place.terminal.get(),
            place.epoch,
            place.sequence,
            &hash,
            &entry.signed.text,
            &entry.signed.signature,
            quarantined,
        ],
    )?;
    if new == 1 {
        return if tags::is_any_leaving(sql.opening()) { note_late(sql, entry) } else { Ok(()) };
    }
    let there: Option<String> = sql.value(
        "SELECT hash FROM journal_entries WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3",
        &params![place.terminal.get(), place.epoch, place.sequence],
    )?;
    if there == Some(hash) { Ok(()) } else { Err(Refusal::Conflict("the journal entry").into()) }
}

/// Whoever copies the entries may have passed this one's place.
fn note_late(sql: &dyn Sql, entry: &KeptEntry) -> Result<(), GroupError> {
    let place = entry.place;
    sql.execute(
        "INSERT INTO late_entries (terminal, epoch, sequence) VALUES (?1, ?2, ?3)",
        &params![place.terminal.get(), place.epoch, place.sequence],
    )?;
    Ok(())
}
