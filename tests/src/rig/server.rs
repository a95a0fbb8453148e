//! What all servers of the rigs share: waiting for them within a limit, and showing the end of their log.

use super::Failure;
use crate::process::{Process, tail, wait_until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) fn failure(name: &str, what: impl Into<String>, log: &Path) -> Failure {
    Failure::Server { name: name.into(), what: what.into(), tail: tail(log) }
}

/// Waits until a server is ready. It must go on running meanwhile.
pub(super) fn wait_ready(
    name: &str,
    process: &mut Process,
    patience: Duration,
    mut is_ready: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let mut has_ended = false;
    let settled = wait_until(patience, || {
        has_ended = !process.is_running();
        has_ended || is_ready()
    });
    if has_ended {
        return Err(failure(name, "ended before it was ready", process.log()));
    }
    if settled {
        return Ok(());
    }
    Err(failure(name, format!("was not ready within {} s", patience.as_secs()), process.log()))
}

/// Runs a tool to its end. What it printed on standard error becomes the error.
pub(super) fn run(what: &str, command: &mut Command) -> Result<String, Failure> {
    feed(what, command, "").map(|(said, _)| said)
}

/// Runs a tool to its end with this on its standard input (less than a pipe holds). What it printed on standard output
/// and on standard error.
pub(super) fn feed(what: &str, command: &mut Command, input: &str) -> Result<(String, String), Failure> {
    let not_run = |error| Failure::Machine(format!("{what}: cannot be run: {error}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(not_run)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that reads nothing may have closed it; its status tells.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(not_run)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok((text(&output.stdout), text(&output.stderr)));
    }
    Err(Failure::Machine(format!("{what}: {} {}", output.status, text(&output.stderr).trim())))
}

/// The status and body of a plain HTTP answer.
pub(super) fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    patience: Duration,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
