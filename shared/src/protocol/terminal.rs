//! What a till asks about itself, and how it hands in its journal.

use crate::business_day::BusinessDay;
use crate::clock::Timestamp;
use crate::id::{KeyEpoch, TerminalId};
use crate::journal::{Head, SignedEntry};
use crate::protocol::store::StoreInfo;
use crate::terminal_state::TerminalState;
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// The server's view of a till: the answer to `GET /v1/terminal`. Pending and blocked tills may ask too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalStatus {
    /// Which till.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// The epoch of the key that signed the question.
    pub epoch: KeyEpoch,
    /// Where it stands.
    pub state: TerminalState,
    /// The store.
    pub store: StoreInfo,
    /// The server's clock.
    pub server_time: Timestamp,
    /// The store's business day at that time.
    pub business_day: BusinessDay,
    /// The last entry of this till's journal that the server has.
    pub journal_head: Head,
    /// The furthest entry that an order or a payment of this till rests on, in any order group that answers: it may be
    /// ahead of what was handed in. `None` from a server that does not look.
    #[serde(default)]
    pub furthest_used: Option<Head>,
    /// The version of the catalogue that the server has.
    pub catalogue_version: u64,
    /// The name of that version: see [`Part::of`](super::catalogue::Part::of). `None` from a server that names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue_name: Option<String>,
    /// The server gives the catalogue in parts, and only what has changed.
    #[serde(default)]
    pub catalogue_parts: bool,
    /// The version of the list of those who may log in at tills; 0 from a server that has none.
    #[serde(default)]
    pub staff_version: u64,
    /// How many refunds wait for this till.
    pub refunds_waiting: u32,
    /// Which wallets can be charged at the moment.
    pub wallets: Vec<Wallet>,
    /// For which wallets the till can show a code; none from a server that knows of none.
    #[serde(default)]
    pub shows: Vec<Wallet>,
}

/// Entries that follow the head that the server knows, in order. At most [`HandIn::MAX_ENTRIES`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandIn {
    /// The entries, oldest first. Entries that the server has already are passed over if they are the same.
    pub entries: Vec<SignedEntry>,
}

impl HandIn {
    /// The most entries in one request.
    pub const MAX_ENTRIES: usize = 200;
}

/// How far the server has the journal now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedIn {
    /// The last entry that it has.
    pub head: Head,
    /// The entries went into quarantine, for a person to accept: the till is blocked.
    pub quarantined: bool,
}
