//! Figures for monitoring, scraped for real from the real program.

use crate::rig::{Server, Store};
use crate::sale::{adopt, sell};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::path;
use std::collections::BTreeMap;

/// What Prometheus would read: each line's value by its name and labels.
async fn scrape(server: &Server, metrics: &str) -> BTreeMap<String, f64> {
    let came = server.client.get(format!("http://{metrics}/metrics")).send().await.unwrap();
    assert_eq!(came.status(), 200);
    let kind = came.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = came.text().await.unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

fn sum(figures: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let named = |key: &str| key.split('{').next() == Some(name) && labels.iter().all(|l| key.contains(l));
    figures.iter().filter(|(key, _)| named(key)).map(|(_, value)| value).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_decides_can_be_read_at_an_address_of_its_own() {
    let store = Store::new();
    let (server, program, ready) = store.spawn_with("metrics_listen = \"127.0.0.1:0\"\n");
    let metrics = ready["metrics"].as_str().unwrap();
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    till.write(0);
    for _ in 0..3 {
        let sold = sell(&server, &mut till, 500).await;
        assert_eq!(adopt(&server, &mut till, &sold, Some(500)).await.status, 200);
    }
    let replay = server.sign(&till.key, "GET", path::TERMINAL, Vec::new());
    server.send(&replay).await;
    server.send(&replay).await;
    server.client.get(server.url(path::HEALTH_READY)).send().await.unwrap();
    let figures = scrape(&server, metrics).await;
    let is = |name: &str, labels: &[&str]| sum(&figures, name, labels);
    assert_eq!(is("evertill_orders_created_total", &[]), 3.0);
    assert_eq!(is("evertill_refusals_total", &["code=\"replayed\""]), 1.0);
    let drafts = ["route=\"/v1/drafts\"", "method=\"POST\"", "status=\"200\""];
    assert_eq!(is("evertill_http_request_seconds_count", &drafts), 3.0);
    assert!(is("evertill_http_request_seconds_sum", &drafts) > 0.0);
    assert!(is("evertill_group_write_seconds_count", &["outcome=\"done\""]) >= 6.0);
    let (rows, commits) = (is("evertill_group_rows_total", &[]), is("evertill_group_commits_total", &[]));
    assert!(commits >= 3.0 && rows >= 6.0 && rows >= commits, "{rows} rows in {commits} commits");
    assert!(is("evertill_probes_total", &["outcome=\"done\""]) >= 1.0);
    assert_eq!(is("evertill_group_standing", &["standing=\"healthy\""]), 3.0);
    assert_eq!(is("evertill_groups_usable", &[]), 3.0);
    assert!(is("evertill_connections", &[]) >= 1.0);
    assert!(is("evertill_door_places", &[]) >= 8.0);
    assert_eq!(is("evertill_centre_open", &["kind=\"payments\""]), 0.0);
    assert_eq!(is("evertill_stopping", &[]), 0.0);
    // No till and no order stands in a label: their number has no bound.
    assert!(figures.keys().all(|key| !key.contains("T0001") && !key.contains("2026")), "{figures:?}");
    // And not at the tills' address.
    let there = server.client.get(server.url("/metrics")).send().await.unwrap();
    assert_eq!(there.status(), 404);
    assert!(program.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_told_to_stop_leaves_each_database_whole_in_its_file() {
    let store = Store::new();
    let (server, program) = store.spawn();
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    till.write(0);
    for _ in 0..9 {
        let sold = sell(&server, &mut till, 500).await;
        assert_eq!(adopt(&server, &mut till, &sold, Some(500)).await.status, 200);
    }
    assert!(logs_beside(store.dir.path()).len() >= 4, "each database that is open has its log");
    assert!(program.terminate());
    assert_eq!(logs_beside(store.dir.path()), Vec::<std::path::PathBuf>::new());
}

fn logs_beside(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(logs_beside(&path)),
            false if path.to_string_lossy().ends_with("-wal") => found.push(path),
            false => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_that_is_shown_is_explained() {
    let manual = include_str!("../../../docs/metrics.md");
    let store = Store::new();
    let (server, _program, ready) = store.spawn_with("metrics_listen = \"127.0.0.1:0\"\n");
    let it = server.log_in("ivy").await;
    server.active_till(&it, 1).await;
    for key in scrape(&server, ready["metrics"].as_str().unwrap()).await.keys() {
        let name = key.split('{').next().unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().fold(name, |n, end| n.strip_suffix(end).unwrap_or(n));
        assert!(manual.contains(name), "{name} is not in docs/metrics.md");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_one_line_of_json_with_the_orders_number_and_the_requests_id() {
    let store = Store::new();
    let (server, program) = store.spawn();
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let tag: evertill_shared::order_number::GroupTag = 99_u8.try_into().unwrap();
    let number = evertill_shared::order_number::OrderNumber::new(server.clock.now(), 5, tag).unwrap();
    let request =
        server.sign(&till.key, "GET", &path::ORDER.replace("{number}", number.as_str()), Vec::new());
    assert_eq!(server.send(&request).await.status, 404);
    assert!(program.terminate());
    let log = std::fs::read_to_string(store.dir.path().join("server.log")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    let about = |line: &serde_json::Value| line["fields"]["request"] == request.request_id.as_str();
    let told: Vec<_> = lines.filter(about).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let fields = &told[0]["fields"];
    assert_eq!((&fields["number"], &fields["code"]), (&number.as_str().into(), &"not_found".into()));
    assert_eq!(fields["route"], path::ORDER);
}
