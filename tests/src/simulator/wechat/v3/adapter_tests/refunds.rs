//! Refunds of shown payments.

use super::*;
use crate::simulator::wallet::RefundEnd;

fn refund(name: &str, minor: i64) -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId(name.into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(minor),
        reason: "cold 凉".into(),
    }
}

#[tokio::test]
async fn a_refund_is_done_once_however_often_it_is_sent() {
    let rig = rig(PUBLIC).await;
    rig.sold(1).await;
    let back = refund("R1", 200);
    assert_eq!(rig.channel.query_refund(&back).await, ChannelRefundOutcome::NoSuchRefund);
    for _ in 0..3 {
        assert_eq!(rig.channel.refund(&back).await, ChannelRefundOutcome::Done);
    }
    assert_eq!(rig.channel.query_refund(&back).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(1), 1034);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }), "still a payment");
    // The same number with another amount proves nothing about either.
    assert_eq!(rig.channel.refund(&refund("R1", 201)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.net(1), 1034);
}

#[tokio::test]
async fn a_refund_that_takes_time_is_processing_until_it_has_arrived() {
    let rig = rig(CERTIFICATES).await;
    rig.sold(1).await;
    rig.wallet.switch(|switches| switches.refund_takes_ms = 30_000);
    assert_eq!(rig.channel.refund(&refund("R1", 1234)).await, ChannelRefundOutcome::Processing);
    rig.turn(31_000);
    assert_eq!(rig.channel.query_refund(&refund("R1", 1234)).await, ChannelRefundOutcome::Done);
}

#[tokio::test]
async fn limits_refuse_for_good_and_pace_does_not() {
    let rig = rig(PUBLIC).await;
    rig.sold(1).await;
    assert_eq!(rig.channel.refund(&refund("R1", 1000)).await, ChannelRefundOutcome::Done);
    assert_eq!(
        rig.channel.refund(&refund("R2", 100)).await,
        ChannelRefundOutcome::Unknown,
        "within a minute"
    );
    rig.turn(61_000);
    assert_eq!(rig.channel.refund(&refund("R2", 100)).await, ChannelRefundOutcome::Done);
    let more = rig.channel.refund(&refund("R3", 200)).await;
    assert!(matches!(more, ChannelRefundOutcome::Refused(_)), "more than is left: {more:?}");
    assert_eq!(rig.net(1), 134);
    rig.wallet.switch(|switches| switches.refund_spacing_ms = 0);
    for n in 3..51 {
        assert_eq!(rig.channel.refund(&refund(&format!("R{n}"), 1)).await, ChannelRefundOutcome::Done, "{n}");
    }
    let more = rig.channel.refund(&refund("R51", 1)).await;
    assert!(matches!(more, ChannelRefundOutcome::Refused(_)), "the fifty-first: {more:?}");
}

#[tokio::test]
async fn only_an_authentic_word_about_this_very_refund_settles_it() {
    for how in [PUBLIC, CODES] {
        let rig = rig(how).await;
        rig.sold(1).await;
        // A merchant is not named in answers to refunds.
        for fault in USELESS.into_iter().filter(|fault| *fault != Fault::OtherMerchant) {
            spoil(&rig.wallet, Endpoint::RefundQuery, &fault);
            let asked = rig.channel.query_refund(&refund("R1", 200)).await;
            assert_ne!(asked, ChannelRefundOutcome::Done, "{fault:?}");
            spoil(&rig.wallet, Endpoint::Refund, &fault);
            let outcome = rig.channel.refund(&refund("R1", 200)).await;
            assert_eq!(outcome, ChannelRefundOutcome::Unknown, "{fault:?}");
        }
        heal(&rig.wallet);
        assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Done);
        assert_eq!(rig.net(1), 1034, "one refund, whatever was lost");
    }
}

#[tokio::test]
async fn a_refund_goes_the_way_that_its_payment_came() {
    let rig = rig(PUBLIC).await;
    let charged = rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await;
    assert!(matches!(charged, PayOutcome::ConfirmedSuccess { .. }));
    spoil(&rig.wallet, Endpoint::Refund, &Fault::OldTime); // which version 2 does not have
    assert_eq!(
        rig.channel.refund(&refund("R1", 200)).await,
        ChannelRefundOutcome::Done,
        "charged by version 2"
    );
    assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Done);
    spoil(&rig.wallet, Endpoint::Query, &Fault::SystemError);
    let unknown = rig.channel.refund(&refund("R2", 1)).await;
    assert_eq!(unknown, ChannelRefundOutcome::Unknown, "how it was paid is not known");
    assert_eq!(rig.net(1), 1034);
}

#[tokio::test]
async fn a_refund_to_a_card_that_is_gone_waits_for_a_person_and_one_that_is_closed_frees_its_money() {
    let rig = rig(PUBLIC).await;
    rig.sold(1).await;
    rig.wallet.switch(|switches| {
        (switches.refund_spacing_ms, switches.refund_takes_ms) = (0, 30_000);
        switches.refund_ends = RefundEnd::Abnormal;
    });
    assert_eq!(rig.channel.refund(&refund("R1", 200)).await, ChannelRefundOutcome::Processing);
    rig.turn(31_000);
    for _ in 0..2 {
        let stuck = rig.channel.query_refund(&refund("R1", 200)).await;
        assert!(matches!(stuck, ChannelRefundOutcome::NeedsAPerson(_)), "{stuck:?}");
        let again = rig.channel.refund(&refund("R1", 200)).await;
        assert!(matches!(again, ChannelRefundOutcome::NeedsAPerson(_)), "sent again: {again:?}");
    }
    assert_eq!(rig.net(1), 1034, "it has left the merchant");
    assert!(rig.wallet.finish_refund("R1").unwrap() && !rig.wallet.finish_refund("R1").unwrap());
    assert_eq!(rig.channel.query_refund(&refund("R1", 200)).await, ChannelRefundOutcome::Done);

    rig.wallet.switch(|switches| switches.refund_ends = RefundEnd::Closed);
    assert_eq!(rig.channel.refund(&refund("R2", 1034)).await, ChannelRefundOutcome::Processing);
    let more = rig.channel.refund(&refund("R3", 1)).await;
    assert!(matches!(more, ChannelRefundOutcome::Refused(_)), "held while it is under way: {more:?}");
    rig.turn(31_000);
    for _ in 0..2 {
        let closed = rig.channel.query_refund(&refund("R2", 1034)).await;
        assert!(matches!(closed, ChannelRefundOutcome::Closed(_)), "{closed:?}");
        let again = rig.channel.refund(&refund("R2", 1034)).await;
        assert!(matches!(again, ChannelRefundOutcome::Closed(_)), "its number is used up: {again:?}");
    }
    assert_eq!(rig.net(1), 1034, "nothing went back");
    rig.wallet.switch(|switches| {
        (switches.refund_ends, switches.refund_takes_ms) = (RefundEnd::Arrives, 0);
    });
    assert_eq!(rig.channel.refund(&refund("R4", 1034)).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.net(1), 0);
}

#[tokio::test]
async fn how_a_refund_ended_is_told_in_the_wallets_own_words_and_settles_nothing() {
    for (end, event) in [(RefundEnd::Abnormal, "REFUND.ABNORMAL"), (RefundEnd::Closed, "REFUND.CLOSED")] {
        let rig = rig(PUBLIC).await;
        rig.sold(1).await;
        rig.ear.heard(1).await;
        rig.wallet.switch(|switches| switches.refund_ends = end);
        rig.channel.refund(&refund("R1", 200)).await;
        rig.wallet.tell_of_refund("R1", &rig.ear.url).unwrap();
        let (headers, body) = rig.ear.heard(2).await.pop().unwrap();
        assert!(String::from_utf8(body.clone()).unwrap().contains(event));
        assert!(rig.shown().notification(&headers, &body).is_err(), "no payment");
    }
}
