//! Where to cut is looked for in small pieces; and what is believed of files that somebody has put into the archive.

use super::*;
use crate::journal_store::Base;
use std::cell::RefCell;
use std::path::PathBuf;

/// So many calls until something is moved, each looking at ten entries.
fn calls_until_moved(journal: &mut JournalStore) -> u64 {
    let mut calls = 1;
    loop {
        let part = journal.archive_part(LATE, 25, 10).unwrap();
        if part.entries > 0 {
            return calls;
        }
        assert_eq!(part, Archived { entries: 0, more: true });
        calls += 1;
    }
}

fn with_checkpoint(journal: &JournalStore) {
    let (mut running, head) = (Running::from(1), journal.head());
    for (sequence, signed) in (1..).zip(all_entries(journal)) {
        running.take(sequence, &signed.text, &signed.signature);
    }
    Checkpoint::write(&journal.connection, head, &running, &key()).unwrap();
}

#[test]
fn where_to_cut_is_looked_for_in_pieces_that_a_sale_comes_between_and_nothing_is_verified_twice() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    let (entries, told) = (all_entries(&journal), books(&journal));
    let pieces = journal.head().sequence.div_ceil(10);
    for _ in 0..5 {
        assert_eq!(journal.archive_part(LATE, 25, 10).unwrap(), Archived { entries: 0, more: true });
    }
    // Somebody sells: what was looked at may be otherwise now.
    let sold = sell(&mut journal, at(21), 900);
    with_checkpoint(&journal);
    assert!(calls_until_moved(&mut journal) >= pieces, "it began anew");
    assert_eq!(calls_until_moved(&mut journal), 1, "the rest is moved without looking again");
    archive(&mut journal, LATE, 25);
    assert_eq!(all_entries(&journal)[..entries.len()], entries);
    assert_eq!(books(&journal).len(), told.len() + 3, "and the sale that came between");
    assert!(journal.sale(sold).unwrap().is_some());
    let known = Checkpoint::read(&journal.connection, &key().public()).unwrap();
    assert_eq!((known.from, known.head), (sold, journal.head()));
}

/// The first file of the archive with one entry's price in it altered, as another key would sign it; and the list that
/// names it.
fn put_in_another(path: &Path, key: &SigningKey) {
    let name = files(path).into_iter().next().unwrap();
    let found = Segment::read(&name).unwrap();
    let head = Head { sequence: found.last, ..start() };
    let from = found.first;
    let mut entries = Vec::new();
    let mut previous = EntryHash::NONE;
    for signed in &found.entries {
        let entry = Entry { previous, ..signed.read_unverified().unwrap() };
        let signed = SignedEntry::sign(&entry, key).unwrap();
        previous = signed.hash();
        entries.push(signed);
    }
    let other =
        Segment::new(head, (from, found.last), EntryHash::NONE, entries, found.word.clone(), key).unwrap();
    std::fs::remove_file(&name).unwrap();
    let folder = path.with_file_name(FOLDER);
    other.write(&folder).unwrap();
    let connection = Connection::open(path).unwrap();
    let sql = "UPDATE archive_file SET sha256 = ?1 WHERE first = ?2";
    let first = i64::try_from(from).unwrap();
    assert_eq!(connection.execute(sql, rusqlite::params![other.digest, first]).unwrap(), 1);
}

#[test]
fn a_file_that_another_key_signed_is_not_believed_though_the_list_names_it() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    archive(&mut journal, LATE, 25);
    drop(journal);
    let thief = SigningKey::from_seed(&[66; 32], "thief".into()).unwrap();
    put_in_another(&path, &thief);
    let refused = |journal: &mut JournalStore, why: &str| {
        let error = journal.entry(2).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let day = at(40);
        let sold = sell(journal, day, 500);
        let head = journal.head().sequence;
        say(journal, head, day);
        sold
    };
    let mut journal = open(&path).unwrap();
    refused(&mut journal, "not the one that the till has signed");
    let error = journal.archive(LATE, 25).unwrap_err();
    assert!(matches!(error, JournalError::Archive { .. }), "nothing is added to such a list: {error}");
    // A note from before there was a digest over the list: the key counts all the same.
    let base = Base::read(&journal.connection).unwrap().unwrap();
    Base::new(base.head, base.last_shift, None, &key()).unwrap().write(&journal.connection).unwrap();
    drop(journal);
    let mut journal = open(&path).unwrap();
    refused(&mut journal, "another key has signed it");
    drop(journal);
    let connection = open_read_only(&path).unwrap();
    let folder = path.with_file_name(FOLDER);
    let error = follow_whole(&connection, &folder, key().public(), |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
}

#[test]
fn a_list_that_was_changed_is_noticed_and_the_till_sells() {
    for sql in [
        "DELETE FROM archive_file WHERE first > 1",
        "UPDATE archive_file SET last = last - 1 WHERE first = 1",
        "UPDATE archive_file SET name = 'another.jsonl.gz' WHERE first = 1",
    ] {
        let (_dir, path) = file();
        let mut journal = shop(&path);
        archive(&mut journal, LATE, 25);
        drop(journal);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let mut journal = open(&path).unwrap();
        let error = journal.entry(2).unwrap_err().to_string();
        assert!(error.contains("not the one that the till has signed"), "{sql}: {error}");
        sell(&mut journal, at(21), 500);
        let head = journal.head();
        drop(journal);
        assert_eq!(open(&path).unwrap().head(), head);
    }
}

#[test]
fn nothing_lost_a_file_of_the_archive_is_not_trusted_before_its_name_is_on_the_disk() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    archive(&mut journal, LATE, 25);
    let first = files(&path).into_iter().next().unwrap();
    let (found, folder) = (Segment::read(&first).unwrap(), path.with_file_name("elsewhere"));
    // The program ends, or the disk fails, when the file has its name and nothing says that the name is on the disk.
    let stops = |_: &Path| Err(std::io::Error::other("stopped here"));
    assert!(found.write_on(&folder, &stops).is_err());
    assert!(folder.join(first.file_name().unwrap()).exists(), "it was stopped after that");
    assert!(found.write_on(&folder, &stops).is_err(), "it is there, and not to be trusted yet");
    let above = folder.parent().unwrap().to_owned();
    let stops_above = |path: &Path| if path == above { stops(path) } else { Ok(()) };
    assert!(found.write_on(&folder, &stops_above).is_err(), "nor before the folder's own name is there");
    let kept: RefCell<Vec<PathBuf>> = RefCell::default();
    let keeps = |path: &Path| {
        kept.borrow_mut().push(path.to_owned());
        Ok(())
    };
    found.write_on(&folder, &keeps).unwrap();
    assert_eq!(kept.take(), [folder.clone(), above]);
}
