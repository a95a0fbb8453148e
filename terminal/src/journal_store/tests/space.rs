//! A full disk: nothing half done, nothing lost, and what was begun can be finished.

use super::*;

fn limit(journal: &JournalStore, pages_left: i64) {
    let pages: i64 = journal.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.connection.pragma_update(None, "max_page_count", pages + pages_left).unwrap();
}

fn fill(journal: &mut JournalStore) -> u64 {
    limit(journal, 0);
    let mut sales = 0;
    loop {
        match journal.append(&sale(500), NOW) {
            Ok(_) => sales += 1,
            Err(JournalError::DiskFull) => return sales,
            Err(other) => panic!("{other}"),
        }
        assert!(sales < 1000, "the disk never became full");
    }
}

#[test]
fn a_full_disk_refuses_the_sale_whole_and_takes_it_once_there_is_room() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    fill(&mut journal);
    let head = journal.head();
    assert!(matches!(journal.append(&sale(500), NOW), Err(JournalError::DiskFull)));
    assert_eq!(journal.head(), head, "nothing is half done");
    limit(&journal, 1000);
    assert_eq!(journal.append(&sale(500), NOW).unwrap(), head.sequence + 1);
    drop(journal);
    assert_eq!(open(&path).unwrap().head().sequence, head.sequence + 1, "and the chain is whole");
}

#[test]
fn the_reserve_is_given_up_for_what_was_begun_and_never_for_a_new_sale() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    let reserve = path.with_extension("reserve");
    assert_eq!(std::fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES as u64);
    fill(&mut journal);
    assert!(reserve.exists(), "a new sale does not take the last space");
    // The page limit stays, so even the second try fails: what counts is that the space was given up for it.
    for sequence in 2..journal.head().sequence {
        if matches!(journal.append(&cash(sequence, 500), NOW), Err(JournalError::DiskFull)) {
            break;
        }
    }
    assert!(!reserve.exists(), "money that was begun may use it");
    limit(&journal, 1000);
    assert!(journal.has_room() && reserve.exists(), "and it is taken back when there is room");
}
