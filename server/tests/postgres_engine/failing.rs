//! A database that dies, freezes, goes read-only, or has nobody to confirm its commits.

use super::server::Server;
use super::stories::{SCHEMA, any, count, insert, put};
use evertill_server::database::postgres::PostgresSettings;
use evertill_server::database::{Database, DbError, Inserted};
use evertill_shared::clock::{Clock, SystemClock};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Far more than any recovery takes; a test that reaches it has failed.
const AT_LAST: Duration = Duration::from_secs(20);

/// Tries until it is written, as a caller would who was told that nothing was.
pub async fn until_written(database: &Database, x: i64) {
    let tries = async {
        loop {
            match put(database, x).await {
                Ok(()) => return,
                Err(DbError::NotWritten(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(AT_LAST, tries).await.expect("it is written at last");
}

fn elapsed(start: Duration) -> Duration {
    SystemClock.monotonic() - start
}

async fn numbers(server: &Server, settings: &PostgresSettings) -> HashSet<i64> {
    let rows = server.sql(&settings.database, "SELECT x FROM t").await;
    rows.into_iter().map(|row| row[0].parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_in_the_middle_no_answer_was_wrong() {
    let server = Arc::new(Server::start());
    let settings = server.database().await;
    let database = Database::postgres(settings.clone(), &SCHEMA).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::new(AtomicU64::new(0));
    let tills: Vec<_> = (0..64_i64)
        .map(|till| {
            let (database, stop) = (database.clone(), stop.clone());
            let (answers, written) = (answers.clone(), written.clone());
            tokio::spawn(async move {
                let mut x = till * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    x += 1;
                    let answer = if till % 2 == 0 {
                        insert(&database, x, any()).await.map(|inserted| assert_eq!(inserted, Inserted::Yes))
                    } else {
                        put(&database, x).await
                    };
                    match &answer {
                        Ok(()) => drop(written.fetch_add(1, Ordering::Relaxed)),
                        Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    }
                    answers.lock().unwrap().push((x, answer));
                }
            })
        })
        .collect();
    for round in 1..=3 {
        let busy = async {
            while written.load(Ordering::Relaxed) < round * 500 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(AT_LAST, busy).await.expect("it is written to, again and again");
        let server = server.clone();
        tokio::task::spawn_blocking(move || {
            server.kill();
            server.run();
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for till in tills {
        till.await.unwrap();
    }
    until_written(&database, 0).await;
    database.close().await;
    let there = numbers(&server, &settings).await;
    let answers = answers.lock().unwrap();
    let (mut good, mut not, mut unknown) = (0, 0, 0);
    for (x, answer) in &*answers {
        match answer {
            Ok(()) => {
                good += 1;
                assert!(there.contains(x), "{x} was acknowledged and is lost");
            }
            Err(DbError::NotWritten(why)) => {
                not += 1;
                assert!(!there.contains(x), "{x} was not to be written ({why}) and is there");
            }
            Err(DbError::Unknown(_)) => unknown += 1,
            Err(other) => panic!("{other}"),
        }
    }
    println!("{good} written, {not} not written, {unknown} unknown");
    assert!(good >= 1500 && not > 0, "{good} written, {not} not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_database_costs_one_time_out_and_is_used_again_by_itself() {
    let server = Server::start();
    let settings = PostgresSettings { call_ms: 1_000, ..server.database().await };
    let database = Database::postgres(settings.clone(), &SCHEMA).unwrap();
    until_written(&database, 0).await;
    server.signal("STOP");
    let start = SystemClock.monotonic();
    let first = insert(&database, 1, any()).await;
    let took = elapsed(start);
    assert!(matches!(first, Err(DbError::NotWritten(_) | DbError::Unknown(_))), "{first:?}");
    assert!(took < settings.limit() * 3 / 2, "{took:?}");
    let why = database.health().unwrap_err().to_string();
    assert!(why.contains("did not answer in time") || why.contains("no answer within"), "{why}");
    // The next ones pay nothing, however long it lasts.
    let start = SystemClock.monotonic();
    for x in 2..100 {
        assert!(matches!(put(&database, x).await, Err(DbError::NotWritten(_))));
    }
    assert!(elapsed(start) < settings.limit() / 2, "{:?}", elapsed(start));
    tokio::time::sleep(settings.limit() * 2).await;
    assert!(matches!(put(&database, 100).await, Err(DbError::NotWritten(_))));
    server.signal("CONT");
    until_written(&database, 101).await;
    assert_eq!(database.health(), Ok(()));
    let there = numbers(&server, &settings).await;
    assert!(there.is_superset(&HashSet::from([0, 101])) && there.is_subset(&HashSet::from([0, 1, 101])));
    assert!(matches!(first, Err(DbError::Unknown(_))) || !there.contains(&1), "it was not to be written");
    assert_eq!(count(&database).await, there.len() as i64);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_says_so_and_still_answers_questions() {
    let server = Server::start();
    let settings = server.database().await;
    let database = Database::postgres(settings, &SCHEMA).unwrap();
    put(&database, 1).await.unwrap();
    server.set("default_transaction_read_only", Some("on")).await;
    let refused = tokio::time::timeout(AT_LAST, async {
        // A connection learns of it with its next transaction.
        let mut x = 2;
        loop {
            x += 1;
            if let Err(error) = insert(&database, x, any()).await {
                return error;
            }
        }
    });
    let refused = refused.await.unwrap();
    assert!(matches!(&refused, DbError::NotWritten(why) if why.contains("25006")), "{refused}");
    let why = tokio::time::timeout(AT_LAST, async {
        loop {
            let _ = put(&database, 2).await;
            match database.health() {
                Err(error) if error.to_string().contains("read-only") => return error.to_string(),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    let why = why.await.expect("health tells at last");
    assert!(why.contains("default_transaction_read_only"), "{why}");
    assert!(count(&database).await >= 1);
    server.set("default_transaction_read_only", None).await;
    until_written(&database, 2).await;
    assert_eq!(database.health(), Ok(()));
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_connections_left_is_told_from_one_that_is_away() {
    let server = Server::start();
    let settings = server.database().await;
    let mut others = Vec::new();
    while others.len() < 60 {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(server.port).user("evertill").password(super::server::PASSWORD);
        match config.dbname("postgres").connect(tokio_postgres::NoTls).await {
            Ok((client, connection)) => others.push((client, tokio::spawn(connection))),
            Err(_) => break,
        }
    }
    let error = Database::postgres(settings.clone(), &SCHEMA).err().expect("no connection is left");
    assert!(error.may_pass() && error.to_string().contains("max_connections"), "{error}");
    // Room for the first few: they do the work of all.
    others.truncate(others.len() - 5);
    let database = tokio::time::timeout(AT_LAST, async {
        loop {
            match Database::postgres(settings.clone(), &SCHEMA) {
                Ok(database) => return database,
                Err(error) => assert!(error.may_pass(), "{error}"),
            }
        }
    });
    let database = database.await.expect("it opens at last");
    for x in 0..50 {
        until_written(&database, x).await;
    }
    assert_eq!(count_patiently(&database).await, 50);
    drop(others);
    database.close().await;
}

async fn count_patiently(database: &Database) -> i64 {
    let tries = async {
        loop {
            let rows = database.read(|sql| sql.rows("SELECT count(*) FROM t", &[])).await;
            match rows {
                Ok(rows) => return rows[0].at(0).unwrap(),
                Err(DbError::NotWritten(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(AT_LAST, tries).await.expect("it answers at last")
}

/// Commits of ours that wait for standbys.
async fn hung(server: &Server) -> Vec<String> {
    let rows = server.sql("postgres", "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'").await;
    rows.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_wait_for_standbys_was_cancelled_is_unknown() {
    let server = Arc::new(Server::start());
    let settings = PostgresSettings { writers: 1, ..server.database().await };
    let database = Database::postgres(settings, &SCHEMA).unwrap();
    put(&database, 1).await.unwrap();
    server.set("synchronous_standby_names", Some("ANY 1 (nobody)")).await;
    let canceller = server.clone();
    let cancelling = tokio::spawn(async move {
        loop {
            if let Some(pid) = hung(&canceller).await.pop() {
                canceller.sql("postgres", &format!("SELECT pg_cancel_backend({pid})")).await;
                return;
            }
        }
    });
    let answer = put(&database, 2).await;
    assert!(matches!(&answer, Err(DbError::Unknown(why)) if why.contains("01000")), "{answer:?}");
    cancelling.await.unwrap();
    let canceller = server.clone();
    let ending = tokio::spawn(async move {
        loop {
            if let Some(pid) = hung(&canceller).await.pop() {
                canceller.sql("postgres", &format!("SELECT pg_terminate_backend({pid})")).await;
                return;
            }
        }
    });
    let answer = insert(&database, 3, any()).await;
    assert!(matches!(&answer, Err(DbError::Unknown(_))), "{answer:?}");
    ending.await.unwrap();
    server.set("synchronous_standby_names", None).await;
    until_written(&database, 4).await;
    assert_eq!(count(&database).await, 4, "the cancelled ones are there all the same");
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_hang_are_unknown_bounded_and_never_cancelled() {
    let server = Server::start();
    let settings = PostgresSettings { call_ms: 1_000, ..server.database().await };
    let database = Database::postgres(settings.clone(), &SCHEMA).unwrap();
    put(&database, 1).await.unwrap();
    server.set("synchronous_standby_names", Some("ANY 1 (nobody)")).await;
    let start = SystemClock.monotonic();
    let (a, b) = tokio::join!(insert(&database, 2, any()), put(&database, 3));
    assert!(elapsed(start) < settings.limit() * 3 / 2, "{:?}", elapsed(start));
    for answer in [a.map(drop), b] {
        assert!(matches!(answer, Err(DbError::Unknown(_))), "{answer:?}");
    }
    // Whatever is tried now is refused at once, but for what a first look may cost.
    let start = SystemClock.monotonic();
    let mut unknown = 0;
    let mut x = 10;
    while elapsed(start) < settings.limit() * 3 {
        x += 1;
        match insert(&database, x, any()).await {
            Err(DbError::NotWritten(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(DbError::Unknown(_)) => unknown += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(unknown <= 1, "{unknown} waited for a commit that could not come");
    let why = database.health().unwrap_err().to_string();
    assert!(why.contains("wait for standbys"), "{why}");
    let waiting = hung(&server).await.len();
    assert!((1..=settings.writers).contains(&waiting), "{waiting} commits hang");
    assert_eq!(count(&database).await, 1, "questions are answered all the while");
    // The standbys are back: what hung was never cancelled, and comes up written.
    server.set("synchronous_standby_names", None).await;
    until_written(&database, 4).await;
    let there = numbers(&server, &settings).await;
    assert!(there.is_superset(&HashSet::from([1, 2, 3, 4])), "{there:?}");
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_standbys_are_required_nothing_is_written_without_them() {
    let server = Server::start();
    let settings = server.database().await;
    Database::postgres(settings.clone(), &SCHEMA).unwrap().close().await;
    let strict = PostgresSettings { require_synchronous: Some(1), ..settings.clone() };
    let error = Database::postgres(strict.clone(), &SCHEMA).err().unwrap();
    assert!(error.to_string().contains("synchronous_standby_names"), "{error}");
    server.set("synchronous_standby_names", Some("ANY 1 (nobody)")).await;
    // An unchanged schema needs no commit that waits.
    let database = Database::postgres(strict, &SCHEMA).unwrap();
    let rows = database.read(|sql| sql.rows("SELECT 1", &[])).await;
    assert!(rows.map_err(|error: DbError| error).is_ok());
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.set("synchronous_standby_names", None).await;
    let refused = insert(&database, 1, any()).await;
    assert!(matches!(&refused, Err(DbError::NotWritten(why)) if why.contains("standby")), "{refused:?}");
    assert!(numbers(&server, &settings).await.is_empty());
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_nobody_owns_any_more_are_counted_and_bounded() {
    let server = Server::start();
    let settings = PostgresSettings { writers: 1, readers: 1, ..server.database().await };
    let mut left = Vec::new();
    for _ in 0..13 {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(server.port).user("evertill").password(super::server::PASSWORD);
        config.dbname(&settings.database).application_name(format!("evertill {}", settings.name));
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        left.push((client, tokio::spawn(connection)));
    }
    let error = Database::postgres(settings.clone(), &SCHEMA).err().unwrap();
    assert!(error.may_pass() && error.to_string().contains("are open already"), "{error}");
    drop(left);
}
