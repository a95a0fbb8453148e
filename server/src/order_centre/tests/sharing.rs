//! Any number of servers share the work by leases.

use super::wallet::Line;
use super::*;
use evertill_shared::payment::PaymentState;

/// Payments whose answers were lost.
async fn unknown(shop: &Shop, many: usize) -> Vec<Sold> {
    shop.wechat.books().pay = Line::LosesAnswer;
    let mut all = Vec::new();
    for nth in 0..many {
        let sold = shop.order(100).await;
        shop.pay(&sold, 1, &format!("code-{nth}")).await.unwrap();
        all.push(sold);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_sweep_at_once_ask_about_each_payment_once() {
    let shop = Shop::new();
    let all = unknown(&shop, 3).await;
    let servers: Vec<OrderCentre> =
        (0..3).map(|_| centre(shop.rig.groups.clone(), &[&shop.wechat], &shop.rig)).collect();
    shop.rig.clock.advance(seconds(6));
    for _ in 0..6 {
        let sweeps = servers
            .iter()
            .cloned()
            .map(|server| tokio::spawn(async move { server.sweep(tag(0)).await.unwrap().finish().await }));
        for sweep in sweeps.collect::<Vec<_>>() {
            sweep.await.unwrap();
        }
    }
    for sold in &all {
        assert_eq!(shop.state(sold, 1).await, PaymentState::Paid);
    }
    assert_eq!(shop.wechat.books().queries, 3, "each is asked about by one of them");
    assert_eq!(shop.wechat.books().net(), 300);
}

#[tokio::test]
async fn what_a_server_that_hangs_has_taken_up_is_taken_over_when_its_lease_ends() {
    let shop = Shop::new();
    let all = unknown(&shop, 3).await;
    shop.wechat.books().query = Line::Hangs;
    shop.rig.clock.advance(seconds(6));
    drop(shop.centre.sweep(tag(0)).await.unwrap());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(shop.wechat.books().queries, 3, "taken up, and not answered");
    shop.wechat.books().query = Line::Good;
    let other = centre(shop.rig.groups.clone(), &[&shop.wechat], &shop.rig);
    assert_eq!(other.sweep(tag(0)).await.unwrap().finish().await, 0, "another lease lives");
    shop.rig.clock.advance(seconds(11));
    assert_eq!(other.sweep(tag(0)).await.unwrap().finish().await, 3);
    for sold in &all {
        assert_eq!(shop.state(sold, 1).await, PaymentState::Paid);
    }
}

#[tokio::test]
async fn money_that_goes_back_by_itself_is_worked_on_by_one_server_at_a_time() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    connection.execute("UPDATE payments SET state = 'reversed'", []).unwrap();
    drop(connection);
    shop.centre.scan(tag(0), None).await.unwrap();
    let servers: Vec<OrderCentre> =
        (0..4).map(|_| centre(shop.rig.groups.clone(), &[&shop.wechat], &shop.rig)).collect();
    let mut sweeps = Vec::new();
    for server in &servers {
        sweeps.push(server.sweep(tag(0)).await.unwrap());
    }
    for sweep in sweeps {
        sweep.finish().await;
    }
    let books = shop.wechat.books();
    assert_eq!((books.refund_calls, books.net()), (1, 0));
}
