//! Who works on an attempt keeps it for as long as the work may take.

use super::wallet::{Customer, Line};
use super::*;

/// Two servers over the same groups and the same wallet.
#[tokio::test]
async fn an_attempt_that_is_being_taken_back_is_left_alone_as_long_as_all_its_calls_may_take() {
    let shop = Shop::new();
    let other = centre(shop.rig.groups.clone(), &[&shop.wechat], &shop.rig);
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.rig.clock.advance(seconds(20));
    shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    shop.wechat.books().reverse = Line::Hangs;
    drop(shop.centre.sweep(tag(0)).await.unwrap()); // it goes on by itself
    let asked = || shop.wechat.books().reverse_calls;
    for _ in 0..2_000 {
        if asked() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(asked(), 1);
    // Three calls, one after the other, of eight seconds each.
    shop.rig.clock.advance(seconds(25));
    assert_eq!(other.sweep(tag(0)).await.unwrap().finish().await, 0, "somebody is at it");
    assert_eq!(asked(), 1);
    shop.wechat.books().reverse = Line::Good;
    shop.rig.clock.advance(seconds(60));
    other.sweep(tag(0)).await.unwrap().finish().await;
    assert_eq!(asked(), 2, "whoever died over it is not waited for for ever");
}
