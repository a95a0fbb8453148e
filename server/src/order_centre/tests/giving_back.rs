//! Money that a wallet took though nobody needed it goes back by itself, once.

use super::wallet::{Customer, Line};
use super::*;
use crate::order_group::{Fact, FinishedByHand, GiveBackEvent};
use evertill_shared::id::RefundId;
use evertill_shared::reconciliation::Standing;
use evertill_shared::refund::RefundState;

/// An attempt that was taken back, of which the wallet says later that it was paid.
async fn paid_too_late(shop: &Shop) -> (Sold, String) {
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.pass(seconds(60)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    let number = last_number(shop);
    shop.wechat.confirm(&number, 700);
    late_word(shop, &sold).await;
    (sold, number)
}

fn last_number(shop: &Shop) -> String {
    shop.wechat.books().pay_calls.last().unwrap().clone()
}

async fn late_word(shop: &Shop, sold: &Sold) {
    let transaction = format!("W{}", last_number(shop));
    let event = Event::Pay(PayOutcome::ConfirmedSuccess { transaction });
    let at = shop.rig.clock.now();
    let news =
        PaymentNews { number: sold.number, attempt: 1, event, found_at: None, at, policy: Policy::default() };
    shop.rig.groups.record_payment(news).await.unwrap();
}

async fn facts(shop: &Shop, sold: &Sold) -> Vec<Fact> {
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.payments[0].payment.state, PaymentState::Reversed, "nothing is reopened");
    order.story.into_iter().map(|line| line.what).collect()
}

async fn open_items(shop: &Shop) -> usize {
    shop.rig.groups.unsettled(10).await.give_backs.len()
}

#[tokio::test]
async fn a_success_after_the_reversal_goes_back_by_itself_once_under_its_own_number() {
    let shop = Shop::new();
    let (sold, number) = paid_too_late(&shop).await;
    assert_eq!((open_items(&shop).await, shop.wechat.books().net()), (1, 700));
    shop.pass(seconds(5)).await;
    late_word(&shop, &sold).await; // told again
    shop.pass(seconds(700)).await;
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::LateSuccess { .. })).count(), 1);
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::GivenBack { attempt: 1, .. })).count(), 1);
    assert_eq!(open_items(&shop).await, 0);
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (0, 1));
    assert_eq!(books.refunds.keys().next(), Some(&number.replacen('E', "B", 1)));
}

#[tokio::test]
async fn a_success_after_the_reversal_that_nobody_tells_of_is_found_and_goes_back() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.pass(seconds(60)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    // The customer pays again, and takes the goods; then the bank is through with the first one after all.
    shop.wechat.books().customer = Customer::Pays;
    assert_eq!(shop.pay(&sold, 2, "code-2").await.unwrap().state, PaymentState::Paid);
    let number = shop.wechat.books().pay_calls[0].clone();
    shop.wechat.confirm(&number, 700);
    assert_eq!(shop.wechat.books().net(), 1_400);
    shop.pass(seconds(330)).await;
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::LateSuccess { attempt: 1, .. })).count(), 1);
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::GivenBack { attempt: 1, .. })).count(), 1);
    assert_eq!(open_items(&shop).await, 0);
    assert_eq!(shop.wechat.books().net(), 700);
    assert_eq!(shop.state(&sold, 2).await, PaymentState::Paid, "what was fulfilled is kept");
}

#[tokio::test]
async fn a_success_after_a_definite_no_goes_back_too_and_a_no_that_stays_one_is_asked_about_once() {
    let shop = Shop::new();
    shop.wechat.books().customer = Customer::HasNoMoney;
    let (honest, late) = (shop.order(700).await, shop.order(900).await);
    for (sold, code) in [(&honest, "code-1"), (&late, "code-2")] {
        assert_eq!(shop.pay(sold, 1, code).await.unwrap().state, PaymentState::Declined);
    }
    let number = shop.wechat.books().pay_calls[1].clone();
    shop.wechat.confirm(&number, 900);
    shop.pass(seconds(320)).await;
    assert_eq!(open_items(&shop).await, 0);
    assert_eq!(shop.wechat.books().net(), 0);
    let asked = shop.wechat.books().queries;
    shop.pass(seconds(3_000)).await;
    assert_eq!(shop.wechat.books().queries, asked, "neither is asked about again");
}

/// An older server, or a database put back to before it: the success stands there, and nothing goes back.
fn forget_what_goes_back(shop: &Shop) {
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    assert_eq!(connection.execute("DELETE FROM give_backs", []).unwrap(), 1);
}

#[tokio::test]
async fn a_scan_finds_a_success_that_nobody_needs_and_that_does_not_go_back() {
    let shop = Shop::new();
    let paid = shop.order(300).await;
    shop.pay(&paid, 1, "code-0").await.unwrap();
    let (sold, number) = paid_too_late(&shop).await;
    forget_what_goes_back(&shop);
    shop.pass(seconds(60)).await;
    assert_eq!(shop.wechat.books().net(), 1_000, "nobody knows of it");
    assert_eq!(shop.centre.scan(tag(0), Some(sold.number)).await.unwrap(), None);
    shop.pass(seconds(10)).await;
    assert_eq!(shop.wechat.books().net(), 1_000, "it comes before that number");
    assert_eq!(shop.centre.scan(tag(0), None).await.unwrap(), None, "all was looked at");
    shop.pass(seconds(60)).await;
    assert_eq!(open_items(&shop).await, 0);
    assert_eq!(shop.wechat.books().net(), 300);
    let refunds = shop.wechat.books().refunds.clone();
    assert_eq!(refunds.keys().next(), Some(&number.replacen('E', "B", 1)));
    // Found again and again, it goes back once; and what was bought is not given back.
    shop.centre.scan(tag(0), None).await.unwrap();
    shop.pass(seconds(700)).await;
    let books = shop.wechat.books();
    assert_eq!((books.refund_calls, books.net()), (1, 300));
}

#[tokio::test]
async fn a_scan_finds_a_wallets_payment_beside_cash() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    let amount = |minor: i64| serde_json::json!({ "minor": minor, "currency": "CNY" });
    let cash = serde_json::json!({ "by": "cash", "given": amount(700), "change": amount(0) });
    connection.execute("UPDATE orders SET paid_by = ?1", [cash.to_string()]).unwrap();
    drop(connection);
    shop.centre.scan(tag(0), None).await.unwrap();
    shop.pass(seconds(10)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert!(order.story.iter().any(|line| line.what == Fact::PaidTwice { attempt: 1 }));
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (0, 1));
}

#[tokio::test]
async fn a_late_word_about_a_payment_that_the_wallet_took_back_gives_nothing_away() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.pass(seconds(60)).await;
    late_word(&shop, &sold).await; // true when it was said; taken back since
    shop.pass(seconds(60)).await;
    assert!(facts(&shop, &sold).await.contains(&Fact::NothingToGiveBack { attempt: 1 }));
    assert_eq!(shop.wechat.books().refund_calls, 0);
    assert_eq!(open_items(&shop).await, 0);
}

#[tokio::test]
async fn lost_answers_give_it_back_no_second_time() {
    let shop = Shop::new();
    shop.wechat.books().refund = Line::LosesAnswer;
    let (sold, _) = paid_too_late(&shop).await;
    shop.wechat.books().query = Line::LosesRequest;
    shop.pass(seconds(30)).await;
    assert_eq!(shop.wechat.books().refund_calls, 0, "what is unknown is asked about first");
    shop.wechat.books().query = Line::Good;
    shop.pass(seconds(300)).await;
    assert!(facts(&shop, &sold).await.iter().any(|f| matches!(f, Fact::GivenBack { .. })));
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (0, 1));
}

#[tokio::test]
async fn a_wallet_that_will_not_give_it_back_is_told_of_and_asked_again() {
    let shop = Shop::new();
    shop.wechat.books().refuses_refunds = true;
    let (sold, _) = paid_too_late(&shop).await;
    shop.pass(seconds(60)).await;
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::NotGivenBack { .. })).count(), 1, "told once");
    let open = shop.rig.groups.unsettled(10).await.give_backs;
    assert!(open[0].words.as_deref().unwrap().contains("no money in the account"), "{open:?}");
    assert!(open[0].next_at > shop.rig.clock.now(), "it says when it is tried again");
    shop.wechat.books().refuses_refunds = false;
    shop.pass(seconds(700)).await;
    assert_eq!((open_items(&shop).await, shop.wechat.books().net()), (0, 0));
}

#[tokio::test]
async fn a_payment_beside_another_tender_goes_back_by_itself() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    // The order is void by the time that the wallet's word comes.
    let connection = rusqlite::Connection::open(shop.rig.file(0)).unwrap();
    connection.execute("UPDATE orders SET state = 'void'", []).unwrap();
    drop(connection);
    shop.pass(seconds(30)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert!(order.story.iter().any(|line| matches!(line.what, Fact::GivenBack { .. })));
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (0, 1));
}

async fn settled_ledger(shop: &Shop) {
    let proved = shop.rig.groups.prove(tag(0), |_| ()).await.unwrap();
    assert_eq!(proved.faults, []);
    let over = proved.balances.accounts().find(|(_, account, ..)| *account == "over_short");
    assert!(over.is_some_and(|(_, _, debit, credit)| debit == credit && debit > 0), "{:?}", proved.balances);
}

/// The wallet closes what goes back under its first number.
async fn closed_once(shop: &Shop) -> (Sold, String) {
    shop.wechat.books().closes_refunds = true;
    let (sold, number) = paid_too_late(shop).await;
    shop.pass(seconds(5)).await;
    let first = number.replacen('E', "B", 1);
    assert!(shop.wechat.books().closed.contains(&first), "it was sent, and is dead");
    shop.wechat.books().closes_refunds = false;
    (sold, first)
}

#[tokio::test]
async fn what_the_wallet_has_closed_goes_back_under_the_next_number_once() {
    let shop = Shop::new();
    let (sold, first) = closed_once(&shop).await;
    let sent = shop.wechat.books().refund_calls;
    shop.pass(seconds(100)).await;
    assert_eq!(
        shop.wechat.books().refund_calls,
        sent,
        "the first may be on its way still, as far as anybody knows"
    );
    shop.pass(seconds(700)).await;
    {
        let books = shop.wechat.books();
        assert_eq!((books.net(), books.refund_calls), (0, sent + 1));
        assert_eq!(books.refunds.keys().collect::<Vec<_>>(), [&format!("{first}A")]);
    }
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::NotGivenBack { .. })).count(), 1, "people are told");
    let back =
        told.iter().any(|f| matches!(f, Fact::GivenBack { refund, .. } if refund.0 == format!("{first}A")));
    assert!(back && open_items(&shop).await == 0);
    settled_ledger(&shop).await;
    // The day's books name both numbers: the closed one moved nothing.
    let moved = shop.rig.groups.movements(sold.number).await.unwrap();
    let moved: Vec<_> = moved.into_iter().map(|row| (row.row.number, row.row.standing)).collect();
    assert!(moved.contains(&(first.clone(), Standing::NotMoved)), "{moved:?}");
    assert!(moved.contains(&(format!("{first}A"), Standing::Moved)), "{moved:?}");
}

#[tokio::test]
async fn a_closed_number_that_moves_money_after_all_begins_no_second_round() {
    let shop = Shop::new();
    let (sold, first) = closed_once(&shop).await;
    let sent = shop.wechat.books().refund_calls;
    shop.wechat.books().closed.clear();
    shop.wechat.books().refunds.insert(first.clone(), 700);
    shop.pass(seconds(800)).await;
    {
        let books = shop.wechat.books();
        assert_eq!((books.net(), books.refund_calls), (0, sent), "nothing was sent again");
    }
    let told = facts(&shop, &sold).await;
    assert!(told.iter().any(|f| matches!(f, Fact::GivenBack { refund, .. } if refund.0 == first)));
    settled_ledger(&shop).await;
}

#[tokio::test]
async fn while_the_wallet_is_silent_about_a_closed_number_no_round_begins() {
    let shop = Shop::new();
    let (_, first) = closed_once(&shop).await;
    let sent = shop.wechat.books().refund_calls;
    shop.wechat.books().query = Line::LosesRequest;
    shop.pass(seconds(800)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent, "unknown is not closed");
    shop.wechat.books().query = Line::Good;
    shop.pass(seconds(700)).await;
    let books = shop.wechat.books();
    assert_eq!((books.net(), books.refunds.keys().collect::<Vec<_>>()), (0, vec![&format!("{first}A")]));
}

#[tokio::test]
async fn every_round_waits_twice_as_long_as_the_one_before_also_beyond_an_hour() {
    let shop = Shop::new();
    shop.wechat.books().closes_refunds = true;
    paid_too_late(&shop).await;
    let closed_after = async |minutes: u32| {
        for _ in 0..minutes {
            shop.rig.clock.advance(seconds(60));
            shop.centre.sweep(tag(0)).await.unwrap().finish().await;
        }
        shop.wechat.books().closed.len()
    };
    // Two minutes, four, eight and so on: the seventh number is sent after two hours, the eighth after more than four.
    assert_eq!(closed_after(240).await, 7, "the numbers are not used up while the account is empty");
    assert_eq!(closed_after(20).await, 8);
}

#[tokio::test]
async fn a_clock_set_back_by_some_hours_does_not_keep_money_from_going_back() {
    let shop = Shop::new();
    paid_too_late(&shop).await;
    shop.rig.clock.set_back(seconds(3 * 3600));
    shop.pass(seconds(700)).await;
    assert_eq!((open_items(&shop).await, shop.wechat.books().net()), (0, 0));
}

fn finished(shop: &Shop, sold: &Sold, refund: &str) -> FinishedByHand {
    FinishedByHand {
        number: sold.number,
        refund: RefundId(refund.to_owned()),
        account: None,
        who: "Mei".into(),
        login: "mei".into(),
        why: "to another card".into(),
        at: shop.rig.clock.now(),
    }
}

#[tokio::test]
async fn what_a_person_has_finished_at_the_wallet_is_over_and_never_sent_again() {
    let shop = Shop::new();
    shop.wechat.books().refunds_need_a_person = true;
    let (sold, number) = paid_too_late(&shop).await;
    let refund = number.replacen('E', "B", 1);
    let by_hand = finished(&shop, &sold, &refund);
    shop.rig.groups.finish_by_hand(by_hand.clone()).await.unwrap_err(); // it may still go back by itself
    shop.pass(seconds(60)).await;
    assert_eq!(open_items(&shop).await, 1);
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, "B0")).await.unwrap_err();
    for _ in 0..2 {
        shop.rig.groups.finish_by_hand(by_hand.clone()).await.unwrap();
    }
    assert_eq!(open_items(&shop).await, 0);
    let sent = shop.wechat.books().refund_calls;
    shop.wechat.books().refunds.clear(); // whatever the wallet says by now
    shop.centre.scan(tag(0), None).await.unwrap();
    shop.pass(seconds(800)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent);
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::FinishedByHand { .. })).count(), 1);
    settled_ledger(&shop).await;
}

#[tokio::test]
async fn what_somebody_gave_back_at_the_wallet_itself_is_noticed_and_never_sent() {
    let shop = Shop::new();
    shop.wechat.books().refund = Line::LosesRequest;
    let (sold, number) = paid_too_late(&shop).await;
    shop.pass(seconds(20)).await;
    shop.wechat.books().by_the_merchant.insert(number, 700);
    shop.wechat.books().refund = Line::Good;
    let sent = shop.wechat.books().refund_calls;
    shop.pass(seconds(700)).await;
    assert_eq!((open_items(&shop).await, shop.wechat.books().net()), (0, 0));
    assert_eq!(shop.wechat.books().refund_calls, sent, "there is nothing left to send");
    let told = facts(&shop, &sold).await;
    assert!(told.iter().any(|fact| matches!(fact, Fact::WentBack { attempt: 1, .. })), "{told:?}");
    settled_ledger(&shop).await;
}

#[tokio::test]
async fn a_part_that_somebody_gave_back_is_not_all_of_it() {
    let shop = Shop::new();
    let (sold, number) = paid_too_late(&shop).await;
    shop.wechat.books().by_the_merchant.insert(number, 699);
    shop.pass(seconds(700)).await;
    assert_eq!(open_items(&shop).await, 1);
    assert!(facts(&shop, &sold).await.iter().any(|fact| matches!(fact, Fact::NotGivenBack { .. })));
}

#[tokio::test]
async fn what_a_wallet_refuses_for_good_a_manager_finishes_after_an_hour_and_it_is_never_sent_again() {
    let shop = Shop::new();
    shop.wechat.books().tells_of_refunds = false;
    let (sold, number) = paid_too_late(&shop).await;
    shop.wechat.books().by_the_merchant.insert(number.clone(), 700);
    let refund = number.replacen('E', "B", 1);
    shop.pass(seconds(60)).await;
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap_err(); // it may pass
    shop.rig.clock.advance(seconds(3_600));
    shop.pass(seconds(1)).await;
    for _ in 0..2 {
        shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap();
    }
    assert_eq!(open_items(&shop).await, 0);
    let sent = shop.wechat.books().refund_calls;
    shop.centre.scan(tag(0), None).await.unwrap();
    shop.pass(seconds(800)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent);
    let told = facts(&shop, &sold).await;
    assert_eq!(told.iter().filter(|f| matches!(f, Fact::FinishedByHand { .. })).count(), 1);
    settled_ledger(&shop).await;
}

#[tokio::test]
async fn what_a_wallet_never_answers_about_a_manager_finishes_after_a_day() {
    let shop = Shop::new();
    let (sold, number) = paid_too_late(&shop).await;
    shop.wechat.books().query = Line::LosesRequest;
    let refund = number.replacen('E', "B", 1);
    for _ in 0..23 {
        shop.rig.clock.advance(seconds(3_600));
        shop.pass(seconds(1)).await;
    }
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap_err();
    shop.rig.clock.advance(seconds(3_600));
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap();
    assert_eq!(open_items(&shop).await, 0);
}

#[tokio::test]
async fn what_a_person_was_told_to_finish_is_not_sent_again_when_the_wallet_closes_it() {
    let shop = Shop::new();
    shop.wechat.books().refunds_need_a_person = true;
    let (sold, number) = paid_too_late(&shop).await;
    let refund = number.replacen('E', "B", 1);
    shop.pass(seconds(60)).await;
    let sent = shop.wechat.books().refund_calls;
    shop.wechat.books().refunds_need_a_person = false;
    shop.wechat.books().closed.insert(refund.clone());
    shop.pass(seconds(2_000)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent, "the person may have paid it by hand");
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap();
    assert_eq!(open_items(&shop).await, 0);
}

#[tokio::test]
async fn when_the_last_number_is_used_up_a_person_is_told() {
    let shop = Shop::new();
    shop.wechat.books().closes_refunds = true;
    paid_too_late(&shop).await;
    let at = shop.rig.clock.now();
    for round in 0..=RefundId::ROUNDS {
        let open = shop.rig.groups.unsettled(10).await.give_backs.remove(0);
        assert_eq!((open.round, open.by_hand), (round, false));
        let closed = GiveBackEvent::Closed("no money".into());
        shop.rig.groups.record_give_back(open.news(round, closed, at, at)).await.unwrap();
    }
    let open = shop.rig.groups.unsettled(10).await.give_backs.remove(0);
    assert_eq!((open.round, open.by_hand), (RefundId::ROUNDS, true));
}

#[tokio::test]
async fn a_refund_that_a_person_has_finished_is_done_in_the_books() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let asked = shop.asked(&sold, 300, "request-1").await;
    let refund = asked.refund.id.0.clone();
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap_err();
    shop.wechat.books().refunds_need_a_person = true;
    super::refunding::carry_out(&shop, &asked).await.unwrap();
    shop.pass(seconds(30)).await;
    shop.rig.groups.finish_by_hand(finished(&shop, &sold, &refund)).await.unwrap();
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!((order.summary.held.minor, order.refunds[0].refund.state), (300, RefundState::Done));
    let sent = shop.wechat.books().refund_calls;
    shop.pass(seconds(700)).await;
    assert_eq!(shop.wechat.books().refund_calls, sent);
    assert_eq!(shop.rig.groups.prove(tag(0), |_| ()).await.unwrap().faults, []);
}
