//! Cashiers at the till: PINs that IT sets, the lock, one taking over from another, and selling without the line.

use super::desk::{Desk, GO_ON, GOODS, STOP};
use evertill_shared::journal::Body;
use evertill_shared::protocol::staff::{SetCard, SetPin};
use evertill_shared::secret::SecretText;
use evertill_tests::simulator::wechat::Behaviour;

pub async fn set_pin(desk: &Desk, login: &str, pin: Option<&str>) {
    let pin = pin.map(|pin| SecretText::new(pin.into()));
    let asked = SetPin { login: login.into(), pin };
    desk.rig.staff("it").await.unwrap().set_pin(&asked).await.unwrap();
}

pub fn log_in(desk: &mut Desk, name: &str, pin: &str) {
    desk.tap(name);
    for digit in pin.chars() {
        desk.tap(&digit.to_string());
    }
    desk.tap("Log in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_at_the_till_is_approved_by_pin_there_and_paid_out_once() {
    let mut desk = Desk::open().await;
    set_pin(&desk, "li", Some("0815")).await;
    desk.sees("The till is locked", 20);
    log_in(&mut desk, "Li Na", "0815");
    desk.sees("Scan the first item", 15);
    desk.sell_for_cash(1);
    let number = desk.wait_for_number();
    desk.sees("The receipt is printed", 20);
    desk.next_sale();
    desk.sees("All sales sent", 30);
    // The customer brings the receipt back: its code opens the order.
    desk.till.scan(number.as_str()).unwrap();
    desk.sees("Nothing to do.", 10);
    desk.tap("Print a copy");
    desk.sees("1 copy printed", 20);
    desk.tap("Ask for a refund");
    desk.tap("Goods damaged");
    let whole = desk.sees("All that is left: ", 5);
    desk.tap(&whole);
    desk.tap("Let a manager approve it");
    "4711".chars().for_each(|digit| desk.tap(&digit.to_string()));
    desk.tap("Approve");
    desk.sees("Wrong PIN: 4 tries left", 20);
    "0815".chars().for_each(|digit| desk.tap(&digit.to_string()));
    desk.tap("Approve");
    desk.sees("Refunds at this till", 20);
    desk.sees("Nothing more to do but to hand over the receipt.", 30);
    let booked = desk.booked();
    assert_eq!(booked[0].paid_minor, booked[0].refunded_minor);
    desk.wait_for_papers(|papers| papers.iter().any(|paper| paper.contains("Approved by Li Na")));
    assert_eq!(desk.copies(), 1);
}

/// Who served each sale that the till closed.
fn served(desk: &Desk) -> Vec<Option<String>> {
    let login = |body| match body {
        Body::Sale(sale) => Some(sale.cashier.map(|cashier| cashier.login)),
        _ => None,
    };
    desk.entries().into_iter().filter_map(|entry| login(entry.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_two_cashiers_with_a_wrong_pin_a_change_of_hands_and_a_line_that_is_gone() {
    let mut desk = Desk::open().await;
    desk.sell_for_cash(1);
    desk.next_sale();
    assert_eq!(served(&desk), [None], "nobody has a PIN: the till works as ever");

    set_pin(&desk, "wang", Some("4711")).await;
    set_pin(&desk, "li", Some("0815")).await;
    desk.sees("The till is locked", 20);
    desk.till.scan(GOODS[0]).unwrap();
    desk.sees("The till is locked: the scan was not used", 5);
    desk.tap("OK");
    log_in(&mut desk, "Wang Wei", "0815");
    desk.sees("Wrong PIN: 4 tries left", 15);
    log_in(&mut desk, "Wang Wei", "4711");
    desk.sees("Scan the first item", 15);
    desk.sell_for_cash(1);
    desk.next_sale();

    // Li takes over in the middle of a sale; the goods stay, and so does a payment that is under way.
    desk.goods(2);
    desk.tap("Lock");
    desk.sees("A sale waits: ¥5.50", 5);
    log_in(&mut desk, "Li Na", "0815");
    desk.till.wait("2 items").unwrap();
    desk.tap("Payment code");
    desk.customer(Behaviour::PasswordThenPays { after_ms: 6_000 }).await;
    desk.sees("The customer is typing the password", 10);
    desk.tap("Lock");
    desk.sees("¥5.50 · The customer is typing the password", 5);
    desk.sees("Paid: ¥5.50", 30);
    log_in(&mut desk, "Li Na", "0815");
    desk.paid(10);
    desk.next_sale();

    // Switched off and on while the server is away: the list is on the disk.
    desk.sees("All sales sent", 30);
    desk.signal_server(STOP);
    desk.power_cycle();
    desk.sees("The till is locked", 20);
    log_in(&mut desk, "Wang Wei", "4711");
    desk.sees("Scan the first item", 20);
    desk.sell_for_cash(1);
    desk.next_sale();
    desk.signal_server(GO_ON);
    desk.books_agree().await;
    let by = |login: &str| Some(login.to_owned());
    assert_eq!(served(&desk), [None, by("wang"), by("li"), by("wang")]);
    let naming = |papers: &[String], name: &str| {
        papers.iter().filter(|paper| paper.contains(&format!("Cashier {name}"))).count()
    };
    desk.wait_for_papers(|papers| (naming(papers, "Wang Wei"), naming(papers, "Li Na")) == (2, 1));

    // The PINs are taken away: the till goes on without a lock.
    desk.tap("Lock");
    desk.sees("The till is locked", 5);
    set_pin(&desk, "wang", None).await;
    set_pin(&desk, "li", None).await;
    desk.sees("Scan the first item", 20);
}

/// Makes a card, and gives its code.
async fn make_card(desk: &Desk, login: &str) -> SecretText {
    let asked = SetCard { login: login.into(), remove: false };
    desk.rig.staff("it").await.unwrap().set_card(&asked).await.unwrap().code.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_by_cards_a_lost_one_a_line_that_is_gone_and_a_manager_who_must_type_the_pin() {
    let mut desk = Desk::open().await;
    // A card alone, before anybody has a PIN.
    let wangs = make_card(&desk, "wang").await;
    desk.sees("The till is locked", 20);
    desk.till.scan(wangs.expose()).unwrap();
    desk.sees("Scan the first item", 15);
    desk.sell_for_cash(1);
    let lis = make_card(&desk, "li").await;
    set_pin(&desk, "li", Some("0815")).await;
    desk.sees("All sales sent", 30);
    // Between two customers one scan is enough; a manager's card is no manager.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    desk.till.scan(lis.expose()).unwrap();
    desk.sees("Li Na is logged in", 15);
    desk.next_sale();
    desk.tap("Drawer");
    desk.tap("Open without a sale");
    desk.tap("Change money for a customer");
    desk.sees("Enter your PIN", 10);
    desk.till.scan(lis.expose()).unwrap();
    desk.sees("A staff card approves nothing", 10);
    "0815".chars().for_each(|digit| desk.tap(&digit.to_string()));
    desk.tap("Approve");
    desk.sees("The drawer was opened", 20);

    // The line is gone, and the till is switched off and on: the card is on the disk, sealed and hashed.
    desk.signal_server(STOP);
    desk.power_cycle();
    desk.sees("The till is locked", 20);
    desk.till.scan(wangs.expose()).unwrap();
    desk.sees("Scan the first item", 20);
    desk.sell_for_cash(1);
    desk.next_sale();
    desk.signal_server(GO_ON);
    desk.books_agree().await;
    // Wang's card was lost: the old one is dead, and so is whoever is there by it.
    let new = make_card(&desk, "wang").await;
    desk.sees("The till is locked", 30);
    desk.till.scan(wangs.expose()).unwrap();
    desk.sees("This staff card counts for nobody here", 10);
    desk.tap("OK");
    desk.till.scan(new.expose()).unwrap();
    desk.sees("Scan the first item", 15);
    let by = |login: &str| Some(login.to_owned());
    assert_eq!(served(&desk), [by("wang"), by("wang")]);
    let written = format!("{:?}", desk.entries());
    assert!(!written.contains("EVTC-"));
}
