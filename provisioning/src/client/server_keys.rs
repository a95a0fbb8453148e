//! The response keys of the store's servers, known through the root's word and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::store::{SERVER_KEY_DOMAIN, ServerKey, ServerKeyStatement, TrustBundle};
use evertill_shared::signing::VerifyingKey;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The most statements that are looked at in one answer: each costs a signature check.
const MAX_STATEMENTS: usize = 32;

/// Why a statement about a response key is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not signed by a root that is trusted.
    #[error("the statement about the server's key is not signed by the store's root")]
    NotByRoot,
    /// Signed, but not readable.
    #[error("the statement about the server's key cannot be read: {0}")]
    Unreadable(String),
    /// For another store.
    #[error("the server's key belongs to store {0}, not to this one")]
    OtherStore(u32),
}

/// The key that the store's root vouches for in this statement. Whether its time has come is for the caller to
/// check, who has the clock.
///
/// # Errors
/// [`StatementError`].
pub fn verify_statement(
    trust: &TrustBundle,
    statement: &ServerKeyStatement,
) -> Result<ServerKey, StatementError> {
    let signature = STANDARD.decode(&statement.signature).map_err(|_| StatementError::NotByRoot)?;
    let signed = [SERVER_KEY_DOMAIN, statement.text.as_bytes()].concat();
    if !trust.root_keys.iter().any(|root| root.verify(&signed, &signature).is_ok()) {
        return Err(StatementError::NotByRoot);
    }
    let key: ServerKey =
        serde_json::from_str(&statement.text).map_err(|e| StatementError::Unreadable(e.to_string()))?;
    if key.store == trust.store { Ok(key) } else { Err(StatementError::OtherStore(key.store.get())) }
}

/// All keys that were proven so far.
#[derive(Debug)]
pub(crate) struct KeyRing {
    trust: TrustBundle,
    known: RwLock<Vec<ServerKey>>,
}

impl KeyRing {
    pub(crate) fn new(trust: TrustBundle) -> Self {
        Self { trust, known: RwLock::new(Vec::new()) }
    }

    pub(crate) fn trust(&self) -> &TrustBundle {
        &self.trust
    }

    /// Takes in what a server says its keys are. Statements that do not verify are passed over, as they may be
    /// of a root that this till does not know yet; but one at least must.
    pub(crate) fn learn(&self, json: &[u8]) -> Result<(), String> {
        let statements: Vec<ServerKeyStatement> =
            serde_json::from_slice(json).map_err(|e| format!("the list of its keys cannot be read: {e}"))?;
        let mut proven = Vec::new();
        let mut refused = None;
        for statement in statements.iter().take(MAX_STATEMENTS) {
            match verify_statement(&self.trust, statement) {
                Ok(key) => proven.push(key),
                Err(error) => refused = Some(error),
            }
        }
        if proven.is_empty() {
            return Err(refused.map_or_else(|| "it names no key".into(), |e| e.to_string()));
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for key in proven {
            if !known.contains(&key) {
                known.push(key);
            }
        }
        Ok(())
    }

    /// The keys of this name that count at this time.
    pub(crate) fn named(&self, key_id: &str, now: Timestamp) -> Vec<VerifyingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let counts =
            |key: &&ServerKey| key.key_id == key_id && (key.not_before..=key.not_after).contains(&now);
        known.iter().filter(counts).map(|key| key.public_key).collect()
    }

    /// When the first of the servers has no key any more: each has its own, and all of them tell of all. Of those whose keys
    /// have ended only if there are no others: such a server answers nobody, or was taken away.
    pub(crate) fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut last = BTreeMap::new();
        for key in known.iter() {
            let end = last.entry(key.key_id.as_str()).or_insert(key.not_after);
            *end = key.not_after.max(*end);
        }
        let next = last.values().copied().filter(|end| *end >= now).min();
        next.or_else(|| last.into_values().max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::signing::SigningKey;

    #[test]
    fn the_first_server_that_has_no_key_any_more_is_told_of_and_one_that_is_gone_is_not() {
        let trust =
            TrustBundle { store: 1.try_into().unwrap(), root_certificates: vec![], root_keys: vec![] };
        let ring = KeyRing::new(trust);
        assert_eq!(ring.ends(Timestamp(0)), None);
        let public_key = SigningKey::from_seed(&[7; 32], "x".into()).unwrap().public();
        let key = |key_id: &str, days: i64| ServerKey {
            store: 1.try_into().unwrap(),
            key_id: key_id.into(),
            public_key,
            not_before: Timestamp(0),
            not_after: Timestamp(days),
        };
        // The first one's was renewed; the second one was added later; the third was taken away long ago.
        let all = [key("server-1", 400), key("server-1", 1_200), key("server-2", 800), key("server-3", 100)];
        ring.known.write().unwrap().extend(all);
        assert_eq!(ring.ends(Timestamp(50)), Some(Timestamp(100)));
        assert_eq!(ring.ends(Timestamp(200)), Some(Timestamp(800)));
        assert_eq!(ring.ends(Timestamp(900)), Some(Timestamp(1_200)));
        assert_eq!(ring.ends(Timestamp(2_000)), Some(Timestamp(1_200)), "all are over");
    }
}
