//! A new base, and servers that start on it.

use crate::shop::{HASH, Place, Shop, bootstrap};
use evertill_server::agreed_clock::AgreedClock;
use evertill_server::base_store::{BaseError, BaseStore};
use evertill_server::database::DbError;
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::staff::Role;
use std::sync::Arc;
use std::time::Duration;

/// Each has a bootstrap file of its own, and says another name.
pub async fn servers_that_start_on_one_new_base_make_one_store<P: Place>(shop: Shop<P>) {
    let starting: Vec<_> = (0..4)
        .map(|server| {
            let staff = vec![("ivy", Role::It, HASH), ("max", Role::Manager, HASH)];
            let content = bootstrap(&format!("Shop of server {server}"), staff);
            let file = shop.write_bootstrap(&format!("bootstrap {server}.json"), &content);
            let (place, clock) = (Arc::clone(&shop.place), Arc::clone(&shop.clock) as Arc<dyn Clock>);
            tokio::spawn(async move { BaseStore::on(place.database().await, &file, clock).await })
        })
        .collect();
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await.unwrap().unwrap());
    }
    for server in &servers {
        assert_eq!(server.store(), servers[0].store());
        assert_eq!(server.verify_audit().await.unwrap(), Ok(2), "two people, added once");
        assert_eq!(server.staff().await.unwrap().len(), 2);
    }
    assert_eq!(shop.open().await.store(), servers[0].store());
}

pub async fn a_bootstrap_file_that_would_lock_everyone_out_is_refused<P: Place>(shop: Shop<P>) {
    for (staff, expected) in
        [(vec![("max", Role::Manager, HASH)], "role `it`"), (vec![("ivy", Role::It, "hunter2")], "argon2id")]
    {
        shop.write_bootstrap("bootstrap.json", &bootstrap("Corner shop", staff));
        let text = shop.try_open().await.err().unwrap().to_string();
        assert!(text.contains("bootstrap.json") && text.contains(expected), "{text}");
        assert!(!text.contains("hunter2"));
    }
    shop.write_bootstrap("bootstrap.json", &bootstrap("Corner shop", vec![("ivy", Role::It, HASH)]));
    assert_eq!(shop.open().await.store().name, "Corner shop");
}

pub async fn an_order_group_is_known_to_all_servers_by_one_name<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let tag = GroupTag::try_from(3).unwrap();
    let (a, b) = tokio::join!(here.expected_group(tag), there.expected_group(tag));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((&a.base, a.group), (&b.base, None));
    here.remember_group(tag, "abc".into()).await.unwrap();
    there.remember_group(tag, "abc".into()).await.unwrap();
    let another = there.remember_group(tag, "def".into()).await;
    assert!(matches!(another, Err(BaseError::Invalid(_))), "{another:?}");
    assert_eq!(there.expected_group(tag).await.unwrap().group.as_deref(), Some("abc"));
}

const LEASE: Duration = Duration::from_secs(60);

/// A machine whose clock is wrong by so many milliseconds.
struct Off(i64);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0)
    }
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

pub async fn servers_whose_clocks_differ_go_by_the_one_that_they_share<P: Place>(shop: Shop<P>) {
    let database = shop.place.database().await;
    let is_shared = database.read(|sql| sql.time()).await.map_err(|error: DbError| error).unwrap().is_some();
    let ahead = AgreedClock::over(Arc::new(Off(240_000)), &database, LEASE).await;
    let behind = AgreedClock::over(Arc::new(Off(-240_000)), &database, LEASE).await;
    let apart = (ahead.now().0 - behind.now().0).abs();
    assert_eq!(apart < 2_000, is_shared, "{apart} ms apart");
    database.close().await;
}
