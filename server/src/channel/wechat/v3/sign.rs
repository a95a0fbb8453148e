//! The v3 signatures as pure functions: the text that we sign and the header that carries it, the text that the
//! wallet signs, and the keys that we know it by.
//!
//! What comes from the wallet, an answer or a notification, is its own only if all five headers are there, each
//! once, the time is within [`AGE`] of ours, the named key is one that we know and that is in force, and the
//! signature fits exactly these bytes. It binds the bytes to nothing else: whose number and amount they speak of
//! is for `judge` to compare.

use crate::channel::rsa::{AppKey, WalletKey};
use evertill_shared::clock::Timestamp;
use std::time::Duration;

/// The only way of signing: both sides name it.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// What comes may be so old, or so far ahead of our clock.
pub const AGE: Duration = Duration::from_secs(5 * 60);

/// What the signatures of the wallet's own test probes begin with: they must never verify.
const PROBE: &str = "WECHATPAY/SIGNTEST/";

/// What the name of a public key begins with; a certificate's is its serial number.
pub const PUBLIC_KEY: &str = "PUB_KEY_ID_";

/// The names of the five headers, in small letters.
const TIMESTAMP: &str = "wechatpay-timestamp";
const NONCE: &str = "wechatpay-nonce";
const SERIAL: &str = "wechatpay-serial";
const SIGNATURE: &str = "wechatpay-signature";
const SIGNATURE_TYPE: &str = "wechatpay-signature-type";

/// Why what came is not known to be the wallet's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    /// A header is missing, or there twice.
    #[error("it is not signed: the header {0} is missing or there twice")]
    Header(&'static str),
    /// Another way of signing.
    #[error("it is signed in a way that is not known: {0:?}")]
    OtherScheme(String),
    /// The time is none, or too far from ours.
    #[error(
        "its time {0:?} is more than five minutes away from ours: an old copy, or one of the two clocks is wrong"
    )]
    Stale(String),
    /// A probe of the wallet's own: whoever takes it for true checks nothing.
    #[error("it is a probe of the wallet's, with a signature that must not be taken")]
    Probe,
    /// A key that we do not know, or not any more.
    #[error(
        "it names the key {0:?}, which is not known: check `public_key_id` in [wechat.v3], or the API v3 key"
    )]
    UnknownKey(String),
    /// The signature does not fit.
    #[error("its signature is wrong")]
    Signature,
}

/// A key of the wallet's: a certificate's, or its public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// A certificate's serial number in capital hex digits, or `PUB_KEY_ID_…`.
    pub id: String,
    /// The key.
    pub key: WalletKey,
    /// From when until when it counts; always, if absent.
    pub valid: Option<(Timestamp, Timestamp)>,
}

/// All keys that we know the wallet by. While it changes from certificates to a public key, or renews a
/// certificate, there are several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(pub Vec<KnownKey>);

impl Trust {
    fn key(&self, id: &str, now: Timestamp) -> Option<&WalletKey> {
        let in_force =
            |known: &&KnownKey| known.valid.is_none_or(|(from, until)| from <= now && now <= until);
        self.0.iter().filter(|known| known.id == id).find(in_force).map(|known| &known.key)
    }

    /// Whether these bytes under these headers (names in small letters) are the wallet's own, and of now.
    /// # Errors
    /// Why not.
    pub fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), NotAuthentic> {
        let scheme = only(headers, SIGNATURE_TYPE)?;
        let (timestamp, nonce) = (only(headers, TIMESTAMP)?, only(headers, NONCE)?);
        let (id, signature) = (only(headers, SERIAL)?, only(headers, SIGNATURE)?);
        if scheme != SCHEME {
            return Err(NotAuthentic::OtherScheme(scheme.to_owned()));
        }
        if signature.starts_with(PROBE) {
            return Err(NotAuthentic::Probe);
        }
        let seconds = timestamp.parse::<i64>().ok().filter(|s| s.to_string() == timestamp);
        let age = seconds.map(|seconds| now.unix_seconds().abs_diff(seconds));
        if age.is_none_or(|age| age > AGE.as_secs()) {
            return Err(NotAuthentic::Stale(timestamp.chars().take(20).collect()));
        }
        let unknown = || NotAuthentic::UnknownKey(id.chars().take(64).collect());
        let key = self.key(id, now).ok_or_else(unknown)?;
        let fits = key.verifies(&answer_text(timestamp, nonce, body), signature);
        if fits { Ok(()) } else { Err(NotAuthentic::Signature) }
    }
}

/// The header's value, if it is there exactly once.
fn only<'a>(headers: &'a [(String, String)], name: &'static str) -> Result<&'a str, NotAuthentic> {
    let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(NotAuthentic::Header(name)),
    }
}

/// The text that the wallet signs.
#[must_use]
pub fn answer_text(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(timestamp.len() + nonce.len() + body.len() + 3);
    for part in [timestamp.as_bytes(), nonce.as_bytes(), body] {
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    text
}

/// The text that we sign. `target` is the path with its query, as it is sent.
#[must_use]
pub fn request_text(method: &str, target: &str, seconds: i64, nonce: &str, body: &str) -> String {
    format!("{method}\n{target}\n{seconds}\n{nonce}\n{body}\n")
}

/// What makes our requests our own.
#[derive(Debug)]
pub struct Signer {
    /// Our merchant number.
    pub merchant_id: String,
    /// The serial number of our certificate.
    pub serial: String,
    /// The certificate's key.
    pub key: AppKey,
}

impl Signer {
    /// The value of the header `Authorization`; `None` only if the system cannot sign.
    #[must_use]
    pub fn authorization(
        &self,
        (method, target, body): (&str, &str, &str),
        now: Timestamp,
        nonce: &str,
    ) -> Option<String> {
        let seconds = now.unix_seconds();
        let signature = self.key.sign(&request_text(method, target, seconds, nonce, body))?;
        let Self { merchant_id, serial, .. } = self;
        Some(format!(
            "{SCHEME} mchid=\"{merchant_id}\",nonce_str=\"{nonce}\",timestamp=\"{seconds}\",\
             serial_no=\"{serial}\",signature=\"{signature}\""
        ))
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
