//! Kill -9 at any moment: what was acknowledged is there, and what is there is right.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const CHILD: &str = "EVERTILL_TEST_JOURNAL";

/// Not a test by itself: the process that is killed.
#[test]
fn appends_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut journal = open(Path::new(&path)).unwrap();
    loop {
        let sale_entry = journal.append(&sale(500), NOW).unwrap();
        println!("acknowledged {sale_entry}");
        let cash_entry = journal.append(&cash(sale_entry, 500), NOW).unwrap();
        println!("acknowledged {cash_entry}");
    }
}

#[test]
fn every_acknowledged_entry_survives_kill_9() {
    let (_dir, path) = file();
    let mut last = 0;
    for lines in [1, 2, 7, 20, 33] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "journal_store::tests::kill::appends_until_it_is_killed"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let acknowledged = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.split_once("acknowledged ").and_then(|(_, n)| n.parse::<u64>().ok()))
            .take(lines)
            .last()
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(acknowledged > last);
        let journal = open(&path).unwrap();
        assert!(journal.head().sequence >= acknowledged, "{} < {acknowledged}", journal.head().sequence);
        last = journal.head().sequence;
        let cash_entries =
            journal.recent_sales(10_000).unwrap().iter().filter(|s| s.record.is_paid()).count();
        assert_eq!(
            journal.queue().unwrap().len(),
            cash_entries,
            "each sale paid in cash is in the queue, once"
        );
    }
}

#[test]
fn at_every_step_of_a_sale_a_copy_of_the_disk_opens_where_it_stood() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    let steps = [
        sale(500),
        Body::Adopted { sale: 2, number: number(1) },
        requested(2, 1, 500),
        Body::PaymentSettled { sale: 2, attempt: 1, outcome: Settled::Reversed },
    ];
    for (step, body) in steps.into_iter().enumerate() {
        journal.append(&body, NOW).unwrap();
        // What kill -9 leaves: the files as they are, with the journal still open.
        let copy = tempfile::tempdir().unwrap();
        let there = copy.path().join("till.db");
        for end in ["db", "db-wal"] {
            std::fs::copy(path.with_extension(end), there.with_extension(end)).unwrap();
        }
        let found = open(&there).unwrap();
        assert_eq!(found.head(), journal.head());
        let record = found.open_sales().unwrap().pop().unwrap();
        assert_eq!(record.adopted.is_some(), step >= 1);
        assert_eq!(record.unsettled().is_some(), step == 2);
        assert_eq!(record.attempts.len(), usize::from(step >= 2));
    }
}
