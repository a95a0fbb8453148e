//! Past what it can do the server refuses: early, in order, and so that a till can believe it.

use crate::rig::{PASSWORD, Request, Server, Store, Till, key, login_of};
use crate::sale::{cny, sell, shop};
use evertill_server::admission::{Class, Engine, Place};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::path as staff_path;
use evertill_shared::signing::{
    CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER,
};
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
    tls_by(store, server, b"http/1.1").await
}

async fn tls_by(store: &Store, server: &Server, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(store.root.as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
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

/// The head of a request whose body never comes.
async fn head_alone(
    store: &Store,
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
) -> TlsStream<TcpStream> {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 1000\r\n", server.addr);
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    let mut line = tls(store, server).await;
    line.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    line.flush().await.unwrap();
    line
}

/// What a till's request says of itself, signed by whoever.
fn headers_of(request: &Request) -> [(&str, &str); 5] {
    [
        ("content-type", &request.content_type),
        (REQUEST_ID_HEADER, &request.request_id),
        (CONTENT_DIGEST_HEADER, &request.content_digest),
        (SIGNATURE_INPUT_HEADER, &request.signature_input),
        (SIGNATURE_HEADER, &request.signature),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_keeps_payments_out_with_requests_that_never_end() {
    let (store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let pay = crate::sale::at(path::PAYMENTS, sold.number);
    // All places for money but four are taken by payments that wait for their wallets.
    let mut taken = fill(&server, Class::Money).await;
    taken.truncate(taken.len() - 4);
    // Somebody guesses a till's name, somebody else has no name at all: none of them ever sends a body.
    let forged = server.sign(&key(99), "POST", &pay, vec![b' '; 1_000]);
    let mut hanging = Vec::new();
    for _ in 0..6 {
        hanging.push(head_alone(&store, &server, &pay, &headers_of(&forged)).await);
        hanging.push(head_alone(&store, &server, staff_path::SESSIONS, &[]).await);
        hanging.push(head_alone(&store, &server, "/console/terminals/T0001/block", &[]).await);
    }
    for _ in 0..500 {
        if server.app().door.readers().count() == hanging.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.app().door.readers().count(), hanging.len());
    assert_eq!(server.app().door.places().count(Class::Money), (taken.len(), 0), "none of them has a place");
    for _ in 0..6 {
        let came = server.send(&server.sign(&till.key, "POST", &pay, b"{}".to_vec())).await;
        assert_eq!(came.code(), ErrorCode::BadRequest, "let in, and read");
    }
    assert_eq!(server.app().door.places().count(Class::Money).0, taken.len(), "and gone again");
    server.log_in("ivy").await;
    drop(hanging);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_finds_no_place_is_told_so_and_nothing_was_done_with_it() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let taken = fill(&server, Class::Money).await;
    let pay = server.sign(&till.key, "POST", &crate::sale::at(path::PAYMENTS, sold.number), b"{}".to_vec());
    let came = server.send(&pay).await;
    assert_eq!((came.status, came.code(), came.bound.clone()), (503, ErrorCode::Overloaded, Ok(())));
    assert!(came.error().retry_after_ms.unwrap() >= 1_000);
    drop(taken);
    // Its id is not used up: what was refused at the door never counted as handled.
    assert_eq!(server.send(&pay).await.code(), ErrorCode::BadRequest);
    assert_eq!(server.send(&pay).await.code(), ErrorCode::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_takes_no_place_of_money_and_says_when_there_are_too_many() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let taken = fill(&server, Class::LogIns).await;
    let asked = login_of("ivy", crate::rig::PASSWORD);
    let came = server.staff("POST", staff_path::SESSIONS, None, &asked).await;
    assert_eq!((came.status, came.code()), (503, ErrorCode::Overloaded));
    assert!(came.error().retry_after_ms.unwrap() >= 1_000);
    let page = server.client.post(server.url("/console/login")).body("login=ivy").send().await.unwrap();
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("Try again in a moment"));
    let pay = crate::sale::at(path::PAYMENTS, sold.number);
    let came = server.send(&server.sign(&till.key, "POST", &pay, b"{}".to_vec())).await;
    assert_eq!(came.code(), ErrorCode::BadRequest, "let in, and read");
    drop(taken);
    let _money = fill(&server, Class::Money).await;
    server.log_in("ivy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_has_few_requests_at_a_time() {
    let store = Store::new();
    let server = store.serve().await;
    let mut line = tls_by(&store, &server, b"h2").await;
    // The preface, and settings that say nothing.
    line.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    line.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the server's settings come first");
    let mut settings = vec![0; usize::from(head[2])];
    line.read_exact(&mut settings).await.unwrap();
    // Of two bytes its name (3: streams at a time), of four its value.
    let streams =
        settings.chunks(6).find(|setting| setting[..2] == [0, 3]).map(|setting| setting[2..].to_vec());
    assert_eq!(streams, Some(vec![0, 0, 0, 64]));
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_one_address_that_logs_in_without_end_keeps_nobody_else_from_logging_in() {
    let store = Store::new();
    let server = store.serve().await;
    let from = |address: &str| {
        let root = reqwest::Certificate::from_pem(store.root.as_bytes()).unwrap();
        let address: std::net::IpAddr = address.parse().unwrap();
        let client =
            reqwest::Client::builder().tls_certs_only([root]).local_address(address).build().unwrap();
        let ivy = client.post(server.url(staff_path::SESSIONS)).json(&login_of("ivy", PASSWORD));
        async move { ivy.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(from("127.0.0.1").await, 200);
    let flood = "127.0.0.1".parse().unwrap();
    let door = &server.app().door;
    let inside: Vec<_> = std::iter::from_fn(|| door.log_ins().enter(flood)).collect();
    assert!(!inside.is_empty());
    assert_eq!(from("127.0.0.1").await, 503, "so many of it are in");
    assert_eq!(from("127.0.0.2").await, 200, "others are not in its way");
    // All else of that address is let in as ever: a balancer's is everybody's.
    assert_eq!(server.client.get(server.url("/console/login")).send().await.unwrap().status(), 200);
    drop(inside);
    assert_eq!(from("127.0.0.1").await, 200, "who is gone counts no more");
}
