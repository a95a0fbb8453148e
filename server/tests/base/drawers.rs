//! The drawers' part of the ledger, shifts that are told once more, and those that a person gives up.

use crate::shifts::{Hands, begin, cash, end, only, out, sold, yuan};
use crate::shop::{Place, Shop, add, till};
use evertill_server::base_store::{
    AuditKind, BaseError, BaseStore, HandInTaken, ProvedDrawer, Retelling, Retold, ShiftRecord,
};
use evertill_server::database::{DbError, Row, Value};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::TerminalId;
use evertill_shared::journal::{Body, Entry};
use evertill_shared::ledger::Leg;
use evertill_shared::protocol::staff::Role;
use evertill_shared::shift::Fact;

async fn proved(base: &BaseStore, terminal: TerminalId) -> ProvedDrawer {
    base.prove_drawer(terminal, 1, |_| {}).await.unwrap()
}

/// Debits less credits of an account.
fn balance(proved: &ProvedDrawer, account: &str) -> i64 {
    let accounts = proved.balances.accounts();
    accounts.filter(|(_, name, ..)| *name == account).map(|(_, _, debit, credit)| debit - credit).sum()
}

async fn change<P: Place>(shop: &Shop<P>, statement: &'static str, values: Vec<Value<'static>>) -> u64 {
    let database = shop.place.database().await;
    let changed =
        database.write(move |sql| -> Result<u64, DbError> { sql.execute(statement, &values) }).await;
    database.close().await;
    changed.unwrap()
}

pub async fn the_drawers_account_is_what_the_shifts_say_and_whatever_is_altered_is_found<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    hands.give(&here, vec![cash(70), begin(), cash(1_200), out(300, None)]).await;
    hands.give(&there, vec![cash(800), cash(500)]).await;
    let open = proved(&here, terminal).await;
    assert_eq!((open.shifts, open.from_before, open.faults.clone()), (1, 0, vec![]));
    assert_eq!(balance(&open, "drawer"), 22_270, "with what was sold before the shift");
    let facts = [sold(1_200), sold(800), sold(500), Fact::PaidOut(yuan(300))];
    let mut last = end(at, &facts, 220);
    let Body::ShiftClosed(closing) = &mut last else { panic!() };
    closing.shift = 2;
    // The same end twice moves nothing twice.
    hands.give(&there, vec![last.clone(), last]).await;
    let ended = proved(&there, terminal).await;
    assert_eq!(ended.faults, []);
    let sums =
        ["drawer", "over_short", "takings", "supplier", "safe"].map(|account| balance(&ended, account));
    assert_eq!(sums, [70, 200, -2_570, 300, 2_000]);
    for (spoil, mend) in [
        (
            "UPDATE drawer_ledger SET debit_minor = debit_minor + 1 WHERE what = 'float' AND debit_minor > 0",
            "UPDATE drawer_ledger SET debit_minor = debit_minor - 1 WHERE what = 'float' AND debit_minor > 0",
        ),
        (
            "UPDATE drawer_ledger SET account = 'elsewhere' WHERE what = 'counted' AND account = 'drawer'",
            "UPDATE drawer_ledger SET account = 'drawer' WHERE what = 'counted' AND account = 'elsewhere'",
        ),
        (
            "UPDATE drawer_ledger SET shift = 1 WHERE what = 'paid_out'",
            "UPDATE drawer_ledger SET shift = 2 WHERE what = 'paid_out'",
        ),
    ] {
        assert!(change(&shop, spoil, vec![]).await > 0);
        let found = proved(&here, terminal).await.faults;
        assert!(found.iter().any(|fault| fault.terminal == terminal), "{spoil}: {found:?}");
        change(&shop, mend, vec![]).await;
        assert_eq!(proved(&here, terminal).await.faults, []);
    }
}

/// Tells a journal once more in steps of so many entries, without those that were lost.
async fn retell(base: &BaseStore, journal: &[Entry], step: usize, lost: Option<u64>) -> u64 {
    let (mut at, mut shifts) = (Retelling::of(journal[0].terminal, 1), 0);
    for piece in journal.chunks(step) {
        let upto = piece.last().unwrap().sequence;
        let kept = piece.iter().filter(|entry| Some(entry.sequence) != lost).cloned().collect();
        let Retold { next, shifts: more, is_all } = base.retell_shifts(at, kept, upto).await.unwrap();
        shifts += more;
        assert_eq!(is_all, upto == journal.last().unwrap().sequence);
        at = next;
    }
    shifts
}

/// Two shifts that have ended and one that has not, and something between them.
fn journal(terminal: TerminalId, at: Timestamp) -> Vec<Entry> {
    let mut hands = Hands::new(terminal, at);
    let ended = |opened: u64, facts: &[Fact], counted| {
        let mut end = end(at, facts, counted);
        let Body::ShiftClosed(closing) = &mut end else { panic!() };
        closing.shift = opened;
        end
    };
    let bodies = vec![
        begin(),
        cash(400),
        out(100, None),
        ended(1, &[sold(400), Fact::PaidOut(yuan(100))], 203),
        cash(55),
        begin(),
        cash(900),
        ended(6, &[sold(900)], 200),
        begin(),
        cash(250),
    ];
    hands.taken(bodies).told
}

type Legs = Vec<(i64, i64, Leg)>;

async fn ledger<P: Place>(shop: &Shop<P>) -> Legs {
    let database = shop.place.database().await;
    let rows = database
        .read(|sql| -> Result<Legs, DbError> {
            let rows = sql.rows("SELECT * FROM drawer_ledger ORDER BY sequence, what, account", &[])?;
            let leg = |row: &Row| {
                let leg = Leg {
                    entry: row.get("what")?,
                    account: row.get("account")?,
                    currency: row.get("currency")?,
                    debit_minor: row.get("debit_minor")?,
                    credit_minor: row.get("credit_minor")?,
                };
                Ok((row.get("shift")?, row.get("sequence")?, leg))
            };
            rows.iter().map(leg).collect()
        })
        .await;
    database.close().await;
    rows.unwrap()
}

async fn shifts(base: &BaseStore, at: Timestamp) -> Vec<ShiftRecord> {
    base.shifts(base.business_day(at), true, None).await.unwrap()
}

pub async fn shifts_from_before_there_was_a_book_are_told_from_the_journal_however_often<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let journal = journal(terminal, at);
    let mut hands = Hands::new(terminal, at);
    hands.give(&base, journal.iter().map(|entry| entry.body.clone()).collect()).await;
    let (seen, told) = (shifts(&base, at).await, ledger(&shop).await);
    assert_eq!((seen.len(), told.len()), (3, 22));
    // As if it had been handed in to servers from before.
    change(&shop, "DELETE FROM shifts", vec![]).await;
    change(&shop, "DELETE FROM drawer_ledger", vec![]).await;
    for (step, expected) in [(3, 3), (1, 0), (10, 0)] {
        assert_eq!(retell(&base, &journal, step, None).await, expected, "in steps of {step}");
        assert_eq!(shifts(&base, at).await, seen);
        assert_eq!(ledger(&shop).await, told);
    }
    assert_eq!(proved(&base, terminal).await.faults, []);
    // A server from before looked at the end of the first, and at nothing of the second.
    change(&shop, "DELETE FROM shifts WHERE opened > 1", vec![]).await;
    change(&shop, "DELETE FROM drawer_ledger", vec![]).await;
    change(&shop, "UPDATE shifts SET in_ledger = 0", vec![]).await;
    let before = proved(&base, terminal).await;
    assert_eq!((before.from_before, before.faults.len()), (1, 0), "it says so");
    // What comes meanwhile counts once.
    hands.give(&base, vec![cash(1_000)]).await;
    assert_eq!(balance(&proved(&base, terminal).await, "drawer"), 1_000, "of a shift that is not known yet");
    let mut whole = journal.clone();
    whole.push(Entry { sequence: 11, body: cash(1_000), ..journal[9].clone() });
    assert_eq!(retell(&base, &whole, 4, None).await, 2);
    hands.give(&base, vec![cash(50)]).await;
    let last = base.shift(terminal, 1, 9).await.unwrap().unwrap().book;
    assert_eq!((last.cash_sales.minor, last.has_gap), (1_300, false), "and goes on behind it");
    let after = proved(&base, terminal).await;
    assert_eq!((after.faults.clone(), after.from_before), (vec![], 0));
    assert_eq!(balance(&after, "drawer"), 21_300 + 55);
}

pub async fn a_shift_of_which_entries_are_nowhere_any_more_is_told_with_its_gap<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let journal = journal(terminal, at);
    let mut hands = Hands::new(terminal, at);
    hands.give(&base, journal.iter().map(|entry| entry.body.clone()).collect()).await;
    change(&shop, "DELETE FROM shifts", vec![]).await;
    change(&shop, "DELETE FROM drawer_ledger", vec![]).await;
    assert_eq!(retell(&base, &journal, 2, Some(7)).await, 3);
    let gaps: Vec<bool> = shifts(&base, at).await.iter().map(|shift| shift.book.has_gap).collect();
    assert_eq!(gaps, [false, true, false]);
    assert_eq!(proved(&base, terminal).await.faults, [], "the end's own word counts");
    // Whole again, when the group that has it answers.
    assert_eq!(retell(&base, &journal, 2, None).await, 1);
    assert!(shifts(&base, at).await.iter().all(|shift| !shift.book.has_gap));
    assert_eq!(proved(&base, terminal).await.faults, []);
}

pub async fn a_record_that_cannot_be_read_hides_no_other_and_is_made_anew<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let at = shop.clock.now();
    let journal = journal(terminal, at);
    let mut hands = Hands::new(terminal, at);
    hands.give(&base, journal.iter().map(|entry| entry.body.clone()).collect()).await;
    let seen = shifts(&base, at).await;
    change(&shop, "UPDATE shifts SET book = '{\"opened\":\"soon\"}' WHERE opened = 6", vec![]).await;
    let unreadable: Vec<bool> = shifts(&base, at).await.iter().map(|shift| shift.unreadable).collect();
    assert_eq!(unreadable, [false, true, false]);
    let faults = proved(&base, terminal).await.faults;
    assert!(
        faults.len() == 1 && faults[0].shift == 6 && faults[0].what.contains("cannot be read"),
        "{faults:?}"
    );
    assert_eq!(retell(&base, &journal, 4, None).await, 1);
    assert_eq!(shifts(&base, at).await, seen);
    assert_eq!(proved(&base, terminal).await.faults, []);
}

pub async fn a_shift_that_its_till_will_never_end_is_given_up_once_by_a_person_who_says_why<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let terminal = till(&here, 1).await;
    add(&here, "li", Role::Manager).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    hands.give(&here, vec![begin(), cash(1_000)]).await;
    let place = (terminal, 1, 1);
    let give_up = async |base: &BaseStore, found, why: &str| {
        base.give_up_shift(place, found, "li".into(), why.into()).await
    };
    let refused = give_up(&here, 0, "stolen").await;
    assert!(matches!(refused, Err(BaseError::Invalid(_))), "its till sells: {refused:?}");
    let nothing = here.give_up_shift((terminal, 1, 9), 0, "li".into(), "stolen".into()).await;
    assert!(matches!(nothing, Err(BaseError::NotFound(_))), "{nothing:?}");
    shop.clock.forward(24 * 3_600_000);
    let today = shop.clock.now();
    assert_eq!(shifts(&here, today).await.len(), 1, "it has not ended");
    let (a, b) = tokio::join!(give_up(&here, 500, "stolen"), give_up(&there, 500, "stolen"));
    a.unwrap();
    b.unwrap();
    assert_eq!(shifts(&there, today).await, [], "it stays on its own day's page only");
    let shift = only(&here, at).await;
    let by = shift.given_up.unwrap();
    assert_eq!((&*by.who, &*by.why, by.found_minor), ("li", "stolen", 500));
    let trail = here.audit_rows(None, 50).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.what == AuditKind::ShiftGivenUp).count(), 1);
    let proof = proved(&here, terminal).await;
    assert_eq!(proof.faults, []);
    assert_eq!([balance(&proof, "drawer"), balance(&proof, "over_short")], [0, 20_500]);
    // It was found in a cupboard, and hands in what it has.
    hands.give(&there, vec![cash(200), end(at, &[sold(1_000), sold(200)], 212)]).await;
    let ended = there.shift(terminal, 1, 1).await.unwrap().unwrap();
    assert!(ended.book.closed.is_some() && ended.given_up.is_some());
    let proof = proved(&there, terminal).await;
    assert_eq!(proof.faults, []);
    assert_eq!([balance(&proof, "drawer"), balance(&proof, "over_short")], [0, 0], "its own end counts");
    let refused = give_up(&here, 0, "once more").await;
    assert!(matches!(refused, Err(BaseError::Invalid(_))), "{refused:?}");
}

pub async fn what_a_person_counted_is_not_taken_back_by_the_stolen_tills_own_end<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    add(&base, "li", Role::Manager).await;
    let at = shop.clock.now();
    let mut hands = Hands::new(terminal, at);
    let mut journal = Vec::new();
    let mut give = async |bodies: Vec<Body>, quarantined: bool| {
        let taken = HandInTaken { quarantined, ..hands.taken(bodies) };
        journal.extend(taken.told.clone());
        hands.head = base.take_hand_in(taken).await.unwrap();
        let proof = proved(&base, terminal).await;
        assert_eq!(proof.faults, []);
        [balance(&proof, "drawer"), balance(&proof, "over_short")]
    };
    assert_eq!(give(vec![begin(), cash(1_000)], false).await, [21_000, 0]);
    shop.clock.forward(24 * 3_600_000);
    base.give_up_shift((terminal, 1, 1), 500, "li".into(), "stolen".into()).await.unwrap();
    // Whoever has the till sells once more, and says that all was there. 500 were found.
    assert_eq!(give(vec![cash(200)], true).await, [0, 20_700]);
    assert_eq!(give(vec![end(at, &[sold(1_000), sold(200)], 212)], true).await, [0, 20_700]);
    let shift = base.shift(terminal, 1, 1).await.unwrap().unwrap();
    assert!(shift.quarantined && shift.book.closed.is_some() && shift.given_up.is_some());
    retell(&base, &journal, 2, None).await;
    let again = proved(&base, terminal).await;
    assert_eq!(again.faults, []);
    assert_eq!([balance(&again, "drawer"), balance(&again, "over_short")], [0, 20_700]);
}
