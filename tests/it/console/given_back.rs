//! Money that went back by itself: why, under which number, where it stands, what comes next; and what a person finishes.

use super::forgeries::{Forger, token};
use super::pictures::Photographer;
use super::shop::Shop;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{PaymentState, Policy};
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::RigOptions;
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;

/// So long whatever the servers do by themselves may take.
const LONG: Duration = Duration::from_secs(40);

/// A shop whose server looks again at what was declined a second after it was.
fn shop() -> Shop {
    let policy = RigOptions::default().policy;
    let shop = Shop::with(Policy { look_again_after_ms: 1_000, reverse_retry_max_ms: 1_000, ..policy });
    let wallet = shop.rig.wallet_control();
    shop.runtime.block_on(wallet.switch(json!({ "refund_spacing_ms": 0 }))).unwrap();
    shop
}

/// The wallet says no, and takes the money all the same; refunds end like that.
fn paid_late(shop: &mut Shop, minor: i64, refunds_end: &str) -> OrderNumber {
    let Shop { runtime, rig, till, .. } = shop;
    runtime.block_on(async {
        let wallet = rig.wallet_control();
        wallet.switch(json!({ "refund_ends": refunds_end })).await.unwrap();
        let order = till.sell_and_choose(minor).await.unwrap();
        let code = wallet.code(Behaviour::SuccessAfterDecline { after_ms: 300 }).await.unwrap();
        let said = till.pay(&order, 1, &code).await.unwrap();
        assert_eq!(said.state, PaymentState::Declined);
        order.number
    })
}

/// The page of an order as a manager sees it, until it says that.
fn wait_for(shop: &Shop, visitor: &mut Forger, number: OrderNumber, text: &str) -> String {
    let mut said = String::new();
    let came = wait_until(LONG, || {
        said = shop.runtime.block_on(visitor.get(&format!("/console/orders/{number}"))).2;
        said.contains(text)
    });
    assert!(came, "{number} never said {text:?}:\n{said}");
    said
}

#[test]
fn books_match_what_went_back_by_itself_is_listed_and_what_waits_for_a_person_says_so() {
    let mut shop = shop();
    let page = shop.browser();
    page.log_in("li");
    page.go("/console/given-back");
    page.expect("No wallet has taken money that no sale needed.");
    let done = paid_late(&mut shop, 880, "arrives");
    let mut visitor = Forger::new(&shop.rig);
    shop.runtime.block_on(visitor.log_in("li"));
    wait_for(&shop, &mut visitor, done, "went back by itself as");
    let stuck = paid_late(&mut shop, 123_456, "abnormal");
    wait_for(&shop, &mut visitor, stuck, "finish-form");

    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/unsettled"));
        page.press("#given-back-link");
        page.expect_count("#given-back tbody tr", 2);
        Photographer { page: &page, language }.look("given-back");
    }
    page.go("/console/language?to=en&back=/console/given-back");
    let row = |n: u8| page.text(&format!("#given-back tbody tr:nth-child({n})"));
    let (newest, older) = (row(1), row(2));
    assert!(newest.contains(&stuck.grouped()) && older.contains(&done.grouped()), "{newest}\n{older}");
    for (text, of) in [(&older, "Went back"), (&older, "Nothing is left to do."), (&older, "8.80")] {
        assert!(text.contains(of), "{of}: {text}");
    }
    for of in
        ["1234.56", "The wallet does not take it back", "Tried again at", "Paid after it was over", "T0001"]
    {
        assert!(newest.contains(of), "{of}: {newest}");
    }
    page.press("#given-back tbody tr:nth-child(1) a.number");
    let there = format!("/console/orders/{stuck}");
    assert!(wait_until(Duration::from_secs(5), || page.address() == there), "{}", page.address());
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// The number of the refund that waits for a person on that page.
fn waiting_refund(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"refund\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn never_over_what_a_manager_says_is_finished_is_finished_once_and_nobody_else_may_say_so() {
    let mut shop = shop();
    let number = paid_late(&mut shop, 880, "abnormal");
    let mut manager = Forger::new(&shop.rig);
    shop.runtime.block_on(manager.log_in("li"));
    let refund = waiting_refund(&wait_for(&shop, &mut manager, number, "finish-form"));
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let (path, why) = (format!("/console/orders/{number}/finished"), "paid to another card, number 42");
        // Nobody, somebody who may only look, and a manager with a form that our page did not make.
        let mut stranger = Forger::new(rig);
        let (status, to, _) = stranger.post(&path, &[("refund", &refund), ("why", why)]).await;
        assert!(status == StatusCode::FORBIDDEN || to.starts_with("/console/login"), "{status} {to}");
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, page) = it.get(&format!("/console/orders/{number}")).await;
        assert!(page.contains("Only managers can say that it is finished.") && !page.contains("finish-form"));
        let forged = [("csrf", token(&page)), ("refund", refund.as_str()), ("why", why)];
        assert_eq!(it.post(&path, &forged).await.0, StatusCode::FORBIDDEN);
        assert_eq!(manager.post(&path, &forged).await.0, StatusCode::FORBIDDEN, "another's form");
        let (_, _, page) = manager.get(&format!("/console/orders/{number}")).await;
        assert!(page.contains("finish-form") && page.contains(&refund), "it still waits");
        let csrf = token(&page).to_owned();
        // A manager twice, as who did not see the answer; and with another reason.
        for reason in [why, why, "paid in cash"] {
            let form = [("csrf", csrf.as_str()), ("refund", refund.as_str()), ("why", reason)];
            let (status, to, page) = manager.post(&path, &form).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
            assert!(to.contains(&format!("finished={refund}")), "{to}");
        }
        let (_, _, page) = manager.get(&format!("/console/orders/{number}")).await;
        assert!(!page.contains("finish-form"), "it waits no more");
        let (_, _, list) = manager.get("/console/given-back").await;
        assert!(list.contains("Went back") && !list.contains("Tried again at"), "{list}");
        let (_, _, audit) = it.get("/console/audit").await;
        let times = audit.matches(&format!("{refund}: ")).count();
        assert_eq!(times, 1, "it is written down once: {audit}");
        assert!(audit.contains("another card") && !audit.contains("in cash"), "with the first reason");
        // What never waited for anybody.
        let form = [("csrf", csrf.as_str()), ("refund", "B0"), ("why", why)];
        let (status, _, page) = manager.post(&path, &form).await;
        let is_refused = status == StatusCode::UNPROCESSABLE_ENTITY;
        assert!(is_refused && page.contains("does not wait for a person any more"), "{status}: {page}");
    });
}

#[test]
fn only_who_may_look_at_all_money_sees_what_went_back_and_no_page_number_breaks_it() {
    let shop = shop();
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut visitor = Forger::new(rig);
        let (status, to, _) = visitor.get("/console/given-back").await;
        assert_eq!((status, to.starts_with("/console/login")), (StatusCode::SEE_OTHER, true));
        visitor.log_in("it").await;
        for page in
            ["", "?page=1", "?page=0", "?page=-1", "?page=x%22", "?page=99999999999999999999", "?other=1"]
        {
            let (status, _, text) = visitor.get(&format!("/console/given-back{page}")).await;
            assert_eq!((status, text.contains("No wallet has taken")), (StatusCode::OK, true), "{page}");
        }
    });
}
