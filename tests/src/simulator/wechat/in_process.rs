//! The wallet without its listeners: bytes in, bytes out, in this process and under whatever clock; its books are in
//! memory.

use super::desk::Desk;
use super::endpoint_of;
use crate::simulator::wallet::http::Response;
use crate::simulator::wallet::{Counter, Store, StoreError, Switches};
use evertill_shared::clock::Clock;
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;
use std::ops::Deref;
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
        let counter = Counter::new(Wallet::WeChatPay, Store::in_memory()?, switches, seed, clock)?;
        Ok(Self { desk: Desk::new(merchant, Arc::new(counter)) })
    }

    /// Answers one call, with status and body; `None` if the connection ends without an answer.
    pub async fn serve(&self, path: &str, secure: bool, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let Some(endpoint) = endpoint_of(path, secure) else { return Some((404, Vec::new())) };
        match self.desk.serve(endpoint, body, None).await {
            Response::Reply { status, body, .. } | Response::Whole { status, body, .. } => {
                Some((status, body))
            }
            Response::HangUp => None,
        }
    }
}

impl Deref for InProcess {
    type Target = Counter;
    fn deref(&self) -> &Counter {
        self.desk.counter()
    }
}
