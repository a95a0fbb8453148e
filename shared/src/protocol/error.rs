//! Errors as they travel: a code for the program, a sentence for the person.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What went wrong, for a program to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// No signature on the request.
    SignatureMissing,
    /// The signature does not fit: the request was altered or signed by another key.
    SignatureInvalid,
    /// The signature is too old or from the future. `server_time` says how the clocks differ.
    SignatureStale,
    /// This very request has been handled before.
    Replayed,
    /// The server does not know this terminal or key.
    TerminalUnknown,
    /// IT has not activated the terminal yet.
    TerminalPending,
    /// IT has blocked the terminal: no new money, uploads only.
    TerminalBlocked,
    /// The terminal has been retired.
    TerminalRetired,
    /// The enrolment code is wrong, used up or too old.
    EnrolmentRefused,
    /// Too many wrong enrolment codes: wait.
    EnrolmentLocked,
    /// The request cannot be read, or says something impossible.
    BadRequest,
    /// The body is larger than a server reads.
    TooLarge,
    /// No such order, payment, refund or path.
    NotFound,
    /// The same sale was sent with other content: a fork, or a bug. The till must stop and call IT.
    Conflict,
    /// The journal entries do not continue the chain that the server knows.
    ChainBroken,
    /// The order cannot do that where it stands.
    WrongState,
    /// The refund is refused; `message` says why.
    RefundRefused,
    /// Not signed in, or without the right.
    NotAllowed,
    /// The order's group cannot be reached. Nothing was decided; ask again later.
    GroupUnavailable,
    /// No group can take a new order at the moment. Go on offline.
    NoGroupAvailable,
    /// It is not known whether the write happened. Ask again under the same number.
    OutcomeUnknown,
    /// The server has too much to do. Ask again later.
    Overloaded,
    /// A fault of the server itself. So a program reads a code of a newer one, too: what it does not know it asks again
    /// later.
    #[serde(other)]
    Internal,
}

impl ErrorCode {
    /// Whether asking again later, unchanged but newly signed, makes sense.
    #[must_use]
    pub fn is_later(self) -> bool {
        matches!(
            self,
            Self::GroupUnavailable
                | Self::NoGroupAvailable
                | Self::OutcomeUnknown
                | Self::Overloaded
                | Self::Internal
                | Self::SignatureStale
                | Self::Replayed
        )
    }

    /// The HTTP status that carries it.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::SignatureMissing
            | Self::SignatureInvalid
            | Self::SignatureStale
            | Self::TerminalUnknown => 401,
            Self::TerminalPending
            | Self::TerminalBlocked
            | Self::TerminalRetired
            | Self::EnrolmentRefused
            | Self::NotAllowed => 403,
            Self::NotFound => 404,
            Self::Replayed | Self::Conflict | Self::ChainBroken | Self::WrongState | Self::RefundRefused => {
                409
            }
            Self::TooLarge => 413,
            Self::BadRequest => 400,
            Self::EnrolmentLocked => 429,
            Self::GroupUnavailable | Self::NoGroupAvailable | Self::Overloaded => 503,
            Self::OutcomeUnknown => 504,
            Self::Internal => 500,
        }
    }

    /// The word on the wire, for logs and counts.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// An error as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For a program.
    pub code: ErrorCode,
    /// For a person: what happened, and what to do next.
    pub message: String,
    /// The server's clock, so that a till can learn that its own is wrong.
    pub server_time: Timestamp,
    /// After how many milliseconds at the earliest to ask again, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
