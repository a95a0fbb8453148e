//! A database as servers may have left it that knew less: it forgets to write down one money that goes back by itself.

use evertill_server::database::{DbError, Row, Sql, Value};
use std::cell::Cell;

/// Whether the next one is forgotten.
#[derive(Debug, Default)]
pub(super) struct Forgets(Cell<bool>);

impl Forgets {
    /// The next one is.
    pub fn next(&self) {
        self.0.set(true);
    }

    /// The statements of a database that forgets.
    pub fn over<'a>(&'a self, honest: &'a dyn Sql) -> Forgetting<'a> {
        Forgetting { forgets: self, honest }
    }
}

/// See [`Forgets::over`].
pub(super) struct Forgetting<'a> {
    forgets: &'a Forgets,
    honest: &'a dyn Sql,
}

impl Sql for Forgetting<'_> {
    fn execute(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        if statement.contains("INTO give_backs") && self.forgets.0.replace(false) {
            return Ok(1);
        }
        self.honest.execute(statement, parameters)
    }

    fn rows(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        self.honest.rows(statement, parameters)
    }

    fn script(&self, statements: &str) -> Result<(), DbError> {
        self.honest.script(statements)
    }

    fn rows_locked(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        self.honest.rows_locked(statement, parameters)
    }

    fn opening(&self) -> &[Row] {
        self.honest.opening()
    }
}
