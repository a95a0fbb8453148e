//! A service provider's app that acts for a shop.

use super::*;
use crate::simulator::adapter_bills::Traded;
use crate::simulator::wallet::Partner;

const SHOP: &str = "2088000000000209";
const TOKEN: &str = "202611BBd0f2a1b2c3d4e5f60718293a4b5c6X20";

async fn acting_for(shop: &str, token: Option<&str>) -> Rig {
    let papers = tempfile::tempdir().unwrap();
    let file = papers.path().join("shop.token");
    std::fs::write(&file, format!("{}\n", token.unwrap_or_default())).unwrap();
    let rig = rig_with(Mode::Key, |settings| {
        settings.seller_id = Some(shop.to_owned());
        settings.app_auth_token = token.map(|_| file);
    })
    .await;
    let partner = Partner { merchant: SHOP.into(), app: None, token: Some(TOKEN.into()) };
    rig.wallet.switch(|switches| switches.partner = Some(partner));
    rig
}

#[tokio::test]
async fn a_service_provider_pays_asks_takes_back_and_refunds_for_its_shop() {
    let rig = acting_for(SHOP, Some(TOKEN)).await;
    assert_eq!(rig.channel.check().await, Ok(()));
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert!(is_paid(&rig.query().await));
    let back = ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(34),
        reason: "cold".into(),
    };
    assert_eq!(rig.channel.refund(&back).await, ChannelRefundOutcome::Done);
    let waits = charge_with(rig.wallet.issue_code(Behaviour::PasswordNever).unwrap(), 2);
    assert_eq!(rig.channel.pay(&waits).await, PayOutcome::Waiting);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Reversed);
    assert_eq!(rig.net(), 1200);
}

#[tokio::test]
async fn without_the_shops_token_or_with_another_nobody_is_charged() {
    for token in [None, Some("202611BBother")] {
        let rig = acting_for(SHOP, token).await;
        assert!(rig.channel.check().await.is_err(), "{token:?}");
        let declined = PayOutcome::ConfirmedFailure(DeclineReason::Configuration);
        assert_eq!(rig.pay(Behaviour::Pays).await, declined, "{token:?}");
        assert_eq!(rig.net(), 0);
    }
}

#[tokio::test]
async fn a_providers_bill_is_the_shops() {
    let rig = acting_for(SHOP, Some(TOKEN)).await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.comes_the_next_morning_and_holds_all().await;
}
