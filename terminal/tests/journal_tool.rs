//! `evertill-journal`, the program itself, over files that are right and files that somebody altered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use evertill_shared::clock::Timestamp;
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::signing::SigningKey;
use evertill_terminal::journal_store::{Journal as _, JournalStore};
use rusqlite::Connection;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_763_647_387_000);

fn tool(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evertill-journal")).args(arguments).arg(file).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn append(store: &mut JournalStore, sales: u32) {
    for number in 0..sales {
        let price = Amount::new(100 + i64::from(number), Currency::CNY);
        let line = Line::new("tea".into(), "Tea".into(), 1, price, TaxRate(1300)).unwrap();
        let sale = Sale::new(StoreId::try_from(7).unwrap(), NOW, Currency::CNY, vec![line]).unwrap();
        let sale = store.append(&Body::Sale(sale), NOW).unwrap();
        store
            .append(&Body::CashTaken { sale, given: price, change: Amount::zero(Currency::CNY) }, NOW)
            .unwrap();
    }
}

/// A journal of 1 + 2 × `sales` entries, its program ended.
fn journal(sales: u32) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let key = Arc::new(SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap());
    let start = Head::start(TerminalId::try_from(1).unwrap(), 1);
    append(&mut JournalStore::open(&path, start, key, NOW).unwrap(), sales);
    (dir, path)
}

fn altered(sql: &str) -> (TempDir, PathBuf) {
    let (dir, path) = journal(4);
    let connection = Connection::open(&path).unwrap();
    let open = "DROP TRIGGER entry_is_append_only_u; DROP TRIGGER entry_is_append_only_d;";
    connection.execute_batch(open).unwrap();
    connection.execute_batch(sql).unwrap();
    (dir, path)
}

#[test]
fn a_journal_that_is_right_is_praised_with_exit_status_0() {
    let (_dir, path) = journal(4);
    let found = tool(&["verify", "--json"], &path);
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let value: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&value["ok"], &value["entries"], &value["sales"]), (&true.into(), &9.into(), &4.into()));
    let told = text(&tool(&["verify"], &path).stdout);
    assert!(told.contains("9 entries, every one right") && told.contains("Sales: 4"), "{told}");
}

#[test]
fn each_alteration_gives_exit_status_1_and_the_entrys_number() {
    for (what, sql, entry) in [
        ("text", "UPDATE entry SET text = replace(text, 'Tea', 'Sea') WHERE sequence = 4", 4),
        ("signature", "UPDATE entry SET signature = (SELECT signature FROM entry WHERE sequence = 3) WHERE sequence = 5", 5),
        ("sequence", "UPDATE entry SET sequence = 60 WHERE sequence = 6", 6),
        ("missing row", "DELETE FROM entry WHERE sequence = 7", 7),
        ("missing end", "DELETE FROM entry WHERE sequence = 9", 9),
        (
            "swapped rows",
            "UPDATE entry SET sequence = -1 WHERE sequence = 2; UPDATE entry SET sequence = 2 WHERE sequence = 3;
             UPDATE entry SET sequence = 3 WHERE sequence = -1",
            2,
        ),
    ] {
        let (_dir, path) = altered(sql);
        let found = tool(&["verify", "--json"], &path);
        assert_eq!(found.status.code(), Some(1), "{what}: {found:?}");
        let value: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        assert_eq!((&value["ok"], &value["entry"]), (&false.into(), &entry.into()), "{what}: {value}");
        let told = text(&tool(&["verify"], &path).stdout);
        assert!(told.starts_with(&format!("Entry {entry} is wrong: ")), "{what}: {told}");
    }
}

#[test]
fn another_tills_key_does_not_verify_the_journal() {
    let (_dir, path) = journal(1);
    let other = SigningKey::from_seed(&[8; 32], "T0001:1".into()).unwrap().public().to_string();
    assert_eq!(tool(&["verify", "--key", &other], &path).status.code(), Some(1));
}

#[test]
fn what_is_no_journal_gives_exit_status_2() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    assert_eq!(tool(&["verify"], &path).status.code(), Some(2));
    std::fs::write(&path, "not a database, but as long as one has to be to be looked at".repeat(40)).unwrap();
    for command in ["verify", "show"] {
        let found = tool(&[command], &path);
        assert_eq!(found.status.code(), Some(2), "{found:?}");
        assert!(text(&found.stderr).starts_with("evertill-journal: "), "{found:?}");
    }
}

#[test]
fn show_prints_one_line_an_entry_as_json_or_for_people() {
    let (_dir, path) = altered("UPDATE entry SET text = 'gone' WHERE sequence = 3");
    let json = text(&tool(&["show", "--json"], &path).stdout);
    let values: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values.len(), 9);
    assert_eq!((&values[1]["sequence"], &values[2]["unreadable"]), (&2.into(), &"gone".into()));
    let told = text(&tool(&["show"], &path).stdout);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 9);
    assert!(lines[1].contains("\tsale T0001-1-2 ") && lines[2].starts_with("3\tunreadable: "), "{told}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_listing_quietly() {
    let (_dir, path) = journal(400);
    for json in [&["--json"][..], &[]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evertill-journal"))
            .arg("show")
            .args(json)
            .arg(&path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // The pipe closes when the reader goes out of scope.
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    }
}
