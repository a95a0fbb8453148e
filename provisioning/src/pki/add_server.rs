//! One more server of a store that has one.

use super::create::{Staging, with_local_names};
use super::renew::{history, last_names, read_json};
use super::root::json;
use super::{Issued, PkiError, Root};
use crate::client::verify_statement;
use crate::files::{self, PRIVATE, PUBLIC};
use crate::key_format::{new_ed25519, to_pem};
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::store::{ServerKeyStatement, TrustBundle};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::SigningKey;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Settings that name a file beside the first server's settings.
const FILE_SETTINGS: [&str; 11] = [
    "api_key_file",
    "api_v3_key_file",
    "app_auth_token",
    "app_private_key",
    "alipay_public_key",
    "ca_certificate",
    "client_certificate",
    "client_key",
    "password_file",
    "public_key",
    "tls_root",
];

/// What the new server shall be.
#[derive(Clone, Debug)]
pub struct NewServer {
    /// Its name: that of its response key and of its directory.
    pub id: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names and addresses for its certificate, besides those that the store's last certificate has.
    pub server_names: Vec<String>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedServer {
    /// The new server's directory.
    pub dir: PathBuf,
    /// The names in its certificate.
    pub server_names: Vec<String>,
    /// Until when it counts.
    pub ends: Timestamp,
}

/// Makes the directory of one more server in a store's directory, beside `server/`: a certificate and a response key of
/// its own, for which the root vouches, and the first server's settings with the first server's databases. All servers'
/// lists of response keys name the new one too; each server reads its list when it starts.
///
/// # Errors
/// A name that is taken or cannot be one; files that are missing or damaged; a passphrase that is missing or wrong.
pub fn add_server(
    store: &Path,
    new: &NewServer,
    passphrase: Option<&SecretText>,
    now: Timestamp,
) -> Result<AddedServer, PkiError> {
    check_id(&new.id)?;
    let dir = store.join(&new.id);
    if fs::symlink_metadata(&dir).is_ok() {
        return Err(PkiError::Exists(dir));
    }
    let root_dir = store.join("root");
    let root = Root::load(&root_dir, passphrase)?;
    let trust_path = store.join("trust.json");
    let trust: TrustBundle = read_json(&trust_path)?;
    if !root.is_trusted_by(&trust) {
        return Err(PkiError::NotTrusted { root: root_dir, trust: trust_path });
    }
    let issued_path = root_dir.join("issued.json");
    let mut issued = history(&issued_path)?;
    let mut names = last_names(&issued, &issued)?;
    names.extend(new.server_names.iter().cloned());
    let server_names = with_local_names(&names);
    let first = store.join("server");
    let mut statements: Vec<ServerKeyStatement> = read_json(&first.join("server-keys.json"))?;
    for statement in &statements {
        let key = verify_statement(&trust, statement).map_err(|error| PkiError::Damaged {
            path: first.join("server-keys.json"),
            what: error.to_string(),
        })?;
        if key.key_id == new.id {
            return Err(PkiError::BadPlan(format!("{:?} is a server of this store already", new.id)));
        }
    }

    let tls = root.issue_tls(&server_names, now)?;
    let pkcs8 = new_ed25519()?;
    let key = SigningKey::from_pkcs8(&pkcs8, new.id.clone())
        .map_err(|error| PkiError::Certificate(error.to_string()))?;
    statements.push(root.vouch_from_now(trust.store, key.key_id(), key.public(), now)?);
    let statements = json(&statements)?;
    let settings = settings_of(&files::read_text(&first.join("server.toml"))?, new);

    let staging = Staging::beside(&dir)?;
    let at = |name: &str| staging.path.join(name);
    files::write_new(&at("tls.pem"), tls.certificate_pem.as_bytes(), PUBLIC)?;
    files::write_new(&at("tls.key"), tls.key_pem.as_bytes(), PRIVATE)?;
    files::write_new(&at("response.key"), to_pem(&pkcs8).as_bytes(), PRIVATE)?;
    files::write_new(&at("server-keys.json"), &statements, PUBLIC)?;
    files::write_new(&at("bootstrap.json"), &files::read_private(&first.join("bootstrap.json"))?, PRIVATE)?;
    files::write_new(&at("server.toml"), settings.as_bytes(), PUBLIC)?;
    staging.put_in_place(&dir, &["."])?;

    issued.push(Issued {
        at: now,
        server_names: server_names.clone(),
        response_key_id: new.id.clone(),
        ends: tls.ends,
    });
    let issued = json(&issued)?;
    let mut changed: Vec<(PathBuf, &[u8], u32)> = vec![(issued_path, &issued, PUBLIC)];
    for list in lists_of_keys(store)? {
        changed.push((list, &statements, PUBLIC));
    }
    files::replace_all(&changed)?;
    Ok(AddedServer { dir, server_names, ends: tls.ends })
}

fn check_id(id: &str) -> Result<(), PkiError> {
    let fits = (2..=32).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits && !["root", "server"].contains(&id) {
        return Ok(());
    }
    Err(PkiError::BadPlan(format!(
        "{id:?} cannot be a server's name: use 2 to 32 small letters, digits and dashes, like server-2"
    )))
}

/// The list in each server's directory.
fn lists_of_keys(store: &Path) -> Result<Vec<PathBuf>, PkiError> {
    let entries = fs::read_dir(store).map_err(files::failed("read", store))?;
    let lists = entries.filter_map(|entry| Some(entry.ok()?.path().join("server-keys.json")));
    Ok(lists.filter(|list| list.is_file()).collect())
}

/// The first server's settings for another one: who it is and where it listens, and the first one's files.
fn settings_of(first: &str, new: &NewServer) -> String {
    let mut text = String::with_capacity(first.len() + 256);
    for line in first.lines() {
        let name = line.split('=').next().unwrap_or_default().trim();
        let changed = match name {
            "listen" => format!("listen = \"{}\"", new.listen),
            "response_key_id" => format!("response_key_id = \"{}\"", new.id),
            // Two servers cannot have one port for their figures.
            "metrics_listen" => format!("# {line}"),
            "data_dir" => beside_the_first(line, "data_dir"),
            // The last three are those of `[alipay.certificates]`.
            "account_keys" | "certificates" | "app" | "root" | "alipay" => all_beside_the_first(line),
            _ if name.starts_with('#') => line.to_owned(),
            _ => FILE_SETTINGS.iter().fold(line.to_owned(), |line, key| beside_the_first(&line, key)),
        };
        text.push_str(&changed);
        text.push('\n');
    }
    text
}

/// The line with the path of this setting made relative to the new server's directory.
fn beside_the_first(line: &str, key: &str) -> String {
    let written = format!("{key} = \"");
    // `public_key` is the end of another one's name, too.
    let is_whole = |before: &str| !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match line.split_once(&written) {
        Some((before, path)) if is_whole(before) && !path.starts_with('/') => {
            format!("{before}{written}../server/{path}")
        }
        _ => line.to_owned(),
    }
}

/// The same for a line with a list of paths.
fn all_beside_the_first(line: &str) -> String {
    let moved = |(n, part): (usize, &str)| match n % 2 {
        1 if !part.starts_with('/') => format!("../server/{part}"),
        _ => part.to_owned(),
    };
    line.split('"').enumerate().map(moved).collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{FirstStaff, NewStore, create_store, renew_server_certificate};
    use evertill_shared::clock::{Clock, SystemClock};
    use evertill_shared::money::Currency;
    use evertill_shared::protocol::staff::Role;
    use evertill_shared::protocol::store::StoreInfo;

    fn store(dir: &Path) {
        let person = |login: &str, role| FirstStaff {
            login: login.into(),
            name: login.into(),
            role,
            password: SecretText::new(format!("{login}-has-a-password")),
        };
        let info = StoreInfo {
            id: 1.try_into().unwrap(),
            name: "Corner".into(),
            address: vec![],
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        };
        let plan = NewStore {
            info,
            server_names: vec!["tills.example".into()],
            listen: "127.0.0.1:8443".parse().unwrap(),
            staff: vec![person("mei", Role::Manager), person("bo", Role::It)],
            root_passphrase: None,
        };
        create_store(dir, &plan, SystemClock.now()).unwrap();
    }

    fn second() -> NewServer {
        NewServer {
            id: "server-2".into(),
            listen: "0.0.0.0:9443".parse().unwrap(),
            server_names: vec!["second.example".into()],
        }
    }

    #[test]
    fn a_second_server_seals_by_the_first_ones_keys() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("corner");
        store(&dir);
        let added = add_server(&dir, &second(), None, SystemClock.now()).unwrap();
        let settings = fs::read_to_string(added.dir.join("server.toml")).unwrap();
        assert!(settings.contains("account_keys = [\"../server/accounts.key\"]"), "{settings}");
        let more = "account_keys = [\"new.key\", \"/etc/old.key\"]   # two";
        assert_eq!(
            all_beside_the_first(more),
            "account_keys = [\"../server/new.key\", \"/etc/old.key\"]   # two"
        );
    }

    #[test]
    fn a_second_server_has_its_own_keys_and_all_servers_vouch_for_both() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("corner");
        store(&dir);
        let added = add_server(&dir, &second(), None, SystemClock.now()).unwrap();
        assert!(added.server_names.contains(&"tills.example".to_owned()), "{added:?}");
        assert!(added.server_names.contains(&"second.example".to_owned()), "{added:?}");
        let trust: TrustBundle = read_json(&dir.join("trust.json")).unwrap();
        for server in ["server", "server-2"] {
            let list: Vec<ServerKeyStatement> =
                read_json(&dir.join(server).join("server-keys.json")).unwrap();
            let ids: Vec<String> =
                list.iter().map(|statement| verify_statement(&trust, statement).unwrap().key_id).collect();
            assert_eq!(ids, ["server-1", "server-2"]);
        }
        for file in ["tls.pem", "tls.key", "response.key"] {
            let of = |server: &str| fs::read(dir.join(server).join(file)).unwrap();
            assert_ne!(of("server"), of("server-2"), "{file} is the first server's");
        }
        let settings = fs::read_to_string(dir.join("server-2/server.toml")).unwrap();
        assert!(settings.contains("listen = \"0.0.0.0:9443\""), "{settings}");
        assert!(settings.contains("response_key_id = \"server-2\""), "{settings}");
        assert!(settings.contains("data_dir = \"../server/data\""), "{settings}");
        let renewed = renew_server_certificate(&dir, None, None, SystemClock.now()).unwrap();
        assert_eq!(renewed.server_names, added.server_names, "one certificate can be every server's");
    }

    #[test]
    fn a_server_is_added_once_and_under_a_name_that_can_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("corner");
        store(&dir);
        add_server(&dir, &second(), None, SystemClock.now()).unwrap();
        assert!(matches!(add_server(&dir, &second(), None, SystemClock.now()), Err(PkiError::Exists(_))));
        for id in ["root", "server", "server-1", "../away", "Server", ""] {
            let odd = NewServer { id: id.into(), ..second() };
            assert!(add_server(&dir, &odd, None, SystemClock.now()).is_err(), "{id:?}");
        }
        let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 4, "root, server, server-2, trust.json, and nothing half made: {left:?}");
    }

    #[test]
    fn settings_that_name_files_go_on_naming_the_first_servers() {
        let first = "listen = \"127.0.0.1:8443\"\nmetrics_listen = \"127.0.0.1:9000\"\n# api_key_file = \"x\"\n\
                     postgres = { user = \"e\", password_file = \"pg.password\" }\nclient_key = \"/etc/k.pem\"\n";
        let text = settings_of(first, &second());
        assert!(text.contains("password_file = \"../server/pg.password\""), "{text}");
        assert!(text.contains("client_key = \"/etc/k.pem\""), "{text}");
        assert!(text.contains("# metrics_listen") && text.contains("# api_key_file = \"x\""), "{text}");
    }

    #[test]
    fn the_wallets_files_are_the_first_servers_too() {
        let first = "[wechat.v3]\napi_v3_key_file = \"v3.key\"\npublic_key = \"pub.pem\"\n[alipay]\napp_id = \"7\"\n\
                     app_private_key = \"app.key\"\nalipay_public_key = \"w.pub\"\napp_auth_token = \"token\"\n\
                     ca_certificate = \"/etc/ca.pem\"\n\
                     certificates = { app = \"a.crt\", root = \"r.crt\", alipay = [\"w.crt\", \"/w2.crt\"] }\n\
                     [alipay.certificates]\napp = \"b.crt\"\nroot = \"/s.crt\"\nalipay = [\"x.crt\"]\n";
        let expected = "[wechat.v3]\napi_v3_key_file = \"../server/v3.key\"\npublic_key = \"../server/pub.pem\"\n\
                     [alipay]\napp_id = \"7\"\napp_private_key = \"../server/app.key\"\n\
                     alipay_public_key = \"../server/w.pub\"\napp_auth_token = \"../server/token\"\n\
                     ca_certificate = \"/etc/ca.pem\"\n\
                     certificates = { app = \"../server/a.crt\", root = \"../server/r.crt\", \
                     alipay = [\"../server/w.crt\", \"/w2.crt\"] }\n\
                     [alipay.certificates]\napp = \"../server/b.crt\"\nroot = \"/s.crt\"\n\
                     alipay = [\"../server/x.crt\"]\n";
        assert_eq!(settings_of(first, &second()), expected);
    }
}
