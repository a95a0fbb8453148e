use super::*;
use crate::channel::Channel;
use crate::order_centre::testing::ScriptedWallet;
use crate::order_centre::{CentreSettings, OpenAccount, Serving};
use crate::order_group::testing::{Rig, base, guard, store};
use crate::order_group::{NewPayment, Policies};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Currency;
use evertill_shared::payment::PaymentState;
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

/// An attempt of which nobody knows where it was sent, heard of now and to be taken back; whether it is over in the end.
async fn a_lost_attempt_is_over(rig: &Rig, server: &Accounts) -> bool {
    let centre = &server.0.centre;
    let (till, at) = (&rig.till, rig.clock.now());
    let sale = till.sale(700);
    let number = rig.draft(&sale).await.number;
    let channel_number = ChannelNumber::new(store().id, sale.key, 1);
    let missing = NewPayment {
        adoption: till.adoption(&sale, number, at),
        requested: till.requested(&sale, number, 1),
        intent: centre.intent_never_seen(1, Wallet::WeChatPay, channel_number, sale.sale.total),
        lease: centre.lease(),
        guard: guard(),
    };
    centre.take_back(number, 1, Some(missing), guard()).await.unwrap();
    for _ in 0..300 {
        rig.clock.advance(Duration::from_secs(1));
        for tag in rig.groups.tags() {
            centre.sweep(tag).await.unwrap().finish().await;
        }
    }
    rig.groups.payment(number, 1).await.unwrap().payment.state == PaymentState::Reversed
}

#[tokio::test]
async fn when_the_row_of_the_settings_files_account_is_deleted_nobody_waits_for_that_account() {
    let rig = Rig::new(1);
    let base = base(&rig).await;
    server(&rig, &base, named("A")).start().await.unwrap();
    let (own, other) = (add(&base, "A").await, add(&base, "B").await);
    // A server of today, whose settings name no account any more.
    let today = server(&rig, &base, BTreeMap::new());
    let channel = ScriptedWallet::new(Wallet::WeChatPay) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: other, version: 1, is_the_files: false, channel }];
    today.0.centre.serve(Serving { accounts, ..Serving::default() });
    today.start().await.unwrap();
    assert!(!a_lost_attempt_is_over(&rig, &today).await, "it may be at the settings files' account");
    base.enable_account(own, false, "closed".into(), "it".into()).await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    base.delete_account(own, "closed".into(), "it".into()).await.unwrap();
    today.refresh().await.unwrap();
    assert!(a_lost_attempt_is_over(&rig, &today).await);
}
