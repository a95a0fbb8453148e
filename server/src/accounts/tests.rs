use super::*;
use crate::channel::Channel;
use crate::order_centre::CentreSettings;
use crate::order_centre::testing::ScriptedWallet;
use crate::order_group::Policies;
use crate::order_group::testing::{Rig, base};
use evertill_shared::money::Currency;
use evertill_shared::routing::Span;

fn named(merchant: &str) -> BTreeMap<Wallet, String> {
    BTreeMap::from([(Wallet::WeChatPay, merchant.to_owned())])
}

/// A server that has no key for any secret, and whose settings name that merchant.
fn server(rig: &Rig, base: &BaseStore, of_the_file: BTreeMap<Wallet, String>) -> Accounts {
    let channel = ScriptedWallet::new(Wallet::WeChatPay) as Arc<dyn Channel>;
    let channels = of_the_file.keys().map(|_| Arc::clone(&channel)).collect();
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let settings = CentreSettings::default();
    let groups = rig.groups.clone();
    let centre =
        OrderCentre::new(groups.clone(), channels, Policies::default(), Arc::clone(&clock), settings);
    Accounts::new((base.clone(), groups, centre), Keyring::default(), of_the_file, clock)
}

async fn add(base: &BaseStore, merchant: &str) -> AccountId {
    let facts = AccountFacts {
        name: merchant.into(),
        wallet: Wallet::WeChatPay,
        merchant: merchant.into(),
        store: None,
        currency: Currency::CNY,
        scanned: true,
        shown: false,
        amounts: Span::default(),
        settings: "{}".into(),
    };
    let sealed = SealedSecret {
        name: "api_key".into(),
        key_id: "elsewhere".into(),
        sealed: "sealed".into(),
        set_at: Timestamp(1),
    };
    let by = Changer { who: "it".into(), request: format!("add {merchant}") };
    base.add_account(facts, true, Box::new(move |_| Ok(vec![sealed.clone()])), by).await.unwrap()
}

#[tokio::test]
async fn settings_that_name_another_merchant_than_the_first_ones_do_not_start() {
    let rig = Rig::new(1);
    let base = base(&rig).await;
    server(&rig, &base, named("A")).start().await.unwrap();
    server(&rig, &base, named("A")).start().await.unwrap();
    server(&rig, &base, BTreeMap::new()).start().await.unwrap();
    let other = server(&rig, &base, named("B")).start().await.unwrap_err();
    assert!(
        matches!(&other, AccountsError::OtherMerchant { named, known, .. } if named == "B" && known == "A")
    );
}

#[tokio::test]
async fn an_account_that_cannot_be_opened_is_left_out_or_served_by_the_settings_that_name_it() {
    let rig = Rig::new(1);
    let base = base(&rig).await;
    server(&rig, &base, named("A")).start().await.unwrap();
    let (own, other) = (add(&base, "A").await, add(&base, "B").await);
    let with_the_file = server(&rig, &base, named("A"));
    with_the_file.start().await.unwrap();
    let centre = &with_the_file.0.centre;
    assert!(centre.served(Wallet::WeChatPay, own).is_some(), "it is the very account of the settings");
    assert!(centre.served(Wallet::WeChatPay, other).is_none());
    assert!(matches!(with_the_file.standing(own), Some(Standing::Wrong(_))), "people are told all the same");
    let without = server(&rig, &base, BTreeMap::new());
    without.start().await.unwrap();
    assert!(without.0.centre.served(Wallet::WeChatPay, own).is_none());
    assert!(without.0.centre.wallets().is_empty());
}
