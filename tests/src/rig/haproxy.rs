//! HAProxy in front of several servers: it passes TLS through unread and asks each server's health by itself.

use super::place::Place;
use super::{Failure, packages, ports, server};
use crate::process::{Process, wait_until};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const START: Duration = Duration::from_secs(20);
/// How often each server's health is asked. Two bad answers take it out, two good ones bring it back.
const CHECK_EVERY_MS: u32 = 200;

/// How a server's health is asked: only the status 200 is good.
#[derive(Clone, Debug)]
pub enum Check {
    /// By HTTP over TLS, at the server's own port; the certificate must come from this root.
    Https {
        /// The path, for example `/health/ready`.
        path: String,
        /// The root certificate, in PEM.
        root: String,
    },
    /// By plain HTTP, at a port of its own, as Patroni answers it.
    Http {
        /// The path, for example `/primary`.
        path: String,
    },
}

/// A server behind the balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name in the balancer's books.
    pub name: String,
    /// Where connections go.
    pub address: SocketAddr,
    /// Where its health is asked.
    pub health: SocketAddr,
}

impl Backend {
    /// A server that answers for its health where it serves.
    #[must_use]
    pub fn at(name: &str, address: SocketAddr) -> Self {
        Self { name: name.into(), address, health: address }
    }
}

/// A running HAProxy. Dropping it ends and removes it.
pub struct Haproxy {
    process: Option<Process>,
    /// Those that were replaced: they take no new connections and end with their last one.
    leaving: Vec<Process>,
    place: Place,
    home: PathBuf,
    port: u16,
    check: Check,
    backends: Vec<Backend>,
}

impl Haproxy {
    /// Starts it on a free port.
    /// # Errors
    /// See [`Failure`].
    pub fn start(check: Check, backends: &[Backend]) -> Result<Self, Failure> {
        packages::ensure(&[packages::Package::Haproxy])?;
        let place = Place::new("haproxy", "nobody")?;
        let home = place.folder("haproxy")?;
        let mut haproxy = Self {
            process: None,
            leaving: Vec::new(),
            place,
            home,
            port: ports::free()?,
            check,
            backends: backends.to_vec(),
        };
        haproxy.start_again()?;
        Ok(haproxy)
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ports::loopback(self.port)
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts it after [`Haproxy::stop`] or [`Haproxy::kill`], at the same address.
    /// # Errors
    /// See [`Failure`].
    pub fn start_again(&mut self) -> Result<(), Failure> {
        self.kill();
        self.process = Some(self.spawn(&[])?);
        Ok(())
    }

    /// Puts other servers behind it without losing a connection: a new process takes over the listening socket, the
    /// old one goes on with the connections it has.
    /// # Errors
    /// The new process does not start; the old one goes on as it was.
    pub fn reload(&mut self, backends: &[Backend]) -> Result<(), Failure> {
        let old = self.id().ok_or_else(|| Failure::Machine("HAProxy is not running".into()))?.to_string();
        let before = std::mem::replace(&mut self.backends, backends.to_vec());
        let socket = self.socket().display().to_string();
        match self.spawn(&["-x", &socket, "-sf", &old]) {
            Ok(new) => {
                self.leaving.retain_mut(Process::is_running);
                self.leaving.extend(self.process.replace(new));
                Ok(())
            }
            Err(error) => {
                self.backends = before;
                Err(error)
            }
        }
    }

    /// Asks it to end; open connections may end first, for that long.
    pub fn stop(&mut self, patience: Duration) {
        if let Some(process) = &mut self.process {
            process.signal(10);
            wait_until(patience, || !process.is_running());
        }
        self.kill();
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.leaving.clear();
        self.process = None;
    }

    /// Each server's state by name, as HAProxy sees it: `UP`, `DOWN`, `UP 1/2` when about to change, …
    #[must_use]
    pub fn states(&self) -> BTreeMap<String, String> {
        let table = self.ask("show stat").unwrap_or_default();
        let rows = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        rows.filter(|row| row.first() == Some(&"servers") && row.get(1) != Some(&"BACKEND"))
            .filter_map(|row| Some(((*row.get(1)?).to_owned(), (*row.get(17)?).to_owned())))
            .collect()
    }

    /// Waits until exactly these servers get new connections.
    /// # Errors
    /// They do not in time.
    pub fn wait_for(&self, names: &[&str], patience: Duration) -> Result<(), Failure> {
        let all_so = || {
            let states = self.states();
            states.len() == self.backends.len()
                && states.iter().all(|(name, state)| {
                    if names.contains(&name.as_str()) { state == "UP" } else { state.starts_with("DOWN") }
                })
        };
        if wait_until(patience, all_so) {
            return Ok(());
        }
        let what = format!("{names:?} should be up and the others down, but {:?}", self.states());
        Err(server::failure("HAProxy", what, &self.log()))
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.place.log("haproxy")
    }

    fn socket(&self) -> PathBuf {
        self.home.join("admin.sock")
    }

    fn ask(&self, question: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        writeln!(stream, "{question}").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn spawn(&self, further: &[&str]) -> Result<Process, Failure> {
        let config = self.home.join("haproxy.cfg");
        self.place.write(&config, &self.config()?)?;
        let program = Path::new("/usr/sbin/haproxy");
        let mut command: Command = self.place.user().command(program);
        command.current_dir(&self.home).args(["-db", "-f"]).arg(&config).args(further);
        let mut process = Process::spawn("HAProxy", &mut command, &self.log())?;
        let us = format!("Pid: {}", process.id());
        server::wait_ready("HAProxy", &mut process, START, || {
            self.ask("show info").is_some_and(|info| info.lines().any(|line| line == us))
        })?;
        Ok(process)
    }

    fn config(&self) -> Result<String, Failure> {
        let mut text = format!(
            "global
    maxconn 4000
    stats socket {socket} mode 600 level admin expose-fd listeners
defaults
    mode tcp
    timeout connect 1s
    timeout check 1s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
frontend door
    bind {address}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk
    http-check expect status 200
    default-server check inter {CHECK_EVERY_MS}ms fall 2 rise 2 on-marked-down shutdown-sessions
",
            socket = self.socket().display(),
            address = self.address(),
        );
        let (path, tls) = match &self.check {
            Check::Http { path } => (path, String::new()),
            Check::Https { path, root } => {
                let file = self.home.join("root.pem");
                self.place.write(&file, root)?;
                (path, format!(" check-ssl verify required ca-file {}", file.display()))
            }
        };
        let _ = writeln!(text, "    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host balancer");
        for Backend { name, address, health } in &self.backends {
            let _ = writeln!(
                text,
                "    server {name} {address} addr {} port {}{tls}",
                health.ip(),
                health.port()
            );
        }
        Ok(text)
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.socket());
    }
}
