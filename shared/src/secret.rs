//! Values that must not be seen: they do not print, and they wipe their memory when dropped.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text: a password, a one-time code, an API key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Call it where the secret is used, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// The customer's payment code, as scanned from the phone. Whoever has it can charge once: never logged,
/// never stored after use. It travels once, from the till to the server, inside TLS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct AuthCode(String);

impl AuthCode {
    /// Takes the scanned digits in. Use [`crate::wallet::detect`] to learn whose code it is.
    #[must_use]
    pub fn new(code: String) -> Self {
        Self(code)
    }

    /// The digits. Call it in a channel's wire code, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert!(!format!("{:?}", AuthCode::new("134567890123456789".into())).contains("1345"));
        assert!(!format!("{:#?}", Some(SecretText::new("hunter2".into()))).contains("hunter2"));
    }
}
