//! A till registers.

use crate::id::{KeyEpoch, TerminalId};
use crate::protocol::store::StoreInfo;
use crate::secret::SecretText;
use crate::signing::VerifyingKey;
use crate::terminal_state::TerminalState;
use serde::{Deserialize, Serialize};

/// The key id in the signature of an [`Enrol`] request: the key is in the body, and the signature proves that
/// the till holds its private half.
pub const ENROL_KEY_ID: &str = "enrol";

/// The key id in the signatures of an enrolled till.
#[must_use]
pub fn terminal_key_id(terminal: TerminalId, epoch: KeyEpoch) -> String {
    format!("{terminal}:{epoch}")
}

/// Reads a key id back.
#[must_use]
pub fn parse_terminal_key_id(key_id: &str) -> Option<(TerminalId, KeyEpoch)> {
    let (terminal, epoch) = key_id.split_once(':')?;
    Some((terminal.parse().ok()?, epoch.parse().ok()?))
}

/// Registers a key with a one-time code. Sent again with the same code and the same key, it gets the same
/// answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The one-time code that IT made.
    pub code: SecretText,
    /// The public half of the till's own key.
    pub public_key: VerifyingKey,
}

/// What the till is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its number.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// The epoch of its key.
    pub epoch: KeyEpoch,
    /// Shown on its screen, so that IT finds it in the list.
    pub registration_code: String,
    /// Pending, until IT has compared the fingerprint.
    pub state: TerminalState,
    /// The store it belongs to.
    pub store: StoreInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_reads_back() {
        let terminal = TerminalId::try_from(12).unwrap();
        assert_eq!(parse_terminal_key_id(&terminal_key_id(terminal, 3)), Some((terminal, 3)));
        for bad in ["", "T0001", "T0001:", ":1", "T0001:1:2", "enrol"] {
            assert_eq!(parse_terminal_key_id(bad), None, "{bad}");
        }
    }
}
