//! A part in cash, the rest by a wallet: from the first code that fails to a refund of both parts, and the books.

use super::audit::{audit, said};
use super::refunds::{ask, until_final};
use super::{is_paid, net, settled, shop};
use evertill_shared::journal::Body;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::refund::RefundState;
use evertill_tests::simulator::wechat::Behaviour;

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

#[tokio::test(flavor = "multi_thread")]
async fn books_match_a_split_sale_whose_first_code_fails_and_the_refund_of_both_parts() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till 1").await.unwrap();
    let wallet = shop.rig.wallet_control();
    assert!(till.status().await.unwrap().splits);
    till.write(Body::ShiftOpened { float: cny(10_000), cashier: None, approved_by: None }).unwrap();
    let order = till.sell_and_choose(8_000).await.unwrap();
    till.take_part(&order.sale, 5_000).unwrap();
    // Never more than what is missing, and never less.
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    for wrong in [(8_000, 5_000), (3_001, 5_000), (2_999, 5_000), (3_000, 4_999)] {
        let requested = till.request_rest(&order, 1, wrong).unwrap();
        let refused = till.charge(&order, &requested, &code).await.unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::BadRequest), "{wrong:?}");
    }
    let poor = wallet.code(Behaviour::NoFunds).await.unwrap();
    let first = till.request_rest(&order, 1, (3_000, 5_000)).unwrap();
    assert_eq!(till.charge(&order, &first, &poor).await.unwrap().state, PaymentState::Declined);
    // The reply of the second is lost after the charge.
    let lost = wallet.code(Behaviour::ReplyLost).await.unwrap();
    let second = till.request_rest(&order, 2, (3_000, 5_000)).unwrap();
    till.charge(&order, &second, &lost).await.unwrap();
    assert!(is_paid(&settled(&till, &order, 2).await));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 3_000, "the wallet has its part and no more");
    let view = till.order(order.number).await.unwrap();
    assert_eq!((view.state, view.total), (OrderState::Paid, cny(8_000)));
    let Some(PaidBy::Split { cash, wallets }) = view.paid_by else { panic!("{:?}", view.paid_by) };
    assert_eq!((cash, wallets.len(), wallets[0].amount), (cny(5_000), 1, cny(3_000)));

    let manager = shop.rig.staff("li").await.unwrap();
    ask(&manager, order.number, "press-0001", 6_500).await.unwrap();
    ask(&manager, order.number, "press-0001", 6_500).await.unwrap();
    let inbox = till.refunds().await.unwrap().refunds;
    let asked: Vec<_> =
        inbox.iter().map(|item| (item.refund.amount, item.paid_by.wallet().is_some())).collect();
    assert_eq!(asked, [(cny(3_000), true), (cny(3_500), false)], "the wallet first, the rest in cash");
    let [to_wallet, in_cash] = &inbox[..] else { panic!() };
    let (id, amount) = (&to_wallet.refund.id, to_wallet.refund.amount);
    till.carry_out(order.number, id, amount).await.unwrap();
    assert_eq!(until_final(&till, &to_wallet.refund).await.state, RefundState::Done);
    let (id, amount) = (&in_cash.refund.id, in_cash.refund.amount);
    assert_eq!(till.carry_out_cash(order.number, id, amount).await.unwrap().state, RefundState::Done);
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 0);
    assert!(ask(&manager, order.number, "press-0002", 1_501).await.is_err(), "never over");

    till.hand_in(0).await.unwrap();
    let well = audit(&shop.rig);
    assert!(well.status.success(), "{}", said(&well));
    // In the orders' books and in the drawers': 5000 came in; of the orders' 3500 went out again.
    for part in ["drawer: debits 5000, credits 3500", "in the drawer 15000 CNY"] {
        assert!(said(&well).contains(part), "{part}: {}", said(&well));
    }
    shop.rig.stop_server();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_rest_that_came_to_nothing_is_paid_in_cash_and_the_wallets_part_goes_back() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till 1").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(2_000).await.unwrap();
    till.take_part(&order.sale, 500).unwrap();
    let never = wallet.code(Behaviour::PasswordNever).await.unwrap();
    let requested = till.request_rest(&order, 1, (1_500, 500)).unwrap();
    assert_eq!(till.charge(&order, &requested, &never).await.unwrap().state, PaymentState::Waiting);
    // While nobody knows, the same part leaves no room for another attempt.
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let second = till.request_rest(&order, 2, (1_500, 500)).unwrap();
    let refused = till.charge(&order, &second, &code).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::WrongState));
    assert_eq!(settled(&till, &order, 1).await.state, PaymentState::Reversed);
    let rest = till.take_rest(&order.sale, 500).unwrap();
    let view = till.complete(&order, rest).await.unwrap();
    assert_eq!(view.paid_by, Some(PaidBy::Cash { given: cny(2_000), change: cny(0) }));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 0);
    let well = audit(&shop.rig);
    assert!(well.status.success(), "{}", said(&well));
    shop.rig.stop_server();
}
