//! Connections: TLS 1.3 only, not more than fit, and none that stands idle for ever.

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// The most connections at a time. More are closed before anything is read from them.
const MOST: usize = 4_000;
/// A connection on which nothing comes or goes for this long is closed. Longer than any answer takes.
const IDLE: Duration = Duration::from_secs(90);

/// Why the server's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as what it should be.
    #[error("`{field}`: {} cannot be used: {problem}. `evertill-admin store create` makes it", file.display())]
    File {
        /// The setting that names it.
        field: &'static str,
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Certificate and key do not fit.
    #[error("`tls_certificate` and `tls_key` do not fit together: {0}. Name the two that were made together")]
    Mismatch(rustls::Error),
}

/// TLS 1.3 with ring, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// [`TlsError`].
pub fn tls(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let wrong =
        |field, file: &Path, problem: String| TlsError::File { field, file: file.to_owned(), problem };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong("tls_certificate", certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong("tls_certificate", certificate, "there is no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("tls_key", key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Lets connections in, as long as there are places.
#[derive(Clone)]
pub struct Gate {
    tls: RustlsAcceptor,
    places: Arc<Semaphore>,
}

impl Gate {
    /// In front of this acceptor.
    #[must_use]
    pub fn new(tls: RustlsAcceptor) -> Self {
        Self { tls, places: Arc::new(Semaphore::new(MOST)) }
    }
}

type TlsStream<I, S> = <RustlsAcceptor as Accept<I, S>>::Stream;

impl<I, S> Accept<I, S> for Gate
where
    RustlsAcceptor: Accept<I, S>,
    <RustlsAcceptor as Accept<I, S>>::Future: Send + 'static,
{
    type Stream = Guarded<TlsStream<I, S>>;
    type Service = <RustlsAcceptor as Accept<I, S>>::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            metrics::counter!("evertill_connections_refused_total").increment(1);
            return Box::pin(async { Err(io::Error::other("too many connections")) });
        };
        let place = Counted::new(place);
        let handshake = self.tls.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = handshake.await?;
            Ok((Guarded::new(stream, place), service))
        })
    }
}

/// A connection that holds its place and ends when it stands idle.
pub struct Guarded<T> {
    stream: T,
    moved_at: Instant,
    /// Rings when the connection may have stood idle for too long. It is not put forward each time that something
    /// moves: it looks when it rings.
    idle: Pin<Box<Sleep>>,
    _place: Counted,
}

/// A place, counted as long as it is taken.
struct Counted {
    _place: OwnedSemaphorePermit,
}

impl Counted {
    fn new(place: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("evertill_connections").increment(1.0);
        Self { _place: place }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("evertill_connections").decrement(1.0);
    }
}

impl<T> Guarded<T> {
    fn new(stream: T, place: Counted) -> Self {
        Self { stream, moved_at: Instant::now(), idle: Box::pin(sleep(IDLE)), _place: place }
    }

    fn moved(&mut self) {
        self.moved_at = Instant::now();
    }

    fn waits<O>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<O>> {
        while self.idle.as_mut().poll(context).is_ready() {
            let until = self.moved_at + IDLE;
            if until <= self.idle.deadline() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.idle.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                self.moved();
                Poll::Ready(read)
            }
            Poll::Pending => self.waits(context),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.moved();
                Poll::Ready(written)
            }
            Poll::Pending => self.waits(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => self.waits(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
