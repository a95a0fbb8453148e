//! What a blocked till handed in: a manager accepts it; and a till that goes out of use for good.

use super::shop::Shop;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::secret::SecretText;

/// A cash sale that was on its way when its till was blocked.
fn blocked_sale(shop: &mut Shop, minor: i64) -> OrderNumber {
    let Shop { runtime, rig, till, .. } = shop;
    runtime.block_on(async {
        let order = till.sell_and_choose(minor).await.unwrap();
        let cash = till.take_cash(&order.sale).unwrap();
        rig.block(till.enrolled.terminal).await.unwrap();
        assert!(till.complete(&order, cash).await.unwrap().quarantined);
        order.number
    })
}

#[test]
fn a_manager_accepts_a_blocked_tills_sale_once_and_it_retires_the_till() {
    let mut shop = Shop::open();
    shop.cash(1_000);
    let number = blocked_sale(&mut shop, 4_200);
    let page = shop.browser();
    page.log_in("it");
    page.expect_in(".totals", "Not counted, since they come from blocked terminals: 1");
    page.go(&format!("/console/orders/{number}"));
    page.expect_in("#accept-card", "Only managers can accept it.");
    assert_eq!(page.count("#accept-form"), 0);
    page.log_out();

    page.log_in("li");
    page.go("/console/orders?state=quarantined");
    assert_eq!(page.count("#orders tbody tr"), 1);
    page.press("#orders a.number");
    page.expect_in("#accept-card", "T0001 Till 1, front");
    page.expect_in("#accept-card .badge", "Blocked");
    page.write("[name=why]", "The drawer holds the money");
    // Pressed faster than any page, then by hand.
    let thrice = "const form = document.querySelector('#accept-form'); const data = new URLSearchParams(new FormData(form)); \
                  return Promise.all([1, 2, 3].map(() => fetch(form.action, { method: 'POST', body: data }).then((r) => r.status)));";
    assert_eq!(page.script(thrice), serde_json::json!([200, 200, 200]));
    page.press("#accept");
    page.expect("Accepted by Li Na: the order counts as a sale now.");
    assert_eq!(page.count("#accept-card"), 0);
    let story = page.text(".story");
    assert_eq!(
        story.matches("Accepted from quarantine by Li Na (li): The drawer holds the money").count(),
        1
    );
    page.expect_in("#refund-card", "All that is left: ￥42.00");
    page.go("/console/orders");
    page.expect_in(".totals", "￥52.00");
    assert!(!page.text(".totals").contains("Not counted"));
    page.log_out();

    page.log_in("it");
    page.go("/console/terminals/T0001");
    page.expect_in("#retire-card", "The server has 0 entries of its journal. It was last seen: 20");
    page.write("#retire-card [name=reason]", "Its screen is broken");
    let unticked = "document.querySelector('#retire-card form').noValidate = true";
    page.script(unticked);
    page.press("#retire");
    page.expect("Tick the box when all is handed in, or may be lost.");
    page.press("#retire-card [name=sure]");
    page.press("#retire");
    page.expect("T0001 is retired. Nothing more is taken from it.");
    assert_eq!(page.count("form.stack"), 0, "there is no way back");
    let late = shop.runtime.block_on(shop.till.hand_in(0)).unwrap_err();
    assert_eq!(late.code(), Some(ErrorCode::TerminalRetired));
    page.go("/console/audit");
    for text in [
        "The chain is whole",
        "Accepted from quarantine",
        "The drawer holds the money",
        "Its screen is broken",
    ] {
        page.expect(text);
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn a_password_is_changed_by_its_owner_and_who_left_is_out_at_once() {
    let shop = Shop::open();
    let (page, elsewhere) = (shop.browser(), shop.browser());
    page.log_in("wang");
    elsewhere.log_in("wang");
    page.press("#own-password");
    let change = |old: &str, new: &str, again: &str| {
        page.write("[name=old]", old);
        page.write("[name=new]", new);
        page.write("[name=again]", again);
        page.press("#change-password");
    };
    change("wang-evertill", "a better one", "a bitter one");
    page.expect("The two new passwords differ. Nothing was changed.");
    change("not the one", "a better one", "a better one");
    page.expect("The password until now is wrong. Nothing was changed.");
    change("wang-evertill", "a better one", "a better one");
    page.expect("Your password is changed. Your other sessions have ended.");
    elsewhere.go("/console/orders");
    elsewhere.expect("Log in to go on.");
    page.go("/console/orders");
    page.expect_in("h1", "Today's orders");

    elsewhere.log_in("it");
    elsewhere.go("/console/staff");
    elsewhere.press("[name=gone] [value=it]");
    elsewhere.write("#left-card [name=reason]", "Tired of it");
    elsewhere.press("#person-left");
    elsewhere.expect("it is the last person of IT.");
    elsewhere.press("[name=gone] [value=wang]");
    elsewhere.write("#left-card [name=reason]", "Moved away");
    elsewhere.press("#person-left");
    elsewhere.expect("The account of Wang Wei is closed.");
    elsewhere.expect_in("#staff", "Left on 20");
    page.go("/console/orders");
    page.expect("Log in to go on.");
    let again = shop.runtime.block_on(evertill_provisioning::client::StaffClient::log_in(
        shop.rig.client_config(),
        std::sync::Arc::new(evertill_shared::clock::SystemClock),
        "wang",
        &SecretText::new("a better one".into()),
    ));
    assert_eq!(again.unwrap_err().code(), Some(ErrorCode::NotAllowed));
    elsewhere.go("/console/audit");
    for text in ["Closed the account", "Moved away", "Changed the own password"] {
        elsewhere.expect(text);
    }
}
