//! A manager approves a refund from afar: a code made in the console, shown once.

use super::forgeries::{Forger, token};
use super::shop::Shop;
use reqwest::StatusCode;

#[test]
fn a_code_that_approves_a_refund_is_shown_once_with_its_picture_and_only_for_something_named() {
    let mut shop = Shop::open();
    let number = shop.cash(800);
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut li = Forger::new(rig);
        li.log_in("li").await;
        let (_, _, order) = li.get(&format!("/console/orders/{number}")).await;
        assert!(order.contains(&format!("/console/approvals?order={number}")), "the order leads there");
        let (status, _, page) = li.get(&format!("/console/approvals?order={number}")).await;
        assert!(status == StatusCode::OK && page.contains(&format!("value=\"{number}\"")), "{page}");
        let csrf = token(&page).to_owned();
        let ask = |order: &str, amount: &str| {
            [("csrf", csrf.clone()), ("order", order.to_owned()), ("amount", amount.to_owned())]
        };
        let digits = number.to_string();
        for (order, amount, words) in [
            ("", "5.00", "Name the order, or choose the till."),
            (&digits, "0", "Enter an amount more than zero"),
            ("1234", "5.00", "This is no order number."),
        ] {
            let form = ask(order, amount);
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (status, _, page) = li.post("/console/approvals", &form).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
            assert!(page.contains(words) && !page.contains("EVTA-"), "{page}");
        }
        let form = ask(&digits, "5.00");
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, _, page) = li.post("/console/approvals", &form).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("EVTA-") && page.contains("<path class=\"qr-dark\""), "{page}");
        assert!(page.contains("￥5.00"), "up to how much");
        let (_, _, page) = li.get("/console/approvals").await;
        assert!(!page.contains("EVTA-"), "shown once");
        let (_, _, audit) = li.get("/console/audit").await;
        assert!(audit.contains("Code made that approves a refund") && !audit.contains("EVTA-"));
    });
}
