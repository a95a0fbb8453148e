//! A service provider that acts for a shop, by version 2.

use super::*;
use crate::simulator::adapter_bills::Traded;
use crate::simulator::wallet::Partner;

const SHOP: &str = "1900000209";

fn is_a_provider(rig: &Rig, app: Option<&str>) {
    let partner = Partner { merchant: SHOP.into(), app: app.map(str::to_owned), token: None };
    rig.wallet.switch(|switches| switches.partner = Some(partner));
}

async fn acting_for(shop: Option<&str>, app: Option<&str>) -> Rig {
    rig_with(|settings| {
        settings.sub_merchant_id = shop.map(str::to_owned);
        settings.sub_app_id = app.map(str::to_owned);
    })
    .await
}

#[tokio::test]
async fn a_service_provider_pays_asks_takes_back_and_refunds_for_its_shop() {
    for app in [None, Some("wxshop")] {
        let rig = acting_for(Some(SHOP), app).await;
        is_a_provider(&rig, app);
        assert_eq!(rig.channel.check().await, Ok(()));
        let PayOutcome::ConfirmedSuccess { transaction } = rig.pay(Behaviour::Pays).await else {
            panic!("not paid")
        };
        assert_eq!(rig.query().await, QueryOutcome::Paid { transaction });
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
        let waits = charge_with(rig.wallet.issue_code(Behaviour::PasswordNever).unwrap(), 2);
        assert_eq!(rig.channel.pay(&waits).await, PayOutcome::Waiting);
        assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Reversed);
        assert_eq!(rig.net(), 1200);
    }
}

#[tokio::test]
async fn whoever_names_no_shop_or_another_one_is_turned_away_and_charges_nobody() {
    for (named, provides) in [(None, true), (Some("1900000210"), true), (Some(SHOP), false)] {
        let rig = acting_for(named, None).await;
        if provides {
            is_a_provider(&rig, None);
        }
        let told = rig.channel.check().await.unwrap_err();
        assert!(told.contains("sub_mch_id"), "IT is told what is wrong: {told}");
        assert_eq!(rig.pay(Behaviour::Pays).await, PayOutcome::Unknown, "unsigned, it proves nothing");
        assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Unknown, 0));
    }
}

#[tokio::test]
async fn an_answer_about_another_shop_proves_nothing() {
    let rig = acting_for(Some(SHOP), None).await;
    is_a_provider(&rig, None);
    assert_eq!(rig.pay(Behaviour::OtherMerchant).await, PayOutcome::Unknown);
    assert_eq!(rig.net(), 1234, "charged all the same");
    rig.wallet.switch(|switches| switches.always = [(Endpoint::Query, Fault::OtherMerchant)].into());
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
    rig.wallet.switch(|switches| switches.always.clear());
    assert!(is_paid(&rig.query().await));
}

#[tokio::test]
async fn a_providers_bill_is_the_shops() {
    let rig = acting_for(Some(SHOP), None).await;
    is_a_provider(&rig, None);
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.comes_the_next_morning_and_holds_all().await;
}
