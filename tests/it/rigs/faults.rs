//! Each fault of a group bites as it would for real, and is gone when it is healed.

use crate::group::group;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_tests::rig::postgres::{End, Fault, Login, PostgresGroup, PostgresOptions};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn insert(login: &Login, n: u32, patience: Duration) -> End {
    login.run(&format!("INSERT INTO kept VALUES ({n})"), patience).unwrap().end
}

fn state(end: &End) -> &str {
    if let End::Refused(state, _) = end { state } else { "" }
}

/// One after another in one group, so that what one fault leaves behind would trouble the next.
#[test]
fn each_fault_bites_and_is_gone_when_it_is_healed() {
    let mut group = group("faults");
    for fault in [
        a_frozen_primary_answers_nobody_until_it_is_thawed,
        a_primary_that_takes_no_writes_says_so,
        far_standbys_make_each_commit_slow_and_lose_nothing,
        without_connections_the_application_is_refused_and_the_superuser_is_not,
        a_disk_that_is_not_its_own_is_never_filled,
    ] {
        group.primary().application().rows("TRUNCATE kept").unwrap();
        fault(&mut group);
    }
}

fn a_frozen_primary_answers_nobody_until_it_is_thawed(group: &mut PostgresGroup) {
    let primary = group.primary().application();
    group.inflict(Fault::Freeze).unwrap();
    // Listed only now: one that was about to end has ended, or is held with the others.
    let processes = group.primary().processes();
    assert!(processes.len() > 5, "the children count too: {processes:?}");
    for id in &processes {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        assert!(stat.rsplit_once(") ").unwrap().1.starts_with('T'), "{stat}");
    }
    assert_eq!(insert(&primary, 1, Duration::from_secs(1)), End::TimedOut);
    assert_eq!(primary.run("SELECT 1", Duration::from_secs(1)).unwrap().end, End::TimedOut);
    group.heal().unwrap();
    assert_eq!(insert(&primary, 2, PATIENCE), End::Done);
}

fn a_primary_that_takes_no_writes_says_so(group: &mut PostgresGroup) {
    let primary = group.primary().application();
    for (n, fault) in [(0, Fault::ReadOnly), (10, Fault::Demoted)] {
        group.inflict(fault).unwrap();
        assert_eq!(state(&insert(&primary, n, PATIENCE)), "25006", "{fault:?}");
        assert!(primary.rows("SELECT n FROM kept").is_ok(), "{fault:?}: reads go on");
        let by_hosts = group.conninfo().login().run("SELECT 1", PATIENCE).unwrap();
        assert!(matches!(by_hosts.end, End::NoConnection(_)), "{fault:?}: no host takes writes");
        group.heal().unwrap();
        assert_eq!(insert(&primary, n, PATIENCE), End::Done, "{fault:?}");
    }
}

fn far_standbys_make_each_commit_slow_and_lose_nothing(group: &mut PostgresGroup) {
    let primary = group.primary().application();
    let by = Duration::from_millis(300);
    group.inflict(Fault::Slow(by)).unwrap();
    let start = SystemClock.monotonic();
    assert_eq!(insert(&primary, 1, PATIENCE), End::Done);
    let took = SystemClock.monotonic() - start;
    println!("a commit with standbys {} ms away took {} ms", by.as_millis(), took.as_millis());
    assert!(took >= 2 * by, "the commit came back before a standby can have answered");
    group.heal().unwrap();
    assert_eq!(insert(&primary, 2, PATIENCE), End::Done);
    assert_eq!(primary.rows("SELECT n FROM kept ORDER BY n").unwrap(), ["1", "2"]);
}

fn without_connections_the_application_is_refused_and_the_superuser_is_not(group: &mut PostgresGroup) {
    let primary = group.primary().application();
    let held = primary.begin("SELECT pg_sleep(60)").unwrap();
    group.inflict(Fault::NoConnections).unwrap();
    assert_ne!(held.finish(PATIENCE).end, End::Done, "the application's own session was ended");
    for _ in 0..3 {
        let refused = insert(&primary, 1, PATIENCE);
        assert!(
            matches!(&refused, End::NoConnection(said) if said.contains("remaining connection slots")),
            "{refused:?}"
        );
    }
    assert_eq!(group.primary().superuser().rows("SELECT 1").unwrap(), ["1"]);
    group.heal().unwrap();
    assert_eq!(insert(&primary, 2, PATIENCE), End::Done);
}

#[test]
fn a_full_disk_stops_writes_and_takes_nothing_that_was_acknowledged() {
    let options = PostgresOptions { small_disk_mib: Some(256), ..PostgresOptions::default() };
    let mut group = PostgresGroup::start("disk", options).unwrap();
    let primary = group.primary().application();
    primary.rows("CREATE TABLE kept (n bigint PRIMARY KEY, filler text)").unwrap();
    assert_eq!(insert(&primary, 1, PATIENCE), End::Done);
    group.inflict(Fault::DiskFull).unwrap();
    let statements =
        (2..2_000).map(|n| format!("INSERT INTO kept VALUES ({n}, repeat('x', 4000)) RETURNING n;"));
    let outcome = primary.run(&statements.collect::<String>(), PATIENCE).unwrap();
    assert_ne!(outcome.end, End::Done, "everything found room on a full disk");
    println!("the full disk took {} more rows, then: {:.200}", outcome.rows.len(), outcome.notices.trim());
    group.heal().unwrap();
    let there = primary.rows("SELECT n FROM kept WHERE n > 1 ORDER BY n").unwrap();
    assert_eq!(there[..outcome.rows.len()], outcome.rows[..], "an acknowledged row is missing");
    assert_eq!(insert(&primary, 5_000, PATIENCE), End::Done);
}

fn a_disk_that_is_not_its_own_is_never_filled(group: &mut PostgresGroup) {
    let refused = group.inflict(Fault::DiskFull).unwrap_err().to_string();
    assert!(refused.contains("small_disk_mib"), "{refused}");
}
