//! Somebody else at the other end: addresses that misbehave before the wallet, or in front of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What an address does that is not the wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Nobody listens.
    Dead,
    /// There is no such name.
    NoName,
    /// Takes the call and never shakes hands.
    NoHandshake,
    /// Takes the request and says nothing.
    Silent,
    /// Half an answer, and nothing more.
    Half,
    /// Half an answer, and a reset.
    Reset,
    /// A page of whoever stands before the wallet.
    Page502,
    /// An answer of which a byte comes now and then.
    Drip,
}

impl Bad {
    pub const ALL: [Self; 8] = [
        Self::Dead,
        Self::NoName,
        Self::NoHandshake,
        Self::Silent,
        Self::Half,
        Self::Reset,
        Self::Page502,
        Self::Drip,
    ];

    /// Whether a request surely does not leave for it.
    pub fn is_never_reached(self) -> bool {
        matches!(self, Self::Dead | Self::NoName | Self::NoHandshake)
    }
}

/// An address with somebody behind it, and what came there. It ends when it is dropped.
pub struct Peer {
    pub url: String,
    pub connections: Arc<AtomicU32>,
    pub pays: Arc<AtomicU32>,
    task: AbortHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub fn pays(&self) -> u32 {
        self.pays.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn peer<H, F>(scheme: &str, handle: H) -> Peer
where
    H: Fn(TcpStream, Arc<AtomicU32>) -> F + Send + 'static,
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let (connections, pays) = (Arc::<AtomicU32>::default(), Arc::<AtomicU32>::default());
    let (counted, paid) = (Arc::clone(&connections), Arc::clone(&pays));
    let task = tokio::spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            counted.fetch_add(1, Ordering::SeqCst);
            open.spawn(handle(stream, Arc::clone(&paid)));
        }
    });
    Peer { url, connections, pays, task: task.abort_handle() }
}

/// An address that is bad in that way.
pub async fn bad(how: Bad) -> Peer {
    let scheme = if how == Bad::NoHandshake { "https" } else { "http" };
    let mut peer = peer(scheme, move |stream, pays| misbehave(how, stream, pays)).await;
    match how {
        Bad::Dead => peer.task.abort(),
        Bad::NoName => peer.url = "http://no-such-host.invalid".into(),
        _ => {}
    }
    peer
}

async fn misbehave(how: Bad, mut stream: TcpStream, pays: Arc<AtomicU32>) -> Option<()> {
    if how == Bad::NoHandshake {
        return std::future::pending().await;
    }
    let request = match how {
        // What is left unread makes the end a reset.
        Bad::Reset => {
            let mut start = vec![0; 64];
            stream.read_exact(&mut start).await.ok()?;
            start
        }
        _ => message(&mut stream).await?,
    };
    count(&request, &pays);
    let body = "{\"alipay_trade_pay_response\":{\"code\":\"10000\",\"msg\":\"Success\"";
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{body}");
    match how {
        Bad::Half => stream.write_all(half.as_bytes()).await.ok()?,
        Bad::Reset => return stream.write_all(half.as_bytes()).await.ok(),
        Bad::Page502 => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
            let head = format!(
                "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {}",
                page.len()
            );
            stream.write_all(format!("{head}\r\n\r\n{page}").as_bytes()).await.ok()?;
        }
        Bad::Drip => {
            for byte in half.bytes() {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Bad::Dead | Bad::NoName | Bad::NoHandshake | Bad::Silent => {}
    }
    std::future::pending().await
}

fn count(request: &[u8], pays: &AtomicU32) {
    let is_pay = request.starts_with(b"POST") && contains(request, b"alipay.trade.pay");
    pays.fetch_add(u32::from(is_pay), Ordering::SeqCst);
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|part| part == what)
}

/// One HTTP message with its length told, of either direction.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= at + 4 + length {
                return Some(bytes);
            }
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
    }
}

/// What somebody in front of the wallet does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Passes everything on.
    Good,
    /// Ends the connection after each answer, without saying so.
    EndsAfterAnswer,
    /// Answers once on each connection; takes the next request, and ends.
    BreaksOnSecond,
}

/// Somebody in front of the wallet.
pub async fn front(how: Front, wallet: SocketAddr) -> Peer {
    peer("http", move |mut stream, pays| async move {
        for nth in 0.. {
            let request = message(&mut stream).await?;
            count(&request, &pays);
            if how == Front::BreaksOnSecond && nth == 1 {
                return None;
            }
            let mut there = TcpStream::connect(wallet).await.ok()?;
            there.write_all(&request).await.ok()?;
            let answer = message(&mut there).await?;
            stream.write_all(&answer).await.ok()?;
            if how == Front::EndsAfterAnswer {
                return None;
            }
        }
        None
    })
    .await
}

/// The wallet behind TLS, with HTTP/2 for those who want it.
pub struct TlsFront {
    pub url: String,
    pub certificate: PathBuf,
    /// By which version which method came.
    pub seen: Arc<Mutex<Vec<(axum::http::Version, String)>>>,
    task: AbortHandle,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// See [`TlsFront`].
pub async fn tls_front(wallet: SocketAddr, folder: &Path) -> TlsFront {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("front.pem"), folder.join("front.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(&certificate, &key).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let (noted, http) = (Arc::clone(&seen), reqwest::Client::new());
    let pass = move |request: axum::extract::Request| {
        let (noted, http) = (Arc::clone(&noted), http.clone());
        async move {
            let (head, body) = request.into_parts();
            let query = head.uri.query().unwrap_or_default();
            let method = query.split('&').find_map(|pair| pair.strip_prefix("method=")).unwrap_or("race");
            noted.lock().unwrap().push((head.version, method.to_owned()));
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let answer =
                http.request(head.method, format!("http://{wallet}{}", head.uri.path_and_query().unwrap()));
            answer.headers(plain(&head.headers)).body(body).send().await.unwrap().bytes().await.unwrap()
        }
    };
    let service = axum::Router::new().fallback(pass).into_make_service();
    let task = tokio::spawn(async move {
        axum_server::from_tcp_rustls(listener, config).unwrap().serve(service).await.unwrap();
    });
    TlsFront { url, certificate, seen, task: task.abort_handle() }
}

/// Only what says what the body is: the rest belongs to the connection.
fn plain(headers: &axum::http::HeaderMap) -> reqwest::header::HeaderMap {
    let kept = headers.iter().filter(|(name, _)| name.as_str() == "content-type");
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
