//! What a database is, and bringing it up to the last step of its schema.

use super::connect::{self, Role};
use super::link::Link;
use super::session::{PostgresSession, WRITE};
use super::settings::PostgresSettings;
use super::tls::Tls;
use crate::database::{DbError, Migration, OpenError, Schema, Sql};
use crate::params;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// The longest that one step may take: other servers may be at it.
const STEP: Duration = Duration::from_secs(60);
/// The first half of our advisory lock's name; the second is the kind of database.
const LOCK: i32 = 0x4556_544c;

/// What stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No tables at all.
    Nothing,
    /// A database of ours, of that application id.
    Kind(i32),
    /// Tables of something else.
    Foreign,
}

/// Looks at a database without changing anything.
pub(super) fn look(settings: &PostgresSettings, tls: &Tls, runtime: &Runtime) -> Result<Found, OpenError> {
    let mut link = link(settings, tls, runtime)?;
    let found = transact(&mut link, runtime, |sql| found(sql));
    found.map_err(|error| server(settings, &error))
}

/// Brings it up to the last step.
pub(super) fn migrate(
    settings: &PostgresSettings,
    tls: &Tls,
    runtime: &Runtime,
    schema: &Schema,
) -> Result<(), OpenError> {
    let mut link = link(settings, tls, runtime)?;
    let place = || settings.place();
    let made = check(&mut link, settings, runtime, schema)?;
    let number = made.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let known = schema.migrations.last().map_or(0, |migration| migration.number);
    if number > known {
        return Err(OpenError::Newer { place: place(), found: number, known });
    }
    for migration in schema.migrations {
        if let Some((_, made)) = made.iter().find(|(number, _)| *number == migration.number) {
            if *made != checksum(migration) {
                return Err(OpenError::Changed { place: place(), number: migration.number });
            }
            // Nothing is written, so that a server can start while no standby confirms.
            continue;
        }
        // Two servers may start on one new database at the same time: each step looks again under the lock.
        let done = transact(&mut link, runtime, |sql| step(sql, schema.application, migration));
        let same = done.map_err(|error| OpenError::Migration {
            place: place(),
            number: migration.number,
            error: error.to_string(),
        })?;
        if !same {
            return Err(OpenError::Changed { place: place(), number: migration.number });
        }
    }
    Ok(())
}

fn link(settings: &PostgresSettings, tls: &Tls, runtime: &Runtime) -> Result<Link, OpenError> {
    let made = runtime.block_on(connect::connect(settings, tls, Role::Writer, 0, settings.patient_connect()));
    let mut link = made.map_err(|refusal| refusal.at(settings))?;
    let patient = format!(
        "SET lock_timeout = '{0}s'; SET idle_in_transaction_session_timeout = '{0}s'",
        STEP.as_secs() / 2
    );
    let set = link.call(runtime, Instant::now() + settings.limit(), async |client| {
        client.batch_execute(&patient).await
    });
    set.map_err(|failed| server(settings, &failed.into_error()))?;
    Ok(link)
}

fn server(settings: &PostgresSettings, error: &DbError) -> OpenError {
    OpenError::Server { place: settings.place(), problem: error.to_string(), may_pass: true }
}

fn checksum(migration: &Migration) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, migration.postgres.as_bytes()))
}

/// The steps that it has, with their checksums; refuses a database of another kind.
fn check(
    link: &mut Link,
    settings: &PostgresSettings,
    runtime: &Runtime,
    schema: &Schema,
) -> Result<Vec<(u32, String)>, OpenError> {
    let seen = transact(link, runtime, |sql| {
        let kind = found(sql)?;
        let steps = match kind {
            Found::Kind(_) => sql.rows("SELECT number, checksum FROM schema_steps", &[])?,
            _ => Vec::new(),
        };
        let steps = steps.iter().map(|row| Ok((row.at(0)?, row.at(1)?)));
        Ok((kind, steps.collect::<Result<Vec<(u32, String)>, DbError>>()?))
    });
    let place = settings.place();
    match seen.map_err(|error| server(settings, &error))? {
        (Found::Nothing, _) => Ok(Vec::new()),
        (Found::Kind(kind), steps) if kind == schema.application => Ok(steps),
        (Found::Kind(found), _) => Err(OpenError::Foreign { place, found }),
        (Found::Foreign, _) => Err(OpenError::Foreign { place, found: 0 }),
    }
}

fn transact<T>(
    link: &mut Link,
    runtime: &Runtime,
    job: impl FnOnce(&dyn Sql) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let session = PostgresSession::begin(link, runtime, Instant::now() + STEP, WRITE, None);
    let session = session.map_err(|not| not.error)?;
    match job(&session) {
        Ok(result) => session.commit("SELECT 1").map(|()| result),
        Err(error) => {
            session.end();
            Err(error)
        }
    }
}

fn found(sql: &dyn Sql) -> Result<Found, DbError> {
    let ours: Option<bool> = sql.value("SELECT to_regclass('schema_kind') IS NOT NULL", &[])?;
    if ours == Some(true) {
        let kind: Option<i32> = sql.value("SELECT application FROM schema_kind", &[])?;
        return Ok(kind.map_or(Found::Foreign, Found::Kind));
    }
    let others: Option<bool> = sql.value(
        "SELECT EXISTS (SELECT 1 FROM pg_class AS c
             WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
               AND c.relkind IN ('r', 'p')
               AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e'))",
        &[],
    )?;
    Ok(if others == Some(true) { Found::Foreign } else { Found::Nothing })
}

/// One step; tells whether the database's step is the same as ours.
fn step(sql: &dyn Sql, application: i32, migration: &Migration) -> Result<bool, DbError> {
    let lock = "SELECT pg_advisory_xact_lock(CAST(?1 AS INTEGER), CAST(?2 AS INTEGER))";
    sql.rows(lock, &params![LOCK, application])?;
    sql.script(
        "CREATE TABLE IF NOT EXISTS schema_kind (application BIGINT PRIMARY KEY);
         CREATE TABLE IF NOT EXISTS schema_steps (
             number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
    )?;
    sql.execute(
        "INSERT INTO schema_kind (application) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM schema_kind)",
        &params![application],
    )?;
    let kind: Option<i32> = sql.value("SELECT application FROM schema_kind", &[])?;
    if kind != Some(application) {
        return Err(DbError::Statement("another program made its tables at the same time".into()));
    }
    let checksum = checksum(migration);
    let number = migration.number;
    let made: Option<String> =
        sql.value("SELECT checksum FROM schema_steps WHERE number = ?1", &params![number])?;
    if let Some(made) = made {
        return Ok(made == checksum);
    }
    sql.script(migration.postgres)?;
    let row = params![number, migration.name, checksum];
    sql.execute("INSERT INTO schema_steps (number, name, checksum) VALUES (?1, ?2, ?3)", &row)?;
    Ok(true)
}
