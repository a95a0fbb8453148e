//! A part in cash and the rest by a practice code, and its way back: as in the shop, and no drawer opens.

use super::desk::Desk;
use super::{ask_for_the_newest_back, everybody, locked_for, log_in};
use crate::controller::tests::rig::*;
use crate::controller::*;
use crate::view::{
    CashRest, DrawerState, Page, PaidBy, PaymentState as Shown, PracticeCustomer, RefundState,
};
use std::collections::BTreeMap;

/// A training at a till of everybody's, served by a manager.
fn training() -> Desk {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, "lin");
    let mut desk = Desk::of(till);
    desk.train();
    desk
}

/// Tea for 450, of which 200 is given in cash; the rest is to be scanned.
fn part_of_tea(desk: &mut Desk) {
    desk.scan(TEA);
    desk.act(UserAction::TenderCash);
    desk.pass(1);
    desk.act(UserAction::CashGiven { minor: 200 });
    desk.act(UserAction::CashPart);
    let Page::AwaitCode(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!((page.total_minor, page.part_minor), (450, 200));
}

fn drawer_stayed_shut(desk: &Desk) -> bool {
    !desk.till.iter().any(|command| matches!(command, Command::KickDrawer { .. }))
}

#[test]
fn training_a_part_in_cash_stays_when_the_wallet_says_no_and_another_code_pays_the_rest() {
    let mut desk = training();
    part_of_tea(&mut desk);
    desk.act(UserAction::PracticeScan(PracticeCustomer::HasNoMoney));
    desk.payment(|state| matches!(state, Shown::Declined(_)));
    desk.act(UserAction::TenderCash);
    let Page::Cash(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!((page.part_minor, page.rest), (200, CashRest::ByWallet));
    desk.act(UserAction::CashPart);
    desk.act(UserAction::PracticeScan(PracticeCustomer::Pays));
    desk.payment_over();
    let Page::Done(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let wallet = crate::view::Wallet::WeChatPay;
    assert_eq!(page.paid_by, PaidBy::Split { cash_minor: 200, wallet, wallet_minor: 250 });
    assert_eq!(page.drawer, DrawerState::InTraining);
    desk.act(UserAction::NextSale);
    // All of it back: to the wallet what it paid, and the rest from the drawer.
    ask_for_the_newest_back(&mut desk);
    desk.type_pin("lin");
    desk.pin_is(true);
    desk.pass(3);
    let parts = |desk: &Desk| {
        let Page::Refunds(page) = desk.page() else { panic!("{:?}", desk.page()) };
        let mut parts: Vec<_> =
            page.items.iter().map(|item| (item.amount_minor, item.state.clone())).collect();
        parts.sort_by_key(|(minor, _)| *minor);
        parts
    };
    assert_eq!(parts(&desk), [(200, RefundState::Waiting), (250, RefundState::Done)]);
    let Page::Refunds(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let id = page.items.iter().find(|item| item.cash).unwrap().id.clone();
    desk.act(UserAction::CarryOutRefund { id });
    desk.confirm();
    desk.pass(3);
    assert_eq!(parts(&desk), [(200, RefundState::Done), (250, RefundState::Done)]);
    assert!(drawer_stayed_shut(&desk));
}

#[test]
fn training_a_part_in_cash_ends_in_cash_too_or_goes_back() {
    let mut desk = training();
    part_of_tea(&mut desk);
    desk.act(UserAction::Back);
    desk.act(UserAction::CashBack);
    desk.confirm();
    let told = |notice| matches!(notice, Some(&Notice::HandBack { minor: 200, .. }));
    assert!(told(desk.notice()) && matches!(desk.page(), Page::Sale(_)), "{:?}", desk.page());
    desk.act(UserAction::DismissNotice);
    desk.act(UserAction::TenderCash);
    desk.act(UserAction::CashGiven { minor: 200 });
    desk.act(UserAction::CashPart);
    desk.act(UserAction::Back);
    desk.act(UserAction::CashGiven { minor: 300 });
    desk.act(UserAction::CashConfirm);
    let Page::Done(page) = desk.page() else { panic!("{:?}", desk.page()) };
    assert_eq!(page.paid_by, PaidBy::Cash { given_minor: 500, change_minor: 50 });
    desk.act(UserAction::NextSale);
    desk.pass(2);
    ask_for_the_newest_back(&mut desk);
    desk.type_pin("lin");
    desk.pin_is(true);
    desk.pass(3);
    let Page::Refunds(page) = desk.page() else { panic!("{:?}", desk.page()) };
    let [item] = &page.items[..] else { panic!("{:?}", page.items) };
    assert_eq!((item.amount_minor, item.cash, &item.state), (450, true, &RefundState::Done));
    assert!(drawer_stayed_shut(&desk));
}
