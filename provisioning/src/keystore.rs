//! The till's own key: made on the till, kept sealed on its disk, never shown.

mod file;

pub use file::{FileKeyStore, KeyStoreError, SealSource};

use crate::key_format::{NoRandomness, new_ed25519};
use evertill_shared::signing::{KeyError, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// A till's Ed25519 key. Wiped from memory when dropped; shows only its fingerprint when printed.
pub struct DeviceKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: VerifyingKey,
}

impl DeviceKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        Self::from_pkcs8(new_ed25519()?).map_err(|_| NoRandomness)
    }

    pub(crate) fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let public = SigningKey::from_pkcs8(&pkcs8, "device".into())?.public();
        Ok(Self { pkcs8, public })
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The key under the name by which the servers know it, ready to sign.
    ///
    /// # Errors
    /// [`KeyError::BadKeyId`].
    pub fn signing_key(&self, key_id: impl Into<String>) -> Result<SigningKey, KeyError> {
        SigningKey::from_pkcs8(&self.pkcs8, key_id.into())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.public
    }

    /// What people compare before they activate the till.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.public.fingerprint()
    }
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceKey({}, …)", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_key_signs_and_does_not_print_itself() {
        let key = DeviceKey::generate().unwrap();
        let signing = key.signing_key("T0001:1").unwrap();
        key.public().verify(b"entry", &signing.sign(b"entry")).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.fingerprint()));
        assert!(!shown.contains(&hex::encode(&key.pkcs8[16..24])) && !shown.contains("pkcs8"));
    }
}
