//! Tills: codes, keys, states, and what several servers know of them.

use crate::shop::{Place, Shop, block, key, state, till};
use evertill_server::base_store::{AuditKind, BaseError};
use evertill_shared::clock::Clock;
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::enrol::Enrol;
use evertill_shared::protocol::staff::{EnrolmentCode, TerminalChange};
use evertill_shared::secret::SecretText;
use evertill_shared::terminal_state::TerminalState;
use std::time::Duration;

pub async fn a_block_made_at_one_server_counts_at_the_other_within_a_second<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    assert_eq!(state(&there, terminal).await, TerminalState::Active);
    here.change_terminal(terminal, block(), "ivy".into()).await.unwrap();
    assert_eq!(state(&here, terminal).await, TerminalState::Blocked);
    assert_eq!(state(&there, terminal).await, TerminalState::Active, "remembered");
    // Asking again and again in between does not make what is remembered younger.
    shop.clock.forward(500);
    state(&there, terminal).await;
    shop.clock.forward(400);
    assert_eq!(state(&there, terminal).await, TerminalState::Blocked);
}

pub async fn tills_that_are_heard_of_are_read_together_and_each_as_it_stands<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let mut tills = Vec::new();
    for seed in 1..=12 {
        tills.push(till(&here, seed).await);
    }
    assert_eq!(state(&there, tills[0]).await, TerminalState::Active);
    shop.clock.forward(300);
    for _ in 0..2 {
        for terminal in &tills[1..] {
            assert_eq!(state(&there, *terminal).await, TerminalState::Active);
        }
    }
    here.change_terminal(tills[7], block(), "ivy".into()).await.unwrap();
    assert_eq!(state(&there, tills[7]).await, TerminalState::Active, "remembered");
    // The first is too old now; the others are old enough to be read with it.
    shop.clock.forward(550);
    assert_eq!(state(&there, tills[0]).await, TerminalState::Active);
    for (place, terminal) in tills.iter().enumerate() {
        let is = if place == 7 { TerminalState::Blocked } else { TerminalState::Active };
        assert_eq!(state(&there, *terminal).await, is, "{place}");
    }
}

pub async fn what_is_known_counts_for_money_for_five_seconds_while_the_store_cannot_be_read<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    assert!(base.terminal(terminal).await.unwrap().unwrap().good_for_money);
    base.health().await.unwrap();
    base.close().await;
    base.health().await.unwrap_err();
    shop.clock.forward(4_900);
    assert!(base.terminal(terminal).await.unwrap().unwrap().good_for_money);
    shop.clock.forward(200);
    let known = base.terminal(terminal).await.unwrap().unwrap();
    assert!(!known.good_for_money && known.record.state == TerminalState::Active);
    let never_seen = TerminalId::try_from(77).unwrap();
    assert!(base.terminal(never_seen).await.is_err());
}

pub async fn a_request_is_handled_once_by_all_servers_together<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let code = here.new_enrolment_code("Till", "ivy".into()).await.unwrap().code;
    let enrol = Enrol { code, public_key: key(1) };
    let first = here.enrol(enrol.clone(), "enrol a".into()).await.unwrap();
    assert!(matches!(there.enrol(enrol.clone(), "enrol a".into()).await, Err(BaseError::Replayed)));
    assert_eq!(there.enrol(enrol, "enrol b".into()).await.unwrap(), first, "the answer was lost");
    // At the same moment at both.
    let code = here.new_enrolment_code("Till", "ivy".into()).await.unwrap().code;
    let enrol = Enrol { code, public_key: key(2) };
    let (a, b) = tokio::join!(here.enrol(enrol.clone(), "c".into()), there.enrol(enrol, "c".into()));
    assert!(a.is_ok() != b.is_ok());
    assert!(matches!(a.and(b), Err(BaseError::Replayed)));
}

/// The same code with its last letter changed.
fn wrong(code: &EnrolmentCode) -> SecretText {
    let mut text = code.code.expose().to_owned();
    let last = text.pop().unwrap();
    text.push(if last == 'A' { 'B' } else { 'A' });
    SecretText::new(text)
}

pub async fn wrong_codes_at_several_servers_are_counted_together<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let code = here.new_enrolment_code("Till", "ivy".into()).await.unwrap();
    let guess = Enrol { code: wrong(&code), public_key: key(1) };
    for (nth, base) in [&here, &there, &here, &there].into_iter().enumerate() {
        let refused = base.enrol(guess.clone(), format!("guess {nth}")).await;
        assert!(matches!(refused, Err(BaseError::EnrolmentRefused)), "{refused:?}");
    }
    let fifth = here.enrol(guess, "guess 5".into()).await;
    assert!(matches!(fifth, Err(BaseError::EnrolmentLocked)), "{fifth:?}");
    let right = Enrol { code: code.code.clone(), public_key: key(1) };
    let too_late = there.enrol(right, "right".into()).await;
    assert!(matches!(too_late, Err(BaseError::EnrolmentLocked)), "{too_late:?}");
    // A new code for the same till counts from nothing.
    let again = there.new_enrolment_code("Till", "ivy".into()).await.unwrap();
    assert_eq!(again.terminal, code.terminal);
    let right = Enrol { code: again.code, public_key: key(1) };
    assert_eq!(here.enrol(right, "right again".into()).await.unwrap().terminal, code.terminal);
}

pub async fn a_code_that_ran_out_makes_room_for_a_new_one<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let (a, b) = tokio::join!(
        here.new_enrolment_code("Till A", "ivy".into()),
        there.new_enrolment_code("Till B", "ivy".into())
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    let mut numbers = [a.terminal.get(), b.terminal.get()];
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2], "two servers never give one number twice");
    shop.clock.forward(16 * 60_000);
    let late = there.enrol(Enrol { code: a.code, public_key: key(1) }, "late".into()).await;
    assert!(matches!(late, Err(BaseError::EnrolmentRefused)), "{late:?}");
    assert_eq!(there.new_enrolment_code("Till A", "ivy".into()).await.unwrap().terminal, a.terminal);
    assert_eq!(here.new_enrolment_code("Till C", "ivy".into()).await.unwrap().terminal.get(), 3);
}

pub async fn a_retired_till_stays_retired_and_the_trail_says_why<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let retire = |reason: &str| TerminalChange::Retire { reason: reason.into() };
    let silent = base.change_terminal(terminal, retire(" "), "ivy".into()).await;
    assert!(matches!(silent, Err(BaseError::Invalid(_))));
    assert_eq!(state(&base, terminal).await, TerminalState::Active);
    base.change_terminal(terminal, retire("worn out"), "ivy".into()).await.unwrap();
    assert_eq!(state(&base, terminal).await, TerminalState::Retired);
    let latest = &base.audit_rows(None, 1).await.unwrap()[0];
    assert_eq!((latest.what, latest.why.as_str()), (AuditKind::TerminalRetired, "worn out"));
    let back = TerminalChange::Unblock { reason: "needed".into() };
    let refused = base.change_terminal(terminal, back, "ivy".into()).await;
    assert!(matches!(refused, Err(BaseError::TerminalState(_))), "{refused:?}");
}

pub async fn when_a_till_was_last_heard_of_is_told_by_all_servers<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    here.saw(terminal);
    // It is written, but not waited for.
    for _ in 0..500 {
        let row = there.terminals().await.unwrap().remove(0);
        if row.last_seen == Some(shop.clock.now()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the other server was never told");
}
