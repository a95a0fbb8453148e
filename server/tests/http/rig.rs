//! A store made for a test, a server for it in this process, tills and people that talk to it.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use evertill_server::app::App;
use evertill_server::config::Config;
use evertill_server::{RunningServer, start};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::TerminalId;
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::protocol::enrol::{ENROL_KEY_ID, Enrol, Enrolled, terminal_key_id};
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{
    Bootstrap, BootstrapStaff, EnrolmentCode, LogIn, NewEnrolmentCode, Role, Session, TerminalChange,
    TerminalRow, path as staff_path,
};
use evertill_shared::protocol::store::{ServerKey, ServerKeyStatement, StoreInfo};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, ReceivedSignature, RequestParts, ResponseParts,
    SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SignatureError, SigningKey, VerifyingKey, sign_request,
    verify_response,
};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse";
const RESPONSE_SEED: [u8; 32] = [42; 32];

/// The machine's clock, moved by hand.
#[derive(Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        let moved = u64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        SystemClock.monotonic() + Duration::from_millis(moved)
    }
}

/// A store's files and what is needed to talk to its servers.
pub struct Store {
    pub dir: TempDir,
    pub clock: Arc<MovedClock>,
    pub root: String,
}

pub fn hash(password: &str) -> String {
    let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(16, 1, 1, None).unwrap());
    cheap.hash_password(password.as_bytes()).unwrap().to_string()
}

fn pkcs8(seed: [u8; 32]) -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(seed);
    der
}

impl Store {
    pub fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let root = certificates(dir.path());
        std::fs::write(dir.path().join("response.key"), pkcs8(RESPONSE_SEED)).unwrap();
        let json = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
        json("server-keys.json", serde_json::to_string(&statements()).unwrap());
        json("bootstrap.json", serde_json::to_string(&bootstrap()).unwrap());
        Self { dir, clock: Arc::default(), root }
    }

    pub fn settings(&self) -> &'static str {
        r#"
listen = "127.0.0.1:0"
data_dir = "data"
tls_certificate = "tls.pem"
tls_key = "tls.key"
response_key = "response.key"
response_key_id = "server-1"
server_keys = "server-keys.json"
bootstrap = "bootstrap.json"
"#
    }

    pub async fn serve(&self) -> Server {
        self.serve_with("").await
    }

    /// With more lines in its settings.
    pub async fn serve_with(&self, more: &str) -> Server {
        let config = Config::parse(&format!("{}{more}", self.settings()), self.dir.path()).unwrap();
        let running = start(config, Arc::clone(&self.clock) as Arc<dyn Clock>).await.unwrap();
        let client = self.client();
        Server { addr: running.addr, running: Some(running), client, clock: Arc::clone(&self.clock) }
    }

    /// The real program as a process of its own, by the machine's clock. It is killed when it is dropped.
    pub fn spawn(&self) -> (Server, Program) {
        let (server, program, _) = self.spawn_with("");
        (server, program)
    }

    /// With more lines in its settings; what it said when it was ready, too.
    pub fn spawn_with(&self, more: &str) -> (Server, Program, serde_json::Value) {
        let settings = self.dir.path().join("server.toml");
        std::fs::write(&settings, format!("{}{more}", self.settings())).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_evertill-server"))
            .arg("--config")
            .arg(settings)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.dir.path().join("server.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true);
        let addr = ready["listen"].as_str().unwrap().parse().unwrap();
        let server = Server { addr, running: None, client: self.client(), clock: Arc::clone(&self.clock) };
        (server, Program(child), ready)
    }

    fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.root.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([root]).build().unwrap()
    }
}

fn certificates(dir: &Path) -> String {
    let key = || rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(rcgen::DnType::CommonName, "test root");
    let root_key = key();
    let root_certificate = root.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(root, root_key);
    let leaf_key = key();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = rcgen::CertificateParams::new(names).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    std::fs::write(dir.join("tls.pem"), leaf.pem()).unwrap();
    std::fs::write(dir.join("tls.key"), leaf_key.serialize_pem()).unwrap();
    root_certificate.pem()
}

pub fn response_key() -> VerifyingKey {
    SigningKey::from_seed(&RESPONSE_SEED, "server-1".into()).unwrap().public()
}

fn statements() -> Vec<ServerKeyStatement> {
    let key = ServerKey {
        store: 7_u32.try_into().unwrap(),
        key_id: "server-1".into(),
        public_key: response_key(),
        not_before: Timestamp(0),
        not_after: Timestamp(i64::MAX),
    };
    vec![ServerKeyStatement { text: serde_json::to_string(&key).unwrap(), signature: String::new() }]
}

fn bootstrap() -> Bootstrap {
    let person = |login: &str, role| BootstrapStaff {
        login: login.into(),
        name: format!("{login} of the test"),
        role,
        password_hash: hash(PASSWORD),
    };
    Bootstrap {
        store: StoreInfo {
            id: 7_u32.try_into().unwrap(),
            name: "Corner shop".into(),
            address: vec!["1 Main Street".into()],
            currency: "CNY".parse().unwrap(),
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        staff: vec![person("ivy", Role::It), person("max", Role::Manager), person("cas", Role::Cashier)],
    }
}

/// A running server and how to reach it.
pub struct Server {
    pub addr: SocketAddr,
    running: Option<RunningServer>,
    pub client: reqwest::Client,
    pub clock: Arc<MovedClock>,
}

/// What came back, verified or not.
#[derive(Debug)]
pub struct Came {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether it is signed by the server and bound to the request that was sent.
    pub bound: Result<(), SignatureError>,
    pub headers: reqwest::header::HeaderMap,
}

impl Came {
    /// The error; it must be signed and bound if the request carried a signature.
    pub fn error(&self) -> ApiError {
        assert_ne!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn code(&self) -> ErrorCode {
        self.error().code
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it verifies as the answer to another request.
    pub fn bound_to(&self, request: &Request) -> Result<(), SignatureError> {
        bound(self.status, &self.headers, &self.body, request)
    }
}

fn bound(
    status: u16,
    headers: &reqwest::header::HeaderMap,
    body: &[u8],
    request: &Request,
) -> Result<(), SignatureError> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let received = ReceivedSignature::parse(text(SIGNATURE_INPUT_HEADER), text(SIGNATURE_HEADER))?;
    assert_eq!(received.key_id(), "server-1");
    let parts = ResponseParts { status, content_type: text("content-type"), body };
    let path = request.path.split('?').next().unwrap_or_default();
    let bound = BoundRequest {
        method: request.method.as_str(),
        path,
        content_digest: &request.content_digest,
        signature: &request.signature,
    };
    verify_response(&received, &parts, text(CONTENT_DIGEST_HEADER), &bound, &response_key())
}

/// A signed request that a test may spoil before it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub content_type: String,
    pub request_id: String,
    pub content_digest: String,
    pub signature_input: String,
    pub signature: String,
    pub body: Vec<u8>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The program as a process.
pub struct Program(Child);

impl Program {
    /// kill -9: nothing is finished, nothing is closed.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM; answers whether it ended well.
    pub fn terminate(mut self) -> bool {
        let sent = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        sent.success() && self.0.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// The parts of a server that runs in this process.
    pub fn app(&self) -> &App {
        &self.running.as_ref().unwrap().app
    }

    pub async fn stop(self) {
        self.running.unwrap().stop().await;
    }

    /// Tells the server to stop and goes on using it while it does.
    pub fn begin_stop(&mut self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(self.running.take().unwrap().stop())
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.addr)
    }

    pub fn sign_at(
        &self,
        key: &SigningKey,
        method: &str,
        path: &str,
        body: Vec<u8>,
        at: Timestamp,
    ) -> Request {
        let request_id = format!("request-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let (plain, query) = path.split_once('?').unwrap_or((path, ""));
        let authority = self.addr.to_string();
        let parts = RequestParts {
            method,
            authority: &authority,
            path: plain,
            query,
            content_type: "application/json",
            request_id: &request_id,
            body: &body,
        };
        let headers = sign_request(key, &parts, at, at.plus(Duration::from_secs(60))).unwrap();
        Request {
            method: method.parse().unwrap(),
            path: path.into(),
            content_type: "application/json".into(),
            request_id,
            content_digest: headers.content_digest,
            signature_input: headers.signature_input,
            signature: headers.signature,
            body,
        }
    }

    pub fn sign(&self, key: &SigningKey, method: &str, path: &str, body: Vec<u8>) -> Request {
        self.sign_at(key, method, path, body, self.clock.now())
    }

    pub async fn send(&self, request: &Request) -> Came {
        let sent = self
            .client
            .request(request.method.clone(), self.url(&request.path))
            .header("content-type", &request.content_type)
            .header(REQUEST_ID_HEADER, &request.request_id)
            .header(CONTENT_DIGEST_HEADER, &request.content_digest)
            .header(SIGNATURE_INPUT_HEADER, &request.signature_input)
            .header(SIGNATURE_HEADER, &request.signature)
            .body(request.body.clone());
        came(sent.send().await.unwrap(), request).await
    }

    /// A till asks; the answer must be signed and bound whatever it says.
    pub async fn ask<T: Serialize>(
        &self,
        key: &SigningKey,
        method: &str,
        path: &str,
        body: Option<&T>,
    ) -> Came {
        let body = body.map(|b| serde_json::to_vec(b).unwrap()).unwrap_or_default();
        let came = self.send(&self.sign(key, method, path, body)).await;
        assert_eq!(came.bound, Ok(()), "{came:?}");
        came
    }

    pub async fn get(&self, key: &SigningKey, path: &str) -> Came {
        self.ask::<()>(key, "GET", path, None).await
    }

    pub async fn log_in(&self, login: &str) -> SecretText {
        let came = self.staff("POST", staff_path::SESSIONS, None, &login_of(login, PASSWORD)).await;
        came.json::<Session>().token
    }

    pub async fn staff<T: Serialize>(
        &self,
        method: &str,
        path: &str,
        token: Option<&SecretText>,
        body: &T,
    ) -> Came {
        let mut request = self.client.request(method.parse().unwrap(), self.url(path)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        let nothing = self.sign(&key(0), "GET", "/", Vec::new());
        came(request.send().await.unwrap(), &nothing).await
    }

    pub async fn code_for(&self, it: &SecretText, name: &str) -> EnrolmentCode {
        let new = NewEnrolmentCode { name: name.into() };
        self.staff("POST", staff_path::ENROLMENT_CODES, Some(it), &new).await.json()
    }

    pub async fn enrol(&self, code: &SecretText, seed: u8) -> Came {
        let key = SigningKey::from_seed(&[seed; 32], ENROL_KEY_ID.into()).unwrap();
        let enrol = Enrol { code: code.clone(), public_key: key.public() };
        self.ask(&key, "POST", path::ENROL, Some(&enrol)).await
    }

    pub async fn change(&self, it: &SecretText, terminal: TerminalId, change: &TerminalChange) -> Came {
        let path = staff_path::TERMINAL.replace("{terminal}", &terminal.to_string());
        self.staff("POST", &path, Some(it), change).await
    }

    /// A till that is enrolled but pending.
    pub async fn pending_till(&self, it: &SecretText, seed: u8) -> Till {
        let code = self.code_for(it, &format!("Till {seed}")).await;
        let enrolled: Enrolled = self.enrol(&code.code, seed).await.json();
        Till::new(&enrolled, seed)
    }

    pub async fn active_till(&self, it: &SecretText, seed: u8) -> Till {
        let till = self.pending_till(it, seed).await;
        let fingerprint = till.key.public().fingerprint();
        let came = self.change(it, till.terminal, &TerminalChange::Activate { fingerprint }).await;
        let _: TerminalRow = came.json();
        till
    }
}

async fn came(response: reqwest::Response, request: &Request) -> Came {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap().to_vec();
    let bound = bound(status, &headers, &body, request);
    Came { status, body, bound, headers }
}

pub fn login_of(login: &str, password: &str) -> LogIn {
    LogIn { login: login.into(), password: SecretText::new(password.into()) }
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], "T0001:1".into()).unwrap()
}

/// An enrolled till and its journal.
pub struct Till {
    pub terminal: TerminalId,
    pub key: SigningKey,
    pub head: Head,
}

impl Till {
    fn new(enrolled: &Enrolled, seed: u8) -> Self {
        let id = terminal_key_id(enrolled.terminal, enrolled.epoch);
        let key = SigningKey::from_seed(&[seed; 32], id).unwrap();
        Self { terminal: enrolled.terminal, key, head: Head::start(enrolled.terminal, enrolled.epoch) }
    }

    pub fn write(&mut self, at: i64) -> SignedEntry {
        let Head { terminal, epoch, sequence, hash } = self.head;
        let sequence = sequence + 1;
        let body = if sequence == 1 {
            Body::Opened { public_key: self.key.public() }
        } else {
            Body::SaleVoided { sale: 1 }
        };
        let entry = Entry { terminal, epoch, sequence, previous: hash, at: Timestamp(at), body };
        let signed = SignedEntry::sign(&entry, &self.key).unwrap();
        self.head = Head { sequence, hash: signed.hash(), ..self.head };
        signed
    }
}
