use super::*;
use rusqlite::Connection;
use std::time::Duration;

const START: Migration = Migration {
    number: 1,
    name: "start",
    sqlite: "CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT NOT NULL DEFAULT '') STRICT",
    postgres: "CREATE TABLE t (x BIGINT PRIMARY KEY, y TEXT NOT NULL DEFAULT '')",
};
const KIND: i32 = 0x4556_7431;
const SCHEMA: Schema = Schema { application: KIND, migrations: &[START], opening: None };

fn open(path: &Path) -> Database {
    Database::sqlite(path, &SCHEMA).unwrap()
}

async fn put(database: &Database, x: i64) -> Result<(), DbError> {
    database
        .write(move |tx| {
            tx.execute("INSERT INTO t (x) VALUES (?1)", &params![x])?;
            Ok(())
        })
        .await
}

async fn count(database: &Database) -> i64 {
    let rows = database.read(|sql| sql.rows("SELECT count(*) FROM t", &[])).await;
    rows.map_err(|error: DbError| error).unwrap()[0].at(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiting_writes_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let writers: Vec<_> = (0..500)
        .map(|x| {
            let database = database.clone();
            tokio::spawn(async move { put(&database, x).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let counts = database.counts();
    assert_eq!((counts.jobs, count(&database).await), (500, 500));
    assert!(counts.commits < 250, "{} commits for 500 writes", counts.commits);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_for_their_turn_are_counted_and_so_is_how_long() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let first = database.clone();
    let first = tokio::spawn(async move {
        let held = first.write(move |_| -> Result<(), DbError> {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            Ok(())
        });
        held.await
    });
    has_begun.await.unwrap();
    let before = database.counts().waited;
    let written = tokio::join!(put(&database, 1), put(&database, 2), put(&database, 3), async {
        while database.counts().waiting < 3 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        go_on.send(()).unwrap();
    });
    assert_eq!((written.0, written.1, written.2), (Ok(()), Ok(()), Ok(())));
    first.await.unwrap().unwrap();
    let counts = database.counts();
    assert_eq!(counts.waiting, 0);
    assert!(counts.waited - before >= Duration::from_millis(60), "three waited 20 ms each: {counts:?}");
}

#[tokio::test]
async fn one_that_fails_takes_back_its_own_changes_only() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let bad = database.write(|tx| -> Result<(), DbError> {
        tx.execute("INSERT INTO t (x) VALUES (1)", &[])?;
        tx.execute("INSERT INTO t (x) VALUES (2)", &[])?;
        tx.execute("INSERT INTO t (x) VALUES (1)", &[])?;
        Ok(())
    });
    let panics = database.write(|tx| -> Result<(), DbError> {
        tx.execute("INSERT INTO t (x) VALUES (3)", &[])?;
        panic!("a fault in a request's code");
    });
    let (good, bad, panics) = tokio::join!(put(&database, 9), bad, panics);
    assert!(good.is_ok() && matches!(bad, Err(DbError::Statement(_))), "{bad:?}");
    assert!(matches!(panics, Err(DbError::NotWritten(_))), "{panics:?}");
    assert_eq!(count(&database).await, 1);
    put(&database, 10).await.unwrap();
}

#[tokio::test]
async fn one_that_fails_alone_leaves_nothing_and_the_next_finds_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    put(&database, 1).await.unwrap();
    for panics in [false, true] {
        let bad = database.write(move |tx| -> Result<(), DbError> {
            tx.execute("UPDATE t SET y = 'changed' WHERE x = 1", &[])?;
            tx.execute("INSERT INTO t (x) VALUES (2)", &[])?;
            assert!(!panics, "a fault in a request's code");
            tx.execute("INSERT INTO t (x) VALUES (2)", &[]).map(drop)
        });
        assert!(bad.await.is_err());
        let left = database.read(|sql| sql.rows("SELECT y FROM t", &[])).await;
        let left: Vec<String> =
            left.map_err(|error: DbError| error).unwrap().iter().map(|row| row.at(0).unwrap()).collect();
        assert_eq!(left, [""], "panics: {panics}");
    }
    put(&database, 2).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_part_that_is_taken_back_is_gone_and_what_is_written_after_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let with_a_part = |first: i64| {
        move |tx: &dyn Sql| -> Result<(), DbError> {
            let before =
                || tx.execute("INSERT INTO t (x) VALUES (?1) ON CONFLICT DO NOTHING", &params![first]);
            before()?;
            tx.script(PART)?;
            tx.execute("INSERT INTO t (x) VALUES (?1)", &params![first + 1])?;
            tx.script(TAKE_BACK_PART)?;
            before().map(drop)
        }
    };
    // Alone, and beside others.
    database.write(with_a_part(10)).await.unwrap();
    let (one, other, plain) =
        tokio::join!(database.write(with_a_part(20)), database.write(with_a_part(30)), put(&database, 40));
    one.and(other).and(plain).unwrap();
    let there = database.read(|sql| sql.rows("SELECT x FROM t ORDER BY x", &[])).await;
    let there: Vec<i64> =
        there.map_err(|error: DbError| error).unwrap().iter().map(|row| row.at(0).unwrap()).collect();
    assert_eq!(there, [10, 20, 30, 40]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let holder = database.clone();
    let holding = tokio::spawn(async move {
        holder
            .write(move |_| -> Result<(), DbError> {
                let _ = gate.recv_timeout(Duration::from_secs(5));
                Ok(())
            })
            .await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), put(&database, 1)).await.is_err());
    go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    put(&database, 2).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn what_was_answered_is_there_after_closing_and_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/t.db");
    let database = open(&path);
    put(&database, 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
    database.close().await;
    assert!(!path.with_extension("db-wal").exists(), "all of it is in the one file");
    assert!(matches!(put(&database, 2).await, Err(DbError::Closed)));
    assert_eq!(count(&open(&path)).await, 1);
}

#[tokio::test]
async fn a_file_held_by_another_process_is_a_definite_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let database = open(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = put(&database, 1).await;
    assert!(matches!(refused, Err(DbError::NotWritten(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    put(&database, 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn damaged_newer_changed_and_foreign_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let database = open(&path);
    database
        .write(|tx| -> Result<(), DbError> {
            for x in 0..200_i64 {
                tx.execute("INSERT INTO t (x, y) VALUES (?1, ?2)", &params![x, "y".repeat(100)])?;
            }
            Ok(())
        })
        .await
        .unwrap();
    database.close().await;
    let error = |path: &Path, schema: &Schema| Database::sqlite(path, schema).err().unwrap();

    let changed =
        Schema { migrations: &[Migration { sqlite: "CREATE TABLE t (x) STRICT", ..START }], ..SCHEMA };
    assert!(matches!(error(&path, &changed), OpenError::Changed { number: 1, .. }));
    let older = Schema { migrations: &[], ..SCHEMA };
    assert!(matches!(error(&path, &older), OpenError::Newer { found: 1, known: 0, .. }));
    let foreign = error(&path, &Schema { application: KIND + 1, ..SCHEMA });
    assert!(matches!(foreign, OpenError::Foreign { found: KIND, .. }));

    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes.len() - 3000;
    bytes[from..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(error(&path, &SCHEMA), OpenError::Damaged { .. }));
    std::fs::write(&path, b"this is a shopping list, and not a database at all".repeat(100)).unwrap();
    assert!(matches!(error(&path, &SCHEMA), OpenError::Damaged { .. }));
    let text = error(&path, &SCHEMA).to_string();
    assert!(text.contains("t.db") && text.contains("Put a good copy"), "{text}");
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    open(&path).close().await;
    let bad = Schema {
        migrations: &[
            START,
            Migration {
                number: 2,
                name: "bad",
                sqlite: "CREATE TABLE u (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
                postgres: "CREATE TABLE u (x BIGINT); INSERT INTO nowhere VALUES (1)",
            },
        ],
        ..SCHEMA
    };
    let error = Database::sqlite(&path, &bad).err().unwrap();
    assert!(matches!(error, OpenError::Migration { number: 2, .. }), "{error}");
    let database = open(&path);
    let tables = database
        .read(|sql| sql.value("SELECT count(*) FROM sqlite_schema WHERE name = 'u'", &[]))
        .await
        .map_err(|error: DbError| error);
    assert_eq!(tables, Ok(Some(0_i64)));
}

static ROW: Insert = Insert::new("t", &[("x", Kind::Int), ("y", Kind::Text)]);

async fn insert(database: &Database, x: i64, allowed: Allowed) -> Result<Inserted, DbError> {
    database.insert(&ROW, vec![Value::Int(x), "row".into()], allowed).await
}

#[tokio::test]
async fn a_row_goes_in_once_and_only_if_the_opening_allows_it() {
    let opening = Opening { sqlite: "SELECT count(*) AS n FROM t", postgres: "SELECT count(*) AS n FROM t" };
    let schema = Schema { opening: Some(opening), ..SCHEMA };
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder.path().join("t.db"), &schema).unwrap();
    let none_there = || -> Allowed { Box::new(|rows| rows[0].get::<i64>("n") == Ok(0)) };
    let any = || -> Allowed { Box::new(|_| true) };
    assert_eq!(insert(&database, 1, none_there()).await, Ok(Inserted::Yes));
    assert_eq!(insert(&database, 2, none_there()).await, Ok(Inserted::NotAllowed));
    assert_eq!(insert(&database, 1, any()).await, Ok(Inserted::Conflict));
    assert_eq!(insert(&database, 2, any()).await, Ok(Inserted::Yes));
    assert_eq!(count(&database).await, 2);
}
