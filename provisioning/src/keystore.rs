//! The till's own key: made on the till, kept sealed on its disk, never shown.

mod file;

pub use file::{FileKeyStore, KeyStoreError, SealSource};

use crate::key_format::{NoRandomness, new_ed25519};
use crate::sealed::{SealKey, Sealed};
use evertill_shared::signing::{KeyError, SigningKey, VerifyingKey};
use ring::hkdf::{HKDF_SHA256, Salt};
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

    /// Seals something small for this till's own disk. It opens with this key and this purpose only, so it is as safe
    /// as the key is.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, NoRandomness> {
        let sealed = Sealed::seal(&self.seal_key(purpose)?, purpose.as_bytes(), plain)?;
        serde_json::to_string(&sealed).map_err(|_| NoRandomness)
    }

    /// Opens what [`DeviceKey::seal`] made; nothing if it is another key's, for another purpose, or damaged.
    #[must_use]
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed: Sealed = serde_json::from_str(sealed).ok()?;
        sealed.open(&self.seal_key(purpose).ok()?, purpose.as_bytes()).ok()
    }

    fn seal_key(&self, purpose: &str) -> Result<SealKey, NoRandomness> {
        let mut key = SealKey::default();
        Salt::new(HKDF_SHA256, b"evertill-till-data-v1")
            .extract(&self.pkcs8)
            .expand(&[purpose.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut()))
            .map_err(|_| NoRandomness)?;
        Ok(key)
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
    fn what_a_till_sealed_for_its_disk_opens_there_only() {
        let (key, other) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let sealed = key.seal("staff", b"verifier").unwrap();
        assert!(!sealed.contains("verifier"));
        assert_eq!(key.unseal("staff", &sealed).unwrap().as_slice(), b"verifier");
        let again = DeviceKey::from_pkcs8(Zeroizing::new(key.pkcs8().to_vec())).unwrap();
        assert!(again.unseal("staff", &sealed).is_some(), "also after a restart");
        assert!(other.unseal("staff", &sealed).is_none() && key.unseal("other", &sealed).is_none());
        assert!(key.unseal("staff", "{}").is_none());
    }

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
