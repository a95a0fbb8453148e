//! Lists for people.

use super::super::lists::Standing;
use super::super::{GroupError, Lists, OrderDetail, OrderFilter, OrderSummary, Reply, StoryLine};
use super::SqliteGroup;
use super::rows::{ORDER, all, from_json, get_order, nonsense, order_row};
use super::{payments, refunds};
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Body, Entry};
use evertill_shared::order::Sale;
use evertill_shared::order_number::OrderNumber;
use rusqlite::Connection;

impl Lists for SqliteGroup {
    fn order(&self, number: OrderNumber) -> Reply<OrderDetail> {
        self.read(move |connection| {
            let order = get_order(connection, number)?;
            let refunds = refunds::of_order(connection, number)?;
            let mut summary = order.summary;
            summary.refunds = refunds.iter().map(|record| record.refund.clone()).collect();
            Ok(OrderDetail {
                summary,
                goods: goods(&order.sale)?,
                payments: payments::of_order(connection, number)?,
                refunds,
                story: story(connection, number)?,
            })
        })
    }

    fn orders(&self, filter: OrderFilter) -> Reply<Vec<OrderSummary>> {
        self.read(move |connection| {
            let standing = condition(filter.standing);
            let sql = format!(
                "SELECT {ORDER} FROM orders WHERE business_day = ?1 \
                 AND (?2 IS NULL OR instr(number, ?2) > 0) AND (?3 IS NULL OR terminal = ?3) \
                 AND (?4 IS NULL OR total_minor = ?4) AND (?5 OR state NOT IN ('draft', 'expired')) \
                 AND (?7 IS NULL OR number < ?7) AND {standing} \
                 ORDER BY number DESC LIMIT ?6"
            );
            let digits = filter.number_part.map(|text| text.chars().filter(char::is_ascii_digit).collect());
            let digits: Option<String> = digits.filter(|text: &String| !text.is_empty());
            let terminal = filter.terminal.map(|terminal| terminal.get());
            let parameters = (
                filter.day.to_string(),
                digits,
                terminal,
                filter.total_minor,
                filter.with_drafts,
                filter.most.saturating_add(1),
                filter.before.map(String::from),
            );
            let rows = all(connection, &sql, parameters, order_row)?;
            let mut orders: Vec<OrderSummary> = rows.into_iter().map(|row| row.summary).collect();
            for order in orders.iter_mut().filter(|order| order.paid.is_positive()) {
                let records = refunds::of_order(connection, order.number)?;
                order.refunds = records.into_iter().map(|record| record.refund).collect();
            }
            Ok(orders)
        })
    }
}

fn condition(standing: Option<Standing>) -> &'static str {
    match standing {
        None => "TRUE",
        Some(Standing::Paid) => "state = 'paid'",
        Some(Standing::NotPaid) => "state = 'adopted'",
        Some(Standing::Refunded) => "held_minor > 0",
        Some(Standing::Quarantined) => "quarantined",
        Some(Standing::Void) => "state = 'void'",
    }
}

fn goods(text: &str) -> Result<Sale, GroupError> {
    match from_json::<Entry>(text)?.body {
        Body::Sale(sale) => Ok(sale),
        _ => Err(nonsense("an order whose entry is no sale")),
    }
}

pub(super) fn story(connection: &Connection, number: OrderNumber) -> Result<Vec<StoryLine>, GroupError> {
    let sql = "SELECT at, what FROM story WHERE number = ?1 ORDER BY id";
    all(connection, sql, [number.as_str()], |row| {
        let what: String = row.get(1)?;
        Ok(StoryLine { at: Timestamp(row.get(0)?), what: from_json(&what)? })
    })
}
