//! What PostgreSQL's errors mean to us.

use crate::database::DbError;
use tokio_postgres::error::{DbError as ServerError, Severity, SqlState};

/// In words, for logs and people.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map_or_else(String::new, |detail| format!(" ({detail})"));
        return format!("{}{detail} [{}]", said.message(), said.code().code());
    }
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Whether the connection is of no more use after it.
pub(super) fn ends_connection(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(said) => is_fatal(said),
        // What could not be turned into a message, or back, was never sent or has been read to its end.
        None => !error.to_string().starts_with("error serializing parameter"),
    }
}

fn is_fatal(said: &ServerError) -> bool {
    !matches!(said.parsed_severity(), Some(Severity::Error))
}

/// A statement that failed before its transaction's commit was asked for: surely nothing is written.
pub(super) fn of_statement(error: &tokio_postgres::Error) -> DbError {
    match error.code() {
        Some(code) if !is_passing(code) && !is_stale(error) => DbError::Statement(words(error)),
        _ => DbError::NotWritten(words(error)),
    }
}

/// Whether the same statement may well succeed later, or elsewhere: the database's state, not our words.
fn is_passing(code: &SqlState) -> bool {
    // Connection, resources, intervention, system, internal; serialization and deadlock.
    let classes = ["08", "40", "53", "57", "58", "XX"];
    classes.iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::IN_FAILED_SQL_TRANSACTION
}

/// Whether a new connection is needed: what was prepared no longer fits, or the server takes no more writes.
pub(super) fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|said| {
        *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION
            || *said.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || (*said.code() == SqlState::FEATURE_NOT_SUPPORTED && said.message().starts_with("cached plan"))
    })
}

/// A fault inside the server: it says nothing about what is written.
fn is_inner(code: &SqlState) -> bool {
    ["58", "XX"].iter().any(|class| code.code().starts_with(class))
}

/// The answer to a COMMIT was an error.
pub(super) fn of_commit(error: &tokio_postgres::Error) -> DbError {
    match error.as_db_error() {
        // It says that it gave up before the commit: an error after it would have ended the connection.
        Some(said) if !is_fatal(said) && !is_inner(said.code()) => {
            if *said.code() == SqlState::DIVISION_BY_ZERO {
                return DbError::NotWritten(NO_STANDBYS.into());
            }
            DbError::NotWritten(words(error))
        }
        _ => DbError::Unknown(words(error)),
    }
}

/// The settings ask for standbys, the server does not.
pub(super) const NO_STANDBYS: &str =
    "the server waits for no standby (synchronous_standby_names is empty): set it, or let its manager set it";
