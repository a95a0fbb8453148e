//! An open transaction, and which orders it changes.

use super::super::{Fact, GroupError};
use super::rows::to_json;
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An open transaction that changes orders. Whatever changes an order, or something that belongs to it, notes
/// that here; at the end each such order has one more version and one line in the outbox.
pub(super) struct Books<'a> {
    /// The transaction.
    pub sql: &'a dyn Sql,
    changed: RefCell<BTreeMap<OrderNumber, Timestamp>>,
}

impl<'a> Books<'a> {
    /// Runs `work`; if it succeeds, tells what it changed.
    pub fn keep<T>(
        sql: &'a dyn Sql,
        work: impl FnOnce(&Books<'a>) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        let books = Self { sql, changed: RefCell::default() };
        let value = work(&books)?;
        for (number, at) in books.changed.into_inner() {
            changed(sql, number, at)?;
        }
        Ok(value)
    }

    /// Notes that the order, or something that belongs to it, is not what it was. Leases alone are no change.
    pub fn note(&self, number: OrderNumber, at: Timestamp) {
        self.changed.borrow_mut().insert(number, at);
    }

    /// Adds a fact to an order's story.
    pub fn tell(&self, number: OrderNumber, at: Timestamp, fact: &Fact) -> Result<(), GroupError> {
        self.note(number, at);
        self.sql.execute(
            "INSERT INTO story (number, at, what) VALUES (?1, ?2, ?3)",
            &params![number.as_str(), at.0, to_json(fact)?],
        )?;
        Ok(())
    }
}

/// Gives the order its next version, and says so to those who keep copies. Drafts are no sales: nobody copies them.
fn changed(sql: &dyn Sql, number: OrderNumber, at: Timestamp) -> Result<(), GroupError> {
    let version: Option<i64> = sql.value(
        "UPDATE orders SET version = version + 1 \
         WHERE number = ?1 AND state NOT IN ('draft', 'expired') RETURNING version",
        &params![number.as_str()],
    )?;
    if let Some(version) = version {
        sql.execute(
            "INSERT INTO outbox (number, version, at) VALUES (?1, ?2, ?3)",
            &params![number.as_str(), version, at.0],
        )?;
    }
    Ok(())
}
