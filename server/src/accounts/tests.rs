use super::*;
use crate::base_store::{BillRun, BillsOf, RunFigures, RunState};
use crate::channel::Channel;
use crate::order_centre::testing::ScriptedWallet;
use crate::order_centre::{CentreSettings, OpenAccount, Serving};
use crate::order_group::testing::{Rig, base, guard, store};
use crate::order_group::{NewPayment, PaymentNews, Policies};
use evertill_shared::business_day::StoreZone;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Currency;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Event, PayOutcome, PaymentState, Policy};
use evertill_shared::reconciliation::Reconciled;
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
        fee: None,
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
        cash_part: None,
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
    rig.clock.advance(Duration::from_secs(7 * 24 * 3600 + 1));
    base.delete_account(own, "closed".into(), "it".into()).await.unwrap();
    today.refresh().await.unwrap();
    assert!(a_lost_attempt_is_over(&rig, &today).await);
}

/// A payment through that account, now.
async fn paid_through(rig: &Rig, server: &Accounts, account: AccountId) -> OrderNumber {
    let (centre, at) = (&server.0.centre, rig.clock.now());
    let sale = rig.till.sale(700);
    let number = rig.draft(&sale).await.number;
    let channel_number = ChannelNumber::new(store().id, sale.key, 1);
    let intent = centre.intent(1, Wallet::WeChatPay, channel_number, sale.sale.total);
    let payment = NewPayment {
        adoption: rig.till.adoption(&sale, number, at),
        requested: rig.till.requested(&sale, number, 1),
        cash_part: None,
        intent: evertill_shared::payment::Payment { account, ..intent },
        lease: centre.lease(),
        guard: guard(),
    };
    rig.groups.start_payment(payment).await.unwrap();
    let event = Event::Pay(PayOutcome::ConfirmedSuccess { transaction: "42".into() });
    let news = PaymentNews { number, attempt: 1, event, found_at: None, at, policy: Policy::default() };
    rig.groups.record_payment(news).await.unwrap();
    number
}

#[tokio::test]
async fn settings_that_name_an_account_no_more_are_told_of_if_payments_rest_on_it() {
    let rig = Rig::new(1);
    let base = base(&rig).await;
    let with_it = server(&rig, &base, named("A"));
    with_it.start().await.unwrap();
    let without = server(&rig, &base, BTreeMap::new());
    let forsaken = async || without.forsaken(&base.wallet_table().await.unwrap()).await;
    assert_eq!(forsaken().await, [], "nothing rests on it");
    paid_through(&rig, &with_it, AccountId::OF_THE_FILE).await;
    assert_eq!(forsaken().await, [(Wallet::WeChatPay, "A".to_owned())]);
    without.start().await.unwrap();
    assert_eq!(with_it.forsaken(&base.wallet_table().await.unwrap()).await, [], "its settings name it");
    add(&base, "B").await;
    assert_eq!(forsaken().await.len(), 1, "another account does not answer for it");
    add(&base, "A").await;
    assert_eq!(forsaken().await, [], "it was imported");
}

/// That day's bill is compared, and all before it.
async fn compared(base: &BaseStore, rig: &Rig, account: AccountId, day: BusinessDay) {
    let of = BillsOf::new(Wallet::WeChatPay, account);
    let lease = base.take_bills(of, "server-1".into()).await.unwrap().unwrap();
    let at = rig.clock.now();
    let run = BillRun {
        channel: Wallet::WeChatPay,
        account,
        day,
        state: RunState::Done,
        tries: 1,
        tried_at: at,
        next_at: at,
        problem: None,
        figures: RunFigures::default(),
        difference: BTreeMap::new(),
    };
    base.bill_done(lease, run, Reconciled::default()).await.unwrap();
}

#[tokio::test]
async fn an_account_goes_only_when_the_days_on_which_it_was_used_are_compared() {
    let rig = Rig::new(1);
    let base = base(&rig).await;
    let it = server(&rig, &base, BTreeMap::new());
    let (own, other) = (add(&base, "A").await, add(&base, "B").await);
    paid_through(&rig, &it, own).await;
    base.enable_account(own, false, "closed".into(), "it".into()).await.unwrap();
    let day = StoreZone::china();
    let sold_on = evertill_shared::business_day::business_day_of(rig.clock.now(), &day, 0);
    // Long enough for every other reason to be over.
    rig.clock.advance(Duration::from_secs(30 * 24 * 3600));
    let mut compared_on = sold_on;
    for n in 0..4 {
        // That another account's days are compared says nothing of this one's.
        compared(&base, &rig, other, compared_on).await;
        compared(&base, &rig, own, compared_on).await;
        let deleted = it.delete(own, "closed".into(), "it".into()).await;
        // Its rows may wait for a line in the bills of the three days that follow.
        if n < 3 {
            assert!(matches!(deleted, Err(ChangeError::InUse)), "day {n}: {deleted:?}");
        } else {
            deleted.unwrap();
        }
        compared_on = compared_on.next();
    }
}
