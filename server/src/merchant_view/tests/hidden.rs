use super::super::MerchantView;
use super::postgres::Server;
use super::shop::Shop;
use crate::database::{Database, DbError};
use crate::order_group::StoredGroup;
use crate::order_group::testing::tag;
use std::time::Duration;

async fn oldest(database: &Database) -> Duration {
    database.read(|sql| sql.oldest_write()).await.map_err(|error: DbError| error).unwrap()
}

/// A commit that waits for its standbys is such a write, too: begun, and not seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_sees_yet_holds_the_time_back() {
    let server = Server::shared();
    let settings = server.database().await;
    let database = Database::postgres(settings.clone(), &StoredGroup::schema(tag(0))).unwrap();
    let (client, connection) = server.client(&settings.database).await;
    tokio::spawn(connection);
    client.batch_execute("BEGIN; INSERT INTO probe (server, at, count) VALUES ('x', 0, 1)").await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    let held = oldest(&database).await;
    assert!(held >= Duration::from_millis(120) && held < Duration::from_secs(60), "{held:?}");
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(oldest(&database).await, Duration::ZERO);
    // Who only looks holds nothing back.
    client.batch_execute("BEGIN; SELECT count(*) FROM probe").await.unwrap();
    assert_eq!(oldest(&database).await, Duration::ZERO);
}

#[tokio::test]
async fn without_a_view_nothing_is_shown_and_it_says_why() {
    let shop = Shop::on_sqlite().await;
    let view = MerchantView::missing("write [view]", shop.rig.clock.clone());
    let feeders = view.spawn_feeders(shop.rig.groups.clone());
    let number = shop.rig.cash_order(100).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(feeders);
    let error = view.page(shop.day(), None).await.unwrap_err().to_string();
    assert!(error.contains("write [view]"), "{error}");
    assert_eq!(shop.part(number.tag(), 10).await.sales.len(), 1, "what changed waits for the view");
}
