//! Answers are signed and bound to their request.

use crate::rig::Store;
use evertill_shared::protocol::path;
use evertill_shared::protocol::store::{SERVER_KEYS_PATH, ServerKeyStatement};
use evertill_shared::protocol::terminal::TerminalStatus;
use evertill_shared::signing::SignatureError;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_one_request_never_verifies_for_another() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let first = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    let second = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    let (one, two) = (server.send(&first).await, server.send(&second).await);
    assert_eq!((one.bound_to(&first), two.bound_to(&second)), (Ok(()), Ok(())));
    assert_eq!(one.bound_to(&second), Err(SignatureError::BadSignature));
    assert_eq!(two.bound_to(&first), Err(SignatureError::BadSignature));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_tells_the_till_where_it_stands() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert_eq!((status.terminal, status.epoch, status.name.as_str()), (till.terminal, 1, "Till 1"));
    assert_eq!(status.journal_head, till.head);
    assert_eq!(status.store.name, "Corner shop");
    assert!(status.state.may_move_money() && status.wallets.is_empty() && status.refunds_waiting == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_see_the_roots_word_and_that_the_server_lives() {
    let store = Store::new();
    let server = store.serve().await;
    let get = async |path: &str| server.client.get(server.url(path)).send().await.unwrap();
    let keys: Vec<ServerKeyStatement> = get(SERVER_KEYS_PATH).await.json().await.unwrap();
    assert!(keys[0].text.contains("server-1"));
    assert_eq!(get(path::HEALTH_LIVE).await.status(), 200);
    let ready: serde_json::Value = get(path::HEALTH_READY).await.json().await.unwrap();
    assert_eq!((&ready["ready"], &ready["groups"]["02"]), (&true.into(), &"healthy".into()), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_base_store_is_gone_says_that_it_is_not_ready() {
    let store = Store::new();
    let server = store.serve().await;
    server.app().base.close().await;
    let came = server.client.get(server.url(path::HEALTH_READY)).send().await.unwrap();
    assert_eq!(came.status(), 503);
    let ready: serde_json::Value = came.json().await.unwrap();
    assert_eq!((&ready["ready"], &ready["base_store"]), (&false.into(), &false.into()), "{ready}");
    assert_eq!(server.client.get(server.url(path::HEALTH_LIVE)).send().await.unwrap().status(), 200);
}
