use super::wallet::{Customer, Line, Standing};
use super::*;
use crate::order_group::testing::{NOON, cny};
use crate::order_group::{Adopt, Fact, NewPayment, Refusal};
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::payment::DeclineReason;

#[tokio::test]
async fn a_charged_code_makes_the_order_paid() {
    let shop = Shop::new();
    let sold = shop.order(1_250).await;
    let view = shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!((view.state, view.amount), (PaymentState::Paid, cny(1_250)));
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.summary.state, OrderState::Paid);
    let Some(PaidBy::Wallet { wallet, transaction }) = order.summary.paid_by else { panic!() };
    assert_eq!((wallet, Some(transaction)), (Wallet::WeChatPay, view.transaction));
    assert_eq!(shop.wechat.books().net(), 1_250);
}

#[tokio::test]
async fn the_intent_is_on_disk_before_the_wallet_is_called() {
    let shop = Shop::new();
    let sold = shop.order(100).await;
    let file = shop.rig.file(0);
    let (seen, saw) = std::sync::mpsc::channel();
    shop.wechat.look(move |number| {
        // Another process looks at the file at the moment of the call.
        let connection = rusqlite::Connection::open(&file).unwrap();
        let state: Option<String> = connection
            .query_row("SELECT state FROM payments WHERE channel_number = ?1", [number.as_str()], |r| {
                r.get(0)
            })
            .ok();
        seen.send(state).unwrap();
    });
    shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!(saw.recv().unwrap().as_deref(), Some("sent"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_attempt_sent_eight_times_at_once_is_one_charge() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let request = shop.request(&sold, 1, "code-1");
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let (centre, mut request) = (shop.centre.clone(), request.clone());
            request.guard = guard();
            request.means = Means::Scanned(AuthCode::new(format!("code-{n}"))); // even with another code each time
            tokio::spawn(async move { centre.start(request).await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    assert_eq!(shop.wechat.books().pay_calls.len(), 1);
    assert_eq!(shop.wechat.books().net(), 700);
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_replayed_request_charges_nothing() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let request = shop.request(&sold, 1, "code-1");
    shop.centre.start(request.clone()).await.unwrap();
    assert_eq!(shop.centre.start(request).await, Err(GroupError::Refused(Refusal::Replayed)));
    assert_eq!(shop.wechat.books().pay_calls.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_never_charged_again() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    assert_eq!(shop.pay(&sold, 1, "code-1").await.unwrap().state, PaymentState::Unknown);
    let again = shop.pay(&sold, 1, "code-2").await;
    assert!(matches!(again, Err(GroupError::Refused(Refusal::Conflict("the journal entry"))) | Ok(_)));
    shop.pass(seconds(6)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
    assert_eq!(shop.wechat.books().pay_calls.len(), 1);
    assert_eq!(shop.rig.groups.order(sold.number).await.unwrap().summary.state, OrderState::Paid);
}

#[tokio::test]
async fn a_second_attempt_waits_until_the_first_is_surely_over() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.wechat.books().query = Line::LosesRequest;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let open = |state| Err(GroupError::Refused(Refusal::AttemptOpen { attempt: 1, state: Some(state) }));
    assert_eq!(shop.pay(&sold, 2, "code-2").await, open(PaymentState::Unknown));
    shop.pass(seconds(47)).await; // given up, taken back; nobody confirms that yet
    assert_eq!(shop.pay(&sold, 2, "code-2").await, open(PaymentState::Reversing));
    shop.wechat.books().query = Line::Good;
    shop.pass(seconds(70)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!(shop.wechat.books().net(), 0);
    shop.wechat.books().pay = Line::Good;
    assert_eq!(shop.pay(&sold, 2, "code-2").await.unwrap().state, PaymentState::Paid);
    let books = shop.wechat.books();
    assert_eq!(books.net(), 700);
    assert_ne!(books.pay_calls[0], books.pay_calls[1], "a new attempt has a new number");
}

#[tokio::test]
async fn an_attempt_whose_forerunner_never_arrived_is_refused() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let refused = shop.pay(&sold, 2, "code-2").await;
    assert_eq!(refused, Err(GroupError::Refused(Refusal::AttemptOpen { attempt: 1, state: None })));
    assert!(shop.wechat.books().pay_calls.is_empty());
}

/// The group was put back to before both attempts; the till knows that the first was declined, and nothing of the second.
#[tokio::test]
async fn known_or_unknown_an_attempt_ends_although_its_forerunner_was_lost_with_it() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let NewCharge { adoption, requested, attempt, wallet, channel_number, amount, guard, .. } =
        shop.request(&sold, 2, "none");
    shop.wechat.confirm(channel_number.as_str(), 700);
    let intent = shop.centre.intent_never_seen(attempt, wallet, channel_number, amount);
    let lease = shop.centre.lease();
    let missing = NewPayment { adoption, requested, cash_part: None, intent, lease, guard };
    let taken = shop.centre.take_back(sold.number, 2, Some(missing), super::guard()).await.unwrap();
    assert_eq!((taken.was_missing, taken.record.payment.state), (true, PaymentState::Reversing));
    shop.pass(seconds(60)).await;
    assert_eq!(shop.state(&sold, 2).await, PaymentState::Reversed);
    assert_eq!(shop.wechat.books().net(), 0, "the customer has it back");
    // Nobody is charged before it is known what became of the first.
    let refused = shop.pay(&sold, 3, "code-3").await;
    assert_eq!(refused, Err(GroupError::Refused(Refusal::AttemptOpen { attempt: 1, state: None })));
    assert!(shop.wechat.books().pay_calls.is_empty());
}

#[tokio::test]
async fn a_declined_code_lets_the_next_attempt_start_at_once() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::HasNoMoney;
    let view = shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::NotEnoughFunds)));
    shop.wechat.books().customer = Customer::Pays;
    assert_eq!(shop.pay(&sold, 2, "code-2").await.unwrap().state, PaymentState::Paid);
    // And a paid order is never charged again.
    let third = shop.pay(&sold, 3, "code-3").await;
    assert_eq!(third, Err(GroupError::Refused(Refusal::WrongState(OrderState::Paid))));
    assert_eq!(shop.wechat.books().net(), 700);
}

#[tokio::test]
async fn a_customer_who_types_the_password_in_time_has_paid() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    let view = shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!(view.state, PaymentState::Waiting);
    shop.pass(seconds(20)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Waiting);
    let number = shop.wechat.books().pay_calls[0].clone();
    shop.wechat.confirm(&number, 700);
    shop.pass(seconds(6)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_password_never_typed_ends_in_a_reversal_and_a_late_success_is_a_second_fact() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.pass(seconds(60)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    let number = shop.wechat.books().pay_calls[0].clone();
    assert_eq!(shop.wechat.books().payments[&number].0, Standing::Reversed);
    // A word from the wallet that comes after the end.
    let event = Event::Pay(PayOutcome::ConfirmedSuccess { transaction: "W9".into() });
    let policy = Policy::default();
    let news = PaymentNews {
        number: sold.number,
        attempt: 1,
        event,
        found_at: None,
        at: shop.rig.clock.now(),
        policy,
    };
    shop.rig.groups.record_payment(news).await.unwrap();
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.payments[0].payment.state, PaymentState::Reversed, "nothing is reopened");
    assert_eq!(order.summary.state, OrderState::Adopted);
    assert!(order.story.iter().any(|line| matches!(line.what, Fact::LateSuccess { attempt: 1, .. })));
}

#[tokio::test]
async fn a_wallet_that_is_not_set_up_surely_charges_nothing() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let mut request = shop.request(&sold, 1, "code-1");
    request.wallet = Wallet::Alipay;
    let view = shop.centre.start(request).await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::ChannelUnreachable)));
    assert_eq!(shop.pay(&sold, 2, "code-1").await.unwrap().state, PaymentState::Paid);
    assert_eq!(shop.centre.wallets(), vec![Wallet::WeChatPay]);
}

#[tokio::test]
async fn a_slow_wallet_is_waited_for_a_while_and_goes_on_without_the_till() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::Hangs;
    let view = shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!(view.state, PaymentState::Sent, "told how it stands");
    shop.pass(seconds(11)).await; // the lease of the call ends, the sweeper asks
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_till_that_hangs_up_does_not_stop_the_payment() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let request = shop.request(&sold, 1, "code-1");
    {
        let mut call = Box::pin(shop.centre.start(request));
        let _ = tokio::time::timeout(Duration::from_micros(1), &mut call).await;
    }
    tokio::time::timeout(seconds(5), shop.wechat.arrived.notified()).await.unwrap();
    for _ in 0..100 {
        if shop.state(&sold, 1).await == PaymentState::Paid {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not paid");
}

#[tokio::test]
async fn the_till_may_have_a_payment_taken_back_instead_of_waiting() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().customer = Customer::MustTypeAPassword;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let taken = shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    assert_eq!((taken.record.payment.state, taken.was_missing), (PaymentState::Reversing, false));
    shop.pass(seconds(14)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversing, "the wallet takes none back so soon");
    shop.pass(seconds(4)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn each_wallet_is_asked_and_given_up_as_it_advises_and_not_as_another_does() {
    let mut shop = Shop::new();
    let alipay = ScriptedWallet::new(Wallet::Alipay);
    shop.centre = centre(shop.rig.groups.clone(), &[&shop.wechat, &alipay], &shop.rig);
    for wallet in [&shop.wechat, &alipay] {
        wallet.books().customer = Customer::MustTypeAPassword;
    }
    let at_alipay =
        |sold: &Sold, code: &str| NewCharge { wallet: Wallet::Alipay, ..shop.request(sold, 1, code) };
    let (first, second) = (shop.order(700).await, shop.order(700).await);
    shop.pay(&first, 1, "code-1").await.unwrap();
    shop.centre.start(at_alipay(&second, "code-2")).await.unwrap();
    let taken_back = || [&shop.wechat, &alipay].map(|wallet| wallet.books().reverse_calls > 0);
    shop.pass(seconds(44)).await;
    assert_eq!(taken_back(), [false, false]);
    shop.pass(seconds(6)).await;
    assert_eq!(taken_back(), [true, false], "after 45 seconds, and after a minute");
    shop.pass(seconds(8)).await;
    assert_eq!(taken_back(), [true, false]);
    shop.pass(seconds(6)).await;
    assert_eq!(taken_back(), [true, true]);
    // One refuses to take anything back in the first fifteen seconds; the other takes it back at once.
    let third = shop.order(700).await;
    shop.centre.start(at_alipay(&third, "code-3")).await.unwrap();
    shop.centre.take_back(third.number, 1, None, guard()).await.unwrap();
    shop.pass(seconds(4)).await;
    assert_eq!(shop.state(&third, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn an_attempt_that_never_arrived_is_dead_once_it_is_taken_back() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let late = shop.request(&sold, 1, "code-1"); // still on its way
    let intent = shop.centre.intent(1, Wallet::WeChatPay, late.channel_number.clone(), late.amount);
    let missing = NewPayment {
        adoption: sold.adoption.clone(),
        requested: late.requested.clone(),
        cash_part: None,
        intent,
        lease: shop.centre.lease(),
        guard: guard(),
    };
    let taken = shop.centre.take_back(sold.number, 1, Some(missing), guard()).await.unwrap();
    assert_eq!((taken.record.payment.state, taken.was_missing), (PaymentState::Reversing, true));
    // The request arrives after all: it is only looked at.
    assert_eq!(shop.centre.start(late).await.unwrap().state, PaymentState::Reversing);
    assert!(shop.wechat.books().pay_calls.is_empty());
    shop.pass(seconds(130)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!(shop.pay(&sold, 2, "code-2").await.unwrap().state, PaymentState::Paid);
}

#[tokio::test]
async fn cash_taken_while_a_wallet_is_uncertain_takes_the_wallets_payment_back() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    let cash = Some(shop.rig.till.cash(&sold.sale));
    let adoption = sold.adoption.clone();
    let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
    shop.rig.groups.adopt(adopt).await.unwrap();
    shop.pass(seconds(30)).await;
    let order = shop.rig.groups.order(sold.number).await.unwrap();
    assert!(matches!(order.summary.paid_by, Some(PaidBy::Cash { .. })));
    assert_eq!(order.payments[0].payment.state, PaymentState::Reversed);
    assert_eq!(shop.wechat.books().net(), 0, "paid once, in cash");
}

#[tokio::test]
async fn a_clock_set_back_by_a_day_does_not_stop_the_questions() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::LosesAnswer;
    shop.pay(&sold, 1, "code-1").await.unwrap();
    shop.rig.clock.set_back(seconds(24 * 3600));
    shop.pass(seconds(1)).await;
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
    assert!(shop.rig.clock.now() < NOON);
}

#[tokio::test]
async fn a_dead_wallet_slows_no_other() {
    let wechat = ScriptedWallet::new(Wallet::WeChatPay);
    let alipay = ScriptedWallet::new(Wallet::Alipay);
    let mut shop = Shop::with(1, Arc::clone(&wechat));
    let channels = vec![Arc::clone(&wechat) as Arc<dyn Channel>, Arc::clone(&alipay) as Arc<dyn Channel>];
    let clock = Arc::clone(&shop.rig.clock) as Arc<dyn Clock>;
    let few = CentreSettings { calls_per_channel: 4, ..settings() };
    shop.centre = OrderCentre::new(shop.rig.groups.clone(), channels, Policies::default(), clock, few);
    wechat.books().pay = Line::LosesRequest;
    wechat.books().query = Line::Hangs;
    for n in 0..20 {
        let sold = shop.order(100).await;
        shop.pay(&sold, 1, &format!("code-{n}")).await.unwrap();
    }
    alipay.books().pay = Line::LosesAnswer;
    let sold = shop.order(700).await;
    let request = NewCharge { wallet: Wallet::Alipay, ..shop.request(&sold, 1, "alipay") };
    shop.centre.start(request).await.unwrap();
    for _ in 0..8 {
        shop.rig.clock.advance(seconds(1));
        drop(shop.centre.sweep(tag(0)).await.unwrap()); // goes on by itself
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Paid);
    assert_eq!(wechat.books().queries, 4, "no more at a time than the channel may have");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_slept_after_the_intent_charges_no_more() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    let frozen = shop.rig.freeze(0);
    let (centre, request) = (shop.centre.clone(), shop.request(&sold, 1, "code-1"));
    let call = tokio::spawn(async move { centre.start(request).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    shop.rig.clock.advance(seconds(11)); // others may have given the attempt up by now
    drop(frozen);
    let _ = call.await.unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if shop.rig.groups.payment(sold.number, 1).await.is_ok_and(|r| r.payment.state.is_final()) {
            break;
        }
    }
    assert_eq!(shop.state(&sold, 1).await, PaymentState::Declined);
    assert!(shop.wechat.books().pay_calls.is_empty());
}
