//! Several accounts at one wallet: each one's bill is compared by itself, and none holds up another.

use super::*;
use crate::order_centre::{OpenAccount, Serving};
use crate::order_group::GiveBackEvent;
use evertill_shared::money::Currency;
use evertill_shared::routing::{Account, Span, Table};

pub(super) const ONE: AccountId = AccountId(1);
pub(super) const DAY_OF_SALE: &str = "2026-11-20";
const EVENING: Duration = Duration::from_secs(7 * 3600);

/// A shop with a second account, and that one's paper.
pub(super) async fn shop() -> (Shop, Arc<Paper>) {
    let (shop, paper) = (Shop::new().await, Arc::new(Paper::default()));
    let channel: Arc<dyn Channel> = Arc::clone(&paper) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: false, channel }];
    shop.reconciler.centre.serve(Serving { accounts, ..Serving::default() });
    (shop, paper)
}

pub(super) fn success() -> Option<PayOutcome> {
    Some(PayOutcome::ConfirmedSuccess { transaction: "T1".into() })
}

pub(super) const OTHER: BillsOf = BillsOf::new(Wallet::WeChatPay, ONE);

async fn run_of(shop: &Shop, of: BillsOf, on: &str) -> Option<BillRun> {
    shop.reconciler.base.bill_run(of, day(on)).await.unwrap()
}

/// Where the days of the settings file's account and of the other one stand.
async fn states(shop: &Shop) -> [Option<RunState>; 2] {
    let state = async |of| run_of(shop, of, DAY_OF_SALE).await.map(|run| run.state);
    [state(OF).await, state(OTHER).await]
}

const DONE: Option<RunState> = Some(RunState::Done);
const WAITING: Option<RunState> = Some(RunState::Waiting);

fn declined() -> Option<PayOutcome> {
    Some(PayOutcome::ConfirmedFailure(evertill_shared::payment::DeclineReason::NotEnoughFunds))
}

pub(super) fn publish(paper: &Paper, on: &str, bill: Bill) {
    paper.bills.lock().unwrap().insert(on.into(), bill);
}

#[tokio::test]
async fn a_broken_bill_of_one_account_stops_neither_the_others_nor_their_following_days() {
    let (shop, other) = shop().await;
    let (first, second) = (shop.paid(1_000).await, shop.pay_to(ONE, 700, success()).await);
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    publish(&other, DAY_OF_SALE, Err(BillFailure::Bad("cut off".into())));
    shop.morning().await;
    assert_eq!(states(&shop).await, [DONE, Some(RunState::Refused)]);
    let run = run_of(&shop, OF, DAY_OF_SALE).await.unwrap();
    assert_eq!(
        (run.figures.book_rows, run.figures.agreed, run.figures.findings),
        (1, 1, 0),
        "its own rows alone"
    );
    let next = shop.paid(300).await;
    shop.publish("2026-11-21", Ok(vec![line(&next.number, 300)]));
    publish(&other, "2026-11-21", Ok(Vec::new()));
    shop.morning().await;
    assert_eq!(run_of(&shop, OF, "2026-11-21").await.unwrap().figures.agreed, 1);
    assert_eq!(run_of(&shop, OTHER, "2026-11-21").await, None, "its own days come in their order");
    publish(&other, DAY_OF_SALE, Ok(vec![line(&second.number, 701)]));
    shop.morning().await;
    let run = run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap();
    assert_eq!((run.state, run.figures.book_rows, run.figures.findings), (RunState::Done, 1, 1));
    assert_eq!(run_of(&shop, OTHER, "2026-11-21").await.unwrap().state, RunState::Done);
    let found = shop.reconciler.base.bill_findings(OTHER, day(DAY_OF_SALE), (0, 9)).await.unwrap();
    assert_eq!(found[0].category, Category::AmountDiffers);
    assert_eq!(shop.findings(DAY_OF_SALE).await, []);
    let table = csv::of_day(&shop.reconciler.base, &[OF, OTHER], day(DAY_OF_SALE)).await.unwrap();
    assert!(table.contains("amount_minor,700,701,-1,CNY,2,1\r\n"), "{table}");
    assert_eq!(table.lines().count(), 2, "one header");
}

#[tokio::test]
async fn an_account_without_trade_has_no_bill_and_that_is_believed_in_the_evening() {
    for is_declined in [false, true] {
        let (shop, _other) = shop().await;
        let paid = shop.paid(1_000).await;
        if is_declined {
            shop.pay_to(ONE, 700, declined()).await;
        }
        shop.publish(DAY_OF_SALE, Ok(vec![line(&paid.number, 1_000)]));
        shop.morning().await;
        assert_eq!(states(&shop).await, [DONE, WAITING], "it may still come");
        shop.rig.clock.advance(EVENING);
        shop.look().await;
        assert_eq!(states(&shop).await, [DONE, DONE]);
    }
}

#[tokio::test]
async fn an_account_begins_with_the_first_day_on_which_it_was_used() {
    let (shop, other) = shop().await;
    let second = shop.pay_to(ONE, 700, success()).await;
    // Nobody was there for two days.
    shop.rig.clock.advance(DAY * 2);
    publish(&other, DAY_OF_SALE, Ok(vec![line(&second.number, 700)]));
    publish(&other, "2026-11-21", Ok(Vec::new()));
    shop.morning().await;
    assert_eq!(run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap().figures.agreed, 1);
    assert_eq!(run_of(&shop, OTHER, "2026-11-21").await.map(|run| run.state), DONE);
    assert_eq!(run_of(&shop, OF, DAY_OF_SALE).await, None, "it was not used then");
}

#[tokio::test]
async fn what_was_sent_nobody_knows_where_is_settled_by_whoevers_bill_has_it() {
    let (shop, other) = shop().await;
    let lost = shop.pay_to(AccountId::NOT_KNOWN, 700, Some(PayOutcome::Unknown)).await;
    shop.publish(DAY_OF_SALE, Ok(Vec::new()));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&lost.number, 700)]));
    shop.morning().await;
    let figures = async |of| run_of(&shop, of, DAY_OF_SALE).await.unwrap().figures;
    assert_eq!((figures(OF).await.carried, figures(OF).await.settled), (1, 0));
    assert_eq!((figures(OTHER).await.carried, figures(OTHER).await.settled), (0, 1));
}

#[tokio::test]
async fn known_or_unknown_one_accounts_bill_does_not_end_what_was_sent_nobody_knows_where() {
    let (shop, other) = shop().await;
    let lost = shop.pay_to(AccountId::NOT_KNOWN, 700, Some(PayOutcome::Unknown)).await;
    let revoked = BillRow { revoked: true, ..line(&lost.number, 700) };
    publish(&other, DAY_OF_SALE, Ok(vec![line(&lost.number, 700), revoked]));
    shop.morning().await;
    assert_eq!(run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap().figures.settled, 1);
    assert!(!shop.state(&lost).await.is_final(), "another account may have the money");
    // And it has.
    shop.publish(DAY_OF_SALE, Ok(vec![line(&lost.number, 700)]));
    shop.morning().await;
    assert_eq!(run_of(&shop, OF, DAY_OF_SALE).await.unwrap().figures.settled, 1);
    let untold = shop.reconciler.base.bill_untold(Wallet::WeChatPay, None, 9).await.unwrap();
    assert_eq!(untold.iter().map(|one| (one.account, one.moved)).collect::<Vec<_>>(), [(OF.account, true)]);
    assert!(!shop.state(&lost).await.is_final(), "only the accounts themselves say whose it is");
}

#[tokio::test]
async fn books_match_of_several_accounts_that_give_back_under_one_number_each_waits_for_its_own_line() {
    let (shop, other) = shop().await;
    let lost = shop.pay_to(AccountId::NOT_KNOWN, 700, Some(PayOutcome::Unknown)).await;
    let groups = &shop.rig.groups;
    for account in [OF.account, ONE] {
        groups.owe_elsewhere(lost.order, 1, account).await.unwrap();
    }
    shop.publish(DAY_OF_SALE, Ok(vec![line(&lost.number, 700)]));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&lost.number, 700)]));
    shop.morning().await;
    assert_eq!(run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap().figures.carried, 1);
    let rows = groups.give_backs_of(lost.order).await.unwrap();
    let own = rows.into_iter().find(|row| row.account == ONE).unwrap();
    let (at, number) = (shop.rig.clock.now(), own.refund().0);
    groups.record_give_back(own.news(0, GiveBackEvent::Done, at, at)).await.unwrap();
    shop.publish("2026-11-21", Ok(Vec::new()));
    let back = BillRow { movement: Movement::Refund, ..line(&number, 700) };
    publish(&other, "2026-11-21", Ok(vec![back]));
    shop.morning().await;
    let figures = run_of(&shop, OTHER, "2026-11-21").await.unwrap().figures;
    assert_eq!((figures.agreed, figures.findings, figures.carried), (1, 0, 0));
}

#[tokio::test]
async fn of_what_no_bill_has_and_nobody_knows_where_it_was_sent_people_are_told_once() {
    let (shop, other) = shop().await;
    let lost = shop.pay_to(AccountId::NOT_KNOWN, 700, Some(PayOutcome::Unknown)).await;
    for on in [DAY_OF_SALE, "2026-11-21", "2026-11-22", "2026-11-23"] {
        shop.publish(on, Ok(Vec::new()));
        publish(&other, on, Ok(Vec::new()));
        shop.morning().await;
    }
    let found = shop.findings("2026-11-23").await;
    assert_eq!((found.len(), found[0].number.as_str()), (1, lost.number.as_str()));
    let run = run_of(&shop, OTHER, "2026-11-23").await.unwrap();
    assert_eq!((run.state, run.figures.findings, run.figures.carried), (RunState::Done, 0, 0));
}

#[tokio::test]
async fn an_account_that_takes_the_place_of_the_files_goes_on_with_its_days_and_what_waits() {
    let shop = Shop::new().await;
    let (paid, late) = (shop.paid(1_000).await, shop.paid(500).await);
    shop.publish(DAY_OF_SALE, Ok(vec![line(&paid.number, 1_000)]));
    shop.morning().await;
    assert_eq!(run_of(&shop, OF, DAY_OF_SALE).await.unwrap().figures.carried, 1);
    let heir = Arc::new(Paper::default());
    let channel = Arc::clone(&heir) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: true, channel }];
    shop.reconciler.centre.serve(Serving { accounts, ..Serving::default() });
    publish(&heir, "2026-11-21", Ok(vec![line(&late.number, 500)]));
    shop.morning().await;
    let run = run_of(&shop, OTHER, "2026-11-21").await.unwrap();
    assert_eq!((run.state, run.figures.agreed, run.figures.carried), (RunState::Done, 1, 0));
    assert_eq!(run_of(&shop, OTHER, DAY_OF_SALE).await, None, "no day is compared twice");
    assert_eq!(run_of(&shop, OF, "2026-11-21").await, None);
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
async fn an_account_that_ended_long_ago_is_waited_for_no_longer() {
    for (days, ends) in [(6, WAITING), (9, DONE)] {
        let (shop, other) = shop().await;
        is_off(&shop, &other, DAY * days);
        let first = shop.paid(1_000).await;
        // What was sent nobody knows where cannot be there.
        shop.pay_to(AccountId::NOT_KNOWN, 700, None).await;
        shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
        publish(&other, DAY_OF_SALE, silent());
        shop.morning().await;
        assert_eq!(states(&shop).await, [DONE, WAITING], "it may still answer");
        shop.rig.clock.advance(EVENING);
        shop.look().await;
        assert_eq!(states(&shop).await, [DONE, ends], "disabled {days} days before");
    }
}

#[tokio::test]
async fn the_bill_of_an_account_that_ended_is_waited_for_if_money_moved_there_all_the_same() {
    let (shop, other) = shop().await;
    is_off(&shop, &other, DAY * 9);
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    publish(&other, DAY_OF_SALE, silent());
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.look().await;
    assert_eq!(states(&shop).await, [DONE, WAITING]);
}

#[tokio::test]
async fn people_are_shown_the_account_whose_bill_is_needed_and_that_this_server_has_not_opened() {
    let shop = Shop::new().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    assert_eq!(states(&shop).await, [DONE, WAITING]);
    let run = run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap();
    assert!(run.problem.is_some_and(|words| words.contains("account 1")), "it says which");
    assert!(shop.reconciler.base.bill_runs(9).await.unwrap().iter().any(|run| run.account == ONE));
}

#[tokio::test]
async fn an_empty_bill_of_an_account_through_which_money_moved_is_refused() {
    let (shop, other) = shop().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, success()).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    publish(&other, DAY_OF_SALE, Ok(Vec::new()));
    shop.morning().await;
    assert_eq!(states(&shop).await, [DONE, Some(RunState::Refused)]);
}

#[tokio::test]
async fn what_is_open_at_one_account_waits_for_its_next_bill() {
    let (shop, _) = shop().await;
    let first = shop.paid(1_000).await;
    shop.pay_to(ONE, 700, Some(PayOutcome::Unknown)).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&first.number, 1_000)]));
    shop.morning().await;
    shop.rig.clock.advance(EVENING);
    shop.look().await;
    assert_eq!(states(&shop).await, [DONE, WAITING], "it may have moved: its bill may come late");
    shop.rig.clock.advance(DAY);
    shop.look().await;
    assert_eq!(states(&shop).await, [DONE, DONE]);
}

/// What the second account took of a payment as well, and gave back by itself; the line of that.
async fn took_it_as_well(shop: &Shop, both: &Attempt) -> BillRow {
    let (groups, at) = (&shop.rig.groups, shop.rig.clock.now());
    groups.owe_elsewhere(both.order, 1, ONE).await.unwrap();
    let all = groups.give_backs_of(both.order).await.unwrap();
    let [owed] = all.as_slice() else { panic!("{all:?}") };
    groups.record_give_back(owed.news(0, GiveBackEvent::Done, at, at)).await.unwrap();
    BillRow { movement: Movement::Refund, ..line(&owed.refund().0, owed.amount.minor) }
}

/// Agreed, found, settled and carried.
fn came_to(run: &BillRun) -> (u64, u64, u64, u64) {
    let figures = &run.figures;
    (figures.agreed, figures.findings, figures.settled, figures.carried)
}

#[tokio::test]
async fn books_match_where_both_accounts_bills_hold_one_payment_and_one_gave_it_back() {
    let (shop, other) = shop().await;
    let both = shop.paid(700).await;
    let back = took_it_as_well(&shop, &both).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&both.number, 700)]));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&both.number, 700), back]));
    shop.morning().await;
    let (first, second) = (run_of(&shop, OF, DAY_OF_SALE).await, run_of(&shop, OTHER, DAY_OF_SALE).await);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.figures.book_rows, came_to(&first)), (1, (1, 0, 0, 0)));
    assert_eq!((second.figures.book_rows, came_to(&second)), (2, (2, 0, 0, 0)));
    assert!(second.difference.is_empty(), "{:?}", second.difference);
}

#[tokio::test]
async fn books_match_what_another_account_took_as_well_is_no_stranger_although_its_day_was_compared_before() {
    let (shop, other) = shop().await;
    let both = shop.paid(700).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&both.number, 700)]));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&both.number, 700)]));
    shop.morning().await;
    assert_eq!(came_to(&run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap()), (0, 0, 0, 1), "it waits");
    shop.rig.clock.advance(Duration::from_secs(1));
    let back = took_it_as_well(&shop, &both).await;
    shop.publish("2026-11-21", Ok(Vec::new()));
    publish(&other, "2026-11-21", Ok(vec![back]));
    shop.morning().await;
    assert_eq!(came_to(&run_of(&shop, OTHER, "2026-11-21").await.unwrap()), (2, 0, 0, 0));
    assert_eq!(came_to(&run_of(&shop, OF, "2026-11-21").await.unwrap()), (0, 0, 0, 0));
}

#[tokio::test]
async fn what_was_sent_nobody_knows_where_and_is_known_of_another_account_is_no_duplicate_there() {
    let (shop, other) = shop().await;
    let lost = shop.pay_to(AccountId::NOT_KNOWN, 700, Some(PayOutcome::Unknown)).await;
    let back = took_it_as_well(&shop, &lost).await;
    shop.publish(DAY_OF_SALE, Ok(Vec::new()));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&lost.number, 700), back]));
    shop.morning().await;
    assert_eq!(came_to(&run_of(&shop, OTHER, DAY_OF_SALE).await.unwrap()), (2, 0, 0, 0));
    assert_eq!(came_to(&run_of(&shop, OF, DAY_OF_SALE).await.unwrap()), (0, 0, 0, 0));
}

#[tokio::test]
async fn a_payment_that_our_books_know_of_another_account_alone_is_named_with_its_order_and_both_accounts() {
    let (shop, other) = shop().await;
    let paid = shop.paid(700).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&paid.number, 700)]));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&paid.number, 700), line("E-nobody", 300)]));
    for on in ["2026-11-21", "2026-11-22", "2026-11-23"] {
        shop.publish(on, Ok(Vec::new()));
        publish(&other, on, Ok(Vec::new()));
    }
    for _ in 0..4 {
        shop.morning().await;
    }
    let found = shop.reconciler.base.bill_findings(OTHER, day("2026-11-23"), (0, 9)).await.unwrap();
    let seen: Vec<_> =
        found.iter().map(|one| (one.category, one.number.as_str(), one.order.clone())).collect();
    assert_eq!(
        seen,
        [
            (Category::MissingHere, "E-nobody", None),
            (Category::MissingHere, paid.number.as_str(), Some(paid.order.to_string())),
        ],
        "no duplicate: each number moved once there"
    );
    let [account] = found[1].fields.as_slice() else { panic!("{:?}", found[1].fields) };
    assert_eq!(
        (account.field.as_str(), account.ours.as_str(), account.theirs.as_str()),
        ("account", "0", "1")
    );
    assert_eq!(shop.findings("2026-11-23").await, []);
}

#[tokio::test]
async fn books_match_a_number_that_moves_once_more_on_a_later_day_agrees_with_nothing() {
    let (shop, other) = shop().await;
    let both = shop.paid(700).await;
    let back = took_it_as_well(&shop, &both).await;
    shop.publish(DAY_OF_SALE, Ok(vec![line(&both.number, 700)]));
    publish(&other, DAY_OF_SALE, Ok(vec![line(&both.number, 700), back]));
    // Both wallets tell of it again the next day, by which all of ours is compared.
    shop.publish("2026-11-21", Ok(vec![line(&both.number, 700)]));
    publish(&other, "2026-11-21", Ok(vec![line(&both.number, 700)]));
    for on in ["2026-11-22", "2026-11-23", "2026-11-24"] {
        shop.publish(on, Ok(Vec::new()));
        publish(&other, on, Ok(Vec::new()));
    }
    for _ in 0..5 {
        shop.morning().await;
    }
    for of in [OF, OTHER] {
        for on in ["2026-11-21", "2026-11-22", "2026-11-23"] {
            assert_eq!(came_to(&run_of(&shop, of, on).await.unwrap()), (0, 0, 0, 1), "{on}");
        }
        let found = shop.reconciler.base.bill_findings(of, day("2026-11-24"), (0, 9)).await.unwrap();
        assert_eq!((found.len(), found[0].category), (1, Category::MissingHere), "{found:?}");
        assert!(found[0].fields.is_empty(), "our books know it there, and once");
        assert_eq!(found[0].order, Some(both.order.to_string()), "people are told of which order");
    }
}
