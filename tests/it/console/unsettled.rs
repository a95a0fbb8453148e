//! What is not settled: where each stands, what comes next, and what a person can do.

use super::forgeries::Forger;
use super::pictures::Photographer;
use super::shop::Shop;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::AskRefund;
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;

/// A payment that waits for a password, one that nobody knows, and a refund that waits for its till.
fn trade(shop: &mut Shop) -> [OrderNumber; 3] {
    let Shop { runtime, rig, till, .. } = shop;
    runtime.block_on(async {
        let refunded = till.sell_for_cash(350).await.unwrap().number;
        let mut numbers = vec![refunded];
        for (minor, behaviour) in
            [(660, Behaviour::PasswordNever), (123_456, Behaviour::MicropayPayQueryTimeout)]
        {
            let order = till.sell_and_choose(minor).await.unwrap();
            let code = rig.wallet_control().code(behaviour).await.unwrap();
            till.pay(&order, 1, &code).await.unwrap();
            numbers.push(order.number);
        }
        let ask = AskRefund {
            request: "unsettled-1".into(),
            amount: Amount::new(100, Currency::CNY),
            reason: "Wrong size".into(),
        };
        rig.staff("li").await.unwrap().ask_refund(&refunded, &ask).await.unwrap();
        [numbers[0], numbers[1], numbers[2]]
    })
}

#[test]
fn what_is_not_settled_is_listed_with_what_comes_next_and_leads_to_its_order() {
    let mut shop = Shop::open();
    let page = shop.browser();
    page.log_in("li");
    page.go("/console/unsettled");
    page.expect("Every payment and refund is settled.");
    let [_, waiting, unknown] = trade(&mut shop);
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/unsettled"));
        page.expect_count("#unsettled tbody tr", 3);
        let eye = Photographer { page: &page, language };
        eye.look("unsettled");
        let small = page.script(
            "return [...document.querySelectorAll('nav a, .button, button, td a')]
                 .filter(it => it.getBoundingClientRect().height < 48).map(it => it.outerHTML);",
        );
        assert_eq!(small, json!([]), "too small for a finger");
    }
    page.go("/console/language?to=en&back=/console/unsettled");
    let first = page.text("#unsettled tbody tr:nth-child(1)");
    assert!(first.contains(&waiting.grouped()), "what is open longest comes first: {first}");
    page.expect_in("#unsettled", "The customer confirms on the phone.");
    page.expect_in("#unsettled", &unknown.grouped());
    page.expect_in("#unsettled", "Carry it out at T0001.");
    page.press("#unsettled tbody tr:nth-child(1) a.number");
    let there = format!("/console/orders/{waiting}");
    assert!(wait_until(Duration::from_secs(5), || page.address() == there), "{}", page.address());
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn only_who_may_look_at_all_money_sees_it_and_no_page_number_breaks_it() {
    let mut shop = Shop::open();
    trade(&mut shop);
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut visitor = Forger::new(rig);
        let (status, to, _) = visitor.get("/console/unsettled").await;
        assert_eq!((status, to.starts_with("/console/login")), (StatusCode::SEE_OTHER, true));
        visitor.log_in("it").await;
        for page in
            ["", "?page=1", "?page=0", "?page=-1", "?page=x%22", "?page=99999999999999999999", "?other=1"]
        {
            let (status, _, text) = visitor.get(&format!("/console/unsettled{page}")).await;
            assert_eq!((status, text.contains("Carry it out at T0001.")), (StatusCode::OK, true), "{page}");
        }
        let (status, _, text) = visitor.get("/console/unsettled?page=10").await;
        assert_eq!(
            (status, text.contains("Carry it out")),
            (StatusCode::OK, false),
            "that far there is nothing"
        );
    });
}
