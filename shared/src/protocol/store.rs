//! The store's identity, as files that IT carries: what a till trusts, and what a new server starts from.

use crate::business_day::StoreZone;
use crate::clock::Timestamp;
use crate::id::StoreId;
use crate::money::Currency;
use crate::signing::VerifyingKey;
use serde::{Deserialize, Serialize};

/// Facts about a store that tills and receipts show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// Its number.
    pub id: StoreId,
    /// Its name.
    pub name: String,
    /// Address lines for the receipt.
    pub address: Vec<String>,
    /// Its currency.
    pub currency: Currency,
    /// Its time zone.
    pub zone: StoreZone,
    /// Minutes after midnight at which its business day starts.
    pub cut_off_minutes: u16,
}

/// What a till is given once, by hand, and trusts from then on: nothing else vouches for a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustBundle {
    /// The store.
    pub store: StoreId,
    /// The store's root certificates, PEM: the live one and, if there is one, the spare.
    pub root_certificates: Vec<String>,
    /// The keys whose statements name the servers that may sign responses: the live and the spare root's.
    pub root_keys: Vec<VerifyingKey>,
}

/// The root's word that a server's response key is genuine. Served to anyone at [`SERVER_KEYS_PATH`], and
/// believed only through a [`TrustBundle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerKeyStatement {
    /// The exact JSON text of a [`ServerKey`].
    pub text: String,
    /// Base64 of the root's Ed25519 signature over `evertill-server-key-v1\n` and the text.
    pub signature: String,
}

/// Where a till fetches a `Vec<ServerKeyStatement>`: unsigned, since the root's signature is inside.
pub const SERVER_KEYS_PATH: &str = "/v1/server-keys";

/// What is signed in front of the text of a [`ServerKeyStatement`].
pub const SERVER_KEY_DOMAIN: &[u8] = b"evertill-server-key-v1\n";

/// A server's response key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerKey {
    /// The store it serves.
    pub store: StoreId,
    /// The key id that its signatures name.
    pub key_id: String,
    /// The key.
    pub public_key: VerifyingKey,
    /// From when it counts.
    pub not_before: Timestamp,
    /// Until when it counts.
    pub not_after: Timestamp,
}
