//! Requests that are signed before the run, as tills sign them: what signing costs a till is no part of what the server
//! can do. A signature counts for two minutes, so a run prepares each phase just before it.

use super::line::{Answer, header};
use crate::load::{cores, wrong};
use crate::scripted_till::ScriptedTill;
use crate::store_rig::{CATALOGUE, RigError};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::{SaleKey, StoreId, TerminalId};
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::Currency;
use evertill_shared::order::Sale;
use evertill_shared::order::line::Line;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::enrol::terminal_key_id;
use evertill_shared::protocol::orders::CreateDraft;
use evertill_shared::protocol::{SIGNATURE_WINDOW_S, path};
use evertill_shared::signing::{
    BoundRequest, CONTENT_DIGEST_HEADER, REQUEST_ID_HEADER, ReceivedSignature, RequestParts, ResponseParts,
    SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SigningKey, VerifyingKey, sign_request, verify_response,
};
use ring::rand::{SecureRandom, SystemRandom};
use std::time::Duration;

const JSON: &str = "application/json";

/// A till that signs what it will send.
pub(crate) struct Seller {
    key: SigningKey,
    head: Head,
    store: StoreId,
    authority: String,
    goods: Vec<Product>,
    random: SystemRandom,
}

/// A sale in the till's journal.
#[derive(Clone, Debug)]
pub(crate) struct Sold {
    pub key: SaleKey,
    pub sale: Sale,
    pub entry: SignedEntry,
}

/// A signed request as it goes over the line.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// What it asks for, in a word for reports.
    pub kind: &'static str,
    method: &'static str,
    path: String,
    head: usize,
    bytes: Vec<u8>,
}

impl Seller {
    /// The hands of an enrolled till.
    pub(crate) fn new(till: &ScriptedTill, authority: &str) -> Result<Self, RigError> {
        let key_id = terminal_key_id(till.enrolled.terminal, till.enrolled.epoch);
        let key = till.device.signing_key(key_id).map_err(wrong)?;
        Self::with(key, till.head(), till.store(), authority)
    }

    /// With a key that no server knows, for where no server is.
    pub(crate) fn without_server(terminal: TerminalId, store: StoreId) -> Result<Self, RigError> {
        let key = SigningKey::from_seed(&[9; 32], terminal_key_id(terminal, 1)).map_err(wrong)?;
        Self::with(key, Head::start(terminal, 1), store, "")
    }

    fn with(key: SigningKey, head: Head, store: StoreId, authority: &str) -> Result<Self, RigError> {
        Ok(Self {
            key,
            head,
            store,
            authority: authority.to_owned(),
            goods: serde_json::from_str(CATALOGUE).map_err(wrong)?,
            random: SystemRandom::new(),
        })
    }

    /// The store that it sells for.
    pub(crate) fn store(&self) -> StoreId {
        self.store
    }

    /// Writes the next entry of its journal.
    pub(crate) fn write(&mut self, body: Body) -> Result<SignedEntry, RigError> {
        let entry = Entry {
            terminal: self.head.terminal,
            epoch: self.head.epoch,
            sequence: self.head.sequence + 1,
            previous: self.head.hash,
            at: SystemClock.now(),
            body,
        };
        let signed = SignedEntry::sign(&entry, &self.key).map_err(wrong)?;
        self.head = Head { sequence: entry.sequence, hash: signed.hash(), ..self.head };
        Ok(signed)
    }

    /// Sells three articles of the catalogue, others each time.
    pub(crate) fn sell(&mut self) -> Result<Sold, RigError> {
        let next = usize::try_from(self.head.sequence).unwrap_or(0);
        let chosen = self.goods.iter().cycle().skip(next % self.goods.len().max(1)).take(3);
        let lines = chosen
            .map(|p| {
                Line::new(p.id.clone(), p.name.clone(), 1 + u32::from(next % 2 == 0), p.price, p.tax_rate)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?;
        let sale = Sale::new(self.store, SystemClock.now(), Currency::CNY, lines).map_err(wrong)?;
        let entry = self.write(Body::Sale(sale.clone()))?;
        let Head { terminal, epoch, sequence, .. } = self.head;
        Ok(Sold { key: SaleKey { terminal, epoch, sequence }, sale, entry })
    }

    /// A new sale, and the request for its number.
    pub(crate) fn draft(&mut self) -> Result<Prepared, RigError> {
        let sold = self.sell()?;
        self.ask_number(&sold)
    }

    /// The request for a sale's number.
    pub(crate) fn ask_number(&self, sold: &Sold) -> Result<Prepared, RigError> {
        self.post("new_order", path::DRAFTS, &CreateDraft { sale: sold.entry.clone() })
    }

    pub(crate) fn post(
        &self,
        kind: &'static str,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<Prepared, RigError> {
        self.request(kind, "POST", path, serde_json::to_vec(body).map_err(wrong)?)
    }

    pub(crate) fn get(&self, kind: &'static str, path: &str) -> Result<Prepared, RigError> {
        self.request(kind, "GET", path, Vec::new())
    }

    fn request(
        &self,
        kind: &'static str,
        method: &'static str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Prepared, RigError> {
        let mut random = [0; 16];
        self.random.fill(&mut random).map_err(wrong)?;
        let id = hex::encode(random);
        let authority = self.authority.as_str();
        let parts = RequestParts {
            method,
            authority,
            path,
            query: "",
            content_type: JSON,
            request_id: &id,
            body: &body,
        };
        let now = SystemClock.now();
        let expires = now.plus(Duration::from_secs(SIGNATURE_WINDOW_S));
        let signed = sign_request(&self.key, &parts, now, expires).map_err(wrong)?;
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: {JSON}\r\n\
             {REQUEST_ID_HEADER}: {id}\r\n{CONTENT_DIGEST_HEADER}: {}\r\n{SIGNATURE_INPUT_HEADER}: {}\r\n\
             {SIGNATURE_HEADER}: {}\r\ncontent-length: {}\r\n\r\n",
            signed.content_digest,
            signed.signature_input,
            signed.signature,
            body.len()
        )
        .into_bytes();
        let head = bytes.len();
        bytes.extend_from_slice(&body);
        Ok(Prepared { kind, method, path: path.to_owned(), head, bytes })
    }
}

impl Prepared {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The size of its head: about that of what its signature covers.
    pub(crate) fn head_size(&self) -> usize {
        self.head
    }

    /// Whether this is the server's own answer to this very request.
    pub(crate) fn verify(&self, answer: &Answer, key: &VerifyingKey) -> Result<(), RigError> {
        let head = self.bytes.get(..self.head).unwrap_or_default();
        let bound = BoundRequest {
            method: self.method,
            path: &self.path,
            content_digest: header(head, CONTENT_DIGEST_HEADER).unwrap_or_default(),
            signature: header(head, SIGNATURE_HEADER).unwrap_or_default(),
        };
        let received =
            ReceivedSignature::parse(answer.header(SIGNATURE_INPUT_HEADER), answer.header(SIGNATURE_HEADER))
                .map_err(wrong)?;
        let parts = ResponseParts {
            status: answer.status,
            content_type: answer.header("content-type"),
            body: answer.body(),
        };
        let digest = answer.header(CONTENT_DIGEST_HEADER);
        verify_response(&received, &parts, digest, &bound, key).map_err(wrong)
    }
}

/// Has all tills prepare `each` requests, on both cores. What one till signs stays in the order of its journal; the
/// tills take turns.
pub(crate) fn prepare<T: Send>(
    sellers: &mut [T],
    each: usize,
    cores: cores::Cores,
    make: impl Fn(&mut T) -> Result<Prepared, RigError> + Sync,
) -> Result<Vec<Prepared>, RigError> {
    let half = sellers.len().div_ceil(2).max(1);
    let make = &make;
    let parts: Vec<Result<Vec<Vec<Prepared>>, RigError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = sellers
            .chunks_mut(half)
            .zip([cores.server, cores.tills])
            .map(|(part, core)| {
                scope.spawn(move || {
                    cores::pin(core).map_err(wrong)?;
                    part.iter_mut().map(|seller| (0..each).map(|_| make(seller)).collect()).collect()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(wrong("signing broke off")))).collect()
    });
    let mut queues = Vec::new();
    for part in parts {
        queues.extend(part?.into_iter().map(Vec::into_iter));
    }
    let mut all = Vec::with_capacity(each * queues.len());
    for _ in 0..each {
        all.extend(queues.iter_mut().filter_map(Iterator::next));
    }
    Ok(all)
}
