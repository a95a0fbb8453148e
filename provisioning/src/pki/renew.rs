//! A new certificate for the server, before the old one ends.

use super::create::with_local_names;
use super::root::json;
use super::{Issued, PkiError, Root};
use crate::client::verify_statement;
use crate::files::{self, PRIVATE, PUBLIC};
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::store::{ServerKeyStatement, TrustBundle};
use evertill_shared::secret::SecretText;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The names in the new certificate.
    pub server_names: Vec<String>,
    /// Until when it counts.
    pub ends: Timestamp,
}

/// Makes a new server certificate with a new key, and renews the root's word for the response keys, which stay.
/// `names` replaces the names in the certificate; `None` keeps those it has.
///
/// The server must be restarted with the new files. All of them are written out before the first is put in place;
/// if the machine stops just between two of them, run it again.
///
/// # Errors
/// Files that are missing or damaged; a passphrase that is missing or wrong.
pub fn renew_server_certificate(
    store: &Path,
    names: Option<&[String]>,
    passphrase: Option<&SecretText>,
    now: Timestamp,
) -> Result<Renewed, PkiError> {
    renew(store, &store.join("root"), names, passphrase, now)
}

/// As [`renew_server_certificate`], but issued by the spare root, which is in `spare`. Nothing of the first root is
/// needed: it may be lost. If there is no list of what was issued, `names` must be given.
///
/// # Errors
/// As [`renew_server_certificate`].
pub fn renew_from_spare(
    store: &Path,
    spare: &Path,
    names: Option<&[String]>,
    passphrase: Option<&SecretText>,
    now: Timestamp,
) -> Result<Renewed, PkiError> {
    renew(store, spare, names, passphrase, now)
}

fn renew(
    store: &Path,
    root_dir: &Path,
    names: Option<&[String]>,
    passphrase: Option<&SecretText>,
    now: Timestamp,
) -> Result<Renewed, PkiError> {
    let root = Root::load(root_dir, passphrase)?;
    let trust_path = store.join("trust.json");
    let trust: TrustBundle = read_json(&trust_path)?;
    if !root.is_trusted_by(&trust) {
        return Err(PkiError::NotTrusted { root: root_dir.to_owned(), trust: trust_path });
    }
    // Each root's list lies beside it; a spare that was never used has none yet.
    let issued_path = root_dir.join("issued.json");
    let mut issued = history(&issued_path)?;
    let server_names = match names {
        Some(names) => with_local_names(names),
        None => last_names(&issued, &history(&store.join("root/issued.json"))?)?,
    };
    let tls = root.issue_tls(&server_names, now)?;

    let keys_path = store.join("server/server-keys.json");
    let old: Vec<ServerKeyStatement> = read_json(&keys_path)?;
    let mut statements = Vec::with_capacity(old.len());
    let mut response_key_id = String::new();
    for statement in &old {
        let key = verify_statement(&trust, statement)
            .map_err(|e| PkiError::Damaged { path: keys_path.clone(), what: e.to_string() })?;
        statements.push(root.vouch_from_now(key.store, &key.key_id, key.public_key, now)?);
        response_key_id = key.key_id;
    }
    issued.push(Issued { at: now, server_names: server_names.clone(), response_key_id, ends: tls.ends });

    let server = store.join("server");
    files::replace_all(&[
        (keys_path, &json(&statements)?, PUBLIC),
        (server.join("tls.key"), tls.key_pem.as_bytes(), PRIVATE),
        (server.join("tls.pem"), tls.certificate_pem.as_bytes(), PUBLIC),
        (issued_path, &json(&issued)?, PUBLIC),
    ])?;
    Ok(Renewed { server_names, ends: tls.ends })
}

pub(super) fn history(path: &Path) -> Result<Vec<Issued>, PkiError> {
    match read_json(path) {
        Err(PkiError::File(error)) if error.is_missing() => Ok(Vec::new()),
        read => read,
    }
}

/// The names in the newest certificate that either root has issued.
pub(super) fn last_names(by_this: &[Issued], by_the_first: &[Issued]) -> Result<Vec<String>, PkiError> {
    let newest = by_this.iter().chain(by_the_first).max_by_key(|issued| issued.at);
    newest.map(|issued| issued.server_names.clone()).ok_or_else(|| {
        PkiError::BadPlan("it is not known what names the certificate had: give --server-name NAME".into())
    })
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, PkiError> {
    serde_json::from_slice(&files::read(path)?)
        .map_err(|e| PkiError::Damaged { path: path.to_owned(), what: e.to_string() })
}
