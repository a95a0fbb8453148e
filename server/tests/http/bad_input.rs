//! What people mistype and programs get wrong: each is answered clearly, and nothing is half done.

use crate::rig::{Server, Store};
use crate::sale::{adopt, at, cny, sale, sell, shop};
use evertill_shared::clock::Clock;
use evertill_shared::journal::Head;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{CreateDraft, DraftCreated, OrderView};
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{AskRefund, path as staff_path};
use evertill_shared::refund::Refund;

fn number(server: &Server, tag: u8) -> OrderNumber {
    let tag: GroupTag = tag.try_into().unwrap();
    OrderNumber::new(server.clock.now(), 48_151, tag).unwrap()
}

/// Where each of a till's requests about an order goes.
const ASKED: [(&str, &str); 4] =
    [("GET", path::ORDER), ("GET", path::PAYMENT), ("POST", path::TAKE_BACK), ("GET", path::REFUND)];

async fn answers(server: &Server, key: &evertill_shared::signing::SigningKey, number: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for (method, path) in ASKED {
        let path = path.replace("{number}", number).replace("{attempt}", "1").replace("{refund}", "r1");
        let came = server.ask::<()>(key, method, &path, None).await;
        assert_eq!(came.code(), ErrorCode::NotFound, "{method} {path}: {came:?}");
        texts.push(came.error().message);
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_does_not_exist_names_no_order() {
    let (_store, server, till, _) = shop().await;
    for text in answers(&server, &till.key, number(&server, 99).as_str()).await {
        assert!(text.contains("compare the number with the receipt"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_check_digit_is_called_a_mistyped_digit() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    let right = sold.number.as_str();
    for place in [3, 12, 20, 22] {
        let mut digits = right.as_bytes().to_vec();
        digits[place] = b'0' + (digits[place] - b'0' + 1) % 10;
        let wrong = String::from_utf8(digits).unwrap();
        for text in answers(&server, &till.key, &wrong).await {
            assert!(text.contains("mistyped") && text.contains("receipt"), "{text}");
        }
    }
    for (typed, says) in [("12", "25 digits"), ("2026x12014030712348151192", "digits only")] {
        for text in answers(&server, &till.key, typed).await {
            assert!(text.contains(says), "{typed}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_stores_number_names_no_order_here() {
    let (_store, server, mut till, _) = shop().await;
    let (_other_store, other, mut other_till, _) = shop().await;
    let theirs = sell(&other, &mut other_till, 500).await;
    assert_eq!(adopt(&other, &mut other_till, &theirs, Some(500)).await.status, 200);
    for text in answers(&server, &till.key, theirs.number.as_str()).await {
        assert!(text.contains("compare the number with the receipt"), "{text}");
    }
    let max = server.log_in("max").await;
    let ask = AskRefund { request: "request-1".into(), amount: cny(500), reason: "too cold".into() };
    let came = server.staff("POST", &at(staff_path::REFUNDS, theirs.number), Some(&max), &ask).await;
    assert_eq!(came.code(), ErrorCode::NotFound);
    // A sale that rests on it is not the other store's either: it was signed by another till's key.
    let came = adopt(&server, &mut till, &theirs, Some(500)).await;
    assert_eq!(came.code(), ErrorCode::BadRequest, "{came:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_found_again_with_the_same_body_and_a_fork_with_another() {
    let store = Store::new();
    let server = store.serve_with("[[groups]]\ntag = 4\nfile = \"groups/04.db\"\n").await;
    let it = server.log_in("ivy").await;
    let mut till = server.active_till(&it, 1).await;
    till.write(0);
    let image: Head = till.head;
    let request = CreateDraft { sale: sale(&server, &mut till, 500) };
    let signed = server.sign(&till.key, "POST", path::DRAFTS, serde_json::to_vec(&request).unwrap());
    let first: DraftCreated = server.send(&signed).await.json();
    // The very same bytes: a replay. The same signed anew: the same number.
    assert_eq!(server.send(&signed).await.code(), ErrorCode::Replayed);
    let again: DraftCreated = server.ask(&till.key, "POST", path::DRAFTS, Some(&request)).await.json();
    assert_eq!(again.number, first.number);
    // The same request id around another body is no way in either.
    let mut forged = signed.clone();
    forged.body = serde_json::to_vec(&CreateDraft { sale: sale(&server, &mut till, 9) }).unwrap();
    assert_eq!(server.send(&forged).await.code(), ErrorCode::SignatureInvalid);
    // The same place in the journal with another sale in it: the till has two histories.
    till.head = image;
    let other = CreateDraft { sale: sale(&server, &mut till, 501) };
    let came = server.ask(&till.key, "POST", path::DRAFTS, Some(&other)).await;
    assert_eq!(came.code(), ErrorCode::Conflict);
    assert!(came.error().message.contains("differs from what was sent before"), "{}", came.error().message);
    let view: OrderView = server.get(&till.key, &at(path::ORDER, first.number)).await.json();
    assert_eq!(view.total, cny(500), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_larger_than_what_is_left_says_how_much_is_left() {
    let (_store, server, mut till, _) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    assert_eq!(adopt(&server, &mut till, &sold, Some(500)).await.status, 200);
    let max = server.log_in("max").await;
    let refunds = at(staff_path::REFUNDS, sold.number);
    let ask = async |request: &str, minor| {
        let ask = AskRefund { request: request.into(), amount: cny(minor), reason: "too cold".into() };
        server.staff("POST", &refunds, Some(&max), &ask).await
    };
    let over = ask("request-0", 501).await;
    assert_eq!(over.code(), ErrorCode::RefundRefused);
    assert!(over.error().message.contains("5.00"), "{}", over.error().message);
    let _: Refund = ask("request-1", 200).await.json();
    let over = ask("request-2", 301).await;
    assert_eq!(over.code(), ErrorCode::RefundRefused);
    assert!(over.error().message.contains("3.01") && over.error().message.contains("3.00"));
    for (request, minor) in [("request-3", 0), ("request-4", -1)] {
        assert!(ask(request, minor).await.status >= 400);
    }
    let _: Refund = ask("request-5", 300).await.json();
    let view: OrderView = server.get(&till.key, &at(path::ORDER, sold.number)).await.json();
    assert_eq!(view.refunds.len(), 2, "what was refused left nothing behind");
}
