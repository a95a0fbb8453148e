//! A day's bill, fetched by the server's adapter.

use super::*;
use crate::simulator::adapter_bills::{DAY_MS, Traded};
use evertill_server::channel::bills::BillFailure;
use evertill_shared::reconciliation::{Movement, Progress};

#[tokio::test]
async fn a_bill_comes_the_next_morning_and_holds_payments_part_refunds_and_what_was_taken_back() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.comes_the_next_morning_and_holds_all().await;
    assert_eq!(traded.bill(traded.day.next()).await, Err(BillFailure::NotReady), "no trade, no bill");
}

#[tokio::test]
async fn a_bill_that_is_spoilt_is_refused_whole_with_the_reason() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    let answers = [(Fault::ReplyLost, false), (Fault::SystemError, false), (Fault::Garbage, true)];
    traded.a_spoilt_one_is_refused_whole("商户退款单号", answers).await;
}

#[tokio::test]
async fn a_refund_that_is_still_on_its_way_when_the_bill_is_written_is_not_done_in_it() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    rig.wallet.switch(|switches| {
        switches.refund_spacing_ms = 0;
        switches.refund_takes_ms = 3 * 24 * 60 * 60 * 1000;
    });
    let refund = ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R2".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(300),
        reason: "cold".into(),
    };
    assert_eq!(rig.channel.refund(&refund).await, ChannelRefundOutcome::Processing);
    rig.wallet.turn_clock(2 * DAY_MS).unwrap();
    let rows = traded.bill(traded.day).await.unwrap();
    let refunds: Vec<_> = rows.iter().filter(|row| row.movement == Movement::Refund).collect();
    let seen: Vec<_> = refunds.iter().map(|row| (row.number.as_str(), row.progress)).collect();
    assert_eq!(seen, [("R1", Progress::Done), ("R2", Progress::UnderWay)]);
}

#[tokio::test]
async fn another_fee_or_currency_is_read_as_it_stands() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.another_fee_or_currency_is_read_as_it_stands(true).await;
}
