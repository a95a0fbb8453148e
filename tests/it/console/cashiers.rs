//! Who sold: the list, the search and the totals by cashier, and PINs.

use super::forgeries::{Forger, token};
use super::shop::Shop;
use evertill_shared::cashier::Cashier;
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::staff_card::CardCode;
use reqwest::StatusCode;
use std::time::Duration;

fn cashier(login: &str, name: &str) -> Option<Cashier> {
    Some(Cashier { login: login.into(), name: name.into() })
}

#[test]
fn sales_are_found_and_added_up_by_cashier_and_a_stranger_is_marked_and_never_refused() {
    let mut shop = Shop::open();
    let nobodys = shop.cash(100);
    shop.till.cashier = cashier("wang", "Wang Wei");
    let wangs = [shop.cash(250), shop.cash(450)];
    shop.till.cashier = cashier("mallory", "Mallory <b>");
    let strangers = shop.cash(999);
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut manager = Forger::new(rig);
        let patience = tokio::time::Instant::now();
        manager.log_in("li").await;
        // Lists and totals are copies: they come a moment later.
        let page = loop {
            let (status, _, page) = manager.get("/console/orders").await;
            assert_eq!(status, StatusCode::OK);
            let all = [&nobodys, &wangs[0], &wangs[1], &strangers];
            if all.iter().all(|number| page.contains(&number.to_string())) {
                break page;
            }
            assert!(patience.elapsed() < Duration::from_secs(60), "sales are missing: {page}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert!(page.contains("Wang Wei (wang)") && page.contains("7.00"), "Wang's total");
        assert!(page.contains("Cashier not on the staff") && page.contains("Nobody in particular"));
        assert!(!page.contains("Mallory <b>"), "a name is text");

        let (_, _, page) = manager.get("/console/orders?cashier=wang").await;
        let found = |page: &str, number: &_| page.contains(&format!("/console/orders/{number}"));
        assert!(wangs.iter().all(|number| found(&page, number)));
        assert!(!found(&page, &nobodys) && !found(&page, &strangers));
        let (_, _, page) = manager.get("/console/orders?cashier=%28nobody%29").await;
        assert!(found(&page, &nobodys) && !found(&page, &wangs[0]));
        let (_, _, page) = manager.get("/console/orders?cashier=mallory").await;
        assert!(found(&page, &strangers) && !found(&page, &nobodys));

        let (_, _, page) = manager.get(&format!("/console/orders/{strangers}")).await;
        assert!(page.contains("names a cashier who was not on the staff") && page.contains("(mallory)"));
        let (_, _, page) = manager.get(&format!("/console/orders/{}", wangs[0])).await;
        assert!(page.contains("Wang Wei (wang)") && !page.contains("not on the staff"));
    });
}

#[test]
fn a_pin_is_set_and_taken_away_on_the_staffs_page_and_tills_get_it() {
    let shop = Shop::open();
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, page) = it.get("/console/staff").await;
        let csrf = token(&page).to_owned();
        let form = |pin| [("csrf", csrf.as_str()), ("holder", "wang"), ("pin", pin)];
        for bad in ["12", "1234", "7777", "47a1"] {
            let (status, _, page) = it.post("/console/staff/pin", &form(bad)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
            assert!(page.contains("A PIN has 4 to 8 digits"), "{bad}");
        }
        let list = async || till.client.get::<TillStaff>("/v1/staff", "since=0").await.unwrap();
        assert_eq!(list().await.people, None, "nobody has had a PIN yet");
        let (status, to, _) = it.post("/console/staff/pin", &form("4711")).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/staff?pin=wang"));
        let (_, _, page) = it.get(&to).await;
        assert!(page.contains("Wang Wei has a new PIN"));
        let people = list().await.people.unwrap();
        assert_eq!((people.len(), people[0].login.as_str()), (1, "wang"));
        let verifier = people[0].verifier.as_ref().unwrap();
        assert!(verifier.expose().starts_with("$argon2id$") && people[0].card.is_none());
        let (_, to, _) = it.post("/console/staff/pin", &form("")).await;
        let (_, _, page) = it.get(&to).await;
        assert!(page.contains("Wang Wei has no PIN any more"));
        assert!(list().await.people.unwrap().is_empty());
    });
}

#[test]
fn a_card_is_shown_once_to_be_printed_replaced_and_taken_away_on_the_staffs_page() {
    let shop = Shop::open();
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, page) = it.get("/console/staff").await;
        let csrf = token(&page).to_owned();
        let form = |carrier, what| [("csrf", csrf.as_str()), ("carrier", carrier), ("what", what)];
        let shown = |page: &str| -> CardCode {
            let start = page.find("id=\"card-text\">").unwrap() + "id=\"card-text\">".len();
            CardCode::read(page[start..].split('<').next().unwrap()).unwrap()
        };
        let list = async || till.client.get::<TillStaff>("/v1/staff", "since=0&knows=cards").await.unwrap();
        for (carrier, what, status) in [
            ("", "make", StatusCode::UNPROCESSABLE_ENTITY),
            ("nobody", "remove", StatusCode::UNPROCESSABLE_ENTITY),
            ("wang", "", StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(it.post("/console/staff/card", &form(carrier, what)).await.0, status, "{carrier}");
        }
        assert_eq!(list().await.people, None, "nobody has had a card or a PIN yet");
        let (status, _, page) = it.post("/console/staff/card", &form("wang", "make")).await;
        assert_eq!(status, StatusCode::OK);
        let first = shown(&page);
        assert!(page.contains("New card for Wang Wei") && page.contains("<svg class=\"qr\""));
        assert_eq!(list().await.people.unwrap()[0].card, Some(first.mark()));
        let (_, _, page) = it.get("/console/staff").await;
        assert!(!page.contains("EVTC-"), "shown this once");
        let (_, _, page) = it.post("/console/staff/card", &form("wang", "make")).await;
        assert_eq!(list().await.people.unwrap()[0].card, Some(shown(&page).mark()), "the first one is dead");
        let (_, to, _) = it.post("/console/staff/card", &form("wang", "remove")).await;
        let (_, _, page) = it.get(&to).await;
        assert!(page.contains("Wang Wei has no card any more"), "{page}");
        assert!(list().await.people.unwrap().is_empty());
        let (_, _, trail) = it.get("/console/audit").await;
        assert!(
            trail.contains("Made a card for the tills") && trail.contains("Removed a card for the tills")
        );
        assert!(!trail.contains("EVTC-"));
    });
}
