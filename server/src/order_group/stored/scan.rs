//! Looking through the successes of payments for those that nobody needs and that do not go back.

use super::super::give_backs::Scanned;
use super::super::{Fact, GroupError, PaymentRecord};
use super::books::Books;
use super::give_backs::owe;
use super::payments::of_order;
use super::rows::{from_json, locked, nonsense, order_state, parsed};
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::Attempt;
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{PaymentState, Success, surplus};

/// A success, what stands of its order, and whether its money goes back or went back.
struct Found {
    number: OrderNumber,
    order: OrderState,
    paid_by: Option<PaidBy>,
    success: Success,
    owed: bool,
}

fn found_row(row: &Row) -> Result<Found, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let state = text("state")?;
    let paid_by: Option<String> = row.get("paid_by")?;
    Ok(Found {
        number: parsed(&text("number")?)?,
        order: order_state(&text("order_state")?)?,
        paid_by: paid_by.as_deref().map(from_json).transpose()?,
        success: Success {
            attempt: row.get("attempt")?,
            state: PaymentState::from_word(&state).ok_or_else(|| nonsense(&state))?,
            transaction: text("transaction_number")?,
            since: Timestamp(row.get("since")?),
        },
        owed: row.get("owed")?,
    })
}

/// The next so many successes after that number. What is suspected is looked at anew where it is decided.
pub(super) fn part(sql: &dyn Sql, after: &str, pattern: &str, most: u32) -> Result<Scanned, GroupError> {
    let rows = sql.rows(
        "SELECT p.number, p.attempt, p.state, p.transaction_number, p.since, o.state AS order_state, o.paid_by, \
         CASE WHEN g.number IS NULL THEN 0 ELSE 1 END AS owed \
         FROM payments p JOIN orders o ON o.number = p.number \
         LEFT JOIN give_backs g ON g.number = p.number AND g.attempt = p.attempt \
         WHERE p.number > ?1 AND p.number LIKE ?2 AND p.transaction_number IS NOT NULL \
         ORDER BY p.number, p.attempt LIMIT ?3",
        &params![after, pattern, most],
    )?;
    let all = rows.iter().map(found_row).collect::<Result<Vec<_>, _>>()?;
    let mut orders: Vec<&[Found]> = all.chunk_by(|one, other| one.number == other.number).collect();
    let is_more = u32::try_from(rows.len()) == Ok(most);
    if is_more && orders.len() > 1 {
        orders.pop(); // it may be cut off: it is the first of the next part
    }
    let last = orders.last().filter(|_| is_more).and_then(|order| order.last()).map(|found| found.number);
    Ok(Scanned { last, found: orders.into_iter().filter_map(forgotten).collect() })
}

/// The order, if something of these successes of it should go back and does not.
fn forgotten(of_an_order: &[Found]) -> Option<OrderNumber> {
    let first = of_an_order.first()?;
    let successes: Vec<Success> = of_an_order.iter().map(|found| found.success.clone()).collect();
    let too_much = surplus(first.order, first.paid_by.as_ref(), &successes);
    let owed = |attempt: &Attempt| of_an_order.iter().any(|f| f.owed && f.success.attempt == *attempt);
    (!too_much.iter().all(owed)).then_some(first.number)
}

/// Decides on what stands there, under the order's lock.
pub(super) fn owe_surplus(
    books: &Books<'_>,
    number: OrderNumber,
    at: Timestamp,
) -> Result<Vec<Attempt>, GroupError> {
    let order = locked(books.sql, number)?;
    let records = of_order(books.sql, number)?;
    let successes: Vec<Success> = records.iter().filter_map(success).collect();
    let too_much = surplus(order.summary.state, order.summary.paid_by.as_ref(), &successes);
    let mut forgotten = Vec::new();
    for record in records.iter().filter(|record| too_much.contains(&record.payment.attempt)) {
        let attempt = record.payment.attempt;
        let known: Option<i64> = books.sql.value(
            "SELECT 1 FROM give_backs WHERE number = ?1 AND attempt = ?2",
            &params![number.as_str(), attempt],
        )?;
        if known.is_some() {
            continue;
        }
        tracing::error!(%number, attempt,
            "a scan found money that nobody needs and that did not go back: it goes back by itself now");
        owe(books, record, at)?;
        let fact = match (&record.payment.transaction, record.payment.state) {
            (Some(transaction), PaymentState::Declined | PaymentState::Reversed) => {
                Fact::LateSuccess { attempt, transaction: transaction.clone() }
            }
            _ => Fact::PaidTwice { attempt },
        };
        books.tell(number, at, &fact)?;
        forgotten.push(attempt);
    }
    Ok(forgotten)
}

fn success(record: &PaymentRecord) -> Option<Success> {
    let payment = &record.payment;
    Some(Success {
        attempt: payment.attempt,
        state: payment.state,
        transaction: payment.transaction.clone()?,
        since: payment.since,
    })
}
