//! Days that are over are countersigned, and in time go into the archive: when nobody needs the till, and not before.

use super::left_parts::left_behind_under;
use super::rig::*;
use crate::controller::*;
use crate::journal_store::{FOLDER, JournalStore};
use crate::sync::Answer;
use crate::view::{Confirm, DayStep, OrdersPage, Page};
use evertill_shared::business_day::business_day_of;
use evertill_shared::journal::{Head, SignedEntry};
use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::store::ServerKeyStatement;
use evertill_shared::protocol::terminal::HandedIn;
use evertill_shared::signing::SigningKey;
use std::path::{Path, PathBuf};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn till() -> (tempfile::TempDir, PathBuf, Till) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    hear(&mut till);
    (dir, path, till)
}

/// The server says how things are, by its clock, which is right.
fn hear(till: &mut Till) {
    let store = identity().store;
    let business_day = business_day_of(till.now.wall, &store.zone, store.cut_off_minutes);
    let status = TerminalStatus { business_day, ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
}

fn sell_tea(till: &mut Till, random: u32) -> u64 {
    let sale = sell_tea_and_stop(till, random);
    till.act(UserAction::NextSale);
    sale
}

/// The same; what was sold last stays on the screen.
fn sell_tea_and_stop(till: &mut Till, random: u32) -> u64 {
    let sale = till.cash_for_tea(random);
    for order in std::mem::take(&mut till.printed) {
        till.give(Input::Printed { job: order.job, report: PrintReport::Confirmed });
    }
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    sale
}

fn days_pass(till: &mut Till, days: u32) {
    till.now.wall = till.now.wall.plus(DAY * days);
    till.now.monotonic += DAY * days;
    hear(till);
    till.pass(1);
}

fn hand_in(till: &mut Till) {
    let journal = till.controller.journal.as_ref().unwrap();
    let head: Head = journal.head();
    till.sent.clear();
    till.give(Input::Net(Answer::HandIn(Ok(HandedIn { head, quarantined: false }))));
}

fn asked(till: &mut Till) -> Option<SignedEntry> {
    till.take(|r| if let Request::Countersign { body } = r { Some(body.last.clone()) } else { None })
}

/// The server's word on that entry, at its present time.
fn countersign(till: &mut Till, last: &SignedEntry) {
    let entry = last.read_unverified().unwrap();
    let statement = DayStatement {
        store: identity().store.id,
        terminal: entry.terminal,
        epoch: entry.epoch,
        day: "2025-11-20".parse().unwrap(),
        from: 1,
        to: entry.sequence,
        hash: last.hash(),
        quarantined: 0,
        at: till.now.wall,
    };
    let server = SigningKey::from_seed(&[9; 32], "server-1".into()).unwrap();
    let root = ServerKeyStatement { text: String::new(), signature: String::new() };
    let signed = Countersigned::sign(&statement, &server, root).unwrap();
    till.give(Input::Net(Answer::Countersign(Ok(signed))));
}

#[test]
fn a_day_is_countersigned_when_it_is_over_and_the_server_has_all_of_it() {
    let (_dir, _path, mut till) = till();
    let sold = sell_tea(&mut till, 1);
    hand_in(&mut till);
    till.pass(1_300);
    assert!(asked(&mut till).is_none(), "the day is not over");
    sell_tea(&mut till, 2);
    till.sent.clear();
    days_pass(&mut till, 1);
    assert!(asked(&mut till).is_none(), "not all of it was handed in");
    hand_in(&mut till);
    sell_tea(&mut till, 3);
    till.pass(700);
    let last = asked(&mut till).unwrap();
    assert_eq!(last.read_unverified().unwrap().sequence, sold + 5, "the last entry of the day, not today's");
    countersign(&mut till, &last);
    assert_eq!(till.controller.journal.as_ref().unwrap().countersigned_to().unwrap(), sold + 5);
    till.sent.clear();
    till.pass(1_300);
    assert!(asked(&mut till).is_none(), "it has been said");
    // A server that refuses it is left alone for a while, and costs no other request its retry.
    days_pass(&mut till, 1);
    hand_in(&mut till);
    till.pass(700);
    assert!(asked(&mut till).is_some());
    till.sent.clear();
    till.give(Input::Net(Answer::Countersign(Err(refused(ErrorCode::BadRequest)))));
    till.pass(500);
    assert!(asked(&mut till).is_none());
    till.pass(120);
    assert!(asked(&mut till).is_some());
}

#[test]
fn a_server_from_before_is_not_asked_and_a_word_on_another_journal_is_not_kept() {
    let (_dir, _path, mut till) = till();
    sell_tea(&mut till, 1);
    till.now.wall = till.now.wall.plus(DAY);
    till.now.monotonic += DAY;
    let status = till.status(TerminalState::Active);
    let status =
        TerminalStatus { countersigns: false, business_day: "2025-11-21".parse().unwrap(), ..status };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    hand_in(&mut till);
    till.pass(1_300);
    assert!(asked(&mut till).is_none());
    let first = till.controller.journal.as_ref().unwrap().entry(1).unwrap();
    let other = SignedEntry { text: first.text.replace("\"at\":", "\"at\":1"), ..first };
    countersign(&mut till, &other);
    assert_eq!(till.controller.journal.as_ref().unwrap().countersigned_to().unwrap(), 0);
    assert!(till.controller.faults.is_empty());
}

/// Two sales, countersigned the day after; and so many days go by.
fn after(days: u32) -> (tempfile::TempDir, PathBuf, Till) {
    let (dir, path, mut till) = till();
    sell_tea(&mut till, 1);
    sell_tea(&mut till, 2);
    hand_in(&mut till);
    days_pass(&mut till, 1);
    let last = asked(&mut till).unwrap();
    countersign(&mut till, &last);
    sell_tea(&mut till, 3);
    days_pass(&mut till, days);
    (dir, path, till)
}

fn archived(path: &Path) -> usize {
    std::fs::read_dir(path.with_file_name(FOLDER)).map_or(0, Iterator::count)
}

#[test]
fn entries_go_into_the_archive_only_while_nobody_needs_the_till() {
    let (_dir, path, mut till) = after(34);
    till.pass(1_300);
    assert_eq!(archived(&path), 0, "the server said so 34 days ago");
    till.scan(TEA);
    days_pass(&mut till, 2);
    till.pass(1_300);
    assert_eq!(archived(&path), 0, "goods are in hand");
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(590);
    assert_eq!(archived(&path), 0, "somebody was here a moment ago");
    till.pass(20);
    assert_eq!(archived(&path), 1);
    // The order is found by its number and its day as before, and printed again as a copy.
    till.act(UserAction::OpenOrders);
    till.act(UserAction::SubmitOrderSearch(number(1).to_string()));
    assert!(matches!(till.page(), Page::Order(page) if page.number.is_some()), "{:?}", till.page());
    let Page::Order(order) = till.page() else { panic!("{:?}", till.page()) };
    assert!(order.can_reprint && !order.can_print, "the customer has had the receipt: {:?}", order.receipt);
    till.printed.clear();
    till.act(UserAction::PrintReceipt);
    assert!(till.printed.is_empty(), "no second original");
    till.act(UserAction::PrintCopy);
    assert!(till.printed[0].receipt.copy);
}

#[test]
fn a_till_that_was_left_with_its_last_sale_on_the_screen_archives_too() {
    let (_dir, path, mut till) = after(36);
    sell_tea_and_stop(&mut till, 9);
    hand_in(&mut till);
    assert!(matches!(till.page(), Page::Done(_)), "{:?}", till.page());
    till.pass(1_300);
    assert_eq!(archived(&path), 1);
}

#[test]
fn the_question_for_an_earlier_customers_cash_may_stand_for_days_and_keeps_nothing_before_it_from_the_archive()
 {
    let (_dir, path, mut till) = after(36);
    left_behind_under(&mut till, 9);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.pass(2);
    assert!(matches!(till.screen.as_ref().unwrap().confirm, Some(Confirm::CashLeft { .. })));
    till.pass(1_300);
    assert_eq!(archived(&path), 1);
}

#[test]
fn a_till_that_archives_never_keeps_everything_where_it_is() {
    let (_dir, path, mut till) = after(0);
    till.controller.options.archive_after_days = 0;
    days_pass(&mut till, 400);
    till.pass(1_300);
    assert_eq!(archived(&path), 0);
}

fn list(till: &Till) -> &OrdersPage {
    let Page::Orders(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

#[test]
fn a_file_of_the_archive_that_is_missing_is_named_and_the_till_sells_on() {
    let (_dir, path, mut till) = after(36);
    till.pass(1_300);
    let file = std::fs::read_dir(path.with_file_name(FOLDER)).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    till.act(UserAction::OpenOrders);
    till.act(UserAction::SetOrderSearch("2025-11-20".into()));
    assert_eq!(list(&till).archive_missing.as_deref(), Some(name));
    till.act(UserAction::SubmitOrderSearch(number(1).to_string()));
    assert_eq!(till.notice(), Some(&Notice::ArchiveMissing { file: name.into() }));
    till.act(UserAction::OrdersOf(DayStep::Today));
    assert_eq!(list(&till).archive_missing, None);
    till.act(UserAction::Back);
    sell_tea(&mut till, 4);
    // A server that lost everything asks for entries that are in that file: it gets none, and all else goes on.
    let nothing = TerminalStatus { journal_head: start_head(), ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(nothing))));
    till.sent.clear();
    till.pass(200);
    assert!(till.sent.iter().all(|request| !matches!(request, Request::HandIn { .. })));
    assert!(till.controller.faults.is_empty(), "{:?}", till.controller.faults);
    sell_tea(&mut till, 5);
}

#[test]
fn a_server_that_lost_the_journal_gets_it_from_the_archive() {
    let (_dir, path, mut till) = after(36);
    till.pass(1_300);
    assert_eq!(archived(&path), 1);
    let nothing = TerminalStatus { journal_head: start_head(), ..till.status(TerminalState::Active) };
    till.give(Input::Net(Answer::Heartbeat(Ok(nothing))));
    till.sent.clear();
    till.pass(100);
    let body = till.take(|r| if let Request::HandIn { body } = r { Some(body.clone()) } else { None });
    let sequences: Vec<u64> =
        body.unwrap().entries.iter().map(|entry| entry.read_unverified().unwrap().sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6, 7]);
    drop(till);
    assert!(JournalStore::open(&path, start_head(), key(), NOON).is_ok());
}
