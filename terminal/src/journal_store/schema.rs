//! The tables of `till.db`.

use rusqlite::Connection;

/// The version of the tables below; a newer file is refused rather than misread.
pub const VERSION: i64 = 1;

/// `entry` is the truth. `sale` and `refund` are derived from it, in the same transaction or by a rebuild.
/// `fact` holds what the server confirmed; `print_job` what was given to the printer.
const TABLES: &str = "
CREATE TABLE entry (
    sequence  INTEGER PRIMARY KEY,
    text      TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT;
CREATE TRIGGER entry_is_append_only_u BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entry_is_append_only_d BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TABLE head (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    terminal  INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    hash      TEXT NOT NULL
) STRICT;
CREATE TABLE sale (
    sequence    INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    is_open     INTEGER NOT NULL,
    in_cash     INTEGER NOT NULL,
    confirmed   INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    record      TEXT NOT NULL
) STRICT;
CREATE INDEX sale_open ON sale (sequence) WHERE is_open = 1;
CREATE INDEX sale_queue ON sale (sequence) WHERE in_cash = 1 AND confirmed = 0;
CREATE TABLE refund (
    id      TEXT PRIMARY KEY,
    is_open INTEGER NOT NULL,
    record  TEXT NOT NULL
) STRICT;
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE print_job (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    about   TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    state   TEXT NOT NULL,
    receipt TEXT NOT NULL
) STRICT;
CREATE INDEX print_job_about ON print_job (about, id);
-- Goods of earlier programs; they have a file of their own now.
CREATE TABLE product (
    place  INTEGER PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
";

/// What came later, and the index that finds a sale by its order (a record that cannot be read is in it under nothing,
/// and is derived anew): derived like `sale` and `refund`, so a file from before is completed where it stands, and a program
/// from before passes it over.
const LATER: &str = "
CREATE TABLE IF NOT EXISTS shift (
    opened INTEGER PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sale_number
    ON sale (CASE WHEN json_valid(record) THEN json_extract(record, '$.adopted.number') END);
";

/// Sets the connection up: every commit is on the disk before it returns.
/// # Errors
/// SQLite's own.
pub fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(())
}

/// Makes the tables in a new file.
/// # Errors
/// SQLite's own.
pub fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Adds what tables from before do not have.
/// # Errors
/// SQLite's own.
pub fn complete(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(LATER)
}

/// The version of the tables in the file; 0 in a new one.
/// # Errors
/// SQLite's own.
pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// A sequence as SQLite has it. Journals end long before the largest one.
#[must_use]
pub fn db(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// A sequence as SQLite gave it.
#[must_use]
pub fn from_db(sequence: i64) -> u64 {
    u64::try_from(sequence).unwrap_or(0)
}
