//! `evertill-till`, the program itself, before its window.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::{Command, Output};

fn check(data: &Path, fontconfig: Option<&Path>) -> Output {
    let mut till = Command::new(env!("CARGO_BIN_EXE_evertill-till"));
    if let Some(file) = fontconfig {
        till.env("FONTCONFIG_FILE", file);
    }
    till.args(["--log-to-stderr", "--check", "--data"]).arg(data).output().unwrap()
}

/// A directory of a till, as IT prepares it.
fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("till.toml"), "servers = [\"https://127.0.0.1:8443\"]\n").unwrap();
    std::fs::write(dir.path().join("trust.json"), r#"{"store":7,"root_certificates":[],"root_keys":[]}"#)
        .unwrap();
    dir
}

#[test]
fn a_system_without_any_font_is_no_reason_not_to_start() {
    let dir = prepared();
    // A name that settings in XML have to escape.
    let data = dir.path().join("Till <1> & more");
    std::fs::create_dir(&data).unwrap();
    for file in ["till.toml", "trust.json"] {
        std::fs::rename(dir.path().join(file), data.join(file)).unwrap();
    }
    let none = dir.path().join("none.conf");
    std::fs::write(&none, "<?xml version=\"1.0\"?><fontconfig></fontconfig>").unwrap();
    let found = check(&data, Some(&none));
    let log = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(log.contains("starts anew with its own"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    assert!(found.status.success(), "{log}");
}

#[test]
fn the_check_names_what_is_wrong_and_starts_nothing() {
    let dir = prepared();
    let good = check(dir.path(), None);
    assert!(good.status.success(), "{good:?}");
    assert!(!dir.path().join("till.db").exists() && !dir.path().join("key.sealed").exists());
    std::fs::write(dir.path().join("till.toml"), "colour = 1\n").unwrap();
    let bad = check(dir.path(), None);
    assert!(!bad.status.success());
    let told = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(told.contains("till.toml") && told.contains("colour"), "{told}");
}
