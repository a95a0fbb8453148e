//! A process that holds the lock on a SQLite file: another program that froze while it wrote, or one that writes in
//! bursts. A program of its own, so that it can be stopped and killed.

use crate::process::Process;
use crate::store_rig::RigError;
use crate::workspace;
use clap::Args;
use rusqlite::Connection;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What to hold, and how.
#[derive(Clone, Debug, Args)]
pub struct HoldOptions {
    /// The file.
    file: PathBuf,
    /// How long the lock is held at a time.
    #[arg(long, default_value_t = 100)]
    for_ms: u64,
    /// How long it is free in between; without it, it never is.
    #[arg(long)]
    free_ms: Option<u64>,
}

/// Holds the lock until standard input ends.
/// # Errors
/// The file cannot be opened or locked.
pub fn hold(options: &HoldOptions) -> Result<bool, RigError> {
    let wrong = |error: rusqlite::Error| RigError::Unexpected(error.to_string());
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Release);
    });
    let connection = Connection::open(&options.file).map_err(wrong)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(wrong)?;
    let mut is_first = true;
    while !over.load(Ordering::Acquire) {
        if connection.execute_batch("BEGIN EXCLUSIVE").is_err() {
            continue;
        }
        if std::mem::take(&mut is_first) {
            println!("{{\"held\":true}}");
        }
        std::thread::sleep(Duration::from_millis(options.for_ms));
        let Some(free) = options.free_ms else {
            while !over.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(50));
            }
            return Ok(true);
        };
        connection.execute_batch("ROLLBACK").map_err(wrong)?;
        std::thread::sleep(Duration::from_millis(free));
    }
    Ok(true)
}

/// Starts a holder and waits until it holds.
pub(super) fn start(file: &Path, dir: &Path, further: &[&str]) -> Result<Process, RigError> {
    let mut command = Command::new(workspace::program("drill"));
    command.arg("hold").arg(file).args(further).current_dir(dir);
    let mut process = Process::spawn("holder", &mut command, &dir.join("logs/holder.log"))?;
    process.ready_line()?;
    Ok(process)
}
