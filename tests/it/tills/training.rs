//! Training at a real till, beside a real server and the wallet simulator: everything can be done, and nobody's books know.

use super::desk::{Desk, GOODS, seconds};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;

const BAR: &str = "TRAINING · 练习模式";
const HEADING: &str = "TRAINING - NOT A RECEIPT";

fn begin(desk: &mut Desk) {
    desk.till.open_page("About", "About Evertill").unwrap();
    desk.tap("Training");
    desk.till.wait(BAR).unwrap();
    desk.till.wait("Scan the first item").unwrap();
}

fn papers(desk: &Desk) -> Vec<String> {
    desk.till.printer.receipts().iter().map(|receipt| receipt.text()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn training_at_a_real_till_leaves_nothing_in_any_books_and_opens_no_drawer() {
    let mut desk = Desk::open().await;
    // A real customer is being served when somebody wants to practise.
    desk.goods(1);
    let entries = desk.entries();
    begin(&mut desk);

    desk.goods(2);
    desk.tap("Payment code");
    desk.till.wait("A practice customer who pays").unwrap();
    // A real phone lies before the scanner.
    let real = desk.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    desk.till.scan(&real).unwrap();
    desk.sees("That is a customer's real payment code", 10);
    desk.tap("OK");
    desk.tap("A practice customer who pays");
    desk.paid(20);
    desk.next_sale();
    // By a practice code from paper, with the scanner, and the customer is asked for a password.
    desk.goods(1);
    desk.tap("Payment code");
    desk.till.wait("A practice customer who pays").unwrap();
    desk.till.scan("250000000000000002").unwrap();
    desk.sees("The customer is typing the password", 10);
    desk.paid(20);
    desk.next_sale();
    desk.sell_for_cash(1);
    desk.sees("in training the drawer stays shut", 10);
    desk.next_sale();
    assert!(wait_until(seconds(30), || papers(&desk).len() == 3), "{:#?}", papers(&desk));
    for paper in papers(&desk) {
        assert_eq!(paper.matches(HEADING).count(), 2, "{paper}");
    }
    assert!(desk.till.printer.pulses().is_empty(), "the drawer was opened");
    assert_eq!(desk.entries(), entries, "the journal has something of the training");
    assert!(desk.booked().is_empty() && desk.rig.wallet_control().orders().await.unwrap().is_empty());

    // The power fails while somebody practises: the till is itself again, with its real customer's goods.
    desk.till.scan(GOODS[1]).unwrap();
    desk.till.wait("1 item").unwrap();
    desk.power_cycle();
    desk.sees("1 item", 30);
    assert!(!desk.shows(BAR));
    desk.sees("Online", 30);
    desk.tap("Cash");
    desk.take_cash().unwrap();
    desk.sees("The receipt is printed", 20);
    desk.next_sale();
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 1, "only what was sold to somebody");
    assert_eq!(papers(&desk).iter().filter(|paper| !paper.contains(HEADING)).count(), 1);
    assert_eq!(desk.till.printer.pulses().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn training_ends_by_one_touch_and_is_begun_anew_with_nothing_in_it() {
    let mut desk = Desk::open().await;
    desk.goods(2);
    for _ in 0..2 {
        begin(&mut desk);
        desk.goods(1);
        desk.tap("End training");
        desk.till.wait("2 items").unwrap();
        assert!(!desk.shows(BAR));
    }
    desk.tap("Cash");
    desk.take_cash().unwrap();
    desk.next_sale();
    assert_eq!(desk.books_agree().await.len(), 1);
}
