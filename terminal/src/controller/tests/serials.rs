//! Goods that are sold by their serial number.

use super::rig::*;
use crate::controller::*;
use crate::view::{Confirm, Page};
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::secret::SecretText;

const PHONE: &str = "4003000000038";
const WHISKY: &str = "4003000000045";

/// Phones, and old whisky from 18 on, are sold by their serial numbers.
fn goods() -> Vec<Product> {
    let mut goods = products();
    let numbered = |id: &str, code: &str, least_age| Product {
        id: id.into(),
        name: id.into(),
        barcodes: vec![code.into()],
        needs_serial: true,
        least_age,
        ..goods[1].clone()
    };
    let more = [numbered("phone", PHONE, None), numbered("whisky", WHISKY, Some(18))];
    goods.extend(more);
    goods
}

fn till() -> Till {
    let mut till = Till::online();
    till.give(goods_on_disk(&goods()));
    till
}

/// The same on the disk, as after each start.
fn till_at(path: &std::path::Path) -> Till {
    let mut till = Till::at(path);
    till.heartbeat(TerminalState::Active);
    till.give(goods_on_disk(&goods()));
    till
}

fn page_question(till: &Till) -> u32 {
    if let Page::Serial(page) = till.page() { page.question } else { 0 }
}

fn type_serial(till: &mut Till, text: &str) {
    let question = page_question(till);
    till.act(UserAction::SerialTyped { question, text: SecretText::new(text.into()) });
}

/// The goods that the till asks the number of, and how many scans wait.
fn asked(till: &Till) -> Option<(String, u32)> {
    if let Page::Serial(page) = till.page() { Some((page.name.clone(), page.waiting)) } else { None }
}

fn serials(till: &Till) -> Vec<Option<String>> {
    let Page::Sale(page) = till.page() else { panic!("{:?}", till.page()) };
    page.lines.iter().map(|line| line.serial.clone()).collect()
}

fn some(serial: &str) -> Option<String> {
    Some(serial.to_owned())
}

#[test]
fn each_piece_stands_on_a_line_of_its_own_with_its_number_in_the_journal_and_on_the_receipt() {
    let mut till = till();
    till.scan(PHONE);
    assert_eq!(asked(&till), Some(("phone".into(), 0)));
    till.scan("SN-0001");
    till.act(UserAction::AddProduct { id: "phone".into() });
    type_serial(&mut till, " SN-0002 ");
    assert_eq!(serials(&till), [some("SN-0001"), some("SN-0002")]);
    till.act(UserAction::ChangeQuantity { line: 0, delta: 1 });
    assert_eq!(till.notice(), Some(&Notice::OnePiece), "one number is that of one piece");
    till.act(UserAction::OpenLine { line: 0 });
    till.act(UserAction::SetQuantity { quantity: 2 });
    assert_eq!(till.notice(), Some(&Notice::OnePiece));
    till.act(UserAction::Back);
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let in_journal = till.count(|body| {
        matches!(body, Body::Sale(sale) if sale.lines.iter().filter_map(|line| line.serial.as_deref()).eq(["SN-0001", "SN-0002"]))
    });
    assert_eq!(in_journal, 1);
    till.act(UserAction::CashGiven { minor: 10_000 });
    till.act(UserAction::CashConfirm);
    let on_paper: Vec<_> = till.printed[0].receipt.lines.iter().map(|line| line.serial.clone()).collect();
    assert_eq!(on_paper, [some("SN-0001"), some("SN-0002"), None]);
}

#[test]
fn of_a_code_that_holds_the_goods_and_the_number_one_scan_is_enough() {
    let mut till = till();
    let phone = |number: &str| format!("]C10104003000000038{number}");
    till.scan(&phone("21SN-77"));
    assert_eq!((asked(&till), serials(&till)), (None, vec![some("SN-77")]));
    // The number is in the sale already: another one is asked for.
    till.scan(&phone("21SN-77"));
    assert_eq!(till.notice(), Some(&Notice::SerialTwice { serial: "SN-77".into() }));
    assert_eq!(asked(&till), Some(("phone".into(), 0)));
    till.scan(&phone("21SN-78"));
    assert_eq!(serials(&till), [some("SN-77"), some("SN-78")]);
    // Without a number inside it is asked for, and after a question about age only then.
    till.scan(&phone("10LOT"));
    assert_eq!(asked(&till), Some(("phone".into(), 0)));
    till.act(UserAction::Back);
    till.scan("]C1010400300000004521W-1");
    assert!(matches!(till.screen.as_ref().unwrap().confirm, Some(Confirm::OldEnough { .. })));
    till.scan(&phone("21SN-79"));
    till.confirm(true);
    assert_eq!(serials(&till), [some("SN-77"), some("SN-78"), some("W-1"), some("SN-79")]);
}

#[test]
fn one_number_is_taken_once_and_what_is_none_is_not_taken() {
    let mut till = till();
    till.scan(PHONE);
    till.scan("SN-0001");
    till.scan(WHISKY);
    till.confirm(true);
    for again in ["SN-0001", " sn-0001"] {
        type_serial(&mut till, again);
        assert_eq!(
            till.notice(),
            Some(&Notice::SerialTwice { serial: again.trim().into() }),
            "of other goods"
        );
    }
    let long = "9".repeat(41);
    let receipt = number(1).to_string();
    for none in [PHONE, TEA, receipt.as_str(), long.as_str(), "1\u{1d}2"] {
        till.scan(none);
        let told = (till.notice(), asked(&till));
        assert_eq!(told, (Some(&Notice::NotASerial), Some(("whisky".into(), 0))), "{none:?}");
    }
    for none in ["", " ", PHONE, long.as_str(), "EVTA-ABCDE-ABCDE-ABCDE-ABCDE"] {
        till.act(UserAction::DismissNotice);
        type_serial(&mut till, none);
        assert_eq!(till.notice(), Some(&Notice::NotASerial), "{none:?}");
    }
    till.act(UserAction::Back);
    assert_eq!(till.notice(), Some(&Notice::NotSold { name: "whisky".into() }));
    assert_eq!(serials(&till), [some("SN-0001")], "without its number the piece is not sold");
    till.act(UserAction::RemoveLine { line: 0 });
    till.scan(PHONE);
    till.scan("SN-0001");
    assert_eq!(serials(&till), [some("SN-0001")], "it is not in the sale any more");
}

#[test]
fn a_payment_code_is_no_number_and_is_neither_shown_nor_kept() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("till.db");
    let mut till = till_at(&path);
    till.scan(PHONE);
    let codes =
        ["134567890123456789".to_owned(), "1345 6789 0123 4567 89".into(), "281234567890123456".into()];
    for code in codes.into_iter().chain([format!("]Q1{WECHAT}"), format!("{WECHAT}\r")]) {
        for typed in [false, true] {
            till.act(UserAction::DismissNotice);
            if typed {
                type_serial(&mut till, &code)
            } else {
                till.scan(&code)
            }
            assert_eq!(till.notice(), Some(&Notice::PaymentCodeNotSerial), "{code:?} typed: {typed}");
            let shown = format!("{:?}", till.screen);
            assert!(
                !["13456789", "1345 6789", "28123456"].iter().any(|part| shown.contains(part)),
                "{shown}"
            );
        }
    }
    till.scan("SN-1");
    till.act(UserAction::TenderCash);
    drop(till);
    for file in std::fs::read_dir(disk.path()).unwrap() {
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(WECHAT) && !holds("6789 0123") && !holds("281234567890123456"));
    }
}

#[test]
fn the_number_that_is_asked_for_may_come_with_the_goods_own_code() {
    let mut till = till();
    let both = |gtin: &str, serial: &str| format!("]d201{gtin:0>14}21{serial}");
    till.scan(PHONE);
    assert_eq!(asked(&till), Some(("phone".into(), 0)));
    till.scan(&both(TEA, "SN-2"));
    assert_eq!(till.notice(), Some(&Notice::NotASerial), "that is the number of something else");
    till.scan(&both(PHONE, "SN-1"));
    assert_eq!(serials(&till), [some("SN-1")]);
}

#[test]
fn one_touch_too_many_answers_for_no_other_piece() {
    let mut till = till();
    for code in [WHISKY, PHONE, PHONE] {
        till.scan(code);
    }
    till.confirm(true);
    let question = page_question(&till);
    let text = || SecretText::new("W-1".into());
    till.act(UserAction::SerialTyped { question, text: text() });
    till.act(UserAction::SerialTyped { question, text: text() });
    assert_eq!((asked(&till), till.notice()), (Some(("phone".into(), 1)), None));
    till.act(UserAction::NoSerial { question });
    assert_eq!(asked(&till), Some(("phone".into(), 1)), "a late no is not for this one");
    let question = page_question(&till);
    till.act(UserAction::NoSerial { question });
    till.act(UserAction::NoSerial { question });
    assert_eq!(asked(&till), Some(("phone".into(), 0)));
    type_serial(&mut till, "P-2");
    assert_eq!(serials(&till), [some("W-1"), some("P-2")]);
    assert_eq!(till.notice(), Some(&Notice::NotSold { name: "phone".into() }), "and the other is told of");
}

#[test]
fn held_recalled_killed_and_replayed_a_piece_keeps_its_number() {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().join("till.db");
    let mut till = till_at(&path);
    till.scan(PHONE);
    till.scan("SN-1");
    till.act(UserAction::OpenHeld);
    till.act(UserAction::Hold { name: String::new() });
    drop(till);
    let mut till = till_at(&path);
    till.act(UserAction::OpenHeld);
    let Page::Held(page) = till.page() else { panic!("{:?}", till.page()) };
    let id = page.rows[0].id;
    till.act(UserAction::Recall { id });
    till.scan(PHONE);
    till.scan("SN-1");
    assert_eq!(till.notice(), Some(&Notice::SerialTwice { serial: "SN-1".into() }));
    // Kill -9 while it asks: what has no number yet is not in the sale.
    drop(till);
    let mut till = till_at(&path);
    assert_eq!(serials(&till), [some("SN-1")]);
    till.act(UserAction::TenderCash);
    drop(till);
    let mut till = till_at(&path);
    till.act(UserAction::CashGiven { minor: 10_000 });
    if !matches!(till.page(), Page::Cash(_)) {
        till.act(UserAction::TenderCash);
        till.act(UserAction::CashGiven { minor: 10_000 });
    }
    till.act(UserAction::CashConfirm);
    let sold =
        |body: &Body| matches!(body, Body::Sale(sale) if sale.lines[0].serial.as_deref() == Some("SN-1"));
    assert_eq!(till.count(sold), 1, "in hand again it is the same sale");
    assert_eq!(till.printed[0].receipt.lines[0].serial.as_deref(), Some("SN-1"));
    till.act(UserAction::NextSale);
    till.act(UserAction::OpenOrders);
    let Page::Orders(page) = till.page() else { panic!("{:?}", till.page()) };
    let id = page.orders[0].id.clone();
    till.act(UserAction::OpenOrder { id });
    let Page::Order(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!(page.lines[0].serial.as_deref(), Some("SN-1"));
}

#[test]
fn the_age_is_asked_for_first_and_what_was_scanned_meanwhile_follows_after_the_number() {
    let mut till = till();
    for code in [WHISKY, TEA, PHONE, TEA] {
        till.scan(code);
    }
    assert!(matches!(&till.screen.as_ref().unwrap().confirm, Some(Confirm::OldEnough { waiting: 3, .. })));
    till.confirm(true);
    assert_eq!(asked(&till), Some(("whisky".into(), 3)));
    till.scan("W-1");
    assert_eq!(asked(&till), Some(("phone".into(), 1)), "the tea went in before it");
    till.act(UserAction::Back);
    assert_eq!(serials(&till), [some("W-1"), None]);
    till.scan(WHISKY);
    assert_eq!(asked(&till), Some(("whisky".into(), 0)), "the age was looked at");
    till.act(UserAction::Back);
    till.act(UserAction::TenderCash);
    let ages = till.count(
        |body| matches!(body, Body::Sale(sale) if sale.age.as_ref().is_some_and(|age| age.years == 18)),
    );
    assert_eq!(ages, 1);
}

#[test]
fn a_number_that_was_not_given_leaves_no_age_and_nothing_else_can_be_done_meanwhile() {
    let mut till = till();
    till.scan(WHISKY);
    till.confirm(true);
    for action in [
        UserAction::TenderCash,
        UserAction::VoidSale,
        UserAction::OpenOrders,
        UserAction::AddProduct { id: "tea".into() },
    ] {
        till.act(action);
        assert_eq!(asked(&till), Some(("whisky".into(), 0)));
    }
    till.act(UserAction::Back);
    till.scan(WHISKY);
    assert!(till.screen.as_ref().unwrap().confirm.is_some(), "nobody was sold anything for being old enough");
}

#[test]
fn on_a_refunds_form_a_serial_number_picks_its_piece() {
    let mut till = till();
    till.scan(PHONE);
    till.scan("SN-1");
    till.scan(PHONE);
    till.scan("SN-2");
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 900 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    till.scan(&number(1).to_string());
    till.act(UserAction::AskRefund);
    let picked = |till: &Till| -> Vec<(Option<String>, u32)> {
        let Page::AskRefund(page) = till.page() else { panic!("{:?}", till.page()) };
        page.lines.iter().map(|line| (line.serial.clone(), line.picked)).collect()
    };
    till.scan(PHONE);
    assert_eq!(till.notice(), Some(&Notice::NotASerial), "which of the two?");
    till.scan("sn-2");
    assert_eq!(picked(&till), [(some("SN-1"), 0), (some("SN-2"), 1)]);
    till.scan("SN-2");
    assert_eq!(till.notice(), Some(&Notice::AllPicked { name: "phone".into() }));
    till.scan(PHONE);
    assert_eq!(picked(&till), [(some("SN-1"), 1), (some("SN-2"), 1)], "only one is left that it can be");
}
