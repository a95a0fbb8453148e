//! Statements on a SQLite connection.

use crate::database::job::{KEEP, KEEP_PART, PART, SAVEPOINT, TAKE_BACK, TAKE_BACK_PART};
use crate::database::{DbError, Row, Sql, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};
use std::sync::Arc;

/// An open transaction of a SQLite connection.
pub struct SqliteSession<'a> {
    connection: &'a Connection,
    opening: Vec<Row>,
    has_it_to_itself: bool,
}

impl<'a> SqliteSession<'a> {
    /// On a connection whose transaction has begun.
    #[must_use]
    pub fn new(connection: &'a Connection) -> Self {
        Self { connection, opening: Vec::new(), has_it_to_itself: false }
    }

    /// The same, and reads what is to be read at the opening.
    /// # Errors
    /// [`DbError`].
    pub fn opened(connection: &'a Connection, opening: Option<&str>) -> Result<Self, DbError> {
        let mut session = Self::new(connection);
        if let Some(statement) = opening {
            session.opening = session.rows(statement, &[])?;
        }
        Ok(session)
    }

    /// For one job that shares the transaction with no other: what it takes back is the whole transaction. For a savepoint
    /// SQLite copies each page before it is changed, which costs a third of what such a job costs.
    #[must_use]
    pub fn of_one_job(self) -> Self {
        Self { has_it_to_itself: true, ..self }
    }

    /// Takes all back and begins again.
    fn begin_again(&self) -> Result<(), DbError> {
        Ok(self.connection.execute_batch("ROLLBACK; BEGIN IMMEDIATE")?)
    }
}

impl Sql for SqliteSession<'_> {
    fn execute(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let changed = statement.execute(rusqlite::params_from_iter(parameters))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn rows(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let names: Arc<[Box<str>]> = statement.column_names().map(Box::from).collect();
        let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values: Result<_, DbError> =
                (0..names.len()).map(|place| owned(row.get_ref(place)?)).collect();
            found.push(Row::new(Arc::clone(&names), values?));
        }
        Ok(found)
    }

    fn script(&self, statements: &str) -> Result<(), DbError> {
        if self.has_it_to_itself {
            match statements {
                SAVEPOINT | KEEP | PART | KEEP_PART => return Ok(()),
                TAKE_BACK | TAKE_BACK_PART => return self.begin_again(),
                _ => {}
            }
        }
        // Each job begins and ends with one of these: none is parsed twice.
        let is_frequent = ["SAVEPOINT ", "RELEASE "].iter().any(|word| statements.starts_with(word));
        if !is_frequent || statements.contains(';') {
            return Ok(self.connection.execute_batch(statements)?);
        }
        self.connection.prepare_cached(statements)?.execute([])?;
        Ok(())
    }

    fn rows_locked(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        // There is one writer at a time.
        self.rows(statement, parameters)
    }

    fn opening(&self) -> &[Row] {
        &self.opening
    }
}

fn owned(value: ValueRef<'_>) -> Result<Value<'static>, DbError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(DbError::nonsense)?;
            Ok(Value::Text(text.to_owned().into()))
        }
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec().into())),
        ValueRef::Real(_) => Err(DbError::nonsense("a number with a fraction")),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::TooLarge(number) => {
                let error = format!("{number} does not fit");
                return Err(rusqlite::Error::ToSqlConversionFailure(error.into()));
            }
        }))
    }
}
