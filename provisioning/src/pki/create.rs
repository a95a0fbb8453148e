//! A new store, made whole or not at all.

use super::root::json;
use super::{FIRST_RESPONSE_KEY_ID, Issued, PkiError, Root, SPARE_DIR, server_toml};
use crate::files::{self, PRIVATE, PUBLIC};
use crate::key_format::{new_ed25519, new_sealing_key, random, to_pem};
use crate::password;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role};
use evertill_shared::protocol::store::{StoreInfo, TrustBundle};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::SigningKey;
use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Names that every server certificate has, so that a server can always be asked on its own machine.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// What a new store shall be.
#[derive(Debug)]
pub struct NewStore {
    /// The store.
    pub info: StoreInfo,
    /// Names and addresses under which tills and browsers reach the server, besides the local ones.
    pub server_names: Vec<String>,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The first people: a manager and someone of IT at least.
    pub staff: Vec<FirstStaff>,
    /// Seals the keys of the root and of the spare root; without one they lie open in files that only their owner
    /// may read.
    pub root_passphrase: Option<SecretText>,
}

/// One of the first people of a store.
#[derive(Debug)]
pub struct FirstStaff {
    /// The name to log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The first password.
    pub password: SecretText,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedStore {
    /// Where.
    pub dir: PathBuf,
    /// The SHA-256 fingerprint of the root's certificate, as browsers show it.
    pub root_fingerprint: String,
    /// The same of the spare root.
    pub spare_fingerprint: String,
    /// Whether the keys of both roots are sealed with a passphrase.
    pub root_sealed: bool,
    /// Until when the server's certificate counts: renew it before.
    pub certificate_ends: Timestamp,
}

/// Makes the directory `dir` with all files of a new store. Everything is written beside it first and put in
/// place in one step.
///
/// # Errors
/// [`PkiError::Exists`] if there is anything at `dir`; a plan that cannot be; files.
pub fn create_store(dir: &Path, plan: &NewStore, now: Timestamp) -> Result<CreatedStore, PkiError> {
    check(plan)?;
    if fs::symlink_metadata(dir).is_ok() {
        return Err(PkiError::Exists(dir.to_owned()));
    }
    let root = Root::new(plan.info.id, &plan.info.name, now)?;
    let spare = Root::new_spare(plan.info.id, &plan.info.name, now)?;
    let staging = Staging::beside(dir)?;
    for (root, place) in [(&root, "root"), (&spare, SPARE_DIR)] {
        files::make_private_dir(&staging.path.join(place))?;
        root.save(&staging.path.join(place), plan.root_passphrase.as_ref())?;
    }
    let trust = TrustBundle {
        store: plan.info.id,
        root_certificates: [&root, &spare].map(|root| root.certificate_pem().to_owned()).to_vec(),
        root_keys: vec![root.public(), spare.public()],
    };
    files::write_new(&staging.path.join("trust.json"), &json(&trust)?, PUBLIC)?;
    let certificate_ends = write_server(&staging.path, plan, &root, now)?;
    staging.put_in_place(dir, &[SPARE_DIR, "root", "server", "."])?;
    Ok(CreatedStore {
        dir: dir.to_owned(),
        root_fingerprint: root.certificate_fingerprint(),
        spare_fingerprint: spare.certificate_fingerprint(),
        root_sealed: plan.root_passphrase.is_some(),
        certificate_ends,
    })
}

fn write_server(store: &Path, plan: &NewStore, root: &Root, now: Timestamp) -> Result<Timestamp, PkiError> {
    let dir = store.join("server");
    files::make_private_dir(&dir)?;
    let names = with_local_names(&plan.server_names);
    let tls = root.issue_tls(&names, now)?;
    files::write_new(&dir.join("tls.pem"), tls.certificate_pem.as_bytes(), PUBLIC)?;
    files::write_new(&dir.join("tls.key"), tls.key_pem.as_bytes(), PRIVATE)?;

    let pkcs8 = new_ed25519()?;
    let key = SigningKey::from_pkcs8(&pkcs8, FIRST_RESPONSE_KEY_ID.into())
        .map_err(|e| PkiError::Certificate(e.to_string()))?;
    files::write_new(&dir.join("response.key"), to_pem(&pkcs8).as_bytes(), PRIVATE)?;
    let statement = root.vouch_from_now(plan.info.id, key.key_id(), key.public(), now)?;
    files::write_new(&dir.join("server-keys.json"), &json(&[statement])?, PUBLIC)?;

    files::write_new(&dir.join("accounts.key"), new_sealing_key()?.as_bytes(), PRIVATE)?;
    files::write_new(&dir.join("bootstrap.json"), &json(&bootstrap(plan)?)?, PRIVATE)?;
    let settings = server_toml::text(plan.listen, FIRST_RESPONSE_KEY_ID);
    files::write_new(&dir.join("server.toml"), settings.as_bytes(), PUBLIC)?;
    let issued = Issued {
        at: now,
        server_names: names,
        response_key_id: FIRST_RESPONSE_KEY_ID.into(),
        ends: tls.ends,
    };
    files::write_new(&store.join("root/issued.json"), &json(&[issued])?, PUBLIC)?;
    Ok(tls.ends)
}

fn bootstrap(plan: &NewStore) -> Result<Bootstrap, PkiError> {
    let mut staff = Vec::with_capacity(plan.staff.len());
    for person in &plan.staff {
        let password_hash = password::hash(&person.password)
            .map_err(|error| PkiError::Password { login: person.login.clone(), error })?;
        let (login, name) = (person.login.clone(), person.name.clone());
        staff.push(BootstrapStaff { login, name, role: person.role, password_hash });
    }
    Ok(Bootstrap { store: plan.info.clone(), staff })
}

/// The names given, and the local ones, each once.
pub(super) fn with_local_names(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in LOCAL_NAMES.iter().map(|name| (*name).to_owned()).chain(names.iter().cloned()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn check(plan: &NewStore) -> Result<(), PkiError> {
    let bad = |what: &str| Err(PkiError::BadPlan(what.to_owned()));
    if plan.info.name.trim().is_empty() {
        return bad("a store needs a name: --name \"Corner shop\"");
    }
    if plan.info.cut_off_minutes >= MINUTES_OF_A_DAY {
        return bad("the business day must start between 00:00 and 23:59");
    }
    for role in [Role::Manager, Role::It] {
        if !plan.staff.iter().any(|person| person.role == role) {
            return Err(PkiError::BadPlan(format!(
                "a store needs at least one {role}: --{role} LOGIN:NAME",
                role = role.as_str()
            )));
        }
    }
    let mut logins = HashSet::new();
    for person in &plan.staff {
        check_login(&person.login)?;
        if !logins.insert(&person.login) {
            return Err(PkiError::BadPlan(format!(
                "{:?} is named twice: each login is one person's",
                person.login
            )));
        }
        password::check(&person.password)
            .map_err(|error| PkiError::Password { login: person.login.clone(), error })?;
    }
    Ok(())
}

fn check_login(login: &str) -> Result<(), PkiError> {
    let fits = (2..=32).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    if fits {
        return Ok(());
    }
    Err(PkiError::BadPlan(format!(
        "{login:?} cannot be a login: use 2 to 32 small letters, digits, dots, dashes or underscores"
    )))
}

/// A directory that vanishes again unless it is put in place.
pub(super) struct Staging {
    pub(super) path: PathBuf,
    placed: bool,
}

impl Staging {
    pub(super) fn beside(dir: &Path) -> Result<Self, PkiError> {
        let name = dir.file_name().ok_or_else(|| PkiError::BadPlan("--dir must name a directory".into()))?;
        let parent = dir.parent().unwrap_or(Path::new(""));
        if !parent.as_os_str().is_empty() {
            fs::create_dir_all(parent).map_err(files::failed("make the directory", parent))?;
        }
        let suffix = hex::encode(random::<8>()?);
        let path = dir.with_file_name(format!(".{}.{suffix}", name.to_string_lossy()));
        files::make_private_dir(&path)?;
        Ok(Self { path, placed: false })
    }

    /// Puts it in place, with these directories in it on the disk.
    pub(super) fn put_in_place(mut self, dir: &Path, parts: &[&str]) -> Result<(), PkiError> {
        for part in parts {
            files::sync_dir(&self.path.join(part))?;
        }
        // Were `dir` made by someone else in the meantime, this fails, unless it is empty.
        fs::rename(&self.path, dir).map_err(files::failed("put in place", dir))?;
        self.placed = true;
        Ok(files::sync_parent(dir)?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_dir_all(&self.path); // the error that led here is the one to show
        }
    }
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
