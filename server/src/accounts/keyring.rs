//! Sealing the secrets of accounts under keys that are not in the database: AES-256-GCM, a fresh nonce each, bound to
//! account and name, so that no secret can be put in another's place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::id::AccountId;
use evertill_shared::random::{NoRandomness, draw};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use ring::rand::SystemRandom;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file cannot be read.
    #[error("`account_keys`: {} cannot be read: {error}. `evertill-server accounts make-key --out FILE` makes one; if secrets \
             are sealed under another, put that one back", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It holds something else.
    #[error("`account_keys`: {} holds no key: 64 hexadecimal digits are expected, as `evertill-server accounts make-key` \
             writes them", .0.display())]
    NoKey(PathBuf),
}

/// Why a secret does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no key at all.
    #[error("this server's settings name no `account_keys`: secrets of accounts can be neither set nor used")]
    NoKeys,
    /// It was sealed under another key.
    #[error("it is sealed under the key {0}, and `account_keys` names no file that holds it")]
    OtherKey(String),
    /// It was changed, or moved here from another account.
    #[error("the seal does not open: it was changed, or belongs to another account")]
    Broken,
    /// The system has none.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

struct Key {
    id: String,
    aead: LessSafeKey,
}

/// The keys that a server has. The first seals, all open.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Vec<Key>>);

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// Writes a new key into a file that only its owner reads.
/// # Errors
/// There is such a file already, or it cannot be written.
pub fn write_new(file: &Path) -> io::Result<()> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(draw(&SystemRandom::new()).map_err(io::Error::other)?);
    let text = Zeroizing::new(hex::encode(bytes.as_slice()));
    let mut open = OpenOptions::new();
    let mut written = open.write(true).create_new(true).mode(0o600).open(file)?;
    written.write_all(text.as_bytes())?;
    written.write_all(b"\n")?;
    written.sync_all()
}

impl Keyring {
    /// Reads key files.
    /// # Errors
    /// [`KeyringError`].
    pub fn read(files: &[PathBuf]) -> Result<Self, KeyringError> {
        let keys = files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(keys)))
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn sealing(&self) -> Option<&str> {
        self.0.first().map(|key| key.id.as_str())
    }

    /// Whether a key of that name is here.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// Seals a secret: the key's name, and the text.
    /// # Errors
    /// [`SealError::NoKeys`]; no randomness.
    pub fn seal(&self, account: AccountId, name: &str, plain: &[u8]) -> Result<(String, String), SealError> {
        let key = self.0.first().ok_or(SealError::NoKeys)?;
        let nonce: [u8; NONCE_LEN] = draw(&SystemRandom::new())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(plain);
        let aad = Aad::from(belonging(account, name));
        let sealed = key.aead.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *bytes);
        sealed.map_err(|_| SealError::Broken)?;
        let mut whole = nonce.to_vec();
        whole.extend_from_slice(&bytes);
        Ok((key.id.clone(), STANDARD.encode(whole)))
    }

    /// Opens a secret.
    /// # Errors
    /// [`SealError`].
    pub fn open(
        &self,
        account: AccountId,
        name: &str,
        (key_id, sealed): (&str, &str),
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.0.is_empty() {
            return Err(SealError::NoKeys);
        }
        let key = self.0.iter().find(|key| key.id == key_id);
        let key = key.ok_or_else(|| SealError::OtherKey(key_id.to_owned()))?;
        let whole = STANDARD.decode(sealed).map_err(|_| SealError::Broken)?;
        let (nonce, rest) = whole.split_at_checked(NONCE_LEN).ok_or(SealError::Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let mut bytes = Zeroizing::new(rest.to_vec());
        let aad = Aad::from(belonging(account, name));
        let length = key.aead.open_in_place(nonce, aad, &mut bytes).map_err(|_| SealError::Broken)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn belonging(account: AccountId, name: &str) -> Vec<u8> {
    format!("evertill-account-secret-v1\n{account}\n{name}").into_bytes()
}

fn read(file: &Path) -> Result<Key, KeyringError> {
    let text = std::fs::read(file).map_err(|error| KeyringError::File { file: file.to_owned(), error })?;
    let text = Zeroizing::new(text);
    let mut bytes = Zeroizing::new([0_u8; 32]);
    let is_key = hex::decode_to_slice(text.trim_ascii(), bytes.as_mut_slice()).is_ok();
    let aead = is_key.then(|| UnboundKey::new(&AES_256_GCM, bytes.as_slice()).ok()).flatten();
    let aead = aead.map(LessSafeKey::new).ok_or_else(|| KeyringError::NoKey(file.to_owned()))?;
    let mut context = Context::new(&SHA256);
    context.update(b"evertill-account-key-v1\n");
    context.update(bytes.as_slice());
    let id = hex::encode(context.finish()).chars().take(16).collect();
    Ok(Key { id, aead })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ring(folder: &Path, names: &[&str]) -> Keyring {
        let file = |name: &&str| {
            let file = folder.join(name);
            if !file.exists() {
                write_new(&file).unwrap();
                assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            }
            assert!(write_new(&file).is_err(), "a key that is there is never overwritten");
            file
        };
        Keyring::read(&names.iter().map(file).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_secret_opens_for_its_own_account_and_name_under_its_own_key_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let keys = ring(folder.path(), &["a"]);
        let account = AccountId(3);
        let (id, sealed) = keys.seal(account, "api_key", b"secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_ne!(keys.seal(account, "api_key", b"secret").unwrap().1, sealed, "a nonce of its own each");
        let open = |keys: &Keyring, account, name, sealed: &str| {
            keys.open(account, name, (&id, sealed)).map(|plain| plain.to_vec())
        };
        assert_eq!(open(&keys, account, "api_key", &sealed), Ok(b"secret".to_vec()));
        assert_eq!(open(&keys, AccountId(4), "api_key", &sealed), Err(SealError::Broken));
        assert_eq!(open(&keys, account, "client_key", &sealed), Err(SealError::Broken));
        for at in 0..sealed.len() {
            let mut bent = sealed.clone().into_bytes();
            bent[at] ^= 1;
            let bent = String::from_utf8_lossy(&bent).into_owned();
            assert_eq!(open(&keys, account, "api_key", &bent), Err(SealError::Broken), "{at}");
        }
        let other = ring(folder.path(), &["b"]);
        assert_eq!(open(&other, account, "api_key", &sealed), Err(SealError::OtherKey(id.clone())));
        assert_eq!(open(&Keyring::default(), account, "api_key", &sealed), Err(SealError::NoKeys));
        assert_eq!(Keyring::default().seal(account, "api_key", b"x"), Err(SealError::NoKeys));
        let both = ring(folder.path(), &["b", "a"]);
        assert_eq!(open(&both, account, "api_key", &sealed), Ok(b"secret".to_vec()));
        assert_eq!(both.sealing(), other.sealing());
        assert!(
            !format!("{both:?}").contains(std::fs::read_to_string(folder.path().join("a")).unwrap().trim())
        );
    }

    #[test]
    fn a_key_file_that_is_missing_or_holds_something_else_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.key");
        let text = |files: &[PathBuf]| Keyring::read(files).unwrap_err().to_string();
        let missing = text(std::slice::from_ref(&file));
        assert!(missing.contains("accounts.key") && missing.contains("make-key"), "{missing}");
        for wrong in ["", "00", "not a key", &"0g".repeat(32), &"00".repeat(33)] {
            std::fs::write(&file, wrong).unwrap();
            assert!(text(std::slice::from_ref(&file)).contains("64 hexadecimal digits"), "{wrong}");
        }
    }
}
