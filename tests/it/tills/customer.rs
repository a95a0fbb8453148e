//! The customer's window beside the till's: the same sale, seen from the other side of the counter.

use super::desk::{Desk, GOODS, SCAN_PROMPT, seconds};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use std::fs;

/// Plugs a second monitor in.
fn with_second_screen(desk: &mut Desk) {
    desk.till.power_cut();
    let path = desk.till.dir().join("till.toml");
    let settings = fs::read_to_string(&path).unwrap();
    fs::write(&path, settings + "\n[customer_screen]\nposition = [1024, 0]\nsize = [1024, 600]\n").unwrap();
    desk.till.power_on().unwrap();
    desk.sees("Online", 30);
}

fn customer_sees(desk: &mut Desk, part: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let till = &mut desk.till;
    let there = wait_until(seconds(15), || {
        seen = till.customer_labels().unwrap_or_default();
        seen.iter().any(|label| label.contains(part))
    });
    assert!(there, "the customer does not see “{part}”: {seen:?}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_follows_a_sale_and_never_sees_a_payment_codes_digits() {
    let mut desk = Desk::open().await;
    assert!(desk.till.customer_labels().is_err(), "off by default");
    with_second_screen(&mut desk);
    customer_sees(&mut desk, "Welcome");
    desk.goods(2);
    let seen = customer_sees(&mut desk, "¥5.50");
    assert!(seen.iter().any(|label| label.contains("矿泉水")), "{seen:?}");
    desk.tap("Payment code");
    desk.till.wait(SCAN_PROMPT).unwrap();
    customer_sees(&mut desk, "Show the payment code on your phone");
    let code = desk.customer(Behaviour::PasswordThenPays { after_ms: 2_000 }).await;
    let mut seen = customer_sees(&mut desk, "Please confirm on your phone");
    desk.paid(30);
    seen.extend(customer_sees(&mut desk, "Thank you!"));
    assert!(seen.iter().all(|label| !label.contains(&code) && !label.contains(&code[..6])), "{seen:?}");
    desk.tap("Next sale");
    customer_sees(&mut desk, "Welcome");

    // What the cashier looks up is not for customers.
    desk.till.open_page("Orders", "Orders of this till").unwrap();
    desk.sees("¥5.50", 15);
    let seen = customer_sees(&mut desk, "Welcome");
    assert!(seen.iter().all(|label| !label.contains("5.50")), "{seen:?}");
    desk.till.open_page("Back", "Scan the first item").unwrap();

    // The desktop may give the keyboard to the wrong window: what is typed is the cashier's all the same.
    desk.till.type_at_customer(&format!("{}\n", GOODS[3])).unwrap();
    desk.sees("1 item", 15);
    customer_sees(&mut desk, "¥6.90");
    desk.tap("Void sale");
    desk.tap("Yes, void it");
    customer_sees(&mut desk, "Welcome");
}
