//! The journal of an older key that makes room for a new one: it is whole wherever the till stops.

use super::super::put_aside::{fold_in, with};
use super::*;
use crate::config::Identity;
use crate::controller::tests_identity;
use std::fs;

const PUT_ASIDE: &str = "till-T0001-1.db";

fn newer() -> Identity {
    Identity { epoch: 2, ..tests_identity() }
}

fn sell(journal: &mut JournalStore) {
    let sold = journal.append(&sale(500), NOW).unwrap();
    journal.append(&cash(sold, 500), NOW).unwrap();
}

/// What a till leaves whose power went: the last sales are in the log alone.
fn stopped(folder: &Path) -> (PathBuf, Inspected) {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    sell(&mut journal);
    let checkpoint =
        journal.connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0));
    assert_eq!(checkpoint, Ok(0));
    for _ in 0..4 {
        sell(&mut journal);
    }
    let there = folder.join("till.db");
    for end in ["", "-wal"] {
        fs::copy(with(&path, end), with(&there, end)).unwrap();
    }
    let whole = inspect(&there, None).unwrap();
    assert_eq!(whole.sales, 5);
    (there, whole)
}

/// The till goes on: what was begun is ended, and a journal under the new key is begun.
fn goes_on(path: &Path, whole: &Inspected) {
    put_aside_older(path, &newer()).unwrap();
    let kept = path.with_file_name(PUT_ASIDE);
    assert_eq!(inspect(&kept, None).unwrap(), *whole);
    for end in ["", "-wal", "-shm"] {
        assert!(!with(path, end).exists(), "till.db{end}");
    }
    let start = Head::start(newer().terminal, newer().epoch);
    let mut new = JournalStore::open(path, start, key(), NOW).unwrap();
    sell(&mut new);
    assert_eq!(inspect(path, None).unwrap().sales, 1);
    put_aside_older(path, &newer()).unwrap();
    assert!(path.exists(), "this one is its own");
    assert_eq!(inspect(&kept, None).unwrap(), *whole);
}

#[test]
fn nothing_lost_the_journal_of_an_older_key_is_whole_wherever_putting_it_aside_stops() {
    let steps: [fn(&Path); 4] = [
        |_| {},
        |path| fold_in(path).unwrap(),
        // The log is back after a power cut: that it went was not on the disk yet.
        |path| {
            let log = fs::read(with(path, "-wal")).unwrap();
            fold_in(path).unwrap();
            fs::write(with(path, "-wal"), log).unwrap();
        },
        |path| {
            fold_in(path).unwrap();
            fs::rename(path, path.with_file_name(PUT_ASIDE)).unwrap();
        },
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (path, whole) = stopped(folder.path());
        step(&path);
        if path.exists() {
            assert_eq!(inspect(&path, None).unwrap(), whole, "step {number}: the till starts with it");
        }
        goes_on(&path, &whole);
    }
}

#[test]
fn nothing_lost_a_journal_that_cannot_be_put_aside_is_not_parted_from_its_log() {
    for end in ["", "-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let (path, whole) = stopped(folder.path());
        let in_the_way = with(&path.with_file_name(PUT_ASIDE), end);
        fs::write(&in_the_way, "somebody's").unwrap();
        assert!(matches!(put_aside_older(&path, &newer()), Err(JournalError::Io(_))), "{end}");
        assert_eq!(fs::read(&in_the_way).unwrap(), b"somebody's");
        assert_eq!(inspect(&path, None).unwrap(), whole, "{end}");
        fs::remove_file(&in_the_way).unwrap();
        goes_on(&path, &whole);
    }
}

#[test]
fn nothing_lost_a_log_that_an_earlier_program_moved_first_finds_its_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = stopped(folder.path());
    fs::rename(with(&path, "-wal"), with(&path.with_file_name(PUT_ASIDE), "-wal")).unwrap();
    put_aside_older(&path, &newer()).unwrap();
    assert_eq!(inspect(&path.with_file_name(PUT_ASIDE), None).unwrap(), whole);
    assert!(!path.exists());
}

#[test]
fn a_journal_that_a_program_has_open_is_not_put_aside() {
    let (_dir, path) = file();
    let journal = open(&path).unwrap();
    assert!(matches!(put_aside_older(&path, &newer()), Err(JournalError::InUse)));
    assert!(path.exists() && !path.with_file_name(PUT_ASIDE).exists());
    drop(journal);
    put_aside_older(&path, &newer()).unwrap();
    assert!(path.with_file_name(PUT_ASIDE).exists());
}
