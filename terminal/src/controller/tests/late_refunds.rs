//! Cash refunds whose end is known late: the drawer opens before nobody else.

use super::refunds::*;
use super::rig::*;
use crate::controller::*;
use crate::view::{DrawerState, Page, PrinterState};

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
