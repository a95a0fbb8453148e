//! The wallet without its listeners: bytes in, bytes out, in this process and under whatever clock; its books are in
//! memory.

use super::behaviour::{Behaviour, Endpoint, Switches};
use super::book::Order;
use super::desk::Desk;
use super::http::Response;
use super::store::{Store, StoreError};
use evertill_shared::clock::Clock;
use evertill_shared::secret::SecretText;
use std::sync::Arc;

/// A wallet in this process.
pub struct InProcess {
    desk: Desk,
}

impl InProcess {
    /// A wallet that knows one merchant (app, number, API key), and nobody's payments yet.
    /// # Errors
    /// No memory for its books.
    pub fn new(
        merchant: (String, String, SecretText),
        switches: Switches,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Ok(Self { desk: Desk::new(merchant, Store::in_memory()?, switches, seed, clock)? })
    }

    /// Answers one call, with status and body; `None` if the connection ends without an answer.
    pub async fn serve(&self, path: &str, secure: bool, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let Some(endpoint) = Endpoint::of(path, secure) else { return Some((404, Vec::new())) };
        match self.desk.serve(endpoint, body, None).await {
            Response::Reply { status, body, .. } => Some((status, body)),
            Response::HangUp => None,
        }
    }

    /// Shows this payment code on somebody's phone.
    /// # Errors
    /// The books cannot be written.
    pub fn show_code(&self, digits: &str, behaviour: Behaviour) -> Result<(), StoreError> {
        self.desk.show_code(digits.to_owned(), behaviour)
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.desk.inside().switches);
    }

    /// Every order: the truth, as of now.
    /// # Errors
    /// The books cannot be written.
    pub fn orders(&self) -> Result<Vec<Order>, StoreError> {
        self.desk.orders()
    }
}
