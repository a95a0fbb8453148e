//! Just enough HTTP/1.1 to answer, and to *not* answer: a web framework always sends something, a lost reply
//! is a connection that ends in silence.

use evertill_server::channel::line;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 256 * 1024;

/// A request, whole.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// Header fields, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<line::Request> for Request {
    /// What the server's adapter sends, as the listener would read it.
    fn from(sent: line::Request) -> Self {
        let host_and_path = sent.url.split_once("://").map_or("", |(_, rest)| rest);
        let (host, target) = host_and_path.split_once('/').unwrap_or((host_and_path, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let host = ("host".to_owned(), host.to_owned());
        let method = match sent.method {
            line::Method::Get => "GET",
            line::Method::Post => "POST",
        };
        Self {
            method: method.to_owned(),
            path: format!("/{path}"),
            query: query.to_owned(),
            headers: in_small_letters(sent.headers).into_iter().chain([host]).collect(),
            body: sent.body,
        }
    }
}

/// Header fields as whoever reads them has them.
pub(in crate::simulator) fn in_small_letters(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// What to do with the connection.
#[derive(Debug)]
pub enum Response {
    /// Answer.
    Reply {
        /// The status code.
        status: u16,
        /// The type of the body.
        content_type: &'static str,
        /// The body.
        body: Vec<u8>,
    },
    /// Answer with headers of one's own, the type of the body among them.
    Whole {
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// End the connection in silence.
    HangUp,
}

impl Response {
    /// An answer with status 200.
    #[must_use]
    pub fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::Reply { status: 200, content_type, body: body.into() }
    }
}

/// What merchants are told by: each time on a connection of its own, and only where one of these roots is trusted.
/// # Errors
/// The roots are none.
pub fn client(roots: &[String]) -> reqwest::Result<reqwest::Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().no_proxy().http1_only().pool_max_idle_per_host(0);
    if !roots.is_empty() {
        let roots = roots.iter().map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()));
        builder = builder.tls_certs_only(roots.collect::<Result<Vec<_>, _>>()?);
    }
    builder.redirect(reqwest::redirect::Policy::none()).build()
}

/// Answers requests on one connection until either side ends it.
/// # Errors
/// The connection broke, or what came is not HTTP.
pub async fn converse<S, H, F>(mut stream: S, handle: H) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let (status, headers, body) = match handle(request).await {
            Response::Reply { status, content_type, body } => {
                (status, vec![("content-type".to_owned(), content_type.to_owned())], body)
            }
            Response::Whole { status, headers, body } => (status, headers, body),
            Response::HangUp => return Ok(()),
        };
        let reason = if status < 400 { "OK" } else { "Error" };
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        // An answer without content has no length of it.
        if status != 204 {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.flush().await?;
    }
    Ok(())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

async fn fill<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 4096];
    let length = stream.read(&mut part).await?;
    buffer.extend_from_slice(&part[..length]);
    Ok(length > 0)
}

async fn read_request<S>(stream: &mut S, buffer: &mut Vec<u8>) -> io::Result<Option<Request>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > MAX_HEAD {
            return Err(invalid("the head is too long"));
        }
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).map_err(|_| invalid("the head is not text"))?;
    let mut request = parse_head(&head)?;
    let length = match request.headers.get("content-length") {
        Some(length) => length.parse::<usize>().map_err(|_| invalid("content-length"))?,
        None if request.headers.contains_key("transfer-encoding") => return Err(invalid("chunked")),
        None => 0,
    };
    if length > MAX_BODY {
        return Err(invalid("the body is too long"));
    }
    if request.headers.get("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let end = head_end + 4 + length;
    while buffer.len() < end {
        if !fill(stream, buffer).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = buffer[head_end + 4..end].to_vec();
    buffer.drain(..end);
    Ok(Some(request))
}

fn parse_head(head: &str) -> io::Result<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version)) = (first.next(), first.next(), first.next()) else {
        return Err(invalid("the request line"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(invalid("the version"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned())).collect(),
        body: Vec::new(),
    })
}

/// Takes connections until it is aborted, which ends them all.
pub async fn listen<H, F>(listener: TcpListener, handle: H)
where
    H: Fn(tokio::net::TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(handle(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}
