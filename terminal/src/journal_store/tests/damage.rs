//! Altered files: what is wrong is found and named; what is merely derived is mended.

use super::*;

/// The file as somebody with a SQLite tool sees it.
fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("DROP TRIGGER entry_is_append_only_u; DROP TRIGGER entry_is_append_only_d;")
        .unwrap();
    connection
}

fn damage(sql: &str) -> JournalError {
    let (_dir, path) = file();
    filled(&path);
    raw(&path).execute_batch(sql).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = match open(&path) {
        Err(error) => error,
        Ok(_) => panic!("{sql} was not noticed"),
    };
    assert_eq!(std::fs::read(&path).unwrap(), before, "a damaged journal is not touched");
    error
}

fn named(sql: &str) -> u64 {
    match damage(sql) {
        JournalError::Damaged { entry, why } => {
            assert!(!why.is_empty());
            entry
        }
        other => panic!("{sql}: {other}"),
    }
}

#[test]
fn an_altered_byte_in_any_column_of_an_entry_is_found_and_named() {
    for entry in 1..=10_u64 {
        let at = |set: &str| format!("UPDATE entry SET {set} WHERE sequence = {entry}");
        assert_eq!(named(&at("text = replace(text, 'at', 'aT')")), entry);
        assert_eq!(named(&at("text = text || ' '")), entry);
        assert_eq!(named(&at("signature = 'A' || substr(signature, 2, 84) || 'AA='")), entry);
        assert_eq!(named(&at("signature = ''")), entry);
        assert_eq!(named(&at("sequence = sequence + 100")), entry);
    }
}

#[test]
fn entries_that_are_missing_or_swapped_are_named() {
    for entry in 1..=10_u64 {
        assert_eq!(named(&format!("DELETE FROM entry WHERE sequence = {entry}")), entry);
    }
    let swap = "UPDATE entry SET sequence = -1 WHERE sequence = 4;
                UPDATE entry SET sequence = 4 WHERE sequence = 5;
                UPDATE entry SET sequence = 5 WHERE sequence = -1;";
    assert_eq!(named(swap), 4);
}

#[test]
fn a_journal_cut_off_at_its_end_is_noticed_by_its_head() {
    assert_eq!(named("DELETE FROM entry WHERE sequence > 7"), 8);
    assert_eq!(named("DELETE FROM head"), 10);
    assert_eq!(named("UPDATE head SET hash = replace(hash, '0', '1')"), 10);
    assert_eq!(named("UPDATE head SET sequence = 9"), 10);
    assert!(matches!(damage("UPDATE head SET epoch = 2"), JournalError::Foreign { .. }));
    assert!(matches!(damage("UPDATE head SET terminal = 2"), JournalError::Foreign { .. }));
    assert!(matches!(damage("UPDATE head SET terminal = 0"), JournalError::Unreadable(_)));
}

#[test]
fn books_that_do_not_follow_from_the_entries_are_derived_anew() {
    for sql in [
        "UPDATE sale SET is_open = 1 - is_open",
        "UPDATE sale SET in_cash = 0",
        "UPDATE sale SET record = replace(record, '800', '100')",
        "UPDATE sale SET record = 'x'",
        "UPDATE sale SET at_ms = 0",
        "DELETE FROM sale; DELETE FROM refund",
        "UPDATE refund SET record = replace(record, '100', '900')",
        "INSERT INTO refund (id, is_open, record) VALUES ('R9', 1, '{}')",
    ] {
        let (_dir, path) = file();
        filled(&path);
        raw(&path).execute_batch(sql).unwrap();
        let journal = open(&path).unwrap();
        assert_eq!(journal.queue().unwrap(), [QueuedSale { sequence: 6, at: NOW }], "{sql}");
        assert_eq!(journal.sale(6).unwrap().unwrap().record.sale.total, cny(800), "{sql}");
        assert!(journal.open_sales().unwrap().is_empty(), "{sql}");
        let refunds = journal.open_refunds().unwrap();
        assert_eq!((refunds.len(), refunds[0].amount), (1, cny(100)), "{sql}");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_file_never_changes_the_entries_unnoticed() {
    let (_dir, path) = file();
    filled(&path);
    let whole = open(&path).unwrap();
    let entries = whole.entries_after(0, 1000).unwrap();
    drop(whole);
    raw(&path).pragma_update(None, "journal_mode", "DELETE").unwrap();
    let good = std::fs::read(&path).unwrap();
    let (dir, mut noticed) = (tempfile::tempdir().unwrap(), 0);
    // A stride that meets every kind of page without testing each of a hundred thousand bytes.
    for (round, at) in (0..good.len()).step_by(397).enumerate() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (round % 8);
        let copy = dir.path().join(format!("{round}.db"));
        std::fs::write(&copy, bad).unwrap();
        match open(&copy) {
            Err(_) => noticed += 1,
            Ok(journal) => assert_eq!(journal.entries_after(0, 1000).unwrap(), entries, "byte {at}"),
        }
        for end in ["db", "db-wal", "db-shm", "lock", "reserve"] {
            let _ = std::fs::remove_file(copy.with_extension(end));
        }
    }
    assert!(noticed > 10, "only {noticed} flips were noticed: the flips miss the entries");
}

/// A checkpoint after entry 6, as if the journal had been long.
fn with_checkpoint(path: &Path) {
    filled(path);
    let connection = raw(path);
    let mut running = Running::from(1);
    let mut head = start();
    for entry in projection::entries_after(&connection, 0, 6).unwrap() {
        running.take(head.sequence + 1, &entry.text, &entry.signature);
        head = Head { sequence: head.sequence + 1, hash: entry.hash(), ..head };
    }
    Checkpoint::write(&connection, head, &running, &key()).unwrap();
    assert!(Checkpoint::read(&connection, &key().public()).is_some());
}

#[test]
fn damage_before_a_checkpoint_is_found_and_named_all_the_same() {
    for entry in 1..=10_u64 {
        for set in ["text = text || ' '", "signature = 'A' || substr(signature, 2, 84) || 'AA='"] {
            let (_dir, path) = file();
            with_checkpoint(&path);
            assert!(open(&path).is_ok());
            raw_again(&path)
                .execute_batch(&format!("UPDATE entry SET {set} WHERE sequence = {entry}"))
                .unwrap();
            match open(&path) {
                Err(JournalError::Damaged { entry: named, .. }) => assert_eq!(named, entry, "{set}"),
                other => panic!("{entry} {set}: {:?}", other.map(|journal| journal.head())),
            }
        }
    }
}

fn raw_again(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

#[test]
fn a_forged_checkpoint_counts_for_nothing() {
    let (_dir, path) = file();
    with_checkpoint(&path);
    let sql = "UPDATE fact SET value = replace(value, '\"sequence\":6', '\"sequence\":9') WHERE name = 'checkpoint'";
    assert_eq!(raw_again(&path).execute(sql, []).unwrap(), 1);
    assert!(Checkpoint::read(&raw_again(&path), &key().public()).is_none());
    assert_eq!(open(&path).unwrap().head().sequence, 10);
}
