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
/// The server must be restarted with the new files. If this is interrupted, run it again: the files are
/// replaced one after the other.
///
/// # Errors
/// Files that are missing or damaged; a passphrase that is missing or wrong.
pub fn renew_server_certificate(
    store: &Path,
    names: Option<&[String]>,
    passphrase: Option<&SecretText>,
    now: Timestamp,
) -> Result<Renewed, PkiError> {
    let root = Root::load(&store.join("root"), passphrase)?;
    let trust: TrustBundle = read_json(&store.join("trust.json"))?;
    let issued_path = store.join("root/issued.json");
    let mut issued: Vec<Issued> = read_json(&issued_path)?;
    let server_names = match (names, issued.last()) {
        (Some(names), _) => with_local_names(names),
        (None, Some(last)) => last.server_names.clone(),
        (None, None) => return Err(PkiError::BadPlan("no names are known: give --server-name NAME".into())),
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
    files::replace(&keys_path, &json(&statements)?, PUBLIC)?;
    files::replace(&server.join("tls.key"), tls.key_pem.as_bytes(), PRIVATE)?;
    files::replace(&server.join("tls.pem"), tls.certificate_pem.as_bytes(), PUBLIC)?;
    files::replace(&issued_path, &json(&issued)?, PUBLIC)?;
    Ok(Renewed { server_names, ends: tls.ends })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, PkiError> {
    serde_json::from_slice(&files::read(path)?)
        .map_err(|e| PkiError::Damaged { path: path.to_owned(), what: e.to_string() })
}
