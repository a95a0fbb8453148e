//! Print jobs of what is in the archive: none stays that nobody can ask for.

use super::*;

/// What print jobs are about, in the order in which they were made.
fn printed(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT about FROM print_job ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn print_jobs_of_refunds_and_of_shifts_go_with_their_entries_but_for_the_last_shifts() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    let mut all = Vec::new();
    for day in 0..3 {
        let opening = Body::ShiftOpened { float: cny(100), cashier: None, approved_by: None };
        let opened = journal.append(&opening, at(day)).unwrap();
        let sold = sell(&mut journal, at(day), 500);
        refund(&mut journal, sold, at(day));
        let receipt = copy_of(&journal, sold);
        let shift = journal.last_shift().unwrap().unwrap();
        let counted = vec![Counted { value_minor: 100, pieces: 6 }];
        let closing = shift.closing(counted, Pending::default());
        journal.append(&Body::ShiftClosed(Box::new(closing)), at(day)).unwrap();
        for about in [format!("refund:R{sold}"), format!("x:{opened}"), format!("z:{opened}")] {
            journal.new_print_job(&about, &receipt, at(day)).unwrap();
            all.push(about);
        }
    }
    // The third day's refund is in the same part of the archive as its shift: only the reports can be asked for again.
    let sold = sell(&mut journal, at(3), 500);
    refund(&mut journal, sold, at(3));
    journal.new_print_job(&format!("refund:R{sold}"), &copy_of(&journal, sold), at(3)).unwrap();
    all.push(format!("refund:R{sold}"));
    sell(&mut journal, at(3), 500);
    assert_eq!(printed(&path), all);
    let head = journal.head().sequence;
    say(&mut journal, head, at(4));
    assert!(archive(&mut journal, LATE, 2) > 0);
    assert_eq!(printed(&path), all[7..9], "what can still be asked for");
    let last = journal.last_closed_shift().unwrap().unwrap();
    assert!(journal.last_print_job(&format!("z:{}", last.opened)).unwrap().is_some());
}
