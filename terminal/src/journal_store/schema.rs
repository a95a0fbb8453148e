//! The tables of `till.db`.

use rusqlite::Connection;

/// The version of the tables below; a newer file is refused rather than misread.
pub const VERSION: i64 = 1;
/// The same tables, with earlier entries in an archive: a program that knows of none would take them for lost.
pub const ARCHIVED: i64 = 2;
/// The same, with the list of the archive's files in what the till has signed: a program that knows of no such note would take it
/// for damaged.
pub const LISTED: i64 = 3;

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
///
/// `countersigned` holds what servers said of days that are over. Of what is in the archive stay where the rest begins
/// (`archived`), the files (`archive_file`), and by what sales and refunds are found.
const LATER: &str = "
CREATE TABLE IF NOT EXISTS shift (
    opened INTEGER PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS countersigned (
    sequence  INTEGER PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    statement TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS archived (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    record   TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS archive_file (
    first  INTEGER PRIMARY KEY,
    last   INTEGER NOT NULL,
    name   TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS archived_sale (
    sequence    INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    total_minor INTEGER NOT NULL,
    number      TEXT,
    quarantined INTEGER NOT NULL,
    copies      INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS archived_sale_number ON archived_sale (number) WHERE number IS NOT NULL;
CREATE INDEX IF NOT EXISTS archived_sale_time ON archived_sale (at_ms, sequence);
CREATE INDEX IF NOT EXISTS archived_sale_total ON archived_sale (total_minor, at_ms, sequence);
CREATE TABLE IF NOT EXISTS archived_refund (
    id     TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS archived_refund_number ON archived_refund (number);
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

/// Within a transaction that has them elsewhere, on the disk: entries may be taken out, until [`keep_entries`].
/// # Errors
/// SQLite's own.
pub fn let_entries_go(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DROP TRIGGER IF EXISTS entry_is_append_only_d")
}

/// From here on no entry may be taken out.
/// # Errors
/// SQLite's own.
pub fn keep_entries(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TRIGGER entry_is_append_only_d BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    )
}

/// The file is not a whole journal any more.
/// # Errors
/// SQLite's own.
pub fn mark_archived(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", LISTED)
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
