//! The account that an attempt was sent to stays with it, and tells what rests on an account.

use super::home::{Home, NOON, guard, homes, lease};
use super::{news, refund};
use evertill_server::order_group::day_books::{AccountUse, DayBooks};
use evertill_server::order_group::overview::{GivenBackEnd, Overview, Surplus};
use evertill_server::order_group::*;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Interface};
use evertill_shared::journal::Body;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{DeclineReason, Event, PayOutcome, PaymentState, QueryOutcome};
use evertill_shared::refund::RefundEvent;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

const THREE: AccountId = AccountId(3);
const FOUR: AccountId = AccountId(4);
const WALLET: Wallet = Wallet::WeChatPay;

/// An order whose first attempt was sent to that account.
async fn sent_to(home: &Home, account: AccountId, minor: i64) -> OrderNumber {
    let sale = home.sale(minor);
    let number = home.draft(&sale).await.number;
    let mut new = home.payment(&sale, number, 1);
    new.intent.account = account;
    let started = home.group.start_payment(new.clone()).await.unwrap();
    assert_eq!(started.record.payment.account, account, "{}", home.engine);
    // The same attempt again, after the table has changed: it stays where it was sent.
    new.intent.account = FOUR;
    let again = home.group.start_payment(NewPayment { guard: guard(), ..new }).await.unwrap();
    assert!(!again.fresh);
    assert_eq!(again.record.payment.account, account, "{}", home.engine);
    number
}

async fn is_owed(home: &Home, account: AccountId) -> bool {
    home.group.account_is_owed(account, WALLET, Timestamp(i64::MAX)).await.unwrap()
}

async fn was_used(home: &Home, account: AccountId, from: Timestamp, until: Timestamp) -> bool {
    home.group.account_was_used(AccountUse { account, wallet: WALLET, from, until }).await.unwrap()
}

#[tokio::test]
async fn what_is_due_is_found_by_the_account_it_was_sent_to() {
    for home in homes().await {
        let number = sent_to(&home, THREE, 700).await;
        let later = NOON.plus(Duration::from_secs(60));
        let due = |account| home.group.due_payments((WALLET, account), later, 10);
        assert_eq!(due(THREE).await.unwrap()[0].number, number, "{}", home.engine);
        for other in [FOUR, AccountId::OF_THE_FILE] {
            assert!(due(other).await.unwrap().is_empty(), "{}", home.engine);
        }
        let paid = PayOutcome::ConfirmedSuccess { transaction: "42".into() };
        let record = home.group.record_payment(news(number, Event::Pay(paid))).await.unwrap().0;
        assert_eq!(record.payment.account, THREE);
        let asked = home.group.reserve_refund(refund(number, 300, "r-1")).await.unwrap();
        assert_eq!(asked.account, THREE, "{}", home.engine);
        let id = asked.refund.id.clone();
        let entry = home.write(Body::RefundCarriedOut {
            refund: id.clone(),
            number,
            amount: asked.refund.amount,
            cashier: None,
        });
        let carry_out = CarryOut {
            number,
            refund: id.clone(),
            amount: asked.refund.amount,
            terminal: asked.terminal,
            cashier: None,
            entry,
            lease: lease("server-1", 0),
            guard: guard(),
        };
        home.group.carry_out_refund(carry_out).await.unwrap();
        let due = |account| home.group.due_refunds((WALLET, account), later, 10);
        assert_eq!(due(THREE).await.unwrap()[0].refund.id, id, "{}", home.engine);
        assert!(due(FOUR).await.unwrap().is_empty());
        assert!(is_owed(&home, THREE).await);
        let done = RefundNews {
            number,
            refund: id,
            event: RefundEvent::Confirmed,
            message: None,
            at: later,
            next_at: later,
        };
        home.group.record_refund(done).await.unwrap();
        assert!(!is_owed(&home, THREE).await, "{}: all is settled", home.engine);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_customer_waiting_and_no_lease_alive() {
    for home in homes().await {
        let number = sent_to(&home, THREE, 700).await;
        let before = |minutes: u64| NOON.minus(Duration::from_secs(60 * minutes));
        let due = |at| home.group.due_payments((WALLET, THREE), at, 10);
        assert!(due(NOON).await.unwrap().is_empty(), "{}: asked about after a pause", home.engine);
        assert!(
            due(before(1)).await.unwrap().is_empty(),
            "{}: two servers' clocks differ a little",
            home.engine
        );
        assert_eq!(due(before(30)).await.unwrap()[0].number, number, "{}", home.engine);
        // The server that has it in hand died; the other one's clock was set right.
        let record = home.group.payment(number, 1).await.unwrap();
        let leased =
            home.group.lease_payment(number, 1, record.version, lease("a", 20)).await.unwrap().unwrap();
        let set_back = |minutes| Lease {
            owner: "b".into(),
            now: before(minutes),
            until: before(minutes).plus(Duration::from_secs(10)),
        };
        let take = |minutes| home.group.lease_payment(number, 1, leased.version, set_back(minutes));
        assert!(take(1).await.unwrap().is_none(), "{}: it lives", home.engine);
        assert!(take(30).await.unwrap().is_some(), "{}", home.engine);
    }
}

#[tokio::test]
async fn whatever_rests_on_an_account_is_known() {
    for home in homes().await {
        let later = NOON.plus(Duration::from_secs(3_600));
        assert!(!is_owed(&home, THREE).await && !was_used(&home, THREE, Timestamp(0), later).await);
        let number = sent_to(&home, THREE, 700).await;
        assert!(is_owed(&home, THREE).await, "{}: it is open", home.engine);
        assert!(
            was_used(&home, THREE, NOON, later).await
                && !was_used(&home, THREE, later, Timestamp(i64::MAX)).await
        );
        assert!(!is_owed(&home, FOUR).await && !was_used(&home, FOUR, Timestamp(0), later).await);
        assert!(!home.group.account_is_owed(THREE, Wallet::Alipay, later).await.unwrap());
        let declined = PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds);
        home.group.record_payment(news(number, Event::Pay(declined))).await.unwrap();
        assert!(is_owed(&home, THREE).await, "{}: it is looked at again", home.engine);
        let late = Event::LookedAgain(QueryOutcome::Paid { transaction: "42".into() });
        home.group.record_payment(news(number, late)).await.unwrap();
        let due = home.group.due_give_backs((WALLET, THREE), NOON, 10).await.unwrap();
        assert_eq!((due.len(), due[0].account), (1, THREE), "{}", home.engine);
        let other = home.group.due_give_backs((WALLET, AccountId::OF_THE_FILE), NOON, 10).await.unwrap();
        assert!(other.is_empty());
        let done = GiveBackNews {
            number,
            attempt: 1,
            elsewhere: None,
            round: 0,
            event: GiveBackEvent::Done,
            at: NOON,
            next_at: NOON,
        };
        home.group.record_give_back(done).await.unwrap();
        assert!(!is_owed(&home, THREE).await, "{}: all is settled", home.engine);
    }
}

/// What is said is of another account than the attempt's.
fn another() -> GroupError {
    GroupError::Refused(Refusal::Conflict("the account"))
}

#[tokio::test]
async fn one_charge_an_account_at_which_an_attempt_is_ended_is_never_the_one_that_is_kept() {
    for home in homes().await {
        let number = sent_to(&home, AccountId::NOT_KNOWN, 700).await;
        let found = async |account, outcome| {
            let news = PaymentNews { found_at: Some(account), ..news(number, Event::Query(outcome)) };
            home.group.record_payment(news).await.map(|(record, _)| record.payment.account)
        };
        let paid = || QueryOutcome::Paid { transaction: "42".into() };
        let ended = Fact::KnownAtOthers { attempt: 1, accounts: vec![THREE, FOUR] };
        home.group.tell_once(number, ended, NOON).await.unwrap();
        home.group.owe_elsewhere(number, 1, FOUR, NOON).await.unwrap();
        for said in [paid(), QueryOutcome::Waiting, QueryOutcome::NotPaid] {
            for account in [THREE, FOUR] {
                assert_eq!(found(account, said.clone()).await, Err(another()), "{}: {said:?}", home.engine);
            }
        }
        // What was refunded from there is not looked for there again, whatever is said of it.
        assert_eq!(found(FOUR, QueryOutcome::Reversed).await, Err(another()), "{}", home.engine);
        let record = home.group.payment(number, 1).await.unwrap().payment;
        assert_eq!((record.account, record.state), (AccountId::NOT_KNOWN, PaymentState::Sent));
        // Once it is surely ended there, it may be looked for there; and the ends of other attempts say nothing.
        assert_eq!(found(THREE, QueryOutcome::Reversed).await, Ok(THREE), "{}", home.engine);
        home.group.owe_elsewhere(number, 1, THREE, NOON).await.unwrap();
        let owed = home.group.give_backs_of(number).await.unwrap();
        let owed: Vec<_> = owed.into_iter().map(|row| row.account).collect();
        assert_eq!(owed, [FOUR], "{}: what an attempt's own account has is not owed elsewhere", home.engine);
        let next = sent_to(&home, AccountId::NOT_KNOWN, 300).await;
        let other = Fact::KnownAtOthers { attempt: 2, accounts: vec![THREE] };
        home.group.tell_once(next, other, NOON).await.unwrap();
        let news = PaymentNews { found_at: Some(THREE), ..news(next, Event::Query(paid())) };
        assert_eq!(home.group.record_payment(news).await.unwrap().0.payment.account, THREE);
    }
}

#[tokio::test]
async fn what_was_sent_nobody_knows_where_rests_on_every_account_until_it_is_found() {
    for home in homes().await {
        let number = sent_to(&home, AccountId::NOT_KNOWN, 700).await;
        assert!(is_owed(&home, THREE).await && is_owed(&home, FOUR).await, "{}", home.engine);
        let by = |until| home.group.account_is_owed(FOUR, WALLET, until);
        let before = NOON.minus(Duration::from_millis(1));
        assert!(by(NOON).await.unwrap() && !by(before).await.unwrap(), "{}: disabled before", home.engine);
        let found =
            PaymentNews { found_at: Some(THREE), ..news(number, Event::Query(QueryOutcome::Waiting)) };
        let record = home.group.record_payment(found).await.unwrap().0;
        assert_eq!(record.payment.account, THREE);
        let again = PaymentNews { found_at: Some(FOUR), ..news(number, Event::GiveUp) };
        assert_eq!(home.group.record_payment(again).await, Err(another()), "{}", home.engine);
        let record = home.group.payment(number, 1).await.unwrap().payment;
        let stands = (record.account, record.state);
        assert_eq!(stands, (THREE, PaymentState::Waiting), "{}: it stays where it was found", home.engine);
        assert!(is_owed(&home, THREE).await && !is_owed(&home, FOUR).await, "{}", home.engine);
    }
}

#[tokio::test]
async fn what_another_account_has_beside_goes_back_from_there_and_the_rounds_count_on() {
    for home in homes().await {
        let number = sent_to(&home, AccountId::NOT_KNOWN, 700).await;
        for _ in 0..2 {
            home.group.owe_elsewhere(number, 1, FOUR, NOON).await.unwrap();
        }
        let due = home.group.due_give_backs((WALLET, FOUR), NOON, 10).await.unwrap();
        let [first] = due.as_slice() else { panic!("{}: {due:?}", home.engine) };
        assert!(first.is_elsewhere && first.refund().0.starts_with('D') && first.round == 0);
        assert!(home.group.due_give_backs((WALLET, THREE), NOON, 10).await.unwrap().is_empty());
        let leased = home.group.lease_give_back(first.clone(), lease("a", 0)).await.unwrap();
        assert!(leased.is_some(), "{}", home.engine);
        assert_eq!(home.group.lease_give_back(first.clone(), lease("b", 0)).await.unwrap(), None);
        // Closed; then the same word once more, from somebody who comes late.
        let closed = || first.news(0, GiveBackEvent::Closed("closed".into()), NOON, NOON);
        for _ in 0..2 {
            home.group.record_give_back(closed()).await.unwrap();
        }
        let all = home.group.give_backs_of(number).await.unwrap();
        assert_eq!((all.len(), all[0].round, all[0].is_open), (1, 1, true), "{}: one round on", home.engine);
        assert_eq!(all[0].refund(), first.refund().in_round(1));
        assert_eq!(all[0].round_of(&first.refund().0), Some(0));
        let used = home.group.accounts_owed().await.unwrap();
        assert!(used.contains(&(WALLET, FOUR)), "{}: {used:?}", home.engine);
        home.group.record_give_back(all[0].news(1, GiveBackEvent::Done, NOON, NOON)).await.unwrap();
        home.group.record_give_back(closed()).await.unwrap();
        let all = home.group.give_backs_of(number).await.unwrap();
        assert_eq!((all[0].round, all[0].is_open), (1, false), "{}: over is over", home.engine);
        assert!(!home.group.accounts_owed().await.unwrap().contains(&(WALLET, FOUR)));
    }
}

#[tokio::test]
async fn what_two_accounts_have_under_one_number_is_finished_by_hand_at_each() {
    for home in homes().await {
        let number = sent_to(&home, AccountId::NOT_KNOWN, 700).await;
        for account in [THREE, FOUR] {
            home.group.owe_elsewhere(number, 1, account, NOON).await.unwrap();
        }
        let rows = home.group.give_backs_of(number).await.unwrap();
        let refund = rows[0].refund();
        assert_eq!(refund, rows[1].refund(), "{}: one number", home.engine);
        for row in rows {
            let waits = GiveBackEvent::NeedsAPerson("the card is gone".into());
            home.group.record_give_back(row.news(0, waits, NOON, NOON)).await.unwrap();
        }
        let finish = async |account| {
            let (refund, who, login, why) = (refund.clone(), "Mei".into(), "mei".into(), "cash".into());
            let finished = FinishedByHand { number, refund, account, who, login, why, at: NOON };
            home.group.finish_by_hand(finished).await
        };
        let open = async || {
            let rows = home.group.give_backs_of(number).await.unwrap();
            rows.into_iter().filter(|row| row.is_open).map(|row| row.account).collect::<Vec<_>>()
        };
        // Nobody says which: it may be the other that was given out.
        let unclear = GroupError::Refused(Refusal::NotFound("refund that waits for a person"));
        assert_eq!(finish(None).await, Err(unclear.clone()), "{}", home.engine);
        assert_eq!(finish(Some(AccountId(5))).await, Err(unclear), "{}", home.engine);
        for (account, left) in [(THREE, vec![FOUR]), (THREE, vec![FOUR]), (FOUR, vec![]), (FOUR, vec![])] {
            assert_eq!(finish(Some(account)).await, Ok(()), "{}", home.engine);
            assert_eq!(open().await, left, "{}: {account}", home.engine);
        }
        let told = home.group.order(number).await.unwrap().story;
        let told = told.into_iter().filter(|line| matches!(line.what, Fact::FinishedByHand { .. }));
        assert_eq!(told.count(), 2, "{}: each once", home.engine);
    }
}

#[tokio::test]
async fn what_went_back_by_itself_is_listed_newest_first_with_why_and_how_it_ended() {
    for home in homes().await {
        let later = |s| NOON.plus(Duration::from_secs(s));
        let late = sent_to(&home, THREE, 700).await;
        let declined = PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds);
        home.group.record_payment(news(late, Event::Pay(declined))).await.unwrap();
        let paid = Event::LookedAgain(QueryOutcome::Paid { transaction: "42".into() });
        home.group.record_payment(news(late, paid)).await.unwrap();
        let all = home.group.given_back(10).await.unwrap();
        let [one] = all.as_slice() else { panic!("{}: {all:?}", home.engine) };
        assert_eq!((one.what.number, one.why, one.end, one.ended_at), (late, Surplus::Late, None, None));
        assert!(one.what.is_open && one.what.account == THREE, "{}", home.engine);
        let done = one.what.news(0, GiveBackEvent::Done, later(5), later(9));
        home.group.record_give_back(done).await.unwrap();

        let elsewhere = sent_to(&home, AccountId::NOT_KNOWN, 300).await;
        home.group.owe_elsewhere(elsewhere, 1, FOUR, later(10)).await.unwrap();
        let all = home.group.given_back(10).await.unwrap();
        let seen: Vec<_> = all.iter().map(|one| (one.what.number, one.why, one.end, one.ended_at)).collect();
        assert_eq!(
            seen,
            [
                (elsewhere, Surplus::Elsewhere, None, None),
                (late, Surplus::Late, Some(GivenBackEnd::Done), Some(later(5))),
            ],
            "{}",
            home.engine
        );
        assert_eq!(home.group.given_back(1).await.unwrap(), all[..1], "{}: the newest", home.engine);
        let nothing = all[0].what.news(0, GiveBackEvent::NothingTaken, later(20), later(20));
        home.group.record_give_back(nothing).await.unwrap();
        let newest = home.group.given_back(1).await.unwrap().remove(0);
        assert_eq!(
            (newest.end, newest.ended_at),
            (Some(GivenBackEnd::NothingTaken), Some(later(20))),
            "{}",
            home.engine
        );
    }
}

#[tokio::test]
async fn by_which_version_of_its_interface_a_wallet_was_asked_stays_with_the_attempt_and_its_refunds() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        let mut new = home.payment(&sale, number, 1);
        assert_eq!(new.intent.interface, Interface::NOT_KNOWN, "as of all before");
        new.intent.interface = Interface(3);
        let started = home.group.start_payment(new.clone()).await.unwrap();
        assert_eq!(started.record.payment.interface, Interface(3), "{}", home.engine);
        // The same attempt again, after the setting was switched.
        new.intent.interface = Interface(2);
        let again = home.group.start_payment(NewPayment { guard: guard(), ..new }).await.unwrap();
        assert_eq!((again.fresh, again.record.payment.interface), (false, Interface(3)), "{}", home.engine);
        let paid = PayOutcome::ConfirmedSuccess { transaction: "42".into() };
        let record = home.group.record_payment(news(number, Event::Pay(paid))).await.unwrap().0;
        assert_eq!(record.payment.interface, Interface(3), "{}", home.engine);
        let asked = home.group.reserve_refund(refund(number, 300, "r-1")).await.unwrap();
        assert_eq!(asked.interface, Interface(3), "{}", home.engine);
    }
}
