//! An open transaction. What needs no answer of its own (BEGIN, savepoints) travels with the next statement.

use super::dialect::{Column, Signature};
use super::failure;
use super::link::{Failed, Link, Prepared};
use crate::database::job::{KEEP, KEEP_PART, PART, SAVEPOINT, TAKE_BACK, TAKE_BACK_PART};
use crate::database::{DbError, Row, Sql, Value};
use evertill_shared::clock::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

/// How a transaction of writers begins. Whether it may write is the server's own setting.
pub(super) const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// How a transaction of readers begins: one snapshot.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// How long, in milliseconds, the oldest transaction has lived that wrote in this database and is not over: one whose
/// commit waits for standbys is written and not seen, and so is one that was prepared.
const OLDEST_WRITE: &str = "SELECT CAST(coalesce(max(extract(epoch FROM clock_timestamp() - began) * 1000), 0) \
     AS BIGINT) FROM (SELECT xact_start AS began FROM pg_stat_activity \
                       WHERE datname = current_database() AND backend_xid IS NOT NULL \
                       UNION ALL SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()) AS open";

/// Milliseconds since 1970 by the server's own clock.
const NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Whether the transaction goes on.
enum State {
    Good,
    /// A statement of this job failed: only its savepoint helps.
    Failed(DbError),
    /// The whole transaction is lost.
    Broken(DbError),
}

/// Why there is no transaction.
pub(super) struct NotBegun {
    pub(super) error: DbError,
    /// The connection turned out to be closed: on a new one it may work.
    pub(super) was_closed: bool,
}

/// An open transaction of a PostgreSQL connection.
pub(super) struct PostgresSession<'a> {
    inner: RefCell<Inner<'a>>,
    opening: Vec<Row>,
}

struct Inner<'a> {
    link: &'a mut Link,
    runtime: &'a Runtime,
    deadline: Instant,
    deferred: String,
    state: State,
}

impl<'a> PostgresSession<'a> {
    /// Begins, and reads what is to be read first. Nothing waits longer than until `deadline`.
    pub(super) fn begin(
        link: &'a mut Link,
        runtime: &'a Runtime,
        deadline: Instant,
        begin: &str,
        opening: Option<&str>,
    ) -> Result<Self, NotBegun> {
        let deferred = format!("{begin};");
        let inner = Inner { link, runtime, deadline, deferred, state: State::Good };
        let mut session = Self { inner: RefCell::new(inner), opening: Vec::new() };
        match session.open(opening) {
            Ok(()) => Ok(session),
            Err(error) => {
                let link = &session.inner.get_mut().link;
                Err(NotBegun { error, was_closed: link.lost().is_some() && !link.is_silent() })
            }
        }
    }

    fn open(&mut self, opening: Option<&str>) -> Result<(), DbError> {
        let opened = match opening {
            Some(statement) => self.rows(statement, &[]).map(|rows| self.opening = rows),
            None => self.inner.get_mut().flush(),
        };
        if opened.is_err() {
            self.inner.get_mut().roll_back();
        }
        opened
    }

    /// Takes everything back and begins anew.
    pub(super) fn again(&mut self, opening: Option<&str>) -> Result<(), DbError> {
        let inner = self.inner.get_mut();
        if let State::Broken(error) = &inner.state {
            return Err(error.clone());
        }
        inner.state = State::Good;
        inner.deferred = format!("ROLLBACK;{WRITE};");
        self.open(opening)
    }

    /// Whether a statement outside of any savepoint can still be answered.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.inner.borrow().state, State::Broken(_))
    }

    /// Asks for the rows of a statement that is in PostgreSQL's own words.
    pub(super) fn own(
        &self,
        text: &str,
        types: &[Type],
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DbError> {
        self.inner.borrow_mut().rows(text, None, types, parameters)
    }

    /// Commits; `guard` is a statement that fails if there must be no commit.
    pub(super) fn commit(self, guard: &str) -> Result<(), DbError> {
        let mut inner = self.inner.into_inner();
        match std::mem::replace(&mut inner.state, State::Good) {
            State::Good => {}
            State::Broken(error) | State::Failed(error) => {
                inner.roll_back();
                return Err(error);
            }
        }
        // If the transaction were not as we think, the guard would fail, and COMMIT not mean ROLLBACK.
        let text = format!("{}{guard};COMMIT", inner.deferred);
        inner.link.take_warnings();
        let ended = inner
            .link
            .call(inner.runtime, inner.deadline, async |client: &Client| client.batch_execute(&text).await);
        let warnings = inner.link.take_warnings();
        let result = match ended {
            Ok(()) if warnings.is_empty() => return Ok(()),
            // A wait for standbys that somebody cancelled: written here, and perhaps nowhere else.
            Ok(()) => DbError::Unknown(warnings.join("; ")),
            Err(Failed::Said(error)) => failure::of_commit(&error),
            Err(Failed::Lost(reason)) => DbError::Unknown(reason),
        };
        inner.link.lose(result.to_string());
        Err(result)
    }

    /// Ends a transaction that wrote nothing.
    pub(super) fn end(self) {
        self.inner.into_inner().roll_back();
    }
}

impl Inner<'_> {
    fn ready(&self) -> Result<(), DbError> {
        match &self.state {
            State::Good => Ok(()),
            State::Failed(error) | State::Broken(error) => Err(error.clone()),
        }
    }

    /// Sends a request, behind what was deferred.
    fn send<T>(&mut self, request: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, DbError> {
        self.ready()?;
        let before = std::mem::take(&mut self.deferred);
        let mut deferred_failed = false;
        let answer = self.link.call(self.runtime, self.deadline, async |client: &Client| {
            if before.is_empty() {
                return request(client).await;
            }
            let (first, second) = tokio::join!(biased; client.batch_execute(&before), request(client));
            deferred_failed = first.is_err();
            first.and(second)
        });
        answer.map_err(|failed| self.note(failed, deferred_failed))
    }

    fn note(&mut self, failed: Failed, all: bool) -> DbError {
        let error = failed.into_error();
        // A connection that is only to be replaced still has to hear the end of its transaction: losing it is that.
        let broken = all || self.link.lost().is_some();
        self.state = if broken { State::Broken(error.clone()) } else { State::Failed(error.clone()) };
        error
    }

    fn flush(&mut self) -> Result<(), DbError> {
        let text = std::mem::take(&mut self.deferred);
        if text.is_empty() {
            return self.ready();
        }
        self.ready()?;
        let done = self
            .link
            .call(self.runtime, self.deadline, async |client: &Client| client.batch_execute(&text).await);
        done.map_err(|failed| self.note(failed, true))
    }

    fn roll_back(&mut self) {
        self.deferred.clear();
        // If it fails the connection is lost, which takes back just as well.
        let ended = self.link.call(self.runtime, self.deadline, async |client: &Client| {
            client.batch_execute("ROLLBACK").await
        });
        if ended.is_err() {
            self.link.lose("the transaction could not be ended");
        }
    }

    fn prepared(
        &mut self,
        text: &str,
        signature: Option<Signature>,
        types: impl FnOnce() -> Vec<Type>,
    ) -> Result<Rc<Prepared>, DbError> {
        self.ready()?;
        if let Some(known) = self.link.known(text, signature) {
            return Ok(known);
        }
        self.flush()?;
        let prepared = self.link.prepare(self.runtime, self.deadline, text, signature, &types());
        prepared.map_err(|failed| self.note(failed, false))
    }

    fn rows(
        &mut self,
        text: &str,
        signature: Option<Signature>,
        types: &[Type],
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DbError> {
        let prepared = self.prepared(text, signature, || types.to_vec())?;
        let found = self.send(async |client: &Client| client.query(&prepared.statement, parameters).await)?;
        found.iter().map(|row| read(row, &prepared)).collect()
    }

    fn save(&mut self, statements: &str) -> Result<(), DbError> {
        if let State::Broken(error) = &self.state {
            return Err(error.clone());
        }
        let (begun, back) = match statements {
            PART | KEEP_PART | TAKE_BACK_PART => (PART, TAKE_BACK_PART),
            _ => (SAVEPOINT, TAKE_BACK),
        };
        // A savepoint under which nothing ran was not even made.
        let unused = self.deferred.strip_suffix(&format!("{begun};")).map(str::len);
        match (statements, unused) {
            (KEEP | TAKE_BACK | KEEP_PART | TAKE_BACK_PART, Some(length)) => self.deferred.truncate(length),
            (KEEP | KEEP_PART, None) => {
                if let State::Failed(error) = &self.state {
                    let error = error.clone();
                    self.save(back)?;
                    return Err(error);
                }
                self.defer(statements);
            }
            (other, _) => {
                self.state = State::Good;
                self.defer(other);
            }
        }
        Ok(())
    }

    fn defer(&mut self, statements: &str) {
        self.deferred.push_str(statements);
        self.deferred.push(';');
    }
}

fn read(row: &tokio_postgres::Row, prepared: &Prepared) -> Result<Row, DbError> {
    let values = (0..row.len()).map(|place| {
        row.try_get::<_, Column>(place).map(|column| column.0).map_err(|error| {
            let name = &prepared.names[place];
            DbError::nonsense(format_args!("column {name}: {}", failure::words(&error)))
        })
    });
    Ok(Row::new(prepared.names.clone(), values.collect::<Result<_, _>>()?))
}

fn references<'v>(values: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Sql for PostgresSession<'_> {
    fn execute(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        let signature = Signature::of(parameters)?;
        let mut inner = self.inner.borrow_mut();
        let types = || signature.types(parameters.len());
        let prepared = inner.prepared(statement, Some(signature), types)?;
        let parameters = references(parameters);
        inner.send(async |client: &Client| client.execute(&prepared.statement, &parameters).await)
    }

    fn rows(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        let signature = Signature::of(parameters)?;
        let types = signature.types(parameters.len());
        self.inner.borrow_mut().rows(statement, Some(signature), &types, &references(parameters))
    }

    fn script(&self, statements: &str) -> Result<(), DbError> {
        let mut inner = self.inner.borrow_mut();
        match statements {
            SAVEPOINT | KEEP | TAKE_BACK | PART | KEEP_PART | TAKE_BACK_PART => inner.save(statements),
            _ => inner.send(async |client: &Client| client.batch_execute(statements).await),
        }
    }

    fn rows_locked(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        self.rows(&format!("{statement} FOR UPDATE"), parameters)
    }

    fn opening(&self) -> &[Row] {
        &self.opening
    }

    fn oldest_write(&self) -> Result<Duration, DbError> {
        let oldest = self.rows(OLDEST_WRITE, &[])?.first().map(|row| row.at::<i64>(0)).transpose()?;
        Ok(Duration::from_millis(oldest.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)))
    }

    fn time(&self) -> Result<Option<Timestamp>, DbError> {
        let now = self.rows(NOW, &[])?.first().map(|row| row.at::<i64>(0)).transpose()?;
        Ok(now.map(Timestamp))
    }
}
