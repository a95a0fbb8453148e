//! A scanner that poses as a keyboard and that nobody has set up types a customer's payment code into whatever box there is.
//! From the moment it is read it is a secret: it stands on no screen, on no paper, in no entry and in no request.

use super::ask_refund::{form, served, sold};
use super::rig::*;
use crate::controller::*;
use crate::view::{Page, TypedOff};
use evertill_shared::order::discount::{Reason, ReasonKind};

const ALIPAY: &str = "281234567890123456";
/// Half of each code.
const PARTS: [&str; 2] = ["3456789012", "3456 7890 12"];

fn left_nowhere(till: &mut Till) {
    let held = till.controller.journal.as_ref().unwrap().held().unwrap();
    let kept = till.controller.journal.as_ref().unwrap().kept_cart().unwrap().map(|kept| kept.record);
    let printed = format!("{:?}", till.printed);
    let all = format!(
        "{:?} {:?} {:?} {held:?} {kept:?} {printed} {:?}",
        till.entries(),
        till.screen,
        till.sent,
        till.controller.orders
    );
    assert!(!PARTS.iter().any(|part| all.contains(part)), "{all}");
}

fn spellings() -> Vec<String> {
    let spaced = "2812 3456 7890 1234 56".to_owned();
    vec![
        WECHAT.into(),
        ALIPAY.into(),
        format!("]C1{WECHAT}\t"),
        format!("P0{ALIPAY}"),
        spaced,
        format!("for {WECHAT}"),
    ]
}

fn told(till: &mut Till) {
    assert_eq!(till.notice(), Some(&Notice::SecretTyped));
    left_nowhere(till);
    till.act(UserAction::DismissNotice);
}

#[test]
fn a_payment_code_that_is_typed_is_no_name_no_note_and_no_reason() {
    for code in spellings() {
        let mut till = Till::online();
        till.scan(TEA);
        till.act(UserAction::OpenHeld);
        till.act(UserAction::Hold { name: code.clone() });
        assert!(
            matches!(till.page(), Page::Held(page) if page.item_count == 1 && page.rows.is_empty()),
            "{code}"
        );
        told(&mut till);
        till.act(UserAction::Back);
        let reason = || Reason { kind: ReasonKind::Other, text: code.clone() };
        for open in [UserAction::OpenWhole, UserAction::OpenLine { line: 0 }] {
            till.act(open);
            till.act(UserAction::WriteNote { text: code.clone() });
            told(&mut till);
            till.act(UserAction::TakeOff { off: TypedOff::Minor(10), reason: reason() });
            told(&mut till);
            till.act(UserAction::OverridePrice { minor: 100, reason: reason() });
            told(&mut till);
            assert!(matches!(till.page(), Page::Adjust(page) if page.total_minor == 450), "{code}");
            till.act(UserAction::Back);
        }
        till.act(UserAction::TenderCash);
        till.act(UserAction::CashGiven { minor: 450 });
        till.act(UserAction::CashConfirm);
        assert!(matches!(till.page(), Page::Done(_)));
        left_nowhere(&mut till);
    }
}

#[test]
fn a_payment_code_that_is_typed_is_no_reason_for_a_refund_and_no_enrolment_code() {
    for code in spellings() {
        let mut till = served();
        sold(&mut till);
        till.act(UserAction::AskRefund);
        till.act(UserAction::RefundWhole);
        till.act(UserAction::RefundReason(code.clone()));
        assert_eq!(form(&till).reason, "", "{code}");
        told(&mut till);
        till.act(UserAction::RefundGoOn);
        assert!(!form(&till).approving, "there is no reason yet");
        let mut new = Till::off(NOON);
        new.give(Input::Started { identity: None, fingerprint: "AB12 CD34".into() });
        let server = "till.example:8443".to_owned();
        for (server, code) in [(server, code.clone()), (code, "0001-ABCD-EFGH".to_owned())] {
            new.act(UserAction::EnrolSubmit { server, code });
            assert_eq!(new.notice(), Some(&Notice::SecretTyped));
            assert!(!new.other.iter().any(|command| matches!(command, Command::Enrol { .. })));
            assert!(!PARTS.iter().any(|part| format!("{:?}", new.screen).contains(part)));
        }
    }
}

/// Types a code into a search as a scanner does: what each letter makes of the box.
fn type_quickly(till: &mut Till, code: &str, edited: impl Fn(String) -> UserAction) {
    for end in 1..=code.len() {
        till.now.monotonic += Duration::from_millis(2);
        till.act(edited(code[..end].into()));
        let search = match till.page() {
            Page::Sale(page) => page.search.clone(),
            Page::Orders(page) => page.search.clone(),
            other => panic!("{other:?}"),
        };
        assert!(!search.is_empty(), "the box is emptied when the code has ended, not before: {end}");
        assert!(search.len() < 18, "{search}");
    }
}

#[test]
fn in_a_search_a_payment_code_is_hidden_as_it_is_typed_and_the_box_is_emptied_at_its_end() {
    for code in [WECHAT, ALIPAY, "301234567890123456789012"] {
        for ends in [true, false] {
            let mut till = Till::online();
            type_quickly(&mut till, code, UserAction::SetSearch);
            if ends {
                till.act(UserAction::SubmitSearch(code.into()));
            } else {
                till.pass(2);
            }
            assert!(
                matches!(till.page(), Page::Sale(page) if page.search.is_empty() && page.lines.is_empty())
            );
            told(&mut till);
            till.act(UserAction::OpenOrders);
            type_quickly(&mut till, code, UserAction::SetOrderSearch);
            if ends {
                till.act(UserAction::SubmitOrderSearch(code.into()));
            } else {
                till.pass(2);
            }
            assert!(matches!(till.page(), Page::Orders(page) if page.search.is_empty()));
            told(&mut till);
            till.pass(5);
            assert_eq!(till.notice(), None, "it is told once");
        }
    }
}

#[test]
fn what_somebody_types_slowly_is_not_taken_from_them() {
    let mut till = Till::online();
    // The goods' own code is as long as a payment code, and begins like one.
    let long = "2612345678901234567";
    let mut goods = products();
    goods[1].barcodes.push(long.into());
    till.give(goods_on_disk(&goods));
    for end in 1..=long.len() {
        till.act(UserAction::SetSearch(long[..end].into()));
        till.pass(2);
        assert!(matches!(till.page(), Page::Sale(page) if page.search == long[..end]), "{end}");
    }
    till.act(UserAction::SubmitSearch(long.into()));
    assert!(matches!(till.page(), Page::Sale(page) if page.lines.len() == 1), "{:?}", till.notice());
    // A letter too many is rubbed out, and the search goes on.
    till.act(UserAction::SetSearch("2812345678901234".into()));
    till.act(UserAction::SetSearch("281234567890123".into()));
    till.pass(5);
    assert!(matches!(till.page(), Page::Sale(page) if page.search == "281234567890123"));
    // An order's number is none, however it is typed and wherever one stops.
    till.act(UserAction::OpenOrders);
    for text in [number(1).to_string(), number(1).grouped()] {
        for end in 1..=text.len() {
            till.act(UserAction::SetOrderSearch(text[..end].into()));
            till.pass(1);
            assert!(matches!(till.page(), Page::Orders(page) if page.search == text[..end]), "{text}: {end}");
        }
    }
}
