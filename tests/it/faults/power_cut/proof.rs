//! That the tool sees a loss: a database that does not sync its commits loses acknowledged rows, one that does
//! loses none.

use super::{luck, record, recorded_folder, workbench};
use crate::shop::{place, seed};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_tests::rig::place::Place;
use evertill_tests::rig::power_cut::{Seeded, put};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;

const SYNCHRONOUS: &str = "EVERTILL_TEST_SYNCHRONOUS";

/// Not a test by itself: the process whose power is cut.
#[test]
fn writes_rows_until_it_is_killed() {
    let Some(folder) = recorded_folder() else { return };
    let Ok(synchronous) = std::env::var(SYNCHRONOUS) else { return };
    let connection = Connection::open(folder.join("rows.db")).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    // Checkpoints as often as they can be had.
    connection.pragma_update(None, "wal_autocheckpoint", 12).unwrap();
    connection.execute_batch("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT) STRICT").unwrap();
    for number in 1.. {
        let text = "x".repeat(700);
        connection.execute("INSERT INTO rows (number, text) VALUES (?1, ?2)", (number, text)).unwrap();
        println!("acknowledged {number} {}", SystemClock.now().0);
    }
}

fn rows(file: &Path) -> rusqlite::Result<BTreeSet<u64>> {
    let connection = Connection::open(file)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    assert_eq!(found, "ok", "{}", file.display());
    let mut statement = connection.prepare("SELECT number FROM rows")?;
    let numbers = statement.query_map([], |row| row.get::<_, i64>(0))?;
    numbers.map(|number| number.map(|n| u64::try_from(n).unwrap())).collect()
}

/// In how many cuts of how many an acknowledged row is not there.
fn losses(place: &Place, bench: &Path, synchronous: &str, seed: u64) -> (usize, usize) {
    let test = "power_cut::proof::writes_rows_until_it_is_killed";
    let (told, recording) = record(place, test, &[(SYNCHRONOUS, synchronous)], 80);
    let mut random = Seeded::new(seed);
    let cuts = recording.cuts(120, &mut random);
    let mut replay = recording.replay();
    let mut losing = 0;
    for cut in &cuts {
        replay.advance(*cut);
        let before: Vec<u64> =
            told.iter().filter(|told| told.at_us <= replay.at_us()).map(|told| told.number).collect();
        put(&replay.cut(luck(&mut random), &mut random), bench).unwrap();
        let file = bench.join("rows.db");
        // Before the first commit there need not even be a table.
        let found = rows(&file).unwrap_or_default();
        losing += usize::from(before.iter().any(|number| !found.contains(number)));
    }
    (losing, cuts.len())
}

#[test]
fn a_database_that_does_not_sync_its_commits_is_caught_losing_them() {
    let place = place("power-cut-proof");
    let (seed, bench) = (seed(), workbench(&place));
    let (lost, of) = losses(&place, &bench, "NORMAL", seed);
    println!("synchronous=NORMAL: acknowledged rows are missing after {lost} of {of} cuts");
    assert!(lost > of / 10, "the tool does not see what is lost: {lost} of {of}");
    let (lost, of) = losses(&place, &bench, "FULL", seed);
    println!("synchronous=FULL: acknowledged rows are missing after {lost} of {of} cuts");
    assert!(of > 80, "hardly any cuts: {of}");
    assert_eq!(lost, 0, "seed {seed}");
}
