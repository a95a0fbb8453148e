//! Copies to rows and back.

use super::apply::{back_in_cash, refunded, tender};
use crate::database::{DbError, Row, Sql, Value};
use crate::order_group::OrderSummary;
use crate::order_group::outbox::{SaleCopy, SoldLine, WalletAttempt};
use crate::order_group::{served_by, served_by_values};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{RefundId, SaleKey, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::refund::{Refund, RefundState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

/// A table of the view, its columns in the order of the values.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

impl Table {
    /// The statement for so many rows.
    pub fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |n: usize| {
            let places: Vec<String> = (1..=width).map(|place| format!("?{}", n * width + place)).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT INTO {} ({}) VALUES {}", self.name, self.columns.join(", "), rows.join(", "))
    }
}

pub(super) const SALES: Table = Table {
    name: "sales",
    columns: &[
        "build",
        "number",
        "version",
        "terminal",
        "epoch",
        "sequence",
        "state",
        "business_day",
        "currency",
        "total_minor",
        "paid_minor",
        "held_minor",
        "refunded_minor",
        "cash_refunded_minor",
        "cash_held_minor",
        "tender",
        "paid_by",
        "quarantined",
        "created_at",
        "paid_at",
        "cashier",
        "cashier_name",
        "cashier_known",
    ],
};

pub(super) const LINES: Table = Table {
    name: "lines",
    columns: &["build", "number", "place", "code", "name", "quantity", "amount_minor"],
};

pub(super) const ATTEMPTS: Table = Table {
    name: "attempts",
    columns: &["build", "number", "attempt", "wallet", "channel_number", "transaction_number", "state"],
};

pub(super) const REFUNDS: Table = Table {
    name: "refunds",
    columns: &[
        "build",
        "number",
        "place",
        "id",
        "amount_minor",
        "state",
        "who",
        "why",
        "requested_at",
        "refused",
        "in_cash",
    ],
};

fn to_json<T: Serialize>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(DbError::nonsense)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(DbError::nonsense)
}

fn parsed<T: FromStr>(text: &str) -> Result<T, DbError>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| DbError::nonsense(error))
}

fn place(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

pub(super) fn sale_values(build: i64, copy: &SaleCopy) -> Result<Vec<Value<'_>>, DbError> {
    let order = &copy.order;
    let (cashier, cashier_name, known) = served_by_values(order.served_by.as_ref());
    let cash = back_in_cash(copy);
    let values = params![
        build,
        order.number.as_str(),
        copy.version,
        order.sale.terminal.get(),
        order.sale.epoch,
        order.sale.sequence,
        order.state.as_str(),
        order.business_day.to_string(),
        order.total.currency.code(),
        order.total.minor,
        order.paid.minor,
        order.held.minor,
        refunded(order),
        cash.refunded,
        cash.held,
        tender(order),
        order.paid_by.as_ref().map(to_json).transpose()?,
        order.quarantined,
        order.created_at.0,
        order.paid_at.map(|at| at.0),
        cashier,
        cashier_name,
        known,
    ];
    Ok(values.into())
}

pub(super) fn line_values(build: i64, copy: &SaleCopy) -> impl Iterator<Item = Vec<Value<'_>>> {
    copy.lines.iter().enumerate().map(move |(index, line)| {
        let number = copy.order.number.as_str();
        params![build, number, place(index), &line.code, &line.name, line.quantity, line.amount.minor].into()
    })
}

pub(super) fn attempt_values(build: i64, copy: &SaleCopy) -> impl Iterator<Item = Vec<Value<'_>>> {
    copy.attempts.iter().map(move |attempt| {
        params![
            build,
            copy.order.number.as_str(),
            attempt.attempt,
            attempt.wallet.code(),
            attempt.channel_number.to_string(),
            &attempt.transaction,
            attempt.state.as_str(),
        ]
        .into()
    })
}

pub(super) fn refund_values(build: i64, copy: &SaleCopy) -> Result<Vec<Vec<Value<'_>>>, DbError> {
    let values = |(index, refund): (usize, &'_ Refund)| -> Result<Vec<Value<'static>>, DbError> {
        Ok(params![
            build,
            copy.order.number.to_string(),
            place(index),
            refund.id.0.clone(),
            refund.amount.minor,
            refund.state.as_str(),
            refund.requested_by.clone(),
            refund.reason.clone(),
            refund.requested_at.0,
            refund.refused.as_ref().map(to_json).transpose()?,
            copy.cash_refunds.contains(&refund.id),
        ]
        .into())
    };
    copy.order.refunds.iter().enumerate().map(values).collect()
}

/// The columns that [`sale_row`] reads.
pub(super) const SALE: &str = "number, version, terminal, epoch, sequence, state, business_day, currency, \
     total_minor, paid_minor, held_minor, paid_by, quarantined, created_at, paid_at, \
     cashier, cashier_name, cashier_known";

/// A sale without what stands in other tables.
pub(super) fn sale_row(row: &Row) -> Result<SaleCopy, DbError> {
    let text = |column: &str| row.get::<String>(column);
    let currency: Currency = parsed(&text("currency")?)?;
    let minor = |column: &str| row.get::<i64>(column).map(|minor| Amount::new(minor, currency));
    let paid_by: Option<String> = row.get("paid_by")?;
    let state = text("state")?;
    let order = OrderSummary {
        number: parsed(&text("number")?)?,
        sale: SaleKey {
            terminal: TerminalId::try_from(row.get::<u16>("terminal")?).map_err(DbError::nonsense)?,
            epoch: row.get("epoch")?,
            sequence: row.get("sequence")?,
        },
        state: OrderState::from_word(&state).ok_or_else(|| DbError::nonsense(&state))?,
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
    let (version, lines, attempts) = (row.get("version")?, Vec::new(), Vec::new());
    Ok(SaleCopy { version, order, lines, attempts, cash_refunds: BTreeSet::new() })
}

/// The refunds of these orders, into them. They are the newest first, and of one build.
pub(super) fn with_refunds(sql: &dyn Sql, build: i64, orders: &mut [SaleCopy]) -> Result<(), DbError> {
    let Some((newest, oldest)) = ends(orders) else { return Ok(()) };
    let mut of_orders: BTreeMap<OrderNumber, &mut SaleCopy> =
        orders.iter_mut().map(|copy| (copy.order.number, copy)).collect();
    let statement = "SELECT number, id, amount_minor, state, who, why, requested_at, refused, in_cash FROM refunds \
         WHERE build = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number, place";
    for row in sql.rows(statement, &params![build, oldest.as_str(), newest.as_str()])? {
        let text = |column: &str| row.get::<String>(column);
        let number: OrderNumber = parsed(&text("number")?)?;
        let Some(copy) = of_orders.get_mut(&number) else { continue };
        let (state, refused): (String, Option<String>) = (text("state")?, row.get("refused")?);
        let id = RefundId(text("id")?);
        if row.get("in_cash")? {
            copy.cash_refunds.insert(id.clone());
        }
        copy.order.refunds.push(Refund {
            id,
            order: number,
            amount: Amount::new(row.get("amount_minor")?, copy.order.total.currency),
            state: RefundState::from_word(&state).ok_or_else(|| DbError::nonsense(&state))?,
            requested_by: text("who")?,
            reason: text("why")?,
            requested_at: Timestamp(row.get("requested_at")?),
            refused: refused.as_deref().map(from_json).transpose()?,
        });
    }
    Ok(())
}

/// The numbers of the first and the last.
fn ends(orders: &[SaleCopy]) -> Option<(OrderNumber, OrderNumber)> {
    Some((orders.first()?.order.number, orders.last()?.order.number))
}

/// All that is known of these sales, which are the newest first, and of one build.
pub(super) fn with_all(sql: &dyn Sql, build: i64, sales: &mut [SaleCopy]) -> Result<(), DbError> {
    with_refunds(sql, build, sales)?;
    let Some((newest, oldest)) = ends(sales) else { return Ok(()) };
    let mut of_sales: BTreeMap<OrderNumber, &mut SaleCopy> =
        sales.iter_mut().map(|copy| (copy.order.number, copy)).collect();
    let between = params![build, oldest.as_str(), newest.as_str()];
    let lines = "SELECT number, code, name, quantity, amount_minor FROM lines \
         WHERE build = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number, place";
    for row in sql.rows(lines, &between)? {
        let Some(copy) = of_sales.get_mut(&parsed(&row.get::<String>("number")?)?) else { continue };
        copy.lines.push(SoldLine {
            code: row.get("code")?,
            name: row.get("name")?,
            quantity: row.get("quantity")?,
            amount: Amount::new(row.get("amount_minor")?, copy.order.total.currency),
        });
    }
    let attempts = "SELECT number, attempt, wallet, channel_number, transaction_number, state FROM attempts \
         WHERE build = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number, attempt";
    for row in sql.rows(attempts, &between)? {
        let text = |column: &str| row.get::<String>(column);
        let Some(copy) = of_sales.get_mut(&parsed(&text("number")?)?) else { continue };
        let (channel_number, state) = (text("channel_number")?, text("state")?);
        copy.attempts.push(WalletAttempt {
            attempt: row.get("attempt")?,
            wallet: parsed(&text("wallet")?)?,
            channel_number: serde_json::from_value(channel_number.into()).map_err(DbError::nonsense)?,
            transaction: row.get("transaction_number")?,
            state: PaymentState::from_word(&state).ok_or_else(|| DbError::nonsense(&state))?,
        });
    }
    Ok(())
}
