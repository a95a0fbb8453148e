//! A service provider that acts for a shop, by version 3; and what the wallet says of orders of either kind.

use super::*;
use crate::simulator::wallet::Partner;
use evertill_server::channel::{NotificationError, Notified};
use evertill_shared::business_day::business_day_of;

const SHOP: &str = "1900000209";

async fn acting_for(how: How, shop: Option<&str>) -> Rig {
    let rig = rig_with(how, |settings| settings.sub_merchant_id = shop.map(str::to_owned)).await;
    let partner = Partner { merchant: SHOP.into(), app: Some("wxshop".into()), token: None };
    rig.wallet.switch(|switches| {
        switches.partner = Some(partner);
        switches.signs_by = if how.by_public_key { SignsBy::PublicKey } else { SignsBy::Certificate };
    });
    rig
}

#[tokio::test]
async fn a_service_providers_codes_are_paid_told_of_closed_and_refunded_for_its_shop() {
    for how in [PUBLIC, CERTIFICATES] {
        let rig = acting_for(how, Some(SHOP)).await;
        assert_eq!(rig.channel.check().await, Ok(()));
        rig.sold(1).await;
        let QueryOutcome::Paid { transaction } = rig.query(1).await else { panic!("not paid") };
        let (headers, body) = rig.ear.heard(1).await.remove(0);
        let notified = Notified { number: number(1), amount: cny(1234), transaction };
        assert_eq!(rig.shown().notification(&headers, &body), Ok(notified));
        let back = ChannelRefund {
            interface: evertill_shared::id::Interface::NOT_KNOWN,
            refund: RefundId("R1".into()),
            number: number(1),
            paid: cny(1234),
            amount: cny(34),
            reason: "cold".into(),
        };
        assert_eq!(rig.channel.refund(&back).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.channel.query_refund(&back).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.net(1), 1200);
        rig.code(2).await;
        assert_eq!(rig.shown().close(&number(2)).await, ReverseOutcome::Reversed);
        assert_eq!(rig.query(2).await, QueryOutcome::Reversed);
    }
}

#[tokio::test]
async fn a_service_provider_charges_customers_codes_and_takes_them_back() {
    let rig = acting_for(CODES, Some(SHOP)).await;
    assert!(matches!(
        rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await,
        PayOutcome::ConfirmedSuccess { .. }
    ));
    assert_eq!(rig.channel.reverse(&number(1)).await, ReverseOutcome::Reversed);
    assert_eq!(rig.net(1), 0);
}

#[tokio::test]
async fn whoever_names_no_shop_or_another_one_gets_nothing() {
    for shop in [None, Some("1900000210")] {
        let rig = acting_for(PUBLIC, shop).await;
        assert!(rig.channel.check().await.is_err());
        let refused = rig.shown().create(&rig.order(1)).await;
        assert_eq!(refused, ShownOutcome::Refused(DeclineReason::Configuration), "{shop:?}");
    }
    // And a shop's name in the requests of a merchant that provides for nobody.
    let rig = rig_with(PUBLIC, |settings| settings.sub_merchant_id = Some(SHOP.into())).await;
    let refused = rig.shown().create(&rig.order(1)).await;
    assert_eq!(refused, ShownOutcome::Refused(DeclineReason::Configuration));
}

#[tokio::test]
async fn an_answer_or_a_notification_about_another_shop_proves_nothing() {
    let rig = acting_for(PUBLIC, Some(SHOP)).await;
    rig.sold(1).await;
    let (headers, body) = rig.ear.heard(1).await.remove(0);
    let mut settings = settings(&rig.wallet, &rig.ear, PUBLIC);
    for (shop, named) in [(Some("1900000210"), "/sub_mchid"), (None, "/appid")] {
        settings.sub_merchant_id = shop.map(str::to_owned);
        let other = WechatChannel::new(&settings, Arc::clone(&rig.clock) as Arc<dyn Clock>).unwrap();
        let refused = other.shown().unwrap().notification(&headers, &body);
        assert_eq!(refused, Err(NotificationError::Mismatch(named)));
    }
    spoil(&rig.wallet, Endpoint::Query, &Fault::OtherMerchant);
    assert_eq!(rig.query(1).await, QueryOutcome::Unknown);
    heal(&rig.wallet);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
}

#[tokio::test]
async fn a_providers_bill_is_the_shops() {
    let rig = acting_for(PUBLIC, Some(SHOP)).await;
    rig.sold(1).await;
    let day = business_day_of(rig.clock.now(), &"Asia/Shanghai".parse().unwrap(), 0);
    rig.turn(2 * 24 * 60 * 60 * 1000);
    let rows = rig.channel.bills().unwrap().bill(day).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.amount.minor).collect::<Vec<_>>(), [1234]);
}

#[tokio::test]
async fn a_shown_code_is_not_taken_back_but_closed_and_the_wallet_says_which_it_was() {
    let rig = rig(PUBLIC).await;
    let kind = async |sequence| rig.shown().was_shown(&number(sequence), cny(1234)).await;
    rig.sold(1).await;
    assert_eq!(rig.channel.reverse(&number(1)).await, ReverseOutcome::Retry, "paid, and not charged");
    assert_eq!((kind(1).await, rig.net(1)), (Some(true), 1234));
    let code = rig.code(2).await;
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::NoSuchOrder, "nobody has scanned it");
    assert_eq!(kind(2).await, None);
    rig.wallet.scan(&code, Behaviour::PasswordNever).unwrap();
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Retry);
    assert_eq!(rig.shown().close(&number(2)).await, ReverseOutcome::Reversed);
    rig.channel.pay(&rig.charge(Behaviour::Pays, 3)).await;
    assert_eq!(kind(3).await, Some(false));
}
