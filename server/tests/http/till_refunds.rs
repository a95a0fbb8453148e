//! Refunds asked for at the till: the server alone decides who approves, whose order it is, which day, and how much.

use crate::rig::{Came, PASSWORD, Server, Store, Till, hash};
use crate::sale::{Sold, adopt, at, cny, sell, shop, write};
use evertill_server::base_store::{
    AuditKind, Decider, Decision, NewApproval, PinCheck, PinTry, RequestState, StaffRecord,
};
use evertill_shared::clock::Clock as _;
use evertill_shared::journal::Body;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::OrderView;
use evertill_shared::protocol::path;
use evertill_shared::protocol::refunds::{
    AskRefundAtTill, CarryOutRefund, CodeRefused, RefundAnswer, RefundInbox,
};
use evertill_shared::protocol::staff::{PersonLeft, Role, StaffRow, TerminalChange, path as staff_path};
use evertill_shared::protocol::terminal::TerminalStatus;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};
use evertill_shared::secret::SecretText;
use std::time::Duration;

const PIN: &str = "90417263";

/// A shop whose manager Max has a PIN, and an order of the first till, paid in cash.
async fn sold() -> (Store, Server, Till, Till, Sold) {
    let (store, server, mut till, other) = shop().await;
    let sold = sell(&server, &mut till, 500).await;
    adopt(&server, &mut till, &sold, Some(500)).await.json::<OrderView>();
    set_pin(&server, "max").await;
    (store, server, till, other, sold)
}

async fn set_pin(server: &Server, login: &str) {
    server.app().base.set_pin(login, Some(hash(PIN)), "ivy".into()).await.unwrap();
}

fn asked(request: &str, minor: i64, approver: &str, pin: &str) -> AskRefundAtTill {
    AskRefundAtTill {
        request: request.into(),
        amount: cny(minor),
        reason: "too cold".into(),
        approver: approver.into(),
        pin: SecretText::new(pin.into()),
        code: None,
        cashier: None,
        in_console: false,
    }
}

async fn ask(server: &Server, till: &Till, sold: &Sold, asked: &AskRefundAtTill) -> Came {
    server.ask(&till.key, "POST", &at(path::ASK_REFUND, sold.number), Some(asked)).await
}

fn reserved(came: &Came) -> Refund {
    match came.json() {
        RefundAnswer::Reserved { order, .. } => order.refund,
        other => panic!("{other:?}"),
    }
}

fn refused(came: &Came) -> RefundRefused {
    match came.json() {
        RefundAnswer::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

async fn nothing_is_reserved(server: &Server, till: &Till) {
    assert!(server.get(&till.key, path::REFUNDS).await.json::<RefundInbox>().refunds.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_at_the_till_stands_under_the_managers_name_once_and_is_carried_out_there() {
    let (store, server, mut till, _other, sold) = sold().await;
    let request = asked("till-asks-1", 200, "max", PIN);
    let refund = reserved(&ask(&server, &till, &sold, &request).await);
    assert_eq!((refund.state, refund.amount), (RefundState::Reserved, cny(200)));
    assert_eq!((refund.requested_by.as_str(), refund.reason.as_str()), ("max of the test", "too cold"));
    let again = reserved(&ask(&server, &till, &sold, &request).await);
    assert_eq!(again.id, refund.id, "a request that is repeated has one effect");
    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.len(), 1);

    let one = at(path::REFUND, sold.number).replace("{refund}", &refund.id.0);
    let body =
        Body::RefundCarriedOut { refund: refund.id, number: sold.number, amount: cny(200), cashier: None };
    let carried_out = write(&server, &mut till, body);
    let done = server.ask(&till.key, "POST", &one, Some(&CarryOutRefund { carried_out })).await;
    assert_eq!(done.json::<Refund>().state, RefundState::Done);
    assert_eq!(reserved(&ask(&server, &till, &sold, &request).await).state, RefundState::Done);

    let trail = server.app().base.audit_rows(None, 50).await.unwrap();
    let row = trail.iter().find(|row| row.why.contains("till-asks-1")).unwrap();
    assert_eq!(row.who, "max");
    assert!(row.why.contains("T0001") && row.why.contains("too cold"), "{row:?}");
    assert!(trail.iter().all(|row| !row.why.contains(PIN)));
    server.stop().await;
    for file in files(store.dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(PIN.len()).any(|part| part == PIN.as_bytes());
        assert!(!found, "the PIN is in {}", file.display());
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn never_over_same_till_same_day_each_refusal_says_why() {
    let (_store, server, till, other, sold) = sold().await;
    let too_much = ask(&server, &till, &sold, &asked("too-much-1", 501, "max", PIN)).await;
    assert_eq!(refused(&too_much), RefundRefused::TooMuch { asked: cny(501), left: cny(500) });
    let nothing = ask(&server, &till, &sold, &asked("nothing-001", 0, "max", PIN)).await;
    assert_eq!(refused(&nothing), RefundRefused::BadAmount);
    let elsewhere = ask(&server, &other, &sold, &asked("elsewhere1", 100, "max", PIN)).await;
    assert_eq!(refused(&elsewhere), RefundRefused::AnotherTill { sold_at: till.terminal });
    nothing_is_reserved(&server, &till).await;

    let request = asked("in-time-001", 300, "max", PIN);
    let refund = reserved(&ask(&server, &till, &sold, &request).await);
    let rest = ask(&server, &till, &sold, &asked("the-rest-1", 201, "max", PIN)).await;
    assert_eq!(refused(&rest), RefundRefused::TooMuch { asked: cny(201), left: cny(200) });
    let theirs = ask(&server, &other, &sold, &request).await;
    assert_eq!(refused(&theirs), RefundRefused::AnotherTill { sold_at: till.terminal });
    let other_amount = ask(&server, &till, &sold, &asked("in-time-001", 301, "max", PIN)).await;
    assert_eq!(other_amount.json::<RefundAnswer>(), RefundAnswer::AskedBefore);
    let short = ask(&server, &till, &sold, &asked("short", 1, "max", PIN)).await;
    assert_eq!(short.code(), ErrorCode::BadRequest);

    server.clock.forward(Duration::from_secs(24 * 3600));
    let late = ask(&server, &till, &sold, &asked("too-late-01", 100, "max", PIN)).await;
    assert!(matches!(refused(&late), RefundRefused::AnotherDay { .. }));
    // What was decided in time stays decided.
    assert_eq!(reserved(&ask(&server, &till, &sold, &request).await).id, refund.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_paid_is_not_refunded_and_a_number_of_no_order_is_none() {
    let (_store, server, mut till, _other, paid) = sold().await;
    let unpaid = sell(&server, &mut till, 300).await;
    adopt(&server, &mut till, &unpaid, None).await.json::<OrderView>();
    let came = ask(&server, &till, &unpaid, &asked("unpaid-0001", 100, "max", PIN)).await;
    assert_eq!(refused(&came), RefundRefused::NotPaid);
    let nowhere = Sold {
        number: evertill_shared::order_number::OrderNumber::new(server.clock.now(), 7, paid.number.tag())
            .unwrap(),
        ..unpaid
    };
    let came = ask(&server, &till, &nowhere, &asked("nowhere-001", 100, "max", PIN)).await;
    assert_eq!(came.code(), ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_somebody_who_may_approves_and_only_as_long_as_they_are_there() {
    let (_store, server, till, _other, sold) = sold().await;
    let answer = async |approver: &str, pin: &str| -> RefundAnswer {
        ask(&server, &till, &sold, &asked("approver-01", 100, approver, pin)).await.json()
    };
    set_pin(&server, "cas").await;
    set_pin(&server, "ivy").await;
    for forged in ["cas", "ivy", "nobody", "", "max'--", "pin:person:max", &"x".repeat(500)] {
        assert_eq!(answer(forged, PIN).await, RefundAnswer::NotApprover, "{forged}");
    }
    let short = ask(&server, &till, &sold, &asked("approver-01", 100, "max", "12")).await;
    assert_eq!(short.code(), ErrorCode::BadRequest);
    assert_eq!(
        answer("max", "1111").await,
        RefundAnswer::WrongPin { tries_left: 4 },
        "none of that was a try"
    );

    let ivy = server.log_in("ivy").await;
    let left = PersonLeft { login: "max".into(), reason: "moved away".into() };
    server.staff("POST", staff_path::STAFF_LEFT, Some(&ivy), &left).await.json::<StaffRow>();
    assert_eq!(answer("max", PIN).await, RefundAnswer::NotApprover);
    nothing_is_reserved(&server, &till).await;
}

async fn second_manager(server: &Server) {
    let row = StaffRow {
        login: "mia".into(),
        name: "Mia".into(),
        role: Role::Manager,
        left_at: None,
        has_pin: false,
        has_card: false,
    };
    let record = StaffRecord { row, password_hash: hash(PASSWORD) };
    server.app().base.add_staff(record, "ivy".into()).await.unwrap();
    set_pin(server, "mia").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_pins_cost_time_at_the_server_per_person_and_per_till() {
    let (_store, server, till, other, sold) = sold().await;
    second_manager(&server).await;
    let at_till = async |till: &Till, approver: &str, pin: &str| -> RefundAnswer {
        ask(&server, till, &sold, &asked("wrong-pins1", 100, approver, pin)).await.json()
    };
    for tries_left in [4, 3, 2, 1] {
        assert_eq!(at_till(&till, "max", "1111").await, RefundAnswer::WrongPin { tries_left });
    }
    assert_eq!(at_till(&till, "max", "1111").await, RefundAnswer::Wait { seconds: 10 });
    assert!(
        matches!(at_till(&till, "max", PIN).await, RefundAnswer::Wait { seconds: 1..=10 }),
        "not even the right one"
    );
    assert!(matches!(at_till(&other, "max", PIN).await, RefundAnswer::Wait { .. }), "nor at another till");
    assert!(
        matches!(at_till(&till, "mia", PIN).await, RefundAnswer::Wait { .. }),
        "nor another's at this till"
    );
    let sold_at = till.terminal;
    let elsewhere = RefundAnswer::Refused { why: RefundRefused::AnotherTill { sold_at } };
    assert_eq!(at_till(&other, "mia", PIN).await, elsewhere, "others elsewhere go on");
    server.clock.forward(Duration::from_secs(11));
    assert_eq!(at_till(&till, "max", "1111").await, RefundAnswer::Wait { seconds: 20 }, "twice as long");
    server.clock.forward(Duration::from_secs(21));
    assert!(matches!(at_till(&till, "max", PIN).await, RefundAnswer::Reserved { .. }));
    assert_eq!(
        at_till(&till, "max", "1111").await,
        RefundAnswer::WrongPin { tries_left: 4 },
        "forgotten by then"
    );
}

/// How many tries are counted as wrong.
fn counted(store: &Store) -> i64 {
    let base = files(store.dir.path()).into_iter().find(|file| file.ends_with("base.db")).unwrap();
    let base =
        rusqlite::Connection::open_with_flags(base, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    base.query_row("SELECT coalesce(sum(failures), 0) FROM login_failures", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_while_a_right_pin_is_looked_at_makes_it_no_wrong_one() {
    let (store, server, till, _other, sold) = sold().await;
    let request = asked("broken-line", 100, "max", PIN);
    {
        let mut asking = std::pin::pin!(ask(&server, &till, &sold, &request));
        while counted(&store) == 0 {
            let pause = Duration::from_millis(1);
            if tokio::time::timeout(pause, asking.as_mut()).await.is_ok() {
                break;
            }
        }
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while counted(&store) > 0 {
        assert!(tokio::time::Instant::now() < until, "a right PIN stands as a wrong one");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // And so it is with what could not be looked at at all.
    let base = &server.app().base;
    let tried = PinTry {
        login: "max".into(),
        till: till.terminal,
        request_id: "not looked at".into(),
        may: |role| role == Role::Manager,
    };
    for n in 0..20 {
        let tried = PinTry { request_id: format!("not looked at {n}"), ..tried.clone() };
        let check = base.try_pin(&tried).await.unwrap();
        assert!(matches!(check, PinCheck::Look { tries_left: 4, .. }), "{check:?}");
        base.pin_was_not_looked_at(&tried).await.unwrap();
    }
    assert_eq!(counted(&store), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_guesses_at_once_are_no_more_tries_than_one_after_the_other() {
    let (_store, server, till, _other, sold) = sold().await;
    let guesses: Vec<AskRefundAtTill> =
        (0..24).map(|n| asked(&format!("guessing-{n:02}"), 1, "max", &format!("{:04}", 5000 + n))).collect();
    let sent = guesses.iter().map(|guess| ask(&server, &till, &sold, guess));
    let came = futures_of(sent.collect()).await;
    let looked_at = came.iter().filter(|came| matches!(came.json(), RefundAnswer::WrongPin { .. })).count();
    assert_eq!(looked_at, 4, "the fifth wrong one and all others wait");
    nothing_is_reserved(&server, &till).await;
}

/// Runs them at the same time.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in open.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        let ready = open.iter().all(|(_, output)| output.is_some());
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    open.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_have_no_effect_not_even_as_wrong_tries() {
    let (store, server, till, _other, sold) = sold().await;
    let second = store.serve().await;
    let body = |pin: &str| serde_json::to_vec(&asked("replayed-01", 100, "max", pin)).unwrap();
    let path = at(path::ASK_REFUND, sold.number);
    let wrong = server.sign(&till.key, "POST", &path, body("1111"));
    assert_eq!(server.send(&wrong).await.json::<RefundAnswer>(), RefundAnswer::WrongPin { tries_left: 4 });
    for _ in 0..6 {
        assert_eq!(server.send(&wrong).await.code(), ErrorCode::Replayed);
    }
    let right = server.sign(&till.key, "POST", &path, body(PIN));
    reserved(&server.send(&right).await);
    assert_eq!(server.send(&right).await.code(), ErrorCode::Replayed);
    let inbox: RefundInbox = second.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.len(), 1);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn block_means_block_a_blocked_till_asks_for_no_refund() {
    let (_store, server, till, _other, sold) = sold().await;
    let it = server.log_in("ivy").await;
    let change = TerminalChange::Block { reason: "stolen".into() };
    assert_eq!(server.change(&it, till.terminal, &change).await.status, 200);
    let came = ask(&server, &till, &sold, &asked("blocked-001", 100, "max", PIN)).await;
    assert_eq!(came.code(), ErrorCode::TerminalBlocked);
    assert!(!String::from_utf8_lossy(&came.body).contains(PIN));
}

#[tokio::test(flavor = "multi_thread")]
async fn never_over_tills_and_consoles_at_once() {
    let (_store, server, till, _other, sold) = sold().await;
    second_manager(&server).await;
    let mut amounts = Vec::new();
    let asks: Vec<AskRefundAtTill> = (0..6)
        .map(|n| asked(&format!("racing-{n:04}"), 150, if n % 2 == 0 { "max" } else { "mia" }, PIN))
        .collect();
    for came in futures_of(asks.iter().map(|one| ask(&server, &till, &sold, one)).collect()).await {
        match came.json() {
            RefundAnswer::Reserved { order, .. } => amounts.push(order.refund.amount.minor),
            RefundAnswer::Refused { why } => assert!(matches!(why, RefundRefused::TooMuch { .. }), "{why:?}"),
            // Tries that are just being looked at count: more than five at once have to wait.
            RefundAnswer::Wait { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(amounts.len() <= 3 && !amounts.is_empty(), "three times 150 fit into 500: {amounts:?}");
}

/// A code of that person's, for an order or a till.
async fn code(
    server: &Server,
    login: &str,
    most: i64,
    order: Option<&Sold>,
    till: Option<&Till>,
) -> SecretText {
    let new = NewApproval {
        login: login.into(),
        most: cny(most),
        order: order.map(|sold| sold.number),
        till: till.map(|till| till.terminal),
    };
    server.app().base.new_approval_code(new).await.unwrap().code
}

fn by_code(request: &str, minor: i64, code: &SecretText) -> AskRefundAtTill {
    AskRefundAtTill { code: Some(code.clone()), ..asked(request, minor, "", "") }
}

fn code_refused(came: &Came) -> CodeRefused {
    match came.json() {
        RefundAnswer::CodeRefused { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_scanned_approves_one_refund_under_the_managers_name_and_no_other() {
    let (store, server, till, other, sold) = sold().await;
    let second = store.serve().await;
    let code = code(&server, "max", 300, Some(&sold), None).await;
    let request = by_code("by-code-001", 200, &code);
    let refund = reserved(&ask(&server, &till, &sold, &request).await);
    assert_eq!((refund.amount, refund.requested_by.as_str()), (cny(200), "max of the test"));
    // The answer was lost: the same is asked again, of another server and when the code is over.
    server.clock.forward(Duration::from_secs(3600));
    assert_eq!(reserved(&ask(&second, &till, &sold, &request).await).id, refund.id);
    // Whatever is not that very request finds it used up.
    for replay in [by_code("by-code-002", 200, &code), by_code("by-code-001", 100, &code)] {
        assert_eq!(code_refused(&ask(&second, &till, &sold, &replay).await), CodeRefused::Used);
    }
    assert_eq!(code_refused(&ask(&server, &other, &sold, &request).await), CodeRefused::Used);
    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.len(), 1);

    let trail = server.app().base.audit_rows(None, 50).await.unwrap();
    for what in [AuditKind::ApprovalCodeMade, AuditKind::ApprovalCodeUsed] {
        let rows: Vec<_> = trail.iter().filter(|row| row.what == what).collect();
        assert_eq!((rows.len(), rows[0].who.as_str()), (1, "max"), "{what:?}");
    }
    assert!(trail.iter().all(|row| !row.why.contains("EVTA")));
    second.stop().await;
    server.stop().await;
    for file in files(store.dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let text = code.expose().as_bytes();
        assert!(!bytes.windows(text.len()).any(|part| part == text), "the code is in {}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_replayed_or_scanned_at_two_tills_at_once_approves_once() {
    let (_store, server, till, other, sold) = sold().await;
    let code = code(&server, "max", 500, Some(&sold), None).await;
    let signed = |key, request: &str| {
        let body = serde_json::to_vec(&by_code(request, 100, &code)).unwrap();
        server.sign(key, "POST", &at(path::ASK_REFUND, sold.number), body)
    };
    let first = signed(&till.key, "at-once-000");
    let mut asks: Vec<_> = (1..8).map(|n| signed(&till.key, &format!("at-once-{n:03}"))).collect();
    asks.push(signed(&other.key, "at-once-100"));
    asks.push(first.clone());
    let came = futures_of(asks.iter().map(|one| server.send(one)).collect()).await;
    let answers: Vec<RefundAnswer> = came.iter().map(Came::json).collect();
    let approved = answers.iter().filter(|answer| matches!(answer, RefundAnswer::Reserved { .. }));
    assert_eq!(approved.count(), 1, "{answers:?}");
    let used = RefundAnswer::CodeRefused { why: CodeRefused::Used };
    let of_the_other = |answer: &&RefundAnswer| {
        matches!(answer, RefundAnswer::Refused { why: RefundRefused::AnotherTill { .. } })
    };
    let used = answers.iter().filter(|answer| **answer == used).count();
    assert_eq!(used + answers.iter().filter(of_the_other).count(), 8, "{answers:?}");
    let replayed = server.send(&first).await;
    let is_used = replayed.status == 200 && code_refused(&replayed) == CodeRefused::Used;
    assert!(is_used || replayed.code() == ErrorCode::Replayed, "{replayed:?}");
    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.len(), 1, "another till's scan uses nothing up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_approves_nothing_beyond_what_it_was_made_for() {
    let (_store, server, till, other, sold) = sold().await;
    let answer = async |at_till: &Till, minor: i64, code: &SecretText| {
        code_refused(&ask(&server, at_till, &sold, &by_code("beyond-0001", minor, code)).await)
    };
    let small = code(&server, "max", 100, None, Some(&till)).await;
    assert_eq!(answer(&till, 101, &small).await, CodeRefused::TooMuch);
    assert_eq!(answer(&other, 100, &small).await, CodeRefused::AnotherTill);
    server.clock.forward(Duration::from_secs(10 * 60));
    assert_eq!(answer(&till, 100, &small).await, CodeRefused::Expired);
    let stranger = SecretText::new("EVTA-ABCDE-FGH23-JKLMN-PQRST".into());
    assert_eq!(answer(&till, 100, &stranger).await, CodeRefused::Unknown);
    let nonsense = by_code("beyond-0001", 100, &SecretText::new("4711".into()));
    assert_eq!(ask(&server, &till, &sold, &nonsense).await.code(), ErrorCode::BadRequest);
    nothing_is_reserved(&server, &till).await;
    // None of that used anything up.
    let good = code(&server, "max", 100, None, Some(&till)).await;
    reserved(&ask(&server, &till, &sold, &by_code("beyond-0002", 100, &good)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_another_order_of_another_store_or_of_somebody_who_left_approves_nothing() {
    let (_store, server, mut till, _other, sold) = sold().await;
    let another = sell(&server, &mut till, 300).await;
    adopt(&server, &mut till, &another, Some(300)).await.json::<OrderView>();
    let of_another = code(&server, "max", 300, Some(&another), None).await;
    let request = |code: &SecretText| by_code("not-this-01", 100, code);
    let came = ask(&server, &till, &sold, &request(&of_another)).await;
    assert_eq!(code_refused(&came), CodeRefused::AnotherOrder);

    let elsewhere = Store::new();
    let there = elsewhere.serve().await;
    let till_there =
        NewApproval { login: "max".into(), most: cny(500), order: Some(sold.number), till: None };
    let foreign = there.app().base.new_approval_code(till_there).await.unwrap().code;
    let came = ask(&server, &till, &sold, &request(&foreign)).await;
    assert_eq!(code_refused(&came), CodeRefused::Unknown, "another store's");
    there.stop().await;

    let of_max = code(&server, "max", 300, Some(&sold), None).await;
    let ivy = server.log_in("ivy").await;
    let left = PersonLeft { login: "max".into(), reason: "moved away".into() };
    server.staff("POST", staff_path::STAFF_LEFT, Some(&ivy), &left).await.json::<StaffRow>();
    assert_eq!(code_refused(&ask(&server, &till, &sold, &request(&of_max)).await), CodeRefused::NotApprover);
    nothing_is_reserved(&server, &till).await;
    for login in ["max", "cas", "ivy", "nobody"] {
        let new = NewApproval { login: login.into(), most: cny(100), order: None, till: Some(till.terminal) };
        assert!(server.app().base.new_approval_code(new).await.is_err(), "{login} may approve nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_order_would_refuse_anyway_uses_no_code_up() {
    let (_store, server, till, other, sold) = sold().await;
    let code = code(&server, "max", 900, Some(&sold), None).await;
    // More than was paid, and at a till that did not sell it.
    let too_much = ask(&server, &till, &sold, &by_code("refused-0001", 501, &code)).await;
    let RefundAnswer::Refused { why: RefundRefused::TooMuch { .. } } = too_much.json() else {
        panic!("{too_much:?}")
    };
    let elsewhere = ask(&server, &other, &sold, &by_code("refused-0002", 100, &code)).await;
    let RefundAnswer::Refused { why: RefundRefused::AnotherTill { .. } } = elsewhere.json() else {
        panic!("{elsewhere:?}")
    };
    nothing_is_reserved(&server, &till).await;
    let trail = server.app().base.audit_rows(None, 50).await.unwrap();
    assert!(trail.iter().all(|row| row.what != AuditKind::ApprovalCodeUsed), "nobody approved anything");
    // It counts for what is right, once; the same again gets the same, and what is left is no code's any more.
    let right = by_code("refused-0003", 300, &code);
    let refund = reserved(&ask(&server, &till, &sold, &right).await);
    assert_eq!(reserved(&ask(&server, &till, &sold, &right).await).id, refund.id);
    let again = ask(&server, &till, &sold, &by_code("refused-0004", 100, &code)).await;
    assert_eq!(code_refused(&again), CodeRefused::Used);
}

fn to_console(request: &str, minor: i64) -> AskRefundAtTill {
    AskRefundAtTill { in_console: true, ..asked(request, minor, "", "") }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_at_the_till_and_is_sent_to_the_console_stands_and_waits_for_nobody() {
    let (_store, server, till, other, sold) = sold().await;
    let refund = reserved(&ask(&server, &till, &sold, &asked("lost-answer", 200, "max", PIN)).await);
    // The answer was lost, and nobody is here any more who has a PIN.
    let told = reserved(&ask(&server, &till, &sold, &to_console("lost-answer", 200)).await);
    assert_eq!(told, refund);
    assert!(server.app().base.refund_requests().await.unwrap().is_empty(), "a manager could refuse it");
    // The name stands for that only, and for that till only.
    let different = ask(&server, &till, &sold, &to_console("lost-answer", 100)).await;
    assert_eq!(different.json::<RefundAnswer>(), RefundAnswer::AskedBefore);
    let elsewhere = ask(&server, &other, &sold, &to_console("lost-answer", 200)).await;
    assert!(matches!(refused(&elsewhere), RefundRefused::AnotherTill { .. }));
    assert!(server.app().base.refund_requests().await.unwrap().is_empty());
    let inbox = server.get(&till.key, path::REFUNDS).await.json::<RefundInbox>().refunds;
    assert_eq!(inbox.len(), 1, "reserved once: {inbox:?}");
}

async fn decide(server: &Server, till: &Till, request: &str, decision: Decision, by: &str) -> RequestState {
    let by = Decider { login: by.into(), name: format!("{by} of the test") };
    let decided = server.app().base.decide_refund((till.terminal, request.into()), decision, by).await;
    decided.unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_to_the_console_waits_there_and_is_reserved_once_it_is_approved_and_never_before() {
    let (store, server, till, other, sold) = sold().await;
    let second = store.serve().await;
    let request = to_console("console-01", 200);
    for server in [&server, &second, &server] {
        let came = ask(server, &till, &sold, &request).await;
        assert_eq!(came.json::<RefundAnswer>(), RefundAnswer::WaitsInConsole);
    }
    nothing_is_reserved(&server, &till).await;
    let waiting = second.app().base.refund_requests().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].amount, waiting[0].reason.as_str()), (cny(200), "too cold"));
    // The same name stands for one thing only, and another till's is another's.
    assert_eq!(
        ask(&server, &till, &sold, &to_console("console-01", 300)).await.code(),
        ErrorCode::BadRequest
    );
    let theirs = ask(&server, &other, &sold, &request).await;
    assert_eq!(refused(&theirs), RefundRefused::AnotherTill { sold_at: till.terminal });

    // Two managers at once: one of them has decided.
    let (first, late) = tokio::join!(
        decide(&server, &till, "console-01", Decision::Approve, "max"),
        decide(&second, &till, "console-01", Decision::Refuse, "ivy"),
    );
    assert_eq!(first, late);
    let refund = match &first {
        RequestState::Approved(by) => {
            assert_eq!(by.login, "max");
            // The server that wrote it down has died before it asked the group: the till asks again.
            reserved(&ask(&second, &till, &sold, &request).await)
        }
        RequestState::Refused(by) => {
            assert_eq!(by.login, "ivy");
            let came = ask(&server, &till, &sold, &request).await;
            assert_eq!(came.json::<RefundAnswer>(), RefundAnswer::RefusedInConsole { by: by.name.clone() });
            nothing_is_reserved(&server, &till).await;
            let again = to_console("console-02", 200);
            ask(&server, &till, &sold, &again).await;
            decide(&server, &till, "console-02", Decision::Approve, "max").await;
            reserved(&ask(&second, &till, &sold, &again).await)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!((refund.amount, refund.requested_by.as_str()), (cny(200), "max of the test"));
    let name = if matches!(first, RequestState::Approved(_)) { "console-01" } else { "console-02" };
    let again = reserved(&ask(&server, &till, &sold, &to_console(name, 200)).await);
    assert_eq!(again.id, refund.id, "however often it is asked");
    assert!(server.app().base.refund_requests().await.unwrap().is_empty());
    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_is_asked_about_nothing_that_the_rules_forbid_and_not_about_what_was_approved_at_the_till()
{
    let (_store, server, till, _other, sold) = sold().await;
    let too_much = ask(&server, &till, &sold, &to_console("console-much", 501)).await;
    assert_eq!(refused(&too_much), RefundRefused::TooMuch { asked: cny(501), left: cny(500) });
    assert!(server.app().base.refund_requests().await.unwrap().is_empty());

    ask(&server, &till, &sold, &to_console("console-pin1", 200)).await;
    // Somebody came to the till after all.
    let by_pin = asked("console-pin1", 200, "max", PIN);
    let refund = reserved(&ask(&server, &till, &sold, &by_pin).await);
    assert!(server.app().base.refund_requests().await.unwrap().is_empty());

    // What was in time when it was asked for, and is approved too late: the order's group has the last word.
    ask(&server, &till, &sold, &to_console("console-late", 300)).await;
    server.clock.forward(Duration::from_secs(24 * 3600));
    decide(&server, &till, "console-late", Decision::Approve, "max").await;
    let late = ask(&server, &till, &sold, &to_console("console-late", 300)).await;
    assert!(matches!(refused(&late), RefundRefused::AnotherDay { .. }));
    assert!(server.app().base.refund_requests().await.unwrap().is_empty(), "it waits no more");
    let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
    assert_eq!(inbox.refunds.iter().map(|order| &order.refund.id).collect::<Vec<_>>(), [&refund.id]);
}

/// What the till is told of that waits in the console.
async fn told_waiting(server: &Server, till: &Till) -> Vec<String> {
    server.get(&till.key, path::TERMINAL).await.json::<TerminalStatus>().refund_requests.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_is_told_which_of_its_own_wait_and_learns_the_end_of_one_under_its_name_over_and_over() {
    let (store, server, mut till, other, sold) = sold().await;
    let second = store.serve().await;
    let another = sell(&server, &mut till, 300).await;
    adopt(&server, &mut till, &another, Some(300)).await.json::<OrderView>();
    ask(&server, &till, &sold, &to_console("console-01", 300)).await;
    ask(&server, &till, &another, &to_console("console-02", 300)).await;
    assert_eq!(told_waiting(&second, &till).await, ["console-01", "console-02"]);
    assert!(told_waiting(&second, &other).await.is_empty(), "another till's");

    // Somebody has given back so much by then that the rules forbid it.
    reserved(&ask(&server, &till, &sold, &asked("meanwhile-1", 400, "max", PIN)).await);
    decide(&server, &till, "console-01", Decision::Approve, "max").await;
    assert_eq!(told_waiting(&second, &till).await, ["console-02"]);
    for server in [&second, &server] {
        let came = ask(server, &till, &sold, &to_console("console-01", 300)).await;
        assert_eq!(refused(&came), RefundRefused::TooMuch { asked: cny(300), left: cny(100) });
    }
    // Nobody looks at the other before the day is over.
    server.clock.forward(Duration::from_secs(24 * 3600));
    assert!(told_waiting(&second, &till).await.is_empty());
    let late = decide(&server, &till, "console-02", Decision::Approve, "max").await;
    assert_eq!(late, RequestState::Expired);
    for days in [0, 3] {
        server.clock.forward(Duration::from_secs(days * 24 * 3600));
        let came = ask(&server, &till, &another, &to_console("console-02", 300)).await;
        assert!(matches!(refused(&came), RefundRefused::AnotherDay { .. }), "after {days} days");
        assert!(told_waiting(&server, &till).await.is_empty());
    }
    // Nor does a manager who comes to the till then.
    let came = ask(&server, &till, &another, &asked("console-02", 300, "max", PIN)).await;
    assert!(matches!(refused(&came), RefundRefused::AnotherDay { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_manager_at_the_till_and_one_in_the_console_one_has_decided() {
    let (store, server, till, _other, sold) = sold().await;
    let second = store.serve().await;
    let mut held = 0;
    for n in 0..4 {
        let name = format!("at-once-{n:04}");
        ask(&server, &till, &sold, &to_console(&name, 100)).await;
        let by_pin = asked(&name, 100, "max", PIN);
        // Turn by turn one is a little earlier.
        let in_console = async {
            tokio::time::sleep(Duration::from_millis(3 * n)).await;
            decide(&second, &till, &name, Decision::Refuse, "ivy").await
        };
        let (came, decided) = tokio::join!(ask(&server, &till, &sold, &by_pin), in_console);
        match came.json::<RefundAnswer>() {
            RefundAnswer::Reserved { order, .. } => {
                held += 1;
                assert_eq!(order.refund.requested_by, "max of the test");
                assert!(!matches!(decided, RequestState::Refused(_)), "{decided:?}");
            }
            RefundAnswer::RefusedInConsole { by } => {
                assert_eq!(by, "ivy of the test");
                assert!(matches!(decided, RequestState::Refused(_)), "{decided:?}");
            }
            other => panic!("{other:?}"),
        }
        // However it is asked again, and of whom, it is the same end.
        for again in [&to_console(&name, 100), &by_pin] {
            let ended: RefundAnswer = ask(&second, &till, &sold, again).await.json();
            assert_eq!(
                matches!(ended, RefundAnswer::Reserved { .. }),
                matches!(decided, RequestState::Approved(_) | RequestState::Reserved(_)),
                "{ended:?}"
            );
        }
        let inbox: RefundInbox = server.get(&till.key, path::REFUNDS).await.json();
        assert_eq!(inbox.refunds.len(), held, "never reserved beside a refusal");
    }
}
