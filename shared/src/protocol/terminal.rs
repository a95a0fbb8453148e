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
    /// The server countersigns days that are over.
    #[serde(default)]
    pub countersigns: bool,
    /// The version of the list of those who may log in at tills; 0 from a server that has none.
    #[serde(default)]
    pub staff_version: u64,
    /// What the shop's template for receipts is known by; empty if it has none. `None` from a server that gives none: a till
    /// keeps what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_template: Option<String>,
    /// What the list of the goods' pictures is known by; empty if there are none. `None` from a server that gives none: a till
    /// keeps what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<String>,
    /// How many refunds wait for this till.
    pub refunds_waiting: u32,
    /// Which wallets can be charged at the moment.
    pub wallets: Vec<Wallet>,
    /// How those that are offered answer; nothing from a server that does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<WalletHealth>,
    /// For which wallets the till can show a code; none from a server that knows of none.
    #[serde(default)]
    pub shows: Vec<Wallet>,
    /// The server takes the rest of a sale through a wallet after a part was taken in cash; a server from before does not,
    /// and its tills must not begin one.
    #[serde(default)]
    pub splits: bool,
    /// The server takes refunds that wait for a manager in the console.
    #[serde(default)]
    pub refunds_in_console: bool,
    /// The names of what this till asked for and what waits for a manager in the console. About one that is not here any more the
    /// till asks again, and is told what came of it. `None` from a server that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_requests: Option<Vec<String>>,
}

/// How a wallet answers, as the server that was asked has found of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletHealth {
    /// Which.
    pub wallet: Wallet,
    /// How.
    pub state: WalletState,
}

/// How a wallet answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum WalletState {
    /// As it should.
    Well,
    /// Not always: some payments wait, or have to be taken back.
    Unsteady,
    /// Not at all: new payments are refused at once, but for one that tries now and then.
    Silent {
        /// Since when.
        since: Timestamp,
    },
    /// In a way that a later server has a word for.
    #[serde(other)]
    Other,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_later_server_is_no_reason_to_understand_nothing() {
        let read = |text: &str| serde_json::from_str::<WalletHealth>(text).unwrap().state;
        assert_eq!(read(r#"{"wallet":"alipay","state":{"is":"on_holiday","until":5}}"#), WalletState::Other);
        let silent = WalletState::Silent { since: Timestamp(7) };
        let told = WalletHealth { wallet: Wallet::Alipay, state: silent };
        assert_eq!(read(&serde_json::to_string(&told).unwrap()), silent);
    }
}
