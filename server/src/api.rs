//! The endpoints of tills and staff: one file per conversation. What they share is here.

pub mod acceptance;
pub mod catalogue;
pub mod countersign;
pub mod enrol;
pub mod groups;
pub mod health;
pub mod journal;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod pictures;
pub mod receipt_template;
pub mod refund_request;
pub mod refunds;
pub mod server_keys;
pub mod staff;
pub mod terminal;
pub mod till_refund;
pub mod till_staff;

use crate::app::{App, Caller};
use crate::failure::Failure;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use evertill_shared::protocol::MAX_BODY_BYTES;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::terminal_state::TerminalState;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;

/// What a handler answers: JSON, or a failure that says what to do.
pub type Answer<T> = Result<axum::Json<T>, Failure>;

/// The request's body, read from JSON. Refuses with `bad_request` and the place of the mistake, but never with
/// the body's own words: they may hold a payment code or a password.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let bytes = app.door.readers().read(request.into_body(), MAX_BODY_BYTES).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    Failure::bad_request(match error.classify() {
        serde_json::error::Category::Data => {
            format!("the body is JSON, but not what belongs here: see line {line}, column {column}")
        }
        _ => format!("the body is not JSON: it breaks off at line {line}, column {column}"),
    })
}

/// Handlers take the signed caller as an argument; without a signature check in front there is none.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Failure::new(ErrorCode::SignatureMissing, "the request must be signed by an enrolled terminal")
        })
    }
}

impl Caller {
    /// Refuses unless this till may start what moves money (rule *block-means-block*).
    ///
    /// # Errors
    /// The failure that names the till's state.
    pub fn require_money(&self) -> Result<(), Failure> {
        if self.state.may_move_money() { Ok(()) } else { Err(refusal_of(self.state)) }
    }

    /// Refuses unless what this till sold may be handed in: active tills' and blocked ones'.
    ///
    /// # Errors
    /// The failure that names the till's state.
    pub fn require_upload(&self) -> Result<(), Failure> {
        if self.state.may_upload() { Ok(()) } else { Err(refusal_of(self.state)) }
    }
}

/// How a till in that state is refused.
#[must_use]
pub fn refusal_of(state: TerminalState) -> Failure {
    match state {
        TerminalState::Pending => Failure::new(
            ErrorCode::TerminalPending,
            "this terminal waits to be activated: ask IT to compare its fingerprint",
        ),
        TerminalState::Blocked => Failure::new(
            ErrorCode::TerminalBlocked,
            "this terminal is blocked: no sales, payments or refunds; call IT",
        ),
        TerminalState::Retired => Failure::new(
            ErrorCode::TerminalRetired,
            "this terminal is out of use for good: enrol it again to use it",
        ),
        TerminalState::Active => Failure::new(ErrorCode::Internal, "an active terminal was refused"),
    }
}

/// Reads one part of a path.
///
/// # Errors
/// `not_found`: a name that cannot exist names nothing.
pub fn path_part<T: FromStr<Err: Display>>(text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|error: T::Err| Failure::new(ErrorCode::NotFound, format!("no such thing here: {error}")))
}
