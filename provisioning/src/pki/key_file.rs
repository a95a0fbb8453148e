//! `root.key`: both private keys of a root in one file, so that they are kept, copied and sealed together. Two PEM
//! blocks, first the certificate key, then the statement key; with a passphrase, those same bytes sealed.

use super::PkiError;
use super::root::{RootKeys, json};
use crate::files::{self, PRIVATE};
use crate::key_format::{all_from_pem, to_pem};
use crate::sealed::{PassphraseKdf, Sealed};
use evertill_shared::secret::SecretText;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

const SEAL_PURPOSE: &str = "evertill-root-keys-v2";

/// The file as it is when sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedRootKeys {
    purpose: String,
    kdf: PassphraseKdf,
    sealed: Sealed,
}

/// Reads the keys of a root.
pub(super) fn load(path: &Path, passphrase: Option<&SecretText>) -> Result<RootKeys, PkiError> {
    let bytes = files::read_private(path)?;
    let damaged = || PkiError::Damaged { path: path.to_owned(), what: "not the keys of a root".into() };
    let pem = match serde_json::from_slice::<SealedRootKeys>(&bytes) {
        Err(_) => bytes,
        Ok(file) => {
            let passphrase = passphrase.ok_or(PkiError::PassphraseNeeded)?;
            let key = file.kdf.key(passphrase).ok_or_else(damaged)?;
            let wrong = |_| PkiError::WrongPassphrase(path.to_owned());
            file.sealed.open(&key, SEAL_PURPOSE.as_bytes()).map_err(wrong)?
        }
    };
    let [ca, statements] = <[_; 2]>::try_from(all_from_pem(&pem)).map_err(|_| damaged())?;
    Ok(RootKeys { ca, statements })
}

/// Writes the keys of a new root.
pub(super) fn save(path: &Path, keys: &RootKeys, passphrase: Option<&SecretText>) -> Result<(), PkiError> {
    let (ca, statements) = (to_pem(&keys.ca), to_pem(&keys.statements));
    let mut pem = Zeroizing::new(String::with_capacity(ca.len() + statements.len()));
    pem.push_str(&ca);
    pem.push_str(&statements);
    let Some(passphrase) = passphrase else {
        return Ok(files::write_new(path, pem.as_bytes(), PRIVATE)?);
    };
    let kdf = PassphraseKdf::fresh()?;
    let key = kdf.key(passphrase).ok_or_else(|| PkiError::BadPlan("the passphrase is unusable".into()))?;
    let sealed = Sealed::seal(&key, SEAL_PURPOSE.as_bytes(), pem.as_bytes())?;
    let file = SealedRootKeys { purpose: SEAL_PURPOSE.into(), kdf, sealed };
    Ok(files::write_new(path, &json(&file)?, PRIVATE)?)
}
