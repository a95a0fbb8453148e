//! The till as all that there is on the screen: nothing closes it, kill -9 costs it not one line of the cart, and one way
//! leads out.

use super::cashiers::{log_in, set_pin};
use super::desk::{Desk, GOODS, seconds};
use evertill_shared::protocol::staff::{NewStaff, Role};
use evertill_shared::secret::SecretText;
use evertill_tests::process::wait_until;

/// A till that is all that there is on the screen, served by Mei, a cashier, with Li as the manager.
async fn kiosk() -> Desk {
    let mut desk = Desk::open().await;
    let new = NewStaff {
        login: "mei".into(),
        name: "Mei Lin".into(),
        role: Role::Cashier,
        password: SecretText::new("mei-evertill-mei".into()),
    };
    desk.rig.staff("it").await.unwrap().add_staff(&new).await.unwrap();
    set_pin(&desk, "mei", Some("4711")).await;
    set_pin(&desk, "li", Some("0815")).await;
    desk.sees("The till is locked", 20);
    let path = desk.till.dir().join("till.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("kiosk = true\n{settings}")).unwrap();
    desk.power_cycle();
    desk.sees("The till is locked", 20);
    log_in(&mut desk, "Mei Lin", "4711");
    desk.sees("Scan the first item", 20);
    desk
}

/// What the cart says of itself: its lines, its total.
fn cart(desk: &mut Desk) -> Vec<String> {
    let said = desk.till.labels().unwrap();
    said.into_iter().filter(|label| label.contains('¥') || label.contains(" item")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kiosk_kill_9_at_any_scan_brings_the_cart_back_as_it_was_and_it_is_sold_once() {
    let mut desk = kiosk().await;
    for (count, code) in [GOODS[0], GOODS[1], GOODS[0]].into_iter().enumerate() {
        desk.till.scan(code).unwrap();
        let items = if count == 0 { "1 item".to_owned() } else { format!("{} items", count + 1) };
        desk.till.wait(&items).unwrap();
        let before = cart(&mut desk);
        // In mid-cart, without a warning.
        desk.power_cycle();
        desk.sees("A sale waits: ", 20);
        log_in(&mut desk, "Mei Lin", "4711");
        desk.till.wait(&items).unwrap();
        assert_eq!(cart(&mut desk), before);
    }
    desk.tap("Cash");
    desk.take_cash().unwrap();
    desk.next_sale();
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 1, "{journal:?}");
    // What was sold does not come back.
    desk.power_cycle();
    desk.sees("The till is locked", 20);
    log_in(&mut desk, "Mei Lin", "4711");
    desk.sees("Scan the first item", 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn kiosk_stays_whatever_asks_it_to_close_and_ends_by_a_right_alone() {
    let mut desk = kiosk().await;
    desk.goods(2);
    for _ in 0..3 {
        desk.till.ask_to_close().unwrap();
        desk.till.type_text("\u{1b}").unwrap();
    }
    desk.till.wait("2 items").unwrap();
    desk.tap("About");
    desk.tap("End the till's program");
    desk.sees("This needs an approval", 10);
    desk.till.ask_to_close().unwrap();
    desk.tap("No, go back");
    desk.tap("End the till's program");
    desk.tap("Li Na");
    "4711".chars().for_each(|digit| desk.tap(&digit.to_string()));
    desk.tap("Approve");
    desk.sees("Wrong PIN: 4 tries left", 20);
    assert_eq!(desk.till.exit_code(), None, "a wrong PIN ended it");
    "0815".chars().for_each(|digit| desk.tap(&digit.to_string()));
    desk.tap("Approve");
    assert!(wait_until(seconds(20), || desk.till.exit_code() == Some(0)), "the right PIN did not end it");
    // The goods that were in hand are in hand when it is started again.
    desk.till.power_on().unwrap();
    desk.sees("A sale waits: ", 20);
}
