//! Rule *block-means-block*: a second after IT was told that a till is blocked, no server begins anything for it that moves
//! money: no order, no charge, no refund. What was under way before goes on, and what has happened may be handed in.

use super::Checker;
use evertill_provisioning::client::{Answer, Sent};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::enrol::parse_terminal_key_id;
use evertill_shared::protocol::orders::{AdoptOrder, ShowCode, StartPayment};
use evertill_shared::protocol::path;
use evertill_shared::signing::{ReceivedSignature, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER};
use std::time::Duration;
use tokio::time::Instant;

/// Within so long after a block nothing that moves money starts.
const BLOCK_KNOWN: Duration = Duration::from_secs(1);
/// The same while the base store cannot be read: then servers go by what they knew for so long.
const BLOCK_KNOWN_IN_TROUBLE: Duration = Duration::from_secs(6);

/// What a till may ask for that moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// A number for a sale, or that it counts.
    Order,
    /// That a customer pays: by a code of theirs, or by one that the till shows.
    Charge,
    /// That money goes back.
    Refund,
}

impl Money {
    /// What this request of a till begins. Asking, taking back what was begun, and handing in what has happened begin
    /// nothing.
    pub fn of(sent: &Sent) -> Option<Self> {
        if sent.method != "POST" {
            return None;
        }
        let asked = sent.url.path();
        if asked == path::DRAFTS {
            return Some(Self::Order);
        }
        let mut parts = asked.strip_prefix("/v1/orders/")?.split('/').skip(1);
        match (parts.next()?, parts.next(), parts.next()) {
            ("payments" | "shown", None, None) => Some(Self::Charge),
            ("refunds", _, None) => Some(Self::Refund),
            ("adopt", None, None) => {
                // With cash the sale has happened.
                let adopt: AdoptOrder = serde_json::from_slice(&sent.body).ok()?;
                adopt.cash.is_none().then_some(Self::Order)
            }
            _ => None,
        }
    }
}

/// Whose request it is, by its signature.
fn till_of(sent: &Sent) -> Option<TerminalId> {
    let text = |name| sent.headers.get(name).and_then(|value| value.to_str().ok());
    let signature = ReceivedSignature::parse(text(SIGNATURE_INPUT_HEADER)?, text(SIGNATURE_HEADER)?).ok()?;
    parse_terminal_key_id(signature.key_id()).map(|(terminal, _)| terminal)
}

/// What was asked for under a number: charges have that of the channel, refunds their own.
fn number_of(sent: &Sent) -> Option<String> {
    use evertill_shared::journal::Body;
    let asked = sent.url.path();
    if Money::of(sent)? == Money::Refund {
        return asked.rsplit_once("/refunds/").map(|(_, id)| id.to_owned());
    }
    let requested = match asked.rsplit('/').next()? {
        "payments" => serde_json::from_slice::<StartPayment>(&sent.body).ok()?.requested,
        "shown" => serde_json::from_slice::<ShowCode>(&sent.body).ok()?.requested,
        _ => return None,
    };
    match requested.read_unverified().ok()?.body {
        Body::PaymentRequested { channel_number, .. } | Body::RestRequested { channel_number, .. } => {
            Some(channel_number.as_str().to_owned())
        }
        _ => None,
    }
}

impl Checker {
    fn block_known(&self) -> Duration {
        let trouble = self.base_troubled_until();
        let recent = trouble.is_some_and(|until| self.now() < until + BLOCK_KNOWN_IN_TROUBLE);
        if recent { BLOCK_KNOWN_IN_TROUBLE } else { BLOCK_KNOWN }
    }

    /// A request was handed to a server.
    pub fn delivered(&self, sent: &Sent) {
        if let Some(number) = number_of(sent) {
            let now = self.now();
            self.model().delivered.entry(number).or_insert(now);
        }
    }

    /// A server said yes to a till's request that had been handed to it then; it does not matter who hears of it.
    pub fn granted(&self, sent: &Sent, answer: &Answer, delivered: Instant) {
        let (Some(what), Some(terminal)) = (Money::of(sent), till_of(sent)) else { return };
        if answer.status == 200 {
            let delivered = delivered.saturating_duration_since(self.start);
            self.not_after_a_block(terminal, delivered, || format!("{what:?} at {}", sent.url.path()));
        }
    }

    /// What was asked for under that number stands at the wallet's door.
    pub(super) fn blocked(&self, terminal: TerminalId, number: &str) {
        let delivered = self.model().delivered.get(number).copied();
        if let Some(delivered) = delivered {
            self.not_after_a_block(terminal, delivered, || format!("{number} at the wallet"));
        }
    }

    fn not_after_a_block(&self, terminal: TerminalId, delivered: Duration, what: impl Fn() -> String) {
        let known = self.block_known();
        let mut model = self.model();
        let since = model.till(terminal).blocked_since;
        if let Some(since) = since
            && delivered > since + known
        {
            let (after, what) = ((delivered - since).as_millis(), what());
            let how = format!("{what} was taken {after} ms after {terminal} was blocked");
            model.breaks("block-means-block", how);
        }
    }

    /// Whether this comes from a till that is blocked and begins something else: for a bug that is about one thing alone.
    pub fn is_something_else_of_a_blocked_till(&self, only: Money, sent: &Sent) -> bool {
        let else_begun = Money::of(sent).is_some_and(|what| what != only);
        let is_blocked = |till| self.model().till(till).blocked_since.is_some();
        else_begun && till_of(sent).is_some_and(is_blocked)
    }
}
