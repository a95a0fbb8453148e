//! A group keeps what it acknowledged, whatever becomes of its primary.

use evertill_shared::clock::{Clock, SystemClock};
use evertill_tests::process::wait_until;
use evertill_tests::rig::postgres::{End, Fault, PostgresGroup, PostgresOptions};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

pub fn group(name: &str) -> PostgresGroup {
    let start = SystemClock.monotonic();
    let group = PostgresGroup::start(name, PostgresOptions::default()).unwrap();
    let application = group.conninfo().login();
    application.rows("CREATE TABLE kept (n bigint PRIMARY KEY)").unwrap();
    println!("{name}: a group is up after {} ms", (SystemClock.monotonic() - start).as_millis());
    group
}

/// So many inserts that a kill comes in their midst; each says its number when it is acknowledged.
fn inserts(from: u32, count: u32) -> String {
    let statements = (from..from + count).map(|n| format!("INSERT INTO kept VALUES ({n}) RETURNING n;"));
    statements.collect::<Vec<_>>().join("\n")
}

#[test]
fn rows_acknowledged_by_a_killed_primary_are_on_the_promoted_standby() {
    let mut group = group("kill");
    let application = group.conninfo().login();
    let load = application.begin(&inserts(0, 200_000)).unwrap();
    let counted = "SELECT count(*) FROM kept";
    let rows =
        |at: &evertill_tests::rig::postgres::Login| at.rows(counted).unwrap()[0].parse::<u32>().unwrap();
    let primary = group.primary().application();
    assert!(wait_until(PATIENCE, || rows(&primary) > 500), "the load does not run");
    group.inflict(Fault::Kill).unwrap();
    let outcome = load.finish(PATIENCE);
    assert!(matches!(outcome.end, End::NoConnection(_)), "{:?}", outcome.end);
    assert!(outcome.rows.len() > 500 && outcome.rows.len() < 200_000, "{}", outcome.rows.len());

    let old = group.primary().name().to_owned();
    let promotion = group.promote_furthest().unwrap();
    println!("{} took over from {old} after {} ms", promotion.primary, promotion.took.as_millis());
    assert_ne!(promotion.primary, old);
    let there = application.rows("SELECT n FROM kept ORDER BY n").unwrap();
    let acknowledged = outcome.rows.len();
    assert_eq!(there[..acknowledged], outcome.rows[..], "an acknowledged row is missing");
    // The one insert that was under way may be there or not; no other may.
    assert!(there.len() <= acknowledged + 1, "{} rows of {acknowledged}", there.len());

    application.rows(&inserts(1_000_000, 5)).unwrap();
    group.heal().unwrap();
    assert_eq!(group.standbys().count(), 2);
    for standby in group.standbys() {
        let login = standby.application();
        assert!(wait_until(PATIENCE, || rows(&login) as usize == there.len() + 5), "{}", standby.name());
        let refused = login.run("INSERT INTO kept VALUES (-1)", PATIENCE).unwrap();
        assert!(matches!(&refused.end, End::Refused(state, _) if state == "25006"), "{:?}", refused.end);
    }
}

#[test]
fn a_commit_without_a_quorum_does_not_return_and_may_be_there_later() {
    let mut group = group("quorum");
    let primary = group.primary().application();
    group.inflict(Fault::NoQuorum).unwrap();
    let mut hanging = primary.begin("INSERT INTO kept VALUES (1) RETURNING n").unwrap();
    let outcome = primary.run("INSERT INTO kept VALUES (2) RETURNING n", Duration::from_secs(2)).unwrap();
    assert_eq!(outcome.end, End::TimedOut, "a commit returned that no standby has");
    assert_eq!(outcome.rows, Vec::<String>::new());
    assert!(hanging.is_running());
    assert_eq!(
        primary.rows("SELECT count(*) FROM kept").unwrap(),
        ["0"],
        "reads go on, and see nothing of it"
    );
    group.heal().unwrap();
    assert_eq!(hanging.finish(PATIENCE).rows().unwrap(), ["1"]);
    // The client of 2 went away without an answer. Its row came all the same: the answer was unknown, not no.
    let came = || primary.rows("SELECT n FROM kept ORDER BY n").unwrap() == ["1", "2"];
    assert!(wait_until(PATIENCE, came), "the row of the client that had gone");
}

#[test]
fn one_standby_is_enough_for_a_commit() {
    let mut group = group("one");
    let primary = group.primary().application();
    group.standbys_mut().next().unwrap().kill();
    assert_eq!(primary.rows("INSERT INTO kept VALUES (1) RETURNING n").unwrap(), ["1"]);
    group.rejoin().unwrap();
    for standby in group.standbys() {
        let login = standby.application();
        let has = || login.rows("SELECT n FROM kept").unwrap() == ["1"];
        assert!(wait_until(PATIENCE, has), "{}", standby.name());
    }
}
