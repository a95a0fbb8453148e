//! Managers, people of IT, and a rogue: they ask servers over the same network.

use super::chance::Seeded;
use super::life::Life;
use super::network::{NetWire, address};
use super::template::{SERVERS, till_key};
use super::till::Floor;
use super::time::WorldClock;
use evertill_provisioning::client::{Answer, ClientConfig, Sent, StoreClient};
use evertill_shared::clock::Clock;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::enrol::{Enrolled, terminal_key_id};
use evertill_shared::protocol::groups::{GroupChange, path as groups_path};
use evertill_shared::protocol::refunds::CarryOutRefund;
use evertill_shared::protocol::staff::{AskRefund, TerminalChange, path};
use evertill_shared::secret::SecretText;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long a person waits for a page.
const WAIT: Duration = Duration::from_secs(10);
/// How often one asks again when no answer came.
const TRIES: usize = 6;

/// A person at a console.
#[derive(Clone)]
pub struct Staff {
    pub name: String,
    pub token: SecretText,
    pub floor: Arc<Floor>,
}

impl Staff {
    async fn post<T: Serialize>(&self, server: usize, path: &str, body: &T) -> Option<Answer> {
        let url = Url::parse(&format!("{}{path}", address(server))).ok()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose())).ok()?;
        headers.insert(AUTHORIZATION, bearer);
        let body = serde_json::to_vec(body).ok()?;
        let sent = Sent { method: "POST", url, headers, body };
        Arc::clone(&self.floor.net).exchange(self.name.clone(), server, sent, WAIT).await.ok()
    }

    /// Asks for a refund until somebody answers; always under one request.
    pub async fn ask_refund(self, server: usize, number: OrderNumber, request: String, minor: i64) {
        let asked =
            AskRefund { request, amount: Amount::new(minor, Currency::CNY), reason: "brought back".into() };
        let path = path::REFUNDS.replace("{number}", number.as_str());
        self.floor.checker.asks(&asked.request);
        for again in 0..TRIES {
            let answer = self.post((server + again) % SERVERS, &path, &asked).await;
            if let Some(answer) = answer {
                let status = answer.status;
                self.floor.story.tell(format!("{} asks for {minor} of {number}: {status}", self.name));
                if status < 500 {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Drains a group, or has its orders moved; asks until somebody has done it.
    pub async fn change_group(self, tag: usize, change: GroupChange, mut server: usize) {
        let path = groups_path::GROUP.replace("{tag}", &tag.to_string());
        for _ in 0..TRIES * 5 {
            server = (server + 1) % SERVERS;
            if let Some(answer) = self.post(server, &path, &change).await {
                self.floor
                    .story
                    .tell(format!("{} wants {change:?} of group {tag}: {}", self.name, answer.status));
                if answer.status < 500 {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Blocks a till, or lifts the block; asks until somebody has done it.
    pub async fn change(self, terminal: TerminalId, block: bool, mut server: usize) {
        let reason = "seen in other hands".to_owned();
        let change =
            if block { TerminalChange::Block { reason } } else { TerminalChange::Unblock { reason } };
        let path = path::TERMINAL.replace("{terminal}", &terminal.to_string());
        let mine = {
            let mut model = self.floor.checker.model();
            let seen = model.till(terminal);
            seen.changes += 1;
            if !block {
                seen.blocked_since = None;
                seen.lifting += 1;
            }
            seen.changes
        };
        loop {
            server = (server + 1) % SERVERS;
            if let Some(answer) = self.post(server, &path, &change).await {
                let word = if block { "blocks" } else { "unblocks" };
                self.floor.story.tell(format!("{} {word} {terminal}: {}", self.name, answer.status));
                if answer.status == 200 && block {
                    let now = self.floor.checker.elapsed();
                    let mut model = self.floor.checker.model();
                    model.till(terminal).blocked = true;
                    // Its answer may come after the block has been lifted again, and before an earlier block is.
                    let seen = model.till(terminal);
                    if seen.changes == mine && seen.lifting == 0 {
                        seen.blocked_since = Some(now);
                    }
                }
                // A change that has no place any more was made by a request whose answer was lost.
                if answer.status < 500 {
                    let mut model = self.floor.checker.model();
                    let seen = model.till(terminal);
                    seen.lifting = seen.lifting.saturating_sub(u64::from(!block));
                    return;
                }
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// A till in wrong hands: its key signs whatever is wanted.
pub struct Rogue {
    client: StoreClient,
    enrolled: Enrolled,
    floor: Arc<Floor>,
    clock: Arc<WorldClock>,
}

impl Rogue {
    pub fn new(till: usize, enrolled: Enrolled, floor: Arc<Floor>, clock: Arc<WorldClock>) -> Option<Self> {
        let key_id = terminal_key_id(enrolled.terminal, enrolled.epoch);
        let key = till_key(u16::try_from(till).ok()?, key_id).ok()?;
        let wire = NetWire { net: Arc::clone(&floor.net), client: "the rogue".into(), life: Life::begin() };
        let config = ClientConfig::new((0..SERVERS).map(address).collect(), floor.trust.clone());
        let chance = Arc::new(Seeded::new(floor.seed, "rogue"));
        let its_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let client = StoreClient::over(&wire, config, key, its_clock, chance).ok()?;
        Some(Self { client, enrolled, floor, clock })
    }

    /// Tries to carry out a refund of an order that another till sold.
    pub async fn carry_out(self: Arc<Self>, refund: String, number: OrderNumber, minor: i64) {
        let Enrolled { terminal, epoch, .. } = self.enrolled;
        let key_id = terminal_key_id(terminal, epoch);
        let Ok(key) = till_key(terminal.get().saturating_sub(1), key_id) else { return };
        let amount = Amount::new(minor, Currency::CNY);
        let entry = Entry {
            terminal,
            epoch,
            sequence: 2,
            previous: Head::start(terminal, epoch).hash,
            at: self.clock.now(),
            body: Body::RefundCarriedOut { refund: RefundId(refund.clone()), number, amount, cashier: None },
        };
        let Ok(carried_out) = SignedEntry::sign(&entry, &key) else { return };
        let path = format!("/v1/orders/{number}/refunds/{refund}");
        let answer: Result<serde_json::Value, _> =
            self.client.post(&path, &CarryOutRefund { carried_out }).await;
        let what = match &answer {
            Ok(_) => "is let".to_owned(),
            Err(error) => error.code().map_or_else(|| "hears nothing".into(), |code| code.word()),
        };
        self.floor.story.tell(format!("the rogue wants to carry out {refund}: {what}"));
    }
}
