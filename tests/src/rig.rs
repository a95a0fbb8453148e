//! Real servers and real faults: PostgreSQL, HAProxy, Patroni and a display from Debian's packages, run on loopback as ordinary
//! processes in a folder of their own, and a network line that can be made bad.
//!
//! The rigs block: from async code call them by `spawn_blocking`. What a rig started, mounted and wrote ends with
//! the value that stands for it, also when a test panics; what a killed run left is swept by the next one
//! (see [`place`]).

pub mod display;
pub mod haproxy;
pub mod packages;
pub mod patroni;
pub mod place;
pub mod ports;
pub mod postgres;
pub mod power_cut;
pub mod proxy;
mod server;
pub mod small_disk;
pub mod turned_clock;

use crate::process::ProcessError;
use std::path::{Path, PathBuf};

/// Why a rig does not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// This machine cannot: a package, a user or a right is missing. Says what to do.
    #[error("{0}")]
    Machine(String),
    /// A file or folder.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A program does not start.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A server did not do as it must.
    #[error("{name}: {what}\n--- the end of its log ---\n{tail}")]
    Server {
        /// Which.
        name: String,
        /// What it did not do.
        what: String,
        /// The end of its own log.
        tail: String,
    },
    /// A database's answer to a statement of the rig's own.
    #[error("{0}")]
    Sql(String),
}

impl Failure {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::File { path, error }
    }
}
