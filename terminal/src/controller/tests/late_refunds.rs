//! Cash refunds whose end is known late: the drawer opens before nobody else, and what is owed is not forgotten.

use super::refunds::*;
use super::rig::*;
use crate::controller::*;
use crate::sync::Answer;
use crate::view::{DrawerState, Page, PrinterState};
use evertill_shared::id::RefundId;
use evertill_shared::refund::{Refund, RefundState};
use std::path::Path;

/// A cash refund was carried out, and its answer is out.
fn begun() -> Till {
    let mut till = waiting();
    carry_out(&mut till);
    assert!(take_carry_out(&mut till));
    till
}

#[test]
fn a_cash_refund_that_is_done_while_others_are_served_opens_no_drawer_and_is_told() {
    let mut till = begun();
    till.act(UserAction::Back);
    for _ in 0..10 {
        till.scan(TEA);
        till.pass(60);
    }
    answer(&mut till, done());
    assert_eq!((till.kicks, till.printed.len()), (0, 1));
    assert_eq!(till.notice(), Some(&to_pay_out()));
}

#[test]
fn with_goods_in_hand_or_away_from_the_refunds_no_drawer_opens_by_itself() {
    let away: [fn(&mut Till); 3] = [
        |till| {
            till.act(UserAction::Back);
            till.scan(TEA);
        },
        |till| {
            till.act(UserAction::Back);
            till.scan(TEA);
            till.act(UserAction::OpenRefunds);
            assert!(matches!(till.page(), Page::Refunds(_)), "{:?}", till.page());
        },
        |till| till.act(UserAction::Back),
    ];
    for go in away {
        let mut till = begun();
        go(&mut till);
        till.pass(30);
        answer(&mut till, done());
        assert_eq!((till.kicks, till.printed.len()), (0, 1));
        assert_eq!(till.notice(), Some(&to_pay_out()));
    }
    let mut till = begun();
    till.pass(30);
    answer(&mut till, done());
    assert_eq!(till.kicks, 1, "whoever carried it out waits for it");
    assert_ne!(till.notice(), Some(&to_pay_out()));
}

#[test]
fn touches_do_not_make_an_answer_less_late() {
    let mut till = begun();
    for _ in 0..3 {
        till.pass(30);
        till.act(UserAction::OpenRefunds);
    }
    answer(&mut till, done());
    assert_eq!(till.kicks, 0);
    assert_eq!(till.notice(), Some(&to_pay_out()));
}

#[test]
fn a_sale_whose_drawer_stayed_shut_keeps_its_way_to_open_it() {
    let mut till = begun();
    till.act(UserAction::Back);
    till.cash_for_tea(2);
    till.give(Input::Kicked { kick: 2, report: PrintReport::NotStarted(PrinterState::PaperOut) });
    answer(&mut till, done());
    let Page::Done(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!((page.drawer, till.kicks), (DrawerState::Shut(PrinterState::PaperOut), 1));
    till.act(UserAction::OpenDrawerAgain);
    assert_eq!(till.kicks, 2);
}

/// The program ends here and now, and another begins.
fn start(path: &Path) -> Till {
    let mut till = Till::at(path);
    till.heartbeat(TerminalState::Active);
    till
}

/// A cash refund was carried out at a till with this disk, and its answer is out.
fn begun_at(path: &Path) -> Till {
    let mut till = start(path);
    asked_in(&mut till);
    carry_out(&mut till);
    assert!(take_carry_out(&mut till));
    till
}

#[test]
fn nothing_lost_a_cash_refund_that_nobody_paid_out_is_told_after_each_start_until_it_is_put_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    drop(begun_at(&path));
    let mut till = start(&path);
    assert_eq!(till.notice(), None, "its end is not known");
    answer(&mut till, done());
    assert_eq!(till.notice(), Some(&to_pay_out()));
    drop(till);
    for _ in 0..2 {
        let till = start(&path);
        assert_eq!((till.notice(), till.kicks), (Some(&to_pay_out()), 0));
    }
    let mut till = start(&path);
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), None);
    drop(till);
    assert_eq!(start(&path).notice(), None);
}

#[test]
fn nothing_lost_killed_between_the_end_of_a_cash_refund_and_the_drawer_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = begun_at(&path);
    let result = done();
    let answer = Answer::CarryOutRefund { refund: RefundId("R1".into()), result };
    // What it orders is never done.
    let ordered = till.controller.handle(Input::Net(answer), till.now);
    assert!(ordered.iter().any(|command| matches!(command, Command::KickDrawer { .. })));
    drop(till);
    let till = start(&path);
    assert_eq!((till.notice(), till.kicks, till.printed.len()), (Some(&to_pay_out()), 0, 0));
}

#[test]
fn what_the_drawer_opened_for_is_not_told_again_and_what_it_stayed_shut_for_is() {
    let shut = PrintReport::NotStarted(PrinterState::PaperOut);
    for (report, is_told) in [(PrintReport::Confirmed, false), (PrintReport::Unknown, false), (shut, true)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut till = begun_at(&path);
        answer(&mut till, done());
        assert_eq!(till.kicks, 1);
        till.give(Input::Kicked { kick: 2, report });
        if is_told {
            assert_eq!(till.notice(), Some(&Notice::DrawerShut(PrinterState::PaperOut)));
            till.act(UserAction::DismissNotice);
            assert_eq!(till.notice(), Some(&to_pay_out()), "the drawer's trouble hides it for a moment only");
        }
        drop(till);
        assert_eq!(start(&path).notice().is_some(), is_told, "{report:?}");
    }
}

#[test]
fn a_till_without_a_drawer_leaves_it_to_whoever_stands_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = begun_at(&path);
    till.controller.options.has_printer = false;
    answer(&mut till, done());
    assert_ne!(till.notice(), Some(&to_pay_out()));
    drop(till);
    assert_eq!(start(&path).notice(), None);
}

#[test]
fn two_refunds_of_one_order_are_told_and_put_away_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = begun_at(&path);
    let second = second_arrives(&mut till);
    till.act(UserAction::CarryOutRefund { id: "R2".into() });
    till.confirm(true);
    till.act(UserAction::Back);
    answer(&mut till, done());
    let second = Refund { state: RefundState::Done, ..second };
    till.give(Input::Net(Answer::CarryOutRefund { refund: second.id.clone(), result: Ok(second) }));
    drop(till);
    let mut till = start(&path);
    for refund in ["R1", "R2"] {
        assert_eq!(till.notice(), Some(&to_pay_out_of(refund)));
        till.act(UserAction::DismissNotice);
    }
    assert_eq!(till.notice(), None);
}

#[test]
fn what_was_to_be_paid_out_is_not_told_before_its_end_is_known_nor_after_it_was_refused() {
    for (result, told) in [(done(), Some(to_pay_out())), (Ok(refund(RefundState::Refused)), None)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let mut till = begun_at(&path);
        // The program ends before the journal says that it is done.
        let record = till.controller.journal.as_ref().unwrap().refund(&RefundId("R1".into())).unwrap();
        assert!(till.controller.is_to_be_paid_out(&record.unwrap()));
        drop(till);
        let mut till = start(&path);
        assert_eq!(till.notice(), None);
        answer(&mut till, result);
        assert_eq!(till.notice(), told.as_ref());
        drop(till);
        assert_eq!(start(&path).notice(), told.as_ref());
    }
}
