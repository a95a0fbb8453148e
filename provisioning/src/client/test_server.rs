//! A store server for tests: real TLS from a real store's files, a few lines of HTTP/1.1, and answers that may
//! be wrong in any way that is asked for.

use crate::pki::{FirstStaff, NewStore, create_store};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::StoreId;
use evertill_shared::money::Currency;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::store::{SERVER_KEYS_PATH, StoreInfo, TrustBundle};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{
    BoundRequest, ReceivedSignature, RequestParts, ResponseParts, SigningKey, VerifyingKey, Window,
    sign_response, verify_request,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A store's files in a directory that goes away by itself.
pub(crate) struct TestStore {
    dir: tempfile::TempDir,
    pub(crate) trust: TrustBundle,
}

pub(crate) fn plan(id: u32) -> NewStore {
    let person = |login: &str, role| FirstStaff {
        login: login.into(),
        name: login.into(),
        role,
        password: SecretText::new("long enough".into()),
    };
    NewStore {
        info: StoreInfo {
            id: StoreId::try_from(id).unwrap(),
            name: "Corner shop 街角".into(),
            address: vec!["1 Main Street".into()],
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        server_names: vec!["till-server.lan".into(), "10.0.0.1".into()],
        listen: "127.0.0.1:0".parse().unwrap(),
        staff: vec![person("mei", Role::Manager), person("bo", Role::It)],
        root_passphrase: None,
    }
}

impl TestStore {
    pub(crate) fn new() -> Self {
        Self::made_at(SystemClock.now())
    }

    pub(crate) fn made_at(now: Timestamp) -> Self {
        let dir = tempfile::tempdir().unwrap();
        create_store(&dir.path().join("store"), &plan(1), now).unwrap();
        let trust = std::fs::read(dir.path().join("store/trust.json")).unwrap();
        Self { trust: serde_json::from_slice(&trust).unwrap(), dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn tls(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> rustls::ServerConfig {
        server_tls(&self.path().join("server"), versions)
    }

    /// The response key, under any name.
    pub(crate) fn response_key(&self, key_id: &str) -> SigningKey {
        let pem = std::fs::read(self.path().join("server/response.key")).unwrap();
        SigningKey::from_pkcs8(&crate::key_format::from_pem(&pem).unwrap(), key_id.into()).unwrap()
    }

    pub(crate) fn statements(&self) -> Vec<u8> {
        std::fs::read(self.path().join("server/server-keys.json")).unwrap()
    }
}

pub(crate) fn server_tls(
    server: &Path,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ServerConfig {
    let chain = vec![CertificateDer::from_pem_file(server.join("tls.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(server.join("tls.key")).unwrap();
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn path_and_query(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    /// Checks the signature as a server does.
    pub(crate) fn verify(&self, key: &VerifyingKey, now: Timestamp) {
        let received =
            ReceivedSignature::parse(self.header("signature-input"), self.header("signature")).unwrap();
        let (path, query) = self.path_and_query();
        let parts = RequestParts {
            method: &self.method,
            authority: self.header("host"),
            path,
            query,
            content_type: self.header("content-type"),
            request_id: self.header("evertill-request-id"),
            body: &self.body,
        };
        verify_request(&received, &parts, self.header("content-digest"), key, now, &Window::default())
            .unwrap();
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// A proper answer.
    Signed(u16, String),
    /// Signed with this key.
    SignedBy(SigningKey, u16, String),
    /// Signed, but as the answer to another request.
    ForAnother(Request, u16, String),
    /// Signed, and then the body changed.
    Altered(u16, String),
    /// Not signed at all.
    Unsigned(u16, String),
    /// The connection ends without an answer.
    Cut,
    /// The answer ends in the middle.
    CutInAnswer,
    /// Nothing happens any more.
    Silence,
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A running server. Ends with the test's runtime.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Request>>>,
    pub(crate) key_fetches: Arc<Mutex<usize>>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    handler: Handler,
    key: Arc<SigningKey>,
    statements: Arc<Mutex<Vec<u8>>>,
    seen: Arc<Mutex<Vec<Request>>>,
    key_fetches: Arc<Mutex<usize>>,
}

impl TestServer {
    /// Starts a server of this store.
    pub(crate) async fn start(
        store: &TestStore,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let statements = Arc::new(Mutex::new(store.statements()));
        Self::start_with(
            store.tls(&[&rustls::version::TLS13]),
            store.response_key("server-1"),
            statements,
            handler,
        )
        .await
    }

    pub(crate) async fn start_with(
        tls: rustls::ServerConfig,
        key: SigningKey,
        statements: Arc<Mutex<Vec<u8>>>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (seen, key_fetches) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let shared = Shared {
            handler: Arc::new(handler),
            key: Arc::new(key),
            statements,
            seen: Arc::clone(&seen),
            key_fetches: Arc::clone(&key_fetches),
        };
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new(); // which end with this task
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(acceptor.clone(), socket, shared.clone()));
            }
        });
        Self { url, seen, key_fetches, accepting }
    }

    /// Dies: all connections end, and no new ones are taken.
    pub(crate) async fn die(self) {
        self.accepting.abort();
        let _ = self.accepting.await;
    }

    /// The requests that came in, without those for the keys.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream, shared: Shared) {
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    while let Some(request) = read_request(&mut stream).await {
        if request.target == SERVER_KEYS_PATH {
            *shared.key_fetches.lock().unwrap() += 1;
            let body = shared.statements.lock().unwrap().clone();
            let answer = http(200, &String::from_utf8(body).unwrap(), "");
            let _ = stream.write_all(answer.as_bytes()).await;
            continue;
        }
        shared.seen.lock().unwrap().push(request.clone());
        let answer = match (shared.handler)(&request) {
            Reply::Signed(status, body) => signed(&shared.key, &request, status, &body, &body),
            Reply::SignedBy(key, status, body) => signed(&key, &request, status, &body, &body),
            Reply::ForAnother(other, status, body) => signed(&shared.key, &other, status, &body, &body),
            Reply::Altered(status, body) => {
                let altered = body.replace('1', "2");
                assert_ne!(altered, body);
                signed(&shared.key, &request, status, &body, &altered)
            }
            Reply::Unsigned(status, body) => http(status, &body, ""),
            Reply::Cut => return,
            Reply::CutInAnswer => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":").await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Silence => std::future::pending().await,
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn signed(key: &SigningKey, request: &Request, status: u16, body: &str, sent: &str) -> String {
    let parts = ResponseParts { status, content_type: "application/json", body: body.as_bytes() };
    let bound = BoundRequest {
        method: &request.method,
        path: request.path_and_query().0,
        content_digest: request.header("content-digest"),
        signature: request.header("signature"),
    };
    let headers = sign_response(key, &parts, &bound, SystemClock.now()).unwrap();
    let extra = format!(
        "content-digest: {}\r\nsignature-input: {}\r\nsignature: {}\r\n",
        headers.content_digest, headers.signature_input, headers.signature
    );
    http(status, sent, &extra)
}

fn http(status: u16, body: &str, extra: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn read_request<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |v| v.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        read_more(stream, &mut bytes).await?;
    }
    Some(Request { method, target, headers, body: bytes[head_end + 4..].to_vec() })
}

async fn read_more<S: tokio::io::AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
    bytes.extend_from_slice(&chunk[..count]);
    Some(())
}
