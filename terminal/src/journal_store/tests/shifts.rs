//! Shifts in the journal: derived with each entry, the same after a restart, and never counted twice.

use super::*;
use evertill_shared::journal::{CashReason, DrawerReason, Entry};
use evertill_shared::shift::{Counted, Pending, Shift, ShiftError, Tally};

fn opened(minor: i64) -> Body {
    Body::ShiftOpened { float: cny(minor), cashier: None, approved_by: None }
}

fn paid_in(minor: i64) -> Body {
    Body::CashPaidIn { amount: cny(minor), reason: CashReason::Safe, cashier: None, approved_by: None }
}

fn paid_out(minor: i64) -> Body {
    Body::CashPaidOut { amount: cny(minor), reason: CashReason::Expense, cashier: None, approved_by: None }
}

fn drawer(reason: DrawerReason) -> Body {
    Body::DrawerOpened { reason, cashier: None, approved_by: None }
}

fn last(journal: &JournalStore) -> Shift {
    journal.last_shift().unwrap().unwrap()
}

fn end_of(journal: &JournalStore, pieces: u32) -> Body {
    let counted = vec![Counted { value_minor: 100, pieces }];
    Body::ShiftClosed(Box::new(last(journal).closing(counted, Pending::default())))
}

/// Sells for cash; gives the sale's place.
fn sell(journal: &mut JournalStore, minor: i64) -> u64 {
    let place = journal.append(&sale(minor), NOW).unwrap();
    journal.append(&cash(place, minor), NOW).unwrap();
    place
}

fn refund(id: &str, number: OrderNumber, minor: i64) -> [Body; 2] {
    let refund = RefundId(id.into());
    let carried =
        Body::RefundCarriedOut { refund: refund.clone(), number, amount: cny(minor), cashier: None };
    [carried, Body::RefundSettled { refund, outcome: RefundSettled::Done }]
}

/// Something of everything, from before a shift to after it.
fn busy(journal: &mut JournalStore) {
    let before = sell(journal, 9_999);
    journal.append(&opened(10_000), NOW).unwrap();
    journal.append(&paid_in(500), NOW).unwrap();
    let in_cash = sell(journal, 800);
    let by_wallet = journal.append(&sale(450), NOW).unwrap();
    for body in [
        Body::Adopted { sale: in_cash, number: number(7) },
        Body::Adopted { sale: by_wallet, number: number(1) },
        requested(by_wallet, 1, 450),
        Body::PaymentSettled {
            sale: by_wallet,
            attempt: 1,
            outcome: Settled::Paid { transaction: "4".into() },
        },
        Body::Adopted { sale: before, number: number(9) },
        drawer(DrawerReason::ChangeMoney),
        drawer(DrawerReason::Count),
        paid_out(300),
    ]
    .into_iter()
    .chain(refund("R1", number(7), 100))
    .chain(refund("R2", number(1), 50))
    .chain(refund("R3", number(9), 10))
    .chain(refund("R4", number(77), 5))
    {
        journal.append(&body, NOW).unwrap();
    }
    let given_up = journal.append(&sale(70), NOW).unwrap();
    journal.append(&Body::SaleVoided { sale: given_up }, NOW).unwrap();
}

#[test]
fn a_shift_counts_what_moved_in_it_once_and_nothing_from_before() {
    let mut journal = memory();
    busy(&mut journal);
    let totals = last(&journal).totals;
    assert_eq!(totals.cash_sales, Tally { count: 1, minor: 800 });
    assert_eq!(totals.wallet_sales[&Wallet::WeChatPay], Tally { count: 1, minor: 450 });
    assert_eq!(totals.cash_refunds, Tally { count: 2, minor: 110 }, "also of a sale from before the shift");
    assert_eq!(totals.wallet_refunds[&Wallet::WeChatPay], Tally { count: 1, minor: 50 });
    assert_eq!(totals.other_refunds, Tally { count: 1, minor: 5 }, "of a sale that is not in this journal");
    assert_eq!((totals.no_sales, totals.voids.count), (1, 1), "opening it to count is none");
    assert_eq!(totals.expected(), cny(10_000 + 500 + 800 - 300 - 110));
}

#[test]
fn a_restart_anywhere_finds_the_same_shift() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    busy(&mut journal);
    let shift = last(&journal);
    drop(journal);
    let mut journal = open(&path).unwrap();
    assert_eq!(last(&journal), shift);
    // In the middle of the count: nothing was written, so nothing was ended, and the count begins anew.
    let end = end_of(&journal, 108);
    drop(journal);
    let mut again = open(&path).unwrap();
    again.append(&end, Timestamp(NOW.0 - 86_400_000)).unwrap();
    drop(again);
    journal = open(&path).unwrap();
    let ended = last(&journal).closed.unwrap();
    assert_eq!(ended.closing.over_minor(), 10_800 - 10_890, "a clock that went back changes nothing");
    // The same end once more: the second press, or a program that did not hear of the first.
    let refused = journal.append(&end, NOW);
    assert!(
        matches!(refused, Err(JournalError::Rule(RuleBroken::Shift(ShiftError::NoneOpen)))),
        "{refused:?}"
    );
    sell(&mut journal, 100);
    assert_eq!(last(&journal).closed.as_ref(), Some(&ended), "what comes after is in no shift");
    journal.append(&opened(2_000), NOW).unwrap();
    assert_eq!(last(&journal).totals.expected(), cny(2_000), "the next one begins with its own float");
}

#[test]
fn what_no_shift_allows_is_not_written() {
    let mut journal = memory();
    let broken = |result: Result<u64, JournalError>| match result {
        Err(JournalError::Rule(RuleBroken::Shift(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(broken(journal.append(&paid_in(1), NOW)), ShiftError::NoneOpen);
    assert_eq!(broken(journal.append(&opened(-1), NOW)), ShiftError::NoAmount(cny(-1)));
    let place = journal.append(&opened(0), NOW).unwrap();
    assert_eq!(broken(journal.append(&opened(0), NOW)), ShiftError::OpenBefore(place));
    assert_eq!(broken(journal.append(&paid_out(0), NOW)), ShiftError::NoAmount(cny(0)));
    let early = end_of(&journal, 1);
    sell(&mut journal, 100);
    let head = journal.head();
    assert_eq!(broken(journal.append(&early, NOW)), ShiftError::DoesNotFit(place), "a sale came between");
    assert_eq!(journal.head(), head);
    let now = end_of(&journal, 1);
    journal.append(&now, NOW).unwrap();
}

#[test]
fn a_shift_table_that_was_altered_or_lost_is_derived_anew() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    busy(&mut journal);
    let shift = last(&journal);
    drop(journal);
    for damage in ["UPDATE shift SET record = replace(record, '800', '900')", "DROP TABLE shift"] {
        rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        assert_eq!(last(&open(&path).unwrap()), shift, "{damage}");
    }
}

/// What a shift holds is brought forward with each sale: its end reads one row, whatever was sold.
#[test]
fn the_end_of_a_shift_of_thousands_of_sales_needs_none_of_them() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    journal.connection.pragma_update(None, "synchronous", "OFF").unwrap();
    journal.append(&opened(10_000), NOW).unwrap();
    for _ in 0..2_000 {
        sell(&mut journal, 450);
    }
    // Whoever wanted to read them again could not.
    journal.connection.execute_batch("ALTER TABLE sale RENAME TO away").unwrap();
    let end = end_of(&journal, 9_100);
    journal.append(&end, NOW).unwrap();
    journal.connection.execute_batch("ALTER TABLE away RENAME TO sale").unwrap();
    let shift = last(&journal);
    assert_eq!(shift.totals.cash_sales.count, 2_000);
    assert_eq!(shift.totals.expected(), cny(910_000));
}

/// Signs and writes an entry with none of the rules of this program.
fn write_as_another_program(journal: &JournalStore, body: Body) {
    let Head { terminal, epoch, hash: previous, sequence } = journal.head();
    let entry = Entry { terminal, epoch, sequence: sequence + 1, previous, at: NOW, body };
    let signed = SignedEntry::sign(&entry, &key()).unwrap();
    let place = schema::db(entry.sequence);
    let write = |text: &str, parameters: &[&dyn rusqlite::ToSql]| {
        assert_eq!(journal.connection.execute(text, parameters).unwrap(), 1);
    };
    write("INSERT INTO entry VALUES (?1, ?2, ?3)", &[&place, &signed.text, &signed.signature]);
    write("UPDATE head SET sequence = ?1, hash = ?2", &[&place, &signed.hash().to_string()]);
}

#[test]
fn an_end_that_another_program_counted_differently_is_no_damage() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    busy(&mut journal);
    let Body::ShiftClosed(mut end) = end_of(&journal, 108) else { panic!("no end") };
    end.totals.no_sales += 7;
    end.totals.cash_sales.minor += 1;
    end.expected.minor += 1;
    let other = Body::ShiftClosed(end.clone());
    assert!(matches!(journal.append(&other, NOW), Err(JournalError::Rule(_))), "we do not sign it");
    write_as_another_program(&journal, other);
    drop(journal);
    let mut journal = open(&path).unwrap();
    let shift = last(&journal);
    assert_eq!((&shift.totals, &shift.closed.unwrap().closing), (&end.totals, &*end));
    journal.append(&opened(1_000), NOW).unwrap();
    sell(&mut journal, 450);
    drop(journal);
    assert_eq!(last(&open(&path).unwrap()).totals.expected(), cny(1_450), "the till sells on");
}
