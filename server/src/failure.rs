//! How a request fails: one error type for all endpoints, turned into [`ApiError`] where it leaves.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use std::time::Duration;

/// Why a request failed: a code for the till, a sentence for the person in front of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Failure {
    /// For the program.
    pub code: ErrorCode,
    /// What happened and what to do next.
    pub message: String,
    /// After what time at the earliest to ask again.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// The same, with the time after which to ask again.
    #[must_use]
    pub fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// A request that cannot be read or says something impossible.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// The answer, with the server's time in it.
    #[must_use]
    pub fn answer(self, server_time: Timestamp) -> Response {
        let status =
            StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_ms =
            self.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let error = ApiError { code: self.code, message: self.message.clone(), server_time, retry_after_ms };
        let mut response = (status, axum::Json(error)).into_response();
        if let Some(ms) = retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        // For whoever stands outside: counted there, and written anew with the app's own clock.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.answer(SystemClock.now())
    }
}
