//! Many writers on one database: what they do to each other, and what not.

use super::server::Server;
use super::stories::{KIND, SCHEMA, any, count, insert, put};
use evertill_server::database::postgres::PostgresSettings;
use evertill_server::database::{Database, DbError, Insert, Inserted, Kind, Migration, Schema, Value};
use evertill_server::params;
use std::time::Duration;

/// A database whose one writer stands still until the gate is opened, so that what follows waits together.
async fn held(settings: PostgresSettings, schema: &Schema) -> (Database, std::sync::mpsc::Sender<()>) {
    let database = Database::postgres(PostgresSettings { writers: 1, ..settings }, schema).unwrap();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (began, begun) = tokio::sync::oneshot::channel();
    let holder = database.clone();
    tokio::spawn(async move {
        let held = holder.write(move |_| -> Result<(), DbError> {
            let _ = began.send(());
            let _ = gate.recv_timeout(Duration::from_secs(5));
            Ok(())
        });
        held.await.unwrap();
    });
    begun.await.unwrap();
    (database, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_twice_in_one_batch_goes_in_once() {
    let server = Server::shared();
    let (database, go) = held(server.database().await, &SCHEMA).await;
    let keys = [5, 3, 5, 4, 3, 5];
    let waiting = keys.map(|x| {
        let database = database.clone();
        tokio::spawn(async move { insert(&database, x, any()).await })
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = database.counts().commits;
    go.send(()).unwrap();
    let mut new = 0;
    for answer in waiting {
        match answer.await.unwrap().unwrap() {
            Inserted::Yes => new += 1,
            other => assert_eq!(other, Inserted::Conflict),
        }
    }
    assert_eq!((new, count(&database).await), (3, 3));
    assert!(database.counts().commits <= before + 2, "they shared a commit");
    database.close().await;
}

const PICKY: Schema = Schema {
    application: KIND,
    migrations: &[Migration {
        number: 1,
        name: "start",
        sqlite: "",
        postgres: "CREATE TABLE p (k TEXT PRIMARY KEY, n BIGINT NOT NULL UNIQUE CHECK (n > 0))",
    }],
    opening: None,
};
static PICKED: Insert = Insert::new("p", &[("k", Kind::Text), ("n", Kind::Int)]);

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_table_refuses_are_told_one_by_one() {
    let server = Server::shared();
    let (database, go) = held(server.database().await, &PICKY).await;
    let rows: [(&str, i64); 5] = [("a", 1), ("b", -1), ("c", 1), ("d", 2), ("a\0", 3)];
    let waiting = rows.map(|(k, n)| {
        let database = database.clone();
        tokio::spawn(async move { database.insert(&PICKED, vec![k.into(), Value::Int(n)], any()).await })
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    go.send(()).unwrap();
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.unwrap());
    }
    assert!(matches!(&answers[1], Err(DbError::Statement(why)) if why.contains("23514")), "{:?}", answers[1]);
    // Which of the two came first is the scheduler's choice.
    let one_of_two = [Ok(Inserted::Yes), Ok(Inserted::Conflict)];
    let (a, c) = (answers[0].clone(), answers[2].clone());
    assert!(
        one_of_two.contains(&a) && one_of_two.contains(&c) && a != c,
        "one unique value, twice: {a:?} {c:?}"
    );
    assert_eq!(answers[3], Ok(Inserted::Yes));
    assert!(matches!(answers[4], Err(DbError::Statement(_))), "{:?}", answers[4]);
    // And without the odd ones, in one statement.
    let (e, f) = tokio::join!(
        database.insert(&PICKED, vec!["e".into(), Value::Int(2)], any()),
        database.insert(&PICKED, vec!["f".into(), Value::Int(9)], any()),
    );
    assert_eq!((e, f), (Ok(Inserted::Conflict), Ok(Inserted::Yes)));
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_too_long_for_a_lock_fails_alone() {
    let server = Server::shared();
    let settings = PostgresSettings { call_ms: 2_000, ..server.database().await };
    let (database, go) = held(settings.clone(), &SCHEMA).await;
    go.send(()).unwrap();
    put(&database, 1).await.unwrap();
    let (other, connection) = server.client(&settings.database).await;
    let connection = tokio::spawn(connection);
    other.batch_execute("BEGIN; UPDATE t SET y = 'held' WHERE x = 1").await.unwrap();
    let locked = database.write_to("1".into(), |sql| -> Result<(), DbError> {
        sql.rows_locked("SELECT y FROM t WHERE x = ?1", &params![1_i64])?;
        Ok(())
    });
    let (locked, free) = tokio::join!(locked, put(&database, 2));
    assert!(matches!(&locked, Err(DbError::NotWritten(why)) if why.contains("55P03")), "{locked:?}");
    assert_eq!(free, Ok(()));
    drop(other);
    let _ = connection.await;
    assert_eq!((database.health(), count(&database).await), (Ok(()), 2));
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_swallows_an_error_does_not_pass_for_good() {
    let server = Server::shared();
    let (database, go) = held(server.database().await, &SCHEMA).await;
    let swallowed = database.write(|sql| -> Result<(), DbError> {
        sql.execute("INSERT INTO t (x) VALUES (7)", &[])?;
        let _ = sql.execute("INSERT INTO nowhere VALUES (1)", &[]);
        Ok(())
    });
    let started = tokio::join!(swallowed, put(&database, 8), async { go.send(()) });
    assert!(matches!(started.0, Err(DbError::Statement(_))), "{:?}", started.0);
    assert_eq!((started.1, count(&database).await), (Ok(()), 1));
    database.close().await;
}

/// Two servers, each with two orders to change, in opposite order and in spite of each other.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_between_two_servers_ends_and_both_go_on() {
    let server = Server::shared();
    let settings = server.database().await;
    let (one, two) = (
        Database::postgres(settings.clone(), &SCHEMA).unwrap(),
        Database::postgres(settings, &SCHEMA).unwrap(),
    );
    put(&one, 1).await.unwrap();
    put(&one, 2).await.unwrap();
    let meet = std::sync::Arc::new(std::sync::Barrier::new(2));
    let crossing = |first: i64, second: i64| {
        let meet = meet.clone();
        move |sql: &dyn evertill_server::database::Sql| -> Result<(), DbError> {
            sql.execute("UPDATE t SET y = y || 'a' WHERE x = ?1", &params![first])?;
            meet.wait();
            sql.execute("UPDATE t SET y = y || 'b' WHERE x = ?1", &params![second])?;
            Ok(())
        }
    };
    let (a, b) = tokio::join!(one.write(crossing(1, 2)), two.write(crossing(2, 1)));
    let failed = [&a, &b].into_iter().filter(|end| end.is_err()).count();
    assert!(failed >= 1, "one had to give way");
    for end in [&a, &b] {
        assert!(matches!(end, Ok(()) | Err(DbError::NotWritten(_))), "{end:?}");
    }
    // Whoever was told that nothing was written can try again.
    for (database, end) in [(&one, a), (&two, b)] {
        if end.is_err() {
            put(database, 10 + database.counts().jobs as i64).await.unwrap();
        }
    }
    let sum = |sql: &dyn evertill_server::database::Sql| -> Result<Option<i64>, DbError> {
        sql.value("SELECT CAST(SUM(length(y)) AS BIGINT) FROM t", &[])
    };
    assert_eq!(one.read(sum).await, Ok(Some(2 * (2 - failed as i64))), "all or nothing of each");
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_are_refused_at_once() {
    let server = Server::shared();
    let settings = PostgresSettings { queue: 3, ..server.database().await };
    let (database, go) = held(settings, &SCHEMA).await;
    let waiting: Vec<_> = (0..8)
        .map(|x| {
            let database = database.clone();
            tokio::spawn(async move { insert(&database, x, any()).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    go.send(()).unwrap();
    let mut refused = 0;
    for answer in waiting {
        match answer.await.unwrap() {
            Err(error) => {
                assert_eq!(error, DbError::Overloaded);
                refused += 1;
            }
            Ok(inserted) => assert_eq!(inserted, Inserted::Yes),
        }
    }
    assert_eq!((refused, count(&database).await), (5, 3));
    database.close().await;
}
