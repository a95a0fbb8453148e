use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

fn plain(dir: &tempfile::TempDir) -> FileKeyStore {
    FileKeyStore::with_credentials(dir.path(), None)
}

/// A directory of credentials as systemd makes it, with one of ours.
fn credentials(secret: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CREDENTIAL), secret).unwrap();
    dir
}

#[test]
fn a_key_survives_a_restart_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(plain(&dir).load(), Err(KeyStoreError::NoKey(_))));
    let made = plain(&dir).load_or_generate().unwrap();
    assert_eq!(plain(&dir).load_or_generate().unwrap().public(), made.public());
    for name in [KEY_FILE, SEAL_FILE] {
        assert_eq!(fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let text = fs::read_to_string(plain(&dir).key_path()).unwrap();
    let seed = &made.pkcs8()[16..];
    assert!(!text.contains(&hex::encode(seed)) && !text.contains("PRIVATE"));
    assert_eq!(plain(&dir).sealed_with(), Some(SealSource::File));
}

#[test]
fn a_tills_directory_may_be_moved() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = plain(&here).load_or_generate().unwrap();
    for name in [KEY_FILE, SEAL_FILE] {
        fs::copy(here.path().join(name), there.path().join(name)).unwrap();
    }
    assert_eq!(plain(&there).load().unwrap().public(), made.public());
}

#[test]
fn a_key_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let made = plain(&dir).load_or_generate().unwrap();
    let error = plain(&dir).store(&DeviceKey::generate().unwrap()).unwrap_err();
    assert!(matches!(error, KeyStoreError::Exists(_)), "{error}");
    assert_eq!(plain(&dir).load().unwrap().public(), made.public());
}

#[test]
fn a_damaged_key_is_reported_and_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    plain(&dir).load_or_generate().unwrap();
    let path = plain(&dir).key_path();
    let good = fs::read(&path).unwrap();
    for cut in [0, 1, good.len() / 2, good.len() - 2] {
        fs::write(&path, &good[..cut]).unwrap();
        let error = plain(&dir).load_or_generate().unwrap_err();
        assert!(matches!(error, KeyStoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("enrol an empty directory"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), &good[..cut]);
    }
    let other = DeviceKey::generate().unwrap().public().to_string();
    let mut file: KeyFile = serde_json::from_slice(&good).unwrap();
    file.public_key = other.parse().unwrap();
    fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    assert!(
        matches!(plain(&dir).load(), Err(KeyStoreError::DoesNotOpen { .. })),
        "another public key beside it"
    );
}

#[test]
fn another_sealing_secret_does_not_open_it() {
    let dir = tempfile::tempdir().unwrap();
    plain(&dir).load_or_generate().unwrap();
    let seal = dir.path().join(SEAL_FILE);
    fs::write(&seal, [9; 32]).unwrap();
    assert!(matches!(plain(&dir).load_or_generate(), Err(KeyStoreError::DoesNotOpen { .. })));
    fs::write(&seal, [9; 31]).unwrap();
    assert!(matches!(plain(&dir).load(), Err(KeyStoreError::WeakSecret(_))));
    fs::remove_file(&seal).unwrap();
    let error = plain(&dir).load_or_generate().unwrap_err();
    assert!(matches!(&error, KeyStoreError::NoSealSecret { .. }), "{error}");
    assert!(!seal.exists(), "no new secret is made beside a key that another one sealed");
}

#[test]
fn files_that_others_may_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    plain(&dir).load_or_generate().unwrap();
    for name in [KEY_FILE, SEAL_FILE] {
        let path = dir.path().join(name);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = plain(&dir).load().unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    plain(&dir).load().unwrap();
}

#[test]
fn a_systemd_credential_seals_without_a_secret_in_the_tills_directory() {
    let (dir, given) = (tempfile::tempdir().unwrap(), credentials(&[5; 40]));
    let store = FileKeyStore::with_credentials(dir.path(), Some(given.path().to_owned()));
    let made = store.load_or_generate().unwrap();
    assert!(!dir.path().join(SEAL_FILE).exists());
    assert_eq!(store.sealed_with(), Some(SealSource::Credential));
    assert_eq!(store.load().unwrap().public(), made.public());

    let error = plain(&dir).load().unwrap_err();
    assert!(
        matches!(&error, KeyStoreError::NoSealSecret { what, .. } if what.contains("systemd")),
        "{error}"
    );
    let other = credentials(&[6; 40]);
    let store = FileKeyStore::with_credentials(dir.path(), Some(other.path().to_owned()));
    assert!(matches!(store.load(), Err(KeyStoreError::DoesNotOpen { .. })));
}

#[test]
fn a_key_sealed_with_the_file_still_opens_when_a_credential_appears() {
    let (dir, given) = (tempfile::tempdir().unwrap(), credentials(&[5; 40]));
    let made = plain(&dir).load_or_generate().unwrap();
    let store = FileKeyStore::with_credentials(dir.path(), Some(given.path().to_owned()));
    assert_eq!(store.load().unwrap().public(), made.public());
}
