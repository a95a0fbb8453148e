//! Which orders changed, and the orders as they stand, for those who keep copies.

use super::super::outbox::{
    LeftOut, Outbox, OutboxLine, OutboxPart, SaleCopy, SalesPart, SoldLine, WalletAttempt,
};
use super::super::{GroupError, Reply};
use super::StoredGroup;
use super::lists::goods;
use super::rows::{ORDER, REFUND, channel_number, nonsense, order_row, parsed, refund_row};
use super::tags;
use crate::database::{Row, Sql, Value};
use crate::params;
use evertill_shared::clock::Timestamp;
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

    fn sales(&self, tag: GroupTag, below: Option<OrderNumber>, most: u32) -> Reply<SalesPart> {
        let database = self.database();
        Box::pin(async move {
            let query = move |sql: &dyn Sql| {
                tags::readable(sql, tag)?;
                let below = below.map_or_else(|| ABOVE_ALL.to_owned(), |number| number.to_string());
                let which = "SELECT number FROM orders WHERE number LIKE ?1 AND number < ?2 \
                     AND state NOT IN ('draft', 'expired') ORDER BY number DESC LIMIT ?3";
                sales_part(copies(sql, which, &params![pattern(tag), below, most])?, most)
            };
            database?.read(query).await
        })
    }

    fn still_owed(&self, tag: GroupTag, numbers: Vec<String>) -> Reply<()> {
        let database = self.database();
        Box::pin(async move {
            let job = move |sql: &dyn Sql| -> Result<(), GroupError> {
                tags::served(sql.opening(), tag)?;
                for number in &numbers {
                    sql.execute(
                        "INSERT INTO outbox (number, version, at) SELECT o.number, o.version, o.created_at FROM orders o \
                         WHERE o.number = ?1 AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.number = ?1)",
                        &params![number],
                    )?;
                }
                Ok(())
            };
            database?.write(job).await
        })
    }
}

fn pattern(tag: GroupTag) -> String {
    format!("%{tag}")
}

/// So many parts in which no line can be copied are passed over for one that can.
const PASSED_OVER: u32 = 50;

fn part(sql: &dyn Sql, tag: GroupTag, most: u32) -> Result<OutboxPart, GroupError> {
    let (mut part, mut after) = (OutboxPart { is_all: true, ..OutboxPart::default() }, i64::MIN);
    for _ in 0..PASSED_OVER {
        let last = part_after(sql, tag, after, most, &mut part)?;
        match last {
            // All of these lines wait for a person: those behind them need not.
            Some(last) if part.lines.is_empty() => after = last,
            _ => break,
        }
    }
    Ok(part)
}

/// Adds the next lines; gives the last one's number if there may be more.
fn part_after(
    sql: &dyn Sql,
    tag: GroupTag,
    after: i64,
    most: u32,
    part: &mut OutboxPart,
) -> Result<Option<i64>, GroupError> {
    let pattern = pattern(tag);
    let statement = "SELECT seq, number, version, at FROM outbox WHERE number LIKE ?1 AND seq > ?2 \
         ORDER BY seq LIMIT ?3";
    let rows = sql.rows(statement, &params![&pattern, after, most])?;
    let seq = |row: Option<&Row>| row.map(|row| row.at::<i64>(0)).transpose();
    let (Some(first), Some(last)) = (seq(rows.first())?, seq(rows.last())?) else {
        part.is_all = true;
        return Ok(None);
    };
    let which = "SELECT number FROM outbox WHERE number LIKE ?1 AND seq BETWEEN ?2 AND ?3";
    let copies = copies(sql, which, &params![&pattern, first, last])?;
    for row in &rows {
        let (number, since) = (row.at::<String>(1)?, Timestamp(row.at(3)?));
        match parsed(&number) {
            Ok(order) if !copies.left_out.contains_key(&number) => {
                part.lines.push(OutboxLine { seq: row.at(0)?, number: order, version: row.at(2)? });
            }
            _ => part.left_out.push(LeftOut { number, since }),
        }
    }
    part.sales.extend(copies.sales);
    part.is_all = rows.len() < usize::try_from(most).unwrap_or(usize::MAX);
    Ok((!part.is_all).then_some(last))
}

/// Orders as they stand.
#[derive(Default)]
struct Copies {
    sales: Vec<SaleCopy>,
    /// Those that cannot be read, and since when there are orders that they may be.
    left_out: BTreeMap<String, Timestamp>,
    /// How many there are of both, and the last one's number.
    all: usize,
    last: Option<OrderNumber>,
}

impl Copies {
    /// Reads rows that belong to orders; the order of one that makes no sense is left out as a whole.
    fn read<T>(
        &mut self,
        rows: &[Row],
        since: &BTreeMap<String, Timestamp>,
        read: impl Fn(&Row) -> Result<T, GroupError>,
    ) -> Result<Vec<T>, GroupError> {
        let mut found = Vec::new();
        for row in rows {
            match read(row) {
                Ok(value) => found.push(value),
                Err(error) => {
                    let number: String = row.get("number")?;
                    tracing::debug!(number, %error, "an order cannot be copied: look at its rows");
                    let since = since.get(&number).copied().unwrap_or(Timestamp(0));
                    self.left_out.insert(number, since);
                }
            }
        }
        Ok(found)
    }
}

fn sales_part(copies: Copies, most: u32) -> Result<SalesPart, GroupError> {
    let is_more = copies.all >= usize::try_from(most).unwrap_or(usize::MAX);
    if is_more && copies.last.is_none() {
        return Err(nonsense("not one number of an order can be read"));
    }
    let left_out = copies.left_out.into_iter().map(|(number, since)| LeftOut { number, since }).collect();
    Ok(SalesPart { sales: copies.sales, left_out, rest: copies.last.filter(|_| is_more) })
}

/// The orders whose numbers `which` selects, newest first.
fn copies(sql: &dyn Sql, which: &str, parameters: &[Value<'_>]) -> Result<Copies, GroupError> {
    let orders = format!(
        "SELECT {ORDER}, version FROM orders WHERE number IN ({which}) \
         AND state NOT IN ('draft', 'expired') ORDER BY number DESC"
    );
    let rows = sql.rows(&orders, parameters)?;
    if rows.is_empty() {
        return Ok(Copies::default());
    }
    let made = |row: &Row| Ok((row.get("number")?, Timestamp(row.get("created_at")?)));
    let since = rows.iter().map(made).collect::<Result<BTreeMap<String, Timestamp>, GroupError>>()?;
    let last = rows.iter().rev().find_map(|row| parsed(&row.get::<String>("number").ok()?).ok());
    let mut found = Copies { all: rows.len(), last, ..Copies::default() };
    let mut sales = found.read(&rows, &since, copy_row)?;
    let attempts = format!(
        "SELECT number, attempt, wallet, channel_number, transaction_number, state FROM payments \
         WHERE number IN ({which}) ORDER BY number, attempt"
    );
    let mut attempts = by_order(found.read(&sql.rows(&attempts, parameters)?, &since, attempt_row)?);
    let refunds = format!("{REFUND} WHERE r.number IN ({which}) ORDER BY r.number, r.requested_at, r.id");
    let refunds = found.read(&sql.rows(&refunds, parameters)?, &since, refund_row)?.into_iter();
    let mut refunds = by_order(refunds.map(|record| (record.refund.order, record)).collect());
    sales.retain(|copy: &SaleCopy| !found.left_out.contains_key(copy.order.number.as_str()));
    for copy in &mut sales {
        copy.attempts = attempts.remove(&copy.order.number).unwrap_or_default();
        let is_split = matches!(copy.order.paid_by, Some(PaidBy::Split { .. }));
        for record in refunds.remove(&copy.order.number).unwrap_or_default() {
            if is_split && matches!(record.paid_by, PaidBy::Cash { .. }) {
                copy.cash_refunds.insert(record.refund.id.clone());
            }
            copy.order.refunds.push(record.refund);
        }
    }
    found.sales = sales;
    Ok(found)
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
