//! Kill -9 of the till, at chosen moments and at random ones.

use super::desk::{Desk, GO_ON, STOP, seconds};
use evertill_shared::journal::Body;
use evertill_tests::counter::attempts_begun_too_early;
use evertill_tests::drill::power::{self, PowerOptions};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::thread;
use std::time::Duration;

fn is_cash(body: &Body) -> bool {
    matches!(body, Body::CashTaken { .. })
}

fn is_request(body: &Body) -> bool {
    matches!(body, Body::PaymentRequested { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_cash_taken_before_the_plug_was_pulled_arrives_once_under_its_number() {
    let mut desk = Desk::open().await;
    // With a number from the server, which then stops in mid-air.
    desk.goods(2);
    desk.tap("Cash");
    desk.till.wait("Confirm cash").unwrap();
    let number = desk.wait_for_number();
    desk.signal_server(STOP);
    let exact = desk.exact_amount().unwrap();
    desk.tap(&exact);
    desk.tap("Confirm cash");
    let taken = desk.wait_for_entry("the cash", is_cash);
    desk.power_cycle();
    // The customer may still stand there: that the sale is paid is said again.
    desk.till.wait("Change to give back").unwrap();
    desk.sees("1 sale not sent", 10);
    desk.signal_server(GO_ON);
    desk.books_agree().await;
    let booked = desk.booked();
    assert_eq!(booked.len(), 1);
    assert_eq!(booked[0].number, number.to_string(), "it came under another number");
    assert!(desk.till.printer.pulses().len() <= 1, "the drawer opened again after the start");

    // With no number at all: the server is gone before the sale begins.
    desk.rig.kill_server();
    desk.sees("Offline", 30);
    desk.goods(1);
    desk.tap("Cash");
    desk.till.wait("Confirm cash").unwrap();
    let exact = desk.exact_amount().unwrap();
    desk.tap(&exact);
    desk.tap("Confirm cash");
    wait_until(seconds(10), || desk.entries().iter().filter(|entry| is_cash(&entry.body)).count() == 2);
    desk.power_cycle();
    let second = desk.entries().into_iter().rfind(|entry| is_cash(&entry.body)).unwrap();
    assert_ne!(second.sequence, taken.sequence);
    desk.sees("1 sale not sent", 20);
    // Once more, before it could be sent: what waits goes on waiting.
    desk.power_cycle();
    desk.sees("1 sale not sent", 20);
    desk.rig.start_server().unwrap();
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 2);
    assert!(desk.originals().values().all(|count| *count == 1), "{:?}", desk.originals());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_a_code_scanned_before_the_plug_was_pulled_is_charged_once_or_not_at_all() {
    let mut desk = Desk::open().await;
    // The request never leaves: the server is gone.
    desk.choose_code(1);
    desk.wait_for_number();
    desk.rig.kill_server();
    desk.customer(Behaviour::Pays).await;
    desk.wait_for_entry("the request", is_request);
    desk.power_cycle();
    desk.sees("UNKNOWN: do not charge again", 20);
    assert!(!desk.shows("Scan a payment code") && !desk.shows("Cash"), "a second way to charge is offered");
    desk.rig.start_server().unwrap();
    desk.sees("Taken back: the customer was not charged", 60);
    assert_eq!(desk.wallet_net().await, 0);
    desk.tap("Scan a payment code");
    desk.customer(Behaviour::Pays).await;
    desk.paid(20);
    assert_eq!(desk.wallet_net().await, 200);
    desk.next_sale();

    // The request is on the line, and the server stands still: whether it was heard, only the wallet knows.
    desk.choose_code(2);
    desk.wait_for_number();
    desk.signal_server(STOP);
    desk.customer(Behaviour::Pays).await;
    wait_until(seconds(10), || desk.entries().iter().filter(|entry| is_request(&entry.body)).count() == 3);
    thread::sleep(Duration::from_millis(300));
    desk.power_cycle();
    desk.sees("UNKNOWN: do not charge again", 20);
    desk.signal_server(GO_ON);
    let ended = wait_until(seconds(60), || desk.shows("Next sale") || desk.shows("customer was not charged"));
    assert!(ended, "{:?}", desk.till.labels());
    if desk.shows("customer was not charged") {
        assert_eq!(desk.wallet_net().await, 200, "charged, and the screen says that it was not");
        desk.tap("Scan a payment code");
        desk.customer(Behaviour::Pays).await;
    }
    desk.paid(20);
    assert_eq!(desk.wallet_net().await, 200 + 550);
    assert_eq!(attempts_begun_too_early(&desk.entries()), 0);
    desk.books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_or_unknown_after_a_kill_in_mid_payment_the_screen_ends_at_the_wallets_truth() {
    let mut desk = Desk::open().await;
    // The wallet charges at once and answers late; in between the till dies.
    desk.choose_code(3);
    desk.customer(Behaviour::Slow { ms: 3_000 }).await;
    let mut charged = 0;
    for _ in 0..200 {
        charged = desk.wallet_net().await;
        if charged != 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(charged, 850, "the wallet never charged");
    desk.power_cycle();
    let shown = wait_until(seconds(20), || desk.shows("UNKNOWN") || desk.shows("Taking the payment"));
    assert!(shown || desk.shows("Next sale"), "the payment is not on screen: {:?}", desk.till.labels());
    desk.paid(40);
    assert_eq!(desk.wallet_net().await, 850);
    desk.next_sale();

    // A password that nobody types, and the till dies over it: taken back, then the next attempt pays.
    desk.choose_code(1);
    desk.customer(Behaviour::PasswordNever).await;
    desk.sees("typing the password", 15);
    desk.power_cycle();
    desk.sees("typing the password", 20);
    assert!(!desk.shows("Scan a payment code"));
    desk.sees("Taken back: the customer was not charged", 60);
    desk.power_cycle();
    desk.till.wait("1 item").unwrap();
    desk.tap("Payment code");
    desk.customer(Behaviour::Pays).await;
    desk.paid(20);
    assert_eq!(attempts_begun_too_early(&desk.entries()), 0);
    let journal = desk.books_agree().await;
    assert_eq!(journal.values().sum::<i64>(), 850 + 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_kill_9_at_random_instants_of_a_busy_minute() {
    let seed = std::env::var("EVERTILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    let options = PowerOptions { kills: 10, within_ms: 3_000, seed, long: false, json: true };
    let (report, held) = power::run(&options).await.unwrap();
    println!("{report}");
    assert!(held, "{report}");
    assert!(report["confirmed"].as_u64() >= Some(5), "hardly anything was sold: {report}");
}
