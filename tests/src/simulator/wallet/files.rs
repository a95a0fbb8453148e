//! The files of a merchant's kit: made once, then kept.

use rcgen::{CertificateParams, DnType};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The kit cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate.
    #[error("the kit's certificates cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// `kit.json` is not one.
    #[error("kit.json is not readable: {0}; delete the folder to make a new kit")]
    Json(#[from] serde_json::Error),
    /// No randomness.
    #[error("the system gives no random numbers")]
    Random,
}

/// What a certificate in that name begins with.
pub(in crate::simulator) fn named(
    name: &str,
    alternatives: Vec<String>,
) -> Result<CertificateParams, KitError> {
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// So many random bytes, in hex.
pub(in crate::simulator) fn random_hex(bytes: usize) -> Result<String, KitError> {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).map_err(|_| KitError::Random)?;
    Ok(hex::encode(random))
}

pub(in crate::simulator) fn read(path: &Path) -> Result<Vec<u8>, KitError> {
    fs::read(path).map_err(|source| KitError::File { path: path.to_owned(), source })
}

/// Writes a file that only its owner reads.
pub(in crate::simulator) fn write(path: &Path, text: &str) -> Result<(), KitError> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| KitError::File { path: path.to_owned(), source })
}
