//! HAProxy leads to servers that are ready and to no others, through TLS that it does not open.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum_server::tls_rustls::RustlsConfig;
use evertill_tests::process::wait_until;
use evertill_tests::rig::haproxy::{Backend, Check, Haproxy};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(15);

/// A root and what it signs with.
struct Root {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn root() -> Root {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // A name of its own: a certificate that names itself as its issuer is not looked up in the roots.
    params.distinguished_name.push(DnType::CommonName, "a root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Root { pem, issuer: Issuer::new(params, key) }
}

/// A small HTTPS server that says its name, and whether it is ready as it is told.
struct Server {
    name: &'static str,
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    handle: axum_server::Handle<SocketAddr>,
}

impl Server {
    async fn start(name: &'static str, root: &Root) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        let certificate = params.signed_by(&key, &root.issuer).unwrap().pem();
        let tls = RustlsConfig::from_pem(certificate.into(), key.serialize_pem().into()).await.unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&ready);
        let health = move || async move {
            if told.load(Ordering::SeqCst) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
        };
        let router = Router::new()
            .route("/health/ready", get(health))
            .route("/name", get(move || async move { name }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let handle = axum_server::Handle::new();
        let served = axum_server::from_tcp_rustls(listener, tls).unwrap().handle(handle.clone());
        tokio::spawn(served.serve(router.into_make_service()));
        Self { name, address, ready, handle }
    }

    fn backend(&self) -> Backend {
        Backend::at(self.name, self.address)
    }
}

/// Who answers: one new connection each.
async fn names(root: &Root, balancer: SocketAddr, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..count {
        let trusted = reqwest::Certificate::from_pem(root.pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
        let answer = client.get(format!("https://{balancer}/name")).send().await.unwrap();
        names.push(answer.text().await.unwrap());
    }
    names.sort();
    names.dedup();
    names
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_ready_gets_no_connections() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = root();
    let (one, two) = (Server::start("one", &root).await, Server::start("two", &root).await);
    let stranger = Server::start("stranger", &self::root()).await;
    let check = Check::Https { path: "/health/ready".into(), root: root.pem.clone() };
    let backends = [one.backend(), two.backend(), stranger.backend()];
    let balancer = blocking(move || {
        let balancer = Haproxy::start(check, &backends).unwrap();
        balancer.wait_for(&["one", "two"], PATIENCE).unwrap();
        balancer
    });
    let mut balancer = balancer.await;
    let address = balancer.address();
    assert_eq!(names(&root, address, 6).await, ["one", "two"], "a server of another root is never ready");

    one.ready.store(false, Ordering::SeqCst);
    balancer.wait_for(&["two"], PATIENCE).unwrap();
    assert_eq!(names(&root, address, 6).await, ["two"]);
    one.ready.store(true, Ordering::SeqCst);
    balancer.wait_for(&["one", "two"], PATIENCE).unwrap();
    assert_eq!(names(&root, address, 6).await, ["one", "two"]);

    two.handle.shutdown();
    balancer.wait_for(&["one"], PATIENCE).unwrap();
    assert_eq!(names(&root, address, 6).await, ["one"]);

    let three = Server::start("three", &root).await;
    let old = balancer.id();
    balancer.reload(&[three.backend()]).unwrap();
    assert_ne!(balancer.id(), old);
    balancer.wait_for(&["three"], PATIENCE).unwrap();
    assert!(wait_until(PATIENCE, || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(names(&root, address, 3)))
            == ["three"]
    }));

    balancer.kill();
    assert!(std::net::TcpStream::connect(address).is_err(), "a killed balancer listens no more");
    balancer.start_again().unwrap();
    balancer.wait_for(&["three"], PATIENCE).unwrap();
    assert_eq!(names(&root, address, 2).await, ["three"], "at the same address");
    balancer.stop(Duration::from_secs(2));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_configuration_that_haproxy_refuses_is_told_in_its_own_words() {
    let nobody = Backend::at("no body", SocketAddr::from(([127, 0, 0, 1], 1)));
    let refused = Haproxy::start(Check::Http { path: "/".into() }, &[nobody]).err().unwrap().to_string();
    assert!(
        refused.contains("ended before it was ready")
            && refused.contains("[ALERT]")
            && refused.contains("unknown keyword"),
        "{refused}"
    );
}
