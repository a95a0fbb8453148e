//! The wallet's own certificates, as it hands them out: sealed with the API v3 key, several while they are renewed.

use super::seal::ApiV3Key;
use super::sign::{KnownKey, NotAuthentic, Trust};
use crate::channel::rsa::WalletKey;
use evertill_shared::clock::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Why no certificate can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificates {
    /// Not the list.
    #[error("the wallet's list of certificates cannot be read")]
    Unreadable,
    /// Not sealed with our key.
    #[error("the certificate {0} does not open with the API v3 key: check `api_v3_key_file` in [wechat.v3]")]
    Sealed(String),
    /// Opened, and not what the list says.
    #[error("the certificate {0} is not what the list says, or has no RSA key")]
    Content(String),
    /// There is none, or none is in force.
    #[error(
        "the wallet has no certificate in force: it may have changed to a public key; set `public_key` in [wechat.v3]"
    )]
    None,
    /// None of them signed the list.
    #[error("the list of certificates: {0}")]
    NotAuthentic(#[from] NotAuthentic),
}

/// Opens an answer to the question for certificates. What opens under the API v3 key is the wallet's; the list must
/// be signed by one of them all the same, or by a key that is known already.
/// # Errors
/// See [`BadCertificates`]: nothing of such a list is used.
pub fn open(
    (headers, body): (&[(String, String)], &[u8]),
    key: &ApiV3Key,
    known: &Trust,
    now: Timestamp,
) -> Result<Vec<KnownKey>, BadCertificates> {
    let list: Value = serde_json::from_slice(body).map_err(|_| BadCertificates::Unreadable)?;
    let entries = list.get("data").and_then(Value::as_array).ok_or(BadCertificates::Unreadable)?;
    let mut keys = Vec::new();
    for entry in entries {
        keys.push(entry_key(entry, key)?);
    }
    keys.retain(|key| key.valid.is_none_or(|(_, until)| now <= until));
    if keys.is_empty() {
        return Err(BadCertificates::None);
    }
    let both = Trust(known.0.iter().chain(&keys).cloned().collect());
    both.verify(headers, body, now)?;
    Ok(keys)
}

fn entry_key(entry: &Value, key: &ApiV3Key) -> Result<KnownKey, BadCertificates> {
    let serial = entry.get("serial_no").and_then(Value::as_str).ok_or(BadCertificates::Unreadable)?;
    let named = || serial.chars().take(64).collect::<String>();
    let sealed = entry.get("encrypt_certificate").ok_or(BadCertificates::Unreadable)?;
    let pem = key.open_object(sealed).ok_or_else(|| BadCertificates::Sealed(named()))?;
    let read = read(&pem).filter(|known| known.id == serial);
    read.ok_or_else(|| BadCertificates::Content(named()))
}

/// The key in a certificate (PEM), its serial number, and from when until when it is in force.
#[must_use]
pub fn read(pem: &[u8]) -> Option<KnownKey> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_unix_seconds(time.timestamp());
    let validity = certificate.validity();
    Some(KnownKey {
        id: serial(&certificate),
        key: WalletKey::of(certificate.public_key())?,
        valid: Some((at(validity.not_before), at(validity.not_after))),
    })
}

/// The serial number of a certificate (PEM), as the wallet writes it.
#[must_use]
pub fn serial_of(pem: &[u8]) -> Option<String> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    X509Certificate::from_der(&der).ok().map(|(_, certificate)| serial(&certificate))
}

fn serial(certificate: &X509Certificate<'_>) -> String {
    let bytes = certificate.tbs_certificate.raw_serial();
    // A leading zero only keeps the number positive.
    let bytes = bytes.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(bytes);
    hex::encode_upper(bytes)
}

#[cfg(test)]
#[path = "certificates_tests.rs"]
mod tests;
