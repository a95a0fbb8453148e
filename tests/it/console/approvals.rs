//! A manager approves a refund from afar: a code made in the console, shown once.

use super::forgeries::{Forger, token};
use super::shop::Shop;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::refunds::RefundAnswer;
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

#[test]
fn what_tills_ask_for_is_approved_or_refused_by_a_touch_once_and_by_nobody_else() {
    let mut shop = Shop::open();
    let (first, second) = (shop.cash(5_000), shop.cash(1_990));
    let cny = |minor| Amount::new(minor, Currency::CNY);
    let ask = |shop: &Shop, number, request: &str, minor| {
        shop.runtime.block_on(shop.till.ask_in_console(number, request, cny(minor))).unwrap()
    };
    assert_eq!(ask(&shop, first, "asked-first", 1_250), RefundAnswer::WaitsInConsole);
    assert_eq!(ask(&shop, second, "asked-second", 1_990), RefundAnswer::WaitsInConsole);

    let page = shop.browser();
    page.log_in("li");
    // Wherever the manager is, it says how many wait, and says it in words.
    page.go("/console/orders");
    page.expect_in(".top nav a[href='/console/approvals']", "2 waiting");
    page.go("/console/approvals");
    page.expect_count("#asked tbody tr", 2);
    page.expect_in("#asked", &first.grouped());
    page.expect_in("#asked", "Goods damaged");
    page.expect_in("#asked", "T0001");
    for (width, height) in [(1_024, 768), (390, 844)] {
        page.resize(width, height);
        let wider = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(page.script(wider), false, "at {width}");
        let small = "return [...document.querySelectorAll('#asked button')].filter((b) => b.offsetHeight < 44).length";
        assert_eq!(page.script(small), 0);
        let inside = "const b = document.querySelector('.top nav .waiting').getBoundingClientRect(); \
                      return b.left >= 0 && b.right <= document.documentElement.clientWidth && b.height > 0";
        assert_eq!(page.script(inside), true, "the number is on the screen at {width}");
        if let Some(folder) = std::env::var_os("EVERTILL_CONSOLE_PICTURES") {
            page.picture(&std::path::Path::new(&folder).join(format!("asked-{width}.png")));
        }
    }
    page.resize(1_024, 768);
    // Pressed twice, faster than any page.
    let twice = "const form = document.querySelector('#asked form'); const data = new URLSearchParams(new FormData(form)); \
                 data.set('what', 'approve'); \
                 return Promise.all([1, 2, 3].map(() => fetch(form.action, { method: 'POST', body: data }).then((r) => r.status)));";
    assert_eq!(page.script(twice), serde_json::json!([200, 200, 200]));
    page.go("/console/approvals");
    page.expect_count("#asked tbody tr", 1);
    page.expect_in(".top nav", "1 waiting");
    page.press("#asked [value=refuse]");
    page.expect("Refused: nothing of order");
    page.expect("No till asks for a refund.");
    page.expect_count(".top nav .waiting", 0);
    page.go(&format!("/console/orders/{first}"));
    assert_eq!(page.count("#refunds .refund"), 1);
    page.expect_in("#refunds", "Li Na");
    page.go("/console/audit");
    page.expect("Refused a refund that a till asked for");
    assert_eq!(page.complaints(), Vec::<String>::new());

    assert!(matches!(ask(&shop, first, "asked-first", 1_250), RefundAnswer::Reserved { .. }));
    assert_eq!(
        ask(&shop, second, "asked-second", 1_990),
        RefundAnswer::RefusedInConsole { by: "Li Na".into() }
    );
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let waits = till.refunds().await.unwrap();
        assert_eq!(waits.refunds.len(), 1, "{waits:?}");
        // Whoever may not refund decides nothing; and what was decided stays.
        for (login, expected) in [("it", StatusCode::FORBIDDEN), ("li", StatusCode::CONFLICT)] {
            let mut person = Forger::new(rig);
            person.log_in(login).await;
            let (_, _, any) = person.get("/console/orders").await;
            let csrf = token(&any).to_owned();
            let form = [
                ("csrf", csrf.as_str()),
                ("terminal", "T0001"),
                ("request", "asked-second"),
                ("what", "approve"),
            ];
            let (status, _, page) = person.post("/console/approvals/decide", &form).await;
            assert_eq!(status, expected, "{page}");
        }
        assert_eq!(till.refunds().await.unwrap().refunds.len(), 1);
    });
}
