//! The payment machine against scripted channels and against a reference model of a channel's truth.

mod after;
mod found;
mod racing;
mod shown;

use super::*;
use crate::id::{SaleKey, StoreId, TerminalId};
use crate::money::Currency;
use proptest::prelude::*;

fn policy() -> Policy {
    Policy::default()
}

fn start() -> Payment {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 2 };
    let number = ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1);
    let amount = Amount::new(1000, Currency::CNY);
    Payment::intent(1, Wallet::WeChatPay, number, amount, Timestamp(0), &policy())
}

fn paid() -> QueryOutcome {
    QueryOutcome::Paid { transaction: "42".into() }
}

#[test]
fn unknown_payment_is_queried_not_charged_again() {
    let mut payment = start();
    payment.on(Event::Pay(PayOutcome::Unknown), Timestamp(1_000), &policy());
    assert_eq!(payment.state, PaymentState::Unknown);
    assert!(!payment.state.surely_not_charged());
    assert_eq!(payment.due(Timestamp(5_999), &policy()), None);
    assert_eq!(payment.due(Timestamp(6_000), &policy()), Some(Action::Query));
    payment.on(Event::Query(paid()), Timestamp(6_000), &policy());
    assert_eq!(payment.state, PaymentState::Paid);
}

#[test]
fn an_intent_whose_server_crashed_is_asked_after() {
    let payment = start();
    assert_eq!(payment.due(Timestamp(5_000), &policy()), Some(Action::Query));
}

#[test]
fn no_number_of_failed_questions_makes_a_payment_failed() {
    let mut payment = start();
    let mut now = 0;
    payment.on(Event::Pay(PayOutcome::Unknown), Timestamp(now), &policy());
    while payment.due(Timestamp(now), &policy()) != Some(Action::Reverse) {
        now += 500;
        if payment.due(Timestamp(now), &policy()) == Some(Action::Query) {
            payment.on(Event::Query(QueryOutcome::Unknown), Timestamp(now), &policy());
        }
        assert!(!payment.state.is_final(), "settled by guessing at {now} ms");
    }
    assert!((45_000..46_000).contains(&now), "taken back at {now} ms");
}

#[test]
fn what_is_found_paid_after_the_wallet_takes_nothing_back_goes_back_as_a_refund() {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let within_a_day = Policy { reverse_within_ms: 24 * 60 * 60 * 1_000, ..policy() };
    let mut payment = start();
    payment.on(Event::Pay(PayOutcome::Unknown), Timestamp(1_000), &within_a_day);
    payment.on(Event::GiveUp, Timestamp(50_000), &within_a_day);
    assert_eq!(payment.due(Timestamp(DAY), &within_a_day), Some(Action::Reverse));
    // No answer for a day. A reversal would only be refused from here on: it is asked about instead.
    assert_eq!(payment.due(Timestamp(DAY + 1), &within_a_day), Some(Action::Query));
    let unsure = payment.clone();
    for open in [QueryOutcome::Waiting, QueryOutcome::Unknown, QueryOutcome::NotPaid] {
        assert_eq!(payment.on(Event::Query(open), Timestamp(DAY + 1), &within_a_day), Change::None);
    }
    assert_eq!(payment.state, PaymentState::Reversing);
    let change = payment.on(Event::Query(paid()), Timestamp(DAY + 2), &within_a_day);
    assert_eq!((change, payment.state), (Change::LateSuccess, PaymentState::Reversed));
    assert_eq!(payment.transaction.as_deref(), Some("42"));
    let mut closed = unsure;
    closed.on(Event::Query(QueryOutcome::Reversed), Timestamp(DAY + 2), &within_a_day);
    assert_eq!(closed.state, PaymentState::Reversed);
}

#[test]
fn a_reversal_is_never_sent_before_the_wallet_allows_it() {
    let mut payment = start();
    payment.on(Event::Pay(PayOutcome::Waiting), Timestamp(100), &policy());
    payment.on(Event::GiveUp, Timestamp(2_000), &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    for ms in (2_000..15_000).step_by(100) {
        assert_ne!(payment.due(Timestamp(ms), &policy()), Some(Action::Reverse));
    }
    assert_eq!(payment.due(Timestamp(15_000), &policy()), Some(Action::Reverse));
}

#[test]
fn a_reversal_counts_only_when_a_question_confirms_it() {
    let mut payment = start();
    payment.on(Event::GiveUp, Timestamp(20_000), &policy());
    payment.on(Event::Reverse(ReverseOutcome::Reversed), Timestamp(20_000), &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    assert_eq!(payment.due(Timestamp(20_000), &policy()), Some(Action::Query));
    payment.on(Event::Query(paid()), Timestamp(20_100), &policy());
    assert_eq!(payment.state, PaymentState::Reversing, "the reversal was not one");
    payment.on(Event::Reverse(ReverseOutcome::Reversed), Timestamp(30_000), &policy());
    payment.on(Event::Query(QueryOutcome::Reversed), Timestamp(30_100), &policy());
    assert_eq!(payment.state, PaymentState::Reversed);
}

#[test]
fn no_such_order_is_provisional() {
    let mut payment = start();
    payment.on(Event::GiveUp, Timestamp(20_000), &policy());
    payment.on(Event::Reverse(ReverseOutcome::NoSuchOrder), Timestamp(20_000), &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    payment.on(Event::Query(QueryOutcome::NoSuchOrder), Timestamp(120_000), &policy());
    assert_eq!(payment.state, PaymentState::Reversed);
}

#[test]
fn success_after_the_end_is_a_second_fact_told_once() {
    let mut payment = start();
    payment.on(Event::GiveUp, Timestamp(20_000), &policy());
    payment.on(Event::Query(QueryOutcome::Reversed), Timestamp(20_000), &policy());
    assert_eq!(payment.on(Event::Query(paid()), Timestamp(60_000), &policy()), Change::LateSuccess);
    assert_eq!(payment.state, PaymentState::Reversed, "a finished state is never reopened");
    assert_eq!(payment.on(Event::Query(paid()), Timestamp(61_000), &policy()), Change::None);
}

#[test]
fn a_failed_payment_is_reversed_before_anyone_may_try_again() {
    let mut payment = start();
    let failed = QueryOutcome::Failed(DeclineReason::PaymentFailed);
    payment.on(Event::Query(failed), Timestamp(6_000), &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    assert!(!payment.state.surely_not_charged());
}

#[test]
fn a_clock_set_back_does_not_put_the_deadline_off_by_as_much() {
    let day = Duration::from_secs(24 * 3600);
    let mut payment = start();
    let now = Timestamp(0).minus(day);
    payment.next_at = now;
    payment.on(Event::Query(QueryOutcome::Unknown), now, &policy());
    let late = now.plus(Duration::from_secs(45));
    payment.on(Event::Query(QueryOutcome::Unknown), late, &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    assert_eq!(payment.due(late, &policy()), Some(Action::Reverse));
}

#[test]
fn a_success_after_a_refusal_of_our_own_is_a_second_fact() {
    let mut payment = start();
    let unreachable = PayOutcome::Refused(DeclineReason::ChannelUnreachable);
    payment.on(Event::Pay(unreachable), Timestamp(0), &policy());
    assert_eq!(payment.state, PaymentState::Declined);
    let success = PayOutcome::ConfirmedSuccess { transaction: "42".into() };
    assert_eq!(payment.on(Event::Pay(success), Timestamp(9), &policy()), Change::LateSuccess);
    assert_eq!((payment.state, payment.transaction.as_deref()), (PaymentState::Declined, Some("42")));
    assert_eq!(payment.on(Event::Query(paid()), Timestamp(99), &policy()), Change::None, "told once");
}

/// What is really true at the channel, and what it answers: the reference that the machine is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Truth {
    NeverArrived,
    Open,
    Charged,
    Returned,
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    /// The request arrives or the customer acts: the truth moves.
    Arrive,
    Confirm,
    /// The machine acts; whether its message arrives, and whether the answer comes back.
    Act {
        arrives: bool,
        answered: bool,
    },
    GiveUp,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u32..30_000).prop_map(Step::Wait),
        Just(Step::Arrive),
        Just(Step::Confirm),
        (any::<bool>(), any::<bool>()).prop_map(|(arrives, answered)| Step::Act { arrives, answered }),
        (any::<bool>(), any::<bool>()).prop_map(|(arrives, answered)| Step::Act { arrives, answered }),
        Just(Step::GiveUp),
    ]
}

fn ask(truth: Truth) -> QueryOutcome {
    match truth {
        Truth::NeverArrived => QueryOutcome::NoSuchOrder,
        Truth::Open => QueryOutcome::NotPaid,
        Truth::Charged => paid(),
        Truth::Returned => QueryOutcome::Reversed,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is lost, late or given up: what the machine calls final is true at the channel.
    #[test]
    fn a_final_state_is_always_the_channels_truth(steps in prop::collection::vec(step(), 1..80)) {
        let (policy, mut payment, mut truth, mut now) = (policy(), start(), Truth::NeverArrived, Timestamp(0));
        payment.on(Event::Pay(PayOutcome::Unknown), now, &policy);
        for step in steps {
            match step {
                Step::Wait(ms) => now = now.plus(Duration::from_millis(ms.into())),
                // No request lives longer on its way than the policy says.
                Step::Arrive if truth == Truth::NeverArrived && now < Timestamp(60_000) => truth = Truth::Open,
                Step::Confirm if truth == Truth::Open => truth = Truth::Charged,
                Step::Arrive | Step::Confirm => {}
                Step::GiveUp => { payment.on(Event::GiveUp, now, &policy); }
                Step::Act { arrives, answered } => match payment.due(now, &policy) {
                    Some(Action::Show) => unreachable!("no code is shown here"),
                    None => {}
                    Some(Action::Query) => {
                        let outcome = if arrives && answered { ask(truth) } else { QueryOutcome::Unknown };
                        payment.on(Event::Query(outcome), now, &policy);
                    }
                    Some(Action::LookAgain) => {
                        let outcome = if arrives && answered { ask(truth) } else { QueryOutcome::Unknown };
                        let change = payment.on(Event::LookedAgain(outcome), now, &policy);
                        prop_assert_eq!(change, Change::None, "the end was the truth");
                    }
                    Some(Action::Reverse) => {
                        prop_assert!(now >= Timestamp(15_000));
                        let existed = truth != Truth::NeverArrived;
                        if arrives && existed { truth = Truth::Returned; }
                        let outcome = match (arrives && answered, existed) {
                            (false, _) => ReverseOutcome::Unknown,
                            (true, true) => ReverseOutcome::Reversed,
                            (true, false) => ReverseOutcome::NoSuchOrder,
                        };
                        payment.on(Event::Reverse(outcome), now, &policy);
                    }
                },
            }
            match payment.state {
                PaymentState::Paid => prop_assert_eq!(truth, Truth::Charged),
                PaymentState::Reversed => prop_assert!(matches!(truth, Truth::Returned | Truth::NeverArrived)),
                PaymentState::Declined => prop_assert!(false, "nobody declined"),
                _ => {}
            }
        }
        // And with a channel that answers, every attempt ends.
        for _ in 0..60 {
            now = now.plus(Duration::from_secs(60));
            match payment.due(now, &policy) {
                Some(Action::Show) => unreachable!("no code is shown here"),
                None => {} // pauses grow while nobody answers
                Some(Action::Query) => { payment.on(Event::Query(ask(truth)), now, &policy); }
                Some(Action::LookAgain) => { payment.on(Event::LookedAgain(ask(truth)), now, &policy); }
                Some(Action::Reverse) => {
                    let outcome = if truth == Truth::NeverArrived {
                        ReverseOutcome::NoSuchOrder
                    } else {
                        truth = Truth::Returned;
                        ReverseOutcome::Reversed
                    };
                    payment.on(Event::Reverse(outcome), now, &policy);
                }
            }
        }
        prop_assert!(payment.state.is_final(), "left as {:?}", payment.state);
    }
}
