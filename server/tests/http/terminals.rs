//! Blocking a till (rule *block-means-block*), and what happens while the base store cannot be read.

use crate::rig::{Server, Store, Till};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{TerminalChange, path as staff_path};
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::terminal_state::TerminalState;
use serde_json::json;
use std::time::Duration;

fn block() -> TerminalChange {
    TerminalChange::Block { reason: "stolen".into() }
}

/// A request that moves money; what is inside does not matter to a till that may not.
async fn draft(server: &Server, till: &Till) -> ErrorCode {
    let sale = json!({ "sale": { "text": "{}", "signature": "" } });
    server.ask(&till.key, "POST", path::DRAFTS, Some(&sale)).await.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_counts_at_once_here_and_within_a_second_at_other_servers() {
    let store = Store::new();
    let (server, other) = (store.serve().await, store.serve().await);
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    assert_ne!(draft(&server, &till).await, ErrorCode::TerminalBlocked);
    assert_ne!(draft(&other, &till).await, ErrorCode::TerminalBlocked);
    assert_eq!(server.change(&it, till.terminal, &block()).await.status, 200);
    assert_eq!(draft(&server, &till).await, ErrorCode::TerminalBlocked);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(draft(&other, &till).await, ErrorCode::TerminalBlocked);
    assert_eq!(other.get(&till.key, path::CATALOGUE).await.code(), ErrorCode::TerminalBlocked);
    assert_eq!(other.get(&till.key, path::REFUNDS).await.code(), ErrorCode::TerminalBlocked);

    let status: TerminalStatus = other.get(&till.key, path::TERMINAL).await.json();
    assert_eq!(status.state, TerminalState::Blocked);
    let entries = vec![till.write(1), till.write(2)];
    let taken: HandedIn = other.ask(&till.key, "POST", path::JOURNAL, Some(&HandIn { entries })).await.json();
    assert_eq!((taken.head, taken.quarantined), (till.head, true));

    let unblock = TerminalChange::Unblock { reason: "found under the counter".into() };
    assert_eq!(server.change(&it, till.terminal, &unblock).await.status, 200);
    assert_ne!(draft(&server, &till).await, ErrorCode::TerminalBlocked);
    assert_eq!(server.change(&it, till.terminal, &unblock).await.code(), ErrorCode::WrongState);
    assert!(server.app().base.verify_audit().await.unwrap().unwrap() >= 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_needs_a_reason_and_the_right() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let silent = TerminalChange::Block { reason: " ".into() };
    assert_eq!(server.change(&it, till.terminal, &silent).await.code(), ErrorCode::BadRequest);
    for login in ["max", "cas"] {
        let person = server.log_in(login).await;
        assert_eq!(server.change(&person, till.terminal, &block()).await.code(), ErrorCode::NotAllowed);
    }
    let path = staff_path::TERMINAL.replace("{terminal}", "T0999");
    assert_eq!(server.staff("POST", &path, Some(&it), &block()).await.code(), ErrorCode::NotFound);
    assert_eq!(server.get(&till.key, path::CATALOGUE).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_refused_when_the_state_of_a_till_could_not_be_read_for_five_seconds() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    assert_eq!(server.get(&till.key, path::REFUNDS).await.status, 200);
    server.app().base.close().await;
    store.clock.forward(Duration::from_secs(2));
    assert_eq!(server.get(&till.key, path::REFUNDS).await.status, 200, "it was active two seconds ago");
    store.clock.forward(Duration::from_secs(4));
    let refused = server.get(&till.key, path::REFUNDS).await;
    assert_eq!(refused.code(), ErrorCode::Internal);
    assert!(refused.error().code.is_later());
    // An upload gets past the door; here it fails further in, on the base store itself.
    let number = "2026112014030712348151192";
    let adopt =
        server.ask(&till.key, "POST", &path::ADOPT.replace("{number}", number), Some(&json!({}))).await;
    assert_eq!(adopt.code(), ErrorCode::BadRequest, "it reached its handler");
}
