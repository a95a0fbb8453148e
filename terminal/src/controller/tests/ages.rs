//! Goods that only people of a certain age may buy.

use super::duty::{locked_for, log_in, person};
use super::rig::*;
use crate::controller::*;
use crate::journal_store::JournalStore;
use crate::view::{Confirm, Page};
use evertill_shared::order::age::AgeCheck;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::TillStaff;
use std::collections::BTreeMap;

const BEER: &str = "4003000000016";
const WINE: &str = "4003000000023";

/// A till whose store sells beer from 16 on and wine from 18 on.
fn till() -> Till {
    let mut till = Till::online();
    till.give(goods_with_ages());
    till
}

fn goods_with_ages() -> Input {
    let mut goods = products();
    let asking = |id: &str, code: &str, years| Product {
        id: id.into(),
        name: id.into(),
        barcodes: vec![code.into()],
        least_age: Some(years),
        ..goods[1].clone()
    };
    let more = [asking("beer", BEER, 16), asking("wine", WINE, 18)];
    goods.extend(more);
    goods_on_disk(&goods)
}

fn items(till: &Till) -> u32 {
    match till.page() {
        Page::Sale(page) => page.item_count,
        other => panic!("{other:?}"),
    }
}

fn asked(till: &Till) -> Option<(u8, u32)> {
    match &till.screen.as_ref().unwrap().confirm {
        Some(Confirm::OldEnough { years, waiting, .. }) => Some((*years, *waiting)),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn goods_with_an_age_are_sold_after_a_yes_and_asked_for_once_a_sale() {
    let mut till = till();
    till.scan(WINE);
    assert_eq!((asked(&till), items(&till)), (Some((18, 0)), 0));
    till.confirm(true);
    till.scan(WINE);
    till.act(UserAction::AddProduct { id: "beer".into() });
    assert_eq!((asked(&till), items(&till)), (None, 3), "who is 18 is 16, too");
    till.act(UserAction::TenderCash);
    let ages = till
        .count(|body| matches!(body, Body::Sale(sale) if sale.age == Some(AgeCheck { years: 18, by: None })));
    assert_eq!(ages, 1, "it stands in the journal");
    till.act(UserAction::CashGiven { minor: 10_000 });
    till.act(UserAction::CashConfirm);
    till.pass(5);
    till.act(UserAction::NextSale);
    till.scan(BEER);
    assert_eq!(asked(&till), Some((16, 0)), "the next customer is another one");
}

#[test]
fn without_a_yes_there_is_no_line_and_an_older_age_is_asked_for_again() {
    let mut till = till();
    till.scan(BEER);
    till.confirm(false);
    assert_eq!((asked(&till), items(&till)), (None, 0));
    assert_eq!(till.notice(), Some(&Notice::NotSold { name: "beer".into() }));
    till.scan(BEER);
    till.confirm(true);
    till.scan(WINE);
    assert_eq!((asked(&till), items(&till)), (Some((18, 0)), 1));
    till.confirm(false);
    assert_eq!(items(&till), 1);
    till.act(UserAction::TenderCash);
    assert_eq!(
        till.count(
            |body| matches!(body, Body::Sale(sale) if sale.lines.len() == 1 && sale.lines_voided == 0)
        ),
        1
    );
}

#[test]
fn goods_scanned_while_the_till_asks_wait_for_the_answer_and_follow_in_their_order() {
    let mut till = till();
    for code in [BEER, TEA, WINE, BREAD, TEA] {
        till.scan(code);
    }
    assert_eq!((asked(&till), items(&till)), (Some((16, 4)), 0));
    till.scan("134567890123456789");
    assert_eq!(till.notice(), Some(&Notice::ScanNotUsed), "a payment code is no goods, and is not kept");
    till.confirm(true);
    assert_eq!((asked(&till), items(&till)), (Some((18, 2)), 2), "the wine asks again");
    till.confirm(false);
    assert_eq!((asked(&till), items(&till)), (None, 4));
}

/// Apples by their bare number, which have to be weighed.
const APPLES: &str = "12345";
/// Has no price.
const BAG: &str = "40170725";

#[test]
fn of_the_goods_that_waited_each_that_was_not_added_is_told_until_somebody_has_read_it() {
    let not_weighed = Notice::NoWeight { name: "Apples".into() };
    let no_price = Notice::NoPrice { name: "Bag without price".into() };
    let mut till = till();
    for code in [WINE, APPLES, TEA, BAG, APPLES, BREAD] {
        till.scan(code);
    }
    till.confirm(true);
    assert_eq!((items(&till), till.notice()), (3, Some(&not_weighed)));
    till.scan(TEA);
    assert_eq!((items(&till), till.notice()), (4, Some(&not_weighed)), "the next scan does not hide it");
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), Some(&no_price), "the other one");
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), None, "each once");
}

#[test]
fn what_was_not_added_is_told_behind_the_next_question_and_not_to_the_next_customer() {
    let mut till = till();
    for code in [BEER, APPLES, WINE, TEA] {
        till.scan(code);
    }
    till.confirm(true);
    assert_eq!(asked(&till), Some((18, 1)));
    till.confirm(false);
    assert_eq!((items(&till), asked(&till)), (2, None));
    assert_eq!(till.notice(), Some(&Notice::NoWeight { name: "Apples".into() }));
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), Some(&Notice::NotSold { name: "wine".into() }));
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 10_000 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    assert_eq!(till.notice(), None);
    // Nor after the sale was voided.
    for code in [BEER, APPLES, TEA] {
        till.scan(code);
    }
    till.confirm(true);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    assert_eq!(till.notice(), Some(&Notice::SaleVoided));
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), None);
}

#[test]
fn one_touch_too_many_answers_no_question_but_its_own() {
    let mut till = till();
    till.scan(BEER);
    till.scan(WINE);
    let first = UserAction::Confirm { question: till.question(), yes: true };
    till.act(first.clone());
    till.act(first.clone());
    assert_eq!(
        (asked(&till), items(&till)),
        (Some((18, 0)), 1),
        "the beer is sold, the wine still asked for"
    );
    let late_no = UserAction::Confirm { question: till.question() - 1, yes: false };
    till.act(late_no);
    assert_eq!((asked(&till), till.notice()), (Some((18, 0)), None));
    // Nor a question about something else, asked after this one was dropped.
    till.confirm(false);
    till.act(UserAction::VoidSale);
    let void = till.question();
    till.act(first);
    assert_eq!(till.question(), void, "still asked");
    till.confirm(true);
    assert_eq!((till.question(), items(&till)), (0, 0));
    till.scan(TEA);
    till.act(UserAction::VoidSale);
    till.act(UserAction::Confirm { question: void, yes: true });
    assert_eq!(items(&till), 1, "the same question, asked again, is another one");
}

#[test]
fn goods_that_cannot_be_sold_anyway_ask_for_nothing() {
    let mut till = Till::online();
    let mut goods = products();
    goods.iter_mut().for_each(|product| product.least_age = Some(18));
    till.give(goods_on_disk(&goods));
    till.act(UserAction::AddProduct { id: "bag".into() });
    assert_eq!(asked(&till), None);
    assert!(matches!(till.notice(), Some(Notice::NoPrice { .. })));
    till.scan("2812345005125");
    assert_eq!((asked(&till), items(&till)), (Some((18, 0)), 0), "what a scale has weighed asks as well");
}

/// The same, where Bo and Mei log in; Bo has.
fn till_of_bo() -> Till {
    let people = vec![person("bo", "Bo", Role::Cashier), person("mei", "Mei", Role::Cashier)];
    let mut till = locked_for(TillStaff { version: 1, people: Some(people) }, &BTreeMap::new());
    till.give(goods_with_ages());
    log_in(&mut till, "bo");
    till
}

fn not_sold(name: &str) -> Notice {
    Notice::NotSold { name: name.into() }
}

#[test]
fn goods_scanned_behind_the_question_are_sold_after_the_till_has_locked_itself() {
    for login in ["bo", "mei"] {
        let mut till = till_of_bo();
        for code in [WINE, TEA, BREAD] {
            till.scan(code);
        }
        assert_eq!((asked(&till), items(&till)), (Some((18, 2)), 0));
        till.pass(301);
        assert!(matches!(till.page(), Page::Lock(_)));
        till.scan(TEA);
        assert_eq!(till.notice(), Some(&Notice::LockedScan), "nobody is there who could mean it");
        till.pass(60);
        log_in(&mut till, login);
        assert_eq!((asked(&till), items(&till)), (None, 2), "what waited is sold to {login}");
        assert_eq!(till.notice(), Some(&not_sold("wine")), "a question that nobody stands before is a no");
        till.act(UserAction::DismissNotice);
        assert_eq!(till.notice(), None);
    }
}

#[test]
fn what_waits_and_has_an_age_of_its_own_asks_after_the_lock() {
    let mut till = till_of_bo();
    for code in [WINE, TEA, BEER, BREAD] {
        till.scan(code);
    }
    till.act(UserAction::Lock);
    assert_eq!(asked(&till), Some((18, 3)), "nothing is touched behind the question");
    till.pass(301);
    log_in(&mut till, "bo");
    assert_eq!((asked(&till), items(&till)), (Some((16, 1)), 1));
    till.pass(301);
    log_in(&mut till, "bo");
    assert_eq!((asked(&till), items(&till)), (None, 2), "locked once more");
    for name in ["wine", "beer"] {
        assert_eq!(till.notice(), Some(&not_sold(name)));
        till.act(UserAction::DismissNotice);
    }
}

#[test]
fn goods_scanned_behind_the_question_are_sold_when_a_fault_is_over() {
    let mut till = till();
    for code in [WINE, TEA, BREAD] {
        till.scan(code);
    }
    till.heartbeat(TerminalState::Blocked);
    assert!(matches!(till.page(), Page::Fault(_)));
    till.pass(5);
    till.heartbeat(TerminalState::Active);
    assert_eq!((asked(&till), items(&till)), (None, 2));
    assert_eq!(till.notice(), Some(&not_sold("wine")));
}

#[test]
fn goods_scanned_behind_the_question_are_sold_when_the_journal_was_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.give(goods_with_ages());
    for code in [TEA, WINE, BREAD] {
        till.scan(code);
    }
    till.controller.journal_failed(JournalError::Io("the disk was away".into()));
    till.act(UserAction::RetryFault);
    assert!(matches!(till.other.pop(), Some(Command::Start)));
    till.give(Input::Started { identity: Some(identity()), fingerprint: "AB12 CD34".into() });
    let journal = JournalStore::open(&path, start_head(), key(), till.now.wall).unwrap();
    till.give(Input::JournalOpened(Ok(Box::new(Strict(Box::new(journal))))));
    assert_eq!((asked(&till), items(&till)), (None, 2), "the tea from the disk, and the bread");
    assert_eq!(till.notice(), Some(&not_sold("wine")));
}
