//! Sales: paid once, or not at all, whatever breaks.

use super::{is_paid, net, settled, shop};
use evertill_shared::order::OrderState;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::error::ErrorCode;
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_code_pays_the_sale_once_and_its_number_names_the_group() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(1280).await.unwrap();
    assert!(order.number.tag().get() < 3);
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert!(is_paid(&view), "{view:?}");
    // Pressing twice, sending twice, another attempt: nothing more is charged.
    let again = wallet.code(Behaviour::Pays).await.unwrap();
    let requested = till.entries().last().unwrap().clone();
    assert!(is_paid(&till.charge(&order, &requested, &again).await.unwrap()));
    let second = till.pay(&order, 2, &again).await.unwrap_err();
    assert_eq!(second.code(), Some(ErrorCode::WrongState));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 1280);
    assert_eq!(till.order(order.number).await.unwrap().state, OrderState::Paid);
    shop.rig.stop_server();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_code_says_why_and_the_next_attempt_pays_under_a_new_number() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(500).await.unwrap();
    let poor = wallet.code(Behaviour::NoFunds).await.unwrap();
    let view = till.pay(&order, 1, &poor).await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::NotEnoughFunds)));
    let rich = wallet.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 2, &rich).await.unwrap()));
    let orders = wallet.orders().await.unwrap();
    assert_eq!(net(&orders, &order), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_before_is_declined_as_expired() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let first = till.sell_and_choose(100).await.unwrap();
    assert!(is_paid(&till.pay(&first, 1, &code).await.unwrap()));
    let second = till.sell_and_choose(100).await.unwrap();
    let view = till.pay(&second, 1, &code).await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::CodeExpired)));
    assert_eq!(net(&wallet.orders().await.unwrap(), &second), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_takes_time_and_is_waited_for() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(300_000).await.unwrap();
    let code = wallet.code(Behaviour::PasswordThenPays { after_ms: 1500 }).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert_eq!(view.state, PaymentState::Waiting);
    assert!(view.next.is_some() && view.deadline > view.since);
    assert!(is_paid(&settled(&till, &order, 1).await));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 300_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_a_reply_lost_after_the_charge_is_found_out_and_paid_once() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(990).await.unwrap();
    let code = wallet.code(Behaviour::ReplyLost).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert!(!view.state.surely_not_charged(), "guessed: {view:?}");
    // While it is unknown, no other attempt may start.
    if !view.state.is_final() {
        let other = wallet.code(Behaviour::Pays).await.unwrap();
        let refused = till.pay(&order, 2, &other).await.unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::WrongState));
    }
    assert!(is_paid(&settled(&till, &order, 1).await));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 990);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_a_password_that_is_never_typed_ends_reversed_and_cash_may_be_taken() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(660).await.unwrap();
    let code = wallet.code(Behaviour::PasswordNever).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert_eq!(view.state, PaymentState::Waiting);
    let view = settled(&till, &order, 1).await;
    assert_eq!(view.state, PaymentState::Reversed);
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 0);
    let cash = till.take_cash(&order.sale).unwrap();
    assert_eq!(till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_taken_beside_an_open_payment_is_a_fact_and_the_wallets_part_is_taken_back() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(440).await.unwrap();
    let code = wallet.code(Behaviour::PasswordThenPays { after_ms: 1000 }).await.unwrap();
    assert_eq!(till.pay(&order, 1, &code).await.unwrap().state, PaymentState::Waiting);
    // Our till does not allow it; one that did has the notes in its drawer all the same.
    let cash = till.take_cash(&order.sale).unwrap();
    assert_eq!(till.complete(&order, cash).await.unwrap().state, OrderState::Paid);
    assert_eq!(settled(&till, &order, 1).await.state, PaymentState::Reversed);
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 0, "paid twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_arrived_is_taken_back_before_anyone_charges_again() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(770).await.unwrap();
    let code = wallet.code(Behaviour::RequestLost).await.unwrap();
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert!(!view.state.is_final(), "{view:?}");
    let view = settled(&till, &order, 1).await;
    assert_eq!(view.state, PaymentState::Reversed);
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&order, 2, &code).await.unwrap()));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 770);
}

#[tokio::test(flavor = "multi_thread")]
async fn intent_first_a_server_killed_between_charge_and_record_finds_out_when_it_is_back() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(4200).await.unwrap();
    // The wallet charges at once and answers late: in between the server dies.
    let code = wallet.code(Behaviour::Slow { ms: 4000 }).await.unwrap();
    let requested = till.request(&order, 1).unwrap();
    let client = till.client.clone();
    let (sale, adopted, number) = (order.sale.entry.clone(), order.entry.clone(), order.number);
    let asked = tokio::spawn(async move {
        let body = evertill_shared::protocol::orders::StartPayment {
            sale,
            adopted,
            requested,
            cash_part: None,
            auth_code: evertill_shared::secret::AuthCode::new(code),
        };
        let path = format!("/v1/orders/{number}/payments");
        client.post_payment::<_, evertill_shared::protocol::orders::PaymentView>(&path, &body).await
    });
    let mut charged = false;
    for _ in 0..200 {
        charged = net(&wallet.orders().await.unwrap(), &order) == 4200;
        if charged {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(charged, "the wallet never charged");
    shop.rig.kill_server();
    assert!(asked.await.unwrap().unwrap_err().outcome_unknown());
    shop.rig.start_server().unwrap();
    assert!(is_paid(&settled(&till, &order, 1).await));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 4200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_creation_jumps_when_groups_stop_answering() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let before = loop {
        let order = till.sell_and_choose(100).await.unwrap();
        if order.number.tag().get() == 0 {
            break order;
        }
    };
    let frozen = (shop.rig.freeze_group(0).unwrap(), shop.rig.freeze_group(1).unwrap());
    let mut jumps = 0;
    // Which group is asked first is chance: six sales, and on until one has met a frozen group.
    for sale in 1..=24 {
        if sale > 6 && jumps > 0 {
            break;
        }
        let sale = till.sell(250).unwrap();
        let draft = till.draft(&sale).await.unwrap();
        assert_eq!(draft.number.tag().get(), 2, "a frozen group gave out a number");
        jumps += u32::from(draft.jumps);
        let order = till.choose(&sale, draft.number).unwrap();
        let code = wallet.code(Behaviour::Pays).await.unwrap();
        assert!(is_paid(&till.pay(&order, 1, &code).await.unwrap()));
    }
    assert!(jumps > 0, "nothing jumped");
    // What lives in a frozen group waits for it: nothing is guessed, nothing moves elsewhere.
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let requested = till.request(&before, 1).unwrap();
    let refused = till.charge(&before, &requested, &code).await.unwrap_err();
    assert!(
        matches!(refused.code(), Some(ErrorCode::GroupUnavailable | ErrorCode::OutcomeUnknown)),
        "{refused:?}"
    );
    drop(frozen);
    let mut recovered = false;
    for _ in 0..100 {
        let sale = till.sell(100).unwrap();
        recovered = till.draft(&sale).await.unwrap().number.tag().get() != 2;
        if recovered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(recovered, "the groups came back and nobody noticed");
    // The charge that was refused or unknown: one charge at the most, whatever the group did with it.
    let view = till.take_back(&before, &requested, 1).await.unwrap();
    let view = if view.state.is_final() { view } else { settled(&till, &before, 1).await };
    let charged = net(&wallet.orders().await.unwrap(), &before);
    assert_eq!(charged, if is_paid(&view) { 100 } else { 0 }, "{view:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_two_drafts_of_one_sale_pay_once() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let sale = till.sell(900).unwrap();
    let mut numbers = std::collections::BTreeSet::new();
    for _ in 0..30 {
        numbers.insert(till.draft(&sale).await.unwrap().number);
    }
    assert!(numbers.len() > 1, "thirty drafts all in one group");
    let mut numbers = numbers.into_iter();
    let (a, b) = (numbers.next().unwrap(), numbers.next().unwrap());
    // A till that broke the rule and adopted both: the wallet still sees one number.
    let first = till.choose(&sale, a).unwrap();
    let second = till.choose(&sale, b).unwrap();
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    assert!(is_paid(&till.pay(&first, 1, &code).await.unwrap()));
    let other = wallet.code(Behaviour::Pays).await.unwrap();
    let _ = till.pay(&second, 1, &other).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(net(&wallet.orders().await.unwrap(), &first), 900, "charged twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_cash_sold_without_a_line_arrives_once_and_in_order() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    shop.rig.kill_server();
    let mut sold = Vec::new();
    for minor in [100, 200, 300] {
        let sale = till.sell(minor).unwrap();
        assert!(till.draft(&sale).await.unwrap_err().is_offline());
        let cash = till.take_cash(&sale).unwrap();
        sold.push((sale, cash));
    }
    shop.rig.start_server().unwrap();
    for (sale, cash) in &sold {
        let draft = till.draft(sale).await.unwrap();
        let order = till.choose(sale, draft.number).unwrap();
        // The line breaks after sending, twice: the same sale is brought three times.
        for _ in 0..3 {
            let view = till.complete(&order, cash.clone()).await.unwrap();
            assert_eq!((view.state, view.total), (OrderState::Paid, sale.total));
        }
    }
    let handed_in = till.hand_in(0).await.unwrap();
    assert_eq!(handed_in.head, till.head());
    assert_eq!(till.hand_in(0).await.unwrap().head, till.head(), "handing in twice changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_wallet_decides_nothing_and_charges_nothing_when_it_is_back() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let order = till.sell_and_choose(100).await.unwrap();
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    shop.rig.wallet = None;
    let view = till.pay(&order, 1, &code).await.unwrap();
    assert_ne!(view.state, PaymentState::Paid);
    shop.rig.start_wallet().unwrap();
    if !view.state.is_final() {
        settled(&till, &order, 1).await;
    }
    assert!(wait_until(Duration::from_secs(1), || shop.rig.server.as_mut().unwrap().is_running()));
    assert_eq!(net(&wallet.orders().await.unwrap(), &order), 0);
}
