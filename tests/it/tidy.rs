//! The house rules that a compiler does not hold: who imports whom, how large a file may be, what must not
//! stand in the tree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that fails must stop"
)]

use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn manifest(package: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
    text.parse().unwrap()
}

fn dependencies(package: &str, kinds: &[&str]) -> Vec<String> {
    let manifest = manifest(package);
    let of = |kind: &&str| manifest.get(*kind).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    kinds.iter().flat_map(|kind| of(kind).into_iter().map(|(name, _)| name)).collect()
}

fn source_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["shared", "hardware", "provisioning", "server", "terminal", "tests"].map(|p| root().join(p)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| ["rs", "slint", "sql", "html"].iter().any(|x| e == *x))
            {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

#[test]
fn packages_import_only_whom_they_may() {
    let may: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("shared", &[][..]),
        // What paper is as data, so that whoever shows a receipt breaks its lines as printers do.
        ("hardware", &["evertill-shared"][..]),
        ("provisioning", &["evertill-shared"][..]),
        ("server", &["evertill-shared"][..]),
        ("terminal", &["evertill-shared", "evertill-hardware", "evertill-provisioning"][..]),
    ]);
    for (package, allowed) in may {
        for name in dependencies(package, &["dependencies", "build-dependencies"]) {
            let ours = name.starts_with("evertill-");
            assert!(!ours || allowed.contains(&name.as_str()), "{package} must not import {name}");
        }
    }
}

#[test]
fn shared_stays_pure() {
    let allowed = [
        "base64",
        "encoding_rs",
        "hex",
        "iso_currency",
        "jiff",
        "ring",
        "serde",
        "serde_json",
        "sfv",
        "thiserror",
        "zeroize",
    ];
    for name in dependencies("shared", &["dependencies"]) {
        assert!(allowed.contains(&name.as_str()), "shared must not depend on {name}");
    }
    let forbidden = ["std::fs", "std::net", "std::process", "std::env", "SystemRandom", "thread::spawn"];
    for path in source_files().iter().filter(|p| p.starts_with(root().join("shared/src"))) {
        let text = std::fs::read_to_string(path).unwrap();
        for word in forbidden {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// Devices know nothing of orders, money and the server: of `shared` they may name what paper is, and no more.
#[test]
fn hardware_names_nothing_of_shared_but_paper() {
    let mut named = 0;
    for path in source_files().iter().filter(|path| path.starts_with(root().join("hardware"))) {
        let text = std::fs::read_to_string(path).unwrap();
        let all = text.matches("evertill_shared").count();
        assert_eq!(all, text.matches("evertill_shared::paper").count(), "{}", path.display());
        named += all;
    }
    assert!(named > 2, "the walk found only {named} names");
}

#[test]
fn only_the_till_and_the_tests_link_slint() {
    for package in ["shared", "hardware", "provisioning", "server"] {
        for name in dependencies(package, &["dependencies", "dev-dependencies", "build-dependencies"]) {
            assert!(!name.contains("slint"), "{package} must not depend on {name}");
        }
    }
}

/// Rule *no-guess-from-copies*: who decides about money cannot even name the view.
#[test]
fn only_lists_and_totals_read_the_merchant_view() {
    let server = root().join("server/src");
    let may =
        ["app.rs", "config.rs", "config/read.rs", "lib.rs", "main.rs", "running.rs", "console/orders.rs"];
    let may = may.map(|name| server.join(name));
    let mut readers = 0;
    for path in source_files().into_iter().filter(|path| path.starts_with(&server)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let reads = ["merchant_view", "MerchantView", "app.view"].iter().any(|word| text.contains(word));
        let is_view = path.starts_with(server.join("merchant_view")) || path.ends_with("merchant_view.rs");
        let is_search = path.ends_with("console/search.rs");
        readers += usize::from(reads && !is_view);
        assert!(!reads || is_view || is_search || may.contains(&path), "{} reads the view", path.display());
    }
    assert!(readers > 3, "the walk found only {readers} readers");
}

/// A source's own part: what stands before its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn is_a_test(path: &Path) -> bool {
    let words = ["tests", "testing"];
    let is_named = |part: &str| words.contains(&part) || part.ends_with("_tests");
    path.components().any(|part| is_named(part.as_os_str().to_string_lossy().trim_end_matches(".rs")))
}

/// Adding a wallet touches `shared/src/wallet.rs`, its own folder, and its line among the registered: so nobody else may tell
/// wallets apart. What differs between them is asked of the list in `shared`, or of the adapter.
#[test]
fn nobody_but_its_own_folder_and_the_register_names_a_wallet() {
    let channel = root().join("server/src/channel");
    let may = [channel.join("registered.rs")];
    let own = ["wechat", "alipay"].map(|name| channel.join(name));
    let is_own =
        |path: &Path| own.iter().any(|own| path.starts_with(own) || path == own.with_extension("rs"));
    let looked_at = ["server/src", "terminal/src", "provisioning/src", "terminal/ui", "server/templates"];
    let looked_at = looked_at.map(|folder| root().join(folder));
    let (mut looked, mut named) = (0, 0);
    for path in source_files() {
        let relative = path.strip_prefix(root()).unwrap();
        if !looked_at.iter().any(|folder| path.starts_with(folder)) || is_a_test(relative) {
            continue;
        }
        looked += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let text = without_tests(&text);
        for wallet in Wallet::ALL {
            // On screens and pages it has no name of its own; in sources it is a member of the list.
            let names = match path.extension().is_some_and(|kind| kind == "rs") {
                true => vec![format!("Wallet::{wallet:?}")],
                false => [wallet.name(), wallet.short_name()]
                    .iter()
                    .flat_map(|name| [name.english.to_lowercase(), name.chinese.to_owned()])
                    .collect(),
            };
            let text = if names.len() == 1 { text.to_owned() } else { text.to_lowercase() };
            let is_named = names.iter().any(|name| text.contains(name.as_str()));
            named += usize::from(is_named);
            assert!(
                !is_named || may.contains(&path) || is_own(&path),
                "{} tells {wallet} from other wallets: ask shared/src/wallet.rs or the adapter instead",
                relative.display()
            );
        }
    }
    assert!(
        looked > 300 && named > 3,
        "the walk looked at {looked} files and found {named} that name a wallet"
    );
    let register = std::fs::read_to_string(channel.join("registered.rs")).unwrap();
    for wallet in Wallet::ALL {
        assert_eq!(register.matches(&format!("Wallet::{wallet:?} =>")).count(), 1, "{wallet} has one line");
    }
}

#[test]
fn the_top_level_is_as_planned() {
    let allowed = ["shared", "hardware", "provisioning", "server", "terminal", "tests", "docs", "target"];
    for entry in std::fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && !name.starts_with('.') {
            assert!(allowed.contains(&name.as_str()), "{name}/ does not belong at the top");
        }
    }
}

#[test]
fn files_stay_small_enough_to_hold_in_the_head() {
    for path in source_files() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 800, "{} has {lines} lines: split it", path.display());
    }
}

#[test]
fn nothing_is_left_for_later_in_the_sources() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("for", " now")];
    for path in source_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let found = marks.iter().find(|mark| line.contains(**mark));
            assert!(found.is_none(), "{}:{}: {}", path.display(), number + 1, line.trim());
        }
    }
}
