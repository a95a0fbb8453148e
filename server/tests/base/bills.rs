//! What came of comparing bills: one server at a time, all of a day or nothing of it.

use crate::shop::{Place, Shop};
use evertill_server::base_store::{BILL_LEASE, BillRun, BillsOf, RunFigures, RunState};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::reconciliation::{
    BillRow, BookRow, Category, Movement, Progress, Reconciled, Standing, reconcile,
};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;

const WALLET: BillsOf = BillsOf::new(Wallet::Alipay, AccountId(3));
const BESIDE: BillsOf = BillsOf::new(Wallet::Alipay, AccountId(4));

fn run(day: &str, state: RunState) -> BillRun {
    BillRun {
        channel: WALLET.channel,
        account: WALLET.account,
        day: day.parse().unwrap(),
        state,
        tries: 1,
        tried_at: Timestamp(1),
        next_at: Timestamp(2),
        problem: (state != RunState::Done).then(|| "cut off".into()),
        figures: RunFigures { bill_rows: 3, ..RunFigures::default() },
        difference: BTreeMap::from([("CNY".to_owned(), -7)]),
    }
}

/// One payment differs, one is settled, one waits for its line.
fn result() -> Reconciled {
    let amount = |minor| Amount::new(minor, Currency::CNY);
    let book = |number: &str, minor, standing| BookRow {
        movement: Movement::Payment,
        number: number.into(),
        amount: amount(minor),
        fee_minor: None,
        standing,
        taken_back: false,
        order: format!("order of {number}"),
    };
    let line = |number: &str, minor| BillRow {
        movement: Movement::Payment,
        number: number.into(),
        amount: amount(minor),
        fee_minor: 0,
        revoked: false,
        progress: Progress::Done,
        transaction: "T1".into(),
        line: 6,
    };
    let books = vec![
        book("E1", 500, Standing::Moved),
        book("E2", 600, Standing::Unknown),
        book("E3", 700, Standing::Moved),
    ];
    reconcile(books, vec![line("E1", 507), line("E2", 600)], Vec::new())
}

pub async fn a_day_is_there_as_a_whole_or_not_at_all_and_only_by_whoever_has_it_in_hand<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let lease = here.take_bills(WALLET, "here".into()).await.unwrap().unwrap();
    assert_eq!(there.take_bills(WALLET, "there".into()).await.unwrap(), None);
    here.bill_not_done(lease, run("2026-11-20", RunState::Refused)).await.unwrap();
    let (last, open) = there.bill_days(WALLET).await.unwrap();
    assert_eq!((last, open), (None, Some(run("2026-11-20", RunState::Refused))));

    shop.clock.forward(u64::try_from(BILL_LEASE.as_millis()).unwrap() + 1);
    let newer = there.take_bills(WALLET, "there".into()).await.unwrap().unwrap();
    let done = run("2026-11-20", RunState::Done);
    assert!(here.keep_bills(lease).await.is_err(), "overtaken");
    assert!(here.bill_done(lease, done.clone(), result()).await.is_err());
    assert_eq!(there.bill_findings(WALLET, done.day, (0, 9)).await.unwrap(), []);
    there.bill_done(newer, done.clone(), result()).await.unwrap();
    assert_eq!(here.bill_run(WALLET, done.day).await.unwrap(), Some(done.clone()));
    assert_eq!(here.bill_runs(9).await.unwrap(), std::slice::from_ref(&done));

    let findings = here.bill_findings(WALLET, done.day, (0, 9)).await.unwrap();
    assert_eq!((findings.len(), findings[0].category), (1, Category::AmountDiffers));
    assert_eq!(findings[0].lines, [6]);
    assert_eq!(here.bill_findings(WALLET, done.day, (1, 9)).await.unwrap(), []);
    assert_eq!(here.bill_categories(WALLET, done.day).await.unwrap(), [(Category::AmountDiffers, 1)]);
    let untold = here.bill_untold(WALLET.channel, None, 9).await.unwrap();
    assert_eq!((untold.len(), untold[0].number.as_str(), untold[0].moved), (1, "E2", true));
    here.bill_told(WALLET.channel, &untold[0]).await.unwrap();
    assert_eq!(here.bill_untold(WALLET.channel, None, 9).await.unwrap(), []);
    assert!(here.bill_settled(WALLET, done.day, (0, 9)).await.unwrap()[0].told);
    let next = done.day.next();
    assert_eq!(here.bill_carried(WALLET, next).await.unwrap(), result().carried);
    assert_eq!(here.bill_carried(BillsOf::new(Wallet::WeChatPay, WALLET.account), next).await.unwrap(), []);

    assert_eq!(here.bill_carried(BESIDE, next).await.unwrap(), [], "another account's is another's");
    assert_eq!(here.bill_days(BESIDE).await.unwrap(), (None, None));
    let beside = here.take_bills(BESIDE, "here".into()).await.unwrap();
    here.leave_bills(beside.expect("whoever is at work on one account keeps nobody from another"))
        .await
        .unwrap();
    let heir = BillsOf { before: WALLET.account, ..BESIDE };
    assert_eq!(here.bill_days(heir).await.unwrap().0, Some(done.day), "it goes on with the other's days");
    assert_eq!(here.bill_carried(heir, next).await.unwrap(), result().carried);

    there.bill_done(newer, run("2026-11-21", RunState::Done), Reconciled::default()).await.unwrap();
    assert_eq!(here.bill_carried(WALLET, next.next()).await.unwrap(), [], "used up");
    there.leave_bills(newer).await.unwrap();
    assert!(here.take_bills(WALLET, "here".into()).await.unwrap().is_some());
}
