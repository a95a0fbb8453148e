//! How far the servers have a till's journal.

use crate::shop::{Place, Shop, state, till};
use evertill_server::base_store::{AuditKind, BaseError, BaseStore, HandInTaken, JournalFault};
use evertill_shared::clock::Clock as _;
use evertill_shared::id::{SaleKey, TerminalId};
use evertill_shared::journal::{Body, Entry, EntryHash, Head};
use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
use evertill_shared::protocol::store::ServerKeyStatement;
use evertill_shared::signing::SigningKey;
use evertill_shared::terminal_state::TerminalState;

fn hash(sequence: u64) -> EntryHash {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&sequence.to_be_bytes());
    EntryHash(bytes)
}

/// `count` entries that follow `from`.
fn entries(from: Head, count: u64, request: &str) -> HandInTaken {
    let entries = (from.sequence + 1..=from.sequence + count).map(|n| (n, hash(n))).collect();
    HandInTaken { from, entries, told: Vec::new(), quarantined: false, request_id: request.into() }
}

fn place(terminal: TerminalId, sequence: u64) -> SaleKey {
    SaleKey { terminal, epoch: 1, sequence }
}

pub async fn of_two_that_hand_in_at_the_same_time_one_is_told_to_come_again<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let start = Head::start(terminal, 1);
    let (a, b) =
        tokio::join!(here.take_hand_in(entries(start, 1, "a")), there.take_hand_in(entries(start, 1, "b")));
    assert!(a.is_ok() != b.is_ok());
    assert!(matches!(a.and(b), Err(BaseError::HeadMoved)));
    assert_eq!(here.journal_head(terminal, 1).await.unwrap().sequence, 1);
}

pub async fn every_entry_of_a_large_upload_is_known_afterwards<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let first = here.take_hand_in(entries(Head::start(terminal, 1), 199, "a")).await.unwrap();
    assert_eq!((first.sequence, first.hash), (199, hash(199)));
    let head = there.take_hand_in(entries(first, 6, "b")).await.unwrap();
    let known = here.known_journal(terminal, 1, 2, u64::try_from(i64::MAX).unwrap()).await.unwrap();
    assert_eq!(known.head, head);
    let expected: Vec<_> = (2..=205).map(|n| (n, hash(n))).collect();
    assert_eq!(known.known, expected);
    let again = there.take_hand_in(entries(head, 1, "a")).await;
    assert!(matches!(again, Err(BaseError::Replayed)), "{again:?}");
}

pub async fn an_entry_that_differs_from_the_one_handed_in_is_found_among_many<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    base.take_hand_in(entries(Head::start(terminal, 1), 90, "a")).await.unwrap();
    // What was not handed in yet is no other entry.
    let same: Vec<_> = (1..=100).map(|n| (place(terminal, n), hash(n))).collect();
    assert_eq!(base.other_entry(same.clone()).await.unwrap(), None);
    for wrong in [1, 64, 65, 90] {
        let mut entries = same.clone();
        entries[wrong - 1].1 = EntryHash([9; 32]);
        entries[89].1 = EntryHash([8; 32]);
        let found = base.other_entry(entries).await.unwrap();
        assert_eq!(found, Some(place(terminal, u64::try_from(wrong).unwrap())), "the first one");
    }
    assert_eq!(base.other_entry(Vec::new()).await.unwrap(), None);
}

fn fault(terminal: TerminalId, what: &str, forked: bool) -> JournalFault {
    JournalFault { terminal, epoch: 1, what: what.into(), forked }
}

pub async fn a_gap_is_noted_once_and_over_when_the_entries_come<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    for base in [&here, &there, &here] {
        base.journal_fault(fault(terminal, "entry 1 is missing", false)).await.unwrap();
    }
    let noted = there.fault_of(terminal, 1).await.unwrap().unwrap();
    assert_eq!(noted.0, "entry 1 is missing");
    let trail = here.audit_rows(None, 50).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.what == AuditKind::JournalFault).count(), 1);
    assert_eq!(state(&here, terminal).await, TerminalState::Active);
    there.take_hand_in(entries(Head::start(terminal, 1), 2, "a")).await.unwrap();
    assert_eq!(here.fault_of(terminal, 1).await.unwrap(), None);
}

pub async fn a_fork_blocks_the_till_and_stays<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    base.journal_fault(fault(terminal, "two histories", true)).await.unwrap();
    assert_eq!(state(&base, terminal).await, TerminalState::Blocked);
    // A lesser fault does not hide it, and entries that come do not mend it.
    base.journal_fault(fault(terminal, "entry 1 is missing", false)).await.unwrap();
    base.take_hand_in(entries(Head::start(terminal, 1), 1, "a")).await.unwrap();
    assert_eq!(base.fault_of(terminal, 1).await.unwrap().unwrap().0, "two histories");
    let trail = base.audit_rows(None, 50).await.unwrap();
    let told = |what| trail.iter().filter(|row| row.what == what).count();
    assert_eq!((told(AuditKind::JournalFault), told(AuditKind::TerminalBlocked)), (1, 1));
}

const DAY_MS: u64 = 24 * 3_600_000;

fn server_key() -> SigningKey {
    SigningKey::from_seed(&[4; 32], "server-1".into()).unwrap()
}

/// Asks for the word on the day of the entry in that place, which was written now less `ago` milliseconds.
async fn say<P: Place>(
    shop: &Shop<P>,
    base: &BaseStore,
    (terminal, sequence): (TerminalId, u64),
    ago: u64,
    request: &str,
) -> Result<DayStatement, BaseError> {
    let at = evertill_shared::clock::Timestamp(shop.clock.now().0 - i64::try_from(ago).unwrap());
    let body = Body::SaleVoided { sale: 1 };
    let entry = Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at, body };
    let sign = Box::new(|statement: &DayStatement| {
        let root = ServerKeyStatement { text: String::new(), signature: String::new() };
        Countersigned::sign(statement, &server_key(), root).map_err(|error| error.to_string())
    });
    let said = base.countersign(entry, hash(sequence), request.into(), sign).await?;
    Ok(said.verify(&server_key().public()).unwrap())
}

pub async fn a_day_that_is_over_is_countersigned_once_whoever_is_asked<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let head = here.take_hand_in(entries(Head::start(terminal, 1), 10, "a")).await.unwrap();
    let first = say(&shop, &here, (terminal, 6), DAY_MS, "b").await.unwrap();
    assert_eq!((first.from, first.to, first.hash, first.quarantined), (1, 6, hash(6), 0));
    assert_eq!(first.day, here.business_day(shop.clock.now()).previous());
    shop.clock.forward(1_000);
    assert_eq!(say(&shop, &there, (terminal, 6), DAY_MS, "c").await.unwrap(), first, "the same words");
    let again = say(&shop, &here, (terminal, 6), DAY_MS, "c").await;
    assert!(matches!(again, Err(BaseError::Replayed)), "{again:?}");
    // What a blocked till handed in is counted.
    let taken = HandInTaken { quarantined: true, ..entries(head, 3, "d") };
    here.take_hand_in(taken).await.unwrap();
    let second = say(&shop, &there, (terminal, 13), DAY_MS, "e").await.unwrap();
    assert_eq!((second.from, second.to, second.quarantined), (7, 13, 3));
    let told = here.countersigned(first.day).await.unwrap();
    assert_eq!(told.iter().map(|day| (day.terminal, day.to)).collect::<Vec<_>>(), [(terminal, 13)]);
}

pub async fn nothing_is_countersigned_that_is_not_here_or_not_over_or_not_in_order<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    base.take_hand_in(entries(Head::start(terminal, 1), 3, "a")).await.unwrap();
    let refused = |said: Result<DayStatement, BaseError>, why: &str| {
        let Err(BaseError::Invalid(text)) = said else { panic!("{said:?}") };
        assert!(text.contains(why), "{text}");
    };
    refused(say(&shop, &base, (terminal, 4), DAY_MS, "b").await, "was not handed in");
    refused(say(&shop, &base, (terminal, 3), 0, "c").await, "is not over");
    shop.clock.forward(DAY_MS);
    // Somebody's other entry in that place.
    let entry = Entry {
        terminal,
        epoch: 1,
        sequence: 3,
        previous: EntryHash::NONE,
        at: evertill_shared::clock::Timestamp(shop.clock.now().0 - i64::try_from(DAY_MS).unwrap()),
        body: Body::SaleVoided { sale: 1 },
    };
    let never = Box::new(|_: &DayStatement| Err("it must not come to this".to_owned()));
    let other = base.countersign(entry, EntryHash([9; 32]), "d".into(), never).await;
    refused(other.map(|said| said.read_unverified().unwrap()), "was not handed in as it is");
    base.journal_fault(fault(terminal, "two histories", true)).await.unwrap();
    refused(say(&shop, &base, (terminal, 3), DAY_MS, "e").await, "two histories");
    assert_eq!(base.countersigned(base.business_day(shop.clock.now()).previous()).await.unwrap(), []);
}
