//! The largest that there can be: lines, amounts, names, quantities, goods.

use super::rig::*;
use crate::controller::*;
use crate::view::Page;
use evertill_shared::order::Sale;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::MAX_BODY_BYTES;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::orders::AdoptOrder;

fn product(id: usize, name: String, price: i64) -> Product {
    Product {
        id: id.to_string(),
        name,
        barcodes: vec![format!("X{id:06}")],
        price: cny(price),
        tax_rate: TaxRate(1300),
        favourite: true,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    }
}

fn till_with(products: Vec<Product>) -> Till {
    let mut till = Till::online();
    till.give(goods_on_disk(&products));
    till
}

fn sale_page(till: &Till) -> &crate::view::SalePage {
    match till.page() {
        Page::Sale(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_longest_sale_of_the_longest_names_still_fits_into_one_request() {
    let name = "很长的商品名称".repeat(1_000);
    let products = (0..=Sale::MAX_LINES).map(|id| product(id, name.clone(), 100)).collect();
    let mut till = till_with(products);
    for id in 0..=Sale::MAX_LINES {
        till.scan(&format!("X{id:06}"));
    }
    assert_eq!(till.notice(), Some(&Notice::QuantityLimit));
    assert_eq!(sale_page(&till).lines.len(), Sale::MAX_LINES);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 100_000 });
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)));
    let journal = till.controller.journal.as_ref().unwrap();
    let entry = |sequence| journal.entry(sequence).unwrap();
    let body = AdoptOrder { sale: entry(2), adopted: entry(3), cash: Some(entry(3)), cash_part: None };
    let bytes = serde_json::to_vec(&body).unwrap().len();
    assert!(bytes < MAX_BODY_BYTES * 9 / 10, "{bytes} of {MAX_BODY_BYTES}");
}

#[test]
fn a_quantity_ends_at_its_limit_and_says_so() {
    let mut till = Till::online();
    till.scan(TEA);
    let line = sale_page(&till).lines[0].line;
    till.act(UserAction::ChangeQuantity { line, delta: 99_998 });
    assert_eq!((sale_page(&till).item_count, till.notice()), (99_999, None));
    till.scan(TEA);
    assert_eq!((sale_page(&till).item_count, till.notice()), (99_999, Some(&Notice::QuantityLimit)));
    till.act(UserAction::ChangeQuantity { line, delta: i32::MAX });
    till.act(UserAction::ChangeQuantity { line, delta: i32::MIN });
    assert!(sale_page(&till).lines.is_empty());
}

#[test]
fn amounts_beyond_all_bounds_are_refused_when_they_are_added_and_the_rest_can_be_paid() {
    let most = i64::MAX / 100;
    let products = (0..200).map(|id| product(id, "Gold".into(), most)).collect();
    let mut till = till_with(products);
    for id in 0..200 {
        till.scan(&format!("X{id:06}"));
    }
    assert_eq!(till.notice(), Some(&Notice::QuantityLimit));
    assert_eq!((sale_page(&till).lines.len(), sale_page(&till).total_minor), (100, most * 100));
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: i64::MAX });
    assert!(matches!(till.page(), Page::Cash(_)), "{:?}", till.notice());
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)));
}

#[test]
fn a_catalogue_of_nothing_but_favourites_does_not_flood_the_screen() {
    let products = (0..20_000).map(|id| product(id, format!("Goods {id}"), 100)).collect();
    let till = {
        let mut till = till_with(products);
        till.act(UserAction::SetSearch("goods".into()));
        till
    };
    let page = sale_page(&till);
    assert!(page.favourites.len() <= 120 && page.matches.len() <= 20, "{}", page.favourites.len());
}

#[test]
fn a_clock_set_back_a_day_neither_stops_a_sale_nor_frightens() {
    let mut till = Till::in_memory();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.now.wall = till.now.wall.minus(Duration::from_secs(86_400));
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    assert!(matches!(till.page(), Page::Done(_)));
    let unsent = till.screen.as_ref().unwrap().status.unsent.unwrap();
    assert_eq!((unsent.count, unsent.oldest_seconds), (1, 0));
    till.act(UserAction::NextSale);
    till.scan(BREAD);
    till.act(UserAction::TenderCash);
    assert!(matches!(till.page(), Page::Cash(_)));
}
