//! The tills' side of a connection, as cheap as it can be: TLS 1.3 and just enough of HTTP/1.1, so that the load costs
//! its own core little and the measured side all it is meant to.

use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::protocol::store::TrustBundle;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Opens connections to one server.
#[derive(Clone)]
pub(crate) struct Dialler {
    tls: TlsConnector,
    address: SocketAddr,
}

/// An open connection, kept for request after request.
pub(crate) struct Line {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    raw: Vec<u8>,
    head: usize,
}

impl Dialler {
    /// Trusts the store's root and nothing else, as a till does.
    pub(crate) fn new(trust: &TrustBundle, port: u16) -> Result<Self, RigError> {
        let mut roots = RootCertStore::empty();
        for pem in &trust.root_certificates {
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).map_err(wrong)?).map_err(wrong)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(wrong)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), address })
    }

    pub(crate) async fn open(&self) -> io::Result<Line> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into());
        Ok(Line { stream: self.tls.connect(name, tcp).await?, read: Vec::with_capacity(4096) })
    }
}

impl Line {
    /// Sends one request and reads its whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.read.clear();
        let mut whole: Option<(usize, usize)> = None;
        loop {
            if whole.is_none() {
                whole = extent(&self.read)?;
            }
            if let Some((head, length)) = whole
                && self.read.len() >= length
            {
                let status = text_after(&self.read, b"HTTP/1.1 ").and_then(|t| t.get(..3)?.parse().ok());
                let status = status.ok_or_else(|| io::Error::other("an answer without a status"))?;
                return Ok(Answer { status, raw: self.read.clone(), head });
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn text_after<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a str> {
    let rest = bytes.strip_prefix(start)?;
    std::str::from_utf8(rest.get(..rest.len().min(16))?).ok()
}

/// Where the head of a message ends and the whole of it, once its head is there.
pub(crate) fn extent(message: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = message.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = end + 4;
    let length = match header(&message[..head], "content-length") {
        None => 0,
        Some(text) => text.parse().map_err(|_| io::Error::other("a content-length that is no number"))?,
    };
    Ok(Some((head, head + length)))
}

/// The value of a header in the head of a message.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(head).ok()?;
    text.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Answer {
    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        header(self.raw.get(..self.head).unwrap_or_default(), name).unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.raw.get(self.body_range()).unwrap_or_default()
    }

    fn body_range(&self) -> Range<usize> {
        self.head..self.raw.len()
    }

    /// How many bytes came over TLS.
    pub(crate) fn size(&self) -> usize {
        self.raw.len()
    }
}
