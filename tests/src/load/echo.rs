//! A server that does nothing but take a request over TLS 1.3 and give an answer of a certain size: the price of the
//! line alone. It runs as a process of its own, so that its processor time can be counted.

use super::line::extent;
use crate::load::wrong;
use crate::store_rig::RigError;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use axum_server::tls_rustls::RustlsConfig;
use clap::{Args, ValueEnum};
use evertill_server::connection::tls;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// TLS on a socket, and the least that tells where a request ends.
    Bare,
    /// axum, hyper and axum-server, as the store server uses them.
    Axum,
}

/// How it is started.
#[derive(Clone, Debug, Args)]
pub struct EchoOptions {
    /// What it is made of.
    #[arg(long)]
    pub kind: Kind,
    /// The certificate, PEM.
    #[arg(long)]
    pub certificate: PathBuf,
    /// Its key, PEM.
    #[arg(long)]
    pub key: PathBuf,
    /// How many bytes an answer has, its head included.
    #[arg(long)]
    pub answer: usize,
}

/// Serves until it is killed; prints its address as one line of JSON when it is ready.
/// # Errors
/// The certificate or the address cannot be used.
pub async fn serve(options: &EchoOptions) -> Result<(), RigError> {
    let config = tls(&options.certificate, &options.key).map_err(wrong)?;
    match options.kind {
        Kind::Bare => bare(config, options.answer).await,
        Kind::Axum => with_axum(config, options.answer).await,
    }
}

fn ready(address: SocketAddr) {
    println!("{}", serde_json::json!({ "ready": true, "port": address.port() }));
}

async fn bare(config: rustls::ServerConfig, size: usize) -> Result<(), RigError> {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
    ready(listener.local_addr().map_err(wrong)?);
    let answer = Arc::new(answer(size));
    loop {
        let (tcp, _) = listener.accept().await.map_err(wrong)?;
        let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
        tokio::spawn(async move {
            tcp.set_nodelay(true)?;
            let mut stream = acceptor.accept(tcp).await?;
            let mut read = Vec::with_capacity(8192);
            while stream.read_buf(&mut read).await? > 0 {
                if extent(&read)?.is_some_and(|(_, length)| read.len() >= length) {
                    read.clear();
                    stream.write_all(&answer).await?;
                    stream.flush().await?;
                }
            }
            std::io::Result::Ok(())
        });
    }
}

/// A whole answer of about that size: most of it in its head, as with a signed answer.
fn answer(size: usize) -> Vec<u8> {
    let body = "x".repeat(100);
    let start = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nfiller: ", body.len());
    let filler = "x".repeat(size.saturating_sub(start.len() + 4 + body.len()));
    format!("{start}{filler}\r\n\r\n{body}").into_bytes()
}

async fn with_axum(config: rustls::ServerConfig, size: usize) -> Result<(), RigError> {
    // What axum adds by itself: the status line, content-type, content-length and date.
    let filler = "x".repeat(size.saturating_sub(250));
    let filler = HeaderValue::from_str(&filler).map_err(wrong)?;
    let echo = move |_whole: Bytes| {
        let filler = filler.clone();
        async move { with_header(filler) }
    };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    ready(listener.local_addr().map_err(wrong)?);
    let service = Router::new().fallback(echo).into_make_service();
    let config = RustlsConfig::from_config(Arc::new(config));
    axum_server::from_tcp_rustls(listener, config).map_err(wrong)?.serve(service).await.map_err(wrong)
}

fn with_header(filler: HeaderValue) -> Response {
    let mut response = "x".repeat(100).into_response();
    response.headers_mut().insert("filler", filler);
    response
}
