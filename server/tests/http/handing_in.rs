//! The journal arrives in order, once, and a second history is found (rule *chain*).

use crate::rig::{Server, Store, Till};
use evertill_shared::journal::SignedEntry;
use evertill_shared::protocol::countersign::{Countersign, Countersigned};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::terminal_state::TerminalState;

async fn hand_in(server: &Server, till: &Till, entries: &[SignedEntry]) -> crate::rig::Came {
    let request = HandIn { entries: entries.to_vec() };
    server.ask(&till.key, "POST", path::JOURNAL, Some(&request)).await
}

async fn shop() -> (Store, Server, Till) {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    (store, server, till)
}

/// All entries in all groups, as rows.
fn kept(store: &Store) -> u64 {
    (0..3)
        .map(|tag| {
            let file = store.dir.path().join(format!("data/groups/{tag:02}.db"));
            let group = rusqlite::Connection::open(file).unwrap();
            let sql = "SELECT count(*) FROM journal_entries";
            let count: i64 = group.query_row(sql, [], |row| row.get(0)).unwrap();
            u64::try_from(count).unwrap()
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_kept_once_however_often_they_come() {
    let (store, server, mut till) = shop().await;
    let entries: Vec<_> = (0..10).map(|at| till.write(at)).collect();
    for part in [&entries[..4], &entries[..4], &entries[2..7], &entries[..], &[]] {
        let taken: HandedIn = hand_in(&server, &till, part).await.json();
        assert!(!taken.quarantined);
    }
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert_eq!(status.journal_head, till.head);
    assert_eq!(kept(&store), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_told_and_over_once_the_missing_entries_come() {
    let (_store, server, mut till) = shop().await;
    let entries: Vec<_> = (0..6).map(|at| till.write(at)).collect();
    assert_eq!(hand_in(&server, &till, &entries[..2]).await.status, 200);
    let broken = hand_in(&server, &till, &entries[4..]).await;
    assert_eq!(broken.code(), ErrorCode::ChainBroken);
    assert!(broken.error().message.contains("entry 3 is missing"), "{}", broken.error().message);
    let base = &server.app().base;
    assert!(base.fault_of(till.terminal, 1).await.unwrap().is_some());
    assert_eq!(hand_in(&server, &till, &entries[2..]).await.status, 200);
    assert_eq!(base.fault_of(till.terminal, 1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_put_back_to_an_older_image_is_found_and_blocked() {
    let (store, server, mut till) = shop().await;
    let mut entries: Vec<_> = (0..3).map(|at| till.write(at)).collect();
    let image = till.head;
    entries.push(till.write(3));
    assert_eq!(hand_in(&server, &till, &entries).await.status, 200);
    let honest = till.head;
    till.head = image;
    let other = till.write(99);
    let forked = hand_in(&server, &till, std::slice::from_ref(&other)).await;
    assert_eq!(forked.code(), ErrorCode::ChainBroken);
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert_eq!((status.state, status.journal_head), (TerminalState::Blocked, honest));
    assert_eq!(kept(&store), 4, "the second history is not merged");
    let fault = server.app().base.fault_of(till.terminal, 1).await.unwrap();
    assert!(fault.unwrap().0.contains("entry 4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tills_journal_is_not_taken() {
    let (_store, server, mut till) = shop().await;
    let it = server.log_in("ivy").await;
    let other = server.active_till(&it, 2).await;
    let entries = vec![till.write(1)];
    assert_eq!(hand_in(&server, &other, &entries).await.code(), ErrorCode::ChainBroken);
    let status: TerminalStatus = server.get(&other.key, path::TERMINAL).await.json();
    assert_eq!(status.state, TerminalState::Active, "it has not written a second history of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_entries_at_a_time_are_refused() {
    let (_store, server, mut till) = shop().await;
    let entries: Vec<_> = (0..=200).map(|at| till.write(at)).collect();
    assert_eq!(hand_in(&server, &till, &entries).await.code(), ErrorCode::BadRequest);
    assert_eq!(hand_in(&server, &till, &entries[..200]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_gone_does_not_keep_a_journal_from_being_kept() {
    let store = Store::new();
    std::fs::create_dir_all(store.dir.path().join("data/groups")).unwrap();
    for tag in 0..2 {
        std::fs::write(store.dir.path().join(format!("data/groups/{tag:02}.db")), b"rubbish".repeat(999))
            .unwrap();
    }
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    let entries = vec![till.write(1), till.write(2)];
    assert_eq!(hand_in(&server, &till, &entries).await.json::<HandedIn>().head, till.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_over_is_countersigned_and_another_tills_is_not() {
    let (store, server, mut till) = shop().await;
    let entries: Vec<_> = (0..3).map(|at| till.write(at)).collect();
    let ask = async |till: &Till, entry: &SignedEntry| {
        let request = Countersign { last: entry.clone() };
        server.ask(&till.key, "POST", path::COUNTERSIGN, Some(&request)).await
    };
    assert_eq!(ask(&till, &entries[2]).await.code(), ErrorCode::BadRequest, "nobody has it");
    assert_eq!(hand_in(&server, &till, &entries).await.status, 200);
    let said: Countersigned = ask(&till, &entries[2]).await.json();
    let statement = said.verify(&crate::rig::response_key()).unwrap();
    assert_eq!((statement.terminal, statement.from, statement.to), (till.terminal, 1, till.head.sequence));
    assert_eq!(statement.hash, till.head.hash);
    assert_eq!(ask(&till, &entries[2]).await.json::<Countersigned>(), said, "the same words");
    let it = server.log_in("ivy").await;
    let other = server.active_till(&it, 2).await;
    assert_eq!(ask(&other, &entries[2]).await.code(), ErrorCode::BadRequest);
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert!(status.countersigns);
    drop(store);
}
