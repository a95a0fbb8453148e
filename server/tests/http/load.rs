//! Past what it can do the server refuses: early, in order, and so that a till can believe it.

use crate::rig::{Server, Store, Till};
use crate::sale::{cny, sell, shop};
use evertill_server::admission::{Class, Engine, Place};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Takes all places of a class, as so many requests under way would.
async fn fill(server: &Server, class: Class) -> Vec<Place> {
    let places = server.app().door.places();
    let mut taken = Vec::new();
    while let Ok(place) = places.enter(class, false, || Engine { usable: 3, groups: 3 }).await {
        taken.push(place);
    }
    taken
}

async fn draft(server: &Server, till: &Till) -> crate::rig::Came {
    server.send(&server.sign(&till.key, "POST", path::DRAFTS, b"{}".to_vec())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn new_orders_are_refused_with_a_word_that_a_till_can_believe_and_payments_go_on() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let taken = fill(&server, Class::NewOrders).await;
    let came = draft(&server, &till).await;
    assert_eq!((came.status, came.code(), came.bound.clone()), (503, ErrorCode::Overloaded, Ok(())));
    assert!(came.error().retry_after_ms.unwrap() >= 1_000);
    let header: u64 = came.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(header * 1_000, came.error().retry_after_ms.unwrap());
    let order = crate::sale::at(path::ORDER, sold.number);
    let view: evertill_shared::protocol::orders::OrderView = server.get(&till.key, &order).await.json();
    assert_eq!(view.total, cny(500));
    assert_eq!(server.get(&till.key, path::TERMINAL).await.status, 200);
    // People's pages come last, and say so in words.
    let page = server.client.get(server.url("/console/orders")).send().await.unwrap();
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("Nothing was done"));
    drop(taken);
    assert_eq!(draft(&server, &till).await.code(), ErrorCode::BadRequest, "let in again, and read");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_refused_after_new_orders_then_questions_and_payments_last() {
    let (_store, server, _till, _) = shop().await;
    let mut taken = fill(&server, Class::NewOrders).await;
    let uploads = fill(&server, Class::Uploads).await;
    assert!(!uploads.is_empty(), "uploads found room beyond that of new orders");
    taken.extend(uploads);
    let questions = fill(&server, Class::Questions).await;
    assert!(!questions.is_empty(), "questions found room beyond that of uploads");
    taken.extend(questions);
    let payments = fill(&server, Class::Money).await;
    assert!(payments.len() >= 500, "{}", payments.len());
}

/// A bare connection, for what no decent client sends.
async fn tls(store: &Store, server: &Server) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(store.root.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let line = TcpStream::connect(server.addr).await.unwrap();
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, line).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_waits_for_no_body_and_looks_at_no_signature() {
    let store = Store::new();
    let server = store.serve().await;
    let _taken = fill(&server, Class::NewOrders).await;
    // The length of the body is promised, and the body never comes.
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
        path::DRAFTS,
        server.addr
    );
    let mut line = tls(&store, &server).await;
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(10), line.read(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("overloaded"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_while_waiting_leaves_no_place_taken() {
    let store = Store::new();
    let server = store.serve().await;
    let places = server.app().door.places();
    let taken = fill(&server, Class::NewOrders).await;
    for _ in 0..20 {
        let waiting = places.enter(Class::NewOrders, false, Engine::default);
        assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
    }
    assert_eq!(places.count(Class::NewOrders), (taken.len(), 0));
    drop(taken);
    assert_eq!(places.count(Class::NewOrders), (0, 0));
}
