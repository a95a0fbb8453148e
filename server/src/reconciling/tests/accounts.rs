//! Several accounts at one wallet: their bills together are the wallet's day.

use super::*;
use crate::order_centre::{OpenAccount, Serving};
use evertill_shared::money::Currency;
use evertill_shared::routing::{Account, Span, Table};

const ONE: AccountId = AccountId(1);
const DAY_OF_SALE: &str = "2026-11-20";
const EVENING: Duration = Duration::from_secs(7 * 3600);

/// A shop with a second account, and that one's paper.
async fn shop() -> (Shop, Arc<Paper>) {
    let (shop, paper) = (Shop::new().await, Arc::new(Paper::default()));
    let channel: Arc<dyn Channel> = Arc::clone(&paper) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: false, channel }];
    shop.reconciler.centre.serve(Serving { accounts, ..Serving::default() });
    (shop, paper)
}

fn success() -> Option<PayOutcome> {
    Some(PayOutcome::ConfirmedSuccess { transaction: "T1".into() })
}

async fn is_done(shop: &Shop) -> bool {
    shop.run(DAY_OF_SALE).await.is_some_and(|run| run.state == RunState::Done)
}

#[tokio::test]
async fn a_day_is_compared_when_the_bills_of_all_accounts_that_were_used_are_there() {
    let (shop, other) = shop().await;
    let (first, second) = (shop.paid(1_000).await, shop.pay_to(ONE, 700, success()).await);
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    assert!(!is_done(&shop).await, "half a bill would file the other account's payments as missing");
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(!is_done(&shop).await, "there was trade: its bill must come");
    other.bills.lock().unwrap().insert(DAY_OF_SALE.into(), Ok(vec![line(&second.number, 700)]));
    shop.rig.clock.advance(Duration::from_secs(3600));
    shop.reconciler.look(Wallet::WeChatPay).await;
    let run = shop.run(DAY_OF_SALE).await.unwrap();
    assert_eq!((run.state, run.figures.agreed, run.figures.findings), (RunState::Done, 2, 0));
}

#[tokio::test]
async fn an_account_without_trade_has_no_bill_and_that_is_believed_in_the_evening() {
    let (shop, _other) = shop().await;
    let paid = shop.paid(1_000).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&paid.number, 1_000)]));
    shop.morning().await;
    assert!(!is_done(&shop).await, "it may still come");
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(is_done(&shop).await);
}

#[tokio::test]
async fn a_declined_attempt_needs_no_bill_of_its_account() {
    let (shop, _) = shop().await;
    let first = shop.paid(1_000).await;
    let declined = PayOutcome::ConfirmedFailure(evertill_shared::payment::DeclineReason::NotEnoughFunds);
    shop.pay_to(ONE, 700, Some(declined)).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(is_done(&shop).await, "nothing moved there: there is no bill");
}

/// The second account is a row of the table, disabled so long before noon.
fn is_off(shop: &Shop, other: &Arc<Paper>, for_so_long: Duration) {
    let row = Account {
        id: ONE,
        wallet: Wallet::WeChatPay,
        store: None,
        enabled: false,
        since: NOON.minus(for_so_long),
        scanned: true,
        shown: false,
        currency: Currency::CNY,
        amounts: Span::default(),
    };
    let channel = Arc::clone(other) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: false, channel }];
    let table = Table::new(vec![row], Vec::new()).unwrap();
    let of_the_file = [Wallet::WeChatPay].into();
    shop.reconciler.centre.serve(Serving { accounts, table, of_the_file });
}

fn silent() -> Bill {
    Err(BillFailure::NoAnswer("the contract has ended".into()))
}

#[tokio::test]
async fn an_account_that_ended_long_ago_keeps_no_day_from_being_compared() {
    for (days, is_left_out) in [(6, false), (9, true)] {
        let (shop, other) = shop().await;
        is_off(&shop, &other, DAY * days);
        let first = shop.paid(1_000).await;
        // What was sent nobody knows where cannot be there.
        shop.pay_to(AccountId::NOT_KNOWN, 700, None).await;
        shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
        other.bills.lock().unwrap().insert(DAY_OF_SALE.into(), silent());
        shop.morning().await;
        assert!(!is_done(&shop).await, "it may still answer");
        shop.rig.clock.advance(EVENING);
        shop.reconciler.look(Wallet::WeChatPay).await;
        assert_eq!(is_done(&shop).await, is_left_out, "disabled {days} days before");
    }
}

#[tokio::test]
async fn a_day_waits_for_an_account_that_ended_if_money_moved_there_all_the_same() {
    let (shop, other) = shop().await;
    is_off(&shop, &other, DAY * 9);
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    other.bills.lock().unwrap().insert(DAY_OF_SALE.into(), silent());
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(!is_done(&shop).await);
}

#[tokio::test]
async fn a_day_waits_for_the_bill_of_an_account_that_this_server_has_not_opened() {
    let shop = Shop::new().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    let run = shop.run(DAY_OF_SALE).await.unwrap();
    assert_eq!(run.state, RunState::Waiting);
    assert!(run.problem.is_some_and(|words| words.contains("account 1")), "it says which");
}

#[tokio::test]
async fn an_empty_bill_of_one_account_is_refused_though_another_has_lines() {
    let (shop, other) = shop().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    other.bills.lock().unwrap().insert(DAY_OF_SALE.into(), Ok(Vec::new()));
    shop.morning().await;
    assert_eq!(shop.run(DAY_OF_SALE).await.unwrap().state, RunState::Refused);
}

#[tokio::test]
async fn what_is_open_at_one_account_waits_for_its_next_bill_though_another_has_lines() {
    let (shop, _) = shop().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, Some(PayOutcome::Unknown)).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(!is_done(&shop).await, "it may have moved: its bill may come late");
    shop.rig.clock.advance(DAY);
    shop.reconciler.look(Wallet::WeChatPay).await;
    assert!(is_done(&shop).await);
}
