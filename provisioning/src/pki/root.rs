//! A store's root: two keys that live and are kept together. One signs server certificates; it is ECDSA P-256,
//! since managers open the console in browsers, and those take no Ed25519. The other signs the statements about
//! response keys, with Ed25519 as all our own signatures.

use super::{BACKDATED, PkiError, ROOT_VALIDITY, SERVER_VALIDITY, key_file};
use crate::files::{self, PUBLIC};
use crate::key_format::new_ed25519;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::StoreId;
use evertill_shared::protocol::store::{SERVER_KEY_DOMAIN, ServerKey, ServerKeyStatement, TrustBundle};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{SigningKey, VerifyingKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest common name that a certificate may hold, in characters (RFC 5280, appendix A).
const MAX_COMMON_NAME: usize = 64;

/// A root, with its private keys in memory. Shows nothing of them when printed.
pub struct Root {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    ca: KeyPair,
    keys: RootKeys,
    statements: SigningKey,
}

/// The private keys of a root, each PKCS #8.
pub(super) struct RootKeys {
    /// P-256: signs certificates.
    pub(super) ca: Zeroizing<Vec<u8>>,
    /// Ed25519: signs statements.
    pub(super) statements: Zeroizing<Vec<u8>>,
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

impl Root {
    /// Makes a new root for a store. Nothing is written yet.
    ///
    /// # Errors
    /// No random bytes, or a name that cannot stand in a certificate.
    pub fn new(store: StoreId, store_name: &str, now: Timestamp) -> Result<Self, PkiError> {
        Self::make(&format!("Evertill root of store {store}, {store_name}"), now)
    }

    /// Makes the root that is kept elsewhere, for the day when the first one is lost or known to others.
    ///
    /// # Errors
    /// As [`Root::new`].
    pub fn new_spare(store: StoreId, store_name: &str, now: Timestamp) -> Result<Self, PkiError> {
        Self::make(&format!("Evertill spare root of store {store}, {store_name}"), now)
    }

    fn make(name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let ca = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, now.minus(BACKDATED), now.plus(ROOT_VALIDITY));
        let certificate_pem = params.self_signed(&ca)?.pem();
        let keys = RootKeys { ca: Zeroizing::new(ca.serialize_der()), statements: new_ed25519()? };
        Self::from_parts(certificate_pem, keys).ok_or_else(|| PkiError::Certificate("unusable key".into()))
    }

    /// `None` if these do not belong together, or are not what a root is made of.
    fn from_parts(certificate_pem: String, keys: RootKeys) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?.into_owned();
        let ca = PrivatePkcs8KeyDer::from(keys.ca.as_slice());
        let ca = KeyPair::from_pkcs8_der_and_sign_algo(&ca, &PKCS_ECDSA_P256_SHA256).ok()?;
        let statements = SigningKey::from_pkcs8(&keys.statements, "root".into()).ok()?;
        // A certificate and a key of two stores would make certificates that no till takes.
        contains(&certificate, ca.public_key_raw()).then_some(())?;
        Some(Self { certificate_pem, certificate, ca, keys, statements })
    }

    /// Reads a root from its directory.
    ///
    /// # Errors
    /// A missing, damaged or unprotected file; a passphrase that is missing or wrong.
    pub fn load(dir: &Path, passphrase: Option<&SecretText>) -> Result<Self, PkiError> {
        let certificate_pem = files::read_text(&dir.join("root.pem"))?;
        let path = dir.join("root.key");
        let keys = key_file::load(&path, passphrase)?;
        Self::from_parts(certificate_pem, keys)
            .ok_or_else(|| PkiError::Damaged { path, what: "not the keys of root.pem beside it".into() })
    }

    /// Writes `root.pem` and `root.key` into a directory that has neither.
    pub(super) fn save(&self, dir: &Path, passphrase: Option<&SecretText>) -> Result<(), PkiError> {
        files::write_new(&dir.join("root.pem"), self.certificate_pem.as_bytes(), PUBLIC)?;
        key_file::save(&dir.join("root.key"), &self.keys, passphrase)
    }

    /// Whether those who were given `trust` believe what this root issues and states.
    #[must_use]
    pub fn is_trusted_by(&self, trust: &TrustBundle) -> bool {
        let same = |pem: &String| {
            CertificateDer::from_pem_slice(pem.as_bytes()).is_ok_and(|der| der == self.certificate)
        };
        trust.root_certificates.iter().any(same) && trust.root_keys.contains(&self.public())
    }

    /// The SHA-256 fingerprint of the root's certificate, as browsers show it: hexadecimal, with colons.
    #[must_use]
    pub fn certificate_fingerprint(&self) -> String {
        let bytes = digest(&SHA256, &self.certificate);
        bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// The root certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The public key of the root's statements, which vouch for response keys.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.statements.public()
    }

    /// Makes a TLS certificate, with a new key, for a server under these names and addresses. The key is P-256, as
    /// the root's own, for the sake of browsers.
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
        let issuer = Issuer::from_ca_cert_pem(&self.certificate_pem, &self.ca)?;
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
        Ok(ServerKeyStatement { signature: STANDARD.encode(self.statements.sign(&signed)), text })
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
    full.push(DnType::CommonName, name.chars().take(MAX_COMMON_NAME).collect::<String>());
    full
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
