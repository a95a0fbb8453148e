//! Starting: from nothing, again, after a kill, and not at all when something is wrong.

use crate::rig::Store;
use evertill_server::config::Config;
use evertill_server::start;
use evertill_shared::clock::Clock;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::path as staff_path;
use evertill_shared::protocol::terminal::{HandIn, TerminalStatus};
use std::process::Command;
use std::sync::Arc;

async fn start_error(store: &Store, settings: &str) -> String {
    let config = Config::parse(settings, store.dir.path()).unwrap();
    let started = start(config, Arc::clone(&store.clock) as Arc<dyn Clock>).await;
    started.err().map(|error| error.to_string()).unwrap_or_else(|| panic!("it started"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_kill_9() {
    let store = Store::new();
    let (server, program) = store.spawn();
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    let entries = vec![till.write(1), till.write(2)];
    let came = server.ask(&till.key, "POST", path::JOURNAL, Some(&HandIn { entries })).await;
    assert_eq!(came.status, 200);
    program.kill();
    let (server, program) = store.spawn();
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert!(status.state.may_move_money());
    assert_eq!(status.journal_head, till.head);
    let sessions_stay = server.staff("GET", staff_path::TERMINALS, Some(&it), &()).await;
    assert_eq!(sessions_stay.status, 200);
    assert!(program.terminate(), "SIGTERM ends it well");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bootstrap_file_is_needed_once_only() {
    let store = Store::new();
    store.serve().await.stop().await;
    std::fs::remove_file(store.dir.path().join("bootstrap.json")).unwrap();
    let server = store.serve().await;
    assert_eq!(server.app().base.verify_audit().await.unwrap(), Ok(3));
}

#[test]
fn the_program_says_what_is_wrong_and_how_it_is_used() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_evertill-server")).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (ok, help) = run(&["--help"]);
    assert!(ok && help.contains("--config") && help.contains("Example"), "{help}");
    let (ok, text) = run(&["--config", "/nowhere/server.toml"]);
    assert!(!ok && text.contains("/nowhere/server.toml") && text.contains("evertill-admin"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_base_store_is_named_and_left_alone() {
    let store = Store::new();
    store.serve().await.stop().await;
    let file = store.dir.path().join("data/base.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let from = 2 * 4096;
    bytes[from..].fill(0x5A);
    std::fs::write(&file, &bytes).unwrap();
    let text = start_error(&store, store.settings()).await;
    assert!(text.contains("base.db is damaged") && text.contains("Put a good copy"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_file_that_is_missing_or_wrong_is_named_with_its_setting() {
    for (name, setting) in [
        ("tls.pem", "tls_certificate"),
        ("tls.key", "tls_key"),
        ("response.key", "response_key"),
        ("server-keys.json", "server_keys"),
        ("bootstrap.json", "bootstrap.json"),
    ] {
        let store = Store::new();
        std::fs::write(store.dir.path().join(name), b"nonsense").unwrap();
        let text = start_error(&store, store.settings()).await;
        assert!(text.contains(setting) && text.contains(name), "{text}");
        std::fs::remove_file(store.dir.path().join(name)).unwrap();
        let text = start_error(&store, store.settings()).await;
        assert!(text.contains(setting) && text.contains(name), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_key_that_the_root_does_not_vouch_for_is_refused() {
    let store = Store::new();
    let renamed = store.settings().replace("server-1", "server-2");
    let text = start_error(&store, &renamed).await;
    assert!(text.contains("does not vouch") && text.contains("server-2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named() {
    let store = Store::new();
    let server = store.serve().await;
    let taken = store.settings().replace("127.0.0.1:0", &server.addr.to_string());
    let text = start_error(&store, &taken).await;
    assert!(text.contains("`listen`") && text.contains(&server.addr.to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_older_than_tls_1_3_is_spoken() {
    let store = Store::new();
    let server = store.serve().await;
    let old = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_version_max(reqwest::tls::Version::TLS_1_2)
        .build()
        .unwrap();
    assert!(old.get(server.url(path::HEALTH_LIVE)).send().await.is_err());
    assert_eq!(server.client.get(server.url(path::HEALTH_LIVE)).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_group_or_base_store_is_not_replaced_by_an_empty_one() {
    let store = Store::new();
    store.serve().await.stop().await;
    let groups = store.dir.path().join("data/groups");
    let away = store.dir.path().join("away.db");
    std::fs::rename(groups.join("00.db"), &away).unwrap();
    let server = store.serve().await;
    let health = server.app().groups.health();
    assert!(health[0].engine.contains("is gone"), "{}", health[0].engine);
    assert_eq!((health[1].engine.as_str(), groups.join("00.db").exists()), ("open", false));
    assert!(server.app().groups.can_create().await, "the others work");
    server.stop().await;
    std::fs::rename(&away, groups.join("00.db")).unwrap();

    // The base store's disk is empty: terminals would be numbered from 1 again, and their payments too.
    for file in std::fs::read_dir(store.dir.path().join("data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let server = store.serve().await;
    for health in server.app().groups.health() {
        assert!(health.engine.contains("another base store"), "{}", health.engine);
    }
    assert!(!server.app().groups.can_create().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_file_of_another_version_is_named_left_alone_and_the_others_serve() {
    let store = Store::new();
    store.serve().await.stop().await;
    let file = store.dir.path().join("data/groups/00.db");
    let version = |number: u32| {
        let connection = rusqlite::Connection::open(&file).unwrap();
        let before: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "user_version", number).unwrap();
        before
    };
    let known = version(999);
    let before = std::fs::read(&file).unwrap();
    let server = store.serve().await;
    let told = server.app().groups.health()[0].engine.clone();
    assert!(told.contains("00.db") && told.contains("999") && told.contains("newer"), "{told}");
    assert!(server.app().groups.can_create().await, "the others work");
    server.stop().await;
    assert_eq!(std::fs::read(&file).unwrap(), before, "nothing is half done");
    version(known);
    let server = store.serve().await;
    assert_eq!(server.app().groups.health()[0].engine, "open");
}
