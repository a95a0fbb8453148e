//! The device key in a file, sealed with AES-256-GCM.
//!
//! What the seal protects against depends on where the key that seals it comes from:
//!
//! * **A systemd credential** (`LoadCredentialEncrypted=evertill-seal:…`). systemd encrypts it with the machine's
//!   TPM or its own host key and hands it to this service only, in memory. A copy of the till's directory, a
//!   backup of it, or a stolen disk without its machine does not give the device key away. Whoever is root on the
//!   running till can still have it.
//! * **The file `seal.key`** beside it, when there is no credential. Then the seal protects a copy of `key.sealed`
//!   alone (a support bundle, a backup that leaves `seal.key` out) and nothing else: whoever can read the whole
//!   directory has the key. It also finds damage. Blocking the terminal at the server is what stops a stolen till.

use super::DeviceKey;
use crate::files::{self, FileError, PRIVATE};
use crate::key_format::{NoRandomness, random};
use crate::sealed::{SealKey, Sealed, base64_bytes};
use evertill_shared::signing::VerifyingKey;
use ring::hkdf::{HKDF_SHA256, Salt};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// The sealed key's file in the till's directory.
const KEY_FILE: &str = "key.sealed";
/// The sealing secret's file, where systemd gives none.
const SEAL_FILE: &str = "seal.key";
/// The name of the systemd credential.
const CREDENTIAL: &str = "evertill-seal";
/// Stands in front of everything that is bound into the seal.
const PURPOSE: &str = "evertill-device-key-v1";
/// The fewest bytes that a sealing secret may have.
const MIN_SECRET: usize = 32;

/// Where the secret comes from that seals the device key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealSource {
    /// systemd's credential `evertill-seal`.
    Credential,
    /// The file `seal.key` beside the sealed key.
    File,
}

/// Why the device key cannot be had. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// There is no key yet.
    #[error("this till has no key yet: {} is missing. Register the till to make one.", .0.display())]
    NoKey(PathBuf),
    /// There is one already, and it is never overwritten.
    #[error(
        "{} exists: this till has a key already, and it is not overwritten. To give it a new one, have IT block \
         the terminal, keep this directory, and enrol an empty one with a new code.", .0.display()
    )]
    Exists(PathBuf),
    /// The secret that opens the seal is not there.
    #[error(
        "the till's key is sealed with {}, which is missing. Start the till as its systemd service, or restore \
         the file; if it is lost, {} never opens again: keep this directory, have IT block the terminal, and enrol an \
         empty directory with a new code.", what, key.display()
    )]
    NoSealSecret {
        /// Which secret, in words.
        what: String,
        /// The sealed key.
        key: PathBuf,
    },
    /// The secret that seals is too short to be one.
    #[error("the sealing secret in {} has fewer than {MIN_SECRET} bytes: make it with `head -c 32 /dev/urandom`", .0.display())]
    WeakSecret(PathBuf),
    /// Another sealing secret, or changed bytes.
    #[error(
        "the till's key in {} does not open: the file is damaged, or it was sealed on another machine or with \
         another {}. There is no copy of a till's key, and an image of its disk must not be put back: keep this \
         directory, have IT block the terminal, and enrol an empty directory with a new code.", key.display(), secret
    )]
    DoesNotOpen {
        /// The sealed key.
        key: PathBuf,
        /// The secret that was tried.
        secret: &'static str,
    },
    /// Not a file of ours.
    #[error(
        "{} is damaged: it is not a sealed key ({what}). There is no copy of a till's key, and an image of its disk must not \
         be put back: keep this directory, have IT block the terminal, and enrol an empty directory with a new code.", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file that cannot be read or written, or that others may read.
    #[error(transparent)]
    File(#[from] FileError),
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    purpose: String,
    public_key: VerifyingKey,
    sealed_with: SealSource,
    #[serde(with = "base64_bytes")]
    salt: Vec<u8>,
    sealed: Sealed,
}

/// Keeps a till's key in the till's directory.
#[derive(Clone, Debug)]
pub struct FileKeyStore {
    dir: PathBuf,
    credentials: Option<PathBuf>,
}

impl FileKeyStore {
    /// The store in the till's directory, with systemd's credentials if the process was given any.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { dir: dir.into(), credentials }
    }

    /// The same, with the directory of credentials named.
    #[must_use]
    pub fn with_credentials(dir: impl Into<PathBuf>, credentials: Option<PathBuf>) -> Self {
        Self { dir: dir.into(), credentials }
    }

    /// Where the sealed key lies.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.dir.join(KEY_FILE)
    }

    /// Reads and opens the key.
    ///
    /// # Errors
    /// [`KeyStoreError::NoKey`] if there is none; else what is wrong with it.
    pub fn load(&self) -> Result<DeviceKey, KeyStoreError> {
        let path = self.key_path();
        let bytes = match files::read_private(&path) {
            Err(error) if error.is_missing() => return Err(KeyStoreError::NoKey(path)),
            other => other?,
        };
        let damaged = |what: String| KeyStoreError::Damaged { path: path.clone(), what };
        let file: KeyFile = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if file.purpose != PURPOSE {
            return Err(damaged(format!("it is for {:?}", file.purpose)));
        }
        let seal_key = derive(&self.secret(file.sealed_with)?, &file.salt)?;
        let context = context(&file.public_key, file.sealed_with, &file.salt);
        let does_not_open =
            || KeyStoreError::DoesNotOpen { key: path.clone(), secret: name_of(file.sealed_with) };
        let pkcs8 = file.sealed.open(&seal_key, &context).map_err(|_| does_not_open())?;
        let key = DeviceKey::from_pkcs8(pkcs8).map_err(|e| damaged(e.to_string()))?;
        if key.public() == file.public_key { Ok(key) } else { Err(does_not_open()) }
    }

    /// Seals and writes a key. There must be none yet: a till's key is never overwritten, because its journal is
    /// signed with it.
    ///
    /// # Errors
    /// [`KeyStoreError::Exists`], or files.
    pub fn store(&self, key: &DeviceKey) -> Result<(), KeyStoreError> {
        let path = self.key_path();
        if path.exists() {
            return Err(KeyStoreError::Exists(path));
        }
        let (source, secret) = self.secret_for_sealing()?;
        let salt = random::<16>()?.to_vec();
        let context = context(&key.public(), source, &salt);
        let sealed = Sealed::seal(&derive(&secret, &salt)?, &context, key.pkcs8())?;
        let (purpose, public_key) = (PURPOSE.to_owned(), key.public());
        let file = KeyFile { purpose, public_key, sealed_with: source, salt, sealed };
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|e| KeyStoreError::Damaged { path: path.clone(), what: e.to_string() })?;
        match files::create_whole(&path, &text, PRIVATE) {
            Err(error) if error.already_exists() => Err(KeyStoreError::Exists(path)),
            other => Ok(other?),
        }
    }

    /// The till's key; makes and stores one where there is none.
    ///
    /// # Errors
    /// As [`FileKeyStore::load`] and [`FileKeyStore::store`].
    pub fn load_or_generate(&self) -> Result<DeviceKey, KeyStoreError> {
        match self.load() {
            Err(KeyStoreError::NoKey(_)) => {
                let key = DeviceKey::generate()?;
                self.store(&key)?;
                Ok(key)
            }
            other => other,
        }
    }

    /// Destroys the key, and the seal beside it: nothing is signed with it any more, by anybody. No error if there is none.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn destroy(&self) -> Result<(), KeyStoreError> {
        for path in [self.key_path(), self.dir.join(SEAL_FILE)] {
            files::remove(&path)?;
        }
        Ok(())
    }

    /// Where the secret that sealed the stored key comes from; `None` if there is no readable key.
    #[must_use]
    pub fn sealed_with(&self) -> Option<SealSource> {
        let bytes = files::read_private(&self.key_path()).ok()?;
        serde_json::from_slice::<KeyFile>(&bytes).ok().map(|file| file.sealed_with)
    }

    fn credential_path(&self) -> Option<PathBuf> {
        self.credentials.as_ref().map(|dir| dir.join(CREDENTIAL))
    }

    fn secret(&self, source: SealSource) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let missing = |what: String| KeyStoreError::NoSealSecret { what, key: self.key_path() };
        let (path, what) = match source {
            SealSource::Credential => {
                let what = format!("the systemd credential {CREDENTIAL}");
                (self.credential_path().ok_or_else(|| missing(what.clone()))?, what)
            }
            SealSource::File => {
                let path = self.dir.join(SEAL_FILE);
                let what = format!("the secret in {}", path.display());
                (path, what)
            }
        };
        match read_secret(&path, source) {
            Err(KeyStoreError::File(error)) if error.is_missing() => Err(missing(what)),
            other => other,
        }
    }

    /// The credential if there is one; else the file, which is made at the first use.
    fn secret_for_sealing(&self) -> Result<(SealSource, Zeroizing<Vec<u8>>), KeyStoreError> {
        if let Some(path) = self.credential_path().filter(|path| path.exists()) {
            return Ok((SealSource::Credential, read_secret(&path, SealSource::Credential)?));
        }
        let path = self.dir.join(SEAL_FILE);
        if !path.exists() {
            let mut secret: [u8; 32] = random()?;
            let written = files::create_whole(&path, &secret, PRIVATE);
            secret.zeroize();
            written?;
        }
        Ok((SealSource::File, read_secret(&path, SealSource::File)?))
    }
}

fn read_secret(path: &Path, source: SealSource) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    // systemd guards its credentials by itself, under modes of its own.
    let secret = match source {
        SealSource::Credential => Zeroizing::new(files::read(path)?),
        SealSource::File => files::read_private(path)?,
    };
    if secret.len() < MIN_SECRET { Err(KeyStoreError::WeakSecret(path.to_owned())) } else { Ok(secret) }
}

/// A key of this use only, from a secret of any length.
fn derive(secret: &[u8], salt: &[u8]) -> Result<SealKey, NoRandomness> {
    let mut key = SealKey::default();
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[PURPOSE.as_bytes()], HKDF_SHA256)
        .and_then(|okm| okm.fill(key.as_mut()))
        .map_err(|_| NoRandomness)?;
    Ok(key)
}

/// What the seal binds: the use, the public half that is shown to people, and everything else in the file. Not
/// the path, so that a till's directory can be moved.
fn context(public: &VerifyingKey, source: SealSource, salt: &[u8]) -> Vec<u8> {
    [PURPOSE.as_bytes(), b"\n", name_of(source).as_bytes(), b"\n", &public.0, salt].concat()
}

fn name_of(source: SealSource) -> &'static str {
    match source {
        SealSource::Credential => "systemd credential",
        SealSource::File => "seal.key",
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
