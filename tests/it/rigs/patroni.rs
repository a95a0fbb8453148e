//! A group under Patroni keeps what it acknowledged when its primary's machine goes, without anybody's hand.

use evertill_tests::process::wait_until;
use evertill_tests::rig::patroni::{PatroniGroup, PatroniOptions};
use evertill_tests::rig::postgres::End;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn patroni_promotes_a_standby_that_has_all_that_was_acknowledged() {
    let mut group = PatroniGroup::start(PatroniOptions::default()).unwrap();
    let balancer = group.balancer().unwrap();
    let old = group.primary().unwrap();
    balancer.wait_for(&[&old], PATIENCE).unwrap();
    let application = group.login_at(balancer.address());
    application.rows("CREATE TABLE kept (n bigint PRIMARY KEY)").unwrap();
    let inserts: String =
        (0..200_000).map(|n| format!("INSERT INTO kept VALUES ({n}) RETURNING n;\n")).collect();
    let load = application.begin(&inserts).unwrap();
    let count = || application.rows("SELECT count(*) FROM kept").unwrap()[0].parse::<u32>().unwrap();
    assert!(wait_until(PATIENCE, || count() > 200), "the load does not run");

    group.kill(&old).unwrap();
    let outcome = load.finish(PATIENCE);
    assert!(matches!(outcome.end, End::NoConnection(_)), "{:?}", outcome.end);
    assert!(outcome.rows.len() > 200, "{}", outcome.rows.len());
    let (new, took) = group.wait_for_other_primary(&old, PATIENCE).unwrap();
    println!("{new} was promoted {} ms after {old} was killed", took.as_millis());
    assert_ne!(new, old);

    balancer.wait_for(&[&new], PATIENCE).unwrap();
    let there = application.rows("SELECT n FROM kept ORDER BY n").unwrap();
    assert_eq!(there[..outcome.rows.len()], outcome.rows[..], "an acknowledged row is missing");
    // With the second standby the group commits again, at the old address.
    assert!(wait_until(PATIENCE, || {
        let write = application.run("INSERT INTO kept VALUES (-1)", Duration::from_secs(5)).unwrap();
        write.end == End::Done || write.notices.contains("23505")
    }));
    group.start_again(&old).unwrap();
    assert_eq!(group.primary(), Some(new), "the old primary comes back as a standby");
}
