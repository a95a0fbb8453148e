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

#[cfg(test)]
mod tests {
    use super::*;

    /// The wallet's own certificate of 2020, as it hands it out to everybody, and the number that the wallet's library is
    /// tried with (`alipay-sdk`, `antcertutil.test.ts`).
    const PUBLISHED: &str = "-----BEGIN CERTIFICATE-----
MIIDsjCCApqgAwIBAgIQICAFFOY8L+BNU4cW/iE1izANBgkqhkiG9w0BAQsFADCBgjELMAkGA1UE
BhMCQ04xFjAUBgNVBAoMDUFudCBGaW5hbmNpYWwxIDAeBgNVBAsMF0NlcnRpZmljYXRpb24gQXV0
aG9yaXR5MTkwNwYDVQQDDDBBbnQgRmluYW5jaWFsIENlcnRpZmljYXRpb24gQXV0aG9yaXR5IENs
YXNzIDIgUjEwHhcNMjAwNTE0MTQ0MjAxWhcNMjIwNTE0MTQ0MjAxWjCBkjELMAkGA1UEBhMCQ04x
LTArBgNVBAoMJOadreW3nueEleaXreS/oeaBr+aKgOacr+aciemZkOWFrOWPuDEPMA0GA1UECwwG
QWxpcGF5MUMwQQYDVQQDDDrmlK/ku5jlrp0o5Lit5Zu9Kee9kee7nOaKgOacr+aciemZkOWFrOWP
uC0yMDg4ODMxMjA0NjU5MjE3MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhoVesfcG
vUv1XvUndmX0rmSZ/2posJBCooySbSVFpV79RtHMzrVz2aKkC3WvOXeT5iNeQK4mK8gp3vNkWrHT
kQGx5BcmkeO1WS384CQde7dAS0gmxeFs5bs+cCQqV2A2c2R9/5rJMtFtp1Ot/rIiMBUn6Ei0Uozt
M7AneavqQEzSwYlCKNhPFFtHCiz7u4O5R9CIyvUmYr+zpem2HXBN9ygPAZ0aXBQipGbc45+G07ZC
NsmY4hV/Igya1aBf+Ye8p10Ew8uBBri0sIknhSC2LqKKy2IH1fO6q1d1jhN240QRHvbpRNv60kAf
ZsEulBASBrCMBi49NiJyr5nre7SNywIDAQABoxIwEDAOBgNVHQ8BAf8EBAMCA/gwDQYJKoZIhvcN
AQELBQADggEBAEx9T99X9NhDZYXDftc0wH0Tc5OVRIqWTYBN/KEP1df+Ix5djcDrUUcXJMvprMw3
frUymgJsf7YUgZ1+dMz+Gup5dCH3qUu/5c9R3d8senb4wCiYR2FpJ3WGIONwInNQTs04a2wM4JIM
CdCYWC/H1hdvNl9V4pYeMckTruSnPmJlL6E/pNF5AuIYP5AswZSOhASIQzt5Rr6QDz/YVGi2/6al
5Bknm2f9dmsZbWDapKDrlJ3Ny2B0SZ0H47Y7lRlaVNe+Jj1jsrv16ONk1XLt71jyWyPAIlITLcyX
mMtT1IympPFRxBIngEImjGt6d1VUtkf61Cjpr0bRRDoZXvWRv5U=
-----END CERTIFICATE-----";

    #[test]
    fn the_published_certificate_has_the_published_number() {
        let (number, _) = certificate(PUBLISHED.as_bytes()).unwrap();
        assert_eq!(number, "7513daaaa48aa3ba2e4018d84402479c");
    }
}
