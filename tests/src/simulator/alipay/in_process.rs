//! The wallet without its listeners: bytes in, bytes out, in this process and under whatever clock; its books are in
//! memory.

use super::desk::Desk;
use super::{Kit, SimulatorError, teller};
use crate::simulator::wallet::http::Response;
use crate::simulator::wallet::{Counter, Store, Switches, Told, told_now};
use evertill_shared::clock::Clock;
use evertill_shared::wallet::Wallet;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A wallet in this process.
pub struct InProcess {
    desk: Desk,
    teller: teller::AlipayTeller,
}

impl InProcess {
    /// A wallet that knows the merchant of that kit, whose files are in `folder`, and nobody's payments yet.
    /// # Errors
    /// A file of the kit cannot be read, or there is no memory for its books.
    pub fn new(
        (kit, folder): (&Kit, &Path),
        switches: Switches,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SimulatorError> {
        let counter = Counter::new(Wallet::Alipay, Store::in_memory()?, switches, seed, clock)?;
        let parties = Arc::new(kit.parties(folder)?);
        let counter = Arc::new(counter);
        let teller = teller::AlipayTeller(Arc::clone(&parties), Arc::clone(&counter));
        let desk = Desk::new(parties, counter, "http://alipay".to_owned());
        Ok(Self { desk, teller })
    }

    /// What the merchant is to be told now: each once, and never again.
    #[must_use]
    pub fn tells(&self) -> Vec<Told> {
        told_now(self, &self.teller)
    }

    /// Answers one call, with status and body; `None` if the connection ends without an answer.
    pub async fn serve(&self, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let response = match path {
            "/gateway.do" => self.desk.serve(query, body).await,
            "/billdownload" => self.desk.download(query),
            _ => return Some((404, Vec::new())),
        };
        match response {
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
