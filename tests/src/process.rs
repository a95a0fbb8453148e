//! Running our own programs as real processes: started, read, killed at the worst moment, measured.

use evertill_shared::clock::{Clock, SystemClock};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const TAIL_LINES: usize = 25;

/// The end of a log, for whoever reads what failed: the log itself may be gone with its folder by then.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// A program that is running. Dropping it kills it: nothing is left behind.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    peak_kib: u64,
}

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {what}\n--- the end of its log, {} ---\n{}", log.display(), tail(log))]
pub struct ProcessError {
    /// Which program.
    pub name: String,
    /// What happened.
    pub what: String,
    /// Where its log is.
    pub log: PathBuf,
}

impl Process {
    /// Starts a program with its log appended to `log`; its standard input and output are ours.
    /// # Errors
    /// It cannot be started.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self, ProcessError> {
        let failed = |what: String| ProcessError { name: name.into(), what, log: log.into() };
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder).map_err(|e| failed(e.to_string()))?;
        }
        let file: File =
            OpenOptions::new().create(true).append(true).open(log).map_err(|e| failed(e.to_string()))?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|e| failed(format!("cannot be started: {e}")))?;
        Ok(Self { name: name.into(), child, log: log.into(), peak_kib: 0 })
    }

    /// Takes its standard input and output.
    pub fn take_pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    /// Waits for its first line on standard output: the one JSON object that says that it is ready.
    /// # Errors
    /// It ended before, or the line is not JSON.
    pub fn ready_line(&mut self) -> Result<serde_json::Value, ProcessError> {
        let Some(stdout) = self.child.stdout.take() else {
            return Err(self.error("its output was taken already"));
        };
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        let read = reader.read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            return Err(self.error("ended before it was ready"));
        }
        // Keep the pipe drained, so that the program can never block on it.
        std::thread::spawn(move || reader.lines().for_each(drop));
        serde_json::from_str(&line).map_err(|_| self.error(&format!("said {line:?} instead of being ready")))
    }

    fn error(&self, what: &str) -> ProcessError {
        ProcessError { name: self.name.clone(), what: what.into(), log: self.log.clone() }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it ended with: nothing while it runs, or if a signal ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten().and_then(|status| status.code())
    }

    /// The most memory it has held so far, in KiB, as the kernel counts it.
    pub fn peak_kib(&mut self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let now = line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        self.peak_kib = self.peak_kib.max(now);
        self.peak_kib
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        let Ok(pid) = i32::try_from(self.child.id()) else { return };
        let name = format!("-{signal}");
        // `kill` of the shell, so that no unsafe code is needed for one system call.
        let _ = Command::new("sh").args(["-c", &format!("kill {name} {pid}")]).stderr(Stdio::null()).status();
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.peak_kib();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits; kills it if it does not.
    pub fn stop(&mut self, patience: Duration) {
        self.peak_kib();
        self.signal(15);
        let until = SystemClock.monotonic() + patience;
        while SystemClock.monotonic() < until {
            if !self.is_running() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks until something is so, or the time is up.
pub fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let until = SystemClock.monotonic() + patience;
    loop {
        if is_so() {
            return true;
        }
        if SystemClock.monotonic() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}
