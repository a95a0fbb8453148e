//! In front of the tills' endpoints: who sent a request, that it is whole, recent and new, and whether that till
//! may ask at all. Behind them: every answer to a signed request is signed, errors too, and bound to it.
//!
//! Cheap checks come before dear ones: a request without a signature or of an unknown key costs no look at its
//! body, and one too large is not read to its end.

mod answer;
mod request;

pub use answer::sign_answers;

use crate::admission::{Place, Shed, let_in, turn_away};
use crate::api::refusal_of;
use crate::app::{App, Caller};
use crate::base_store::KnownTerminal;
use crate::failure::Failure;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::protocol::enrol::{ENROL_KEY_ID, Enrol, parse_terminal_key_id};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::signing::{SignatureError, VerifyingKey};
use evertill_shared::terminal_state::TerminalState;
use request::Signed;

/// The id of an enrolment request that was checked: the till has no name yet.
#[derive(Clone, Debug)]
pub struct EnrolRequestId(pub String);

/// The middleware in front of the tills' endpoints.
pub async fn check_request(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned()).unwrap_or_default();
    match admit(&app, &route, request).await {
        Ok((request, None)) => next.run(request).await,
        Ok((request, Some(place))) => place.kept_by(next.run(request).await),
        Err(Refused::Told(failure)) => failure.into_response(),
        Err(Refused::Shed(shed)) => turn_away(&app, &shed).await.into_response(),
    }
}

/// Why a request goes no further.
enum Refused {
    Told(Failure),
    /// There is too much to do.
    Shed(Shed),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Told(failure)
    }
}

/// The request for the handler, with its place if it takes one only now.
async fn admit(app: &App, route: &str, request: Request) -> Result<(Request, Option<Place>), Refused> {
    let signed = Signed::read(request)?;
    if route == path::ENROL {
        return Ok((admit_enrolment(app, signed).await?, None));
    }
    let (terminal, epoch) = parse_terminal_key_id(signed.key_id()).ok_or_else(unknown_key)?;
    known_terminal(app, terminal, epoch).await?;
    let body = signed.body(app.door.readers()).await?;
    let known = known_terminal(app, terminal, epoch).await?;
    signed.verify(&known.record.key, &body, app.clock.now())?;
    let place = let_in(app, signed.method(), route).await.map_err(Refused::Shed)?;
    // A body may take its time, on purpose too, and so may a place: what counts is how the till stands when it has both.
    let known = known_terminal(app, terminal, epoch).await?;
    let request_id = once(app, &signed)?;
    app.base.saw(terminal);
    let state = known.record.state;
    may_ask(route, state, known.good_for_money)?;
    let key = known.record.key;
    Ok((signed.admitted(body, Caller { terminal, epoch, key, state, request_id }), place))
}

/// The key is in the body; that it signs proves that the till holds its other half.
async fn admit_enrolment(app: &App, signed: Signed) -> Result<Request, Failure> {
    if signed.key_id() != ENROL_KEY_ID {
        return Err(unknown_key());
    }
    let body = signed.body(app.door.readers()).await?;
    let enrol: Enrol = serde_json::from_slice(&body).map_err(|_| {
        Failure::bad_request("the body is not a request to enrol: it needs code and public_key")
    })?;
    let key: VerifyingKey = enrol.public_key;
    signed.verify(&key, &body, app.clock.now())?;
    let request_id = once(app, &signed)?;
    Ok(signed.admitted(body, EnrolRequestId(request_id)))
}

fn unknown_key() -> Failure {
    told(&SignatureError::UnknownKey)
}

async fn known_terminal(app: &App, terminal: TerminalId, epoch: KeyEpoch) -> Result<KnownTerminal, Failure> {
    let known = app.base.terminal(terminal).await?;
    known.filter(|known| known.record.epoch == epoch).ok_or_else(unknown_key)
}

/// The id under which the request counts once, here and in every transaction it causes.
fn once(app: &App, signed: &Signed) -> Result<String, Failure> {
    let request_id = format!("{} {}", signed.key_id(), signed.request_id());
    if app.door.is_first(&request_id) {
        return Ok(request_id);
    }
    Err(Failure::new(ErrorCode::Replayed, "this request was handled before: sign it anew to ask again"))
}

/// Whether a till in that state may ask this at all. What a blocked till may do is for the handlers to say.
fn may_ask(route: &str, state: TerminalState, good_for_money: bool) -> Result<(), Failure> {
    match state {
        TerminalState::Retired => return Err(refusal_of(state)),
        TerminalState::Pending if route != path::TERMINAL => return Err(refusal_of(state)),
        TerminalState::Pending | TerminalState::Active | TerminalState::Blocked => {}
    }
    if good_for_money || [path::TERMINAL, path::JOURNAL, path::ADOPT].contains(&route) {
        return Ok(());
    }
    let text =
        "the server cannot look up whether this terminal may sell: try again soon; cash goes on offline";
    Err(Failure::new(ErrorCode::Internal, text))
}

/// A signature's fault in the words of the API.
fn told(error: &SignatureError) -> Failure {
    use SignatureError as E;
    let code = match error {
        E::Missing => ErrorCode::SignatureMissing,
        E::Stale { .. } | E::FromTheFuture | E::Expired => ErrorCode::SignatureStale,
        E::UnknownKey => ErrorCode::TerminalUnknown,
        E::Malformed(_) | E::WrongTag | E::NotCovered(_) | E::DigestMismatch | E::BadSignature => {
            ErrorCode::SignatureInvalid
        }
    };
    Failure::new(code, error.to_string())
}

/// A request built anew for the handler.
fn with_body(parts: axum::http::request::Parts, body: axum::body::Bytes) -> Request {
    Request::from_parts(parts, Body::from(body))
}
