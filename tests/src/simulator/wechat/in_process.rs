//! The wallet without its listeners: bytes in, bytes out, in this process and under whatever clock; its books are in
//! memory.

use super::desk::Desk;
use super::{Kit, SimulatorError, endpoint_of, v3};
use crate::simulator::wallet::http::{Request, Response, in_small_letters};
use crate::simulator::wallet::{Counter, Store, StoreError, Switches, Told, told_now};
use evertill_shared::clock::Clock;
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A wallet in this process.
pub struct InProcess {
    desk: Desk,
    /// Version 3 of the interface, over the same books.
    newer: Option<Newer>,
}

struct Newer {
    desk: v3::Desk,
    teller: v3::WechatTeller,
}

/// Status, headers and body of an answer.
pub type Answered = (u16, Vec<(String, String)>, Vec<u8>);

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
        Ok(Self { desk: Desk::new(merchant, Arc::new(counter)), newer: None })
    }

    /// A wallet that knows the merchant of that kit, whose files are in `folder`, in both versions of its interface.
    /// # Errors
    /// A file of the kit cannot be read, or there is no memory for its books.
    pub fn of_kit(
        (kit, folder): (&Kit, &Path),
        switches: Switches,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SimulatorError> {
        let merchant = (kit.app_id.clone(), kit.merchant_id.clone(), kit.api_key(folder)?);
        let older = Self::new(merchant, switches, seed, clock)?;
        let (papers, counter) = (Arc::new(kit.papers(folder)?), older.desk.counter());
        let teller = v3::WechatTeller { papers: Arc::clone(&papers), counter: Arc::clone(counter) };
        let newer = Newer { desk: v3::Desk::new(papers, Arc::clone(counter)), teller };
        Ok(Self { newer: Some(newer), ..older })
    }

    /// Answers one call of version 3; `None` if the connection ends without an answer.
    pub async fn serve_v3(&self, request: &Request) -> Option<Answered> {
        let Some(newer) = &self.newer else { return Some((404, Vec::new(), Vec::new())) };
        match newer.desk.serve(request).await {
            Response::Reply { status, body, .. } => Some((status, Vec::new(), body)),
            Response::Whole { status, headers, body } => Some((status, in_small_letters(headers), body)),
            Response::HangUp => None,
        }
    }

    /// What the merchant is to be told now: each once, and never again.
    #[must_use]
    pub fn tells(&self) -> Vec<Told> {
        self.newer.as_ref().map_or_else(Vec::new, |newer| told_now(self, &newer.teller))
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
