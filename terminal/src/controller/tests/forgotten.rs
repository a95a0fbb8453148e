//! Scans where no goods are asked for: they do what whoever scans expects, or are told of.

use super::ask_refund::{form, served, sold};
use super::rig::*;
use crate::controller::*;
use crate::view::{CashPage, Page, SalePage};

fn cash(till: &Till) -> &CashPage {
    let Page::Cash(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

fn sale(till: &Till) -> &SalePage {
    let Page::Sale(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

#[test]
fn goods_that_were_forgotten_go_into_the_sale_while_no_cash_was_counted() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let first = till.take_draft().unwrap();
    till.answer_draft(first, 1);
    till.scan(BREAD);
    assert_eq!((sale(&till).total_minor, till.notice()), (1_250, None));
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { sale } if *sale == first)), 1);
    till.act(UserAction::TenderCash);
    assert_eq!(cash(&till).total_minor, 1_250);
    let second = till.take_draft().unwrap();
    assert_ne!(first, second, "what was closed for payment never changes");
    till.act(UserAction::CashGiven { minor: 1_250 });
    till.act(UserAction::CashConfirm);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { sale, .. } if *sale == second)), 1);
    assert_eq!(till.count(|body| matches!(body, Body::CashTaken { .. })), 1);
}

#[test]
fn with_cash_counted_or_nothing_of_this_store_scanned_the_page_stays() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    for other in ["6901234567885", "nonsense"] {
        till.scan(other);
        assert_eq!((cash(&till).total_minor, till.notice()), (450, Some(&Notice::SaleUnderWay)), "{other}");
    }
    till.act(UserAction::CashGiven { minor: 500 });
    till.scan(BREAD);
    assert_eq!((cash(&till).given_minor, till.notice()), (500, Some(&Notice::SaleUnderWay)));
    assert_eq!(till.count(|body| matches!(body, Body::SaleChanged { .. })), 0);
    // The notes were typed by mistake, and are taken out again.
    till.act(UserAction::CashGiven { minor: 0 });
    till.scan("40170725");
    assert_eq!(till.notice(), Some(&Notice::NoPrice { name: "Bag without price".into() }));
    assert_eq!(
        (sale(&till).total_minor, till.count(|body| matches!(body, Body::SaleChanged { .. }))),
        (450, 0)
    );
}

#[test]
fn a_scan_where_the_till_does_not_sell_is_told_of_until_it_does() {
    let mut till = Till::online();
    till.heartbeat(TerminalState::Blocked);
    for code in [TEA, WECHAT, "EVTA-ABCDE-FGH23-JKLMN-PQRST", "nonsense"] {
        till.act(UserAction::DismissNotice);
        till.scan(code);
        assert!(matches!(till.page(), Page::Fault(_)), "{code}");
        assert_eq!(till.notice(), Some(&Notice::ScanAtFault), "{code}");
        assert!(!format!("{:?}", till.screen).contains(code), "{code}");
    }
    till.heartbeat(TerminalState::Active);
    assert_eq!((sale(&till).lines.len(), till.notice()), (0, None));
}

#[test]
fn goods_that_are_scanned_on_the_form_pick_a_piece_of_their_line() {
    let mut till = served();
    till.scan(BREAD);
    sold(&mut till);
    till.act(UserAction::AskRefund);
    let picked = |till: &Till| form(till).lines.iter().map(|line| line.picked).collect::<Vec<_>>();
    let name = |till: &Till| form(till).lines[0].name.clone();
    assert_eq!((picked(&till), name(&till).as_str()), (vec![0, 0], "Bread"));
    till.scan(TEA);
    till.scan(TEA);
    till.scan(BREAD);
    assert_eq!((picked(&till), form(&till).amount_minor, till.notice()), (vec![1, 2], 1700, None));
    till.scan(BREAD);
    assert_eq!(till.notice(), Some(&Notice::AllPicked { name: "Bread".into() }));
    till.scan("40170725");
    assert_eq!(till.notice(), Some(&Notice::NotInOrder { name: "Bag without price".into() }));
    for other in [WECHAT, "6901234567885", "nonsense"] {
        till.scan(other);
        assert_eq!(till.notice(), Some(&Notice::ScanNotUsed), "{other}");
        assert!(!format!("{:?}", till.screen).contains("3456789012345"));
    }
    till.act(UserAction::RefundReason("Goods damaged".into()));
    till.act(UserAction::RefundGoOn);
    till.scan(TEA);
    assert_eq!((picked(&till), till.notice()), (vec![1, 2], Some(&Notice::ScanNotUsed)), "that is settled");
}
