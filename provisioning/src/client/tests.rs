//! The client against a real TLS server that misbehaves.

use super::test_server::{Reply, Request, TestServer, TestStore};
use super::*;
use crate::keystore::DeviceKey;
use evertill_shared::clock::SystemClock;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::Role;
use evertill_shared::secret::SecretText;
use evertill_shared::signing::VerifyingKey;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The machine's clock, set wrong by some milliseconds.
struct WrongClock(i64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0)
    }
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

fn quick(servers: &[&str], store: &TestStore) -> ClientConfig {
    let timeouts = Timeouts {
        connect: Duration::from_millis(1500),
        race: Duration::from_millis(2500),
        answer: Duration::from_millis(700),
        payment: Duration::from_millis(900),
    };
    let servers = servers.iter().map(|s| (*s).to_owned()).collect();
    ClientConfig { servers, trust: store.trust.clone(), timeouts }
}

fn client_with(config: ClientConfig, clock: impl Clock) -> (StoreClient, VerifyingKey) {
    let key = DeviceKey::generate().unwrap();
    let client = StoreClient::new(config, key.signing_key("T0001:1").unwrap(), Arc::new(clock)).unwrap();
    (client, key.public())
}

fn client(server: &TestServer, store: &TestStore) -> StoreClient {
    client_with(quick(&[&server.url], store), SystemClock).0
}

async fn post(client: &StoreClient) -> Result<Value, ClientError> {
    client.post(path::DRAFTS, &json!({ "sale": 17 })).await
}

/// An address where nobody listens.
async fn dead_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("https://{}", listener.local_addr().unwrap())
}

/// An address that takes connections and never says a word.
async fn mute_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    url
}

#[tokio::test]
async fn a_signed_request_gets_its_signed_answer() {
    let store = TestStore::new();
    let server =
        TestServer::start(&store, |r| Reply::Signed(200, json!({ "path": r.target }).to_string())).await;
    let (client, key) = client_with(quick(&[&server.url], &store), SystemClock);
    let answer: Value = client.get(path::CATALOGUE, "since=4").await.unwrap();
    assert_eq!(answer, json!({ "path": "/v1/catalogue?since=4" }));
    post(&client).await.unwrap();
    let requests = server.requests();
    for request in &requests {
        request.verify(&key, SystemClock.now());
    }
    assert_ne!(requests[0].header("evertill-request-id"), requests[1].header("evertill-request-id"));
    assert_eq!(requests[1].body, br#"{"sale":17}"#);
    assert!(client.last_heard().is_some());
    assert_eq!(*server.key_fetches.lock().unwrap(), 1, "keys are fetched once");
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    let store = TestStore::new();
    let earlier: Arc<Mutex<Option<Request>>> = Arc::default();
    let server = TestServer::start(&store, move |r| {
        let mut earlier = earlier.lock().unwrap();
        match earlier.take() {
            Some(first) => Reply::ForAnother(first, 200, "{}".into()),
            None => {
                *earlier = Some(r.clone());
                Reply::Signed(200, "{}".into())
            }
        }
    })
    .await;
    let client = client(&server, &store);
    post(&client).await.unwrap();
    let error = post(&client).await.unwrap_err();
    assert!(matches!(&error, ClientError::Untrusted(_)), "{error}");
    assert!(error.outcome_unknown() && !error.surely_not_sent());
}

#[tokio::test]
async fn unsigned_and_altered_answers_are_refused() {
    let store = TestStore::new();
    type Make = fn() -> Reply;
    let makes: [Make; 4] = [
        || Reply::Unsigned(200, "{}".into()),
        || Reply::Unsigned(502, "<html>bad gateway</html>".into()),
        || Reply::Altered(200, r#"{"paid":100}"#.into()),
        || Reply::SignedBy(DeviceKey::generate().unwrap().signing_key("server-1").unwrap(), 200, "{}".into()),
    ];
    for make in makes {
        let server = TestServer::start(&store, move |_| make()).await;
        let error = post(&client(&server, &store)).await.unwrap_err();
        assert!(matches!(error, ClientError::Untrusted(_)), "{error}");
        assert_eq!(server.requests().len(), 1, "nothing is sent again");
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_and_believed_only_if_the_root_vouches() {
    let store = TestStore::new();
    let root = crate::pki::Root::load(&store.path().join("root"), None).unwrap();
    let second = DeviceKey::generate().unwrap();
    let (id, public, now) = (store.trust.store, second.public(), SystemClock.now());
    let statement = |root: &crate::pki::Root| {
        let statement = root.vouch(&evertill_shared::protocol::store::ServerKey {
            store: id,
            key_id: "server-2".into(),
            public_key: public,
            not_before: now.minus(Duration::from_secs(60)),
            not_after: now.plus(Duration::from_secs(60)),
        });
        statement.unwrap()
    };
    let forged = statement(&crate::pki::Root::new(id, "another", now).unwrap());
    let genuine = statement(&root);
    let list: Arc<Mutex<Vec<u8>>> = Arc::new(Mutex::new(store.statements()));
    let tls = store.tls(&[&rustls::version::TLS13]);
    let key = second.signing_key("server-2").unwrap();
    let served = Arc::clone(&list);
    let server = TestServer::start_with(tls, key, served, |_| Reply::Signed(200, "{}".into())).await;
    let client = client(&server, &store);

    let with = |extra| {
        let mut all: Vec<Value> = serde_json::from_slice(&store.statements()).unwrap();
        all.push(serde_json::to_value(extra).unwrap());
        serde_json::to_vec(&all).unwrap()
    };
    let error = post(&client).await.unwrap_err();
    assert!(error.to_string().contains("server-2"), "{error}");
    *list.lock().unwrap() = with(&forged);
    assert!(matches!(post(&client).await, Err(ClientError::Untrusted(_))), "a forged statement");
    *list.lock().unwrap() = with(&genuine);
    post(&client).await.unwrap();
}

#[tokio::test]
async fn a_server_whose_keys_are_all_forged_is_not_used() {
    let (store, other) = (TestStore::new(), TestStore::new());
    let statements = Arc::new(Mutex::new(other.statements()));
    let tls = store.tls(&[&rustls::version::TLS13]);
    let key = store.response_key("server-1");
    let server = TestServer::start_with(tls, key, statements, |_| Reply::Signed(200, "{}".into())).await;
    let error = post(&client(&server, &store)).await.unwrap_err();
    assert!(matches!(error, ClientError::Untrusted(_)), "{error}");
    assert!(server.requests().is_empty(), "nothing was said to it");
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_no_answer_and_nothing_is_sent_again() {
    let store = TestStore::new();
    for cut in [|| Reply::Cut, || Reply::CutInAnswer, || Reply::Silence] {
        let server = TestServer::start(&store, move |_| cut()).await;
        let error = post(&client(&server, &store)).await.unwrap_err();
        assert!(matches!(error, ClientError::NoAnswer(_)), "{error:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_used_connection_that_is_cut_is_no_answer_either() {
    let store = TestStore::new();
    let count = AtomicUsize::new(0);
    let server = TestServer::start(&store, move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Signed(200, "{}".into()),
        1 => Reply::Cut,
        _ => Reply::Signed(200, "{}".into()),
    })
    .await;
    let client = client(&server, &store);
    post(&client).await.unwrap();
    assert!(matches!(post(&client).await, Err(ClientError::NoAnswer(_))));
    assert_eq!(server.requests().len(), 2, "the cut request was not repeated");
    post(&client).await.unwrap();
}

#[tokio::test]
async fn of_two_addresses_the_living_one_is_used_at_once() {
    let store = TestStore::new();
    let server = TestServer::start(&store, |_| Reply::Signed(200, "{}".into())).await;
    for dead in [dead_address().await, mute_address().await] {
        let config = quick(&[&dead, &server.url], &store);
        let (client, _) = client_with(config, SystemClock);
        let started = SystemClock.monotonic();
        post(&client).await.unwrap();
        assert!(
            SystemClock.monotonic() - started < Duration::from_millis(1200),
            "it waited for the dead one"
        );
        assert_eq!(client.server_in_use().await, server.url.strip_prefix("https://").map(str::to_owned));
    }
}

#[tokio::test]
async fn when_the_server_in_use_dies_the_other_is_found() {
    let store = TestStore::new();
    let first = TestServer::start(&store, |_| Reply::Signed(200, "1".into())).await;
    let second = TestServer::start(&store, |_| Reply::Signed(200, "2".into())).await;
    let (client, _) = client_with(quick(&[&first.url, &second.url], &store), SystemClock);
    let used = post(&client).await.unwrap();
    let (dies, left) = if used == json!(1) { (first, json!(2)) } else { (second, json!(1)) };
    dies.die().await;
    // The first call may meet the connection as it breaks; the one after it must not fail.
    let met = post(&client).await;
    assert!(matches!(&met, Ok(answer) if *answer == left) || matches!(met, Err(ClientError::NoAnswer(_))));
    assert_eq!(post(&client).await.unwrap(), left);
}

#[tokio::test]
async fn a_silent_server_is_left_and_raced_for_again() {
    let store = TestStore::new();
    let server = TestServer::start(&store, |_| Reply::Silence).await;
    let client = client(&server, &store);
    assert!(matches!(post(&client).await, Err(ClientError::NoAnswer(_))));
    assert_eq!(client.server_in_use().await, None);
}

#[tokio::test]
async fn without_any_server_the_request_was_surely_not_sent() {
    let store = TestStore::new();
    let (dead, mute) = (dead_address().await, mute_address().await);
    let (client, _) = client_with(quick(&[&dead], &store), SystemClock);
    let error = post(&client).await.unwrap_err();
    assert!(error.surely_not_sent() && error.is_offline(), "{error:?}");
    let (client, _) = client_with(quick(&[&mute, &dead], &store), SystemClock);
    let started = SystemClock.monotonic();
    let all = tokio::join!(post(&client), post(&client), post(&client));
    for result in [all.0, all.1, all.2] {
        assert!(result.unwrap_err().surely_not_sent());
    }
    assert!(SystemClock.monotonic() - started < Duration::from_secs(4), "they waited one after the other");
}

#[tokio::test]
async fn another_stores_server_is_refused() {
    let (store, other) = (TestStore::new(), TestStore::new());
    let imposter = TestServer::start(&other, |_| Reply::Signed(200, "{}".into())).await;
    let error = post(&client(&imposter, &store)).await.unwrap_err();
    assert!(matches!(&error, ClientError::Untrusted(why) if why.contains("root")), "{error}");
    assert!(imposter.requests().is_empty());
}

#[tokio::test]
async fn a_server_under_a_name_that_its_certificate_lacks_is_refused() {
    let store = TestStore::new();
    let server = TestServer::start(&store, |_| Reply::Signed(200, "{}".into())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let target = server.url.strip_prefix("https://").unwrap().to_owned();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    let (client, _) = client_with(quick(&[&url], &store), SystemClock);
    let error = post(&client).await.unwrap_err();
    assert!(matches!(&error, ClientError::Untrusted(why) if why.contains("another name")), "{error}");
}

#[tokio::test]
async fn tls_1_2_is_neither_offered_nor_accepted() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let store = TestStore::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 4096];
        let length = socket.read(&mut hello).await.unwrap();
        // A ServerHello of TLS 1.2: ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no extensions.
        let mut answer = vec![0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
        answer.extend([7; 32]);
        answer.extend([0, 0xc0, 0x2b, 0]);
        socket.write_all(&answer).await.unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
        hello.truncate(length);
        (hello, rest)
    });
    let (client, _) = client_with(quick(&[&url], &store), SystemClock);
    let error = post(&client).await.unwrap_err();
    assert!(matches!(&error, ClientError::Untrusted(why) if why.contains("TLS 1.3")), "{error}");
    let (hello, rest) = heard.await.unwrap();
    let offered: &[u8] = &[0, 43, 0, 3, 2, 3, 4]; // supported_versions: one entry, TLS 1.3
    assert!(hello.windows(offered.len()).any(|w| w == offered));
    assert!(rest.len() <= 7, "an alert and nothing else: {rest:?}");
}

#[tokio::test]
async fn a_wrong_clock_is_put_right_by_the_signed_refusal_and_the_request_repeated_once() {
    let store = TestStore::made_at(SystemClock.now().minus(Duration::from_secs(3 * 86_400)));
    let key = DeviceKey::generate().unwrap();
    let count = AtomicUsize::new(0);
    let server = TestServer::start(&store, move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let error = ApiError {
                code: ErrorCode::SignatureStale,
                message: "too old".into(),
                server_time: SystemClock.now(),
                retry_after_ms: None,
            };
            return Reply::Signed(401, serde_json::to_string(&error).unwrap());
        }
        Reply::Signed(200, "{}".into())
    })
    .await;
    let late = WrongClock(-86_400_000);
    let client =
        StoreClient::new(quick(&[&server.url], &store), key.signing_key("T0001:1").unwrap(), Arc::new(late))
            .unwrap();
    post(&client).await.unwrap();
    assert!((client.clock_offset_ms() - 86_400_000).abs() < 5_000, "{}", client.clock_offset_ms());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].header("evertill-request-id"), requests[1].header("evertill-request-id"));
    requests[1].verify(&key.public(), SystemClock.now());
}

#[tokio::test]
async fn an_unsigned_word_about_the_clock_changes_nothing() {
    let store = TestStore::new();
    let server = TestServer::start(&store, |_| {
        let error = ApiError {
            code: ErrorCode::SignatureStale,
            message: "x".into(),
            server_time: Timestamp(0),
            retry_after_ms: None,
        };
        Reply::Unsigned(401, serde_json::to_string(&error).unwrap())
    })
    .await;
    let client = client(&server, &store);
    assert!(matches!(post(&client).await, Err(ClientError::Untrusted(_))));
    assert_eq!((client.clock_offset_ms(), server.requests().len()), (0, 1));
}

#[tokio::test]
async fn a_signed_refusal_is_the_servers_own_and_repeated_staleness_ends() {
    let store = TestStore::new();
    let refusal = |code| {
        let error =
            ApiError { code, message: "no".into(), server_time: SystemClock.now(), retry_after_ms: None };
        Reply::Signed(code.http_status(), serde_json::to_string(&error).unwrap())
    };
    let server = TestServer::start(&store, move |_| refusal(ErrorCode::TerminalBlocked)).await;
    let error = post(&client(&server, &store)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TerminalBlocked));
    assert!(!error.outcome_unknown());

    let server = TestServer::start(&store, move |_| refusal(ErrorCode::SignatureStale)).await;
    let error = post(&client(&server, &store)).await.unwrap_err();
    assert_eq!((error.code(), server.requests().len()), (Some(ErrorCode::SignatureStale), 2));
}

#[tokio::test]
async fn staff_log_in_and_carry_their_session() {
    let store = TestStore::new();
    let server = TestServer::start(&store, |r| match r.target.as_str() {
        "/staff/v1/sessions" => Reply::Unsigned(
            200,
            json!({ "token": "tok", "name": "Wang Bo", "role": "it", "expires_at": 0 }).to_string(),
        ),
        "/staff/v1/terminals" if r.header("authorization") == "Bearer tok" => {
            Reply::Unsigned(200, "[]".into())
        }
        _ => Reply::Unsigned(204, String::new()),
    })
    .await;
    let password = SecretText::new("long enough".into());
    let config = quick(&[&server.url], &store);
    let client = StaffClient::log_in(config, Arc::new(SystemClock), "bo", &password).await.unwrap();
    assert_eq!(client.session().role, Role::It);
    assert!(client.terminals().await.unwrap().is_empty());
    client.put_catalogue(&[]).await.unwrap();
    assert!(!format!("{client:?}").contains("tok"));
}

#[tokio::test]
async fn addresses_that_are_not_https_are_refused() {
    let store = TestStore::new();
    for bad in ["http://127.0.0.1:1", "127.0.0.1:8443", "https://127.0.0.1/path", "https://u@127.0.0.1", ""] {
        let key = DeviceKey::generate().unwrap().signing_key("T0001:1").unwrap();
        let result = StoreClient::new(quick(&[bad], &store), key, Arc::new(SystemClock));
        assert!(matches!(result, Err(ClientError::Misconfigured(_))), "{bad}");
    }
}

#[tokio::test]
async fn each_server_is_probed_by_itself() {
    let store = TestStore::new();
    let well = TestServer::start(&store, |_| Reply::Unsigned(200, r#"{"ready":true}"#.into())).await;
    let ill = TestServer::start(&store, |_| Reply::Unsigned(503, "no group".into())).await;
    let dead = dead_address().await;
    let reports = probe_servers(&quick(&[&well.url, &ill.url, &dead], &store), Arc::new(SystemClock)).await;
    let states: Vec<Option<bool>> = reports.iter().map(|r| r.health.as_ref().ok().map(|h| h.ready)).collect();
    assert_eq!(states, [Some(true), Some(false), None]);
}
