//! A day's bill, fetched by the server's adapter.

use super::*;
use crate::simulator::wallet::BillFault;
use evertill_server::channel::bills::BillFailure;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::reconciliation::{BillRow, Movement};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Sale 1 is paid and partly refunded, sale 2 paid and reversed, sale 3 not paid; then it is the next day's evening.
async fn traded() -> (Rig, BusinessDay) {
    let rig = rig().await;
    for (sequence, behaviour) in [(1, Behaviour::Pays), (2, Behaviour::Pays), (3, Behaviour::NoFunds)] {
        rig.channel.pay(&charge_with(rig.wallet.issue_code(behaviour).unwrap(), sequence)).await;
    }
    let refund = ChannelRefund {
        refund: RefundId("R1".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(200),
        reason: "cold".into(),
    };
    assert_eq!(rig.channel.refund(&refund).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Reversed);
    let zone = "Asia/Shanghai".parse().unwrap();
    let day = evertill_shared::business_day::business_day_of(SystemClock.now(), &zone, 0);
    (rig, day)
}

async fn bill(rig: &Rig, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
    rig.channel.bills().unwrap().bill(day).await
}

#[tokio::test]
async fn a_bill_comes_the_next_morning_and_holds_payments_part_refunds_and_what_was_taken_back() {
    let (rig, day) = traded().await;
    assert_eq!(bill(&rig, day).await, Err(BillFailure::NotReady));
    rig.wallet.turn_clock(2 * DAY_MS).unwrap();
    let rows = bill(&rig, day).await.unwrap();
    let mut seen: Vec<_> = rows
        .iter()
        .map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.revoked, r.fee_minor))
        .collect();
    seen.sort_unstable();
    let (one, two) = (number(1).to_string(), number(2).to_string());
    assert_eq!(
        seen,
        [
            (Movement::Payment, one.as_str(), 1234, false, 7),
            (Movement::Payment, two.as_str(), 1234, false, 7),
            (Movement::Payment, two.as_str(), 1234, true, -7),
            (Movement::Refund, "R1", 200, false, -1),
        ]
    );
    assert_eq!(bill(&rig, day.next()).await, Err(BillFailure::NotReady));
    rig.wallet.turn_clock(DAY_MS).unwrap();
    assert_eq!(bill(&rig, day.next()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_bill_that_is_spoilt_is_refused_whole_with_the_reason() {
    let (rig, day) = traded().await;
    rig.wallet.turn_clock(2 * DAY_MS).unwrap();
    for (fault, word) in [
        (BillFault::Truncated, "cut off"),
        (BillFault::OtherColumns, "退款批次号/请求号"),
        (BillFault::OtherSums, "sums say"),
    ] {
        rig.wallet.switch(|switches| switches.bill = vec![fault.clone()]);
        let Err(BillFailure::Bad(why)) = bill(&rig, day).await else { panic!("{fault:?} was taken") };
        assert!(why.contains(word) || why.contains("cannot be read"), "{fault:?}: {why}");
    }
    rig.wallet.switch(|switches| switches.bill = vec![BillFault::MissingRow { number: "R1".into() }]);
    assert_eq!(bill(&rig, day).await.unwrap().len(), 3, "a bill that agrees with itself is a bill");
    rig.wallet.switch(|switches| switches.bill = Vec::new());
    for (fault, expected) in
        [(Fault::ReplyLost, false), (Fault::Unavailable, false), (Fault::BadSignature, false)]
    {
        rig.wallet.next(Endpoint::Bill, fault.clone());
        rig.wallet.next(Endpoint::Bill, fault.clone());
        let refused = bill(&rig, day).await.unwrap_err();
        assert_eq!(matches!(refused, BillFailure::Bad(_)), expected, "{fault:?}: {refused}");
        rig.wallet.switch(|switches| switches.next.clear());
    }
    assert_eq!(bill(&rig, day).await.unwrap().len(), 4);
}
