//! A manager's morning: finding orders, refunding, and being refused with a reason.

use super::shop::Shop;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::RefundState;

fn wrong_digit(number: &str) -> String {
    let mut digits = number.as_bytes().to_vec();
    digits[19] = if digits[19] == b'9' { b'0' } else { digits[19] + 1 };
    String::from_utf8(digits).unwrap()
}

#[test]
fn a_manager_finds_orders_and_is_told_what_is_wrong_with_a_number() {
    let mut shop = Shop::open();
    let (first, second) = (shop.cash(1_250), shop.cash(9_900));
    let page = shop.browser();
    page.go("/console/orders");
    page.expect("Log in to go on.");
    page.write("[name=login]", "li");
    page.write("[name=password]", "not the password");
    page.press("#log-in");
    page.expect("Name or password is wrong.");
    page.write("[name=password]", "li-evertill");
    page.press("#log-in");
    page.expect_in("h1", "Today's orders");
    assert_eq!(page.cookie("__Host-evertill-session")["httpOnly"], true);
    assert_eq!(page.cookie("__Host-evertill-session")["sameSite"], "Strict");
    assert_eq!(page.count("#orders tbody tr"), 2);
    assert!(page.text(".totals").contains("￥111.50"), "{}", page.text(".totals"));

    page.write("[name=amount]", "12.50");
    page.press("#search");
    // The page before shows that order too: what is waited for is that the other one is gone.
    page.expect_count("#orders tbody tr", 1);
    page.expect(&first.grouped());

    page.go("/console/orders");
    page.write("[name=number]", &second.grouped()[10..]);
    page.press("#search");
    page.expect(&second.grouped());
    page.go("/console/orders");
    page.write("[name=number]", &second.grouped());
    page.press("#search");
    page.expect_in("h1", &second.grouped());
    assert_eq!(page.address(), format!("/console/orders/{second}"));
    page.expect_in(".story", "Paid in cash: ￥99.00 given");

    page.go("/console/orders");
    page.write("[name=number]", &wrong_digit(&second.to_string()));
    page.press("#search");
    page.expect("A digit of the order number is mistyped. Compare it with the receipt.");
    page.go(&format!("/console/orders/{}", wrong_digit(&second.to_string())));
    page.expect("There is no order with this number.");
    page.go("/console/nothing-here");
    page.expect("There is no such page");
    page.log_out();
    page.go("/console/orders");
    page.expect("Log in to go on.");
}

#[test]
fn a_refund_pressed_twice_is_asked_once_and_goes_on_to_its_till() {
    let mut shop = Shop::open();
    let number = shop.cash(5_000);
    let page = shop.browser();
    page.log_in("li");
    page.go(&format!("/console/orders/{number}"));
    page.expect_in("#refund-card", "All that is left: ￥50.00");

    // Too much is refused in words, and what was typed stays.
    page.press("[value=part]");
    page.write("[name=amount]", "50.01");
    page.write("[name=reason]", "Milk was sour");
    page.press("#ask-refund");
    page.expect("￥50.01 was asked for, but only ￥50.00 of this order is left to refund.");
    assert_eq!(page.script("return document.querySelector('[name=reason]').value"), "Milk was sour");

    // Pressed twice, faster than any page: once by hand behind the script's back.
    page.write("[name=amount]", "12.50");
    let twice = "const form = document.querySelector('#refund-form'); const data = new URLSearchParams(new FormData(form)); \
                 return Promise.all([1, 2, 3].map(() => fetch(form.action, { method: 'POST', body: data }).then((r) => r.status)));";
    assert_eq!(page.script(twice), serde_json::json!([200, 200, 200]));
    page.press("#ask-refund");
    page.expect("The refund of ￥12.50 was asked for. It waits for till T0001");
    assert_eq!(page.count("#refunds .refund"), 1);
    page.expect_in("#refunds", "Waits for till T0001");
    page.expect_in("#refunds", "Milk was sour");
    page.expect_in("#refunds", "Li Na");

    // The till carries it out; the open page shows it without being touched.
    let inbox = shop.runtime.block_on(shop.till.refunds()).unwrap();
    let refund = inbox.refunds[0].refund.clone();
    let carried = shop.runtime.block_on(shop.till.carry_out(number, &refund.id, refund.amount)).unwrap();
    assert_eq!(carried.state, RefundState::Done);
    page.expect_in("#refunds .badge", "Refunded");
    page.expect_in(".story", "carried out at T0001");

    // The rest; then nothing is left, and no form.
    page.go(&format!("/console/orders/{number}"));
    page.expect_in("#refund-card", "All that is left: ￥37.50");
    page.press("[value=whole]");
    page.write("[name=reason]", "All of it came back");
    page.press("#ask-refund");
    page.expect("The refund of ￥37.50 was asked for.");
    page.expect_in("#refund-card", "All of this order is refunded or about to be.");
    page.go("/console/audit");
    page.expect("The chain is whole");
    page.expect_in("#audit", "Milk was sour");
    page.expect_in("#audit", "Asked for a refund");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn a_long_day_is_shown_in_parts_and_its_totals_are_whole() {
    let mut shop = Shop::open();
    let numbers: Vec<_> = (0..53).map(|_| shop.cash(100)).collect();
    let page = shop.browser();
    page.log_in("wang");
    page.expect_in(".totals", "￥53.00");
    assert_eq!(page.count("#orders tbody tr"), 50);
    page.expect(&numbers[52].grouped());
    page.press("#older");
    page.expect(&numbers[0].grouped());
    assert_eq!(page.count("#orders tbody tr"), 3);
    assert_eq!(page.count("#older"), 0);
    page.expect_in(".totals", "￥53.00");
    page.press("#newest");
    page.expect(&numbers[52].grouped());
}

#[test]
fn what_is_left_is_looked_up_anew_when_another_manager_was_quicker() {
    let mut shop = Shop::open();
    let number = shop.cash(1_000);
    let page = shop.browser();
    page.log_in("li");
    page.go(&format!("/console/orders/{number}"));
    page.press("[value=whole]");
    page.write("[name=reason]", "Brought back");
    let ask = AskRefund {
        request: "wang-was-quicker".into(),
        amount: Amount::new(700, Currency::CNY),
        reason: "Broken".into(),
    };
    let wang = shop.runtime.block_on(shop.rig.staff("wang")).unwrap();
    shop.runtime.block_on(wang.ask_refund(&number, &ask)).unwrap();
    page.press("#ask-refund");
    page.expect("￥10.00 was asked for, but only ￥3.00 of this order is left to refund.");
    page.expect_in("#refund-card", "All that is left: ￥3.00");
    page.press("#ask-refund");
    page.expect("The refund of ￥3.00 was asked for.");
    assert_eq!(page.count("#refunds .refund"), 2);
}

#[test]
fn yesterdays_order_cannot_be_refunded_and_the_page_says_where_it_can() {
    let mut shop = Shop::open();
    let number = shop.cash(800);
    shop.rig.restart_server_ahead(1).unwrap();
    let page = shop.browser();
    page.log_in("li");
    page.expect("There are no orders like this on this day.");
    page.go(&format!("/console/orders/{number}"));
    page.expect_in("#refund-card", "Refund it in the wallet's own merchant system.");
    assert_eq!(page.count("#refund-form"), 0);
}

#[test]
fn an_unreachable_group_is_said_plainly_and_nothing_is_made_up() {
    let mut shop = Shop::open();
    let number = shop.cash(800);
    let tag = number.tag();
    let page = shop.browser();
    page.log_in("li");
    page.expect(&number.grouped());
    shop.rig.stop_server();
    let file = shop.rig.group_file(tag.get());
    std::fs::rename(&file, file.with_extension("away")).unwrap();
    std::fs::create_dir(&file).unwrap(); // nothing can be opened there
    shop.rig.start_server().unwrap();
    page.go("/console/orders");
    page.expect(&format!("Group {tag} cannot be read: what happened there after"));
    // What was known before stays in the list.
    page.expect(&number.grouped());
    page.go(&format!("/console/orders/{number}"));
    page.expect(&format!("The group that keeps this order (group {tag}) cannot be reached."));
    page.go("/console/groups");
    page.expect("Cannot be used");
    page.go("/console/unsettled");
    page.expect(&format!("Payments and refunds of group {tag} are missing here"));
}
