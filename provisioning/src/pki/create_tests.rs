use super::*;
use crate::client::test_server::{TestStore, plan, server_tls};
use crate::client::verify_statement;
use crate::pki::renew_server_certificate;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::protocol::store::ServerKeyStatement;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::{TlsAcceptor, TlsConnector};

fn passphrase(text: &str) -> SecretText {
    SecretText::new(text.into())
}

/// A whole handshake in memory.
async fn handshake(server: rustls::ServerConfig, trust: &TrustBundle, name: &str) -> Result<(), String> {
    handshake_at(server, trust, name, SystemClock.now()).await
}

async fn handshake_at(
    server: rustls::ServerConfig,
    trust: &TrustBundle,
    name: &str,
    now: Timestamp,
) -> Result<(), String> {
    struct Fixed(Timestamp);
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            self.0
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }
    let client = crate::client::tls_for_tests(&trust.root_certificates, Arc::new(Fixed(now))).unwrap();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let accepted = tokio::spawn(TlsAcceptor::from(Arc::new(server)).accept(far));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let result = TlsConnector::from(Arc::new(client)).connect(name, near).await;
    let stream = result.map_err(|e| e.to_string())?;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    accepted.await.unwrap().map(drop).map_err(|e| e.to_string())
}

#[tokio::test]
async fn a_new_stores_server_is_trusted_under_each_of_its_names() {
    let store = TestStore::new();
    for name in ["localhost", "127.0.0.1", "::1", "till-server.lan", "10.0.0.1"] {
        handshake(store.tls(&[&rustls::version::TLS13]), &store.trust, name).await.unwrap();
    }
    let other_name = handshake(store.tls(&[&rustls::version::TLS13]), &store.trust, "evil.lan").await;
    assert!(other_name.unwrap_err().contains("not valid for name"));
}

#[tokio::test]
async fn another_stores_root_is_refused() {
    let (store, other) = (TestStore::new(), TestStore::new());
    let error =
        handshake(other.tls(&[&rustls::version::TLS13]), &store.trust, "localhost").await.unwrap_err();
    assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
}

#[tokio::test]
async fn a_certificate_is_refused_after_its_end() {
    let store = TestStore::new();
    let end = SystemClock.now().plus(crate::pki::SERVER_VALIDITY);
    let tls = || store.tls(&[&rustls::version::TLS13]);
    let day = Duration::from_secs(86_400);
    handshake_at(tls(), &store.trust, "localhost", end.minus(day)).await.unwrap();
    assert!(handshake_at(tls(), &store.trust, "localhost", end.plus(day)).await.is_err());
}

#[test]
fn the_files_read_as_what_they_are_and_keys_are_private() {
    let store = TestStore::new();
    let path = store.path();
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().mode() & 0o777;
    for private in [
        "root/root.key",
        "root/spare/root.key",
        "server/tls.key",
        "server/response.key",
        "server/bootstrap.json",
        "server/accounts.key",
    ] {
        assert_eq!(mode(private), 0o600, "{private}");
    }
    assert_eq!((mode("root"), mode("root/spare"), mode("server")), (0o700, 0o700, 0o700));
    let bootstrap: Bootstrap =
        serde_json::from_slice(&fs::read(path.join("server/bootstrap.json")).unwrap()).unwrap();
    assert_eq!(bootstrap.store, plan(1).info);
    assert_eq!(bootstrap.staff.len(), 2);
    assert!(bootstrap.staff.iter().all(|s| s.password_hash.starts_with("$argon2id$")));
    let settings = fs::read_to_string(path.join("server/server.toml")).unwrap();
    assert!(settings.contains("tag = 2") && settings.contains("# [wechat]"));
    assert!(settings.contains("\naccount_keys = [\"accounts.key\"]\n"));
    let key = fs::read_to_string(path.join("server/accounts.key")).unwrap();
    assert!(
        key.trim().len() == 64 && key.trim().bytes().all(|b| b.is_ascii_hexdigit()),
        "as servers read it"
    );
    let other = TestStore::new();
    assert_ne!(key, fs::read_to_string(other.path().join("server/accounts.key")).unwrap());
    let everything = [settings.into_bytes(), fs::read(path.join("server/bootstrap.json")).unwrap()].concat();
    assert!(!String::from_utf8(everything).unwrap().contains("long enough"), "no password in plain");
}

#[test]
fn the_roots_word_is_believed_and_a_forged_or_foreign_one_is_not() {
    let (store, other) = (TestStore::new(), TestStore::new());
    let read =
        |s: &TestStore| -> Vec<ServerKeyStatement> { serde_json::from_slice(&s.statements()).unwrap() };
    let statement = read(&store).remove(0);
    let key = verify_statement(&store.trust, &statement).unwrap();
    assert_eq!(key.public_key, store.response_key("x").public());
    assert_eq!(key.key_id, crate::pki::FIRST_RESPONSE_KEY_ID);

    assert!(verify_statement(&store.trust, &read(&other)[0]).is_err());
    let mut changed = statement.clone();
    changed.text = changed.text.replace("server-1", "server-2");
    assert!(verify_statement(&store.trust, &changed).is_err());
    let foreign = TrustBundle { store: 2.try_into().unwrap(), ..store.trust.clone() };
    assert!(verify_statement(&foreign, &statement).is_err(), "a statement for another store");
}

#[test]
fn an_existing_place_is_left_alone() {
    let store = TestStore::new();
    let before = fs::read(store.path().join("root/root.key")).unwrap();
    let result = create_store(&store.path(), &plan(1), SystemClock.now());
    assert!(matches!(result, Err(PkiError::Exists(_))));
    assert_eq!(fs::read(store.path().join("root/root.key")).unwrap(), before);
    let dir = tempfile::tempdir().unwrap();
    assert!(create_store(dir.path(), &plan(1), SystemClock.now()).is_err(), "an empty directory too");
}

#[test]
fn a_plan_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let made = |change: fn(&mut NewStore)| {
        let mut plan = plan(1);
        change(&mut plan);
        create_store(&dir.path().join("store"), &plan, SystemClock.now())
    };
    let changes: [fn(&mut NewStore); 7] = [
        |p| p.server_names.push("not a name".into()), // found out after the first files are written
        |p| p.staff.truncate(1),
        |p| p.staff[1].login = p.staff[0].login.clone(),
        |p| p.staff[0].login = "Li Mei".into(),
        |p| p.staff[0].password = SecretText::new("short".into()),
        |p| p.info.name = " ".into(),
        |p| p.info.cut_off_minutes = 1440,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(made(change).is_err(), "change {number}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "change {number}");
    }
    made(|_| ()).unwrap();
}

#[test]
fn a_sealed_root_opens_with_its_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut sealed = plan(1);
    sealed.root_passphrase = Some(passphrase("open sesame"));
    assert!(create_store(&store, &sealed, SystemClock.now()).unwrap().root_sealed);
    for place in ["root", SPARE_DIR] {
        assert!(!fs::read_to_string(store.join(place).join("root.key")).unwrap().contains("PRIVATE KEY"));
        let load = |given: Option<&str>| {
            Root::load(&store.join(place), given.map(passphrase).as_ref()).map(|root| root.public())
        };
        assert!(matches!(load(None), Err(PkiError::PassphraseNeeded)));
        assert!(matches!(load(Some("open barley")), Err(PkiError::WrongPassphrase(_))));
        load(Some("open sesame")).unwrap();
    }
}

#[test]
fn all_that_tls_needs_is_signed_in_a_way_that_browsers_take() {
    const ECDSA_WITH_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let store = TestStore::new();
    for name in ["root/root.pem", "root/spare/root.pem", "server/tls.pem"] {
        let der = CertificateDer::from_pem_file(store.path().join(name)).unwrap();
        let count = |oid: &[u8]| der.windows(oid.len()).filter(|window| *window == oid).count();
        // The signature's algorithm stands in a certificate twice, the key's curve once.
        assert_eq!((count(&ECDSA_WITH_SHA256), count(&P256)), (2, 1), "{name}");
    }
}

#[test]
fn a_root_key_of_another_store_does_not_pass() {
    let (store, other) = (TestStore::new(), TestStore::new());
    fs::copy(other.path().join("root/root.key"), store.path().join("root/root.key")).unwrap();
    let error = Root::load(&store.path().join("root"), None).unwrap_err();
    assert!(matches!(error, PkiError::Damaged { .. }), "{error}");
    fs::copy(other.path().join("root/root.pem"), store.path().join("root/root.pem")).unwrap();
    let error = renew_server_certificate(&store.path(), None, None, SystemClock.now()).unwrap_err();
    assert!(matches!(error, PkiError::NotTrusted { .. }), "{error}");
}

#[tokio::test]
async fn a_renewed_certificate_is_trusted_and_the_response_key_stays() {
    let store = TestStore::new();
    let old = fs::read(store.path().join("server/tls.pem")).unwrap();
    let later = SystemClock.now().plus(Duration::from_secs(700 * 86_400));
    let renewed = renew_server_certificate(&store.path(), None, None, later).unwrap();
    assert_eq!(renewed.server_names, with_local_names(&plan(1).server_names));
    assert_ne!(fs::read(store.path().join("server/tls.pem")).unwrap(), old);
    let tls = server_tls(&store.path().join("server"), &[&rustls::version::TLS13]);
    handshake_at(tls, &store.trust, "10.0.0.1", later).await.unwrap();
    let statements: Vec<ServerKeyStatement> = serde_json::from_slice(&store.statements()).unwrap();
    let key = verify_statement(&store.trust, &statements[0]).unwrap();
    assert_eq!(key.public_key, store.response_key("x").public());
    assert_eq!(key.not_after, renewed.ends);

    let names = ["new.lan".to_owned()];
    let renewed = renew_server_certificate(&store.path(), Some(&names), None, later).unwrap();
    assert!(
        renewed.server_names.contains(&"new.lan".into())
            && !renewed.server_names.contains(&"10.0.0.1".into())
    );
}

/// All files of a directory, by name.
fn contents(dir: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn with_the_first_root_lost_a_till_believes_what_the_spare_issues() {
    let store = TestStore::new();
    let live = Root::load(&store.path().join("root"), None).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let spare = elsewhere.path().join("spare");
    fs::rename(store.path().join(SPARE_DIR), &spare).unwrap();
    fs::remove_dir_all(store.path().join("root")).unwrap();
    let now = SystemClock.now();
    let unnamed = crate::pki::renew_from_spare(&store.path(), &spare, None, None, now).unwrap_err();
    assert!(unnamed.to_string().contains("--server-name"), "{unnamed}");
    let names = ["10.0.0.1".to_owned()];
    crate::pki::renew_from_spare(&store.path(), &spare, Some(&names), None, now).unwrap();

    let tls = || server_tls(&store.path().join("server"), &[&rustls::version::TLS13]);
    let statements: Vec<ServerKeyStatement> = serde_json::from_slice(&store.statements()).unwrap();
    // The till's own trust bundle, as it was given on its first day.
    handshake(tls(), &store.trust, "10.0.0.1").await.unwrap();
    let key = verify_statement(&store.trust, &statements[0]).unwrap();
    assert_eq!(key.public_key, store.response_key("x").public());

    // It was not the first root that did it; and a till that knows only that one believes nothing of this.
    let mut without = store.trust.clone();
    without.root_certificates.retain(|pem| pem == live.certificate_pem());
    without.root_keys.retain(|key| *key == live.public());
    assert_eq!((without.root_certificates.len(), without.root_keys.len()), (1, 1));
    assert!(handshake(tls(), &without, "10.0.0.1").await.is_err());
    assert!(verify_statement(&without, &statements[0]).is_err());

    // The next time the names are known, from the spare's own list.
    let renewed = crate::pki::renew_from_spare(&store.path(), &spare, None, None, now).unwrap();
    assert!(renewed.server_names.contains(&names[0]));
}

#[test]
fn a_renewal_that_cannot_write_all_files_changes_none() {
    let store = TestStore::new();
    let server = store.path().join("server");
    let (before, before_root) = (contents(&server), contents(&store.path().join("root")));
    // The way of the third file is blocked: a directory is where its new contents would be written.
    fs::create_dir_all(server.join("tls.pem.new/in the way")).unwrap();
    renew_server_certificate(&store.path(), None, None, SystemClock.now()).unwrap_err();
    assert_eq!(contents(&server), before);
    assert_eq!(contents(&store.path().join("root")), before_root);
    fs::remove_dir_all(server.join("tls.pem.new")).unwrap();
    renew_server_certificate(&store.path(), None, None, SystemClock.now()).unwrap();
    assert_ne!(contents(&server), before);
}
