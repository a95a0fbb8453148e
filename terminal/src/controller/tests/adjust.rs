//! Discounts, overridden prices, quantities and notes.

use super::approval::{approve, served_by};
use super::duty::{cashier, log_in};
use super::rig::*;
use crate::controller::*;
use crate::view::{AdjustPage, Page, SalePage, TypedOff};
use evertill_shared::order::Sale;
use evertill_shared::order::discount::{Reason, ReasonKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn sale_page(till: &Till) -> &SalePage {
    match till.page() {
        Page::Sale(page) => page,
        other => panic!("{other:?}"),
    }
}

fn adjust_page(till: &Till) -> &AdjustPage {
    match till.page() {
        Page::Adjust(page) => page,
        other => panic!("{other:?}"),
    }
}

fn because(kind: ReasonKind) -> Reason {
    Reason::usual(kind)
}

fn take_off(till: &mut Till, off: TypedOff) {
    till.act(UserAction::TakeOff { off, reason: because(ReasonKind::Damaged) });
}

fn sales(till: &Till) -> Vec<Sale> {
    let bodies = till.entries().into_iter().map(|entry| entry.body);
    bodies.filter_map(|body| if let Body::Sale(sale) = body { Some(sale) } else { None }).collect()
}

fn pay_in_cash(till: &mut Till) {
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 100_000 });
    till.act(UserAction::CashConfirm);
}

#[test]
fn a_line_and_the_whole_sale_are_discounted_and_the_receipt_says_it() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan(BREAD);
    let line = sale_page(&till).lines[0].line;
    till.act(UserAction::OpenLine { line });
    assert_eq!((adjust_page(&till).name.as_str(), adjust_page(&till).total_minor), ("Green tea", 450));
    take_off(&mut till, TypedOff::Points(1_000));
    let page = sale_page(&till);
    assert_eq!((page.lines[0].total_minor, page.total_minor), (405, 1_205));
    till.act(UserAction::OpenWhole);
    assert_eq!(adjust_page(&till).before_minor, 1_205);
    take_off(&mut till, TypedOff::Minor(205));
    let page = sale_page(&till);
    assert_eq!((page.lines[0].total_minor, page.total_minor), (405, 1_000), "lines stay as they were");
    assert_eq!(page.discount.as_ref().map(|off| off.amount_minor), Some(205));
    till.act(UserAction::OpenWhole);
    till.act(UserAction::WriteNote { text: " collect\nat five ".into() });
    pay_in_cash(&mut till);
    let sale = sales(&till).pop().unwrap();
    assert_eq!((sale.total, sale.check()), (cny(1_000), Ok(())));
    assert_eq!(sale.note.as_deref(), Some("collect at five"));
    let receipt = &till.printed[0].receipt;
    assert_eq!((receipt.total, receipt.subtotal(), receipt.saved()), (cny(1_000), cny(1_205), cny(250)));
    assert_eq!(receipt.lines[0].gross(), cny(450));
    let tax: i64 = receipt.tax.iter().map(|tax| tax.amount.minor).sum();
    assert_eq!(tax, sale.tax.minor, "the tax is of what was paid");
    till.act(UserAction::NextSale);
    till.scan(TEA);
    assert_eq!(
        (sale_page(&till).total_minor, sale_page(&till).note.as_str()),
        (450, ""),
        "the next is free of it"
    );
}

#[test]
fn a_price_is_overridden_with_the_old_one_beside_it_and_can_be_restored() {
    let mut till = Till::online();
    till.scan(TEA);
    let line = sale_page(&till).lines[0].line;
    let open = UserAction::OpenLine { line };
    till.act(open.clone());
    till.act(UserAction::OverridePrice { minor: 399, reason: because(ReasonKind::Other) });
    assert_eq!(till.notice(), Some(&Notice::ReasonNeeded), "another reason says which");
    let reason = Reason { kind: ReasonKind::Other, text: "old tag".into() };
    till.act(UserAction::OverridePrice { minor: 399, reason });
    let shown = &sale_page(&till).lines[0];
    assert_eq!((shown.unit_price_minor, shown.was_minor), (399, Some(450)));
    till.scan(TEA);
    assert_eq!(sale_page(&till).total_minor, 399 + 450, "the next piece has its own price");
    till.act(open);
    till.act(UserAction::RestorePrice);
    assert_eq!((sale_page(&till).total_minor, sale_page(&till).lines[0].was_minor), (900, None));
}

#[test]
fn a_quantity_is_typed_and_a_line_that_is_taken_out_is_counted() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan(BREAD);
    let [tea, bread] = [0, 1].map(|index| sale_page(&till).lines[index].line);
    till.act(UserAction::OpenLine { line: tea });
    till.act(UserAction::SetQuantity { quantity: 100_000 });
    assert_eq!(till.notice(), Some(&Notice::QuantityLimit));
    till.act(UserAction::SetQuantity { quantity: 12 });
    assert_eq!(sale_page(&till).total_minor, 12 * 450 + 800);
    till.act(UserAction::OpenLine { line: bread });
    till.act(UserAction::RemoveLine { line: bread });
    assert_eq!((sale_page(&till).lines.len(), sale_page(&till).lines_voided), (1, 1));
    till.act(UserAction::OpenLine { line: bread });
    assert!(matches!(till.page(), Page::Sale(_)), "it is gone");
    pay_in_cash(&mut till);
    assert_eq!(sales(&till).pop().unwrap().lines_voided, 1);
}

#[test]
fn more_than_there_is_cannot_be_taken_off_and_goods_that_go_take_a_discount_with_them() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    for off in [TypedOff::Minor(450), TypedOff::Minor(451), TypedOff::Minor(0), TypedOff::Points(10_001)] {
        take_off(&mut till, off);
        assert_eq!(till.notice(), Some(&Notice::TooMuchOff), "{off:?}");
        assert!(matches!(till.page(), Page::Adjust(page) if page.total_minor == 450));
    }
    till.act(UserAction::Back);
    till.scan(BREAD);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Minor(1_000));
    let bread = sale_page(&till).lines[1].line;
    till.act(UserAction::RemoveLine { line: bread });
    assert_eq!((till.notice(), sale_page(&till).total_minor), (Some(&Notice::DiscountGone), 450));
    assert_eq!(sale_page(&till).discount, None);
}

#[test]
fn goods_that_are_all_free_cannot_be_paid() {
    let mut till = Till::online();
    till.scan(TEA);
    let line = sale_page(&till).lines[0].line;
    till.act(UserAction::OpenLine { line });
    take_off(&mut till, TypedOff::Points(10_000));
    till.act(UserAction::TenderCash);
    assert_eq!(till.notice(), Some(&Notice::NothingToPay));
    assert_eq!(sales(&till), [], "nothing was closed");
    till.scan(BREAD);
    pay_in_cash(&mut till);
    assert!(matches!(till.page(), Page::Done(page) if page.total_minor == 800));
}

#[test]
fn a_sale_that_was_closed_for_payment_never_changes_it_becomes_another() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let first = till.take_draft().unwrap();
    till.act(UserAction::Back);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(1_000));
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { sale } if *sale == first)), 1);
    till.act(UserAction::TenderCode);
    let second = till.take_draft().unwrap();
    assert_ne!(first, second);
    let totals: Vec<i64> = sales(&till).iter().map(|sale| sale.total.minor).collect();
    assert_eq!(totals, [450, 405]);
}

#[test]
fn goods_scanned_on_the_page_of_a_line_go_into_the_sale() {
    let mut till = Till::online();
    till.scan(TEA);
    let line = sale_page(&till).lines[0].line;
    till.act(UserAction::OpenLine { line });
    till.scan(BREAD);
    assert_eq!(sale_page(&till).total_minor, 1_250);
    till.act(UserAction::SetQuantity { quantity: 5 });
    assert_eq!(sale_page(&till).total_minor, 1_250, "a touch that comes late finds its page gone");
}

#[test]
fn the_largest_sale_with_discounts_notes_and_reasons_still_fits_into_one_request() {
    let mut till = Till::online();
    let long = "字".repeat(200);
    let product = |id: usize| evertill_shared::protocol::catalogue::Product {
        id: id.to_string(),
        name: long.clone(),
        barcodes: vec![format!("X{id:06}")],
        price: cny(10_000),
        ..products()[1].clone()
    };
    let goods: Vec<_> = (0..Sale::MAX_LINES).map(product).collect();
    till.give(goods_on_disk(&goods));
    for id in 0..Sale::MAX_LINES {
        till.scan(&format!("X{id:06}"));
    }
    let reason = || Reason { kind: ReasonKind::Other, text: "字".repeat(60) };
    let lines: Vec<u32> = sale_page(&till).lines.iter().map(|line| line.line).collect();
    for line in &lines[..=Sale::MAX_ADJUSTED] {
        till.act(UserAction::OpenLine { line: *line });
        till.act(UserAction::TakeOff { off: TypedOff::Points(1_234), reason: reason() });
        if matches!(till.page(), Page::Sale(_)) {
            till.act(UserAction::OpenLine { line: *line });
            till.act(UserAction::OverridePrice { minor: 9_999, reason: reason() });
            till.act(UserAction::OpenLine { line: *line });
            till.act(UserAction::WriteNote { text: long.clone() });
        }
    }
    assert_eq!(till.notice(), Some(&Notice::QuantityLimit), "so many can be changed by hand");
    till.act(UserAction::Back);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(777));
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 1_000_000_000 });
    till.act(UserAction::CashConfirm);
    till.confirm(true);
    let journal = till.controller.journal.as_ref().unwrap();
    let entry = |sequence| journal.entry(sequence).unwrap();
    let body = evertill_shared::protocol::orders::AdoptOrder {
        sale: entry(2),
        adopted: entry(3),
        cash: Some(entry(3)),
        cash_part: None,
    };
    let bytes = serde_json::to_vec(&body).unwrap().len();
    let most = evertill_shared::protocol::MAX_BODY_BYTES;
    assert!(bytes < most * 9 / 10, "{bytes} of {most}");
}

#[test]
fn who_may_not_give_a_discount_asks_somebody_who_may_and_that_name_stands_on_it() {
    let mut till = served_by("mei");
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(2_000));
    let Page::Approval(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!(page.amount_minor, Some(90), "who approves sees how much");
    take_off(&mut till, TypedOff::Points(9_000));
    approve(&mut till, "wang");
    assert_eq!(sale_page(&till).total_minor, 360, "nothing else was slipped under it");
    let line = sale_page(&till).lines[0].line;
    till.act(UserAction::OpenLine { line });
    till.act(UserAction::OverridePrice { minor: 400, reason: because(ReasonKind::PriceTag) });
    approve(&mut till, "lin");
    pay_in_cash(&mut till);
    let sale = sales(&till).pop().unwrap();
    let login = |who: &Option<evertill_shared::cashier::Cashier>| who.clone().map(|who| who.login);
    assert_eq!(login(&sale.cashier).as_deref(), Some("mei"));
    assert_eq!(login(&sale.discount.as_ref().unwrap().approved_by).as_deref(), Some("wang"));
    let change = sale.lines[0].price_change.as_ref().unwrap();
    assert_eq!((login(&change.approved_by).as_deref(), change.was), (Some("lin"), cny(450)));
    assert_eq!(sale.total, cny(320), "the share follows the price");
}

#[test]
fn a_discount_that_nobody_approves_changes_nothing() {
    let mut till = served_by("mei");
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(2_000));
    till.act(UserAction::Back);
    assert_eq!(adjust_page(&till).total_minor, 450);
    take_off(&mut till, TypedOff::Points(2_000));
    // The next goods matter more: the question is gone with the page that it was asked from.
    till.scan(BREAD);
    assert_eq!(sale_page(&till).total_minor, 1_250);
}

fn open_first(till: &mut Till) {
    let line = sale_page(till).lines[0].line;
    till.act(UserAction::OpenLine { line });
}

#[test]
fn what_was_approved_does_not_grow_with_the_goods() {
    let mut till = served_by("mei");
    till.scan(TEA);
    open_first(&mut till);
    take_off(&mut till, TypedOff::Points(9_000));
    approve(&mut till, "lin");
    assert_eq!(sale_page(&till).total_minor, 45);
    open_first(&mut till);
    till.act(UserAction::SetQuantity { quantity: 99 });
    assert_eq!((till.notice(), sale_page(&till).total_minor), (Some(&Notice::DiscountGone), 99 * 450));
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(9_000));
    approve(&mut till, "lin");
    till.scan(BREAD);
    assert_eq!((till.notice(), sale_page(&till).total_minor), (Some(&Notice::DiscountGone), 1_250));
    assert_eq!(sale_page(&till).discount, None);
}

#[test]
fn a_price_that_was_approved_is_not_that_of_more_pieces() {
    let mut till = served_by("mei");
    till.scan(TEA);
    open_first(&mut till);
    till.act(UserAction::OverridePrice { minor: 1, reason: because(ReasonKind::PriceTag) });
    approve(&mut till, "lin");
    assert_eq!(sale_page(&till).total_minor, 1);
    open_first(&mut till);
    till.act(UserAction::SetQuantity { quantity: 500 });
    assert_eq!((till.notice(), sale_page(&till).total_minor), (Some(&Notice::PriceGone), 500 * 450));
    assert_eq!(sale_page(&till).lines[0].was_minor, None);
}

#[test]
fn what_a_manager_gives_by_the_own_right_follows_the_goods_while_she_serves() {
    let mut till = served_by("lin");
    till.scan(TEA);
    till.act(UserAction::OpenWhole);
    take_off(&mut till, TypedOff::Points(5_000));
    till.scan(TEA);
    assert_eq!((till.notice(), sale_page(&till).total_minor), (None, 450));
    pay_in_cash(&mut till);
    let sale = sales(&till).pop().unwrap();
    assert_eq!(sale.discount.unwrap().approved_by, None, "who served gave it");
}

#[test]
fn what_a_manager_gave_has_her_name_when_another_takes_the_money_and_does_not_grow_then() {
    for parked in [false, true] {
        let mut till = served_by("lin");
        till.scan(TEA);
        till.act(UserAction::OpenWhole);
        take_off(&mut till, TypedOff::Points(5_000));
        open_first(&mut till);
        till.act(UserAction::OverridePrice { minor: 400, reason: because(ReasonKind::PriceTag) });
        if parked {
            till.act(UserAction::OpenHeld);
            till.act(UserAction::Hold { name: String::new() });
        }
        till.act(UserAction::Lock);
        log_in(&mut till, "mei");
        if parked {
            till.act(UserAction::OpenHeld);
            let Page::Held(page) = till.page() else { panic!("{:?}", till.page()) };
            let id = page.rows[0].id;
            till.act(UserAction::Recall { id });
        }
        let mut grown = till.controller.cart.clone();
        assert_eq!(
            grown.add_many(&products()[2], 1, Currency::CNY),
            Ok(super::super::cart::Changed::DiscountGone)
        );
        pay_in_cash(&mut till);
        let sale = sales(&till).pop().unwrap();
        let lin = Some(cashier("lin", "Lin"));
        assert_eq!(sale.cashier, Some(cashier("mei", "Mei")));
        assert_eq!(sale.discount.as_ref().unwrap().approved_by, lin, "parked: {parked}");
        assert_eq!(sale.lines[0].price_change.as_ref().unwrap().approved_by, lin);
    }
}

/// What stands on the cart by the word of somebody who does not serve: discounts by amount, prices by pieces.
fn approved_now(till: &Till) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    let cart = &till.controller.cart;
    for named in cart.lines() {
        if let Some(off) = named.line.discount.as_ref().filter(|off| off.approved_by.is_some()) {
            found.insert(format!("off {}", named.name), off.amount.minor);
        }
        if named.line.price_change.as_ref().is_some_and(|change| change.approved_by.is_some()) {
            found.insert(format!("price {}", named.name), named.line.quantity.into());
        }
    }
    if let Some(off) = cart.discount().filter(|off| off.approved_by.is_some()) {
        found.insert("whole".into(), off.amount.minor);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_done_to_a_sale_makes_more_of_what_was_approved(
        steps in prop::collection::vec((0_u8..10, 0_u32..3, 1_u16..9_000), 1..40),
    ) {
        let mut till = served_by("mei");
        let mut most: BTreeMap<String, i64> = BTreeMap::new();
        for (what, line, number) in steps {
            let minor = i64::from(number);
            match what {
                0 | 1 => till.scan(TEA),
                2 => till.scan(BREAD),
                3 => till.act(UserAction::ChangeQuantity { line, delta: i32::from(number % 9) - 3 }),
                4 => till.act(UserAction::RemoveLine { line }),
                5 => till.act(UserAction::OpenWhole),
                9 => {
                    till.act(UserAction::Lock);
                    log_in(&mut till, if number % 2 == 0 { "mei" } else { "lin" });
                }
                _ => till.act(UserAction::OpenLine { line }),
            }
            let reason = || because(ReasonKind::Regular);
            match what {
                5 | 6 if number % 2 == 0 => take_off(&mut till, TypedOff::Points(number)),
                5 | 6 => take_off(&mut till, TypedOff::Minor(minor)),
                7 => till.act(UserAction::OverridePrice { minor, reason: reason() }),
                8 => till.act(UserAction::SetQuantity { quantity: u32::from(number % 50) }),
                _ => {}
            }
            let asked = matches!(till.page(), Page::Approval(_));
            if asked {
                approve(&mut till, "wang");
            }
            till.act(UserAction::Back);
            let now = approved_now(&till);
            // By a word that was just given, or because another serves now, it may be anything.
            let given = asked || what == 9;
            let grown = now.iter().find(|(of, value)| !given && most.get(*of).is_none_or(|most| *value > most));
            prop_assert_eq!(grown, None, "{:?}", most);
            most = now;
        }
    }
}
