//! A day's bill, fetched by the server's adapter.

use super::*;
use crate::simulator::adapter_bills::{DAY_MS, Traded};
use evertill_server::channel::bills::BillFailure;

#[tokio::test]
async fn a_bill_comes_the_next_morning_and_holds_payments_part_refunds_and_what_was_taken_back() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.comes_the_next_morning_and_holds_all().await;
    // A day without trade has a bill too, and it is empty.
    assert_eq!(traded.bill(traded.day.next()).await, Err(BillFailure::NotReady));
    rig.wallet.turn_clock(DAY_MS).unwrap();
    assert_eq!(traded.bill(traded.day.next()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_bill_that_is_spoilt_is_refused_whole_with_the_reason() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    let answers = [(Fault::ReplyLost, false), (Fault::Unavailable, false), (Fault::BadSignature, false)];
    traded.a_spoilt_one_is_refused_whole("退款批次号/请求号", answers).await;
}

#[tokio::test]
async fn another_fee_or_currency_is_read_as_it_stands() {
    let rig = rig().await;
    let traded = Traded::on_one_day(&rig.wallet, &rig.channel, charge_with).await;
    traded.another_fee_or_currency_is_read_as_it_stands(false).await;
}
