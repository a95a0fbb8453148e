//! SQL by PostgreSQL's own `psql`: independent of the client that the server under test uses.

use crate::process::wait_until;
use crate::rig::{Failure, packages};
use evertill_shared::secret::SecretText;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// Who connects where.
#[derive(Clone)]
pub struct Login {
    /// The servers, in the order in which they are tried.
    pub addresses: Vec<SocketAddr>,
    /// Whether a server that takes no writes is passed over.
    pub needs_primary: bool,
    /// The role.
    pub user: String,
    /// The role's password.
    pub password: SecretText,
    /// The database.
    pub database: String,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every statement was carried out and acknowledged.
    Done,
    /// The server refused: its SQLSTATE, and all it said.
    Refused(String, String),
    /// No connection was made, or it was lost: what was under way then is unknown.
    NoConnection(String),
    /// There was no answer in time; the connection was dropped, not cancelled: unknown.
    TimedOut,
}

/// What came of a script.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rows of all statements that were acknowledged, columns separated by `|`.
    pub rows: Vec<String>,
    /// Warnings and errors with their SQLSTATE.
    pub notices: String,
    /// How it ended.
    pub end: End,
}

impl Outcome {
    /// The rows, if all went well.
    /// # Errors
    /// It did not.
    pub fn rows(self) -> Result<Vec<String>, Failure> {
        match self.end {
            End::Done => Ok(self.rows),
            End::Refused(_, said) | End::NoConnection(said) => Err(Failure::Sql(said)),
            End::TimedOut => Err(Failure::Sql("PostgreSQL did not answer in time".into())),
        }
    }
}

/// A script under way. Dropping it drops its connection.
pub struct Pending {
    child: Child,
    rows: Option<JoinHandle<String>>,
    notices: Option<JoinHandle<String>>,
}

impl Login {
    /// Starts a script: each statement is a transaction of its own; the first error ends it.
    /// # Errors
    /// `psql` cannot be started.
    pub fn begin(&self, script: &str) -> Result<Pending, Failure> {
        let programs = packages::postgres_programs()?;
        let list =
            |part: fn(&SocketAddr) -> String| self.addresses.iter().map(part).collect::<Vec<_>>().join(",");
        let target = if self.needs_primary { "read-write" } else { "any" };
        let mut child = Command::new(programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-f", "-"])
            .env("PGHOST", list(|address| address.ip().to_string()))
            .env("PGPORT", list(|address| address.port().to_string()))
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", self.password.expose())
            .env("PGDATABASE", &self.database)
            .env("PGTARGETSESSIONATTRS", target)
            .env("PGCONNECT_TIMEOUT", "5")
            .env("PGGSSENCMODE", "disable")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::Machine(format!("psql cannot be started: {error}")))?;
        let rows = child.stdout.take().map(read_all);
        let notices = child.stderr.take().map(read_all);
        if let Some(mut stdin) = child.stdin.take() {
            let script = format!("{script};\n");
            // On a thread: a long script is longer than the pipe.
            std::thread::spawn(move || stdin.write_all(script.as_bytes()));
        }
        Ok(Pending { child, rows, notices })
    }

    /// Runs a script to its end, or until `patience` has passed.
    /// # Errors
    /// `psql` cannot be started.
    pub fn run(&self, script: &str, patience: Duration) -> Result<Outcome, Failure> {
        Ok(self.begin(script)?.finish(patience))
    }

    /// The rows of a script that must succeed.
    /// # Errors
    /// It does not.
    pub fn rows(&self, script: &str) -> Result<Vec<String>, Failure> {
        self.run(script, Duration::from_secs(20))?.rows()
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn joined(thread: Option<JoinHandle<String>>) -> String {
    thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

impl Pending {
    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; when `patience` has passed, drops the connection.
    #[must_use]
    pub fn finish(mut self, patience: Duration) -> Outcome {
        let ended = wait_until(patience, || !self.is_running());
        let _ = self.child.kill();
        let code = self.child.wait().ok().and_then(|status| status.code());
        let rows = joined(self.rows.take()).lines().map(str::to_owned).collect();
        let notices = joined(self.notices.take());
        let end = match code {
            _ if !ended => End::TimedOut,
            Some(0) => End::Done,
            Some(2) => End::NoConnection(notices.clone()),
            _ => End::Refused(state_of(&notices), notices.clone()),
        };
        Outcome { rows, notices, end }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The SQLSTATE in `psql`'s verbose words: `… ERROR:  25006: cannot execute …`.
fn state_of(notices: &str) -> String {
    let after = ["ERROR:  ", "FATAL:  ", "PANIC:  "]
        .iter()
        .find_map(|word| notices.split_once(word).map(|(_, rest)| rest))
        .unwrap_or_default();
    after.split(':').next().unwrap_or_default().to_owned()
}
