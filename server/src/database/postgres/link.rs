//! One connection, driven by hand: what the server says on its own (warnings) must be seen, every wait has an
//! end, and nothing is ever cancelled. A connection that did not answer in time is dropped as it is.

use super::dialect::{self, Signature};
use super::failure;
use super::tls::Encrypted;
use crate::database::DbError;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_postgres::error::Severity;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Socket, Statement};

/// The most statements that a connection keeps prepared.
const PREPARED: usize = 512;

/// The half of a connection that reads and writes.
pub(super) struct Wire {
    connection: Connection<Socket, Encrypted<Socket>>,
    warnings: Vec<String>,
}

impl Wire {
    pub(super) fn new(connection: Connection<Socket, Encrypted<Socket>>) -> Self {
        Self { connection, warnings: Vec::new() }
    }

    /// Reads and writes what there is. Ready when the connection is no more, with the reason.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match self.connection.poll_message(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    if notice.parsed_severity() == Some(Severity::Warning) {
                        tracing::warn!(warning = notice.message(), "the database warns");
                        self.warnings.push(format!("{} [{}]", notice.message(), notice.code().code()));
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(failure::words(&error)),
                Poll::Ready(None) => return Poll::Ready("the connection was closed".into()),
            }
        }
    }

    /// Waits for an answer; an error is the reason why the connection is no more.
    pub(super) async fn drive<F: Future>(&mut self, answer: F) -> Result<F::Output, String> {
        let mut answer = pin!(answer);
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Ok(answer));
            }
            let Poll::Ready(reason) = self.poll(cx) else { return Poll::Pending };
            // The last words of the server may be the answer.
            match answer.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Ok(answer)),
                Poll::Pending => Poll::Ready(Err(reason)),
            }
        })
        .await
    }
}

/// A statement that the server knows, with the names of its columns.
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) names: Arc<[Box<str>]>,
}

/// A statement prepared for values of these kinds; or for its own, if it is in PostgreSQL's words.
type Variant = (Option<Signature>, Rc<Prepared>);

/// Why a call has no answer.
pub(super) enum Failed {
    /// The server said so.
    Said(Error),
    /// The connection is no more; why.
    Lost(String),
}

impl Failed {
    pub(super) fn into_error(self) -> DbError {
        match self {
            Self::Said(error) => failure::of_statement(&error),
            Self::Lost(reason) => DbError::NotWritten(reason),
        }
    }
}

/// A connection.
pub(super) struct Link {
    client: Client,
    wire: Wire,
    prepared: HashMap<Box<str>, Vec<Variant>>,
    count: usize,
    lost: Option<String>,
    silent: bool,
    timeline: u32,
}

impl Link {
    pub(super) fn new(client: Client, wire: Wire, timeline: u32) -> Self {
        Self { client, wire, prepared: HashMap::new(), count: 0, lost: None, silent: false, timeline }
    }

    /// How often a standby had been promoted, when it was made, to get to this primary; counts from 1.
    pub(super) fn timeline(&self) -> u32 {
        self.timeline
    }

    /// Why it is of no more use.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Whether it was given up because no answer came in time.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    /// It is not to be used any more.
    pub(super) fn lose(&mut self, reason: impl Into<String>) {
        self.lost.get_or_insert_with(|| reason.into());
    }

    /// The warnings since the last look.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.wire.warnings)
    }

    /// While nobody asks anything: ends when the connection does.
    pub(super) async fn idle(&mut self) -> String {
        poll_fn(|cx| self.wire.poll(cx)).await
    }

    /// Sends a request and waits for its answer, no longer than until `deadline`.
    pub(super) fn call<T>(
        &mut self,
        runtime: &Runtime,
        deadline: Instant,
        request: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Failed> {
        if let Some(reason) = &self.lost {
            return Err(Failed::Lost(reason.clone()));
        }
        let answer = self.wire.drive(request(&self.client));
        match runtime.block_on(async { tokio::time::timeout_at(deadline, answer).await }) {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => {
                if failure::ends_connection(&error) {
                    self.lose(failure::words(&error));
                } else if failure::is_stale(&error) {
                    // A new connection looks again.
                    self.lose(failure::words(&error));
                }
                Err(Failed::Said(error))
            }
            Ok(Err(reason)) => {
                self.lose(reason.clone());
                Err(Failed::Lost(reason))
            }
            Err(_) => {
                self.silent = true;
                let reason = "the database did not answer in time";
                self.lose(reason);
                Err(Failed::Lost(reason.into()))
            }
        }
    }

    /// The statement as the server knows it, if it was used before.
    pub(super) fn known(&self, text: &str, signature: Option<Signature>) -> Option<Rc<Prepared>> {
        let variants = self.prepared.get(text)?;
        variants.iter().find(|(known, _)| *known == signature).map(|(_, prepared)| Rc::clone(prepared))
    }

    /// Has the server prepare a statement. `signature` is that of its values, or nothing for one that is in
    /// PostgreSQL's own words already.
    pub(super) fn prepare(
        &mut self,
        runtime: &Runtime,
        deadline: Instant,
        text: &str,
        signature: Option<Signature>,
        types: &[Type],
    ) -> Result<Rc<Prepared>, Failed> {
        let own = match signature {
            Some(signature) => dialect::translate(text, |number| signature.is_null(number)),
            None => text.to_owned(),
        };
        let statement =
            self.call(runtime, deadline, async |client| client.prepare_typed(&own, types).await)?;
        let names = statement.columns().iter().map(|column| column.name().into()).collect();
        let prepared = Rc::new(Prepared { statement, names });
        if self.count >= PREPARED {
            self.prepared.clear();
            self.count = 0;
        }
        self.count += 1;
        self.prepared.entry(text.into()).or_default().push((signature, Rc::clone(&prepared)));
        Ok(prepared)
    }
}
