//! The schedule by itself; what it brings about is told in the controller's stories.

use super::*;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::error::ApiError;

fn sync() -> Sync {
    Sync::new(Box::new(|| 500))
}

const NOTHING: Situation<'static> = Situation {
    status: None,
    catalogue: None,
    staff_version: 0,
    receipt_template: "",
    pictures: "",
    wanted_picture: None,
    refunds_wanted: false,
};

fn poll(sync: &mut Sync, at: u64) -> usize {
    sync.poll(None, &NOTHING, Duration::from_secs(at)).unwrap().len()
}

fn lost() -> Answer {
    Answer::Heartbeat(Err(NetError::NoAnswer("time-out".into())))
}

#[test]
fn an_absent_server_is_asked_ever_more_rarely_and_at_least_every_ten_seconds() {
    let mut sync = sync();
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..6 {
        assert_eq!(poll(&mut sync, now), 1);
        assert_eq!(poll(&mut sync, now), 0, "one question at a time");
        sync.note(&lost(), Duration::from_secs(now));
        assert_eq!(sync.line(), Line::Down);
        let next = (now + 1..).find(|at| sync.heartbeat.is_due(Duration::from_secs(*at))).unwrap();
        pauses.push(next - now);
        now = next;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
}

#[test]
fn any_lost_answer_makes_the_till_ask_whether_the_server_is_there() {
    let mut sync = sync();
    assert_eq!(poll(&mut sync, 0), 1);
    sync.line = Line::Up;
    sync.heartbeat.succeeded(Duration::ZERO, Duration::from_secs(3600));
    assert_eq!(poll(&mut sync, 1), 0);
    sync.note(
        &Answer::Draft { sale: 1, result: Err(NetError::NoAnswer("x".into())) },
        Duration::from_secs(2),
    );
    assert_eq!(poll(&mut sync, 2), 1);
}

#[test]
fn a_server_that_refuses_is_there_all_the_same() {
    let mut sync = sync();
    sync.line = Line::Up;
    let error = ApiError {
        code: ErrorCode::Overloaded,
        message: "later".into(),
        server_time: Timestamp(0),
        retry_after_ms: None,
    };
    sync.note(&Answer::Heartbeat(Err(NetError::Refused(error))), Duration::ZERO);
    assert_eq!(sync.line(), Line::Up);
}

#[test]
fn one_draft_for_one_sale_is_under_way_at_a_time() {
    let mut sync = sync();
    let now = Duration::ZERO;
    assert!(sync.claim_draft(2, now));
    assert!(!sync.claim_draft(2, now));
    assert!(sync.claim_draft(5, now));
    sync.note(&Answer::Draft { sale: 2, result: Err(NetError::NotSent("x".into())) }, Duration::ZERO);
    assert!(sync.claim_draft(2, now));
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_asked_for_no_numbers_meanwhile() {
    let mut sync = sync();
    let second = Duration::from_secs;
    assert!(sync.claim_draft(2, second(1)));
    let error = ApiError {
        code: ErrorCode::Overloaded,
        message: "later".into(),
        server_time: Timestamp(0),
        retry_after_ms: Some(8_000),
    };
    sync.note(&Answer::Draft { sale: 2, result: Err(NetError::Refused(error)) }, second(1));
    assert!(!sync.claim_draft(2, second(8)), "the same sale");
    assert!(!sync.claim_draft(5, second(12)), "nor another one: eight seconds, and half of it by chance");
    assert!(sync.claim_draft(5, second(13)));
}
