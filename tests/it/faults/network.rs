//! The line between tills and servers, cut, slow, narrow and silent while tills sell: each sale is there once, nobody
//! pays twice, and everything goes on by itself.

use crate::seller::Seller;
use crate::shop::{Shop, is_paid, seed, settled, shop};
use evertill_provisioning::client::{ClientConfig, ClientError, Timeouts};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::refunds::CarryOutRefund;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundState};
use evertill_tests::books;
use evertill_tests::rig::proxy::{Line, Proxy, Way};
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::simulator::wechat::Behaviour;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the tills here wait for an answer: short, so that much goes wrong in little time.
const ANSWER: Duration = Duration::from_millis(1_000);
const PATIENCE: Duration = Duration::from_secs(20);

/// The way of a till through these lines.
fn through(shop: &Shop, lines: &[&Proxy]) -> ClientConfig {
    let servers = lines.iter().map(|line| format!("https://{}", line.address())).collect();
    let timeouts = Timeouts {
        connect: Duration::from_millis(700),
        race: Duration::from_millis(900),
        answer: ANSWER,
        payment: ANSWER * 3 / 2,
    };
    ClientConfig { timeouts, ..ClientConfig::new(servers, shop.rig.trust().clone()) }
}

fn line_to(server: SocketAddr) -> Proxy {
    Proxy::start(server).unwrap()
}

async fn till_through(shop: &Shop, name: &str, lines: &[&Proxy]) -> ScriptedTill {
    shop.rig.scripted_till(name).await.unwrap().at(through(shop, lines)).unwrap()
}

async fn code(shop: &Shop) -> String {
    shop.rig.wallet_control().code(Behaviour::Pays).await.unwrap()
}

/// What can become of a line: its name, and how it is done.
type Spell = (&'static str, fn(&Proxy));

const SPELLS: [Spell; 8] = [
    ("nothing gets through", Proxy::black_hole),
    ("requests are lost", |line| line.set_way(Way::ToServer, Line::BlackHole)),
    ("answers are lost", |line| line.set_way(Way::ToClient, Line::BlackHole)),
    ("everything is late", |line| line.delay(Duration::from_millis(180))),
    ("answers come too late", |line| line.set_way(Way::ToClient, Line::Delay(ANSWER * 2))),
    ("it is narrow", |line| line.set(Line::Limit(12_000))),
    ("connections are reset", Proxy::reset_all),
    ("nobody can connect", |line| {
        line.cut_new();
        line.reset_all();
    }),
];

async fn paid(shop: &Shop) -> usize {
    books::paid_orders(&shop.rig).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_nothing_lost_tills_sell_on_whatever_becomes_of_the_line() {
    let seed = seed();
    let shop = shop("network-weather").await;
    let line = line_to(shop.rig.server_addresses()[0]);
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for till in 0..4 {
        let name = format!("Till {}", till + 1);
        let till_of_it = till_through(&shop, &name, &[&line]).await;
        let mut seller = Seller::at(&shop.rig, till_of_it, seed + till, &gives_up).await;
        tasks.push(tokio::spawn(async move {
            seller.sell_on().await;
            seller
        }));
    }
    for (what, befalls) in SPELLS {
        let before = paid(&shop).await;
        let sells_again = async {
            while paid(&shop).await < before + 4 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        // Between two faults tills sell.
        tokio::time::timeout(PATIENCE, sells_again).await.unwrap_or_else(|_| panic!("before {what}"));
        for _ in 0..4 {
            befalls(&line);
            tokio::time::sleep(Duration::from_millis(350)).await;
        }
        line.pass();
    }
    gives_up.store(true, Ordering::Release);
    let mut sellers = Vec::new();
    for task in tasks {
        sellers.push(task.await.unwrap());
    }
    gives_up.store(false, Ordering::Release);
    let (mut sold, mut asked_again) = (0, 0);
    for seller in &mut sellers {
        // What was under way ends, and one more.
        seller.sell(2).await;
        let missing = seller.missing_at_the_server(i64::MAX).await;
        assert!(missing.is_empty(), "seed {seed}: {missing:#?}");
        sold += seller.done;
        asked_again += seller.asked_again;
    }
    println!("{sold} sales, {asked_again} requests asked again, {} bytes lost", line.lost_bytes());
    assert!(asked_again > SPELLS.len() && line.lost_bytes() > 0 && line.cut_connections() > 0, "nothing bit");
    assert_eq!(shop.books_agree().await, sold, "seed {seed}: sales that the tills do not know");
}

/// A line whose answers are lost from now on, with a connection that is open: requests still arrive.
async fn swallow_answers(line: &Proxy, till: &ScriptedTill) -> u64 {
    line.pass();
    till.status().await.unwrap();
    line.set_way(Way::ToClient, Line::BlackHole);
    line.lost_bytes()
}

/// Nobody heard the answer, though there was one.
fn is_unheard<T: std::fmt::Debug>(line: &Proxy, before: u64, asked: Result<T, ClientError>) {
    let error = asked.unwrap_err();
    assert!(error.outcome_unknown() && error.is_offline(), "{error:?}");
    assert!(line.lost_bytes() > before, "the server never answered");
    line.pass();
}

/// What the wallet holds of a sale, over all attempts.
async fn net(shop: &Shop, order: &AdoptedSale) -> i64 {
    let (terminal, sequence) = (order.sale.key.terminal.get(), order.sale.key.sequence);
    let (terminal, sequence) = (format!("{terminal:04}"), format!("{sequence:012}"));
    let orders = shop.rig.wallet_control().orders().await.unwrap();
    // Exactly where they stand in a channel number.
    let mine = |number: &str| number[7..11] == terminal && number[16..28] == sequence;
    orders.iter().filter(|order| mine(&order.number)).map(|order| order.net_minor()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_what_was_carried_out_unheard_is_carried_out_once_when_it_is_asked_again() {
    let shop = shop("network-unheard").await;
    let line = line_to(shop.rig.server_addresses()[0]);
    let mut till = till_through(&shop, "Till", &[&line]).await;
    shop.rig.wallet_control().switch(serde_json::json!({"refund_spacing_ms": 0})).await.unwrap();

    // The number: the next answer is about the same sale, be it the same draft or another one.
    let sale = till.sell(800).unwrap();
    let before = swallow_answers(&line, &till).await;
    is_unheard(&line, before, till.draft(&sale).await);
    let number = till.draft(&sale).await.unwrap().number;
    let order = till.choose(&sale, number).unwrap();

    // The cash sale: it is in the books before the till knows.
    let cash = till.take_cash(&sale).unwrap();
    let before = swallow_answers(&line, &till).await;
    is_unheard(&line, before, till.complete(&order, cash.clone()).await);
    assert_eq!(paid(&shop).await, 1);
    assert_eq!(till.complete(&order, cash).await.unwrap().state, OrderState::Paid);

    // The charge: the customer has paid before the till knows; another scan of theirs changes nothing.
    let order = till.sell_and_choose(900).await.unwrap();
    let (digits, requested) = (code(&shop).await, till.request(&order, 1).unwrap());
    let before = swallow_answers(&line, &till).await;
    is_unheard(&line, before, till.charge(&order, &requested, &digits).await);
    assert_eq!(net(&shop, &order).await, 900);
    assert!(is_paid(&till.charge(&order, &requested, &digits).await.unwrap()));
    assert!(is_paid(&till.charge(&order, &requested, &code(&shop).await).await.unwrap()));
    assert_eq!(net(&shop, &order).await, 900, "charged once more");

    // The refund: asked for by a manager, carried out by the till that sold.
    let manager = shop.rig.staff("li").await.unwrap();
    let amount = Amount::new(350, Currency::CNY);
    let ask = AskRefund { request: "unheard-1".into(), amount, reason: "brought back".into() };
    let refund = manager.ask_refund(&order.number, &ask).await.unwrap();
    let before = swallow_answers(&line, &till).await;
    is_unheard(&line, before, till.carry_out(order.number, &refund.id, amount).await);
    assert_eq!(net(&shop, &order).await, 900 - 350);
    let body = CarryOutRefund { carried_out: till.entries().last().unwrap().clone() };
    let path = format!("/v1/orders/{}/refunds/{}", order.number, refund.id);
    let again: Refund = till.client.post(&path, &body).await.unwrap();
    assert_eq!((again.id, again.state), (refund.id, RefundState::Done));

    // The journal.
    let before = swallow_answers(&line, &till).await;
    is_unheard(&line, before, till.hand_in(0).await);
    let told = till.hand_in(0).await.unwrap();
    assert!(!told.quarantined && told.head == till.head());
    assert_eq!(net(&shop, &order).await, 900 - 350, "refunded once more");
    assert_eq!(shop.books_agree().await, 2);
}

/// What a slow line delivers long after the till has given up.
#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_request_that_arrives_after_the_till_gave_up_counts_once_whoever_comes_first() {
    const LATE: Duration = Duration::from_millis(3_000);
    let shop = shop("network-late").await;
    let line = line_to(shop.rig.server_addresses()[0]);
    let other = line_to(shop.rig.server_addresses()[0]);
    for asks_meanwhile in [false, true] {
        let mut till = till_through(&shop, &format!("Till {asks_meanwhile}"), &[&line]).await;
        let order = till.sell_and_choose(1_100).await.unwrap();
        let (digits, requested) = (code(&shop).await, till.request(&order, 1).unwrap());
        line.set_way(Way::ToServer, Line::Delay(LATE));
        let sent = SystemClock.monotonic();
        let gave_up = till.charge(&order, &requested, &digits).await.unwrap_err();
        assert!(gave_up.outcome_unknown(), "{gave_up:?}");
        assert_eq!(net(&shop, &order).await, 0, "it is still under way");
        let till = till.at(through(&shop, &[&other])).unwrap();
        if asks_meanwhile {
            assert!(is_paid(&till.charge(&order, &requested, &digits).await.unwrap()));
        }
        assert!(SystemClock.monotonic() < sent + LATE, "this machine is too slow for this test");
        tokio::time::sleep(LATE).await;
        // If nobody asked meanwhile, it is the late request that charged.
        assert_eq!(net(&shop, &order).await, 1_100, "asked meanwhile: {asks_meanwhile}");
        assert_eq!(settled(&till, order.number, 1).await.state, PaymentState::Paid);
        line.pass();
    }
    assert_eq!(shop.books_agree().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_falls_silent_costs_a_till_one_time_out_and_the_next_sales_nothing() {
    let mut shop = shop("network-two-lines").await;
    shop.rig.add_server().unwrap();
    let lines: Vec<Proxy> = shop.rig.server_addresses().into_iter().map(line_to).collect();
    let [one, other] = lines.as_slice() else { panic!("two servers") };
    let mut till = till_through(&shop, "Till", &[one, other]).await;
    let (mut sold, mut unheard) = (0, 0);
    for round in 0..4 {
        till.status().await.unwrap();
        let in_use = till.client.server_in_use().await.unwrap();
        let line = lines.iter().find(|line| in_use == line.address().to_string()).unwrap();
        if round % 2 == 0 {
            line.black_hole()
        } else {
            line.set_way(Way::ToClient, Line::BlackHole)
        }
        // The first sale: at most one request of it goes unheard.
        let sale = till.sell(500 + round).unwrap();
        let draft = match till.draft(&sale).await {
            Ok(draft) => draft,
            Err(error) => {
                assert!(error.is_offline(), "{error:?}");
                unheard += 1;
                till.draft(&sale).await.expect("the other line is well")
            }
        };
        let order = till.choose(&sale, draft.number).unwrap();
        let digits = code(&shop).await;
        assert!(is_paid(&till.pay(&order, 1, &digits).await.expect("the other line is well")));
        // The next ones: none.
        for minor in [110, 120, 130] {
            till.sell_for_cash(minor).await.expect("the next sale does not meet the line that is silent");
        }
        sold += 4;
        line.pass();
    }
    assert_eq!(unheard, 4, "the lines were not silent");
    assert_eq!(shop.books_agree().await, sold);
}
