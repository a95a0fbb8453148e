//! A day's bill, fetched by the server's adapter.

use super::*;
use crate::simulator::adapter_bills::Traded;
use evertill_server::channel::bills::BillFailure;

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
