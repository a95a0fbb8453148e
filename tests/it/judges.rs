//! Independent judges: libraries that we did not write, from the registries. Their clients are driven against the simulators:
//! what they take is right on the wire, and what they make is taken. And wallets that sign by them are called by our adapters.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "judges/alipay.rs"]
mod alipay;
#[path = "judges/receipts.rs"]
mod receipts;
#[path = "judges/wallets.rs"]
mod wallets;
#[path = "judges/wechat_v2.rs"]
mod wechat_v2;
#[path = "judges/wechat_v3.rs"]
mod wechat_v3;

use evertill_tests::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program to its end and says all that it said, should it fail.
fn run(what: &str, command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{what}: {}\n{said}", done.status);
    said
}

/// How many checks a judge says that it made.
fn checks(said: &str) -> usize {
    said.lines().filter(|line| line.starts_with("ok:")).count()
}

/// Our scripts and their lists of packages.
fn scripts() -> PathBuf {
    workspace::root().join("tests/judges")
}

/// Where what a judge needs is kept, from one run to the next, as long as its list stays the same. `make` fills a new
/// folder.
fn kept(name: &str, list: &Path, make: impl FnOnce(&Path)) -> PathBuf {
    let all = workspace::target().join("judges");
    let folder = all.join(name);
    std::fs::create_dir_all(&all).unwrap();
    // Several tests need the same judge: the first one installs it, the others wait.
    let lock = std::fs::File::create(all.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let (marker, wanted) = (folder.join("complete"), std::fs::read(list).unwrap());
    if std::fs::read(&marker).is_ok_and(|made| made == wanted) {
        return folder;
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    make(&folder);
    // Last: a folder without it is incomplete, and made anew.
    std::fs::write(marker, wanted).unwrap();
    folder
}
