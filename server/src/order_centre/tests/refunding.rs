use super::wallet::Line;
use super::*;
use crate::order_group::testing::cny;
use crate::order_group::{CarryOut, Fact, RefundRecord};
use evertill_shared::refund::{Refund, RefundEvent, RefundRefused, RefundState};

pub(super) async fn carry_out(shop: &Shop, asked: &RefundRecord) -> Result<Refund, GroupError> {
    let (number, refund, amount) = (asked.refund.order, asked.refund.id.clone(), asked.refund.amount);
    let order = CarryOut {
        cashier: None,
        number,
        entry: shop.rig.till.carries_out(&refund, number, amount),
        refund,
        amount,
        terminal: shop.rig.till.terminal,
        lease: shop.centre.refund_lease(),
        guard: guard(),
    };
    shop.centre.carry_out(order).await
}

async fn paid(shop: &Shop, minor: i64) -> Sold {
    let sold = shop.order(minor).await;
    assert_eq!(shop.pay(&sold, 1, "code-1").await.unwrap().state, PaymentState::Paid);
    sold
}

#[tokio::test]
async fn a_refund_goes_back_through_the_wallet_once() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    assert_eq!(asked.refund.state, RefundState::Reserved);
    assert_eq!(shop.wechat.books().refund_calls, 0, "nothing goes back before its till carries it out");
    for _ in 0..3 {
        assert_eq!(carry_out(&shop, &asked).await.unwrap().state, RefundState::Done);
    }
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (600, 1));
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_asked_about_under_the_same_number() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refund = Line::LosesAnswer;
    assert_eq!(carry_out(&shop, &asked).await.unwrap().state, RefundState::Unknown);
    let held = shop.rig.groups.order(sold.number).await.unwrap().summary.held;
    assert_eq!(held, cny(300), "what is unknown holds its money");
    shop.pass(seconds(5)).await;
    let record = shop.rig.groups.refund(sold.number, asked.refund.id).await.unwrap();
    assert_eq!(record.refund.state, RefundState::Done);
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (600, 1));
}

#[tokio::test]
async fn a_refund_that_never_arrived_is_sent_again_under_the_same_number_with_longer_pauses() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refund = Line::LosesRequest;
    carry_out(&shop, &asked).await.unwrap();
    shop.pass(seconds(60)).await;
    let calls = shop.wechat.books().refund_calls;
    assert!((3..=6).contains(&calls), "{calls} calls in a minute");
    shop.wechat.books().refund = Line::Good;
    shop.pass(seconds(70)).await;
    assert_eq!(shop.wechat.books().refunds.get(&asked.refund.id.0), Some(&300));
    assert_eq!(shop.wechat.books().refunds.len(), 1);
    let record = shop.rig.groups.refund(sold.number, asked.refund.id).await.unwrap();
    assert_eq!(record.refund.state, RefundState::Done);
}

#[tokio::test]
async fn never_over_a_refund_that_cannot_reach_the_customer_holds_its_money_and_people_are_told_once() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 900, "request-1").await;
    shop.wechat.books().refunds_need_a_person = true;
    assert_eq!(carry_out(&shop, &asked).await.unwrap().state, RefundState::Unknown);
    shop.pass(seconds(120)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.summary.held, cny(900), "it has left the merchant: nobody gives it a second time");
    let refund = asked.refund.id.clone();
    let told = Fact::RefundNeedsAPerson { refund, message: "the card is gone".into() };
    assert_eq!(order.story.iter().filter(|line| line.what == told).count(), 1);
    // Somebody finishes it at the wallet.
    shop.wechat.books().refunds_need_a_person = false;
    shop.pass(seconds(700)).await;
    let record = shop.rig.groups.refund(sold.number, asked.refund.id).await.unwrap();
    assert_eq!(record.refund.state, RefundState::Done);
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (0, 1));
}

#[tokio::test]
async fn a_definite_refusal_frees_the_money_in_the_same_moment() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 900, "request-1").await;
    shop.wechat.books().refuses_refunds = true;
    let refund = carry_out(&shop, &asked).await.unwrap();
    assert_eq!(refund.state, RefundState::Refused);
    assert!(
        matches!(refund.refused, Some(RefundRefused::ByChannel { message }) if message.contains("no money"))
    );
    assert_eq!(shop.rig.groups.order(sold.number).await.unwrap().summary.held, cny(0));
    shop.wechat.books().refuses_refunds = false;
    let again = shop.asked(&sold, 900, "request-2").await;
    assert_ne!(again.refund.id, asked.refund.id);
    assert_eq!(carry_out(&shop, &again).await.unwrap().state, RefundState::Done);
    assert_eq!(shop.wechat.books().net(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweeper_runs_by_itself_and_stops_when_dropped() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refund = Line::LosesAnswer;
    carry_out(&shop, &asked).await.unwrap();
    shop.rig.clock.advance(seconds(5));
    let sweeper = shop.centre.spawn_sweeper();
    let mut state = RefundState::Unknown;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        state = shop.rig.groups.refund(sold.number, asked.refund.id.clone()).await.unwrap().refund.state;
        if state == RefundState::Done {
            break;
        }
    }
    assert_eq!(state, RefundState::Done);
    drop(sweeper);
}

#[tokio::test]
async fn never_over_a_refusal_frees_nothing_while_an_earlier_request_may_be_on_its_way() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    let (id, held) = (asked.refund.id.clone(), async || shop.rig.groups.order(sold.number).await.unwrap());
    shop.wechat.books().refund = Line::LosesRequest;
    assert_eq!(carry_out(&shop, &asked).await.unwrap().state, RefundState::Unknown);
    // The request that follows is refused, and the wallet knows no such refund: the first one it has not seen yet.
    shop.wechat.books().refund = Line::Good;
    shop.wechat.books().refuses_refunds = true;
    shop.pass(seconds(20)).await;
    assert_eq!(held().await.summary.held, cny(300), "the first one may be carried out yet");
    // It is.
    shop.wechat.books().refunds.insert(id.0.clone(), 300);
    shop.pass(seconds(130)).await;
    assert_eq!(shop.rig.groups.refund(sold.number, id).await.unwrap().refund.state, RefundState::Done);
    assert_eq!((held().await.summary.held, shop.wechat.books().net()), (cny(300), 600));
}

#[tokio::test]
async fn a_refusal_frees_the_money_once_nothing_can_be_on_its_way_any_more() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refund = Line::LosesRequest;
    carry_out(&shop, &asked).await.unwrap();
    shop.wechat.books().refund = Line::Good;
    shop.wechat.books().refuses_refunds = true;
    shop.pass(seconds(140)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!((order.refunds[0].refund.state, order.summary.held), (RefundState::Refused, cny(0)));
}

#[tokio::test]
async fn a_process_that_slept_after_it_asked_about_a_refund_sends_none() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refund = Line::LosesRequest;
    carry_out(&shop, &asked).await.unwrap();
    let (clock, sent) = (Arc::clone(&shop.rig.clock), shop.wechat.books().refund_calls);
    shop.wechat.look(move |_| clock.advance(seconds(30)));
    shop.pass(seconds(5)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent, "another server may be at it by now");
}

#[tokio::test]
async fn money_that_went_back_although_it_was_refused_is_held_again() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refuses_refunds = true;
    assert_eq!(carry_out(&shop, &asked).await.unwrap().state, RefundState::Refused);
    let told = async |event| {
        let (number, refund, at) = (sold.number, asked.refund.id.clone(), shop.rig.clock.now());
        let news = crate::order_group::RefundNews { number, refund, event, message: None, at, next_at: at };
        let record = shop.rig.groups.record_refund(news).await.unwrap();
        (record.refund.state, shop.rig.groups.order(number).await.unwrap().summary.held)
    };
    assert_eq!(told(RefundEvent::UnderWay).await, (RefundState::Unknown, cny(300)));
    assert_eq!(told(RefundEvent::Confirmed).await, (RefundState::Done, cny(300)));
    let contradicted = async || {
        let story = shop.rig.groups.order(sold.number).await.unwrap().story;
        story.iter().filter(|line| matches!(line.what, Fact::RefundContradicted { .. })).count()
    };
    for late in [RefundEvent::UnderWay, RefundEvent::NoAnswer, RefundEvent::Confirmed] {
        assert_eq!(told(late).await, (RefundState::Done, cny(300)));
    }
    assert_eq!(contradicted().await, 0, "a late word that it is under way contradicts nothing");
    assert_eq!(told(RefundEvent::Refused).await, (RefundState::Done, cny(300)));
    assert_eq!(contradicted().await, 1);
    shop.wechat.books().refuses_refunds = false;
    let rest = shop.asked(&sold, 600, "request-2").await;
    assert_eq!(carry_out(&shop, &rest).await.unwrap().state, RefundState::Done);
}

#[tokio::test]
async fn never_over_a_refund_that_a_person_finishes_holds_its_money_whatever_the_wallet_says_later() {
    let shop = Shop::new();
    let sold = paid(&shop, 900).await;
    let asked = shop.asked(&sold, 300, "request-1").await;
    shop.wechat.books().refunds_need_a_person = true;
    carry_out(&shop, &asked).await.unwrap();
    let now = async || {
        let order = shop.rig.groups.order(sold.number).await.unwrap();
        (order.refunds[0].refund.state, order.refunds[0].by_hand, order.summary.held)
    };
    assert_eq!(now().await, (RefundState::Unknown, true, cny(300)));
    // A manager pays it out in the wallet's merchant system; then the wallet closes its own attempt, or forgets it.
    let sent = shop.wechat.books().refund_calls;
    shop.wechat.books().closed.insert(asked.refund.id.0.clone());
    shop.pass(seconds(700)).await;
    assert_eq!(now().await, (RefundState::Unknown, true, cny(300)), "the same money would go back twice");
    shop.wechat.books().closed.clear();
    shop.wechat.books().refunds.clear();
    shop.pass(seconds(700)).await;
    assert_eq!(now().await, (RefundState::Unknown, true, cny(300)));
    assert_eq!(shop.wechat.books().refund_calls, sent);
}

#[tokio::test]
async fn nothing_lost_a_refund_that_the_wallet_gives_up_on_a_later_day_waits_for_a_person() {
    for closes in [true, false] {
        let shop = Shop::new();
        let sold = paid(&shop, 900).await;
        let asked = shop.asked(&sold, 300, "request-1").await;
        shop.wechat.books().refund = Line::LosesRequest;
        carry_out(&shop, &asked).await.unwrap();
        shop.wechat.books().query = Line::LosesRequest;
        shop.pass(seconds(60)).await;
        shop.rig.clock.advance(seconds(24 * 3_600));
        // It is another day: nobody can ask for it anew, and the customer has the receipt of a refund.
        shop.wechat.books().refund = Line::Good;
        shop.wechat.books().query = Line::Good;
        if closes {
            shop.wechat.books().closed.insert(asked.refund.id.0.clone());
        } else {
            shop.wechat.books().refuses_refunds = true;
        }
        shop.pass(seconds(700)).await;
        let order = shop.rig.groups.order(sold.number).await.unwrap();
        let record = &order.refunds[0];
        assert_eq!((record.refund.state, record.by_hand), (RefundState::Unknown, true), "closes: {closes}");
        assert_eq!(order.summary.held, cny(300));
        let open = shop.rig.groups.unsettled(10).await.refunds;
        assert!(open.iter().any(|open| open.refund.id == asked.refund.id && open.by_hand));
        let told = order.story.iter().filter(|line| matches!(line.what, Fact::RefundNeedsAPerson { .. }));
        assert_eq!(told.count(), 1);
    }
}
