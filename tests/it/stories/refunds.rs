//! Refunds: never over, by the till that sold, on the day of the sale.

use super::{is_paid, net, shop};
use evertill_provisioning::client::{ClientError, StaffClient};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundState};
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::StoreRig;
use std::time::Duration;

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub(super) async fn ask(
    staff: &StaffClient,
    number: OrderNumber,
    request: &str,
    minor: i64,
) -> Result<Refund, ClientError> {
    let ask = AskRefund {
        request: request.into(),
        amount: cny(minor),
        reason: "the customer brought it back".into(),
    };
    staff.ask_refund(&number, &ask).await
}

async fn paid_by_code(rig: &StoreRig, till: &mut ScriptedTill, minor: i64) -> AdoptedSale {
    let order = till.sell_and_choose(minor).await.unwrap();
    let code = rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 1, &code).await.unwrap()));
    order
}

pub(super) async fn until_final(till: &ScriptedTill, refund: &Refund) -> Refund {
    let path = format!("/v1/orders/{}/refunds/{}", refund.order, refund.id);
    for _ in 0..200 {
        let now: Refund = till.client.get(&path, "").await.unwrap();
        if now.state.is_final() {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the refund never ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_goes_to_the_till_that_sold_and_the_money_goes_back_once() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till 1").await.unwrap();
    let mut other = shop.rig.scripted_till("Till 2").await.unwrap();
    let order = paid_by_code(&shop.rig, &mut till, 1000).await;
    let manager = shop.rig.staff("li").await.unwrap();
    let refund = ask(&manager, order.number, "press-0001", 300).await.unwrap();
    let twice = ask(&manager, order.number, "press-0001", 300).await.unwrap();
    assert_eq!(refund.id, twice.id, "pressing twice asks once");
    assert_eq!(refund.state, RefundState::Reserved);

    assert!(other.refunds().await.unwrap().refunds.is_empty(), "it was delivered to another till");
    let refused = other.carry_out(order.number, &refund.id, refund.amount).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::RefundRefused), "{refused:?}");

    let inbox = till.refunds().await.unwrap();
    assert_eq!(inbox.refunds.len(), 1);
    let carried_out = till.carry_out(order.number, &refund.id, refund.amount).await.unwrap();
    assert_eq!(until_final(&till, &carried_out).await.state, RefundState::Done);
    // Carrying it out again changes nothing.
    till.carry_out(order.number, &refund.id, refund.amount).await.unwrap();
    assert_eq!(net(&shop.rig.wallet_control().orders().await.unwrap(), &order), 700);
    // The wallet wants a minute between two refunds of one order; this story does not wait for it.
    shop.rig.wallet_control().switch(serde_json::json!({"refund_spacing_ms": 0})).await.unwrap();
    let rest = ask(&manager, order.number, "press-0002", 700).await.unwrap();
    let rest = till.carry_out(order.number, &rest.id, rest.amount).await.unwrap();
    assert_eq!(until_final(&till, &rest).await.state, RefundState::Done);
    assert_eq!(net(&shop.rig.wallet_control().orders().await.unwrap(), &order), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn never_over_any_number_of_managers_at_once() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let order = paid_by_code(&shop.rig, &mut till, 1000).await;
    let (li, wang) = (shop.rig.staff("li").await.unwrap(), shop.rig.staff("wang").await.unwrap());
    let mut asked = Vec::new();
    for i in 0..16 {
        let request = format!("racer-{i:04}");
        let manager = if i % 2 == 0 { &li } else { &wang };
        let number = order.number;
        asked.push(async move { ask(manager, number, &request, 150).await });
    }
    let mut reserved = 0;
    for answer in join_all(asked).await {
        match answer {
            Ok(refund) => reserved += refund.amount.minor,
            Err(refused) => assert_eq!(refused.code(), Some(ErrorCode::RefundRefused)),
        }
    }
    assert_eq!(reserved, 900, "six times 150 fit into 1000, seven do not");
}

/// Runs futures at the same time without another crate: each is polled on the runtime by `tokio::join` pairs.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, output) in &mut pinned {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    pinned.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_unpaid_and_without_the_right_are_refused_each_with_its_reason() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let order = paid_by_code(&shop.rig, &mut till, 1000).await;
    let manager = shop.rig.staff("li").await.unwrap();
    let refused = ask(&manager, order.number, "too-much-1", 1001).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::RefundRefused));
    let unpaid = till.sell_and_choose(100).await.unwrap();
    let refused = ask(&manager, unpaid.number, "unpaid-001", 100).await.unwrap_err();
    assert!(matches!(refused.code(), Some(ErrorCode::RefundRefused)), "{refused:?}");
    let it = shop.rig.staff("it").await.unwrap();
    let refused = ask(&it, order.number, "no-right-1", 100).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotAllowed));
}

#[tokio::test(flavor = "multi_thread")]
async fn same_till_same_day_yesterdays_order_is_refused() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let order = till.sell_for_cash(1000).await.unwrap();
    shop.rig.restart_server_ahead(1).unwrap();
    let manager = shop.rig.staff("li").await.unwrap();
    let refused = ask(&manager, order.number, "yesterday1", 100).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::RefundRefused));
    assert!(refused.to_string().contains("merchant system"), "it says what to do: {refused}");
}
