//! The files that make a store: its root and spare root, the server's certificate and response key, what tills
//! trust, and what the first server starts from.
//!
//! The root's keys are the store. Whoever has them can pose as the store's server to every till; they are needed
//! only to issue and renew, so they are kept off-line and, best, sealed with a passphrase. Tills trust the spare
//! root from their first day, so that no till has to be visited when the first one is lost.

mod add_server;
mod create;
mod key_file;
mod renew;
mod root;
mod server_toml;

pub use add_server::{AddedServer, NewServer, add_server};
pub use create::{CreatedStore, FirstStaff, NewStore, create_store};
pub use renew::{Renewed, renew_from_spare, renew_server_certificate};
pub use root::{Root, TlsCertificate};

use crate::files::FileError;
use crate::key_format::NoRandomness;
use crate::password::PasswordError;
use evertill_shared::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How long a root counts: 20 years.
pub const ROOT_VALIDITY: Duration = days(20 * 365 + 5);
/// How long a server certificate, and the root's statement about a response key, count: 800 days.
pub const SERVER_VALIDITY: Duration = days(800);
/// Certificates begin a day before they are made, so that a till whose clock is a little behind can use them.
const BACKDATED: Duration = days(1);
/// Where in a store's directory its spare root is made. It is meant to be moved to another place.
pub const SPARE_DIR: &str = "root/spare";
/// The name of a store's first response key.
pub const FIRST_RESPONSE_KEY_ID: &str = "server-1";

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 60 * 60)
}

/// Why a store was not made or not renewed. Nothing half-made is left behind.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// There is something at that place.
    #[error("{} exists already, and nothing in it was touched. Choose another directory.", .0.display())]
    Exists(PathBuf),
    /// Something in the plan cannot be so.
    #[error("{0}")]
    BadPlan(String),
    /// A password is not taken.
    #[error("the password of {login:?}: {error}")]
    Password {
        /// Whose.
        login: String,
        /// Why.
        error: PasswordError,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A root that the store's tills do not trust.
    #[error(
        "the root in {} is not one of those in {}: no till would believe what it issues. Use the root that was made \
         together with this trust file.",
        root.display(),
        trust.display()
    )]
    NotTrusted {
        /// The root's directory.
        root: PathBuf,
        /// What tills are given.
        trust: PathBuf,
    },
    /// The root key is sealed, and no passphrase was given.
    #[error("the root key is sealed: give its passphrase with --root-passphrase-file FILE")]
    PassphraseNeeded,
    /// The passphrase is wrong, or the file was changed.
    #[error("the root key does not open: the passphrase is wrong, or {} is damaged", .0.display())]
    WrongPassphrase(PathBuf),
    /// A file of the store does not read as what it should be.
    #[error("{} is damaged or not what it should be ({what}). Restore it from the copy of the store's files.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Certificate(String),
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<rcgen::Error> for PkiError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// What the root has issued, kept beside it: one line of a store's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// When.
    pub at: Timestamp,
    /// The names in the server's certificate.
    pub server_names: Vec<String>,
    /// The response key that the root vouched for.
    pub response_key_id: String,
    /// Until when both count.
    pub ends: Timestamp,
}
