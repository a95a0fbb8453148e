//! Goods as they come from the server, and goods that are sold by weight.

use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, NetError};
use crate::view::Page;
use evertill_shared::protocol::catalogue::{Catalogue, Part, Place, Product};

fn asked(till: &mut Till) -> Option<(u64, Option<String>)> {
    till.take(|request| match request {
        Request::Catalogue { since, at, .. } => Some((*since, at.map(|at| at.to_string()))),
        _ => None,
    })
}

fn answer(till: &mut Till, products: Vec<Product>, next: Option<&str>) {
    let next: Option<Place> = next.map(|next| next.parse().unwrap());
    let first = next.is_some();
    let part = Part { whole: false, first, next, favourites: None, of: None };
    let news = Catalogue { version: 2, products: Some(products), gone: Vec::new(), part: Some(part) };
    till.give(Input::Net(Answer::Catalogue(Ok(news))));
}

fn has_version(till: &mut Till, version: u64, parts: bool) {
    let mut status = till.status(TerminalState::Active);
    (status.catalogue_version, status.catalogue_parts) = (version, parts);
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
}

fn sale_page(till: &Till) -> &crate::view::SalePage {
    match till.page() {
        Page::Sale(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn news_of_goods_are_asked_for_part_by_part_and_can_be_sold_as_they_come() {
    let mut till = Till::online();
    assert_eq!(asked(&mut till), None, "it has the present ones");
    has_version(&mut till, 2, true);
    assert_eq!(asked(&mut till), Some((1, Some("0.0".into()))));
    let milk = Product { id: "milk".into(), barcodes: vec!["777".into()], ..products().remove(1) };
    answer(&mut till, vec![milk], Some("2.1"));
    till.scan("777");
    assert_eq!(sale_page(&till).item_count, 1, "the rest is still on its way");
    assert_eq!(asked(&mut till), Some((1, Some("2.1".into()))));
    till.give(Input::Net(Answer::Catalogue(Err(NetError::NoAnswer("x".into())))));
    assert_eq!(asked(&mut till), None);
    has_version(&mut till, 2, true);
    till.pass(30);
    assert_eq!(asked(&mut till), Some((1, Some("2.1".into()))), "the same part again");
    answer(&mut till, vec![], None);
    has_version(&mut till, 2, true);
    till.pass(30);
    assert_eq!(asked(&mut till), None);
    till.scan(TEA);
    assert_eq!(sale_page(&till).item_count, 2, "what did not change is still there");
}

#[test]
fn a_server_from_before_is_asked_for_everything_at_once() {
    let mut till = Till::online();
    has_version(&mut till, 2, false);
    assert_eq!(asked(&mut till), Some((1, None)));
    let tea = products().remove(1);
    let everything = Catalogue { version: 2, products: Some(vec![tea]), gone: Vec::new(), part: None };
    till.give(Input::Net(Answer::Catalogue(Ok(everything))));
    till.scan(BREAD);
    assert!(matches!(till.notice(), Some(Notice::UnknownBarcode { .. })), "it is not sold any more");
    till.scan(TEA);
    assert_eq!(sale_page(&till).item_count, 1);
    has_version(&mut till, 2, false);
    assert_eq!(asked(&mut till), None);
}

/// A server whose version has a name; what the till asks then, as a query.
fn names_version(till: &mut Till, version: u64, name: &str) -> Option<String> {
    let mut status = till.status(TerminalState::Active);
    (status.catalogue_version, status.catalogue_parts) = (version, true);
    status.catalogue_name = Some(name.into());
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    till.pass(30);
    till.take(|request| match request {
        Request::Catalogue { since, of, at } => {
            Some(format!("{since} {} {}", of.as_deref().unwrap_or("-"), at.unwrap_or_default()))
        }
        _ => None,
    })
}

fn gives(till: &mut Till, version: u64, name: &str, next: Option<&str>, products: Vec<Product>) {
    let next: Option<Place> = next.map(|next| next.parse().unwrap());
    let part = Part { whole: true, first: true, next, favourites: None, of: Some(name.into()) };
    let news = Catalogue { version, products: Some(products), gone: Vec::new(), part: Some(part) };
    till.give(Input::Net(Answer::Catalogue(Ok(news))));
}

#[test]
fn another_version_under_the_same_number_is_asked_for() {
    let mut till = Till::online();
    assert_eq!(names_version(&mut till, 2, "two").as_deref(), Some("1  0.0"), "its own has no name yet");
    gives(&mut till, 2, "two", None, products());
    assert_eq!(names_version(&mut till, 2, "two"), None);
    // The server was put back to an older state, and has got other goods since.
    assert_eq!(names_version(&mut till, 2, "other").as_deref(), Some("2 two 0.0"));
    gives(&mut till, 2, "other", None, vec![products().remove(1)]);
    assert_eq!(names_version(&mut till, 2, "other"), None);
    till.scan(BREAD);
    assert!(
        matches!(till.notice(), Some(Notice::UnknownBarcode { .. })),
        "the other version does not have it"
    );
}

#[test]
fn parts_of_a_version_that_the_server_has_lost_are_made_good_though_no_other_came() {
    let mut till = Till::online();
    names_version(&mut till, 2, "two");
    gives(&mut till, 2, "two", None, products());
    assert_eq!(names_version(&mut till, 3, "three").as_deref(), Some("2 two 0.0"));
    let dear = Product { price: Amount::new(99_900, Currency::CNY), ..products().remove(1) };
    gives(&mut till, 3, "three", Some("3.1"), vec![dear]);
    assert_eq!(
        names_version(&mut till, 2, "two").as_deref(),
        Some("2 three 3.1"),
        "it has a price of version 3"
    );
    gives(&mut till, 2, "two", None, products());
    assert_eq!(names_version(&mut till, 2, "two"), None);
}

#[test]
fn what_is_typed_is_looked_for_again_when_the_goods_change() {
    let mut till = Till::online();
    till.act(UserAction::SetSearch("milk".into()));
    assert!(sale_page(&till).matches.is_empty());
    has_version(&mut till, 2, true);
    let milk = Product { id: "milk".into(), name: "Milk".into(), barcodes: vec![], ..products().remove(1) };
    answer(&mut till, vec![milk], None);
    assert_eq!(sale_page(&till).matches.len(), 1);
}

#[test]
fn what_is_sold_by_weight_is_not_sold_without_one() {
    let mut till = Till::online();
    for without in [UserAction::AddProduct { id: "apples".into() }, UserAction::SubmitSearch("apples".into())]
    {
        till.act(without);
        assert_eq!(till.notice(), Some(&Notice::NoWeight { name: "Apples".into() }));
    }
    till.scan("12345");
    assert_eq!(till.notice(), Some(&Notice::NoWeight { name: "Apples".into() }));
    assert!(sale_page(&till).lines.is_empty());
    till.scan("2812345005125");
    assert_eq!(sale_page(&till).total_minor, 507, "the scale's label has it");
}
