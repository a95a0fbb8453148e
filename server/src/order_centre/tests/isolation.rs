//! What is slow or dead stops nothing else, and what time or thieves do moves no money.

use super::wallet::{Customer, Line};
use super::*;
use crate::order_group::testing::cny;
use crate::order_group::{Adopt, Refusal};
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::payment::DeclineReason;
use evertill_shared::refund::RefundState;

/// Two groups, and a wallet that takes one call of each kind at a time.
fn narrow_shop() -> Shop {
    let wechat = ScriptedWallet::new(Wallet::WeChatPay);
    let mut shop = Shop::with(2, Arc::clone(&wechat));
    let channels = vec![wechat as Arc<dyn Channel>];
    let clock = Arc::clone(&shop.rig.clock) as Arc<dyn Clock>;
    let settings = CentreSettings { charges_per_channel: 1, calls_per_channel: 1, ..settings() };
    shop.centre = OrderCentre::new(shop.rig.groups.clone(), channels, Policies::default(), clock, settings);
    shop
}

async fn order_in(shop: &Shop, group: u8) -> Sold {
    loop {
        let sold = shop.order(700).await;
        if sold.number.tag() == tag(group) {
            return sold;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_cannot_be_written_down_keeps_no_charge_from_the_wallet() {
    let shop = narrow_shop();
    let (sick, well) = (order_in(&shop, 0).await, order_in(&shop, 1).await);
    shop.pay(&sick, 1, "code-1").await.unwrap();
    let asked = shop.asked(&sick, 300, "request-1").await;
    let file = shop.rig.file(0);
    let held: Arc<std::sync::Mutex<Option<rusqlite::Connection>>> = Arc::default();
    let hold = Arc::clone(&held);
    shop.wechat.look(move |_| {
        // The group's disk hangs just when the wallet is asked to give the money back.
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        *hold.lock().unwrap() = Some(connection);
    });
    assert_eq!(super::refunding::carry_out(&shop, &asked).await.unwrap().state, RefundState::Sent);
    shop.wechat.look(|_| ());
    let view = shop.pay(&well, 1, "code-2").await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Paid, None), "the other group's customer pays");
    drop(held.lock().unwrap().take());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_writes_hang_takes_no_other_groups_questions_away() {
    let shop = narrow_shop();
    let (sick, well) = (order_in(&shop, 0).await, order_in(&shop, 1).await);
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sick, 1, "code-1").await.unwrap();
    shop.pay(&well, 1, "code-2").await.unwrap();
    shop.rig.clock.advance(seconds(6));
    let frozen = shop.rig.freeze(0);
    drop(shop.centre.sweep(tag(0)).await.unwrap()); // finds it due, and hangs at the lease
    shop.centre.sweep(tag(1)).await.unwrap().finish().await;
    assert_eq!(shop.state(&well, 1).await, PaymentState::Paid);
    drop(frozen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_leaps_ahead_does_not_make_a_payment_on_its_way_dead() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::OnItsWay;
    assert_eq!(shop.pay(&sold, 1, "code-1").await.unwrap().state, PaymentState::Sent);
    shop.rig.clock.advance(seconds(24 * 3600));
    shop.pass(seconds(200)).await;
    assert!(!shop.state(&sold, 1).await.surely_not_charged(), "it may be charged any moment");
    shop.wechat.through.notify_one();
    shop.wechat.arrived.notified().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    shop.pass(seconds(200)).await;
    let state = shop.state(&sold, 1).await;
    let paid = i64::from(state == PaymentState::Paid) * 700;
    assert!(state.is_final(), "{state:?}");
    assert_eq!(shop.wechat.books().net(), paid, "{state:?}: the books match the wallet's");
}

#[tokio::test]
async fn a_clock_set_back_by_a_day_does_not_keep_a_payment_open_for_a_day() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesRequest;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.rig.clock.set_back(seconds(24 * 3600));
    shop.pass(seconds(300)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn a_stolen_tills_claim_of_cash_takes_no_customers_payment_back() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let mut adoption = sold.adoption.clone();
    adoption.quarantine = true; // the till has been blocked since
    let cash = Some(shop.rig.till.cash(&sold.sale));
    let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
    let open = Refusal::AttemptOpen { attempt: 1, state: Some(PaymentState::Unknown) };
    assert_eq!(shop.rig.groups.adopt(adopt).await, Err(GroupError::Refused(open)));
    shop.pass(seconds(60)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.summary.state, OrderState::Paid);
    assert!(matches!(order.summary.paid_by, Some(PaidBy::Wallet { .. })));
    assert_eq!((order.summary.paid, shop.wechat.books().net()), (cny(700), 700));
    assert!(!order.summary.quarantined);
}

#[tokio::test]
async fn one_row_that_makes_no_sense_stops_no_other_payment_of_its_group() {
    let shop = Shop::new();
    let (sick, well) = (shop.order(700).await, shop.order(700).await);
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sick, 1, "code-1").await.unwrap();
    shop.pay(&well, 1, "code-2").await.unwrap();
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    let spoil = "UPDATE payments SET reason = 'rubbish' WHERE number = ?1";
    assert_eq!(connection.execute(spoil, [sick.number.as_str()]), Ok(1));
    drop(connection);
    shop.rig.clock.advance(seconds(6));
    if let Ok(tasks) = shop.centre.sweep(tag(0)).await {
        tasks.finish().await;
    }
    assert_eq!(shop.state(&well, 1).await, PaymentState::Paid);
}

/// Charges one order after the other; what each till hears, and the wallet gets, is counted.
async fn charge_each(shop: &Shop, range: std::ops::Range<u32>) -> Vec<PaymentView> {
    let mut heard = Vec::new();
    for n in range {
        let sold = shop.order(700).await;
        heard.push(shop.pay(&sold, 1, &format!("code-{n}")).await.unwrap());
    }
    heard
}

fn unreachable(view: &PaymentView) -> bool {
    (view.state, view.reason) == (PaymentState::Declined, Some(DeclineReason::ChannelUnreachable))
}

#[tokio::test]
async fn a_wallet_that_does_not_answer_is_refused_at_once_until_one_charge_finds_it_well() {
    let shop = Shop::new();
    shop.wechat.books().pay = Line::LosesRequest;
    assert!(charge_each(&shop, 0..5).await.iter().all(|view| view.state == PaymentState::Unknown));
    assert!(charge_each(&shop, 5..20).await.iter().all(unreachable), "at once, and surely nothing was sent");
    assert_eq!(shop.wechat.books().pay_calls.len(), 5);
    assert!(shop.centre.channels()[0].is_open);
    // After the pause one tries; in vain, so the pause is longer.
    shop.rig.clock.advance(seconds(3));
    let heard = charge_each(&shop, 20..25).await;
    assert_eq!((heard[0].state, shop.wechat.books().pay_calls.len()), (PaymentState::Unknown, 6));
    assert!(heard[1..].iter().all(unreachable));
    shop.wechat.books().pay = Line::Good;
    shop.rig.clock.advance(seconds(3));
    assert!(unreachable(&charge_each(&shop, 25..26).await[0]));
    shop.rig.clock.advance(seconds(3));
    assert!(charge_each(&shop, 26..30).await.iter().all(|view| view.state == PaymentState::Paid));
    assert!(!shop.centre.channels()[0].is_open);
}

#[tokio::test]
async fn what_was_refused_here_says_nothing_of_the_wallet() {
    let shop = Shop::new();
    shop.wechat.books().pay = Line::LosesRequest;
    charge_each(&shop, 0..5).await;
    shop.wechat.books().pay = Line::Good;
    shop.wechat.books().customer = Customer::ShowsNonsense;
    shop.rig.clock.advance(seconds(4));
    charge_each(&shop, 5..6).await;
    assert!(shop.centre.channels()[0].is_open, "nothing was sent, nothing was learnt");
    shop.wechat.books().customer = Customer::Pays;
    assert_eq!(charge_each(&shop, 6..7).await[0].state, PaymentState::Paid, "the next one tries");
    assert!(!shop.centre.channels()[0].is_open);
}

#[tokio::test]
async fn while_a_wallet_is_refused_what_is_under_way_there_is_asked_about() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    charge_each(&shop, 10..14).await;
    assert!(shop.centre.channels()[0].is_open);
    shop.rig.clock.advance(seconds(6));
    shop.centre.sweep(tag(0)).await.unwrap().finish().await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn refunds_that_hang_take_no_place_from_questions_about_payments() {
    let shop = narrow_shop();
    let (paid, open) = (order_in(&shop, 0).await, order_in(&shop, 0).await);
    shop.pay(&paid, 1, "code-1").await.unwrap();
    let asked = shop.asked(&paid, 300, "request-1").await;
    shop.wechat.books().refund = Line::Hangs;
    super::refunding::carry_out(&shop, &asked).await.unwrap();
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&open, 1, "code-2").await.unwrap();
    for _ in 0..3 {
        shop.rig.clock.advance(seconds(12));
        drop(shop.centre.sweep(tag(0)).await.unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(shop.state(&open, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_payment_whose_row_cannot_be_read_hides_no_other_however_few_places_there_are() {
    let shop = narrow_shop();
    shop.wechat.books().pay = Line::LosesAnswer;
    let (spoilt, well) = (order_in(&shop, 0).await, order_in(&shop, 0).await);
    for (nth, sold) in [&spoilt, &well].into_iter().enumerate() {
        shop.pay(sold, 1, &format!("code-{nth}")).await.unwrap();
        shop.rig.clock.advance(seconds(1));
    }
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    let statement = "UPDATE payments SET reason = 'no reason' WHERE number = ?1";
    assert_eq!(connection.execute(statement, [spoilt.number.as_str()]).unwrap(), 1);
    drop(connection);
    shop.pass(seconds(10)).await;
    assert_eq!(shop.state(&well, 1).await, PaymentState::Paid);
}
