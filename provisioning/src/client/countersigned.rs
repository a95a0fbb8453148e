//! A server's word on a day of a till's journal, believed through the store's root and nothing else.

use super::server_keys::{StatementError, verify_statement};
use super::{ClientError, StoreClient};
use evertill_shared::protocol::countersign::{Countersign, Countersigned, CountersignedError, DayStatement};
use evertill_shared::protocol::path;
use evertill_shared::protocol::store::TrustBundle;

/// Why a server's word on a day is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCountersigned {
    /// The root does not vouch for the key.
    #[error(transparent)]
    Key(#[from] StatementError),
    /// The key did not count when the statement was made.
    #[error("the statement about the day was signed by a key that did not count then")]
    OutOfTime,
    /// The key did not sign it.
    #[error(transparent)]
    Statement(#[from] CountersignedError),
    /// It is about another store.
    #[error("the statement about the day is another store's")]
    OtherStore,
}

/// The statement, if a server of this store made it. No clock is asked: it counts for ever.
///
/// # Errors
/// [`NotCountersigned`].
pub fn verify_countersigned(
    trust: &TrustBundle,
    signed: &Countersigned,
) -> Result<DayStatement, NotCountersigned> {
    let key = verify_statement(trust, &signed.server)?;
    let statement = signed.verify(&key.public_key)?;
    if statement.store != trust.store {
        return Err(NotCountersigned::OtherStore);
    }
    if !(key.not_before..=key.not_after).contains(&statement.at) {
        return Err(NotCountersigned::OutOfTime);
    }
    Ok(statement)
}

impl StoreClient {
    /// Asks for the server's word on a day that is over. What comes stands by itself: it was verified.
    ///
    /// # Errors
    /// As [`StoreClient::call`]; [`ClientError::Untrusted`] for words that do not stand.
    pub async fn countersign(&self, body: &Countersign) -> Result<Countersigned, ClientError> {
        let signed: Countersigned = self.post(path::COUNTERSIGN, body).await?;
        verify_countersigned(self.trust(), &signed).map_err(|e| ClientError::Untrusted(e.to_string()))?;
        Ok(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::StoreId;
    use evertill_shared::journal::EntryHash;
    use evertill_shared::protocol::store::{SERVER_KEY_DOMAIN, ServerKey, ServerKeyStatement};
    use evertill_shared::signing::SigningKey;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32], "server-1".into()).unwrap()
    }

    fn store(id: u32) -> StoreId {
        StoreId::try_from(id).unwrap()
    }

    fn trust() -> TrustBundle {
        TrustBundle { store: store(7), root_certificates: Vec::new(), root_keys: vec![key(1).public()] }
    }

    /// The root's word about the server's key, which counts from 100 to 200.
    fn vouched(root: &SigningKey, server: &SigningKey) -> ServerKeyStatement {
        let server = ServerKey {
            store: store(7),
            key_id: "server-1".into(),
            public_key: server.public(),
            not_before: Timestamp(100),
            not_after: Timestamp(200),
        };
        let text = serde_json::to_string(&server).unwrap();
        let signature = STANDARD.encode(root.sign(&[SERVER_KEY_DOMAIN, text.as_bytes()].concat()));
        ServerKeyStatement { text, signature }
    }

    fn statement(of: u32, at: i64) -> DayStatement {
        DayStatement {
            store: store(of),
            terminal: 1_u16.try_into().unwrap(),
            epoch: 1,
            day: "2026-11-20".parse().unwrap(),
            from: 1,
            to: 9,
            hash: EntryHash([3; 32]),
            quarantined: 0,
            at: Timestamp(at),
        }
    }

    #[test]
    fn only_a_server_that_the_root_vouched_for_then_countersigns() {
        let (root, server, stranger) = (key(1), key(2), key(3));
        let signed = |by: &SigningKey, word: ServerKeyStatement, statement: &DayStatement| {
            verify_countersigned(&trust(), &Countersigned::sign(statement, by, word).unwrap())
        };
        let right = statement(7, 150);
        assert_eq!(signed(&server, vouched(&root, &server), &right).unwrap(), right);
        assert!(matches!(
            signed(&stranger, vouched(&root, &server), &right),
            Err(NotCountersigned::Statement(CountersignedError::BadSignature))
        ));
        assert!(matches!(
            signed(&stranger, vouched(&stranger, &stranger), &right),
            Err(NotCountersigned::Key(StatementError::NotByRoot))
        ));
        let late = signed(&server, vouched(&root, &server), &statement(7, 201));
        assert_eq!(late, Err(NotCountersigned::OutOfTime));
        let other = signed(&server, vouched(&root, &server), &statement(8, 150));
        assert_eq!(other, Err(NotCountersigned::OtherStore));
    }
}
