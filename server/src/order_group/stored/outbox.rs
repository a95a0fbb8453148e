//! Which orders changed, and the orders as they stand, for those who keep copies.

use super::super::outbox::{Outbox, OutboxLine, OutboxPart, SaleCopy, SoldLine, WalletAttempt};
use super::super::{GroupError, Reply};
use super::StoredGroup;
use super::lists::goods;
use super::rows::{ORDER, REFUND, all, channel_number, nonsense, order_row, parsed, refund_row};
use super::tags;
use crate::database::{Row, Sql, Value};
use crate::params;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::PaymentState;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Above every number that can be.
const ABOVE_ALL: &str = "999999999999999999999999999999999999";

impl Outbox for StoredGroup {
    fn oldest_write(&self) -> Reply<Duration> {
        let database = self.database();
        Box::pin(async move { database?.read(|sql| Ok(sql.oldest_write()?)).await })
    }

    fn outbox(&self, tag: GroupTag, most: u32) -> Reply<OutboxPart> {
        let database = self.database();
        Box::pin(async move {
            let query = move |sql: &dyn Sql| {
                tags::readable(sql, tag)?;
                part(sql, tag, most)
            };
            database?.read(query).await
        })
    }

    fn forget_lines(&self, tag: GroupTag, mut lines: Vec<OutboxLine>) -> Reply<()> {
        let database = self.database();
        lines.sort_unstable();
        Box::pin(async move {
            let job = move |sql: &dyn Sql| {
                // Of a tag that moves, the lines are part of what is compared; they wait at its new home.
                tags::served(sql.opening(), tag)?;
                if !lines.is_empty() {
                    let numbers: Vec<String> = lines.iter().map(|line| line.seq.to_string()).collect();
                    // The line may have been read where the orders were before: there it had another number.
                    let said = |line: &OutboxLine| format!("'{}.{}.{}'", line.seq, line.number, line.version);
                    let said: Vec<String> = lines.iter().map(said).collect();
                    sql.script(&format!(
                        "DELETE FROM outbox WHERE seq IN ({}) AND seq || '.' || number || '.' || version IN ({})",
                        numbers.join(", "),
                        said.join(", ")
                    ))?;
                }
                Ok(())
            };
            database?.write(job).await
        })
    }

    fn sales(&self, tag: GroupTag, below: Option<OrderNumber>, most: u32) -> Reply<Vec<SaleCopy>> {
        let database = self.database();
        Box::pin(async move {
            let query = move |sql: &dyn Sql| {
                tags::readable(sql, tag)?;
                let below = below.map_or_else(|| ABOVE_ALL.to_owned(), |number| number.to_string());
                let which = "SELECT number FROM orders WHERE number LIKE ?1 AND number < ?2 \
                     AND state NOT IN ('draft', 'expired') ORDER BY number DESC LIMIT ?3";
                copies(sql, which, &params![pattern(tag), below, most])
            };
            database?.read(query).await
        })
    }
}

fn pattern(tag: GroupTag) -> String {
    format!("%{tag}")
}

fn part(sql: &dyn Sql, tag: GroupTag, most: u32) -> Result<OutboxPart, GroupError> {
    let pattern = pattern(tag);
    let statement = "SELECT seq, number, version FROM outbox WHERE number LIKE ?1 ORDER BY seq LIMIT ?2";
    let line = |row: &Row| {
        Ok(OutboxLine { seq: row.at(0)?, number: parsed(&row.at::<String>(1)?)?, version: row.at(2)? })
    };
    let lines: Vec<OutboxLine> = all(sql, statement, &params![&pattern, most], line)?;
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Ok(OutboxPart { is_all: true, ..OutboxPart::default() });
    };
    let which = "SELECT number FROM outbox WHERE number LIKE ?1 AND seq BETWEEN ?2 AND ?3";
    let sales = copies(sql, which, &params![&pattern, first.seq, last.seq])?;
    let is_all = lines.len() < usize::try_from(most).unwrap_or(usize::MAX);
    Ok(OutboxPart { lines, sales, is_all })
}

/// The orders whose numbers `which` selects, newest first.
fn copies(sql: &dyn Sql, which: &str, parameters: &[Value<'_>]) -> Result<Vec<SaleCopy>, GroupError> {
    let orders = format!(
        "SELECT {ORDER}, version FROM orders WHERE number IN ({which}) \
         AND state NOT IN ('draft', 'expired') ORDER BY number DESC"
    );
    let mut copies = all(sql, &orders, parameters, copy_row)?;
    if copies.is_empty() {
        return Ok(copies);
    }
    let attempts = format!(
        "SELECT number, attempt, wallet, channel_number, transaction_number, state FROM payments \
         WHERE number IN ({which}) ORDER BY number, attempt"
    );
    let mut attempts = by_order(all(sql, &attempts, parameters, attempt_row)?);
    let refunds = format!("{REFUND} WHERE r.number IN ({which}) ORDER BY r.number, r.requested_at, r.id");
    let refunds = all(sql, &refunds, parameters, refund_row)?.into_iter();
    let mut refunds = by_order(refunds.map(|record| (record.refund.order, record)).collect());
    for copy in &mut copies {
        copy.attempts = attempts.remove(&copy.order.number).unwrap_or_default();
        let is_split = matches!(copy.order.paid_by, Some(PaidBy::Split { .. }));
        for record in refunds.remove(&copy.order.number).unwrap_or_default() {
            if is_split && matches!(record.paid_by, PaidBy::Cash { .. }) {
                copy.cash_refunds.insert(record.refund.id.clone());
            }
            copy.order.refunds.push(record.refund);
        }
    }
    Ok(copies)
}

fn by_order<T>(rows: Vec<(OrderNumber, T)>) -> BTreeMap<OrderNumber, Vec<T>> {
    let mut sorted: BTreeMap<OrderNumber, Vec<T>> = BTreeMap::new();
    for (number, row) in rows {
        sorted.entry(number).or_default().push(row);
    }
    sorted
}

fn copy_row(row: &Row) -> Result<SaleCopy, GroupError> {
    let order = order_row(row)?;
    let lines = goods(&order.sale)?.lines.into_iter().map(|line| SoldLine {
        code: line.product,
        name: line.name,
        quantity: line.quantity,
        amount: line.total,
    });
    let lines = lines.collect();
    let (version, order, attempts) = (row.get("version")?, order.summary, Vec::new());
    Ok(SaleCopy { version, order, lines, attempts, cash_refunds: BTreeSet::new() })
}

fn attempt_row(row: &Row) -> Result<(OrderNumber, WalletAttempt), GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let state = text("state")?;
    let attempt = WalletAttempt {
        attempt: row.get("attempt")?,
        wallet: parsed(&text("wallet")?)?,
        channel_number: channel_number(text("channel_number")?)?,
        transaction: row.get("transaction_number")?,
        state: PaymentState::from_word(&state).ok_or_else(|| nonsense(&state))?,
    };
    Ok((parsed(&text("number")?)?, attempt))
}
