use super::*;
use std::time::Duration;

const STEPS: &[Migration] = &[Migration {
    number: 1,
    name: "start",
    sql: "CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT NOT NULL DEFAULT '') STRICT",
}];
const KIND: i32 = 0x4556_7431;

fn open(path: &Path) -> Database {
    Database::open(path, KIND, STEPS).unwrap()
}

async fn put(database: &Database, x: i64) -> Result<(), DbError> {
    database
        .write(move |tx| {
            tx.execute("INSERT INTO t (x) VALUES (?1)", [x])?;
            Ok(())
        })
        .await
}

async fn count(database: &Database) -> i64 {
    database
        .read(|c| -> Result<i64, DbError> { Ok(c.query_row("SELECT count(*) FROM t", [], |r| r.get(0))?) })
        .await
        .unwrap()
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

#[tokio::test]
async fn one_that_fails_takes_back_its_own_changes_only() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("t.db"));
    let bad = database.write(|tx| -> Result<(), DbError> {
        tx.execute("INSERT INTO t (x) VALUES (1)", [])?;
        tx.execute("INSERT INTO t (x) VALUES (2)", [])?;
        tx.execute("INSERT INTO t (x) VALUES (1)", [])?;
        Ok(())
    });
    let panics = database.write(|tx| -> Result<(), DbError> {
        tx.execute("INSERT INTO t (x) VALUES (3)", [])?;
        panic!("a fault in a request's code");
    });
    let (good, bad, panics) = tokio::join!(put(&database, 9), bad, panics);
    assert!(good.is_ok() && matches!(bad, Err(DbError::Sql(_))), "{bad:?}");
    assert!(matches!(panics, Err(DbError::NotWritten(_))), "{panics:?}");
    assert_eq!(count(&database).await, 1);
    put(&database, 10).await.unwrap();
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
            for x in 0..200 {
                tx.execute("INSERT INTO t (x, y) VALUES (?1, ?2)", (x, "y".repeat(100)))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    database.close().await;
    let error = |path: &Path, steps| Database::open(path, KIND, steps).err().unwrap();

    let changed: &[Migration] = &[Migration { sql: "CREATE TABLE t (x) STRICT", ..STEPS[0] }];
    assert!(matches!(error(&path, changed), OpenError::Changed { number: 1, .. }));
    assert!(matches!(error(&path, &[]), OpenError::Newer { found: 1, known: 0, .. }));
    let foreign = Database::open(&path, KIND + 1, STEPS).err().unwrap();
    assert!(matches!(foreign, OpenError::Foreign { found: KIND, .. }));

    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes.len() - 3000;
    bytes[from..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(error(&path, STEPS), OpenError::Damaged { .. }));
    std::fs::write(&path, b"this is a shopping list, and not a database at all".repeat(100)).unwrap();
    assert!(matches!(error(&path, STEPS), OpenError::Damaged { .. }));
    let text = error(&path, STEPS).to_string();
    assert!(text.contains("t.db") && text.contains("Put a good copy"), "{text}");
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    open(&path).close().await;
    let bad: &[Migration] = &[
        STEPS[0],
        Migration {
            number: 2,
            name: "bad",
            sql: "CREATE TABLE u (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
        },
    ];
    let error = Database::open(&path, KIND, bad).err().unwrap();
    assert!(matches!(error, OpenError::Migration { number: 2, .. }), "{error}");
    let database = open(&path);
    let tables: i64 = database
        .read(|c| -> Result<i64, DbError> {
            Ok(c.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'u'", [], |r| r.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(tables, 0);
}
