//! Opening a file: settings, checks, migrations.

use crate::database::{Migration, OpenError, Schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// How long a write waits for another process that holds the file.
const BUSY: Duration = Duration::from_millis(900);
/// How many pages the log holds before the writer brings them into the file, for which everybody waits: 16 MiB. The same
/// pages are written again and again, so a longer log means less work, and fewer who wait; one that is much longer is
/// slower to read and to open.
const CHECKPOINT_PAGES: u32 = 4_000;

/// The one connection that writes.
pub(super) fn writer(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| io(path, &e))?;
    }
    let mut connection = Connection::open(path).map_err(|e| io(path, &e))?;
    settings(&connection).map_err(|e| damaged_or_io(path, &e))?;
    check_whole(&connection, path)?;
    check_kind(&connection, path, schema.application)?;
    migrate(&mut connection, path, schema)?;
    write_out(&connection).map_err(|e| damaged_or_io(path, &e))?;
    Ok(connection)
}

/// Brings the log into the file. After a failed sync the system may hold parts of the log as written that are not on
/// the disk; what is committed on top of them would be lost with them when the power goes. Written anew, they are there.
/// While another server has the file open it may stay as it is: then the log is that server's as well.
fn write_out(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a savepoint would put back is held in memory: past 64 KiB it would go into a file of its own, for each job.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    steady_plans(connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// A statement's plan does not hang on the values bound to it. Without this a statement with `LIKE ?` is parsed and
/// planned anew each time that another pattern is bound, which costs more than running it.
fn steady_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A connection that can only read.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    steady_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn check_whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| damaged_or_io(path, &e))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), detail: found }) }
}

fn check_kind(connection: &Connection, path: &Path, application: i32) -> Result<(), OpenError> {
    let found: i32 = pragma(connection, path, "application_id")?;
    let objects: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|e| damaged_or_io(path, &e))?;
    if found == application || (found == 0 && objects == 0) {
        return Ok(());
    }
    Err(OpenError::Foreign { place: path.display().to_string(), found })
}

fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    path: &Path,
    name: &str,
) -> Result<T, OpenError> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).map_err(|e| damaged_or_io(path, &e))
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let place = || path.display().to_string();
    let known = schema.migrations.last().map_or(0, |m| m.number);
    let found: u32 = pragma(connection, path, "user_version")?;
    if found > known {
        return Err(OpenError::Newer { place: place(), found, known });
    }
    for migration in schema.migrations {
        // Two servers may start on one new file at the same time: each step looks again under the lock.
        step(connection, schema.application, migration)
            .map_err(|error| OpenError::Migration {
                place: place(),
                number: migration.number,
                error: error.to_string(),
            })?
            .map_err(|Different| OpenError::Changed { place: place(), number: migration.number })?;
    }
    Ok(())
}

/// The file's step was made by other statements.
struct Different;

fn step(
    connection: &mut Connection,
    application: i32,
    migration: &Migration,
) -> rusqlite::Result<Result<(), Different>> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "application_id", application)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_steps (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT",
    )?;
    let checksum = checksum(migration.sqlite);
    let made: Option<String> = transaction
        .query_row("SELECT checksum FROM schema_steps WHERE number = ?1", [migration.number], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(made) = made {
        return Ok(if made == checksum { Ok(()) } else { Err(Different) });
    }
    transaction.execute_batch(migration.sqlite)?;
    let row = (migration.number, migration.name, checksum);
    transaction.execute("INSERT INTO schema_steps (number, name, checksum) VALUES (?1, ?2, ?3)", row)?;
    transaction.pragma_update(None, "user_version", migration.number)?;
    transaction.commit()?;
    Ok(Ok(()))
}

fn checksum(sql: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, sql.as_bytes()))
}

fn io(path: &Path, error: &dyn std::fmt::Display) -> OpenError {
    OpenError::Io { path: path.to_owned(), error: error.to_string() }
}

fn damaged_or_io(path: &Path, error: &rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            OpenError::Damaged { path: path.to_owned(), detail: error.to_string() }
        }
        _ => io(path, error),
    }
}
