//! The journal on a bad disk, and one that somebody put back.

use super::desk::{Desk, paid_in_journal, seconds};
use evertill_shared::journal::Body;
use evertill_shared::protocol::staff::TerminalRow;
use evertill_shared::terminal_state::TerminalState;
use evertill_tests::process::wait_until;
use std::fs;
use std::path::Path;

/// The till is off: all of the journal goes into its main file, as at an orderly end.
fn into_one_file(journal: &Path) {
    let connection = rusqlite::Connection::open(journal).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn bytes(journal: &Path) -> Vec<Vec<u8>> {
    ["db", "db-wal"].iter().map(|end| fs::read(journal.with_extension(end)).unwrap_or_default()).collect()
}

/// Flips one bit in the file where `text` stands, at the first `part` of it.
fn flip_one_bit(journal: &Path, text: &str, part: &str) {
    let mut file = fs::read(journal).unwrap();
    let found: Vec<usize> = file
        .windows(text.len())
        .enumerate()
        .filter(|(_, w)| *w == text.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert_eq!(found.len(), 1, "the entry stands {} times in the file", found.len());
    file[found[0] + text.find(part).unwrap() + part.len()] ^= 1;
    fs::write(journal, file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_a_flipped_bit_stops_the_till_names_the_entry_and_nothing_is_overwritten() {
    let mut desk = Desk::open().await;
    for goods in [1, 2] {
        desk.sell_for_cash(goods);
        desk.next_sale();
    }
    desk.sees("All sales sent", 20);
    desk.till.power_cut();
    let journal = desk.journal_file();
    let entries = desk.entries();
    let sale = entries.iter().find(|entry| matches!(entry.body, Body::Sale(_))).unwrap().sequence;
    into_one_file(&journal);
    let whole = fs::read(&journal).unwrap();
    let text: String = {
        let connection = rusqlite::Connection::open(&journal).unwrap();
        let query = "SELECT text FROM entry WHERE sequence = ?1";
        connection.query_row(query, [i64::try_from(sale).unwrap()], |row| row.get(0)).unwrap()
    };
    flip_one_bit(&journal, &text, "\"minor\":");
    let damaged = bytes(&journal);

    desk.till.power_on().unwrap();
    desk.sees("The till's journal is damaged", 20);
    desk.sees(&format!("Entry {sale}"), 1);
    desk.sees("use another one, and call IT", 1);
    assert!(!desk.shows("Confirm cash") && !desk.shows("Void sale"), "it sells on a damaged journal");
    desk.tap("Try again");
    desk.sees("The till's journal is damaged", 20);
    let told = desk.verify_journal();
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("Entry {sale} is wrong")), "{said}");
    desk.till.power_cut();
    assert!(bytes(&journal) == damaged, "the damaged file was written to");

    // With the disk as it was, the till goes on where it was.
    fs::write(&journal, whole).unwrap();
    desk.till.power_on().unwrap();
    desk.till.wait("Scan the first item").unwrap();
    desk.sell_for_cash(1);
    assert_eq!(desk.books_agree().await.len(), 3);
}

/// What somebody does who keeps an image of the till's disk.
struct Image(Vec<Vec<u8>>);

impl Image {
    fn of(journal: &Path) -> Self {
        into_one_file(journal);
        Self(bytes(journal))
    }

    fn put_back(&self, journal: &Path) {
        for (end, content) in ["db", "db-wal"].iter().zip(&self.0) {
            fs::write(journal.with_extension(end), content).unwrap();
        }
        let _ = fs::remove_file(journal.with_extension("db-shm"));
    }
}

/// What IT sees of the till.
async fn row(desk: &Desk) -> TerminalRow {
    let rows = desk.rig.staff("it").await.unwrap().terminals().await.unwrap();
    rows.into_iter().find(|row| row.terminal == desk.terminal).unwrap()
}

async fn handed_in(desk: &Desk) -> u64 {
    row(desk).await.journal_sequence
}

async fn wait_until_handed_in(desk: &Desk) -> u64 {
    let last = desk.entries().last().unwrap().sequence;
    for _ in 0..200 {
        if handed_in(desk).await == last {
            return last;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the server never got entry {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_an_older_copy_of_the_disk_is_found_out_and_sells_nothing_under_a_used_number() {
    let mut desk = Desk::open().await;
    desk.sell_for_cash(1);
    desk.next_sale();
    wait_until_handed_in(&desk).await;
    desk.till.power_cut();
    let journal = desk.journal_file();
    let image = Image::of(&journal);
    desk.till.power_on().unwrap();
    desk.till.wait("Scan the first item").unwrap();
    desk.sell_for_cash(2);
    desk.next_sale();
    desk.sees("All sales sent", 20);
    let known = wait_until_handed_in(&desk).await;
    let sold = desk.booked();
    desk.till.power_cut();
    let newest = Image::of(&journal);

    // On line: found out before anything is sold.
    image.put_back(&journal);
    desk.till.power_on().unwrap();
    desk.sees("This till's journal is not the one the server knows", 30);
    desk.sees("use another one, and call IT", 1);
    desk.till.scan(super::desk::GOODS[0]).unwrap();
    desk.tap("Try again");
    assert!(!wait_until(seconds(2), || desk.shows("Void sale")), "it sells on an old disk");
    desk.till.power_cut();
    assert_eq!(desk.entries().len(), 1 + paid_in_journal(&desk.entries()).len() * 3);

    // Off line it cannot know, and sells under a number that was used. Nothing of that may reach the books.
    desk.rig.kill_server();
    desk.till.power_on().unwrap();
    desk.till.wait("Scan the first item").unwrap();
    desk.sell_for_cash(1);
    desk.next_sale();
    desk.sees("1 sale not sent", 10);
    desk.rig.start_server().unwrap();
    desk.sees("This till's journal is not the one the server knows", 60);
    desk.sees("1 sale not sent", 5);
    // IT hears of it without anybody calling: the server has seen the second history, and blocks the till.
    let mut state = None;
    for _ in 0..100 {
        state = row(&desk).await.state;
        if state == Some(TerminalState::Blocked) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(state, Some(TerminalState::Blocked));
    desk.power_cycle();
    desk.sees("This till's journal is not the one the server knows", 30);
    assert_eq!(desk.booked(), sold, "the server's books changed");
    assert_eq!(handed_in(&desk).await, known);
    desk.till.power_cut();
    let verified = desk.verify_journal();
    assert!(verified.status.success(), "an older copy is whole in itself: only the server can tell");

    // With the right disk, and IT's word, the till goes on.
    newest.put_back(&journal);
    desk.till.power_on().unwrap();
    desk.sees("This till is blocked", 30);
    desk.rig.unblock(desk.terminal).await.unwrap();
    desk.till.wait("Scan the first item").unwrap();
    desk.sell_for_cash(1);
    assert_eq!(desk.books_agree().await.len(), 3);
}
