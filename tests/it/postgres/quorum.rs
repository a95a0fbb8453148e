//! Both standbys are gone: the primary takes everything and acknowledges nothing.

use super::shop::{PATIENCE, charged_at_last, shop_on_a_group};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_tests::books;
use evertill_tests::process::wait_until;
use evertill_tests::rig::postgres::Fault;
use std::time::Duration;

/// Commits that wait for a standby.
const HUNG: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_no_standby_confirms_is_unknown_and_is_there_once_when_they_are_back() {
    let (shop, mut group) = shop_on_a_group("quorum").await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let first = shop.sale_in(&mut till, 0, 700).await;
    let second = shop.sale_in(&mut till, 0, 800).await;
    let (code, other) = (shop.code().await, shop.code().await);
    let requested = till.request(&first, 1).unwrap();
    let requested_too = till.request(&second, 1).unwrap();

    group.inflict(Fault::NoQuorum).unwrap();
    let superuser = group.primary().superuser();
    let hung = || superuser.rows(HUNG).unwrap()[0].parse::<u32>().unwrap();
    let asked = tokio::time::timeout(PATIENCE, till.charge(&first, &requested, &code)).await;
    let refused = asked.expect("it is answered though the commit hangs").unwrap_err();
    assert!(refused.outcome_unknown(), "{refused:?}");
    let refused = till.charge(&second, &requested_too, &other).await.unwrap_err();
    let later = Some(ErrorCode::GroupUnavailable);
    assert!(refused.code() == later || refused.outcome_unknown(), "{refused:?}");
    assert!(hung() >= 1, "nothing hangs");

    // Sales go on in the other groups, and are paid.
    for minor in [110, 120, 130, 140] {
        let order = shop.paid(&mut till, minor).await;
        assert_ne!(order.number.tag().get(), 0, "a group without standbys gave out a number");
        assert_eq!(shop.net(&order).await, Some(minor));
    }
    // Whoever asks again and again does not pile up commits that hang.
    for _ in 0..20 {
        assert!(till.charge(&first, &requested, &code).await.is_err());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let most = hung();
    assert!((1..=8).contains(&most), "{most} commits hang");
    // The intent is not known to be written: the wallet was not asked for either of them.
    assert_eq!((shop.net(&first).await, shop.net(&second).await), (None, None));
    let reader = group.primary().application();
    let intents = "SELECT count(*) FROM payments";
    assert_eq!(reader.rows(intents).unwrap(), ["0"], "what hangs is seen by nobody");

    group.heal().unwrap();
    let came = || reader.rows(intents).unwrap()[0] != "0";
    assert!(wait_until(PATIENCE, came), "the intent whose answer was unknown came, and was not cancelled");
    for (order, requested, code, minor) in
        [(&first, &requested, &code, 700), (&second, &requested_too, &other, 800)]
    {
        let view = charged_at_last(&till, order, requested, code).await;
        let net = shop.net(order).await.unwrap_or(0);
        assert_eq!(net, if view.state == PaymentState::Paid { minor } else { 0 }, "{view:?}");
    }
    let booked = books::paid_orders_of(&shop.rig, 0).unwrap();
    assert!(booked.len() <= 2, "{booked:?}");
    shop.nothing_is_doubled();
    let log = std::fs::read_to_string(group.primary().log()).unwrap();
    assert!(!log.contains("canceling wait for synchronous replication"), "a wait was cancelled");
    let back = shop.sale_in(&mut till, 0, 150).await;
    assert_eq!(back.number.tag().get(), 0, "the group is used again by itself");
}
