//! `evertill-admin` as IT runs it.
#![allow(clippy::unwrap_used)] // all of it is test code, which the lint sees only in functions marked so

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn admin(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evertill-admin"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn private(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

const CREATE: [&str; 13] = [
    "--json",
    "store",
    "create",
    "--dir",
    "corner",
    "--name",
    "Corner",
    "--store-id",
    "1",
    "--manager",
    "mei:Li Mei",
    "--it",
    "bo:Wang Bo",
];

#[test]
fn a_store_is_made_by_a_script_and_not_made_twice() {
    let dir = tempfile::tempdir().unwrap();
    private(&dir.path().join("passwords"), "mei:first password\nbo:second: password\n");
    private(&dir.path().join("passphrase"), "open sesame\n");
    let mut arguments = CREATE.to_vec();
    arguments.extend(["--passwords-file", "passwords", "--root-passphrase-file", "passphrase"]);
    let output = admin(dir.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&made["ok"], &made["root_sealed"]), (&Value::Bool(true), &Value::Bool(true)));
    assert!(dir.path().join("corner/server/server.toml").exists());

    let output = admin(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let failed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(failed["ok"], Value::Bool(false));
    assert!(failed["error"].as_str().unwrap().contains("exists already"));

    let renew = ["store", "renew-certificate", "--dir", "corner"];
    let output = admin(dir.path(), &renew);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--root-passphrase-file"), "{output:?}");
    let mut renew = renew.to_vec();
    renew.extend(["--root-passphrase-file", "passphrase"]);
    assert!(admin(dir.path(), &renew).status.success());
    renew.extend(["--use-spare", "corner/root/spare"]);
    let output = admin(dir.path(), &renew);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("corner/root/spare/root.pem"), "{output:?}");
    assert!(dir.path().join("corner/root/spare/issued.json").exists());
}

#[test]
fn a_passwords_file_that_others_may_read_or_that_lacks_someone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("open"), "mei:first password\nbo:second password\n").unwrap();
    private(&dir.path().join("short"), "mei:first password\n");
    for (file, expected) in [("open", "chmod 600"), ("short", "no line for bo")] {
        let mut arguments = CREATE.to_vec();
        arguments.extend(["--passwords-file", file]);
        let output = admin(dir.path(), &arguments);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{output:?}");
        assert!(!dir.path().join("corner").exists());
    }
}

#[test]
fn a_server_that_is_not_there_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    private(&dir.path().join("passwords"), "mei:first password\nbo:second password\n");
    let mut arguments = CREATE.to_vec();
    arguments.extend(["--passwords-file", "passwords"]);
    assert!(admin(dir.path(), &arguments).status.success());
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("https://127.0.0.1:{port}");
    let output =
        admin(dir.path(), &["--json", "status", "--server", &server, "--trust", "corner/trust.json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["servers"][0]["reachable"], Value::Bool(false));
}
