//! Kill -9 of the till, at chosen moments and at random ones.

use super::desk::{Desk, GO_ON, SCAN_PROMPT, STOP, paid_in_journal, seconds, sequence_of};
use evertill_shared::journal::{Body, Settled};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::thread;
use std::time::Duration;

fn is_cash(body: &Body) -> bool {
    matches!(body, Body::CashTaken { .. })
}

fn is_request(body: &Body) -> bool {
    matches!(body, Body::PaymentRequested { .. })
}

/// How often one of the wallet's attempts was begun without the one before being surely over.
fn attempts_begun_too_early(desk: &Desk) -> usize {
    let mut open = BTreeSet::new();
    let mut early = 0;
    for entry in desk.entries() {
        match entry.body {
            Body::PaymentRequested { sale, .. } => early += usize::from(!open.insert(sale)),
            Body::PaymentSettled { sale, outcome: Settled::Declined { .. } | Settled::Reversed, .. } => {
                open.remove(&sale);
            }
            _ => {}
        }
    }
    early
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
    assert_eq!(attempts_begun_too_early(&desk), 0);
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
    assert_eq!(attempts_begun_too_early(&desk), 0);
    let journal = desk.books_agree().await;
    assert_eq!(journal.values().sum::<i64>(), 850 + 200);
}

/// Small, and the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Kills the till after a while, from beside.
fn pull_the_plug_after(pid: u32, pause: Duration) -> (Arc<AtomicBool>, thread::JoinHandle<()>) {
    let pulled = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&pulled);
    let hand = thread::spawn(move || {
        thread::sleep(pause);
        told.store(true, atomic::Ordering::Release);
        Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap();
    });
    (pulled, hand)
}

/// After a start: what is still under way ends, and the sale page is empty again. `printed` are the sales whose receipts
/// were known to be out when the plug was pulled.
fn come_back(desk: &mut Desk, confirmed: &mut Vec<String>, printed: &BTreeSet<u64>) {
    let ready = |desk: &mut Desk| {
        desk.till.labels().is_ok_and(|labels| {
            ["Next sale", "Scan a payment code", "Void sale"]
                .iter()
                .any(|l| labels.iter().any(|label| label == l))
        })
    };
    assert!(wait_until(seconds(60), || ready(desk)), "{:?}", desk.till.labels());
    if desk.shows("Next sale") {
        let name = desk.paid(1);
        let entries = desk.entries();
        let shown = sequence_of(&name, &entries);
        let newest = paid_in_journal(&entries).into_keys().next_back();
        assert_eq!(Some(shown), newest, "{name} is shown, and it is not what was paid last");
        let last = confirmed.last().map(|name| sequence_of(name, &entries));
        match Some(shown).cmp(&last) {
            Ordering::Greater => confirmed.push(name),
            // The plug was pulled between the word "paid" and the receipt: the same sale is shown once more.
            Ordering::Equal => {
                assert!(!printed.contains(&shown), "{name} is shown again, and its receipt was out");
            }
            Ordering::Less => panic!("{name} is shown after {last:?}"),
        }
        return desk.next_sale();
    }
    if desk.shows("Scan a payment code") {
        desk.tap("Back to the sale");
    }
    desk.till.wait("Void sale").unwrap();
    if desk.till.is_enabled("Void sale").unwrap() {
        desk.tap("Void sale");
        desk.tap("Yes, void it");
    }
    desk.till.wait("Scan the first item").unwrap();
    desk.sees("Online", 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_kill_9_at_random_instants_of_a_busy_minute() {
    let seed = std::env::var("EVERTILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    println!("seed {seed} (EVERTILL_SEED)");
    let mut random = Random(seed);
    let mut desk = Desk::open().await;
    let mut confirmed = Vec::new();
    for round in 0..10 {
        let codes = {
            let wallet = desk.rig.wallet_control();
            let mut codes = Vec::new();
            for _ in 0..8 {
                codes.push(wallet.code(Behaviour::Pays).await.unwrap());
            }
            codes
        };
        let pause = Duration::from_millis(300 + random.below(2_700));
        let (pulled, hand) = pull_the_plug_after(desk.till.id().unwrap(), pause);
        for code in codes.iter().cycle() {
            let goods = 1 + usize::try_from(random.below(3)).unwrap();
            let by_code = random.below(2) == 0;
            let sold =
                if by_code { desk.try_sell_by_code(goods, code) } else { desk.try_sell_for_cash(goods) };
            match sold {
                Ok(name) => confirmed.push(name),
                Err(error) if !pulled.load(atomic::Ordering::Acquire) => {
                    panic!("round {round}, seed {seed}: {error}")
                }
                Err(_) => break,
            }
            if desk.till.tap("Next sale").is_err() {
                assert!(pulled.load(atomic::Ordering::Acquire), "round {round}, seed {seed}: no next sale");
                break;
            }
        }
        hand.join().unwrap();
        desk.till.power_cut();
        let printed = desk.printed();
        desk.till.power_on().unwrap();
        come_back(&mut desk, &mut confirmed, &printed);
    }
    let journal = desk.books_agree().await;
    let entries = desk.entries();
    let mut seen = BTreeSet::new();
    for name in &confirmed {
        let sequence = sequence_of(name, &entries);
        assert!(
            journal.contains_key(&sequence),
            "seed {seed}: the screen said paid, the journal does not: {name}"
        );
        assert!(seen.insert(sequence), "seed {seed}: sale {sequence} was shown as two sales: {confirmed:?}");
    }
    assert_eq!(paid_in_journal(&entries), journal);
    assert_eq!(attempts_begun_too_early(&desk), 0);
    let twice: Vec<_> = desk.originals().into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "seed {seed}: receipts that came out twice: {twice:?}");
    println!("{} sales confirmed on screen, {} paid in the books", confirmed.len(), journal.len());
    assert!(confirmed.len() >= 5, "seed {seed}: hardly anything was sold");
    desk.choose_code(1);
    desk.till.wait(SCAN_PROMPT).unwrap();
}
