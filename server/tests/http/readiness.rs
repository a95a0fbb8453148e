//! The health checks tell the truth, so that a balancer can go by them.

use crate::rig::{Server, Store};
use evertill_shared::protocol::path;
use std::time::Duration;

async fn look(server: &Server, path: &str) -> (u16, serde_json::Value) {
    let came = server.client.get(server.url(path)).send().await.unwrap();
    (came.status().as_u16(), came.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_about_to_stop_says_so_and_serves_on_until_a_balancer_has_seen_it() {
    let store = Store::new();
    let mut server = store.serve_with("drain_ms = 1500\n").await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    assert_eq!(look(&server, path::HEALTH_READY).await.0, 200);
    let stopping = server.begin_stop();
    let (status, said) = loop {
        let seen = look(&server, path::HEALTH_READY).await;
        if seen.0 != 200 {
            break seen;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((status, &said["ready"], &said["stopping"]), (503, &false.into(), &true.into()), "{said}");
    assert_eq!(look(&server, path::HEALTH_LIVE).await.0, 200, "it is alive all the same");
    assert_eq!(server.get(&till.key, path::TERMINAL).await.status, 200, "and what comes in is done");
    stopping.await.unwrap();
    assert!(server.client.get(server.url(path::HEALTH_LIVE)).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_group_that_takes_orders_it_is_not_ready_and_with_one_it_is() {
    for (broken, ready) in [(3, 503), (2, 200)] {
        let store = Store::new();
        std::fs::create_dir_all(store.dir.path().join("data/groups")).unwrap();
        for tag in 0..broken {
            let file = store.dir.path().join(format!("data/groups/{tag:02}.db"));
            std::fs::write(file, b"rubbish".repeat(999)).unwrap();
        }
        let server = store.serve().await;
        let (status, said) = look(&server, path::HEALTH_READY).await;
        assert_eq!((status, &said["base_store"]), (ready, &true.into()), "{said}");
        assert_eq!(look(&server, path::HEALTH_LIVE).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_health_checks_write_into_the_groups_once_a_second_at_most() {
    let store = Store::new();
    let server = store.serve().await;
    for _ in 0..50 {
        assert_eq!(look(&server, path::HEALTH_READY).await.0, 200);
    }
    server.stop().await;
    let group = rusqlite::Connection::open(store.dir.path().join("data/groups/00.db")).unwrap();
    let sum = "SELECT COALESCE(SUM(count), 0) FROM probe";
    let probes: i64 = group.query_row(sum, [], |row| row.get(0)).unwrap();
    assert!((1..=10).contains(&probes), "{probes}");
}
