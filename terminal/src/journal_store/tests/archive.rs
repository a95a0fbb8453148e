//! Entries that go into the archive: none is lost, none is there twice, all is found as before; and what is not over stays.

mod pieces;
mod printed;

use super::*;
use evertill_shared::journal::EntryHash;
use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
use evertill_shared::protocol::store::ServerKeyStatement;
use evertill_shared::shift::{Counted, Pending};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const DAY: i64 = 24 * 3_600_000;
/// Later than any word of a server here.
const LATE: Timestamp = Timestamp(i64::MAX);

fn at(day: i64) -> Timestamp {
    Timestamp(NOW.0 + day * DAY)
}

/// A sale paid in cash and known to the server: three entries.
fn sell(journal: &mut JournalStore, at: Timestamp, minor: i64) -> u64 {
    let line = Line::new("p".into(), "Tea".into(), 1, cny(minor), TaxRate(1300)).unwrap();
    let sale = Sale::new(store_id(), at, Currency::CNY, vec![line]).unwrap();
    let sold = journal.append(&Body::Sale(sale), at).unwrap();
    let number = order_number(sold);
    journal.append(&Body::Adopted { sale: sold, number }, at).unwrap();
    journal.append(&cash(sold, minor), at).unwrap();
    journal.confirm_sale(sold, sold.is_multiple_of(4)).unwrap();
    sold
}

fn order_number(sale: u64) -> OrderNumber {
    number(u32::try_from(sale).unwrap())
}

/// A server's word on everything up to this entry, at that time.
fn word(journal: &JournalStore, to: u64, at: Timestamp) -> Countersigned {
    let entry = journal.entry(to).unwrap();
    let statement = DayStatement {
        store: store_id(),
        terminal: start().terminal,
        epoch: 1,
        day: "2026-11-20".parse().unwrap(),
        from: 1,
        to,
        hash: entry.hash(),
        quarantined: 0,
        at,
    };
    let server = SigningKey::from_seed(&[9; 32], "server-1".into()).unwrap();
    let root = ServerKeyStatement { text: String::new(), signature: String::new() };
    Countersigned::sign(&statement, &server, root).unwrap()
}

fn say(journal: &mut JournalStore, to: u64, at: Timestamp) {
    let word = word(journal, to, at);
    assert!(journal.keep_countersigned(&word).unwrap());
}

/// Twenty days of three sales each, with a refund and a copy of its receipt on the third, all of it countersigned.
fn shop(path: &Path) -> JournalStore {
    let mut journal = open(path).unwrap();
    for day in 0..20 {
        for sale in 0..3 {
            let sold = sell(&mut journal, at(day), 500 + day * 10 + sale);
            if (day, sale) == (2, 1) {
                refund(&mut journal, sold, at(day));
                let receipt = copy_of(&journal, sold);
                let job = journal.new_print_job(&format!("sale:{sold}"), &receipt, at(day)).unwrap();
                journal.set_print_job(job.id, PrintJobState::Confirmed).unwrap();
            }
        }
    }
    let head = journal.head().sequence;
    say(&mut journal, head, at(20));
    journal
}

fn refund(journal: &mut JournalStore, sold: u64, at: Timestamp) {
    let (refund, number) = (RefundId(format!("R{sold}")), order_number(sold));
    let carried = Body::RefundCarriedOut { refund: refund.clone(), number, amount: cny(100), cashier: None };
    journal.append(&carried, at).unwrap();
    journal.append(&Body::RefundSettled { refund, outcome: RefundSettled::Done }, at).unwrap();
}

fn copy_of(journal: &JournalStore, sold: u64) -> Receipt {
    let record = journal.sale(sold).unwrap().unwrap().record;
    let receipt = crate::print::receipt_of_sale(&crate::controller::tests_identity(), &record);
    Receipt { copy: true, ..receipt }
}

fn all_entries(journal: &JournalStore) -> Vec<SignedEntry> {
    let mut all: Vec<SignedEntry> = Vec::new();
    loop {
        let after = u64::try_from(all.len()).unwrap();
        let next = journal.entries_after(after, 7).unwrap();
        if next.is_empty() {
            return all;
        }
        all.extend(next);
    }
}

/// Everything that anybody asks a journal about its sales.
fn books(journal: &JournalStore) -> Vec<String> {
    let head = journal.head().sequence;
    let mut told = vec![format!("{head} {:?}", journal.queue().unwrap())];
    for sequence in 1..=head {
        let Some(sale) = journal.sale(sequence).unwrap() else { continue };
        told.push(format!("{sale:?} {}", journal.copies(&format!("sale:{sequence}")).unwrap()));
        let number = sale.record.number().unwrap();
        assert_eq!(journal.sale_of_order(number).unwrap().as_ref(), Some(&sale));
        told.push(format!("{:?}", journal.refunds_of(number).unwrap()));
    }
    let mut wanted = SalesWanted { limit: 8, ..SalesWanted::default() };
    loop {
        let page = journal.find_sales(&wanted).unwrap();
        told.extend(page.iter().map(|sale| format!("listed {}", sale.record.sequence)));
        let Some(last) = page.last() else { break };
        wanted.after = Some((last.record.sale.at, last.record.sequence));
    }
    for day in -1..22 {
        let (from, until) = (Some(at(day)), Some(at(day + 1)));
        let of_day = SalesWanted { from, until, limit: 9, ..SalesWanted::default() };
        told.push(format!("{:?}", journal.find_sales(&of_day).unwrap()));
        let total = SalesWanted { total_minor: Some(500 + day * 10), limit: 9, ..SalesWanted::default() };
        told.push(format!("{:?}", journal.find_sales(&total).unwrap()));
        told.push(format!("{:?}", journal.nearest_sale(from, None).unwrap()));
        told.push(format!("{:?}", journal.nearest_sale(None, from).unwrap()));
    }
    told
}

/// Moves all that may go, at most so much at a time.
fn archive(journal: &mut JournalStore, said_before: Timestamp, at_most: u64) -> u64 {
    let mut moved = 0;
    loop {
        let part = journal.archive(said_before, at_most).unwrap();
        moved += part.entries;
        if !part.more {
            return moved;
        }
        assert!(part.entries > 0);
    }
}

fn in_file(path: &Path) -> u64 {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap()
}

#[test]
fn what_is_in_the_archive_is_found_as_before_and_the_chain_goes_on() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    let (entries, told, head) = (all_entries(&journal), books(&journal), journal.head());
    assert_eq!(
        archive(&mut journal, LATE, 25),
        head.sequence - 3,
        "the last sale stays, since the last entry does"
    );
    assert_eq!(in_file(&path), 3);
    for round in 0..2 {
        assert_eq!(all_entries(&journal), entries, "{round}");
        assert_eq!(books(&journal), told, "{round}");
        assert_eq!(journal.head(), head);
        for sequence in 1..=head.sequence {
            let place = usize::try_from(sequence).unwrap() - 1;
            assert_eq!(journal.entry(sequence).unwrap(), entries[place]);
        }
        drop(journal);
        journal = open(&path).unwrap();
    }
    // It sells on, and the refund that was is not carried out a second time.
    sell(&mut journal, at(21), 700);
    let again = Body::RefundCarriedOut {
        refund: RefundId("R23".into()),
        number: order_number(23),
        amount: cny(100),
        cashier: None,
    };
    assert!(journal.refund(&RefundId("R23".into())).unwrap().is_some());
    let refused = journal.append(&again, at(21));
    assert!(matches!(refused, Err(JournalError::Rule(RuleBroken::RefundBefore(_)))), "{refused:?}");
}

#[test]
fn nothing_goes_that_no_server_has_countersigned_for_long_enough() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    for day in 0..4 {
        sell(&mut journal, at(day), 500);
        let head = journal.head().sequence;
        if day < 3 {
            say(&mut journal, head, at(day + 1));
        }
    }
    assert_eq!(archive(&mut journal, at(1), 100), 0, "said in that very moment");
    assert_eq!(journal.countersigned_to().unwrap(), 10);
    // The first entry, and three of each sale.
    assert_eq!(archive(&mut journal, Timestamp(at(2).0 + 1), 100), 7);
    assert_eq!(archive(&mut journal, LATE, 100), 3);
    assert_eq!(
        (archive(&mut journal, LATE, 100), in_file(&path)),
        (0, 3),
        "what was not countersigned stays"
    );
    assert_eq!(journal.countersigned_to().unwrap(), 10, "and nothing is asked for twice");
}

#[test]
fn a_word_on_another_journal_or_another_entry_is_not_kept() {
    let mut journal = memory();
    sell(&mut journal, at(0), 500);
    let right = word(&journal, 3, at(1));
    let changed = |from: &str, to: &str| {
        let text = right.text.replace(from, to);
        assert_ne!(text, right.text);
        Countersigned { text, ..right.clone() }
    };
    let other_hash = journal.entry(4).unwrap().hash().to_string();
    let wrong = [
        changed(r#""terminal":1"#, r#""terminal":2"#),
        changed(r#""epoch":1"#, r#""epoch":2"#),
        changed(&journal.entry(3).unwrap().hash().to_string(), &other_hash),
        changed(r#""to":3"#, r#""to":4"#),
        changed(r#""to":3"#, r#""to":40"#),
        changed(r#""to":3"#, r#""to":0"#),
    ];
    for wrong in wrong {
        assert!(!journal.keep_countersigned(&wrong).unwrap(), "{}", wrong.text);
    }
    assert_eq!(journal.countersigned_to().unwrap(), 0);
    assert!(journal.keep_countersigned(&right).unwrap());
}

/// How much goes when this is done on the second of three days.
fn goes_when(on_the_second_day: impl Fn(&mut JournalStore)) -> (u64, JournalStore, tempfile::TempDir) {
    let (dir, path) = file();
    let mut journal = open(&path).unwrap();
    sell(&mut journal, at(0), 500);
    on_the_second_day(&mut journal);
    sell(&mut journal, at(2), 500);
    let head = journal.head().sequence;
    say(&mut journal, head, at(3));
    let moved = archive(&mut journal, LATE, 100);
    drop(journal);
    let journal = open(&path).unwrap();
    (moved, journal, dir)
}

#[test]
fn what_is_not_over_stays_and_all_that_comes_after_it() {
    // Entries 1 to 4 are the first day's.
    let open_sale = goes_when(|journal| {
        journal.append(&sale(500), at(1)).unwrap();
    });
    assert_eq!((open_sale.0, open_sale.1.open_sales().unwrap().len()), (4, 1));
    let unsettled = goes_when(|journal| {
        let sold = journal.append(&sale(500), at(1)).unwrap();
        journal.append(&Body::Adopted { sale: sold, number: number(1) }, at(1)).unwrap();
        journal.append(&requested(sold, 1, 500), at(1)).unwrap();
    });
    assert_eq!(unsettled.0, 4, "nobody knows yet whether it was paid");
    let unsent = goes_when(|journal| {
        let sold = journal.append(&sale(500), at(1)).unwrap();
        journal.append(&cash(sold, 500), at(1)).unwrap();
    });
    assert_eq!((unsent.0, unsent.1.queue().unwrap().len()), (4, 1));
    let open_refund = goes_when(|journal| {
        let refund = RefundId("R1".into());
        let (number, amount) = (order_number(2), cny(100));
        let carried = Body::RefundCarriedOut { refund, number, amount, cashier: None };
        journal.append(&carried, at(1)).unwrap();
    });
    assert_eq!(open_refund.0, 1, "nor the sale that it is of");
    let shift = Body::ShiftOpened { float: cny(100), cashier: None, approved_by: None };
    let open_shift = goes_when(move |journal| {
        journal.append(&shift, at(1)).unwrap();
        sell(journal, at(1), 600);
    });
    assert_eq!((open_shift.0, open_shift.1.last_shift().unwrap().unwrap().opened), (4, 5));
}

#[test]
fn the_report_of_the_last_shift_outlives_its_entries() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    for day in 0..3 {
        let shift = Body::ShiftOpened { float: cny(100), cashier: None, approved_by: None };
        journal.append(&shift, at(day)).unwrap();
        sell(&mut journal, at(day), 500);
        let shift = journal.last_shift().unwrap().unwrap();
        let counted = vec![Counted { value_minor: 100, pieces: 6 }];
        let closing = shift.closing(counted, Pending::default());
        journal.append(&Body::ShiftClosed(Box::new(closing)), at(day)).unwrap();
    }
    sell(&mut journal, at(3), 500);
    let last = journal.last_closed_shift().unwrap().unwrap();
    let head = journal.head().sequence;
    say(&mut journal, head, at(4));
    assert_eq!(archive(&mut journal, LATE, 2), head - 3, "a shift goes as a whole");
    for _ in 0..2 {
        assert_eq!(journal.last_closed_shift().unwrap().as_ref(), Some(&last));
        drop(journal);
        journal = open(&path).unwrap();
    }
}

/// The files of the archive beside this journal, by name.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path.with_file_name(FOLDER)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_till_that_stops_after_the_file_and_before_the_journal_loses_and_doubles_nothing() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    let entries = all_entries(&journal);
    // As if the disk had taken the file, and the transaction had not begun: a copy of till.db from before.
    let copy = std::fs::read(&path).unwrap();
    let wal = std::fs::read(path.with_extension("db-wal")).unwrap();
    journal.archive(LATE, 25).unwrap();
    drop(journal);
    let there = files(&path);
    std::fs::write(&path, copy).unwrap();
    std::fs::write(path.with_extension("db-wal"), wal).unwrap();
    let _ = std::fs::remove_file(path.with_extension("db-shm"));
    let mut journal = open(&path).unwrap();
    assert_eq!(all_entries(&journal), entries, "nothing has happened");
    archive(&mut journal, LATE, 25);
    assert_eq!(all_entries(&journal), entries);
    assert!(files(&path).starts_with(&there), "the file that was there is used");
}

#[test]
fn a_file_of_that_name_that_says_something_else_is_put_aside_and_not_used() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    let entries = all_entries(&journal);
    let name = path.with_file_name(FOLDER).join("T0001-1-0000000001-0000000022.jsonl.gz");
    std::fs::create_dir_all(name.parent().unwrap()).unwrap();
    std::fs::write(&name, b"somebody else's").unwrap();
    assert_eq!(journal.archive(LATE, 25).unwrap(), Archived { entries: 22, more: true });
    assert_eq!(all_entries(&journal), entries);
    let aside: Vec<_> =
        files(&path).into_iter().filter(|file| file.to_string_lossy().contains("aside")).collect();
    assert_eq!(std::fs::read(&aside[0]).unwrap(), b"somebody else's", "nothing is written over");
}

#[test]
fn a_file_that_is_missing_or_damaged_is_named_and_the_till_sells_on() {
    for how in 0..3_usize {
        let (_dir, path) = file();
        let mut journal = shop(&path);
        archive(&mut journal, LATE, 25);
        drop(journal);
        let first = files(&path)[0].clone();
        let bytes = std::fs::read(&first).unwrap();
        match how {
            0 => std::fs::remove_file(&first).unwrap(),
            1 => std::fs::write(&first, &bytes[..bytes.len() / 2]).unwrap(),
            // A whole file, signed, but another than the one that was written.
            _ => drop(std::fs::copy(&files(&path)[1], &first).unwrap()),
        }
        let mut journal = open(&path).unwrap();
        let name = first.file_name().unwrap().to_str().unwrap();
        let named = |error: &JournalError| {
            assert!(matches!(error, JournalError::Archive { file, .. } if file == name), "{error}");
            assert!(!error.is_fatal() && error.to_string().contains(name), "{error}");
        };
        named(&journal.sale(2).unwrap_err());
        named(&journal.sale_of_order(order_number(2)).unwrap_err());
        named(&journal.entries_after(0, 9).unwrap_err());
        named(&journal.entry(3).unwrap_err());
        let of_day = SalesWanted { until: Some(at(1)), limit: 9, ..SalesWanted::default() };
        named(&journal.find_sales(&of_day).unwrap_err());
        // What is in other files and in the journal is there.
        assert!(journal.sale(journal.head().sequence - 2).unwrap().is_some());
        assert!(journal.sale_of_order(order_number(43)).unwrap().is_some());
        sell(&mut journal, at(30), 500);
    }
}

#[test]
fn every_flipped_byte_of_a_file_is_noticed() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    archive(&mut journal, LATE, 25);
    let first = files(&path)[0].clone();
    let whole = std::fs::read(&first).unwrap();
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        std::fs::write(&first, &bytes).unwrap();
        // Whatever the unpacker forgives, such as the time in the title, the digest of the file does not.
        let digest = Segment::read(&first).map(|segment| segment.digest);
        let was = hex::encode(ring::digest::digest(&ring::digest::SHA256, &whole));
        assert!(digest.is_err() || digest.as_ref() != Ok(&was), "byte {place}");
    }
}

fn altered(sql: &str) -> JournalError {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    archive(&mut journal, LATE, 25);
    for _ in 0..4 {
        sell(&mut journal, at(21), 500);
    }
    drop(journal);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&format!("DROP TRIGGER entry_is_append_only_d; {sql}")).unwrap();
    drop(connection);
    match open(&path) {
        Err(error) => error,
        Ok(_) => panic!("{sql} was not noticed"),
    }
}

#[test]
fn a_note_about_the_archive_that_somebody_changed_is_noticed() {
    for sql in [
        "UPDATE archived SET record = replace(record, '\"sequence\":', '\"sequence\":1')",
        "UPDATE archived SET sequence = sequence - 1",
        "UPDATE archived SET record = 'x'",
        "DELETE FROM archived",
        "DELETE FROM entry WHERE sequence = (SELECT min(sequence) FROM entry)",
        "DELETE FROM entry WHERE sequence = (SELECT max(sequence) FROM entry)",
    ] {
        let error = altered(sql);
        assert!(matches!(error, JournalError::Damaged { .. }), "{sql}: {error}");
    }
}

#[test]
fn entries_cannot_be_taken_out_beside_the_archive() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    archive(&mut journal, LATE, 25);
    let refused = Connection::open(&path).unwrap().execute("DELETE FROM entry", []).unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
}

#[test]
fn the_note_of_what_was_verified_goes_on_counting_and_hides_no_damage() {
    for damage in [false, true] {
        let (_dir, path) = file();
        let mut journal = shop(&path);
        let head = journal.head();
        let mut running = Running::from(1);
        for (sequence, entry) in (1..).zip(all_entries(&journal)) {
            running.take(sequence, &entry.text, &entry.signature);
        }
        Checkpoint::write(&journal.connection, head, &running, &key()).unwrap();
        if damage {
            // The disk forgets a signature while the till runs; the links say nothing about signatures.
            let sql = "DROP TRIGGER entry_is_append_only_u;
                UPDATE entry SET signature = 'A' || substr(signature, 2, 84) || 'AA=' WHERE sequence = 183";
            journal.connection.execute_batch(sql).unwrap();
        }
        assert!(archive(&mut journal, LATE, 25) > 150);
        let note = Checkpoint::read(&journal.connection, &key().public());
        drop(journal);
        match damage {
            false => {
                let note = note.unwrap();
                assert_eq!((note.head, note.from), (head, head.sequence - 2));
                assert_eq!(open(&path).unwrap().head(), head);
            }
            true => {
                assert_eq!(note, None, "what is not as it was is verified anew");
                let Err(JournalError::Damaged { entry, .. }) = open(&path) else { panic!("not noticed") };
                assert_eq!(entry, 183);
            }
        }
    }
}

#[test]
fn whatever_is_altered_in_what_the_archive_is_found_by_the_till_opens_and_sells() {
    for sql in [
        "UPDATE countersigned SET statement = substr(statement, 2)",
        "UPDATE countersigned SET at_ms = 0, sequence = sequence - 1",
        "DELETE FROM countersigned",
        "UPDATE archive_file SET sha256 = replace(sha256, 'a', 'b')",
        "UPDATE archive_file SET name = 'x' || name",
        "UPDATE archive_file SET last = last + 1, first = first + 1",
        "DELETE FROM archive_file",
        "UPDATE archived_sale SET number = NULL, at_ms = at_ms + 7, total_minor = 1",
        "UPDATE archived_sale SET sequence = sequence + 1",
        "DELETE FROM archived_sale",
        "UPDATE archived_refund SET record = substr(record, 2)",
        // Rows where others will want to be.
        "INSERT INTO archived_sale SELECT sequence, at_ms, 1, NULL, 0, 0 FROM sale",
        "INSERT INTO archive_file SELECT sequence, sequence, 'x', 'y' FROM entry",
        "INSERT INTO archived_refund SELECT id, 'x', 'y' FROM refund",
    ] {
        let (_dir, path) = file();
        let mut journal = shop(&path);
        assert!(journal.archive(LATE, 25).unwrap().more);
        drop(journal);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let mut journal = open(&path).unwrap();
        // Whatever is said of old sales, it is no other sale than the one that was asked for.
        for sequence in 1..=journal.head().sequence {
            if let Ok(Some(found)) = journal.sale(sequence) {
                assert_eq!(found.record.sequence, sequence, "{sql}");
            }
        }
        if let Ok(Some(found)) = journal.sale_of_order(order_number(11)) {
            assert_eq!(found.record.number(), Some(order_number(11)), "{sql}");
        }
        let today = SalesWanted { from: Some(at(19)), limit: 9, ..SalesWanted::default() };
        assert_eq!(journal.find_sales(&today).unwrap().len(), 3, "{sql}");
        for _ in 0..3 {
            let _ = journal.archive(LATE, 25).is_ok();
        }
        sell(&mut journal, at(30), 500);
        let head = journal.head();
        drop(journal);
        assert_eq!(open(&path).unwrap().head(), head, "{sql}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_leaves_everything_where_it_was() {
    let (_dir, path) = file();
    let mut journal = shop(&path);
    std::fs::write(path.with_file_name(FOLDER), b"in the way").unwrap();
    let entries = in_file(&path);
    let error = journal.archive(LATE, 25).unwrap_err();
    assert!(matches!(error, JournalError::Archive { .. }), "{error}");
    assert_eq!(in_file(&path), entries);
    sell(&mut journal, at(21), 500);
    std::fs::remove_file(path.with_file_name(FOLDER)).unwrap();
    assert!(journal.archive(LATE, 25).unwrap().entries > 0, "and goes on when it can");
}

#[test]
fn the_whole_journal_is_one_file_again_and_right_to_the_last_signature() {
    let (dir, path) = file();
    let mut journal = shop(&path);
    let (entries, head) = (all_entries(&journal), journal.head());
    archive(&mut journal, LATE, 25);
    drop(journal);
    let connection = open_read_only(&path).unwrap();
    let folder = path.with_file_name(FOLDER);
    let mut followed = 0;
    let count = |_: &Entry| {
        followed += 1;
        Ok(())
    };
    assert_eq!(follow_whole(&connection, &folder, key().public(), count).unwrap(), head);
    assert_eq!(followed, head.sequence);
    let whole = dir.path().join("whole.db");
    assert_eq!(write_whole(&connection, &folder, &whole).unwrap(), head);
    assert!(write_whole(&connection, &folder, &whole).is_err(), "nothing is written over");
    let again = open(&whole).unwrap();
    assert_eq!((all_entries(&again), again.head()), (entries, head));
    assert!(again.last_shift().unwrap().is_none());
    std::fs::remove_file(&files(&path)[1]).unwrap();
    let error = follow_whole(&connection, &folder, key().public(), |_| Ok(())).unwrap_err();
    assert!(matches!(error, JournalError::Archive { .. }), "{error}");
}

const CHILD: &str = "EVERTILL_TEST_ARCHIVE";

/// Not a test by itself: the process that is killed. It sells, has itself countersigned, and archives, all the time.
#[test]
fn sells_and_archives_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut journal = open(Path::new(&path)).unwrap();
    for day in 0.. {
        let sold = sell(&mut journal, at(day), 500);
        println!("acknowledged {} {}", sold, journal.entry(sold).unwrap().hash());
        let head = journal.head().sequence;
        say(&mut journal, head, at(day));
        journal.archive(LATE, 7).unwrap();
    }
}

#[test]
fn kill_9_at_any_moment_of_it_loses_nothing_and_doubles_nothing() {
    let (_dir, path) = file();
    let mut acknowledged: BTreeSet<(u64, String)> = BTreeSet::new();
    for lines in [1, 2, 3, 5, 8, 13] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "journal_store::tests::archive::sells_and_archives_until_it_is_killed",
            ])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let told = output.lines().map_while(Result::ok).filter_map(|line| {
            let (_, told) = line.split_once("acknowledged ")?;
            let (sold, hash) = told.split_once(' ')?;
            Some((sold.parse().ok()?, hash.to_owned()))
        });
        acknowledged.extend(told.take(lines));
        child.kill().unwrap();
        child.wait().unwrap();
        let journal = open(&path).unwrap();
        let entries = all_entries(&journal);
        assert_eq!(u64::try_from(entries.len()).unwrap(), journal.head().sequence, "each once");
        let mut previous = EntryHash::NONE;
        for (place, signed) in entries.iter().enumerate() {
            let entry = signed.verify(&key().public()).unwrap();
            assert_eq!((entry.sequence, entry.previous), (u64::try_from(place).unwrap() + 1, previous));
            previous = signed.hash();
        }
        for (sold, hash) in &acknowledged {
            let place = usize::try_from(*sold).unwrap() - 1;
            assert_eq!(entries[place].hash().to_string(), *hash);
            assert!(journal.sale(*sold).unwrap().is_some_and(|sale| sale.record.is_paid()));
        }
    }
    assert!(files(&path).len() > 3, "it did archive");
}
