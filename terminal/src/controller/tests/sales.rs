//! The sale screen.

use super::rig::*;
use crate::controller::*;
use crate::sync::PaymentQuestion;
use crate::view::{CartLine, Page, Quantity, SalePage};
use evertill_hardware::label::Prefixes;
use evertill_shared::payment::PaymentState;

fn sale_page(till: &Till) -> &SalePage {
    match till.page() {
        Page::Sale(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn goods_are_added_by_scan_by_touch_and_by_search() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan("]E096385074");
    till.act(UserAction::AddProduct { id: "tea".into() });
    till.act(UserAction::SubmitSearch("bre".into()));
    let page = sale_page(&till);
    assert_eq!((page.lines.len(), page.item_count, page.total_minor), (2, 4, 2 * 450 + 2 * 800));
    let (tea, bread) = (page.lines[0].line, page.lines[1].line);
    till.act(UserAction::ChangeQuantity { line: tea, delta: -2 });
    till.act(UserAction::ChangeQuantity { line: bread, delta: 3 });
    assert_eq!((sale_page(&till).lines.len(), sale_page(&till).total_minor), (1, 5 * 800));
    till.act(UserAction::RemoveLine { line: bread });
    till.act(UserAction::RemoveLine { line: bread });
    assert!(sale_page(&till).lines.is_empty());
}

#[test]
fn an_unknown_barcode_is_told_and_changes_nothing() {
    let mut till = Till::online();
    till.scan("4006381333931");
    assert_eq!(till.notice(), Some(&Notice::UnknownBarcode { code: "4006381333931".into() }));
    assert!(sale_page(&till).lines.is_empty());
    till.scan("40170725");
    assert!(matches!(till.notice(), Some(Notice::NoPrice { .. })));
    till.act(UserAction::SubmitSearch("zzz".into()));
    assert!(matches!(till.notice(), Some(Notice::NothingFound { .. })));
    assert!(sale_page(&till).lines.is_empty());
}

#[test]
fn a_payment_code_on_the_sale_screen_is_not_used_and_not_kept() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan(WECHAT);
    assert_eq!(till.notice(), Some(&Notice::PaymentCodeBeforeTender));
    // Another country's wallet: unknown here, and still nobody's business.
    till.scan("6212345678901234567");
    assert!(!format!("{:?}", till.screen).contains("345678901234567"), "{:?}", till.notice());
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    assert!(matches!(till.page(), Page::AwaitCode(_)), "the code was not kept");
    assert_eq!(till.take_pay(), None);
}

#[test]
fn a_sale_is_voided_only_after_a_yes() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::VoidSale);
    till.act(UserAction::AddProduct { id: "tea".into() });
    assert!(till.screen.as_ref().unwrap().confirm.is_some(), "nothing is touched behind the question");
    till.confirm(false);
    assert_eq!(sale_page(&till).item_count, 1);
    till.act(UserAction::VoidSale);
    till.confirm(true);
    till.confirm(true);
    assert!(sale_page(&till).lines.is_empty());
    assert_eq!(till.notice(), Some(&Notice::SaleVoided));
    let total = cny(450);
    assert_eq!(till.entries().pop().unwrap().body, Body::CartVoided { lines: 1, total, cashier: None });
    assert_eq!(till.entries().len(), 2, "once");
}

#[test]
fn lines_that_are_taken_out_until_none_is_left_are_a_sale_given_up() {
    let mut till = Till::online();
    till.scan(TEA);
    till.scan(BREAD);
    till.act(UserAction::RemoveLine { line: 0 });
    assert_eq!(till.entries().len(), 1, "the sale goes on");
    till.act(UserAction::ChangeQuantity { line: 1, delta: -1 });
    let total = cny(800);
    assert_eq!(till.entries().pop().unwrap().body, Body::CartVoided { lines: 2, total, cashier: None });
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    assert_eq!(till.count(|body| matches!(body, Body::Sale(sale) if sale.lines_voided == 0)), 1);
}

#[test]
fn goods_added_after_closing_make_another_sale_of_it() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::Back);
    till.act(UserAction::TenderCash);
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_))), 1, "the same goods are the same sale");
    till.act(UserAction::Back);
    till.scan(BREAD);
    till.act(UserAction::TenderCash);
    assert_eq!(till.count(|body| matches!(body, Body::Sale(_))), 2);
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { sale: 2 })), 1);
}

#[test]
fn an_empty_sale_cannot_be_paid() {
    let mut till = Till::online();
    for action in [UserAction::TenderCash, UserAction::TenderCode] {
        till.act(action);
        assert_eq!(till.notice(), Some(&Notice::EmptySale));
    }
    assert_eq!(till.entries().len(), 1);
}

#[test]
fn a_language_chosen_on_the_screen_is_kept_once_for_the_next_start() {
    let mut till = Till::online();
    till.other.clear();
    for code in ["zh", "zh", "qq", ""] {
        till.act(UserAction::Language { code: code.into() });
    }
    assert!(matches!(till.other[..], [Command::KeepLanguage(Language::Chinese)]));
    assert_eq!(till.screen.as_ref().unwrap().next_language, Language::English, "one touch leads back");
}

#[test]
fn a_size_of_words_chosen_on_the_screen_counts_on_every_page_and_is_kept_once() {
    let mut till = Till::online();
    till.other.clear();
    till.act(UserAction::OpenAbout);
    till.act(UserAction::TextSize(TextSize::Larger));
    till.act(UserAction::TextSize(TextSize::Larger));
    assert!(matches!(till.other[..], [Command::KeepTextSize(TextSize::Larger)]));
    assert_eq!(till.screen.as_ref().unwrap().text_size, TextSize::Larger);
    till.act(UserAction::Back);
    assert_eq!(till.screen.as_ref().unwrap().text_size, TextSize::Larger, "the sale as well");
}

#[test]
fn what_a_scale_has_weighed_is_a_line_of_its_own_with_its_weight_and_price() {
    let mut till = Till::online();
    till.scan("2812345005125");
    till.scan("]E02812345005125");
    till.scan("261234500507005121");
    let page = sale_page(&till);
    assert_eq!((page.lines.len(), page.item_count, page.total_minor), (3, 3, 3 * 507));
    assert_eq!(page.lines[0].name, "Apples 0.512 kg");
    // Weight and price do not bear each other out: as long as a payment code, and not sold.
    till.scan("261234500700005126");
    assert_eq!(till.notice(), Some(&Notice::PaymentCodeBeforeTender));
    assert_eq!(sale_page(&till).lines.len(), 3);
}

#[test]
fn a_payment_code_that_reads_like_a_scales_is_a_payment_code_where_one_was_asked_for() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCode);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.scan("261234500507005121");
    assert!(till.take_pay().is_some());
}

#[test]
fn a_scales_gs1_label_is_sold_by_its_weight_price_or_count_and_never_as_one_at_the_goods_price() {
    let mut till = Till::online();
    // 0.250 kg of what costs 4.50 a kilogram; a piece for 9.90; six of them.
    for label in
        ["]e001069012345678923103000250", "]e00106901234567892392200990", "]C1010690123456789230000006"]
    {
        till.scan(label);
    }
    let page = sale_page(&till);
    let line = |line: &CartLine| (line.name.clone(), line.quantity, line.total_minor);
    let expected = [("Green tea 0.250 kg", 1, 113), ("Green tea", 1, 990), ("Green tea", 6, 6 * 450)];
    assert_eq!(
        page.lines.iter().map(line).collect::<Vec<_>>(),
        expected.map(|(name, pieces, total)| (name.to_owned(), Quantity::Pieces(pieces), total))
    );
    // Dollars, pounds, nothing, and more than a line holds.
    let unclear =
        ["]e001069012345678923932840990", "]e001069012345678923202000551", "]e001069012345678923103000000"];
    for label in unclear {
        till.scan(label);
        assert!(matches!(till.notice(), Some(Notice::LabelUnclear { .. })), "{label}");
    }
    till.scan("]C101069012345678923099999999");
    assert_eq!(till.notice(), Some(&Notice::QuantityLimit));
    assert_eq!(sale_page(&till).total_minor, 113 + 990 + 6 * 450);
}

#[test]
fn a_scales_gs1_label_scanned_beside_the_sale_is_weighed_too() {
    let mut till = Till::online();
    till.act(UserAction::OpenRefunds);
    till.scan("]e001069012345678923103000250");
    assert_eq!(sale_page(&till).total_minor, 113);
}

#[test]
fn goods_whose_last_day_of_sale_is_over_are_not_sold() {
    let mut till = Till::online();
    let tea = |fields: &str| format!("]C10106901234567892{fields}");
    // It is the 20th. Yesterday, a day of last year, and the last day of October.
    for over in ["17251119", "17241231", "17251000", "3103000250\u{1d}17251119", "17251119392200990"] {
        till.act(UserAction::DismissNotice);
        till.scan(&tea(over));
        assert_eq!(till.notice(), Some(&Notice::Expired { name: "Green tea".into() }), "{over}");
    }
    assert!(sale_page(&till).lines.is_empty());
    // Today still, the last day of this month, and what is only no longer at its best.
    for good in ["17251120", "17251100", "15251119", "11251119"] {
        till.scan(&tea(good));
    }
    let sold: u32 = sale_page(&till)
        .lines
        .iter()
        .map(|line| match line.quantity {
            Quantity::Pieces(pieces) => pieces,
            _ => 0,
        })
        .sum();
    assert_eq!(sold, 4);
}

/// What a phone's code looks like to the till, for each way in which scanners mark a QR code and a Code 128.
fn marked() -> Vec<(Prefixes, String)> {
    let marks = [
        (Prefixes::Aim, &["", "]Q1", "]C0"][..]),
        (Prefixes::Zebra, &["P01", "D"]),
        (Prefixes::Datalogic, &["y", "QR", "T"]),
    ];
    let each = |(prefixes, marks): (Prefixes, &'static [&'static str])| {
        marks.iter().map(move |mark| (prefixes, format!("{mark}{WECHAT}")))
    };
    marks.into_iter().flat_map(each).collect()
}

#[test]
fn a_phones_code_is_a_payment_code_on_every_page_however_the_scanner_marks_it() {
    for (prefixes, scan) in marked() {
        let mut till = Till::online_with(prefixes);
        till.scan(&scan);
        assert_eq!(till.notice(), Some(&Notice::PaymentCodeBeforeTender), "{scan}");
        till.act(UserAction::AddProduct { id: "tea".into() });
        till.act(UserAction::TenderCode);
        let sale = till.take_draft().unwrap();
        till.answer_draft(sale, 1);
        till.scan(&scan);
        let attempt = till.take_pay().unwrap_or_else(|| panic!("{scan} is not charged: {:?}", till.notice()));
        till.answer_payment(attempt, PaymentQuestion::Pay, PaymentState::Paid);
        assert!(matches!(till.page(), Page::Done(_)), "{scan}");
        till.scan(&scan);
        assert_eq!(till.notice(), Some(&Notice::DoubleScanIgnored), "{scan}");
        assert!(matches!(till.page(), Page::Done(_)), "{scan}");
    }
}

#[test]
fn what_may_be_a_payment_code_is_shown_nowhere_even_behind_a_mark_that_nobody_knows() {
    for (prefixes, scan) in marked() {
        for scan in [scan.clone(), format!("?{scan}"), format!("{scan}9999")] {
            let mut till = Till::online_with(prefixes);
            let secret = |till: &Till| format!("{:?}", till.screen).contains("3456789012345");
            till.scan(&scan);
            assert!(till.notice().is_some() && !secret(&till), "{scan}: {:?}", till.notice());
            till.act(UserAction::SubmitSearch(scan.clone()));
            assert!(!secret(&till), "{scan}: {:?}", till.notice());
        }
    }
}
