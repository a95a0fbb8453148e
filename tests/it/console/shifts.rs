//! The tills' shifts: what was counted, and what was done by people who may not.

use super::forgeries::{Forger, token};
use super::pictures::Photographer;
use super::shop::Shop;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::{Body, CashReason, DrawerReason};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::shift::{Counted, Fact, Pending, Shift};
use evertill_tests::process::wait_until;
use reqwest::StatusCode;
use std::time::Duration;

fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn person(login: &str, name: &str) -> Option<Cashier> {
    Some(Cashier { login: login.into(), name: name.into() })
}

fn wang() -> Option<Cashier> {
    person("wang", "Wang Wei")
}

/// A shift that is a yuan short, in which the drawer was opened by somebody who may not; and the beginning of the next one.
fn work(shop: &mut Shop) {
    let Shop { runtime, till, .. } = shop;
    till.write(Body::ShiftOpened { float: yuan(20_000), cashier: wang(), approved_by: None }).unwrap();
    let mut shift = Shift::open(till.head().sequence, SystemClock.now(), yuan(20_000), wang()).unwrap();
    for minor in [1_250, 4_560] {
        till.cashier = wang();
        runtime.block_on(till.sell_for_cash(minor)).unwrap();
        shift.take(&Fact::Sold { wallet: None, amount: yuan(minor), tax: yuan(0) });
    }
    let (amount, reason, approved_by) = (yuan(3_000), CashReason::Supplier, person("li", "Li Na"));
    till.write(Body::CashPaidOut { amount, reason, cashier: wang(), approved_by }).unwrap();
    shift.take(&Fact::PaidOut(amount));
    let reason = DrawerReason::ChangeMoney;
    let stranger = person("sun", "Sun Li <b>");
    till.write(Body::DrawerOpened { reason, cashier: stranger, approved_by: None }).unwrap();
    shift.take(&Fact::NoSale);
    let counted = vec![Counted { value_minor: 10_000, pieces: 2 }, Counted { value_minor: 10, pieces: 271 }];
    let mut closing = shift.closing(counted, Pending::default());
    closing.cashier = wang();
    till.write(Body::ShiftClosed(Box::new(closing))).unwrap();
    till.write(Body::ShiftOpened { float: yuan(22_710), cashier: wang(), approved_by: None }).unwrap();
    runtime.block_on(till.hand_in(0)).unwrap();
}

#[test]
fn a_manager_sees_each_shift_what_is_short_and_who_did_what_they_may_not() {
    let mut shop = Shop::open();
    let page = shop.browser();
    page.log_in("li");
    page.go("/console/shifts");
    page.expect("No shift began on this day.");
    work(&mut shop);
    page.go("/console/shifts");
    page.expect_count("#shifts tbody tr", 2);
    let first = page.text("#shifts tbody tr:nth-child(1)");
    for part in ["T0001", "Wang Wei (wang)", "Short", "228.10", "227.10", "-1.00"] {
        assert!(first.replace('−', "-").replace("-￥", "￥-").contains(part), "{part}: {first}");
    }
    page.expect_in("#shifts tbody tr:nth-child(2)", "Still open");
    page.expect_in("#doubts", "Drawer without a sale");
    page.write("#doubts input[name=why]", "She was shown how by Li");
    page.press("#doubts .settle button");
    page.expect_in("#doubts", "She was shown how by Li");
    page.expect_count("#doubts .settle", 0);
    page.press("#shifts tbody tr:nth-child(1) a.number");
    assert!(wait_until(Duration::from_secs(5), || page.address().starts_with("/console/shifts/T0001/1/")));
    let shift = page.address();
    page.expect_in("#figures", "58.10");
    page.expect_in("#counted", "271");
    page.expect_in("#acts", "Li Na (li)");
    page.expect_in("#doubts", "Sun Li <b> (sun)");
    assert!(!page.text("body").contains("Does not add up"));
    let open = format!("/console/shifts/T0001/1/{}", shop.till.head().sequence);
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/shifts"));
        let eye = Photographer { page: &page, language };
        eye.visit("shifts", "/console/shifts");
        eye.visit("shift", &shift);
        eye.visit("shift-open", &open);
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
    let Shop { runtime, rig, .. } = &shop;
    runtime.block_on(async {
        let mut visitor = Forger::new(rig);
        let (status, ..) = visitor.get(&shift).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "not without logging in");
        visitor.log_in("li").await;
        for nothing in ["/console/shifts/T0001/1/99", "/console/shifts/T0002/1/1", "/console/shifts/x/1/1"] {
            let (status, ..) = visitor.get(nothing).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{nothing}");
        }
        let (_, _, list) = visitor.get("/console/shifts").await;
        let csrf = token(&list);
        let settle = |doubt, why, back| [("csrf", csrf), ("doubt", doubt), ("why", why), ("back", back)];
        let doubt = "T0001/1/99/0";
        for (form, status, to) in [
            (settle("x", "because", "/console/shifts"), StatusCode::NOT_FOUND, ""),
            (settle(doubt, "because", "/console/shifts"), StatusCode::NOT_FOUND, ""),
            (settle(doubt, " ", "/console/shifts"), StatusCode::SEE_OTHER, "/console/shifts?missing=why"),
            (settle(doubt, " ", "//evil.example"), StatusCode::SEE_OTHER, "/console/shifts?missing=why"),
        ] {
            let (came, address, _) = visitor.post("/console/shifts/doubts", &form).await;
            assert_eq!((came, address.as_str()), (status, to), "{form:?}");
        }
        let (_, _, told) = visitor.get("/console/shifts?missing=why").await;
        assert!(told.contains("Say in a few words what came of it"));
        let (status, _, other) = visitor.get("/console/shifts?day=soon").await;
        assert_eq!((status, other.contains("This is no day.")), (StatusCode::OK, true));
        let mut visitor = Forger::new(rig);
        visitor.log_in("it").await;
        for address in ["/console/shifts", &shift] {
            let (status, ..) = visitor.get(address).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{address}: IT looks after no money");
        }
    });
}

#[test]
fn a_shift_of_a_stolen_till_is_given_up_by_a_manager_who_says_why() {
    let mut shop = Shop::open();
    work(&mut shop);
    let Shop { runtime, rig, till, .. } = &shop;
    let open = format!("/console/shifts/T0001/1/{}", till.head().sequence);
    let place = open.trim_start_matches("/console/shifts/").to_owned();
    let page = shop.browser();
    page.log_in("li");
    runtime.block_on(async {
        let mut li = Forger::new(rig);
        li.log_in("li").await;
        let (_, _, text) = li.get(&open).await;
        assert!(!text.contains("id=\"give-up\""), "its till sells");
        let csrf = token(&text).to_owned();
        let form =
            |found, why| [("csrf", csrf.as_str()), ("shift", place.as_str()), ("found", found), ("why", why)];
        let address = "/console/shifts/given-up";
        let (_, to, _) = li.post(address, &form("0", "stolen")).await;
        assert_eq!(to, format!("{open}?missing=not"));
        rig.block(till.enrolled.terminal).await.unwrap();
        for (found, why, missing) in [("", "stolen", "found"), ("-1", "stolen", "found"), ("0", " ", "why")] {
            let (_, to, _) = li.post(address, &form(found, why)).await;
            assert_eq!(to, format!("{open}?missing={missing}"));
        }
        let mut it = Forger::new(rig);
        it.log_in("it").await;
        let (_, _, text) = it.get("/console/terminals").await;
        let by_it = [("csrf", token(&text)), ("shift", place.as_str()), ("found", "0"), ("why", "stolen")];
        assert_eq!(it.post(address, &by_it).await.0, StatusCode::FORBIDDEN);
    });
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/shifts"));
        Photographer { page: &page, language }.visit("shift-to-give-up", &open);
    }
    page.go("/console/language?to=en&back=/console/shifts");
    page.go(&open);
    page.write("#give-up [name=found]", "7.10");
    page.write("#give-up [name=why]", "Stolen with the till");
    page.press("#give-up button");
    page.expect_in("#given-up", "Stolen with the till");
    page.expect_in("#given-up", "7.10");
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/shifts"));
        Photographer { page: &page, language }.visit("shift-given-up", &open);
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
}
