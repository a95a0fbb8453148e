//! Every refusal has its own code.

use crate::rig::{Request, Server, Store, Till, key};
use evertill_server::router::router;
use evertill_shared::protocol::enrol::ENROL_KEY_ID;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::{MAX_BODY_BYTES, path};
use evertill_shared::signing::SigningKey;
use std::time::Duration;
use tower::ServiceExt;

async fn shop() -> (Store, Server, Till) {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    (store, server, till)
}

async fn refused(server: &Server, request: &Request) -> ErrorCode {
    server.send(request).await.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_request_is_told_so_and_no_more() {
    let (_store, server, _till) = shop().await;
    let came = server.client.get(server.url(path::TERMINAL)).send().await.unwrap();
    assert_eq!(came.status(), 401);
    assert!(!came.headers().contains_key("signature"));
    let error: evertill_shared::protocol::error::ApiError = came.json().await.unwrap();
    assert_eq!(error.code, ErrorCode::SignatureMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_altered_on_the_way_is_found() {
    let (_store, server, till) = shop().await;
    let good = || server.sign(&till.key, "POST", path::JOURNAL, br#"{"entries":[]}"#.to_vec());
    assert_eq!(server.send(&good()).await.status, 200);
    type Alter = fn(&mut Request);
    let altered: [(&str, Alter); 7] = [
        ("body", |r| r.body = br#"{"entries": []}"#.to_vec()),
        ("path", |r| r.path = path::DRAFTS.into()),
        ("query", |r| r.path.push_str("?x=1")),
        ("content type", |r| r.content_type = "application/json; charset=utf-8".into()),
        ("request id", |r| r.request_id.push('0')),
        ("signature", |r| r.signature = "evertill=:AAAA:".into()),
        ("digest", |r| r.content_digest = r.content_digest.replace("sha-256", "md5")),
    ];
    for (what, alter) in altered {
        let mut request = good();
        alter(&mut request);
        assert_eq!(refused(&server, &request).await, ErrorCode::SignatureInvalid, "{what}");
    }
    let stranger = server.sign(&key(99), "GET", path::TERMINAL, Vec::new());
    assert_eq!(refused(&server, &stranger).await, ErrorCode::SignatureInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_request_and_one_from_the_future_are_stale_and_the_error_says_what_time_it_is() {
    let (_store, server, till) = shop().await;
    use evertill_shared::clock::Clock;
    let now = server.clock.now();
    let at = |at| server.sign_at(&till.key, "GET", path::TERMINAL, Vec::new(), at);
    for wrong in [now.minus(Duration::from_secs(300)), now.plus(Duration::from_secs(300))] {
        let came = server.send(&at(wrong)).await;
        assert_eq!(came.code(), ErrorCode::SignatureStale);
        assert_eq!(came.bound, Ok(()), "a till whose clock is wrong must be able to believe this");
        assert!(came.error().server_time.since(now) < Duration::from_secs(30));
    }
    for slightly in [now.minus(Duration::from_secs(90)), now.plus(Duration::from_secs(90))] {
        assert_eq!(server.send(&at(slightly)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_counts_once() {
    let (_store, server, till) = shop().await;
    let request = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    assert_eq!(server.send(&request).await.status, 200);
    assert_eq!(refused(&server, &request).await, ErrorCode::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_no_replay_of_one_whose_signature_was_wrong() {
    let (_store, server, till) = shop().await;
    let good = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    let mut spoilt = good.clone();
    spoilt.body = b"x".to_vec();
    assert_eq!(refused(&server, &spoilt).await, ErrorCode::SignatureInvalid);
    assert_eq!(server.send(&good).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_enrolled_are_unknown() {
    let (_store, server, till) = shop().await;
    let seed_of = |id: &str| SigningKey::from_seed(&[1; 32], id.into()).unwrap();
    for id in ["T0777:1", "T0001:2", "nonsense", ENROL_KEY_ID, "server-1"] {
        let request = server.sign(&seed_of(id), "GET", path::TERMINAL, Vec::new());
        assert_eq!(refused(&server, &request).await, ErrorCode::TerminalUnknown, "{id}");
    }
    let enrol = server.sign(&till.key, "POST", path::ENROL, b"{}".to_vec());
    assert_eq!(refused(&server, &enrol).await, ErrorCode::TerminalUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_cannot_be_read_is_refused_and_the_server_goes_on() {
    let (_store, server, till) = shop().await;
    let large = server.sign(&till.key, "POST", path::JOURNAL, vec![b' '; MAX_BODY_BYTES + 1]);
    assert_eq!(refused(&server, &large).await, ErrorCode::TooLarge);
    let just = server.sign(&till.key, "POST", path::JOURNAL, vec![b' '; MAX_BODY_BYTES]);
    assert_eq!(refused(&server, &just).await, ErrorCode::BadRequest);
    for body in ["", "{", "[]", "\u{0}", r#"{"entries":7}"#, r#"{"entries":[],"more":1}"#] {
        let request = server.sign(&till.key, "POST", path::JOURNAL, body.into());
        assert_eq!(refused(&server, &request).await, ErrorCode::BadRequest, "{body}");
    }
    let number = server.get(&till.key, "/v1/orders/not-a-number").await;
    assert_eq!(number.code(), ErrorCode::NotFound);
    assert_eq!(server.get(&till.key, "/v1/catalogue?since=x").await.code(), ErrorCode::BadRequest);
    assert_eq!(server.get(&till.key, path::TERMINAL).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_length_was_not_stated_is_cut_off_too() {
    let (_store, server, till) = shop().await;
    let signed = server.sign(&till.key, "POST", path::JOURNAL, b"{}".to_vec());
    let request = axum::http::Request::post(path::JOURNAL)
        .header("host", server.addr.to_string())
        .header("content-type", "application/json")
        .header("evertill-request-id", &signed.request_id)
        .header("content-digest", &signed.content_digest)
        .header("signature-input", &signed.signature_input)
        .header("signature", &signed.signature)
        .body(axum::body::Body::from(vec![b' '; MAX_BODY_BYTES + 1]))
        .unwrap();
    let answer = router(server.app().clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist_are_answered_in_the_same_form() {
    let (_store, server, till) = shop().await;
    for (method, path) in [("GET", "/v1/nothing"), ("DELETE", path::TERMINAL), ("POST", "/health/live")] {
        let came = server.ask::<()>(&till.key, method, path, None).await;
        assert_eq!(came.code(), ErrorCode::NotFound, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_by_code() {
    let (_store, server, till) = shop().await;
    let request = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    for _ in 0..3 {
        server.send(&request).await;
    }
    let text = server.client.get(server.url(path::HEALTH_READY)).send().await.unwrap();
    assert_eq!(text.status(), 200);
    let ready: serde_json::Value = text.json().await.unwrap();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["refused"]["replayed"], 2, "{ready}");
}
