//! Ed25519 keys: one that signs and does not print itself, one that verifies and does.

use super::SignatureError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why something is not a key that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not an Ed25519 key.
    #[error("this is not an Ed25519 key")]
    Unreadable,
    /// The name does not fit into a header.
    #[error("a key's name must be 1 to 100 printable ASCII characters")]
    BadKeyId,
}

/// A private Ed25519 key and its name. Shows its name only, whatever it is printed with.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    key_id: String,
}

impl SigningKey {
    /// Reads an unencrypted PKCS #8 key (version 1 or 2).
    ///
    /// # Errors
    /// [`KeyError`] if it is not an Ed25519 key, if its two halves do not belong together, or for a bad name.
    pub fn from_pkcs8(der: &[u8], key_id: String) -> Result<Self, KeyError> {
        // "maybe unchecked": version 1 has no public half to check against; where there is one, it is checked.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError::Unreadable)?;
        Self::named(pair, key_id)
    }

    /// Makes the key that this seed stands for. The seed must be random: it *is* the private key.
    ///
    /// # Errors
    /// [`KeyError::BadKeyId`].
    pub fn from_seed(seed: &[u8; 32], key_id: String) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Unreadable)?;
        Self::named(pair, key_id)
    }

    fn named(pair: Ed25519KeyPair, key_id: String) -> Result<Self, KeyError> {
        let fits = (1..=100).contains(&key_id.len()) && key_id.bytes().all(|b| (0x20..=0x7e).contains(&b));
        if fits { Ok(Self { pair, key_id }) } else { Err(KeyError::BadKeyId) }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }

    /// The name under which receivers look the public half up.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs these bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(message).as_ref());
        bytes
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, …)", self.key_id)
    }
}

/// A public Ed25519 key: 32 bytes, as base64 in JSON and in print.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerifyingKey(pub [u8; 32]);

impl VerifyingKey {
    /// What two people compare, on the till and in the console: the key's SHA-256, first 128 bits, as eight
    /// groups of four hex digits, `AB12 CD34 …`. Short enough to read aloud; 128 bits leave no second key with
    /// the same groups.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = ring::digest::digest(&ring::digest::SHA256, &self.0);
        let groups: Vec<String> = hash.as_ref()[..16].chunks(2).map(hex::encode_upper).collect();
        groups.join(" ")
    }

    /// Checks that `signature` is this key's over `message`.
    ///
    /// # Errors
    /// [`SignatureError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(message, signature).map_err(|_| SignatureError::BadSignature)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::Unreadable)?;
        bytes.try_into().map(Self).map_err(|_| KeyError::Unreadable)
    }
}

impl TryFrom<String> for VerifyingKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<VerifyingKey> for String {
    fn from(key: VerifyingKey) -> Self {
        key.to_string()
    }
}
