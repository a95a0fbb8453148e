//! The store's root: an Ed25519 key that signs the server's certificate and the statements about response keys.

use super::{BACKDATED, PkiError, ROOT_VALIDITY, SERVER_VALIDITY};
use crate::files::{self, PRIVATE, PUBLIC};
use crate::key_format::{from_pem, new_ed25519, to_pem};
use crate::sealed::{PassphraseKdf, Sealed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::StoreId;
use evertill_shared::protocol::store::{SERVER_KEY_DOMAIN, ServerKey, ServerKeyStatement};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

const SEAL_PURPOSE: &str = "evertill-root-key-v1";

/// A store's root, with its private key in memory. Shows nothing of it when printed.
pub struct Root {
    certificate_pem: String,
    pkcs8: Zeroizing<Vec<u8>>,
    key: SigningKey,
}

/// A server's certificate with its key.
pub struct TlsCertificate {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM, PKCS #8.
    pub key_pem: Zeroizing<String>,
    /// Until when it counts.
    pub ends: Timestamp,
}

/// The file of a root key that is sealed with a passphrase.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedRootKey {
    purpose: String,
    kdf: PassphraseKdf,
    sealed: Sealed,
}

impl Root {
    /// Makes a new root for a store. Nothing is written yet.
    ///
    /// # Errors
    /// No random bytes, or a name that cannot stand in a certificate.
    pub fn new(store: StoreId, store_name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let pkcs8 = new_ed25519()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&format!("Evertill root of store {store}, {store_name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, now.minus(BACKDATED), now.plus(ROOT_VALIDITY));
        let certificate_pem = params.self_signed(&rcgen_key(&pkcs8)?)?.pem();
        Self::from_parts(certificate_pem, pkcs8).ok_or_else(|| PkiError::Certificate("unusable key".into()))
    }

    fn from_parts(certificate_pem: String, pkcs8: Zeroizing<Vec<u8>>) -> Option<Self> {
        let key = SigningKey::from_pkcs8(&pkcs8, "root".into()).ok()?;
        Some(Self { certificate_pem, pkcs8, key })
    }

    /// Reads a root from its directory.
    ///
    /// # Errors
    /// A missing, damaged or unprotected file; a passphrase that is missing or wrong.
    pub fn load(dir: &Path, passphrase: Option<&SecretText>) -> Result<Self, PkiError> {
        let certificate_pem = files::read_text(&dir.join("root.pem"))?;
        let path = dir.join("root.key");
        let bytes = files::read_private(&path)?;
        let damaged = || PkiError::Damaged { path: path.clone(), what: "not a root key".into() };
        let pkcs8 = match serde_json::from_slice::<SealedRootKey>(&bytes) {
            Err(_) => from_pem(&bytes).ok_or_else(damaged)?,
            Ok(file) => {
                let passphrase = passphrase.ok_or(PkiError::PassphraseNeeded)?;
                let key = file.kdf.key(passphrase).ok_or_else(damaged)?;
                let wrong = |_| PkiError::WrongPassphrase(path.clone());
                file.sealed.open(&key, SEAL_PURPOSE.as_bytes()).map_err(wrong)?
            }
        };
        let root = Self::from_parts(certificate_pem, pkcs8).ok_or_else(damaged)?;
        // A certificate and a key of two stores would make certificates that no till takes.
        let belongs = rustls::pki_types::pem::PemObject::from_pem_slice(root.certificate_pem.as_bytes())
            .is_ok_and(|der: rustls::pki_types::CertificateDer<'_>| contains(&der, &root.public().0));
        if belongs { Ok(root) } else { Err(damaged()) }
    }

    /// Writes `root.pem` and `root.key` into a directory that has neither.
    pub(super) fn save(&self, dir: &Path, passphrase: Option<&SecretText>) -> Result<(), PkiError> {
        files::write_new(&dir.join("root.pem"), self.certificate_pem.as_bytes(), PUBLIC)?;
        let path = dir.join("root.key");
        let Some(passphrase) = passphrase else {
            return Ok(files::write_new(&path, to_pem(&self.pkcs8).as_bytes(), PRIVATE)?);
        };
        let kdf = PassphraseKdf::fresh()?;
        let key =
            kdf.key(passphrase).ok_or_else(|| PkiError::BadPlan("the passphrase is unusable".into()))?;
        let sealed = Sealed::seal(&key, SEAL_PURPOSE.as_bytes(), &self.pkcs8)?;
        let file = SealedRootKey { purpose: SEAL_PURPOSE.into(), kdf, sealed };
        Ok(files::write_new(&path, &json(&file)?, PRIVATE)?)
    }

    /// The root certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The root's public key, which vouches for response keys.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.key.public()
    }

    /// Makes a TLS certificate, with a new key, for a server under these names and addresses.
    ///
    /// The key is P-256 and not Ed25519 as all else is: managers open the console in browsers, and those do not
    /// speak Ed25519.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn issue_tls(&self, names: &[String], now: Timestamp) -> Result<TlsCertificate, PkiError> {
        let bad =
            |name: &str| PkiError::BadPlan(format!("{name:?} is neither a server's name nor an address"));
        if let Some(name) = names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
            return Err(bad(name));
        }
        let mut params = CertificateParams::new(names.to_vec()).map_err(|_| bad(&names.join(", ")))?;
        let ends = now.plus(SERVER_VALIDITY);
        params.distinguished_name = common_name("Evertill server");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now.minus(BACKDATED), ends);
        let issuer = Issuer::from_ca_cert_pem(&self.certificate_pem, rcgen_key(&self.pkcs8)?)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate_pem = params.signed_by(&key, &issuer)?.pem();
        Ok(TlsCertificate { certificate_pem, key_pem: Zeroizing::new(key.serialize_pem()), ends })
    }

    /// Vouches for a server's response key.
    ///
    /// # Errors
    /// None that is known: the statement is plain text.
    pub fn vouch(&self, key: &ServerKey) -> Result<ServerKeyStatement, PkiError> {
        let text = serde_json::to_string(key).map_err(|e| PkiError::Certificate(e.to_string()))?;
        let signed = [SERVER_KEY_DOMAIN, text.as_bytes()].concat();
        Ok(ServerKeyStatement { signature: STANDARD.encode(self.key.sign(&signed)), text })
    }

    /// The root's word for this key from a day ago until [`SERVER_VALIDITY`] from now.
    pub(super) fn vouch_from_now(
        &self,
        store: StoreId,
        key_id: &str,
        public_key: VerifyingKey,
        now: Timestamp,
    ) -> Result<ServerKeyStatement, PkiError> {
        let (not_before, not_after) = (now.minus(BACKDATED), now.plus(SERVER_VALIDITY));
        self.vouch(&ServerKey { store, key_id: key_id.into(), public_key, not_before, not_after })
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Root({}, …)", self.public().fingerprint())
    }
}

/// What our JSON files look like: for people too.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, PkiError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| PkiError::Certificate(e.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::CommonName, name);
    full
}

fn rcgen_key(pkcs8: &[u8]) -> Result<KeyPair, rcgen::Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_ED25519)
}

/// rcgen speaks in another library's times; whole seconds are all that certificates hold.
fn set_validity(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let seconds = |time: Timestamp| Duration::from_secs(u64::try_from(time.unix_seconds()).unwrap_or(0));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + seconds(from);
    params.not_after = epoch + seconds(until);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
