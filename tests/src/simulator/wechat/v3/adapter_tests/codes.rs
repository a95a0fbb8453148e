//! Codes that the till shows, and customers' codes by version 3.

use super::*;
use crate::simulator::wallet::Scanned;

fn is_success(outcome: &PayOutcome) -> bool {
    matches!(outcome, PayOutcome::ConfirmedSuccess { .. })
}

#[tokio::test]
async fn a_shown_code_is_scanned_and_found_paid_by_either_way_of_knowing_the_wallet() {
    for how in [PUBLIC, CERTIFICATES] {
        let rig = rig(how).await;
        assert_eq!(rig.channel.check().await, Ok(()));
        let order = rig.order(1);
        let ShownOutcome::Code { content, until } = rig.shown().create(&order).await else {
            panic!("no code")
        };
        assert!(content.starts_with("weixin://"));
        assert_eq!(until, order.until);
        assert_eq!(rig.query(1).await, QueryOutcome::NotPaid, "nobody has scanned it");
        assert_eq!(rig.wallet.scan(&content, Behaviour::Pays).unwrap(), Scanned::Paid);
        assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
        assert_eq!(rig.net(1), 1234);
        assert_eq!(rig.query(2).await, QueryOutcome::NoSuchOrder);
    }
}

#[tokio::test]
async fn asking_again_brings_another_code_and_the_first_is_good_no_more() {
    let rig = rig(PUBLIC).await;
    let (first, second) = (rig.code(1).await, rig.code(1).await);
    assert_ne!(first, second);
    assert_eq!(rig.wallet.scan(&first, Behaviour::Pays).unwrap(), Scanned::NoGood);
    let dearer = ShownOrder { amount: cny(1235), ..rig.order(1) };
    assert_eq!(rig.shown().create(&dearer).await, ShownOutcome::Unknown, "another amount");
    assert_eq!(rig.wallet.scan(&second, Behaviour::Pays).unwrap(), Scanned::Paid);
    assert_eq!(rig.shown().create(&rig.order(1)).await, ShownOutcome::Unknown, "paid already: ask");
    assert_eq!(rig.net(1), 1234);
}

#[tokio::test]
async fn a_closed_code_takes_no_money_and_a_paid_one_is_not_closed() {
    let rig = rig(PUBLIC).await;
    let code = rig.code(1).await;
    assert_eq!(rig.shown().close(&number(1)).await, ReverseOutcome::Reversed);
    assert_eq!(rig.shown().close(&number(1)).await, ReverseOutcome::Reversed, "again");
    assert_eq!(rig.query(1).await, QueryOutcome::Reversed);
    assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::NoGood);
    rig.sold(2).await;
    assert_eq!(rig.shown().close(&number(2)).await, ReverseOutcome::Retry);
    assert!(matches!(rig.query(2).await, QueryOutcome::Paid { .. }));
    assert_eq!(rig.shown().close(&number(3)).await, ReverseOutcome::NoSuchOrder);
    // The customer pays just before the closing arrives.
    let code = rig.code(4).await;
    rig.wallet.scan(&code, Behaviour::SuccessAfterLastQuery).unwrap();
    assert_eq!(rig.query(4).await, QueryOutcome::NotPaid);
    assert_eq!(rig.shown().close(&number(4)).await, ReverseOutcome::Retry);
    assert!(matches!(rig.query(4).await, QueryOutcome::Paid { .. }));
}

#[tokio::test]
async fn a_code_ends_when_it_was_to_end() {
    let rig = rig(PUBLIC).await;
    let code = rig.code(1).await;
    rig.turn(89_000);
    assert_eq!(rig.query(1).await, QueryOutcome::NotPaid);
    rig.turn(2_000);
    assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::NoGood);
    assert_eq!(rig.net(1), 0);
}

#[tokio::test]
async fn nothing_but_an_authentic_answer_about_this_very_order_is_paid_closed_or_a_code() {
    for how in [PUBLIC, CERTIFICATES] {
        let rig = rig(how).await;
        rig.sold(1).await;
        assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
        for fault in USELESS {
            spoil(&rig.wallet, Endpoint::Query, &fault);
            assert_eq!(rig.query(1).await, QueryOutcome::Unknown, "{fault:?}");
            // An answer to closing, or to the wish for a code, holds nothing that could be another's.
            if matches!(fault, Fault::WrongAmount | Fault::OtherNumber | Fault::OtherMerchant) {
                continue;
            }
            spoil(&rig.wallet, Endpoint::Create, &fault);
            assert_eq!(rig.shown().create(&rig.order(2)).await, ShownOutcome::Unknown, "{fault:?}");
            heal(&rig.wallet);
            rig.code(2).await;
            if fault != Fault::Altered {
                spoil(&rig.wallet, Endpoint::Close, &fault);
                assert_eq!(rig.shown().close(&number(1)).await, ReverseOutcome::Unknown, "{fault:?}");
            }
        }
        heal(&rig.wallet);
        assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
    }
}

#[tokio::test]
async fn errors_that_say_no_are_a_no_and_all_others_unknown() {
    let rig = rig(PUBLIC).await;
    for (word, outcome) in [
        ("NO_AUTH", ShownOutcome::Refused(DeclineReason::Configuration)),
        ("RULE_LIMIT", ShownOutcome::Refused(DeclineReason::LimitOrRisk)),
        ("RATELIMIT_EXCEEDED", ShownOutcome::Unknown),
        ("SYSTEM_ERROR", ShownOutcome::Unknown),
    ] {
        spoil(&rig.wallet, Endpoint::Create, &refuse(word));
        assert_eq!(rig.shown().create(&rig.order(1)).await, outcome, "{word}");
    }
    rig.wallet.switch(|switches| switches.offline = true);
    assert_eq!(rig.query(1).await, QueryOutcome::Unknown);
    drop(rig.wallet);
    let unreachable = ShownOutcome::Refused(DeclineReason::ChannelUnreachable);
    let order = ShownOrder {
        number: number(9),
        amount: cny(1),
        description: "x".into(),
        device: "T0001".into(),
        until: SystemClock.now().plus(Duration::from_secs(90)),
    };
    assert_eq!(rig.channel.shown().unwrap().create(&order).await, unreachable);
}

#[tokio::test]
async fn customers_codes_are_charged_by_version_3_where_the_setting_says_so() {
    let rig = rig(CODES).await;
    assert!(is_success(&rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await));
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
    for (sequence, behaviour, reason) in [
        (2, Behaviour::NoFunds, DeclineReason::NotEnoughFunds),
        (3, Behaviour::CardNotSupported, DeclineReason::CardNotAccepted),
        (4, Behaviour::Risk, DeclineReason::LimitOrRisk),
    ] {
        let outcome = rig.channel.pay(&rig.charge(behaviour, sequence)).await;
        assert_eq!(outcome, PayOutcome::ConfirmedFailure(reason));
    }
    let used = rig.charge(Behaviour::Pays, 5);
    assert!(is_success(&rig.channel.pay(&used).await));
    let again = Charge { number: number(6), ..used };
    let declined = PayOutcome::ConfirmedFailure(DeclineReason::CodeExpired);
    assert_eq!(rig.channel.pay(&again).await, declined);
    // A password: waits, and is paid when the customer has typed it.
    let slow = rig.charge(Behaviour::PasswordThenPays { after_ms: 5_000 }, 7);
    assert_eq!(rig.channel.pay(&slow).await, PayOutcome::Waiting);
    assert_eq!(rig.query(7).await, QueryOutcome::Waiting);
    rig.turn(5_000);
    assert!(matches!(rig.query(7).await, QueryOutcome::Paid { .. }));
}

#[tokio::test]
async fn a_charge_by_version_3_that_may_have_happened_is_unknown_and_asking_tells() {
    let rig = rig(CODES).await;
    for (sequence, fault) in (1..).zip(USELESS) {
        spoil(&rig.wallet, Endpoint::Pay, &fault);
        let outcome = rig.channel.pay(&rig.charge(Behaviour::Pays, sequence)).await;
        assert_eq!(outcome, PayOutcome::Unknown, "{fault:?}");
        heal(&rig.wallet);
        assert!(matches!(rig.query(sequence).await, QueryOutcome::Paid { .. }), "{fault:?}");
        assert_eq!(rig.net(sequence), 1234);
    }
    let lost = rig.charge(Behaviour::RequestLost, 90);
    assert_eq!(rig.channel.pay(&lost).await, PayOutcome::Unknown);
    assert_eq!(rig.query(90).await, QueryOutcome::NoSuchOrder);
}

#[tokio::test]
async fn a_charge_is_taken_back_by_version_3_and_only_its_own_word_counts() {
    let rig = rig(CODES).await;
    assert!(is_success(&rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await));
    for fault in USELESS {
        // A reversal's answer tells no amount.
        if fault != Fault::WrongAmount {
            spoil(&rig.wallet, Endpoint::Reverse, &fault);
            assert_eq!(rig.channel.reverse(&number(1)).await, ReverseOutcome::Unknown, "{fault:?}");
        }
    }
    heal(&rig.wallet);
    assert_eq!(rig.channel.reverse(&number(1)).await, ReverseOutcome::Reversed);
    assert_eq!(rig.query(1).await, QueryOutcome::Reversed);
    assert_eq!(rig.net(1), 0);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::NoSuchOrder);
    rig.wallet.switch(|switches| switches.reverse_refused_while_paying = true);
    assert_eq!(rig.channel.pay(&rig.charge(Behaviour::PasswordNever, 3)).await, PayOutcome::Waiting);
    assert_eq!(rig.channel.reverse(&number(3)).await, ReverseOutcome::Retry, "while the customer types");
    rig.wallet.switch(|switches| (switches.reverse_refused_while_paying, switches.recall_next) = (false, 1));
    assert_eq!(rig.channel.reverse(&number(3)).await, ReverseOutcome::Unknown, "to be called again");
    assert_eq!(rig.channel.reverse(&number(3)).await, ReverseOutcome::Reversed);
}

#[tokio::test]
async fn customers_codes_stay_with_version_2_and_are_asked_about_by_version_3() {
    let rig = rig(PUBLIC).await;
    spoil(&rig.wallet, Endpoint::Query, &Fault::OldTime); // which only version 3 can have
    assert!(is_success(&rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await));
    assert_eq!(rig.query(1).await, QueryOutcome::Unknown);
    heal(&rig.wallet);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
    assert_eq!(rig.shown().close(&number(1)).await, ReverseOutcome::Retry, "a charge is not closed");
    assert_eq!(rig.channel.reverse(&number(1)).await, ReverseOutcome::Reversed);
    assert_eq!(rig.query(1).await, QueryOutcome::Reversed);
    let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
    assert_eq!((order.state, order.net_minor()), (TradeState::Revoked, 0));
}

#[tokio::test]
async fn a_number_under_which_a_code_is_shown_charges_no_customers_code() {
    let rig = rig(PUBLIC).await;
    let code = rig.code(1).await;
    assert_eq!(
        rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await,
        PayOutcome::Unknown,
        "asked about, not new"
    );
    assert_eq!(rig.query(1).await, QueryOutcome::NotPaid);
    assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::Paid);
    assert_eq!(rig.net(1), 1234, "one payment under one number");
}
