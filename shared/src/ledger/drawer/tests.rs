use super::*;
use crate::id::TerminalId;
use crate::journal::EntryHash;
use crate::ledger::Balances;
use crate::shift::{Counted, Fact, Pending, Place, Shift, follow};
use proptest::prelude::*;

fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn entry(sequence: u64, body: Body) -> Entry {
    let at = Timestamp(1_000 + i64::try_from(sequence).unwrap());
    let terminal = TerminalId::try_from(1).unwrap();
    Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at, body }
}

/// A shift as a till writes it, ended with that count.
fn journal(facts: &[(u8, i64)], refund: i64, counted: u32) -> Vec<Entry> {
    let mut shift = Shift::open(1, Timestamp(1_001), yuan(10_000), None).unwrap();
    let float = Body::ShiftOpened { float: yuan(10_000), cashier: None, approved_by: None };
    let mut entries = vec![entry(1, float)];
    for (kind, minor) in facts {
        let (amount, reason) = (yuan(*minor), CashReason::Supplier);
        let (fact, body) = match kind {
            0 => (
                Fact::Sold { wallet: None, amount, tax: yuan(0) },
                Body::CashTaken { sale: 1, given: yuan(minor + 50), change: yuan(50) },
            ),
            3 => (Fact::CashPart(amount), Body::CashPart { sale: 1, amount, cashier: None }),
            4 => {
                let (later, cashier, approved_by) = (false, None, None);
                let body = Body::CashPartBack { sale: 1, amount, later, cashier, approved_by };
                (Fact::CashPartBack(amount), body)
            }
            6 => {
                let body = Body::CashPartKept { sale: 1, amount, cashier: None, approved_by: None };
                (Fact::CashPartKept(amount), body)
            }
            5 => (
                Fact::Sold { wallet: None, amount, tax: yuan(0) },
                Body::CashRest { sale: 1, given: yuan(minor + 50), change: yuan(50), part: yuan(70) },
            ),
            1 => {
                (Fact::PaidIn(amount), Body::CashPaidIn { amount, reason, cashier: None, approved_by: None })
            }
            _ => (
                Fact::PaidOut(amount),
                Body::CashPaidOut { amount, reason, cashier: None, approved_by: None },
            ),
        };
        shift.take(&fact);
        entries.push(entry(u64::try_from(entries.len()).unwrap() + 1, body));
    }
    shift.take(&Fact::Refunded { from: Place::Drawer, amount: yuan(refund) });
    let counted = vec![Counted { value_minor: 100, pieces: counted }];
    let end = Body::ShiftClosed(Box::new(shift.closing(counted, Pending::default())));
    entries.push(entry(u64::try_from(entries.len()).unwrap() + 1, end));
    entries
}

const GIVEN_UP: super::Place = super::Place { sequence: 1, at: Timestamp(5_000) };

fn post(ledger: &mut Vec<Move>, moves: Vec<Move>) {
    ledger.extend(moves);
}

fn posted(ledger: &[Move], shift: u64) -> Posted {
    let mut posted = Posted::default();
    ledger.iter().filter(|one| one.shift == shift).for_each(|one| posted.add(one.what, one.amount.minor));
    posted
}

/// As a server does it: what is handed in, and then the ends that it has brought.
fn take(ledger: &mut Vec<Move>, open: Option<Book>, entries: &[Entry]) -> Option<Book> {
    post(ledger, moves(open.as_ref(), entries));
    let books = follow(open, entries);
    for book in books.iter().filter(|book| !book.is_open()) {
        let stands = posted(ledger, book.opened);
        post(ledger, at_end(book, stands));
    }
    books.into_iter().next_back()
}

#[test]
fn what_a_person_did_not_find_is_short_until_the_till_itself_ends_the_shift() {
    let entries = journal(&[(0, 4_000)], 0, 130);
    let (first, end) = entries.split_at(2);
    let mut ledger = Vec::new();
    let open = take(&mut ledger, None, first).unwrap();
    let stands = posted(&ledger, 1);
    post(&mut ledger, at_giving_up(&open, stands, yuan(9_000), GIVEN_UP));
    let stands = posted(&ledger, 1);
    assert_eq!((stands.held(), stands.of(What::Found), stands.of(What::Missing)), (0, -9_000, -5_000));
    assert_eq!(differs(&open, &stands, CountBy::Person), Vec::<String>::new());
    let ended = take(&mut ledger, Some(open), end).unwrap();
    let stands = posted(&ledger, 1);
    assert_eq!((stands.of(What::Missing), stands.of(What::OverShort)), (0, -1_000));
    assert_eq!(differs(&ended, &stands, CountBy::Till), Vec::<String>::new());
}

#[test]
fn what_a_person_counted_stands_against_what_a_blocked_till_hands_in_later() {
    let entries = journal(&[(0, 4_000), (0, 700)], 0, 140);
    let mut ledger = Vec::new();
    let open = take(&mut ledger, None, &entries[..2]).unwrap();
    let stands = posted(&ledger, 1);
    post(&mut ledger, at_giving_up(&open, stands, yuan(9_000), GIVEN_UP));
    // A sale more, and an end: neither changes what was found; the sale's cash is short too.
    post(&mut ledger, moves(Some(&open), &entries[2..]));
    let ended = follow(Some(open), &entries[2..]).pop().unwrap();
    let late = super::Place { sequence: 4, ..GIVEN_UP };
    let stands = posted(&ledger, 1);
    assert!(!differs(&ended, &stands, CountBy::Person).is_empty(), "the sale's cash is nowhere");
    post(&mut ledger, at_giving_up(&ended, stands, yuan(9_000), late));
    let stands = posted(&ledger, 1);
    assert_eq!((stands.of(What::Found), stands.of(What::Missing), stands.held()), (-9_000, -5_700, 0));
    assert_eq!(differs(&ended, &stands, CountBy::Person), Vec::<String>::new());
    assert_eq!(at_giving_up(&ended, stands, yuan(9_000), late), []);
}

#[test]
fn an_end_of_which_nothing_else_was_seen_accounts_for_itself() {
    let entries = journal(&[(0, 4_000), (2, 500)], 300, 140);
    let mut ledger = Vec::new();
    let ended = take(&mut ledger, None, &entries[3..]).unwrap();
    assert_eq!(ended.at, None);
    let stands = posted(&ledger, 1);
    assert_eq!((stands.held(), stands.of(What::Sale), stands.of(What::OverShort)), (0, 4_000, 800));
    assert_eq!(differs(&ended, &stands, CountBy::Till), Vec::<String>::new());
}

#[test]
fn cash_outside_of_a_shift_or_of_another_currency_is_in_no_shifts_account() {
    let cash = |minor, currency| {
        let amount = |minor| Amount::new(minor, currency);
        Body::CashTaken { sale: 1, given: amount(minor), change: amount(0) }
    };
    let float = Body::ShiftOpened { float: yuan(100), cashier: None, approved_by: None };
    let usd: Currency = "USD".parse().unwrap();
    let entries =
        [entry(1, cash(7, Currency::CNY)), entry(2, float), entry(3, cash(5, usd)), entry(4, cash(0, usd))];
    let told: Vec<_> = moves(None, &entries).iter().map(|one| (one.shift, one.amount.minor)).collect();
    assert_eq!(told, [(NO_SHIFT, 7), (2, 100), (NO_SHIFT, 5)]);
}

#[test]
fn a_cash_part_that_went_back_stands_in_the_ledger_both_ways() {
    let entries = journal(&[(3, 4_000), (4, 4_000)], 0, 100);
    let mut ledger = Vec::new();
    let ended = take(&mut ledger, None, &entries).unwrap();
    let sales: Vec<_> =
        ledger.iter().filter(|one| one.what == What::Sale).map(|one| one.amount.minor).collect();
    assert_eq!(sales, [4_000, -4_000]);
    let [debit, credit] = ledger[2].legs();
    assert_eq!((debit.account.as_str(), credit.account.as_str()), ("takings", "drawer"));
    assert_eq!(differs(&ended, &posted(&ledger, 1), CountBy::Till), Vec::<String>::new());
}

#[test]
fn an_account_that_was_altered_differs_from_its_shift() {
    let entries = journal(&[(0, 4_000), (1, 200)], 0, 142);
    let mut ledger = Vec::new();
    let ended = take(&mut ledger, None, &entries).unwrap();
    for at in 0..ledger.len() {
        let mut altered = ledger.clone();
        altered[at].amount.minor += 1;
        assert!(!differs(&ended, &posted(&altered, 1), CountBy::Till).is_empty(), "{:?}", ledger[at]);
        altered.remove(at);
        assert!(!differs(&ended, &posted(&altered, 1), CountBy::Till).is_empty(), "{:?}", ledger[at]);
    }
}

proptest! {
    /// However the entries come in pieces: what should be there is what the shift says, and nothing is left at its end.
    #[test]
    fn debits_equal_credits_and_the_drawer_is_what_the_shift_says(
        facts in prop::collection::vec((0_u8..7, 1_i64..10_000), 0..20),
        cut in 0_usize..22,
        counted in 0_u32..500,
        refund in 0_i64..500,
    ) {
        let entries = journal(&facts, refund, counted);
        let (first, second) = entries.split_at(cut.min(entries.len()));
        let mut ledger = Vec::new();
        let open = take(&mut ledger, None, first).filter(Book::is_open);
        if let Some(open) = &open {
            prop_assert_eq!(posted(&ledger, 1).held(), open.drawer_minor());
            prop_assert_eq!(differs(open, &posted(&ledger, 1), CountBy::Till), Vec::<String>::new());
        }
        let ended = if second.is_empty() { follow(None, first).pop() } else { take(&mut ledger, open, second) };
        let stands = posted(&ledger, 1);
        let ended = ended.unwrap();
        prop_assert_eq!(differs(&ended, &stands, CountBy::Till), Vec::<String>::new());
        prop_assert_eq!(stands.of(What::OverShort), ended.closed.unwrap().closing.over_minor());
        let mut balances = Balances::default();
        ledger.iter().flat_map(Move::legs).for_each(|leg| balances.add(&leg));
        prop_assert!(balances.totals().iter().all(|(_, debit, credit)| debit == credit));
        let drawer = balances.accounts().find(|(_, account, ..)| *account == "drawer");
        prop_assert!(drawer.is_none_or(|(_, _, debit, credit)| debit == credit));
    }
}
