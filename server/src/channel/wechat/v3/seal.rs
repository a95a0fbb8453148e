//! What the wallet encrypts for us, certificates and the contents of notifications: AES-256 in GCM under the
//! merchant's API v3 key. Only who has the key can have made it, so what opens is the wallet's own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::secret::SecretText;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;

/// The only way of encrypting.
pub const ALGORITHM: &str = "AEAD_AES_256_GCM";

/// The merchant's API v3 key: 32 letters and digits.
#[derive(Clone, Debug)]
pub struct ApiV3Key(SecretText);

impl ApiV3Key {
    /// Takes the text of a key in; `None` if it is not one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let good = text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        good.then(|| Self(SecretText::new(text.to_owned())))
    }

    /// Opens `ciphertext` (base64, the tag at its end); `None` if it is not sealed with this key, or altered.
    #[must_use]
    pub fn open(&self, nonce: &str, associated: &str, ciphertext: &str) -> Option<Vec<u8>> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.0.expose().as_bytes()).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
        let mut sealed = STANDARD.decode(ciphertext).ok()?;
        let opened = key.open_in_place(nonce, Aad::from(associated.as_bytes()), &mut sealed).ok()?;
        Some(opened.to_vec())
    }

    /// Opens an object that says how it is sealed: `algorithm`, `nonce`, `associated_data` (may be missing), and
    /// `ciphertext`.
    #[must_use]
    pub fn open_object(&self, object: &Value) -> Option<Vec<u8>> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        if text("algorithm") != Some(ALGORITHM) {
            return None;
        }
        self.open(text("nonce")?, text("associated_data").unwrap_or_default(), text("ciphertext")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn key() -> ApiV3Key {
        ApiV3Key::new("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb").unwrap()
    }

    const NONCE: &str = "uluk4a9R25RW";
    const SEALED: &str = "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=";

    #[test]
    fn the_published_example_opens_and_no_other() {
        assert_eq!(key().open(NONCE, "associatedData", SEALED).unwrap(), b"message");
        assert_eq!(key().open(NONCE, "associateddata", SEALED), None);
        assert_eq!(key().open("uluk4a9R25RX", "associatedData", SEALED), None);
        assert_eq!(key().open("short", "associatedData", SEALED), None);
        let other = ApiV3Key::new("b7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb").unwrap();
        assert_eq!(other.open(NONCE, "associatedData", SEALED), None);
    }

    #[test]
    fn an_object_says_how_it_is_sealed() {
        let object = |algorithm: &str| {
            json!({ "algorithm": algorithm, "nonce": NONCE, "associated_data": "associatedData",
                "ciphertext": SEALED })
        };
        assert_eq!(key().open_object(&object(ALGORITHM)).unwrap(), b"message");
        assert_eq!(key().open_object(&object("AEAD_SM4_GCM")), None);
        for gone in ["nonce", "associated_data", "ciphertext", "algorithm"] {
            let mut object = object(ALGORITHM);
            object.as_object_mut().unwrap().remove(gone);
            assert_eq!(key().open_object(&object), None, "{gone}");
        }
    }

    #[test]
    fn a_key_is_32_letters_and_digits_and_does_not_print() {
        for bad in ["", "short", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8G!", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gbb"] {
            assert!(ApiV3Key::new(bad).is_none(), "{bad}");
        }
        assert!(!format!("{:?}", key()).contains("cde1"));
    }

    proptest! {
        #[test]
        fn anything_is_refused_without_panic(nonce in any::<String>(), with in any::<String>(), sealed in any::<String>()) {
            let key = ApiV3Key::new("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb").unwrap();
            prop_assert!(key.open(&nonce, &with, &sealed).is_none());
            prop_assert!(key.open("uluk4a9R25RW", &with, &sealed).is_none());
            let _ = ApiV3Key::new(&sealed);
        }

        #[test]
        fn a_changed_byte_never_opens(at in 0_usize..23, mask in 1_u8..) {
            let mut bytes = STANDARD.decode(SEALED).unwrap();
            prop_assert_eq!(bytes.len(), 23);
            bytes[at] ^= mask;
            prop_assert_eq!(key().open(NONCE, "associatedData", &STANDARD.encode(bytes)), None);
        }
    }
}
