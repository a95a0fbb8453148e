//! What holds of every engine, told to two.

use super::server::Server;
use evertill_server::database::postgres::PostgresSettings;
use evertill_server::database::{
    Allowed, Database, DbError, Insert, Inserted, Kind, Migration, Opening, Schema, Value,
};
use evertill_server::params;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const START: Migration = Migration {
    number: 1,
    name: "start",
    sqlite: "CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT NOT NULL DEFAULT '') STRICT",
    postgres: "CREATE TABLE t (x BIGINT PRIMARY KEY, y TEXT NOT NULL DEFAULT '')",
};
pub const KIND: i32 = 0x4556_7431;
pub const SCHEMA: Schema = Schema { application: KIND, migrations: &[START], opening: None };
pub static ROW: Insert = Insert::new("t", &[("x", Kind::Int), ("y", Kind::Text)]);
const COUNTED: Opening =
    Opening { sqlite: "SELECT count(*) AS n FROM t", postgres: "SELECT count(*) AS n FROM t" };

/// A database, and what it lives on.
pub struct Home {
    pub database: Database,
    _folder: Option<TempDir>,
    _server: Option<Arc<Server>>,
}

async fn sqlite(schema: &Schema) -> Home {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder.path().join("t.db"), schema).unwrap();
    Home { database, _folder: Some(folder), _server: None }
}

async fn postgres(schema: &Schema, writers: usize) -> Home {
    let server = Server::shared();
    let settings = PostgresSettings { writers, ..server.database().await };
    let database = Database::postgres(settings, schema).unwrap();
    Home { database, _folder: None, _server: Some(server) }
}

macro_rules! for_both {
    ($($story:ident($schema:expr, $writers:expr)),* $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let home = super::sqlite(&$schema).await;
                super::told::$story(&home.database).await;
                home.database.close().await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let home = super::postgres(&$schema, $writers).await;
                super::told::$story(&home.database).await;
                home.database.close().await;
            }
        }
    )*};
}

for_both! {
    many_waiting_writes_share_commits(super::SCHEMA, 4),
    one_that_fails_takes_back_its_own_changes_only(super::SCHEMA, 4),
    what_nobody_waits_for_any_more_is_not_begun(super::SCHEMA, 1),
    a_row_goes_in_once_and_only_if_the_opening_allows_it(super::Schema { opening: Some(super::COUNTED), ..super::SCHEMA }, 4),
    values_come_back_as_they_went_in(super::SCHEMA, 4),
    a_row_that_fits_no_table_harms_no_other(super::SCHEMA, 4),
    a_question_sees_one_moment(super::SCHEMA, 4),
    nothing_is_taken_once_it_is_closed(super::SCHEMA, 4),
}

pub async fn put(database: &Database, x: i64) -> Result<(), DbError> {
    database
        .write(move |tx| {
            tx.execute("INSERT INTO t (x) VALUES (?1)", &params![x])?;
            Ok(())
        })
        .await
}

pub async fn count(database: &Database) -> i64 {
    let rows = database.read(|sql| sql.rows("SELECT count(*) FROM t", &[])).await;
    rows.map_err(|error: DbError| error).unwrap()[0].at(0).unwrap()
}

pub fn any() -> Allowed {
    Box::new(|_| true)
}

pub async fn insert(database: &Database, x: i64, allowed: Allowed) -> Result<Inserted, DbError> {
    database.insert(&ROW, vec![Value::Int(x), "row".into()], allowed).await
}

mod told {
    use super::*;

    pub async fn many_waiting_writes_share_commits(database: &Database) {
        let writers: Vec<_> = (0..500)
            .map(|x| {
                let database = database.clone();
                tokio::spawn(async move {
                    if x % 2 == 0 {
                        assert_eq!(insert(&database, x, any()).await, Ok(Inserted::Yes));
                    } else {
                        put(&database, x).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let counts = database.counts();
        assert_eq!((counts.jobs, count(database).await), (500, 500));
        assert!(counts.commits < 250, "{} commits for 500 writes", counts.commits);
    }

    pub async fn one_that_fails_takes_back_its_own_changes_only(database: &Database) {
        let bad = database.write(|tx| -> Result<(), DbError> {
            tx.execute("INSERT INTO t (x) VALUES (1)", &[])?;
            tx.execute("INSERT INTO t (x) VALUES (2)", &[])?;
            tx.execute("INSERT INTO t (x) VALUES (1)", &[])?;
            Ok(())
        });
        let decides = database.write(|tx| -> Result<(), DbError> {
            tx.execute("INSERT INTO t (x) VALUES (4)", &[])?;
            Err(DbError::Nonsense("it thinks better of it".into()))
        });
        let panics = database.write(|tx| -> Result<(), DbError> {
            tx.execute("INSERT INTO t (x) VALUES (3)", &[])?;
            panic!("a fault in a request's code");
        });
        let (good, bad, decides, panics) = tokio::join!(put(database, 9), bad, decides, panics);
        assert!(good.is_ok() && matches!(bad, Err(DbError::Statement(_))), "{good:?} {bad:?}");
        assert!(matches!(decides, Err(DbError::Nonsense(_))), "{decides:?}");
        assert!(matches!(panics, Err(DbError::NotWritten(_))), "{panics:?}");
        assert_eq!(count(database).await, 1);
        put(database, 10).await.unwrap();
    }

    pub async fn what_nobody_waits_for_any_more_is_not_begun(database: &Database) {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (began, begun) = tokio::sync::oneshot::channel();
        let holder = database.clone();
        let holding = tokio::spawn(async move {
            holder
                .write(move |_| -> Result<(), DbError> {
                    let _ = began.send(());
                    let _ = gate.recv_timeout(Duration::from_secs(5));
                    Ok(())
                })
                .await
        });
        begun.await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), put(database, 1)).await.is_err());
        go.send(()).unwrap();
        holding.await.unwrap().unwrap();
        put(database, 2).await.unwrap();
        assert_eq!(count(database).await, 1);
    }

    pub async fn a_row_goes_in_once_and_only_if_the_opening_allows_it(database: &Database) {
        let none_there = || -> Allowed { Box::new(|rows| rows[0].get::<i64>("n") == Ok(0)) };
        assert_eq!(insert(database, 1, none_there()).await, Ok(Inserted::Yes));
        assert_eq!(insert(database, 2, none_there()).await, Ok(Inserted::NotAllowed));
        assert_eq!(insert(database, 1, any()).await, Ok(Inserted::Conflict));
        let (a, b) = tokio::join!(insert(database, 2, any()), insert(database, 2, any()));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!([(Inserted::Yes, Inserted::Conflict), (Inserted::Conflict, Inserted::Yes)].contains(&(a, b)));
        assert_eq!(count(database).await, 2);
    }

    pub async fn values_come_back_as_they_went_in(database: &Database) {
        let text = "¥ 12,50 \"'?1' 收银\n";
        database
            .write(move |sql| -> Result<(), DbError> {
                assert_eq!(sql.execute("INSERT INTO t (x, y) VALUES (?1, ?2)", &params![i64::MIN, text])?, 1);
                assert_eq!(sql.execute("INSERT INTO t (x, y) VALUES (?2, ?1)", &params!["?2", i64::MAX])?, 1);
                let found: Option<String> =
                    sql.value("SELECT y FROM t WHERE y = '?2' AND x = ?1", &params![i64::MAX])?;
                assert_eq!(found.as_deref(), Some("?2"));
                let locked = sql.rows_locked("SELECT x FROM t WHERE x = ?1", &params![i64::MIN])?;
                assert_eq!(locked[0].get::<i64>("x"), Ok(i64::MIN));
                let back: Option<i64> =
                    sql.value("UPDATE t SET y = ?2 WHERE x = ?1 RETURNING x", &params![i64::MAX, text])?;
                assert_eq!(back, Some(i64::MAX));
                Ok(())
            })
            .await
            .unwrap();
        database
            .read(move |sql| -> Result<(), DbError> {
                let filter =
                    "SELECT x, y FROM t WHERE (?1 IS NULL OR x = ?1) AND (?2 IS NULL OR y = ?2) ORDER BY x";
                assert_eq!(sql.rows(filter, &params![None::<i64>, None::<String>])?.len(), 2);
                assert_eq!(sql.rows(filter, &params![i64::MIN, None::<String>])?.len(), 1);
                assert_eq!(sql.rows(filter, &params![None::<i64>, "nothing"])?.len(), 0);
                let row = &sql.rows(filter, &params![i64::MIN, text])?[0];
                assert_eq!((row.get::<i64>("x"), row.at::<String>(1)), (Ok(i64::MIN), Ok(text.to_owned())));
                let sum: Option<i64> =
                    sql.value("SELECT CAST(SUM(length(y)) AS BIGINT) FROM t WHERE x > 0", &[])?;
                assert_eq!(sum, Some(text.chars().count() as i64));
                let nothing: Option<Option<String>> = sql.value("SELECT ?1", &params![None::<String>])?;
                assert_eq!(nothing, Some(None));
                assert!(matches!(
                    sql.rows("SELECT x FROM t WHERE x = ?1", &params![u64::MAX]),
                    Err(DbError::Statement(_))
                ));
                Ok(())
            })
            .await
            .unwrap();
    }

    pub async fn a_row_that_fits_no_table_harms_no_other(database: &Database) {
        let odd = |values: Vec<Value<'static>>| database.insert(&ROW, values, any());
        let (good, null, number, large, other) = tokio::join!(
            insert(database, 1, any()),
            odd(vec![Value::Int(2), Value::Null]),
            odd(vec![Value::Int(3), "x".repeat(10).into()]),
            odd(vec![Value::TooLarge(u64::MAX), "x".into()]),
            insert(database, 4, any()),
        );
        // "Nothing" in a column that must hold something: SQLite takes it for a conflict.
        assert!(!matches!(null, Ok(Inserted::Yes)), "{null:?}");
        assert!(matches!(large, Err(DbError::Statement(_))), "{large:?}");
        assert_eq!((good, number, other), (Ok(Inserted::Yes), Ok(Inserted::Yes), Ok(Inserted::Yes)));
        assert_eq!(count(database).await, 3);
    }

    pub async fn a_question_sees_one_moment(database: &Database) {
        put(database, 1).await.unwrap();
        let (seen, first) = tokio::sync::oneshot::channel();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let reader = database.clone();
        let reading = tokio::spawn(async move {
            reader
                .read(move |sql| -> Result<(i64, i64), DbError> {
                    let count = || sql.value("SELECT count(*) FROM t", &[]).map(Option::unwrap_or_default);
                    let before = count()?;
                    let _ = seen.send(());
                    let _ = gate.recv_timeout(Duration::from_secs(5));
                    Ok((before, count()?))
                })
                .await
        });
        first.await.unwrap();
        put(database, 2).await.unwrap();
        go.send(()).unwrap();
        assert_eq!(reading.await.unwrap(), Ok((1, 1)));
        assert_eq!(count(database).await, 2);
    }

    pub async fn nothing_is_taken_once_it_is_closed(database: &Database) {
        put(database, 1).await.unwrap();
        database.close().await;
        assert_eq!(put(database, 2).await, Err(DbError::Closed));
        assert_eq!(insert(database, 3, any()).await, Err(DbError::Closed));
        let read = database.read(|sql| sql.rows("SELECT 1", &[])).await;
        assert_eq!(read, Err(DbError::Closed));
    }
}
