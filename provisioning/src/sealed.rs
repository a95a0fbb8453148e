//! Sealing small secrets: AES-256-GCM with a fresh random nonce, and what belongs to it bound in.

use crate::key_format::{NoRandomness, random};
use argon2::{Algorithm, Argon2, Params, Version};
use evertill_shared::secret::SecretText;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A key that seals.
pub(crate) type SealKey = Zeroizing<[u8; 32]>;

/// What a sealed secret looks like in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    #[serde(with = "base64_bytes")]
    nonce: Vec<u8>,
    #[serde(with = "base64_bytes")]
    ciphertext: Vec<u8>,
}

/// The seal does not open: another key, another purpose, or changed bytes. Which one cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal does not open")]
pub(crate) struct DoesNotOpen;

impl Sealed {
    /// Seals `plain`. It opens only with the same `context`.
    pub(crate) fn seal(key: &SealKey, context: &[u8], plain: &[u8]) -> Result<Self, NoRandomness> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(plain);
        let sealing = aead_key(key).ok_or(NoRandomness)?;
        let aad = Aad::from(context);
        sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *bytes)
            .map_err(|_| NoRandomness)?;
        Ok(Self { nonce: nonce.to_vec(), ciphertext: bytes.to_vec() })
    }

    /// Opens the seal.
    pub(crate) fn open(&self, key: &SealKey, context: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let nonce = Nonce::try_assume_unique_for_key(&self.nonce).map_err(|_| DoesNotOpen)?;
        let mut bytes = Zeroizing::new(self.ciphertext.clone());
        let key = aead_key(key).ok_or(DoesNotOpen)?;
        let plain = key.open_in_place(nonce, Aad::from(context), &mut bytes).map_err(|_| DoesNotOpen)?;
        let length = plain.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn aead_key(key: &SealKey) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.as_ref()).ok().map(LessSafeKey::new)
}

/// How a passphrase becomes a key: argon2id, with the costs written down beside the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassphraseKdf {
    memory_kib: u32,
    passes: u32,
    #[serde(with = "base64_bytes")]
    salt: Vec<u8>,
}

impl PassphraseKdf {
    /// 64 MiB and three passes: a tenth of a second here, dear for someone who tries a million.
    pub(crate) fn fresh() -> Result<Self, NoRandomness> {
        Ok(Self { memory_kib: 64 * 1024, passes: 3, salt: random::<16>()?.to_vec() })
    }

    /// The key for this passphrase; `None` if the costs in the file are absurd.
    pub(crate) fn key(&self, passphrase: &SecretText) -> Option<SealKey> {
        if self.memory_kib > 1024 * 1024 || self.passes > 16 {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).ok()?;
        let mut key = SealKey::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &self.salt, key.as_mut())
            .ok()?;
        Some(key)
    }
}

/// Bytes as base64 in JSON.
pub(crate) mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_with_its_key_and_context_only() {
        let (key, other) = (Zeroizing::new([7; 32]), Zeroizing::new([8; 32]));
        let sealed = Sealed::seal(&key, b"this use", b"secret").unwrap();
        assert_eq!(sealed.open(&key, b"this use").unwrap().as_slice(), b"secret");
        assert_eq!(sealed.open(&other, b"this use"), Err(DoesNotOpen));
        assert_eq!(sealed.open(&key, b"that use"), Err(DoesNotOpen));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let key = Zeroizing::new([7; 32]);
        let sealed = Sealed::seal(&key, b"", b"secret").unwrap();
        for bit in 0..sealed.ciphertext.len() * 8 {
            let mut changed = sealed.clone();
            changed.ciphertext[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(changed.open(&key, b""), Err(DoesNotOpen), "bit {bit}");
        }
        let cut = Sealed { ciphertext: sealed.ciphertext[..10].to_vec(), ..sealed };
        assert_eq!(cut.open(&key, b""), Err(DoesNotOpen));
    }

    #[test]
    fn absurd_costs_in_a_file_are_not_paid() {
        let kdf = PassphraseKdf { memory_kib: u32::MAX, passes: 3, salt: vec![0; 16] };
        assert!(kdf.key(&SecretText::new("x".into())).is_none());
    }
}
