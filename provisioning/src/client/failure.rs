//! How a request ends that did not end well.

use evertill_shared::protocol::error::{ApiError, ErrorCode};
use rustls::CertificateError;
use std::error::Error;
use std::io;

/// Why there is no answer that can be used, told apart by what may have happened at the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No connection: the request was surely not sent.
    #[error("no server of the store can be reached ({0}). Check the network and that the server runs.")]
    Unreachable(String),
    /// It was sent, at least in part, and no whole answer came: what happened is not known.
    #[error("the server did not answer ({0}). It is not known whether the request took effect: ask again.")]
    NoAnswer(String),
    /// Whoever answered did not prove to be a server of this store. To be treated as no answer.
    #[error("what answered is not to be trusted: {0}")]
    Untrusted(String),
    /// The server's own, signed refusal.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The server's answer makes no sense here. To be treated as no answer.
    #[error("the server's answer cannot be read ({0}). Are server and till of the same version?")]
    BadAnswer(String),
    /// The request could not be made: an address, a file or its size. Nothing was sent.
    #[error("the request cannot be made: {0}")]
    Misconfigured(String),
}

impl ClientError {
    /// Surely no byte of the request has left.
    #[must_use]
    pub fn surely_not_sent(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Misconfigured(_))
    }

    /// Whether the request may have taken effect although there is no answer: ask again under the same number.
    /// [`ErrorCode::OutcomeUnknown`] counts too: the server itself does not know.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::Untrusted(_) | Self::BadAnswer(_) => true,
            Self::Api(error) => matches!(error.code, ErrorCode::OutcomeUnknown | ErrorCode::Internal),
            Self::Unreachable(_) | Self::Misconfigured(_) => false,
        }
    }

    /// The server's code, if it was the server that refused.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Api(error) => Some(error.code),
            _ => None,
        }
    }

    /// Whether the line, and not the request, is at fault: the till shows itself off-line.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::NoAnswer(_) | Self::Untrusted(_))
    }

    /// What the HTTP library's error means.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::Misconfigured(innermost(&error));
        }
        if !error.is_connect() {
            return Self::NoAnswer(if error.is_timeout() { "time-out".into() } else { innermost(&error) });
        }
        match tls_error(&error) {
            Some(tls) => Self::Untrusted(explain(tls)),
            None if error.is_timeout() => Self::Unreachable("time-out".into()),
            None => Self::Unreachable(innermost(&error)),
        }
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|e| e.downcast_ref::<rustls::Error>())
}

/// An error and what caused it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |current| cause(*current))
}

/// An `io::Error` skips the error that it wraps, so that one is put in.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn explain(error: &rustls::Error) -> String {
    use CertificateError as C;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return format!("TLS failed: {error}. Only TLS 1.3 with the store's own certificate is accepted.");
    };
    match certificate {
        C::UnknownIssuer | C::BadSignature => {
            "its certificate is not from this store's root. Is the address right, and the trust file this store's?"
                .into()
        }
        C::Expired | C::ExpiredContext { .. } => {
            "its certificate has ended, or this machine's clock is ahead. Check the clock; else run \
             evertill-admin store renew-certificate."
                .into()
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "its certificate is not valid yet by this machine's clock: set the clock.".into()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "its certificate is for another name. Use a name that it has, or add this one: \
             evertill-admin store renew-certificate --server-name NAME."
                .into()
        }
        other => format!("its certificate was refused: {other:?}"),
    }
}
