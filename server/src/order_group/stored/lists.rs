//! Lists for people.

use super::super::{Fact, GroupError, Lists, OrderDetail, Reply, StoryLine};
use super::StoredGroup;
use super::rows::{ORDER, OrderRow, all, from_json, nonsense, one, order_row};
use super::{payments, refunds};
use crate::database::Sql;
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
