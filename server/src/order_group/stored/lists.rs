//! Lists for people.

use super::super::{Fact, GroupError, Lists, OrderDetail, OrderFilter, OrderSummary, Reply, StoryLine};
use super::StoredGroup;
use super::rows::{ORDER, OrderRow, all, from_json, nonsense, one, order_row};
use super::{payments, refunds};
use crate::database::{Sql, Value};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Body, Entry};
use evertill_shared::order::Sale;
use evertill_shared::order_number::OrderNumber;

impl Lists for StoredGroup {
    fn order(&self, number: OrderNumber) -> Reply<OrderDetail> {
        self.read(move |sql| {
            let statement = format!("SELECT {ORDER} FROM orders WHERE number = ?1");
            let order = one(sql, &statement, &params![number.as_str()], order_row)?;
            let order = order.ok_or(super::Refusal::NotFound("order"))?;
            let refunds = refunds::of_order(sql, number)?;
            let mut story = birth(&order);
            story.extend(self::story(sql, number)?);
            let mut summary = order.summary;
            summary.refunds = refunds.iter().map(|record| record.refund.clone()).collect();
            Ok(OrderDetail {
                summary,
                goods: goods(&order.sale)?,
                payments: payments::of_order(sql, number)?,
                refunds,
                story,
            })
        })
    }

    fn orders(&self, filter: OrderFilter) -> Reply<Vec<OrderSummary>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let (statement, parameters) = listing(&filter, pattern);
            let rows = all(sql, &statement, &parameters, order_row)?;
            let mut orders: Vec<OrderSummary> = rows.into_iter().map(|row| row.summary).collect();
            for order in orders.iter_mut().filter(|order| order.paid.is_positive()) {
                let records = refunds::of_order(sql, order.number)?;
                order.refunds = records.into_iter().map(|record| record.refund).collect();
            }
            Ok(orders)
        })
    }
}

/// The statement for a list, and its parameters. Only what is asked for stands in it.
fn listing(filter: &OrderFilter, pattern: String) -> (String, Vec<Value<'static>>) {
    let mut parameters: Vec<Value<'static>> = vec![filter.day.to_string().into(), pattern.into()];
    let mut conditions = String::from("business_day = ?1 AND number LIKE ?2");
    let mut also = |condition: &str, value: Value<'static>| {
        parameters.push(value);
        conditions.push_str(&format!(" AND {condition} ?{}", parameters.len()));
    };
    let digits: String =
        filter.number_part.iter().flat_map(|t| t.chars()).filter(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        also("number LIKE", format!("%{digits}%").into());
    }
    if let Some(terminal) = filter.terminal {
        also("terminal =", terminal.get().into());
    }
    if let Some(total) = filter.total_minor {
        also("total_minor =", total.into());
    }
    if let Some(before) = filter.before {
        also("number <", before.to_string().into());
    }
    if !filter.with_drafts {
        conditions.push_str(" AND state NOT IN ('draft', 'expired')");
    }
    if let Some(standing) = filter.standing {
        conditions.push_str(" AND ");
        conditions.push_str(standing.condition());
    }
    parameters.push(filter.most.saturating_add(1).into());
    let most = parameters.len();
    (format!("SELECT {ORDER} FROM orders WHERE {conditions} ORDER BY number DESC LIMIT ?{most}"), parameters)
}

pub(super) fn goods(text: &str) -> Result<Sale, GroupError> {
    match from_json::<Entry>(text)?.body {
        Body::Sale(sale) => Ok(sale),
        _ => Err(nonsense("an order whose entry is no sale")),
    }
}

/// A draft is one row; that it was given out stands in it. Older orders have a line of their own.
fn birth(order: &OrderRow) -> Vec<StoryLine> {
    let server = order.created_by.clone();
    let line = |server| StoryLine { at: order.summary.created_at, what: Fact::DraftCreated { server } };
    server.map(line).into_iter().collect()
}

/// What was told of the order after its number was given out.
pub(super) fn story(sql: &dyn Sql, number: OrderNumber) -> Result<Vec<StoryLine>, GroupError> {
    let statement = "SELECT at, what FROM story WHERE number = ?1 ORDER BY id";
    all(sql, statement, &params![number.as_str()], |row| {
        Ok(StoryLine { at: Timestamp(row.at(0)?), what: from_json(&row.at::<String>(1)?)? })
    })
}
