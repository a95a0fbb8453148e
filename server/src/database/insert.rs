//! Rows that go in by themselves: the cheapest durable write there is, since an engine may put all that wait
//! into one statement.

use super::{DbError, Row, Value};
use std::sync::OnceLock;
use tokio::sync::oneshot;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Int,
    /// Text.
    Text,
}

/// A kind of row that is inserted by itself. The table's rules against doubles decide whether it goes in.
#[derive(Debug)]
pub struct Insert {
    /// Into which table.
    pub table: &'static str,
    /// The columns, in the order of the values. The first is the row's own, unique key.
    pub columns: &'static [(&'static str, Kind)],
    statement: OnceLock<String>,
}

impl Insert {
    /// Rows of that table, with these columns.
    #[must_use]
    pub const fn new(table: &'static str, columns: &'static [(&'static str, Kind)]) -> Self {
        Self { table, columns, statement: OnceLock::new() }
    }

    /// The statement for one row, with numbered parameters.
    #[must_use]
    pub fn statement(&self) -> &str {
        self.statement.get_or_init(|| {
            let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
            let places: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
            let (table, names, places) = (self.table, names.join(", "), places.join(", "));
            format!("INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING")
        })
    }
}

impl PartialEq for Insert {
    fn eq(&self, other: &Self) -> bool {
        (self.table, self.columns) == (other.table, other.columns)
    }
}

impl Eq for Insert {}

/// What came of inserting a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is in, durably.
    Yes,
    /// A row that is there already stands against it: the same key, or another unique value.
    Conflict,
    /// What was read at the opening of the transaction stands against it.
    NotAllowed,
}

/// Whether a row may go in, by what was read at the opening of the transaction.
pub type Allowed = Box<dyn Fn(&[Row]) -> bool + Send>;

/// One waiting row.
pub struct WaitingRow {
    /// What kind of row.
    pub what: &'static Insert,
    /// Its values, in the order of the columns.
    pub values: Vec<Value<'static>>,
    /// Whether it may go in.
    pub allowed: Allowed,
    answer: oneshot::Sender<Result<Inserted, DbError>>,
}

impl WaitingRow {
    pub(super) fn new(
        what: &'static Insert,
        values: Vec<Value<'static>>,
        allowed: Allowed,
        answer: oneshot::Sender<Result<Inserted, DbError>>,
    ) -> Self {
        Self { what, values, allowed, answer }
    }

    /// Whether somebody still waits for it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    /// Gives the answer.
    pub fn answer(self, answer: Result<Inserted, DbError>) {
        let _ = self.answer.send(answer);
    }
}
