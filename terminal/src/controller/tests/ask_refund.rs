//! A refund asked for at the till: the server decides, the till asks once, whatever is lost or pressed twice.

use super::approval::everybody;
use super::duty::{locked_for, log_in};
use super::rig::*;
use crate::controller::*;
use crate::journal_store::JournalStore;
use crate::sync::{Answer, NetError};
use crate::view::{
    AskRefundPage, AskedSaid, Confirm, LockState, OrderAdvice, Page, RefundRefusal, RefundState as Shown,
};
use evertill_shared::id::RefundId;
use evertill_shared::order::PaidBy;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{AskRefundAtTill, CodeRefused, RefundAnswer, RefundOrder};
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;

/// Tea for ten, sold by Bo for cash and known to the server; its page is open.
pub fn sold(till: &mut Till) -> u64 {
    (0..10).for_each(|_| till.scan(TEA));
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.answer_draft(sale, 1);
    till.act(UserAction::CashGiven { minor: 10_000 });
    till.act(UserAction::CashConfirm);
    till.act(UserAction::NextSale);
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    (till.kicks, till.printed) = (0, Vec::new());
    till.scan(&number(1).to_string());
    sale
}

pub fn served() -> Till {
    let mut till = locked_for(everybody(), &BTreeMap::new());
    log_in(&mut till, "bo");
    till.heartbeat(TerminalState::Active);
    till
}

pub fn form(till: &Till) -> &AskRefundPage {
    let Page::AskRefund(page) = till.page() else { panic!("{:?}", till.page()) };
    page
}

/// Two of the ten come back; the page waits for a PIN.
pub fn until_approval(till: &mut Till) {
    till.act(UserAction::AskRefund);
    till.act(UserAction::RefundPick { line: 0, delta: 1 });
    till.act(UserAction::RefundPick { line: 0, delta: 1 });
    till.act(UserAction::RefundReason("Goods damaged".into()));
    till.act(UserAction::RefundGoOn);
}

pub fn pin(till: &mut Till, login: &str) {
    till.act(UserAction::ChoosePerson { login: login.into() });
    till.act(UserAction::Unlock { pin: SecretText::new("4711".into()) });
}

pub fn take_ask(till: &mut Till) -> Option<AskRefundAtTill> {
    till.take(|r| if let Request::AskRefund { body, .. } = r { Some((**body).clone()) } else { None })
}

pub fn answer(till: &mut Till, asked: &AskRefundAtTill, result: Result<RefundAnswer, NetError>) {
    let request = asked.request.clone();
    till.give(Input::Net(Answer::AskRefund { number: number(1), request, result }));
}

pub fn reserved(state: RefundState) -> RefundAnswer {
    let refund = Refund {
        id: RefundId("R1".into()),
        order: number(1),
        amount: cny(900),
        state,
        requested_by: "Lin".into(),
        reason: "Goods damaged".into(),
        requested_at: NOON,
        refused: None,
    };
    let paid_by = PaidBy::Cash { given: cny(4500), change: cny(0) };
    RefundAnswer::Reserved { order: Box::new(RefundOrder { refund, paid_by, next_at: None }), cash: None }
}

pub fn carried_out(till: &Till) -> usize {
    till.count(|body| matches!(body, Body::RefundCarriedOut { .. }))
}

pub fn pending(till: &Till) -> bool {
    let journal = till.controller.journal.as_ref().unwrap();
    journal.fact(&format!("refund_asked:{}", number(1))).unwrap().is_some()
}

#[test]
fn what_the_manager_approves_is_asked_once_and_carried_out_at_once() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    assert_eq!((form(&till).amount_minor, form(&till).approving), (900, true));
    let may: Vec<&str> = form(&till).people.iter().map(|person| person.login.as_str()).collect();
    assert_eq!(may, ["lin", "wang"], "only who holds the right is asked");
    assert_eq!(form(&till).pin, LockState::ChoosePerson);
    till.act(UserAction::ChoosePerson { login: "mei".into() });
    assert_eq!(form(&till).chosen, None);
    pin(&mut till, "lin");
    pin(&mut till, "lin");
    assert_eq!(form(&till).pin, LockState::Checking);
    let asked = take_ask(&mut till).unwrap();
    assert!(take_ask(&mut till).is_none(), "a second touch asks nothing");
    assert_eq!((asked.approver.as_str(), asked.pin.expose(), asked.amount), ("lin", "4711", cny(900)));
    assert_eq!(asked.cashier.as_ref().map(|cashier| cashier.login.as_str()), Some("bo"));
    assert!((8..=40).contains(&asked.request.len()), "{}", asked.request);
    assert!(pending(&till), "on the disk before it is asked");
    let journal = till.controller.journal.as_ref().unwrap();
    let stored = journal.fact(&format!("refund_asked:{}", number(1))).unwrap().unwrap();
    assert!(!stored.contains("4711") && !stored.contains("lin"), "{stored}");

    answer(&mut till, &asked, Ok(reserved(RefundState::Reserved)));
    answer(&mut till, &asked, Ok(reserved(RefundState::Reserved)));
    assert_eq!(carried_out(&till), 1);
    let Page::Refunds(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!((page.items[0].state.clone(), page.items[0].asked_by.as_str()), (Shown::Working, "Lin"));
    assert!(!pending(&till));
    till.heartbeat(TerminalState::Active);
    assert!(till.take(|r| matches!(r, Request::CarryOutRefund { .. }).then_some(())).is_some());
    assert_eq!(till.kicks, 0, "no drawer before it is done");
}

#[test]
fn wrong_pins_are_the_servers_to_count_and_the_screen_says_how_many_are_left() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.act(UserAction::ChoosePerson { login: "lin".into() });
    till.act(UserAction::Unlock { pin: SecretText::new("12".into()) });
    assert_eq!(form(&till).pin, LockState::NotAPin);
    assert!(take_ask(&mut till).is_none());
    pin(&mut till, "lin");
    let first = take_ask(&mut till).unwrap();
    answer(&mut till, &first, Ok(RefundAnswer::WrongPin { tries_left: 3 }));
    assert_eq!(form(&till).pin, LockState::Wrong { tries_left: 3 });
    pin(&mut till, "lin");
    let second = take_ask(&mut till).unwrap();
    answer(&mut till, &second, Ok(RefundAnswer::Wait { seconds: 10 }));
    assert_eq!(form(&till).pin, LockState::Wait { seconds: 10 });
    till.pass(4);
    assert_eq!(form(&till).pin, LockState::Wait { seconds: 6 });
    till.pass(6);
    assert_eq!(form(&till).pin, LockState::EnterPin);
    pin(&mut till, "wang");
    let third = take_ask(&mut till).unwrap();
    answer(&mut till, &third, Ok(RefundAnswer::NotApprover));
    assert_eq!(form(&till).said, AskedSaid::NotApprover);
    assert!(!pending(&till), "nothing of all that was reserved");
    assert_eq!(till.controller.duty.wrong.left("lin"), 5, "the till's own count is another one");
    assert_eq!(carried_out(&till), 0);
}

#[test]
fn each_refusal_is_said_in_words_and_something_else_may_be_asked_for() {
    let mut till = served();
    sold(&mut till);
    let day = |text: &str| text.parse().unwrap();
    for (why, said) in [
        (RefundRefused::TooMuch { asked: cny(900), left: cny(100) }, RefundRefusal::MoreThanPaid),
        (RefundRefused::AnotherTill { sold_at: 2.try_into().unwrap() }, RefundRefusal::OtherTerminal),
        (
            RefundRefused::AnotherDay { sold_on: day("2025-11-19"), today: day("2025-11-20") },
            RefundRefusal::OtherDay,
        ),
        (RefundRefused::NotPaid, RefundRefusal::NotPaid),
    ] {
        until_approval(&mut till);
        pin(&mut till, "lin");
        let asked = take_ask(&mut till).unwrap();
        answer(&mut till, &asked, Ok(RefundAnswer::Refused { why }));
        assert_eq!((form(&till).said.clone(), form(&till).approving), (AskedSaid::Refused(said), false));
        assert!(!pending(&till));
        till.act(UserAction::Back);
    }
    until_approval(&mut till);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Err(refused(ErrorCode::TerminalBlocked)));
    assert_eq!(till.page(), &Page::Fault(FaultPage::Blocked));
    assert!(!pending(&till));
    assert_eq!(carried_out(&till), 0);
}

#[test]
fn without_a_line_nothing_is_asked_for() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.line_lost();
    pin(&mut till, "lin");
    assert_eq!((take_ask(&mut till), form(&till).said.clone()), (None, AskedSaid::Offline));
    till.heartbeat(TerminalState::Active);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Err(NetError::NotSent("no route".into())));
    assert_eq!(form(&till).said, AskedSaid::Offline);
    assert!(!pending(&till), "what surely never left is as if it had not been asked for");
}

#[test]
fn an_answer_that_is_lost_leaves_only_the_same_to_be_asked_again_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let mut till = Till::at(&path);
    till.heartbeat(TerminalState::Active);
    sold(&mut till);
    till.give(Input::Net(Answer::Staff(Ok(everybody()))));
    log_in(&mut till, "bo");
    until_approval(&mut till);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Err(no_answer()));
    assert_eq!(form(&till).said, AskedSaid::NoAnswer);
    // Nothing of it can be changed now.
    till.act(UserAction::RefundPick { line: 0, delta: 5 });
    till.act(UserAction::RefundWhole);
    till.act(UserAction::RefundReason("Wrong price".into()));
    assert_eq!((form(&till).amount_minor, form(&till).reason.as_str()), (900, "Goods damaged"));

    // Kill -9, and a new start.
    let wall = till.now.wall;
    till.controller.journal = None;
    let journal = JournalStore::open(&path, start_head(), key(), wall).unwrap();
    let mut till = Till::with(Box::new(journal), wall.plus(Duration::from_secs(5)));
    till.heartbeat(TerminalState::Active);
    till.act(UserAction::NextSale);
    till.give(Input::Net(Answer::Staff(Ok(everybody()))));
    log_in(&mut till, "bo");
    till.scan(&number(1).to_string());
    till.act(UserAction::AskRefund);
    assert_eq!((form(&till).amount_minor, form(&till).said.clone()), (900, AskedSaid::NoAnswer));
    // A wrong PIN says nothing about the first one: it stays open.
    pin(&mut till, "lin");
    let again = take_ask(&mut till).unwrap();
    assert_eq!((&again.request, again.amount, &again.reason), (&asked.request, asked.amount, &asked.reason));
    answer(&mut till, &again, Ok(RefundAnswer::WrongPin { tries_left: 4 }));
    assert!(pending(&till));
    pin(&mut till, "lin");
    let again = take_ask(&mut till).unwrap();
    answer(&mut till, &again, Ok(reserved(RefundState::Reserved)));
    // It may have been reserved since long: nothing is carried out that nobody says yes to.
    assert_eq!((&again.request, carried_out(&till), pending(&till)), (&asked.request, 0, false));
    let asks = till.screen.as_ref().unwrap().confirm.as_ref();
    assert!(matches!(asks, Some(Confirm::CarryOutRefund { amount_minor: 900, .. })), "{asks:?}");
    till.confirm(true);
    till.confirm(true);
    assert_eq!(carried_out(&till), 1);
}

#[test]
fn what_was_asked_for_by_mistake_is_dropped_by_a_wrong_pin_whichever_page_is_open_then() {
    let answers = || {
        [
            Ok(RefundAnswer::WrongPin { tries_left: 4 }),
            Ok(RefundAnswer::Wait { seconds: 10 }),
            Ok(RefundAnswer::NotApprover),
            Err(NetError::NotSent("no route".into())),
        ]
    };
    for opened_again in [false, true] {
        for result in answers() {
            let mut till = served();
            sold(&mut till);
            until_approval(&mut till);
            pin(&mut till, "lin");
            let asked = take_ask(&mut till).unwrap();
            till.act(UserAction::Back);
            assert!(matches!(till.page(), Page::Order(_)), "while it is being checked");
            if opened_again {
                till.act(UserAction::AskRefund);
                assert_eq!(form(&till).said, AskedSaid::NoAnswer, "it may be reserved");
            }
            answer(&mut till, &asked, result);
            assert!(!pending(&till), "nothing was reserved");
            if opened_again {
                till.act(UserAction::Back);
            } else {
                till.act(UserAction::AskRefund);
            }
            assert!(!form(&till).approving);
            till.act(UserAction::RefundAmount { minor: 100 });
            assert_eq!((form(&till).amount_minor, carried_out(&till)), (100, 0));
        }
    }
}

#[test]
fn another_managers_approval_of_the_same_is_found_in_the_inbox() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Err(no_answer()));
    pin(&mut till, "wang");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::AskedBefore));
    assert_eq!(form(&till).said, AskedSaid::AskedBefore);
    assert!(!pending(&till));
}

#[test]
fn an_answer_that_nobody_waits_for_moves_no_money_by_itself() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    till.act(UserAction::Back);
    answer(&mut till, &asked, Ok(reserved(RefundState::Reserved)));
    assert_eq!((carried_out(&till), till.notice()), (0, Some(&Notice::RefundsArrived { count: 1 })));
    let Page::Order(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!((page.advice, page.refunds[0].state.clone()), (OrderAdvice::RefundWaits, Shown::Waiting));
    assert!(page.can_refund, "3600 of it is left");
    // Nor behind the lock.
    until_approval(&mut till);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    till.act(UserAction::Lock);
    answer(&mut till, &asked, Ok(reserved(RefundState::Reserved)));
    assert_eq!(carried_out(&till), 0);
}

#[test]
fn no_more_than_what_is_left_can_be_asked_for() {
    let mut till = served();
    sold(&mut till);
    till.act(UserAction::AskRefund);
    till.act(UserAction::RefundPick { line: 0, delta: 100 });
    assert_eq!((form(&till).amount_minor, form(&till).lines[0].picked), (4500, 10));
    till.act(UserAction::RefundPick { line: 7, delta: 1 });
    till.act(UserAction::RefundPick { line: 0, delta: -3 });
    assert_eq!(form(&till).amount_minor, 3150);
    till.act(UserAction::RefundAmount { minor: 4501 });
    till.act(UserAction::RefundReason("Wrong price".into()));
    till.act(UserAction::RefundGoOn);
    assert!(!form(&till).approving && !form(&till).ready);
    till.act(UserAction::RefundAmount { minor: 0 });
    till.act(UserAction::RefundGoOn);
    assert!(!form(&till).approving);
    till.act(UserAction::RefundWhole);
    assert_eq!((form(&till).amount_minor, form(&till).ready), (4500, true));
    till.act(UserAction::RefundGoOn);
    assert!(form(&till).approving);
    till.act(UserAction::Back);
    assert!(!form(&till).approving, "back to the form, with what was chosen");
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Order(_)));
}

#[test]
fn what_is_not_paid_or_not_sent_offers_no_refund_and_nobody_to_approve_is_said() {
    let mut till = Till::online();
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    let sale = till.take_draft().unwrap();
    till.act(UserAction::CashGiven { minor: 450 });
    till.act(UserAction::CashConfirm);
    till.scan(&format!("T0001-1-{sale}"));
    let Page::Order(page) = till.page() else { panic!("{:?}", till.page()) };
    assert!(!page.can_refund, "the server does not know it yet");
    till.act(UserAction::AskRefund);
    assert!(matches!(till.page(), Page::Order(_)));
    till.answer_draft(sale, 1);
    till.controller.journal.as_mut().unwrap().confirm_sale(sale, false).unwrap();
    till.controller.options.scanner = None;
    till.act(UserAction::AskRefund);
    assert_eq!(till.notice(), Some(&Notice::NobodyMayApprove), "nor can a code be scanned");
}

const CODE: &str = "EVTA-ABCDE-FGH23-JKLMN-PQRST";

#[test]
fn a_managers_code_that_is_scanned_approves_without_a_pin_and_is_kept_nowhere() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.scan(CODE);
    till.scan(CODE);
    let asked = take_ask(&mut till).unwrap();
    assert!(take_ask(&mut till).is_none(), "a second scan asks nothing");
    assert_eq!((asked.approver.as_str(), asked.pin.expose(), asked.amount), ("", "", cny(900)));
    assert_eq!(asked.code.as_ref().map(SecretText::expose), Some(CODE));
    let journal = till.controller.journal.as_ref().unwrap();
    let stored = journal.fact(&format!("refund_asked:{}", number(1))).unwrap().unwrap();
    assert!(!stored.contains("ABCDE"), "{stored}");
    // Its answer is lost: the same is asked for, by the same code.
    answer(&mut till, &asked, Err(no_answer()));
    assert_eq!(form(&till).said, AskedSaid::NoAnswer);
    till.scan(CODE);
    let again = take_ask(&mut till).unwrap();
    assert_eq!((&again.request, &again.amount), (&asked.request, &asked.amount));
    answer(&mut till, &again, Ok(reserved(RefundState::Reserved)));
    let asks = till.screen.as_ref().unwrap().confirm.as_ref();
    assert!(matches!(asks, Some(Confirm::CarryOutRefund { amount_minor: 900, .. })), "{asks:?}");
}

/// A shop in which nobody has a PIN, or in which no manager has.
fn without_approvers() -> [Till; 2] {
    let cashiers: Vec<_> = vec![super::duty::person("bo", "Bo", Role::Cashier)];
    let mut named = locked_for(TillStaff { version: 1, people: Some(cashiers) }, &BTreeMap::new());
    log_in(&mut named, "bo");
    named.heartbeat(TerminalState::Active);
    [named, Till::online()]
}

#[test]
fn where_no_manager_has_a_pin_a_managers_code_approves_a_refund() {
    for mut till in without_approvers() {
        sold(&mut till);
        until_approval(&mut till);
        assert!(form(&till).approving && form(&till).people.is_empty(), "{:?}", till.notice());
        assert_eq!((form(&till).pin, form(&till).chosen.as_ref()), (LockState::CodeOnly, None));
        pin(&mut till, "lin");
        assert!(take_ask(&mut till).is_none(), "there is nobody whose PIN it could be");
        till.scan(CODE);
        assert_eq!(form(&till).pin, LockState::Checking);
        let asked = take_ask(&mut till).unwrap();
        assert_eq!((asked.code.as_ref().map(SecretText::expose), asked.amount), (Some(CODE), cny(900)));
        answer(&mut till, &asked, Ok(RefundAnswer::CodeRefused { why: CodeRefused::Expired }));
        assert_eq!(form(&till).pin, LockState::CodeOnly, "another may be scanned");
        till.scan(CODE);
        let asked = take_ask(&mut till).unwrap();
        answer(&mut till, &asked, Ok(reserved(RefundState::Reserved)));
        assert_eq!(carried_out(&till), 1);
    }
}

#[test]
fn a_code_that_approves_nothing_says_why_and_another_may_be_scanned() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    for why in [CodeRefused::Expired, CodeRefused::Used, CodeRefused::AnotherTill, CodeRefused::TooMuch] {
        till.scan(CODE);
        let asked = take_ask(&mut till).unwrap();
        answer(&mut till, &asked, Ok(RefundAnswer::CodeRefused { why }));
        assert_eq!((form(&till).said.clone(), form(&till).approving), (AskedSaid::CodeRefused(why), true));
        assert!(!pending(&till), "nothing of it is open");
    }
    // A till that is older than the server's answer settles nothing by it.
    till.scan(CODE);
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::NotKnownHere));
    assert_eq!(form(&till).said, AskedSaid::NoAnswer);
    assert!(pending(&till));
}

#[test]
fn a_managers_code_is_shown_and_used_nowhere_else() {
    let mut till = served();
    till.scan(CODE);
    assert!(take_ask(&mut till).is_none());
    let screen = format!("{:?}", till.screen);
    assert!(!screen.contains("ABCDE"), "{screen}");
    sold(&mut till);
    till.act(UserAction::AskRefund);
    till.scan(CODE);
    assert!(take_ask(&mut till).is_none(), "what is asked for is not settled yet");
    assert!(!form(&till).approving);
}

#[test]
fn a_code_that_is_typed_instead_of_scanned_stands_nowhere_on_the_screen() {
    let shown = |till: &Till| format!("{:?}", till.screen).contains("FGH23");
    let lost = &CODE[..CODE.len() - 1];
    for text in [CODE.to_owned(), format!("]Q1{CODE}"), CODE.to_lowercase(), format!(" {lost}\t")] {
        let mut till = Till::online();
        till.act(UserAction::SubmitSearch(text.clone()));
        assert!(!shown(&till), "{text}: {:?}", till.notice());
        assert_eq!(till.notice(), Some(&Notice::SecretTyped), "{text}");
        till.scan(&format!("?{text}"));
        assert!(!shown(&till), "{text}: {:?}", till.notice());
        till.act(UserAction::OpenOrders);
        till.act(UserAction::SubmitOrderSearch(text.clone()));
        assert!(!shown(&till), "{text}: {:?}", till.notice());
        assert!(matches!(till.page(), Page::Orders(page) if page.search.is_empty()), "{text}");
    }
    // Key by key: as soon as it is whole the box is empty.
    let mut till = Till::online();
    for end in 1..=CODE.len() {
        till.act(UserAction::SetSearch(CODE[..end].into()));
    }
    assert!(matches!(till.page(), Page::Sale(page) if page.search.is_empty()));
    till.act(UserAction::OpenOrders);
    for end in 1..=CODE.len() {
        till.act(UserAction::SetOrderSearch(CODE[..end].into()));
    }
    assert!(matches!(till.page(), Page::Orders(page) if page.search.is_empty()));
    assert!(!shown(&till));
}

#[test]
fn where_nobody_may_approve_it_waits_in_the_console_also_over_a_restart_and_is_asked_for_once() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    assert!(form(&till).may_wait);
    till.act(UserAction::RefundToConsole);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    assert!(take_ask(&mut till).is_none(), "a second touch asks nothing");
    assert!(
        asked.in_console
            && asked.approver.is_empty()
            && asked.pin.expose().is_empty()
            && asked.code.is_none()
    );
    answer(&mut till, &asked, Ok(RefundAnswer::WaitsInConsole));
    assert_eq!((form(&till).said.clone(), form(&till).approving), (AskedSaid::WaitsInConsole, true));
    assert!(pending(&till) && carried_out(&till) == 0);

    // Whoever comes back to it finds it waiting, and can ask for nothing else.
    till.act(UserAction::Back);
    till.act(UserAction::AskRefund);
    assert_eq!((form(&till).said.clone(), form(&till).amount_minor), (AskedSaid::WaitsInConsole, 900));
    till.act(UserAction::RefundPick { line: 0, delta: 1 });
    assert_eq!(form(&till).amount_minor, 900);
    till.act(UserAction::RefundToConsole);
    let again = take_ask(&mut till).unwrap();
    assert_eq!((&again.request, again.amount, again.in_console), (&asked.request, asked.amount, true));
    // Approved meanwhile: its customer may be gone, so somebody says yes first.
    answer(&mut till, &again, Ok(reserved(RefundState::Reserved)));
    let asks = till.screen.as_ref().unwrap().confirm.as_ref();
    assert!(matches!(asks, Some(Confirm::CarryOutRefund { .. })), "{asks:?}");
    assert!(!pending(&till) && carried_out(&till) == 0);
}

#[test]
fn what_a_manager_refused_in_the_console_is_over_and_something_else_may_be_asked_for() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::WaitsInConsole));
    till.act(UserAction::RefundToConsole);
    let again = take_ask(&mut till).unwrap();
    answer(&mut till, &again, Ok(RefundAnswer::RefusedInConsole { by: "Lin".into() }));
    assert_eq!(form(&till).said, AskedSaid::RefusedInConsole("Lin".into()));
    assert!(!pending(&till) && !form(&till).approving);
    till.pass(1);
    till.act(UserAction::RefundPick { line: 0, delta: 1 });
    till.act(UserAction::RefundGoOn);
    till.act(UserAction::RefundToConsole);
    assert_ne!(take_ask(&mut till).unwrap().request, asked.request);
}

#[test]
fn one_that_waits_in_the_console_can_be_approved_here_after_all_under_the_same_name() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::WaitsInConsole));
    pin(&mut till, "lin");
    let by_pin = take_ask(&mut till).unwrap();
    assert_eq!(
        (&by_pin.request, by_pin.in_console, by_pin.approver.as_str()),
        (&asked.request, false, "lin")
    );
    // A wrong PIN takes nothing of it back.
    answer(&mut till, &by_pin, Ok(RefundAnswer::WrongPin { tries_left: 4 }));
    assert!(pending(&till));
}

#[test]
fn a_server_from_before_is_not_asked_for_what_it_does_not_know() {
    let mut till = served();
    sold(&mut till);
    let mut before = till.status(TerminalState::Active);
    before.refunds_in_console = false;
    till.give(Input::Net(Answer::Heartbeat(Ok(before))));
    until_approval(&mut till);
    assert!(!form(&till).may_wait);
    till.act(UserAction::RefundToConsole);
    assert!(take_ask(&mut till).is_none());
}
