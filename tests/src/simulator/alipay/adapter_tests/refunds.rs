//! Money that goes back.

use super::*;

pub(super) fn refund(name: &str, minor: i64) -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId(name.into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(minor),
        reason: "broken".into(),
    }
}

async fn paid_rig() -> Rig {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    rig
}

#[tokio::test]
async fn refunds_in_parts_up_to_the_whole_and_never_more() {
    let rig = paid_rig().await;
    for (name, minor, left) in [("R1", 1000, 234), ("R2", 234, 0)] {
        assert_eq!(rig.channel.query_refund(&refund(name, minor)).await, ChannelRefundOutcome::NoSuchRefund);
        assert_eq!(rig.channel.refund(&refund(name, minor)).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.channel.refund(&refund(name, minor)).await, ChannelRefundOutcome::Done, "a repeat");
        assert_eq!(rig.channel.query_refund(&refund(name, minor)).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.net(), left);
    }
    let more = rig.channel.refund(&refund("R3", 1)).await;
    assert!(
        matches!(&more, ChannelRefundOutcome::Refused(words) if words.contains("REFUND_AMT_NOT_EQUAL_TOTAL")),
        "{more:?}"
    );
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0), "all of it went back: closed");
}

#[tokio::test]
async fn a_refund_number_never_serves_twice() {
    let rig = paid_rig().await;
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.refund(&refund("R1", 200)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.net(), 1134);
}

#[tokio::test]
async fn a_refund_that_is_slow_or_whose_reply_is_lost_is_found_by_asking() {
    let rig = paid_rig().await;
    rig.wallet.switch(|switches| switches.refund_takes_ms = 9_000);
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Processing);
    assert_eq!(
        rig.channel.query_refund(&refund("R1", 100)).await,
        ChannelRefundOutcome::NoSuchRefund,
        "it may be sent again: its number makes it one refund"
    );
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Processing);
    rig.wallet.turn_clock(9_000).unwrap();
    assert_eq!(rig.channel.query_refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(), 1134);
    for fault in [Fault::ReplyLost, Fault::SystemError, Fault::Unavailable, Fault::BadSignature] {
        rig.wallet.next(Endpoint::Refund, fault);
        assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Unknown);
    }
    rig.wallet.turn_clock(9_000).unwrap();
    assert_eq!(rig.channel.query_refund(&refund("R2", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(), 1034);
}

#[tokio::test]
async fn no_answer_about_another_refund_or_amount_is_believed() {
    let rig = paid_rig().await;
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    for fault in
        [Fault::WrongAmount, Fault::OtherNumber, Fault::BadSignature, Fault::Unsigned, Fault::Altered]
    {
        rig.wallet.next(Endpoint::RefundQuery, fault.clone());
        let outcome = rig.channel.query_refund(&refund("R1", 100)).await;
        assert_eq!(outcome, ChannelRefundOutcome::Unknown, "{fault:?}");
    }
    rig.wallet.next(Endpoint::Refund, Fault::OtherNumber);
    assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Unknown);
    let of_other_total = ChannelRefund { paid: cny(9999), ..refund("R1", 100) };
    assert_eq!(rig.channel.query_refund(&of_other_total).await, ChannelRefundOutcome::Unknown);
}

#[tokio::test]
async fn a_refusal_is_believed_only_if_a_question_knows_of_no_refund() {
    let rig = paid_rig().await;
    let poor = || Fault::Refuse { err_code: "ACQ.SELLER_BALANCE_NOT_ENOUGH".into() };
    rig.wallet.next(Endpoint::Refund, poor());
    let refused = rig.channel.refund(&refund("R1", 100)).await;
    assert!(matches!(refused, ChannelRefundOutcome::Refused(_)), "{refused:?}");
    rig.wallet.next(Endpoint::Refund, poor());
    rig.wallet.next(Endpoint::RefundQuery, Fault::Garbage);
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Unknown);
    // Done before, and the repeat is refused: the question finds it.
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    rig.wallet.next(Endpoint::Refund, Fault::Refuse { err_code: "ACQ.TRADE_HAS_CLOSE".into() });
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(), 1134);
}

#[tokio::test]
async fn what_was_taken_back_is_not_refunded_and_the_other_way_round() {
    let rig = paid_rig().await;
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert!(matches!(rig.channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Refused(_)));
    let nowhere = ChannelRefund { number: number(9), ..refund("R9", 1) };
    assert!(matches!(rig.channel.refund(&nowhere).await, ChannelRefundOutcome::Refused(_)));
    let second = charge_with(rig.wallet.issue_code(Behaviour::Pays).unwrap(), 2);
    assert!(is_success(&rig.channel.pay(&second).await));
    let of_second = ChannelRefund { number: number(2), ..refund("R2", 34) };
    assert_eq!(rig.channel.refund(&of_second).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Retry, "partly refunded");
    assert_eq!(rig.wallet.order(number(2).as_str()).unwrap().unwrap().net_minor(), 1200);
}
