//! How a request fails: one error type for all endpoints, turned into [`ApiError`] where it leaves.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::protocol::error::{ApiError, ErrorCode};

/// Why a request failed: a code for the till, a sentence for the person in front of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Failure {
    /// For the program.
    pub code: ErrorCode,
    /// What happened and what to do next.
    pub message: String,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A request that cannot be read or says something impossible.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = ApiError { code: self.code, message: self.message, server_time: SystemClock.now() };
        (status, axum::Json(error)).into_response()
    }
}
