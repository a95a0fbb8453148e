//! RSA as the wallets use it: our private keys and their public ones, SHA-256 with PKCS #1 padding, which draws no
//! randomness: equal texts have equal signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use std::fmt;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

/// What is wrong with a key or a certificate, and what to put there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not our private key.
    #[error(
        "is not an RSA private key of 2048 bits or more (PEM, or the bare text of the wallet's key tool)"
    )]
    Private,
    /// Not the wallet's public key.
    #[error("is not an RSA public key (PEM, or the bare text that the wallet's page shows)")]
    Public,
    /// Not a certificate.
    #[error("is not a certificate with an RSA key (PEM, as the wallet's page offers it)")]
    Certificate,
    /// No RSA root among the roots.
    #[error("holds no root certificate that is signed with RSA")]
    Root,
}

/// Our private key. It does not print.
pub struct AppKey(RsaKeyPair);

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey(…)")
    }
}

impl AppKey {
    /// Reads PEM (PKCS #1 or #8), or the bare base64 that the wallet's own key tool writes.
    /// # Errors
    /// It is no such key.
    pub fn read(text: &[u8]) -> Result<Self, KeyProblem> {
        let der = match PrivateKeyDer::from_pem_slice(text) {
            Ok(key) => Zeroizing::new(key.secret_der().to_vec()),
            Err(_) => Zeroizing::new(bare(text).ok_or(KeyProblem::Private)?),
        };
        let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        pair.map(Self).map_err(|_| KeyProblem::Private)
    }

    /// The signature of a text, in base64; `None` only without memory or randomness of the system.
    #[must_use]
    pub fn sign(&self, text: &str) -> Option<String> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
        Some(STANDARD.encode(signature))
    }
}

/// A public key of the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletKey(Vec<u8>);

impl WalletKey {
    /// Reads PEM, or the bare base64 that the wallet's page shows.
    /// # Errors
    /// It is no such key.
    pub fn read(text: &[u8]) -> Result<Self, KeyProblem> {
        let der = match SubjectPublicKeyInfoDer::from_pem_slice(text) {
            Ok(key) => key.to_vec(),
            Err(_) => bare(text).ok_or(KeyProblem::Public)?,
        };
        let (_, info) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| KeyProblem::Public)?;
        Self::of(&info).ok_or(KeyProblem::Public)
    }

    /// The key in a certificate, if it is an RSA key.
    #[must_use]
    pub fn of(info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        const RSA: &str = "1.2.840.113549.1.1.1";
        (info.algorithm.algorithm.to_id_string() == RSA).then(|| Self(info.subject_public_key.data.to_vec()))
    }

    /// Whether `signature` (base64) is this key's of exactly these bytes.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0);
        STANDARD.decode(signature).is_ok_and(|signature| key.verify(bytes, &signature).is_ok())
    }
}

fn bare(text: &[u8]) -> Option<Vec<u8>> {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect());
    STANDARD.decode(&*text).ok().filter(|der| !der.is_empty())
}
