//! After the minute in which a till waits, and after the end.

use super::*;
use crate::order::{OrderState, PaidBy};

const HOUR: u64 = 3_600;

fn at(seconds: u64) -> Timestamp {
    Timestamp(0).plus(Duration::from_secs(seconds))
}

fn reversed() -> Payment {
    let mut payment = start();
    payment.on(Event::GiveUp, at(20), &policy());
    payment.on(Event::Query(QueryOutcome::Reversed), at(21), &policy());
    payment
}

/// The longest pause between two actions around that age, if the channel never says anything.
fn pause_at(age: u64) -> u64 {
    let mut payment = start();
    payment.on(Event::Pay(PayOutcome::Unknown), at(1), &policy());
    let (mut now, mut last, mut pause) = (1, 1, 0);
    while now < age + HOUR {
        now += 1;
        let event = match payment.due(at(now), &policy()) {
            Some(Action::Query) => Event::Query(QueryOutcome::Unknown),
            Some(Action::Reverse) => Event::Reverse(ReverseOutcome::Unknown),
            Some(Action::LookAgain | Action::Show) | None => continue,
        };
        payment.on(event, at(now), &policy());
        if last <= age && age < now {
            pause = now - last;
        }
        last = now;
    }
    assert_eq!(payment.state, PaymentState::Reversing, "silence settles nothing");
    pause
}

#[test]
fn an_unknown_payment_is_asked_about_ever_more_rarely_and_never_given_up() {
    let pauses = [60, HOUR, 24 * HOUR, 6 * 24 * HOUR].map(pause_at);
    assert!(pauses[0] <= 16, "after a minute every {} s", pauses[0]);
    assert!((300..=480).contains(&pauses[1]), "after an hour every {} s", pauses[1]);
    assert!((1_790..=1_810).contains(&pauses[2]), "after a day every {} s", pauses[2]);
    assert_eq!(pauses[2], pauses[3]);
}

#[test]
fn an_end_without_money_is_asked_about_once_more() {
    let mut declined = start();
    let no = PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds);
    declined.on(Event::Pay(no), at(21), &policy());
    for mut payment in [reversed(), declined] {
        assert!(payment.to_be_looked_at());
        assert_eq!(payment.due(at(320), &policy()), None);
        assert_eq!(payment.due(at(321), &policy()), Some(Action::LookAgain));
        let change = payment.on(Event::LookedAgain(QueryOutcome::Reversed), at(321), &policy());
        assert_eq!((change, payment.to_be_looked_at()), (Change::None, false));
        assert_eq!(payment.due(at(100 * HOUR), &policy()), None, "once");
    }
}

#[test]
fn a_success_that_comes_after_the_reversal_is_found_and_nothing_is_reopened() {
    let mut payment = reversed();
    let change = payment.on(Event::LookedAgain(paid()), at(321), &policy());
    assert_eq!((change, payment.state), (Change::LateSuccess, PaymentState::Reversed));
    assert_eq!(payment.transaction.as_deref(), Some("42"));
    assert_eq!(payment.due(at(HOUR), &policy()), None);
    assert_eq!(payment.on(Event::LookedAgain(paid()), at(HOUR), &policy()), Change::None, "told once");
}

#[test]
fn what_could_still_be_paid_is_looked_at_until_it_cannot() {
    for unsure in [QueryOutcome::Unknown, QueryOutcome::Waiting, QueryOutcome::NotPaid] {
        let mut payment = reversed();
        payment.on(Event::LookedAgain(unsure.clone()), at(321), &policy());
        assert_eq!(payment.due(at(321 + 59), &policy()), None);
        assert_eq!(payment.due(at(321 + 60), &policy()), Some(Action::LookAgain));
        payment.on(Event::LookedAgain(QueryOutcome::NoSuchOrder), at(381), &policy());
        assert!(!payment.to_be_looked_at());
    }
}

#[test]
fn an_answer_to_a_question_from_before_the_end_is_not_the_second_look() {
    let mut payment = reversed();
    payment.on(Event::Query(QueryOutcome::Reversed), at(22), &policy());
    payment.on(Event::Reverse(ReverseOutcome::Reversed), at(23), &policy());
    assert!(payment.to_be_looked_at());
}

#[test]
fn one_charge_what_a_wallet_finds_too_old_to_take_back_ends_and_goes_back_as_a_refund_however_young_it_is() {
    let given_up = || {
        let mut payment = start();
        payment.on(Event::GiveUp, at(20), &policy());
        payment
    };
    let too_late = |said| Event::TooLateToReverse(said);
    let mut payment = given_up();
    assert_eq!(payment.on(too_late(paid()), at(21), &policy()), Change::LateSuccess);
    assert_eq!((payment.state, payment.to_be_looked_at()), (PaymentState::Reversed, false));
    assert_eq!(payment.on(too_late(paid()), at(22), &policy()), Change::None, "told once");
    // What it does not say is paid is no more over than before, and is asked about on.
    for said in
        [QueryOutcome::Unknown, QueryOutcome::Waiting, QueryOutcome::NotPaid, QueryOutcome::NoSuchOrder]
    {
        let mut payment = given_up();
        assert_eq!(payment.on(too_late(said.clone()), at(21), &policy()), Change::None, "{said:?}");
        assert_eq!(payment.state, PaymentState::Reversing, "{said:?}");
        let due = payment.due(payment.next_at, &policy());
        assert_eq!(due, Some(Action::Reverse), "{said:?}");
    }
    let mut payment = given_up();
    payment.on(too_late(QueryOutcome::Reversed), at(21), &policy());
    assert!(payment.state == PaymentState::Reversed && payment.to_be_looked_at());
    // That it is too late alone says nothing of money.
    let mut payment = given_up();
    payment.on(Event::Reverse(ReverseOutcome::TooLate), at(21), &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    // Nor is a code that was shown ended by it: whoever paid has paid.
    let mut shown = start().to_be_shown(&policy());
    shown.on(Event::GiveUp, at(20), &policy());
    shown.on(too_late(paid()), at(21), &policy());
    assert_eq!(shown.state, PaymentState::Paid);
    // An attempt that nobody takes back is as little ended by it.
    let mut waiting = start();
    waiting.on(too_late(paid()), at(6), &policy());
    assert_eq!(waiting.state, PaymentState::Paid);
}

#[test]
fn what_was_paid_or_never_reached_the_channel_is_not_looked_at() {
    let mut refused = start();
    refused.on(Event::Pay(PayOutcome::Refused(DeclineReason::ChannelUnreachable)), at(1), &policy());
    let mut kept = start();
    kept.on(Event::Query(paid()), at(6), &policy());
    for payment in [refused, kept] {
        assert!(payment.state.is_final() && !payment.to_be_looked_at());
        assert_eq!(payment.due(at(HOUR), &policy()), None);
    }
}

fn success(attempt: Attempt, state: PaymentState) -> Success {
    Success { attempt, state, transaction: format!("W{attempt}"), since: at(10 * u64::from(attempt)) }
}

fn by_wallet(attempt: Attempt) -> PaidBy {
    PaidBy::Wallet { wallet: Wallet::WeChatPay, transaction: format!("W{attempt}") }
}

#[test]
fn of_several_successes_the_one_that_was_fulfilled_is_kept() {
    let late = success(1, PaymentState::Reversed);
    let (second, third) = (success(2, PaymentState::Paid), success(3, PaymentState::Paid));
    let all = [late.clone(), second.clone(), third.clone()];
    assert_eq!(surplus(OrderState::Paid, Some(&by_wallet(3)), &all), [1, 2]);
    assert_eq!(surplus(OrderState::Paid, Some(&by_wallet(2)), &all), [1, 3]);
    assert_eq!(surplus(OrderState::Paid, Some(&by_wallet(2)), &[second]), [] as [Attempt; 0]);
    assert_eq!(surplus(OrderState::Adopted, None, &[late]), [1], "the till was told that it was not paid");
}

#[test]
fn of_several_successes_that_nobody_fulfilled_the_earliest_is_kept() {
    let mut early = success(2, PaymentState::Paid);
    early.since = at(1);
    let all = [success(1, PaymentState::Paid), early];
    assert_eq!(surplus(OrderState::Adopted, None, &all), [1]);
    // Paid by a wallet, and none of these is it: then nothing is certain enough to give all away.
    assert_eq!(surplus(OrderState::Paid, Some(&by_wallet(9)), &all), [1]);
}

#[test]
fn beside_cash_and_for_what_can_no_more_be_paid_none_is_kept() {
    let amount = Amount::new(1000, Currency::CNY);
    let cash = PaidBy::Cash { given: amount, change: Amount::new(0, Currency::CNY) };
    let all = [success(1, PaymentState::Paid)];
    assert_eq!(surplus(OrderState::Paid, Some(&cash), &all), [1]);
    assert_eq!(surplus(OrderState::Void, None, &all), [1]);
}

#[test]
fn known_or_unknown_a_reversal_that_is_not_granted_is_asked_about_and_neither_way_is_the_only_one() {
    for not_granted in [ReverseOutcome::Retry, ReverseOutcome::TooLate, ReverseOutcome::Unknown] {
        let mut payment = start();
        payment.on(Event::GiveUp, at(20), &policy());
        let mut now = 20;
        // The wallet's own word comes by the one way only, as when a client certificate has ended.
        for said in [QueryOutcome::Unknown, QueryOutcome::Waiting, paid(), QueryOutcome::Reversed] {
            while payment.due(at(now), &policy()).is_none() {
                now += 1;
            }
            assert_eq!(
                payment.due(at(now), &policy()),
                Some(Action::Reverse),
                "{not_granted:?}, then {said:?}"
            );
            payment.on(Event::Reverse(not_granted.clone()), at(now), &policy());
            assert_eq!(
                payment.due(at(now), &policy()),
                Some(Action::Query),
                "{not_granted:?}, then {said:?}"
            );
            payment.on(Event::Query(said), at(now), &policy());
        }
        assert_eq!(payment.state, PaymentState::Reversed);
        assert!(now < 60, "settled after {now} s");
    }
}
