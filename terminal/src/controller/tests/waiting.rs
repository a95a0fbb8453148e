//! A refund that waits for a manager in the console: the till learns by itself what came of it, and tells it once.

use super::ask_refund::*;
use super::rig::*;
use crate::controller::*;
use crate::sync::{Answer, NetError};
use crate::view::{AskedSaid, Page, RefundRefusal, RefundState as Shown};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, RefundInbox};
use evertill_shared::refund::{RefundRefused, RefundState};

/// The server says which wait still.
fn told(till: &mut Till, waiting: &[&str]) {
    let mut status = till.status(TerminalState::Active);
    status.refund_requests = Some(waiting.iter().map(|&name| name.to_owned()).collect());
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
}

fn take_look(till: &mut Till) -> Option<AskRefundAtTill> {
    till.take(|r| if let Request::AskWaiting { body, .. } = r { Some((**body).clone()) } else { None })
}

fn came(till: &mut Till, asked: &AskRefundAtTill, result: Result<RefundAnswer, NetError>) {
    let request = asked.request.clone();
    till.give(Input::Net(Answer::Waiting { number: number(1), request, result }));
}

/// It waits in the console, and its form is open.
fn waiting() -> (Till, AskRefundAtTill) {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::WaitsInConsole));
    (till, asked)
}

/// And the cashier serves somebody else.
fn left() -> (Till, AskRefundAtTill) {
    let (mut till, asked) = waiting();
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Sale(_)), "{:?}", till.page());
    (till, asked)
}

fn another_day() -> RefundAnswer {
    let sold_on: BusinessDay = "2026-11-20".parse().unwrap();
    let why = RefundRefused::AnotherDay { sold_on, today: sold_on.next() };
    RefundAnswer::Refused { why }
}

#[test]
fn what_a_manager_approves_in_the_console_is_told_wherever_the_cashier_is_and_pays_nothing_by_itself() {
    let (mut till, asked) = left();
    told(&mut till, &[&asked.request]);
    assert!(take_look(&mut till).is_none(), "it waits still");
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    assert_eq!(
        (&look.request, look.amount, &look.reason, look.in_console),
        (&asked.request, asked.amount, &asked.reason, true)
    );
    told(&mut till, &[]);
    assert!(take_look(&mut till).is_none(), "once at a time");
    came(&mut till, &look, Ok(reserved(RefundState::Reserved)));
    let approved = Notice::RefundApproved { order_number: number(1).to_string(), by: "Lin".into() };
    assert_eq!(till.notice(), Some(&approved));
    assert!(!pending(&till) && carried_out(&till) == 0 && till.kicks == 0);
    // It stays until somebody has put it away, and is told once.
    till.scan(TEA);
    assert_eq!(till.notice(), Some(&approved));
    came(&mut till, &look, Ok(reserved(RefundState::Reserved)));
    till.act(UserAction::DismissNotice);
    assert_eq!(till.notice(), None);
    till.act(UserAction::OpenRefunds);
    let Page::Refunds(page) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!(page.items.iter().map(|item| item.state.clone()).collect::<Vec<_>>(), [Shown::Waiting]);
    till.pass(60);
    told(&mut till, &[]);
    assert!(take_look(&mut till).is_none(), "nothing is open");
}

#[test]
fn whoever_stands_before_its_form_is_taken_a_step_back_and_begins_nothing() {
    let (mut till, _) = waiting();
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    came(&mut till, &look, Ok(reserved(RefundState::Reserved)));
    assert!(matches!(till.page(), Page::Order(_)), "{:?}", till.page());
    assert!(matches!(till.notice(), Some(Notice::RefundApproved { .. })));
    assert!(till.screen.as_ref().unwrap().confirm.is_none() && carried_out(&till) == 0);
}

#[test]
fn a_refusal_the_end_of_the_day_and_a_rule_are_told_apart_in_words_and_each_ends_it() {
    let order_number = number(1).to_string();
    let by = || "Lin".to_owned();
    let too_much = RefundRefused::TooMuch { asked: cny(900), left: cny(0) };
    for (told_by, notice, said) in [
        (
            RefundAnswer::RefusedInConsole { by: by() },
            Notice::RefundRefusedInConsole { order_number: order_number.clone(), by: by() },
            AskedSaid::RefusedInConsole(by()),
        ),
        (another_day(), Notice::RefundExpired { order_number: order_number.clone() }, AskedSaid::Expired),
        (
            RefundAnswer::Refused { why: too_much },
            Notice::RefundForbidden { order_number: order_number.clone() },
            AskedSaid::Refused(RefundRefusal::MoreThanPaid),
        ),
    ] {
        let (mut till, _) = left();
        told(&mut till, &[]);
        let look = take_look(&mut till).unwrap();
        came(&mut till, &look, Ok(told_by.clone()));
        assert_eq!((till.notice(), pending(&till)), (Some(&notice), false));
        came(&mut till, &look, Ok(reserved(RefundState::Reserved)));
        assert_eq!(till.notice(), Some(&notice), "it has one end");

        let (mut till, _) = waiting();
        told(&mut till, &[]);
        let look = take_look(&mut till).unwrap();
        came(&mut till, &look, Ok(told_by));
        assert_eq!((&form(&till).said, form(&till).approving, till.notice()), (&said, false, None));
    }
}

#[test]
fn a_till_that_was_switched_off_over_the_cut_off_learns_that_nobody_approved_it() {
    let disk = tempfile::tempdir().unwrap();
    let file = disk.path().join("till.db");
    let mut till = Till::at(&file);
    till.heartbeat(TerminalState::Active);
    sold(&mut till);
    // Nobody logs in here, so a code may approve it, or the console.
    until_approval(&mut till);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(RefundAnswer::WaitsInConsole));
    drop(till);

    let day = 24 * 3600 * 1000;
    let mut till = Till::at_time(&file, evertill_shared::clock::Timestamp(NOON.0 + day));
    assert!(take_look(&mut till).is_none(), "no server was heard");
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    assert_eq!((&look.request, look.amount), (&asked.request, asked.amount));
    // The line breaks: it is asked again, and not at once.
    came(&mut till, &look, Err(no_answer()));
    told(&mut till, &[]);
    assert!(take_look(&mut till).is_none());
    till.pass(16);
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    came(&mut till, &look, Ok(another_day()));
    assert_eq!(till.notice(), Some(&Notice::RefundExpired { order_number: number(1).to_string() }));
    assert!(!pending(&till));
}

#[test]
fn what_is_asked_at_the_form_is_answered_there_and_nothing_else_speaks_for_it() {
    let (mut till, asked) = waiting();
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    // A manager came to the till, and types a PIN while it is asked what came of it.
    pin(&mut till, "lin");
    let by_pin = take_ask(&mut till).unwrap();
    assert_eq!(by_pin.request, asked.request);
    came(&mut till, &look, Ok(RefundAnswer::WaitsInConsole));
    came(&mut till, &look, Ok(RefundAnswer::RefusedInConsole { by: "Wang".into() }));
    assert_eq!((form(&till).said.clone(), pending(&till)), (AskedSaid::Nothing, true));
    till.pass(20);
    told(&mut till, &[]);
    assert!(take_look(&mut till).is_none(), "its own answer is awaited");
    answer(&mut till, &by_pin, Ok(RefundAnswer::RefusedInConsole { by: "Wang".into() }));
    assert_eq!(form(&till).said, AskedSaid::RefusedInConsole("Wang".into()));
    assert!(!pending(&till));
}

#[test]
fn that_it_waits_is_known_also_where_the_answer_was_lost_and_an_old_server_is_asked_nothing() {
    let mut till = served();
    sold(&mut till);
    until_approval(&mut till);
    till.act(UserAction::RefundToConsole);
    let asked = take_ask(&mut till).unwrap();
    told(&mut till, &[&asked.request]);
    assert_eq!(form(&till).said, AskedSaid::Nothing, "its answer is awaited");
    answer(&mut till, &asked, Err(no_answer()));
    assert_eq!(form(&till).said, AskedSaid::NoAnswer);
    told(&mut till, &[&asked.request]);
    assert_eq!(form(&till).said, AskedSaid::WaitsInConsole);
    // A server from before says nothing about it; another one that comes back does.
    let mut before = till.status(TerminalState::Active);
    before.refund_requests = None;
    till.give(Input::Net(Answer::Heartbeat(Ok(before))));
    assert!(take_look(&mut till).is_none());
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    // The inbox was read meanwhile, and the cashier has carried it out.
    came(&mut till, &look, Ok(reserved(RefundState::Done)));
    assert_eq!((till.notice(), pending(&till)), (None, false));
}

#[test]
fn at_the_form_the_end_of_the_day_is_said_as_such_for_what_waited_only() {
    let (mut till, _) = waiting();
    till.act(UserAction::RefundToConsole);
    let again = take_ask(&mut till).unwrap();
    answer(&mut till, &again, Ok(another_day()));
    assert_eq!((form(&till).said.clone(), pending(&till)), (AskedSaid::Expired, false));
    till.pass(1);
    till.act(UserAction::RefundGoOn);
    pin(&mut till, "lin");
    let asked = take_ask(&mut till).unwrap();
    answer(&mut till, &asked, Ok(another_day()));
    assert_eq!(form(&till).said, AskedSaid::Refused(RefundRefusal::OtherDay));
}

#[test]
fn what_was_approved_stays_though_a_list_from_before_comes_after_it() {
    let (mut till, _) = left();
    told(&mut till, &[]);
    let look = take_look(&mut till).unwrap();
    came(&mut till, &look, Ok(reserved(RefundState::Reserved)));
    till.act(UserAction::OpenRefunds);
    let empty =
        || Input::Net(Answer::Refunds(Ok(RefundInbox { refunds: Vec::new(), groups_unreachable: 0 })));
    let listed = |till: &Till| if let Page::Refunds(page) = till.page() { page.items.len() } else { 0 };
    till.give(empty());
    assert_eq!(listed(&till), 1, "it was asked for before the server told of this one");
    till.give(empty());
    assert_eq!(listed(&till), 0, "withdrawn since");
}
