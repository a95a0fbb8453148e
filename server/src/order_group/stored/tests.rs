use super::super::testing::{NOON, Rig, tag};
use super::super::*;
use super::StoredGroup;
use crate::params;
use evertill_shared::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

fn draft(rig: &Rig, random: u32, server: &str) -> NewDraft {
    NewDraft {
        sale: Arc::new(rig.till.sale(100)),
        at: NOON,
        business_day: rig.groups.business_day(NOON),
        server: server.into(),
        random: std::array::from_fn(|n| random + u32::try_from(n).unwrap()),
    }
}

fn group(rig: &Rig) -> StoredGroup {
    StoredGroup::start(tag(0), Place::Sqlite(rig.file(0)), Expected::default()).unwrap()
}

#[tokio::test]
async fn a_number_that_is_taken_is_not_given_out_again() {
    let rig = Rig::new(1);
    let group = group(&rig);
    let mut numbers = std::collections::BTreeSet::new();
    for _ in 0..8 {
        numbers.insert(group.create_draft(draft(&rig, 7, "s")).await.unwrap().number);
    }
    assert_eq!(numbers.len(), 8, "all of one millisecond and one random number");
    let ninth = group.create_draft(draft(&rig, 7, "s")).await;
    assert!(matches!(ninth, Err(GroupError::Unavailable(_))), "{ninth:?}");
}

/// A program from before there were cash parts would write an order that is paid in parts down as wholly its wallet's.
#[tokio::test]
async fn a_program_that_knows_of_no_cash_parts_does_not_open_a_group_that_may_hold_some() {
    let rig = Rig::new(1);
    rig.cash_order(100).await;
    drop(group(&rig));
    let all = StoredGroup::schema(tag(0));
    let at = all.migrations.iter().position(|step| step.name == "parts_in_cash").unwrap();
    let before = crate::database::Schema { migrations: &all.migrations[..at], ..all };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("00.db");
    std::fs::copy(rig.file(0), &file).unwrap();
    let refused = crate::database::Database::sqlite(&file, &before).err();
    assert!(matches!(refused, Some(crate::database::OpenError::Newer { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_full_disk_fails_definitely_and_is_well_again_when_there_is_room() {
    let rig = Rig::new(1);
    let group = group(&rig);
    let limit = |pages: i64| {
        group.write_beside(move |sql| {
            sql.rows(&format!("PRAGMA max_page_count = {pages}"), &params![])?;
            Ok(())
        })
    };
    limit(1).await.unwrap(); // SQLite takes the present size as the least
    let long = "x".repeat(100_000);
    let full = group.create_draft(draft(&rig, 1, &long)).await;
    assert!(matches!(full, Err(GroupError::Unavailable(_))), "{full:?}");
    let rows = group.read(|sql| Ok(sql.value("SELECT count(*) FROM orders", &params![])?)).await;
    assert_eq!(rows, Ok(Some(0_i64)), "it can be read, and half of nothing was written");
    limit(1_000_000).await.unwrap();
    group.create_draft(draft(&rig, 1, &long)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_not_waited_for_may_still_happen() {
    let rig = Rig::new(1);
    let group = std::sync::Arc::new(group(&rig));
    let slow = {
        let reply = group.write_beside(|sql| {
            std::thread::sleep(Duration::from_millis(300));
            sql.execute("INSERT INTO probe (server, at, count) VALUES ('slow', 0, 1)", &params![])?;
            Ok(())
        });
        tokio::time::timeout(Duration::from_millis(100), reply).await
    };
    assert!(slow.is_err(), "the caller gave up, and knows nothing");
    let there = group
        .write_beside(|sql| Ok(sql.value("SELECT count(*) FROM probe WHERE server = 'slow'", &params![])?))
        .await;
    assert_eq!(there, Ok(Some(1_i64)), "and it has happened");
}

#[tokio::test]
async fn the_database_itself_forbids_a_second_open_charge_and_too_large_a_hold() {
    let rig = Rig::new(1);
    let number = rig.cash_order(100).await;
    let connection = rusqlite::Connection::open(rig.file(0)).unwrap();
    let pay = |attempt: u8| {
        connection.execute(
            "INSERT INTO payments (number, attempt, wallet, channel_number, currency, amount_minor, state, \
             sent_at, since, next_at, reversals, reversal_accepted) \
             VALUES (?1, ?2, 'wechat_pay', 'E' || ?2, 'CNY', 100, 'unknown', 0, 0, 0, 0, 0)",
            (number.as_str(), attempt),
        )
    };
    pay(1).unwrap();
    assert!(pay(2).is_err(), "two attempts that may both have taken money");
    let hold = connection.execute("UPDATE orders SET held_minor = 101 WHERE number = ?1", [number.as_str()]);
    assert!(hold.is_err(), "more held than paid");
    assert_eq!(rig.clock.now(), NOON);
}
