//! People: logging in, rights, the catalogue.

use crate::rig::{PASSWORD, Server, Store, login_of};
use evertill_shared::protocol::catalogue::{Catalogue, Product};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{
    CardSet, ChangePassword, NewStaff, PersonLeft, Role, Session, SetCard, SetPin, StaffRow,
    path as staff_path,
};
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::CardCode;
use serde_json::json;
use std::time::Duration;

async fn log_in(server: &Server, login: &str, password: &str) -> crate::rig::Came {
    server.staff("POST", staff_path::SESSIONS, None, &login_of(login, password)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_gets_slow_for_names_that_exist_and_names_that_do_not() {
    let store = Store::new();
    let server = store.serve().await;
    for login in ["max", "nobody"] {
        for _ in 0..4 {
            assert_eq!(log_in(&server, login, "guess").await.code(), ErrorCode::NotAllowed);
        }
        let fifth = log_in(&server, login, "guess").await;
        assert_eq!(fifth.code(), ErrorCode::Overloaded);
        assert!(fifth.error().message.contains("wait"), "{}", fifth.error().message);
    }
    assert_eq!(log_in(&server, "max", PASSWORD).await.code(), ErrorCode::Overloaded);
    assert_eq!(log_in(&server, "ivy", PASSWORD).await.status, 200, "others are not kept out");
    store.clock.forward(Duration::from_secs(31));
    assert_eq!(log_in(&server, "MAX", PASSWORD).await.json::<Session>().role, Role::Manager);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself_unless_it_is_used() {
    let store = Store::new();
    let server = store.serve().await;
    let (used, idle) = (server.log_in("ivy").await, server.log_in("ivy").await);
    let list = async |token| server.staff("GET", staff_path::STAFF, Some(token), &()).await;
    for _ in 0..3 {
        store.clock.forward(Duration::from_secs(5 * 3600));
        assert_eq!(list(&used).await.status, 200);
    }
    assert_eq!(list(&idle).await.code(), ErrorCode::NotAllowed);
    let forged = SecretText::new("A".repeat(43));
    assert_eq!(list(&forged).await.code(), ErrorCode::NotAllowed);
    let nobody = server.staff("GET", staff_path::STAFF, None, &()).await;
    assert_eq!(nobody.code(), ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_does_not_hold_what_opens_a_session() {
    let store = Store::new();
    let server = store.serve().await;
    let token = server.log_in("ivy").await;
    let code = server.code_for(&token, "Front").await;
    server.stop().await;
    let bytes = std::fs::read(store.dir.path().join("data/base.db")).unwrap();
    let found = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(found("ivy") && !found(token.expose()) && !found(code.code.expose()) && !found(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_by_it_with_a_password_that_is_long_enough() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let new = |login: &str, password: &str| NewStaff {
        login: login.into(),
        name: "Nia".into(),
        role: Role::Cashier,
        password: SecretText::new(password.into()),
    };
    let add = async |token: &SecretText, new: NewStaff| {
        server.staff("POST", staff_path::STAFF, Some(token), &new).await
    };
    assert_eq!(add(&it, new("nia", "short")).await.code(), ErrorCode::BadRequest);
    assert_eq!(add(&it, new("n i a", "long enough")).await.code(), ErrorCode::BadRequest);
    assert_eq!(add(&it, new("nia", "long enough")).await.status, 200);
    assert_eq!(add(&it, new("NIA", "long enough")).await.code(), ErrorCode::Conflict);
    let manager = server.log_in("max").await;
    assert_eq!(add(&manager, new("eve", "long enough")).await.code(), ErrorCode::NotAllowed);
    let staff: Vec<StaffRow> = server.staff("GET", staff_path::STAFF, Some(&manager), &()).await.json();
    assert_eq!(staff.iter().map(|s| s.login.as_str()).collect::<Vec<_>>(), ["cas", "ivy", "max", "nia"]);
    assert_eq!(log_in(&server, "nia", "long enough").await.json::<Session>().role, Role::Cashier);
    let cashier = server.log_in("cas").await;
    assert_eq!(
        server.staff("GET", staff_path::STAFF, Some(&cashier), &()).await.code(),
        ErrorCode::NotAllowed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_made_by_it_alone_kept_by_nobody_and_told_to_tills_that_know_of_them() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let asked = |login: &str, remove| SetCard { login: login.into(), remove };
    let set = async |token: &SecretText, asked: SetCard| {
        server.staff("POST", staff_path::STAFF_CARD, Some(token), &asked).await
    };
    for stranger in ["max", "cas"] {
        let token = server.log_in(stranger).await;
        for remove in [false, true] {
            assert_eq!(set(&token, asked("cas", remove)).await.code(), ErrorCode::NotAllowed, "{stranger}");
        }
    }
    assert_eq!(set(&it, asked("nobody", false)).await.code(), ErrorCode::NotFound);
    let made: CardSet = set(&it, asked("cas", false)).await.json();
    let card = CardCode::read(made.code.as_ref().unwrap().expose()).unwrap();
    assert!(made.person.has_card && !format!("{made:?}").contains("EVTC"));
    let pin = SetPin { login: "max".into(), pin: Some(SecretText::new("4711".into())) };
    assert_eq!(server.staff("POST", staff_path::STAFF_PIN, Some(&it), &pin).await.status, 200);

    let list = async |query: &str| -> TillStaff {
        server.get(&till.key, &format!("/v1/staff?{query}")).await.json()
    };
    let knowing = list("since=0&knows=cards").await;
    let marks = knowing.people.unwrap().into_iter().map(|p| (p.login, p.card)).collect::<Vec<_>>();
    assert_eq!(marks, [("cas".to_owned(), Some(card.mark())), ("max".to_owned(), None)]);
    // A till from before is told of nobody whose entry it could not read.
    let older = server.get(&till.key, "/v1/staff?since=0").await;
    let older: serde_json::Value = older.json();
    assert_eq!(older["people"].as_array().unwrap().len(), 1);
    assert_eq!(older["people"][0]["login"], "max");
    assert!(older["people"][0]["verifier"].is_string() && older["people"][0].get("card").is_none());
    assert_eq!(list(&format!("since={}&knows=cards", knowing.version)).await.people, None);

    // Asked twice there is one card, the second; taken away there is none.
    let second: CardSet = set(&it, asked("cas", false)).await.json();
    assert_ne!(second.code, made.code);
    let now = list("since=0&knows=cards").await.people.unwrap();
    assert!(now.iter().all(|person| person.card.as_ref() != Some(&card.mark())), "the first one is dead");
    let removed: CardSet = set(&it, asked("cas", true)).await.json();
    assert!(removed.code.is_none() && !removed.person.has_card);
    let now = list("since=0&knows=cards").await.people.unwrap();
    assert!(now.iter().all(|person| person.login != "cas"));
    server.stop().await;
    for file in ["data/base.db", "data/base.db-wal"] {
        let bytes = std::fs::read(store.dir.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(9).any(|window| window == &card.expose().as_bytes()[..9]), "{file}");
    }
}

fn product(id: &str, barcode: &str, minor: i64, currency: &str) -> Product {
    serde_json::from_value(json!({
        "id": id, "name": "Tea", "barcodes": [barcode], "price": { "minor": minor, "currency": currency },
        "tax_rate": 1300, "favourite": true,
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_replaced_as_a_whole_and_tills_fetch_only_what_is_new() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.active_till(&it, 1).await;
    let put =
        async |products: Vec<Product>| server.staff("PUT", staff_path::CATALOGUE, Some(&it), &products).await;
    let tea = product("tea", "690001", 500, "CNY");
    assert_eq!(put(vec![tea.clone(), product("milk", "690002", 300, "CNY")]).await.status, 200);
    let all: Catalogue = server.get(&till.key, path::CATALOGUE).await.json();
    assert_eq!((all.version, all.products.map(|p| p.len())), (1, Some(2)));
    let none: Catalogue = server.get(&till.key, "/v1/catalogue?since=1").await.json();
    assert_eq!((none.version, none.products), (1, None));
    for (what, wrong) in [
        ("id", vec![tea.clone(), product("tea", "690009", 1, "CNY")]),
        ("barcode", vec![tea.clone(), product("milk", "690001", 1, "CNY")]),
        ("price", vec![product("milk", "1", -1, "CNY")]),
        ("price", vec![product("milk", "1", 1, "EUR")]),
        ("id", vec![product(" ", "1", 1, "CNY")]),
        ("age", vec![Product { least_age: Some(100), ..product("wine", "1", 1, "CNY") }]),
        (
            "serial",
            vec![Product { needs_serial: true, sold_by_weight: true, ..product("ham", "1", 1, "CNY") }],
        ),
    ] {
        let refused = put(wrong).await;
        assert_eq!(refused.code(), ErrorCode::BadRequest);
        assert!(refused.error().message.contains(what), "{}", refused.error().message);
    }
    let still: Catalogue = server.get(&till.key, "/v1/catalogue?since=0").await.json();
    assert_eq!(still.version, 1);
    let ham = Product { sold_by_weight: true, least_age: Some(16), ..product("ham", "690003", 900, "CNY") };
    assert_eq!(put(vec![tea.clone(), ham.clone()]).await.status, 200);
    let before: Catalogue = server.get(&till.key, "/v1/catalogue?since=1").await.json();
    let before = before.products.unwrap();
    assert!(
        before.len() == 2 && !before[1].sold_by_weight && before[1].least_age.is_none(),
        "a till from before refuses what it does not know"
    );
    let now: Catalogue = server.get(&till.key, "/v1/catalogue?since=1&at=0.0").await.json();
    assert_eq!((now.version, now.products, now.gone), (2, Some(vec![]), vec!["milk".to_owned()]));
    let next = now.part.unwrap().next.unwrap();
    let now: Catalogue = server.get(&till.key, &format!("/v1/catalogue?since=1&at={next}")).await.json();
    assert_eq!((now.products, now.part.unwrap().next), (Some(vec![ham.clone().without_age()]), None));
    let knowing = format!("/v1/catalogue?since=1&at={next}&knows=ages");
    let now: Catalogue = server.get(&till.key, &knowing).await.json();
    assert_eq!(now.products, Some(vec![ham]), "a till that asks for ages is told them");
    assert_eq!(server.get(&till.key, "/v1/catalogue?since=1&at=9").await.code(), ErrorCode::BadRequest);
    let phone = Product { needs_serial: true, least_age: Some(16), ..product("phone", "690004", 900, "CNY") };
    assert_eq!(put(vec![tea.clone(), phone.clone()]).await.status, 200);
    let now: Catalogue = server.get(&till.key, "/v1/catalogue?since=2&at=0.0").await.json();
    let next = now.part.unwrap().next.unwrap();
    for (knows, told) in [
        ("", phone.clone().without_age()),
        ("&knows=ages", phone.clone().without_serial()),
        ("&knows=ages,serials", phone),
    ] {
        let changes = format!("/v1/catalogue?since=2&at={next}{knows}");
        let now: Catalogue = server.get(&till.key, &changes).await.json();
        assert_eq!(now.products, Some(vec![told]), "{knows}");
    }
    let cashier = server.log_in("cas").await;
    let refused = server.staff("PUT", staff_path::CATALOGUE, Some(&cashier), &vec![tea]).await;
    assert_eq!(refused.code(), ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_manager_may_refund_and_what_was_tried_is_written_down() {
    let store = Store::new();
    let server = store.serve().await;
    let number = evertill_shared::order_number::OrderNumber::new(
        evertill_shared::clock::Clock::now(&*server.clock),
        5,
        0_u8.try_into().unwrap(),
    )
    .unwrap();
    let path = staff_path::REFUNDS.replace("{number}", number.as_str());
    let ask =
        json!({ "request": "request-1", "amount": { "minor": 5, "currency": "CNY" }, "reason": "broken" });
    for login in ["ivy", "cas"] {
        let token = server.log_in(login).await;
        assert_eq!(server.staff("POST", &path, Some(&token), &ask).await.code(), ErrorCode::NotAllowed);
    }
    let manager = server.log_in("max").await;
    let refused = server.staff("POST", &path, Some(&manager), &ask).await;
    assert_eq!(refused.code(), ErrorCode::NotFound);
    let rows = server.app().base.audit_rows(None, 10).await.unwrap();
    let row = rows.first().unwrap();
    assert_eq!((row.who.as_str(), row.subject.as_str()), ("max", number.as_str()));
    assert!(row.why.contains("broken"), "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_its_owner_who_knows_the_old_one() {
    let store = Store::new();
    let server = store.serve().await;
    let (here, there) = (server.log_in("max").await, server.log_in("max").await);
    let change = async |old: &str, new: &str| {
        let (old, new) = (SecretText::new(old.into()), SecretText::new(new.into()));
        server.staff("POST", staff_path::PASSWORD, Some(&here), &ChangePassword { old, new }).await
    };
    assert_eq!(change("guess", "a new password").await.code(), ErrorCode::NotAllowed);
    assert_eq!(change(PASSWORD, "short").await.code(), ErrorCode::BadRequest);
    assert_eq!(log_in(&server, "max", PASSWORD).await.status, 200, "nothing was changed");
    assert_eq!(change(PASSWORD, "a new password").await.status, 200);
    assert_eq!(log_in(&server, "max", PASSWORD).await.code(), ErrorCode::NotAllowed);
    assert_eq!(log_in(&server, "max", "a new password").await.status, 200);
    let list = async |token| server.staff("GET", staff_path::STAFF, Some(token), &()).await;
    assert_eq!(list(&here).await.status, 200);
    assert_eq!(list(&there).await.code(), ErrorCode::NotAllowed, "the other session has ended");
    // An open session does not help to guess the old one.
    for _ in 0..4 {
        assert_eq!(change("guess", "another password").await.code(), ErrorCode::NotAllowed);
    }
    assert_eq!(change("guess", "another password").await.code(), ErrorCode::Overloaded);
    assert_eq!(change("a new password", "another password").await.code(), ErrorCode::Overloaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_it_says_to_have_left_is_out_at_once() {
    let store = Store::new();
    let server = store.serve().await;
    let (it, max) = (server.log_in("ivy").await, server.log_in("max").await);
    let left = |login: &str| PersonLeft { login: login.into(), reason: "moved away".into() };
    let say = async |token: &SecretText, left: PersonLeft| {
        server.staff("POST", staff_path::STAFF_LEFT, Some(token), &left).await
    };
    assert_eq!(say(&max, left("cas")).await.code(), ErrorCode::NotAllowed);
    assert_eq!(say(&it, left("nobody")).await.code(), ErrorCode::NotFound);
    assert_eq!(
        say(&it, PersonLeft { reason: " ".into(), ..left("max") }).await.code(),
        ErrorCode::BadRequest
    );
    assert_eq!(say(&it, left("ivy")).await.code(), ErrorCode::WrongState, "somebody must look after it all");
    let row: StaffRow = say(&it, left("max")).await.json();
    assert!(row.left_at.is_some());
    let looked = server.staff("GET", staff_path::STAFF, Some(&max), &()).await;
    assert_eq!(looked.code(), ErrorCode::NotAllowed);
    assert_eq!(log_in(&server, "max", PASSWORD).await.code(), ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_manager_may_accept_an_order_out_of_quarantine() {
    let store = Store::new();
    let server = store.serve().await;
    let now = evertill_shared::clock::Clock::now(&*server.clock);
    let number = evertill_shared::order_number::OrderNumber::new(now, 5, 0_u8.try_into().unwrap()).unwrap();
    let path = staff_path::ACCEPT_ORDER.replace("{number}", number.as_str());
    let accept = async |login: &str, reason: &str| {
        let token = server.log_in(login).await;
        server.staff("POST", &path, Some(&token), &json!({ "reason": reason })).await.code()
    };
    assert_eq!(accept("ivy", "believed").await, ErrorCode::NotAllowed);
    assert_eq!(accept("cas", "believed").await, ErrorCode::NotAllowed);
    assert_eq!(accept("max", " ").await, ErrorCode::BadRequest);
    assert_eq!(accept("max", "believed").await, ErrorCode::NotFound);
    let rows = server.app().base.audit_rows(None, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.subject != number.as_str()), "nothing was decided: {rows:?}");
}
