//! An answer about something else than was asked is told in the order's story, and in the channel's health.

use super::*;
use crate::channel::mismatch::Mismatch;
use crate::order_group::Fact;

fn other(shop: &Shop, sold: &Sold, field: &'static str) -> Mismatch {
    let payment = ChannelNumber::new(store().id, sold.sale.key, 1);
    Mismatch { payment, call: "query".into(), field, at: shop.rig.clock.now() }
}

async fn told(shop: &Shop, sold: &Sold) -> Vec<String> {
    let story = shop.rig.groups.order(sold.number).await.unwrap().story;
    let field = |fact: Fact| match fact {
        Fact::OtherThanAsked { attempt: 1, field, .. } => Some(field),
        _ => None,
    };
    story.into_iter().filter_map(|line| field(line.what)).collect()
}

#[tokio::test]
async fn a_mismatch_is_its_own_fact_in_the_orders_story_told_once() {
    let shop = Shop::new();
    let (sold, never_charged) = (shop.order(700).await, shop.order(300).await);
    shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!(shop.centre.channels()[0].mismatches, (0, None));
    for _ in 0..2 {
        shop.wechat.heard.note(other(&shop, &sold, "total_fee"));
        shop.centre.tell_of_mismatches().await;
    }
    shop.wechat.heard.note(other(&shop, &never_charged, "total_fee")); // of no payment of ours
    shop.wechat.heard.note(other(&shop, &sold, "out_trade_no"));
    shop.centre.tell_of_mismatches().await;
    assert_eq!(told(&shop, &sold).await, ["total_fee", "out_trade_no"]);
    let (count, last) = shop.centre.channels()[0].mismatches.clone();
    assert_eq!((count, last.map(|last| last.field)), (4, Some("out_trade_no")));
    assert!(shop.wechat.heard.untold().is_empty());
}
