//! The keys of both sides, and the serial numbers by which certificates are named.

pub use crate::channel::rsa::{AppKey, KeyProblem, WalletKey};

use md5::{Digest, Md5};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// How the wallet's answers are known to be its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By a public key: key mode.
    Key(WalletKey),
    /// By certificates: certificate mode.
    Certificates {
        /// The serial number of our app's certificate.
        app: String,
        /// Those of the wallet's roots, joined.
        root: String,
        /// The wallet's own certificates that may sign answers: more than one while they are renewed.
        wallet: Vec<(String, WalletKey)>,
    },
}

impl Trust {
    /// Reads what certificate mode needs: our certificate, the wallet's roots, and its own certificates.
    /// # Errors
    /// The number of the file that is wrong (0: ours, 1: the roots, from 2 on: the wallet's), and why.
    pub fn by_certificates(
        app: &[u8],
        roots: &[u8],
        wallet: &[Vec<u8>],
    ) -> Result<Self, (usize, KeyProblem)> {
        let (app, _) = certificate(app).map_err(|problem| (0, problem))?;
        let root = root_serials(roots).map_err(|problem| (1, problem))?;
        let numbered = (2..).zip(wallet);
        let wallet = numbered.map(|(n, pem)| certificate(pem).map_err(|problem| (n, problem)));
        Ok(Self::Certificates { app, root, wallet: wallet.collect::<Result<_, _>>()? })
    }

    /// Every key that the wallet may have signed with: for what names no certificate.
    pub fn keys(&self) -> impl Iterator<Item = &WalletKey> {
        let (one, many) = match self {
            Self::Key(key) => (Some(key), [].as_slice()),
            Self::Certificates { wallet, .. } => (None, wallet.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|(_, key)| key))
    }

    /// The key that must have signed an answer that names this certificate, or none.
    #[must_use]
    pub fn key(&self, named: Option<&str>) -> Option<&WalletKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Certificates { wallet, .. } => {
                wallet.iter().find(|(serial, _)| Some(serial.as_str()) == named).map(|(_, key)| key)
            }
        }
    }
}

fn certificate(pem: &[u8]) -> Result<(String, WalletKey), KeyProblem> {
    let der = CertificateDer::from_pem_slice(pem).map_err(|_| KeyProblem::Certificate)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| KeyProblem::Certificate)?;
    let key = WalletKey::of(certificate.public_key()).ok_or(KeyProblem::Certificate)?;
    Ok((serial(&certificate).ok_or(KeyProblem::Certificate)?, key))
}

/// The serial numbers of the roots that are signed with RSA, joined; the file holds others too (SM2).
fn root_serials(pem: &[u8]) -> Result<String, KeyProblem> {
    const RSA_SIGNATURES: &str = "1.2.840.113549.1.1.";
    let mut serials = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der.map_err(|_| KeyProblem::Certificate)?;
        let (_, root) = X509Certificate::from_der(&der).map_err(|_| KeyProblem::Certificate)?;
        if root.signature_algorithm.algorithm.to_id_string().starts_with(RSA_SIGNATURES) {
            serials.push(serial(&root).ok_or(KeyProblem::Certificate)?);
        }
    }
    if serials.is_empty() { Err(KeyProblem::Root) } else { Ok(serials.join("_")) }
}

/// The wallet's name for a certificate: MD5 of who issued it, last part first, and of its number in decimal.
fn serial(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for attribute in certificate.issuer().iter_attributes() {
        let oid = attribute.attr_type().to_id_string();
        let name = SHORT_NAMES.iter().find(|(id, _)| *id == oid).map_or(oid.as_str(), |(_, name)| name);
        parts.push(format!("{name}={}", attribute.as_str().ok()?));
    }
    parts.reverse();
    let text = format!("{}{}", parts.join(","), certificate.tbs_certificate.serial);
    Some(hex::encode(Md5::digest(text.as_bytes())))
}

const SHORT_NAMES: [(&str, &str); 6] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
];
