//! How the base store fails.

use crate::database::{DbError, OpenError};
use crate::failure::Failure;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::terminal_state;
use std::path::PathBuf;

/// Why the base store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BaseOpenError {
    /// The database itself.
    #[error("the base store: {0}")]
    Database(#[from] OpenError),
    /// The database is new and the bootstrap file is not right.
    #[error("{}: {problem}", file.display())]
    Bootstrap {
        /// Which file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// It was opened but cannot be read or written.
    #[error("the base store: {0}")]
    Base(#[from] BaseError),
}

/// Why the base store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: nothing was done")]
    NoRandomness,
    /// This very request was handled before.
    #[error("this request was handled before: sign it anew to ask again")]
    Replayed,
    /// No such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What was given is not right; the text says what and how it should be.
    #[error("{0}")]
    Invalid(String),
    /// The enrolment code does not open anything.
    #[error("the enrolment code is wrong, used up or too old: ask IT for a new one")]
    EnrolmentRefused,
    /// Too many wrong codes.
    #[error("too many wrong codes: this code is void now, ask IT for a new one")]
    EnrolmentLocked,
    /// The fingerprint that was given is not the key's.
    #[error(
        "the fingerprint is not this terminal's: compare it again, all eight groups, on the till's own screen"
    )]
    WrongFingerprint,
    /// The terminal cannot do that where it stands.
    #[error(transparent)]
    TerminalState(#[from] terminal_state::Refused),
    /// Someone has this name to log in with.
    #[error("{0} is taken: choose another name to log in with")]
    LoginTaken(String),
    /// Without this person nobody could look after terminals and staff.
    #[error("{0} is the last person with the role it: add another first")]
    LastOfIt(String),
    /// The password was changed by another request in the meantime, or the person has left.
    #[error("the password was changed in the meantime, or the name is not in use any more: log in again")]
    PasswordMoved,
    /// The account may still have an attempt whose record was lost.
    #[error(
        "the account was disabled at {since}, and may hold a payment that a till has not told of yet: it can be deleted after {until}"
    )]
    MayHold {
        /// Since when it takes no new payments.
        since: Timestamp,
        /// Until when a till may tell of one.
        until: Timestamp,
    },
    /// The journal's head is not where it was when the entries were checked: someone else handed in meanwhile.
    #[error("the journal was handed in twice at the same time: hand it in again")]
    HeadMoved,
}

impl BaseError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Db(DbError::Overloaded) | Self::HeadMoved => ErrorCode::Overloaded,
            Self::Db(DbError::Unknown(_)) => ErrorCode::OutcomeUnknown,
            Self::Db(_) | Self::NoRandomness => ErrorCode::Internal,
            Self::Replayed => ErrorCode::Replayed,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Invalid(_) => ErrorCode::BadRequest,
            Self::EnrolmentRefused => ErrorCode::EnrolmentRefused,
            Self::EnrolmentLocked => ErrorCode::EnrolmentLocked,
            Self::WrongFingerprint | Self::TerminalState(_) | Self::LastOfIt(_) | Self::MayHold { .. } => {
                ErrorCode::WrongState
            }
            Self::LoginTaken(_) | Self::PasswordMoved => ErrorCode::Conflict,
        }
    }
}

impl From<BaseError> for Failure {
    fn from(error: BaseError) -> Self {
        let message = match &error {
            BaseError::Db(DbError::Overloaded) => "the server is busy: try again in a moment".into(),
            BaseError::Db(DbError::Unknown(_)) => {
                "the server does not know whether this was done: look again before you repeat it".into()
            }
            BaseError::Db(detail) => {
                tracing::error!(%detail, "the base store failed");
                "the server cannot use its base store at the moment: try again; tell IT if it stays".into()
            }
            other => other.to_string(),
        };
        Self::new(error.code(), message)
    }
}
