//! One-time codes and pending tills.

use crate::rig::{Store, login_of};
use evertill_shared::protocol::enrol::Enrolled;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::{TerminalChange, TerminalRow, path as staff_path};
use evertill_shared::protocol::terminal::TerminalStatus;
use evertill_shared::secret::SecretText;
use evertill_shared::terminal_state::TerminalState;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_the_same_till_gets_the_same_answer_again() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let code = server.code_for(&it, "Front").await;
    let first: Enrolled = server.enrol(&code.code, 1).await.json();
    assert_eq!((first.state, first.epoch, first.name.as_str()), (TerminalState::Pending, 1, "Front"));
    let again: Enrolled = server.enrol(&code.code, 1).await.json();
    assert_eq!(again, first);
    assert_eq!(server.enrol(&code.code, 2).await.code(), ErrorCode::EnrolmentRefused);
    // Typed carelessly it is the same code; another till's key cannot be registered twice.
    let other = server.code_for(&it, "Back").await;
    assert_ne!(other.terminal, code.terminal);
    let careless = SecretText::new(format!(" {} ", other.code.expose().to_lowercase().replace('-', " ")));
    assert_eq!(server.enrol(&careless, 1).await.code(), ErrorCode::BadRequest);
    assert_eq!(server.enrol(&careless, 3).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_void_the_right_one() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let code = server.code_for(&it, "Front").await;
    let wrong = SecretText::new(format!("{:04}-AAAA-AAAA", code.terminal.get()));
    for _ in 0..4 {
        assert_eq!(server.enrol(&wrong, 1).await.code(), ErrorCode::EnrolmentRefused);
    }
    assert_eq!(server.enrol(&wrong, 1).await.code(), ErrorCode::EnrolmentLocked);
    assert_eq!(server.enrol(&code.code, 1).await.code(), ErrorCode::EnrolmentLocked);
    let nowhere = SecretText::new("no such code".into());
    assert_eq!(server.enrol(&nowhere, 1).await.code(), ErrorCode::EnrolmentRefused);
    let next = server.code_for(&it, "Front").await;
    assert_eq!(next.terminal, code.terminal, "the terminal that was never enrolled is used again");
    assert_eq!(server.enrol(&next.code, 1).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_too_old_after_a_quarter_of_an_hour() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let code = server.code_for(&it, "Front").await;
    store.clock.forward(Duration::from_secs(15 * 60 + 1));
    assert_eq!(server.enrol(&code.code, 1).await.code(), ErrorCode::EnrolmentRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_till_does_not_hold_cannot_be_registered() {
    use evertill_shared::protocol::enrol::{ENROL_KEY_ID, Enrol};
    use evertill_shared::signing::SigningKey;
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let code = server.code_for(&it, "Front").await;
    let mine = SigningKey::from_seed(&[1; 32], ENROL_KEY_ID.into()).unwrap();
    let theirs = SigningKey::from_seed(&[2; 32], ENROL_KEY_ID.into()).unwrap();
    let enrol = Enrol { code: code.code, public_key: theirs.public() };
    let came = server.ask(&mine, "POST", path::ENROL, Some(&enrol)).await;
    assert_eq!(came.code(), ErrorCode::SignatureInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_till_sees_its_state_and_nothing_else_until_its_fingerprint_is_compared() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let till = server.pending_till(&it, 1).await;
    let status: TerminalStatus = server.get(&till.key, path::TERMINAL).await.json();
    assert_eq!(status.state, TerminalState::Pending);
    for path in [path::CATALOGUE, path::REFUNDS] {
        assert_eq!(server.get(&till.key, path).await.code(), ErrorCode::TerminalPending, "{path}");
    }
    for path in [path::DRAFTS, path::JOURNAL] {
        let came = server.ask(&till.key, "POST", path, Some(&serde_json::json!({ "entries": [] }))).await;
        assert_eq!(came.code(), ErrorCode::TerminalPending, "{path}");
    }
    let right = till.key.public().fingerprint();
    for wrong in
        [String::new(), "AB12".into(), right[..34].to_owned(), format!("{right} 0"), right.replace(' ', "-")]
    {
        let came = server.change(&it, till.terminal, &TerminalChange::Activate { fingerprint: wrong }).await;
        assert_eq!(came.code(), ErrorCode::WrongState);
    }
    let listed: Vec<TerminalRow> = server.staff("GET", staff_path::TERMINALS, Some(&it), &()).await.json();
    assert_eq!(listed[0].fingerprint.as_ref(), Some(&right));
    assert_eq!(listed[0].state, Some(TerminalState::Pending));
    assert!(listed[0].last_seen.is_some());
    let came = server.change(&it, till.terminal, &TerminalChange::Activate { fingerprint: right }).await;
    assert_eq!(came.json::<TerminalRow>().state, Some(TerminalState::Active));
    assert_eq!(server.get(&till.key, path::CATALOGUE).await.status, 200);
    let wrong = server.staff("POST", staff_path::SESSIONS, None, &login_of("ivy", "guess")).await;
    assert_eq!(wrong.code(), ErrorCode::NotAllowed);
}
