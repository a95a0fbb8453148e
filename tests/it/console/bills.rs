//! The wallets' bills: compared by the server itself the morning after, and shown.

use super::browser::Browser;
use super::forgeries::Forger;
use super::pictures::Photographer;
use evertill_shared::business_day::{StoreZone, business_day_of, moment_on};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_tests::process::wait_until;
use evertill_tests::rig::turned_clock::ClockHand;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::{RigOptions, StoreRig};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;

/// Sells for a code of the wallet, and waits until it is paid; gives the order and the number that the wallet knows.
async fn sell(
    rig: &StoreRig,
    till: &mut evertill_tests::scripted_till::ScriptedTill,
    minor: i64,
) -> (OrderNumber, String) {
    let order = till.sell_and_choose(minor).await.unwrap();
    let code = rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    till.pay(&order, 1, &code).await.unwrap();
    for _ in 0..100 {
        if till.payment(order.number, 1).await.unwrap().state == PaymentState::Paid {
            let orders = rig.wallet_control().orders().await.unwrap();
            let paid = orders.into_iter().find(|order| order.charged_minor == minor).unwrap();
            return (order.number, paid.number);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} was not paid in five seconds", order.number);
}

#[test]
fn the_bill_is_compared_the_next_morning_and_the_page_shows_which_field_differs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hand = ClockHand::new(&folder.path().join("clock")).unwrap();
    let zone = StoreZone::china();
    let (rig, wrong, paid, day) = runtime.block_on(async {
        let options = RigOptions { clock_file: Some(hand.file().into()), ..RigOptions::default() };
        let rig = StoreRig::open(&folder.path().join("shop"), options).await.unwrap();
        let mut till = rig.scripted_till("Till 1, front").await.unwrap();
        let paid = sell(&rig, &mut till, 1_250).await;
        let wrong = sell(&rig, &mut till, 990).await;
        let day = business_day_of(SystemClock.now(), &zone, 0);
        let faults = json!({ "bill": [{ "other_amount": { "number": wrong.1 } }, "extra_row"] });
        rig.wallet_control().switch(faults).await.unwrap();
        // The next day's noon, there and here.
        let noon = moment_on(day.next(), 12 * 60, &zone, 0).unwrap();
        let ahead = noon.0 - SystemClock.now().0;
        let by = Duration::from_millis(u64::try_from(ahead).unwrap());
        rig.wallet_control().turn_clock(by).await.unwrap();
        rig.alipay_control().turn_clock(by).await.unwrap();
        hand.turn(ahead).unwrap();
        (rig, wrong, paid, day)
    });
    let page = Browser::open(&rig.server_url());
    page.log_in("li");
    let came = wait_until(Duration::from_secs(60), || {
        page.go("/console/bills");
        page.text("#bills").contains("Look at the findings")
    });
    assert!(came, "{}", page.text("body"));
    page.go(&format!("/console/bills/wechat_pay/0/{day}"));
    page.expect("Amounts differ");
    page.expect_in(".findings", "￥9.90");
    page.expect_in(".findings", "￥9.91");
    page.expect_in(".findings", &wrong.0.grouped());
    assert!(!page.text("body").contains(&paid.0.grouped()), "what agrees is no finding");
    page.press(".findings a.number");
    assert!(wait_until(Duration::from_secs(5), || page.address() == format!("/console/orders/{}", wrong.0)));
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/bills"));
        let eye = Photographer { page: &page, language };
        eye.visit("bills", "/console/bills");
        eye.visit("bill", &format!("/console/bills/wechat_pay/0/{day}"));
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
    runtime.block_on(async {
        let mut manager = Forger::new(&rig);
        let address = format!("/console/bills/wechat_pay/0/{day}/findings.csv");
        let (status, ..) = manager.get(&address).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "not without logging in");
        manager.log_in("li").await;
        let (status, _, table) = manager.get(&address).await;
        assert_eq!(status, StatusCode::OK);
        let expected = format!(
            "wechat_pay,{day},amount_differs,payment,{},{},amount_minor,990,991,-1,CNY,",
            wrong.1, wrong.0
        );
        assert!(table.contains(&expected), "{table}");
        let never = "/console/bills/wechat_pay/0/2001-01-01";
        for address in [never.to_owned(), format!("{never}/findings.csv")] {
            let (status, ..) = manager.get(&address).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{address}: that day was never compared");
        }
    });
}
