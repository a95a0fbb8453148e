//! How receipts look is set for all tills of a shop in one place.

use super::forgeries::{Forger, token};
use super::shop::Shop;
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::DEFAULT;
use reqwest::StatusCode;

#[test]
fn a_template_is_checked_before_it_is_kept_and_the_tills_hear_of_it() {
    let shop = Shop::open();
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let known = async || till.status().await.unwrap().receipt_template.unwrap();
        assert_eq!(known().await, "");
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, page) = it.get("/console/receipt").await;
        assert!(page.contains("This shop has no template of its own") && page.contains("[footer]"));
        let csrf = token(&page).to_owned();
        let form = |text| [("csrf", csrf.as_str()), ("what", "keep"), ("text", text)];
        let wrong = DEFAULT.replace("\ntenders\n", "\n");
        let (status, _, page) = it.post("/console/receipt", &form(&wrong)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("Nothing was kept") && page.contains("lacks tenders") && page.contains("[footer]")
        );
        assert_eq!(known().await, "", "no till hears of it");
        let own = DEFAULT.replace("feed 1\nqr", "feed 2\nqr 5");
        assert_ne!(own, DEFAULT);
        // As browsers send it.
        let (status, to, _) = it.post("/console/receipt", &form(&own.replace('\n', "\r\n"))).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/receipt?done=kept"));
        assert_eq!(known().await, ShopTemplate { text: Some(own) }.name());
        let (_, _, page) = it.get(&to).await;
        assert!(page.contains("The tills get it within a minute") && page.contains("qr 5"));
        let (_, _, trail) = it.get("/console/audit").await;
        assert!(trail.contains("Changed how receipts look"));
        let remove = [("csrf", csrf.as_str()), ("what", "remove"), ("text", "")];
        let (_, to, _) = it.post("/console/receipt", &remove).await;
        assert_eq!((to.as_str(), known().await), ("/console/receipt?done=removed", String::new()));
        let mut li = Forger::new(rig);
        li.log_in("li").await;
        assert_eq!(li.get("/console/receipt").await.0, StatusCode::FORBIDDEN);
        let (_, _, page) = li.get("/console/orders").await;
        let form = [("csrf", token(&page)), ("what", "keep"), ("text", DEFAULT)];
        assert_eq!(li.post("/console/receipt", &form).await.0, StatusCode::FORBIDDEN);
    });
}
