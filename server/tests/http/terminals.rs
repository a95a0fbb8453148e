//! Blocking a till (rule *block-means-block*), and what happens while the base store cannot be read.

use crate::rig::{Server, Store, Till};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{TerminalChange, path as staff_path};
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::terminal_state::TerminalState;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
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

/// Sends the head of a request and half of its body, waits, sends the rest; gives the answer.
fn dribble(store: &Store, server: &Server, till: &Till, wait: std::sync::mpsc::Receiver<()>) -> String {
    let body = br#"{"sale":{"text":"{}","signature":""}}"#.to_vec();
    let request = server.sign(&till.key, "POST", path::DRAFTS, body);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(store.root.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut line = rustls::StreamOwned::new(tls, std::net::TcpStream::connect(server.addr).unwrap());
    let (first, rest) = request.body.split_at(10);
    write!(
        line,
        "POST {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nevertill-request-id: {}\r\ncontent-digest: {}\r\nsignature-input: {}\r\n\
         signature: {}\r\n\r\n",
        request.path,
        server.addr,
        request.body.len(),
        request.request_id,
        request.content_digest,
        request.signature_input,
        request.signature,
    )
    .unwrap();
    line.write_all(first).unwrap();
    line.flush().unwrap();
    wait.recv().unwrap();
    line.write_all(rest).unwrap();
    line.flush().unwrap();
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_begun_before_the_block_and_ends_after_it_moves_nothing() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let (terminal, body_goes_on) = (till.terminal, std::sync::mpsc::channel());
    let (store, server) = (Arc::new(store), Arc::new(server));
    let (their_store, their_server) = (Arc::clone(&store), Arc::clone(&server));
    let thief =
        tokio::task::spawn_blocking(move || dribble(&their_store, &their_server, &till, body_goes_on.1));
    tokio::time::sleep(Duration::from_millis(300)).await; // its head is read, its body is not
    assert_eq!(server.change(&it, terminal, &block()).await.status, 200);
    body_goes_on.0.send(()).unwrap();
    let answer = thief.await.unwrap();
    assert!(answer.contains("terminal_blocked"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_is_taken_from_a_retired_till_and_it_does_not_come_back() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    let retire = TerminalChange::Retire { reason: "worn out".into() };
    let manager = server.log_in("max").await;
    assert_eq!(server.change(&manager, till.terminal, &retire).await.code(), ErrorCode::NotAllowed);
    for _ in 0..2 {
        let row: evertill_shared::protocol::staff::TerminalRow =
            server.change(&it, till.terminal, &retire).await.json();
        assert_eq!(row.state, Some(TerminalState::Retired));
    }
    assert_eq!(draft(&server, &till).await, ErrorCode::TerminalRetired);
    let entries = vec![till.write(1)];
    let refused = server.ask(&till.key, "POST", path::JOURNAL, Some(&HandIn { entries })).await;
    assert_eq!(refused.code(), ErrorCode::TerminalRetired);
    let unblock = TerminalChange::Unblock { reason: "needed".into() };
    assert_eq!(server.change(&it, till.terminal, &unblock).await.code(), ErrorCode::WrongState);
}
