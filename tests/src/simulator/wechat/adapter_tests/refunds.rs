//! Money that goes back.

use super::*;
use crate::simulator::wallet::RefundEnd;

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

#[tokio::test]
async fn refunds_in_parts_up_to_the_whole_and_never_more() {
    let rig = rig().await;
    rig.wallet.switch(|switches| switches.refund_spacing_ms = 0);
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    for (name, minor) in [("R1", 1000), ("R2", 234)] {
        assert_eq!(rig.channel.refund(&refund(name, minor)).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.channel.refund(&refund(name, minor)).await, ChannelRefundOutcome::Done, "a repeat");
    }
    assert_eq!(rig.net(), 0);
    let more = rig.channel.refund(&refund("R3", 1)).await;
    assert!(
        matches!(&more, ChannelRefundOutcome::Refused(words) if words.contains("累计退款金额大于支付金额")),
        "{more:?}"
    );
    assert_eq!(rig.channel.query_refund(&refund("R3", 1)).await, ChannelRefundOutcome::NoSuchRefund);
    assert!(is_paid(&rig.query().await), "a refunded payment was a payment");
}

#[tokio::test]
async fn a_refund_number_never_serves_twice() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.refund(&refund("R1", 200)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.net(), 1134);
    // A minute must lie between two refunds of one order: not now is not never.
    assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Unknown);
    rig.wallet.turn_clock(60_000).unwrap();
    assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Done);
}

#[tokio::test]
async fn a_refund_that_is_slow_or_whose_reply_is_lost_is_found_by_asking() {
    let rig = rig().await;
    rig.wallet.switch(|switches| (switches.refund_spacing_ms, switches.refund_takes_ms) = (0, 9_000));
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Processing);
    rig.wallet.turn_clock(9_000).unwrap();
    assert_eq!(rig.channel.query_refund(&refund("R1", 100)).await, ChannelRefundOutcome::Done);
    for fault in [Fault::ReplyLost, Fault::SystemError] {
        rig.wallet.next(Endpoint::Refund, fault);
        assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Unknown);
    }
    rig.wallet.turn_clock(9_000).unwrap();
    assert_eq!(rig.channel.query_refund(&refund("R2", 100)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(), 1034);
}

#[tokio::test]
async fn the_fifty_first_part_is_refused() {
    let rig = rig().await;
    rig.wallet.switch(|switches| switches.refund_spacing_ms = 0);
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    for part in 0..50 {
        let outcome = rig.channel.refund(&refund(&format!("P{part}"), 1)).await;
        assert_eq!(outcome, ChannelRefundOutcome::Done, "part {part}");
    }
    let outcome = rig.channel.refund(&refund("P50", 1)).await;
    assert!(matches!(outcome, ChannelRefundOutcome::Refused(_)), "{outcome:?}");
    assert_eq!(rig.channel.refund(&refund("P49", 1)).await, ChannelRefundOutcome::Done, "a repeat");
    assert_eq!(rig.net(), 1184);
}

#[tokio::test]
async fn what_was_taken_back_is_not_refunded_and_the_other_way_round() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert!(matches!(rig.channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Refused(_)));
    let second = charge_with(rig.wallet.issue_code(Behaviour::Pays).unwrap(), 2);
    assert!(is_success(&rig.channel.pay(&second).await));
    let of_second = ChannelRefund { number: number(2), ..refund("R2", 34) };
    assert_eq!(rig.channel.refund(&of_second).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Retry, "partly refunded");
    assert_eq!(rig.wallet.order(number(2).as_str()).unwrap().unwrap().net_minor(), 1200);
}

#[tokio::test]
async fn a_refusal_frees_no_money_while_an_earlier_request_under_the_same_number_is_done() {
    let rig = rig().await;
    rig.wallet.switch(|switches| (switches.refund_spacing_ms, switches.refund_takes_ms) = (0, 60_000));
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    rig.wallet.next(Endpoint::Refund, Fault::ReplyLost);
    assert_eq!(rig.channel.refund(&refund("R1", 100)).await, ChannelRefundOutcome::Unknown);
    let no = Fault::Refuse { err_code: "NOTENOUGH".into() };
    rig.wallet.next(Endpoint::Refund, no.clone());
    assert_eq!(
        rig.channel.refund(&refund("R1", 100)).await,
        ChannelRefundOutcome::Unknown,
        "it is on its way"
    );
    rig.wallet.next(Endpoint::Refund, no);
    let refused = rig.channel.refund(&refund("R2", 100)).await;
    assert!(matches!(refused, ChannelRefundOutcome::Refused(_)), "{refused:?}");
}

#[tokio::test]
async fn a_refund_to_a_card_that_is_gone_waits_for_a_person_and_one_that_is_closed_never_moves_money() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    rig.wallet.switch(|switches| {
        switches.refund_spacing_ms = 0;
        switches.refund_ends = RefundEnd::Abnormal;
    });
    let stuck = rig.channel.refund(&refund("R1", 200)).await;
    assert!(matches!(stuck, ChannelRefundOutcome::NeedsAPerson(_)), "{stuck:?}");
    assert!(rig.wallet.finish_refund("R1").unwrap());
    assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Done);
    rig.wallet.switch(|switches| switches.refund_ends = RefundEnd::Closed);
    let closed = rig.channel.refund(&refund("R2", 300)).await;
    assert!(matches!(closed, ChannelRefundOutcome::Closed(_)), "{closed:?}");
    assert_eq!(rig.net(), 1034);
}

#[tokio::test]
async fn how_much_of_a_payment_went_back_is_known_whoever_gave_it_back() {
    let rig = rig().await;
    rig.wallet.switch(|switches| (switches.refund_spacing_ms, switches.refund_takes_ms) = (0, 9_000));
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    let went_back = async || rig.channel.went_back(&number(1), cny(1234)).await;
    assert_eq!(went_back().await, Some(cny(0)));
    for (name, minor) in [("M1", 1000), ("M2", 234)] {
        assert_eq!(rig.channel.refund(&refund(name, minor)).await, ChannelRefundOutcome::Processing);
        assert_eq!(
            went_back().await,
            Some(cny(if name == "M1" { 0 } else { 1000 })),
            "accepted is not arrived"
        );
        rig.wallet.turn_clock(9_000).unwrap();
    }
    assert_eq!(went_back().await, Some(cny(1234)));
    assert_eq!(
        rig.channel.went_back(&number(1), cny(1235)).await,
        None,
        "of another amount nothing is known"
    );
    rig.wallet.next(Endpoint::RefundQuery, Fault::BadSignature);
    assert_eq!(went_back().await, None);
}
