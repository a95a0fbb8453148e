//! What the wallet keeps of each payment: by the account's own agreement, or else by the settings'.

use super::accounts::{DAY_OF_SALE, ONE, OTHER, publish, shop as two_accounts, success};
use super::*;
use crate::base_store::{AccountFacts, Changer};
use evertill_shared::money::Currency;
use evertill_shared::routing::Span;

/// A row for the second account, with what IT has said of its fee.
async fn agree(shop: &Shop, fee: Option<u32>) {
    let facts = AccountFacts {
        name: "Second".into(),
        wallet: Wallet::WeChatPay,
        merchant: "1900000002".into(),
        store: None,
        currency: Currency::CNY,
        scanned: true,
        shown: false,
        amounts: Span::default(),
        fee,
        settings: "{}".into(),
    };
    let by = Changer { who: "it".into(), request: "add the second".into() };
    let id = shop.reconciler.base.add_account(facts, true, Box::new(|_| Ok(Vec::new())), by).await.unwrap();
    assert_eq!(id, ONE);
}

/// Of each account a payment of 10.00 of which the wallet keeps 0.06; what is found wrong with either account's fee.
async fn found(own: Option<u32>, of_all: Option<u32>) -> [Vec<Category>; 2] {
    let (mut shop, other) = two_accounts().await;
    let fees = of_all.map(|fee| (Wallet::WeChatPay, fee)).into_iter().collect();
    shop.reconciler.settings = Arc::new(ReconcilingSettings { fees, ..ReconcilingSettings::default() });
    agree(&shop, own).await;
    let (first, second) = (shop.paid(1_000).await, shop.pay_to(ONE, 1_000, success()).await);
    let of_six = |number: &str| Ok(vec![BillRow { fee_minor: 6, ..line(number, 1_000) }]);
    shop.publish(DAY_OF_SALE, of_six(&first.number));
    publish(&other, DAY_OF_SALE, of_six(&second.number));
    shop.morning().await;
    let of = async |of| {
        let found = shop.reconciler.base.bill_findings(of, day(DAY_OF_SALE), (0, 9)).await.unwrap();
        assert_eq!(run_done(&shop, of).await, RunState::Done);
        found.into_iter().map(|one| one.category).collect()
    };
    [of(OF).await, of(OTHER).await]
}

async fn run_done(shop: &Shop, of: BillsOf) -> RunState {
    shop.reconciler.base.bill_run(of, day(DAY_OF_SALE)).await.unwrap().unwrap().state
}

#[tokio::test]
async fn an_accounts_own_fee_counts_before_the_settings_and_no_other_accounts() {
    let wrong = || vec![Category::FeeDiffers];
    assert_eq!(found(None, None).await, [vec![], vec![]], "nobody has said: nothing is compared");
    assert_eq!(found(Some(60), None).await, [vec![], vec![]]);
    assert_eq!(found(Some(38), None).await, [vec![], wrong()], "of that account alone");
    assert_eq!(found(None, Some(38)).await, [wrong(), wrong()]);
    assert_eq!(found(Some(60), Some(38)).await, [wrong(), vec![]]);
    assert_eq!(found(Some(0), None).await, [vec![], wrong()], "nothing is something that can be agreed, too");
}
