//! A day's bill by version 3.

use super::*;
use crate::simulator::wallet::BillFault;
use evertill_server::channel::bills::BillFailure;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::reconciliation::{BillRow, Movement};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Sale 1 is paid and partly refunded, sale 2 charged and taken back; then it is two days later.
async fn traded() -> (Rig, BusinessDay) {
    let rig = rig(PUBLIC).await;
    // All of it on one day of China's.
    if (rig.clock.now().0 + 8 * 60 * 60 * 1000) % DAY_MS > DAY_MS - 60_000 {
        rig.turn(120_000);
    }
    let day = business_day_of(rig.clock.now(), &"Asia/Shanghai".parse().unwrap(), 0);
    rig.sold(1).await;
    rig.channel.pay(&rig.charge(Behaviour::Pays, 2)).await;
    let back = ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(200),
        reason: "cold".into(),
    };
    assert_eq!(rig.channel.refund(&back).await, ChannelRefundOutcome::Done);
    assert_eq!(rig.channel.reverse(&number(2)).await, ReverseOutcome::Reversed);
    (rig, day)
}

async fn bill(rig: &Rig, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
    rig.channel.bills().unwrap().bill(day).await
}

#[tokio::test]
async fn a_bill_comes_the_next_morning_with_the_hash_that_was_signed() {
    let (rig, day) = traded().await;
    assert_eq!(bill(&rig, day).await, Err(BillFailure::NotReady));
    rig.turn(2 * DAY_MS);
    let rows = bill(&rig, day).await.unwrap();
    let mut seen: Vec<_> =
        rows.iter().map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.revoked)).collect();
    seen.sort_unstable();
    let (one, two) = (number(1).to_string(), number(2).to_string());
    assert_eq!(
        seen,
        [
            (Movement::Payment, one.as_str(), 1234, false),
            (Movement::Payment, two.as_str(), 1234, false),
            (Movement::Payment, two.as_str(), 1234, true),
            (Movement::Refund, "R1", 200, false),
        ]
    );
    assert_eq!(bill(&rig, day.next()).await, Err(BillFailure::NotReady), "no trade, no bill");
}

#[tokio::test]
async fn a_file_that_is_altered_or_an_answer_that_is_not_the_wallets_is_no_bill() {
    let (rig, day) = traded().await;
    rig.turn(2 * DAY_MS);
    for (endpoint, fault) in [
        (Endpoint::Bill, Fault::BadSignature),
        (Endpoint::Bill, Fault::Unsigned),
        (Endpoint::Bill, Fault::Altered),
        (Endpoint::Bill, Fault::SignTest),
        (Endpoint::Bill, Fault::ServerError),
        (Endpoint::Bill, refuse("RATELIMIT_EXCEEDED")),
        (Endpoint::BillFile, Fault::ServerError),
        (Endpoint::BillFile, Fault::ReplyLost),
        (Endpoint::BillFile, refuse("PARAM_ERROR")),
    ] {
        spoil(&rig.wallet, endpoint, &fault);
        let refused = bill(&rig, day).await;
        assert!(matches!(refused, Err(BillFailure::NoAnswer(_))), "{endpoint:?} {fault:?}: {refused:?}");
    }
    for fault in [Fault::Altered, Fault::Garbage] {
        spoil(&rig.wallet, Endpoint::BillFile, &fault);
        let refused = bill(&rig, day).await;
        assert!(matches!(refused, Err(BillFailure::Bad(_))), "{fault:?}: {refused:?}");
    }
    heal(&rig.wallet);
    for fault in [BillFault::Truncated, BillFault::OtherColumns, BillFault::OtherSums] {
        rig.wallet.switch(|switches| switches.bill = vec![fault.clone()]);
        assert!(matches!(bill(&rig, day).await, Err(BillFailure::Bad(_))), "{fault:?}");
    }
    rig.wallet.switch(|switches| switches.bill.clear());
    assert_eq!(bill(&rig, day).await.unwrap().len(), 4);
}
