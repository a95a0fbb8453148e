//! A part in cash: what the journal takes of it, and what it refuses before anything is signed.

use super::*;

fn part(minor: i64) -> Body {
    Body::CashPart { sale: 2, amount: cny(minor), cashier: None }
}

fn back(minor: i64) -> Body {
    Body::CashPartBack { sale: 2, amount: cny(minor), later: false, cashier: None, approved_by: None }
}

fn rest(attempt: u8, minor: i64, cash_minor: i64) -> Body {
    match requested(2, attempt, minor) {
        Body::PaymentRequested { sale, number, attempt, wallet, channel_number, amount } => {
            let cash = cny(cash_minor);
            Body::RestRequested { sale, number, attempt, wallet, channel_number, amount, cash }
        }
        other => other,
    }
}

fn in_cash(given: i64, change: i64, part: i64) -> Body {
    Body::CashRest { sale: 2, given: cny(given), change: cny(change), part: cny(part) }
}

/// A sale of 500 with its number.
fn sold() -> JournalStore {
    let mut journal = memory();
    journal.append(&sale(500), NOW).unwrap();
    journal.append(&Body::Adopted { sale: 2, number: number(1) }, NOW).unwrap();
    journal
}

#[test]
fn one_part_is_taken_at_a_time_and_leaves_something_to_pay() {
    let mut journal = sold();
    for wrong in [part(0), part(500), part(501), part(-1), back(1), in_cash(500, 0, 0), rest(1, 300, 200)] {
        let broken = journal.append(&wrong, NOW).unwrap_err();
        assert!(matches!(broken, JournalError::Rule(_)), "{wrong:?}: {broken:?}");
    }
    journal.append(&part(200), NOW).unwrap();
    refuses(&mut journal, &part(100), &RuleBroken::CashDiffers(2));
    refuses(&mut journal, &back(199), &RuleBroken::CashDiffers(2));
    journal.append(&back(200), NOW).unwrap();
    refuses(&mut journal, &back(200), &RuleBroken::CashDiffers(2));
    journal.append(&part(100), NOW).unwrap();
}

#[test]
fn never_over_a_wallet_is_asked_for_exactly_what_the_drawer_does_not_hold() {
    let mut journal = sold();
    journal.append(&part(200), NOW).unwrap();
    for wrong in
        [requested(2, 1, 500), requested(2, 1, 300), rest(1, 301, 200), rest(1, 300, 199), rest(1, 500, 0)]
    {
        refuses(&mut journal, &wrong, &RuleBroken::DoesNotFit(2));
    }
    journal.append(&rest(1, 300, 200), NOW).unwrap();
    // Nobody knows: nothing of the sale changes.
    let open = RuleBroken::Unsettled { sale: 2, attempt: 1 };
    for wrong in [back(200), part(100), in_cash(300, 0, 200), rest(2, 300, 200), Body::SaleVoided { sale: 2 }]
    {
        refuses(&mut journal, &wrong, &open);
    }
    let paid = Settled::Paid { transaction: "1".into() };
    journal.append(&Body::PaymentSettled { sale: 2, attempt: 1, outcome: paid }, NOW).unwrap();
    for late in [back(200), part(100), in_cash(300, 0, 200)] {
        refuses(&mut journal, &late, &RuleBroken::Closed(2));
    }
}

#[test]
fn a_sale_with_cash_in_the_drawer_is_not_given_up() {
    let mut journal = sold();
    journal.append(&part(200), NOW).unwrap();
    let in_place = RuleBroken::CashInPlace { sale: 2, amount: cny(200) };
    for wrong in [Body::SaleVoided { sale: 2 }, Body::SaleChanged { sale: 2 }] {
        refuses(&mut journal, &wrong, &in_place);
    }
    for wrong in [
        cash(2, 500),
        in_cash(299, 0, 200),
        in_cash(300, 0, 300),
        in_cash(500, 0, 200),
        in_cash(200, -100, 200),
    ] {
        refuses(&mut journal, &wrong, &RuleBroken::CashDiffers(2));
    }
    journal.append(&in_cash(350, 50, 200), NOW).unwrap();
    let taken = journal.sale(2).unwrap().unwrap().record.cash.unwrap();
    assert_eq!((taken.given, taken.change), (cny(550), cny(50)), "what the customer gave altogether");
    assert_eq!(journal.queue().unwrap().len(), 1, "it is brought to the server as a cash sale");
    refuses(&mut journal, &back(200), &RuleBroken::Closed(2));
}

#[test]
fn a_part_that_nobody_came_for_is_no_longer_the_sales_and_stays_in_the_drawer() {
    let mut journal = sold();
    let opened = Body::ShiftOpened { float: cny(1_000), cashier: None, approved_by: None };
    journal.append(&opened, NOW).unwrap();
    let kept = |minor| Body::CashPartKept { sale: 2, amount: cny(minor), cashier: None, approved_by: None };
    refuses(&mut journal, &kept(200), &RuleBroken::CashDiffers(2));
    journal.append(&part(200), NOW).unwrap();
    refuses(&mut journal, &kept(199), &RuleBroken::CashDiffers(2));
    journal.append(&rest(1, 300, 200), NOW).unwrap();
    refuses(&mut journal, &kept(200), &RuleBroken::Unsettled { sale: 2, attempt: 1 });
    journal.append(&Body::PaymentSettled { sale: 2, attempt: 1, outcome: Settled::Reversed }, NOW).unwrap();
    journal.append(&kept(200), NOW).unwrap();
    for late in [kept(200), back(200), rest(2, 300, 200), Body::SaleVoided { sale: 2 }] {
        refuses(&mut journal, &late, &RuleBroken::Closed(2));
    }
    let record = journal.sale(2).unwrap().unwrap().record;
    assert_eq!((record.part, record.part_back), (None, None), "nothing is to be handed back");
    assert!(record.voided && journal.open_sales().unwrap().is_empty());
    let totals = journal.last_shift().unwrap().unwrap().totals;
    assert_eq!((totals.cash_sales.minor, totals.paid_in.minor, totals.expected()), (0, 200, cny(1_200)));
}

#[test]
fn parts_are_derived_anew_from_the_entries_alone() {
    let (_dir, path) = file();
    let mut journal = open(&path).unwrap();
    journal.append(&sale(500), NOW).unwrap();
    journal.append(&Body::Adopted { sale: 2, number: number(1) }, NOW).unwrap();
    journal.append(&part(200), NOW).unwrap();
    journal.append(&rest(1, 300, 200), NOW).unwrap();
    let before = journal.sale(2).unwrap().unwrap();
    journal.connection.execute("UPDATE sale SET record = replace(record, '200', '100')", []).unwrap();
    drop(journal);
    let journal = open(&path).unwrap();
    assert_eq!(journal.sale(2).unwrap().unwrap(), before);
    assert_eq!(before.record.part.unwrap().amount, cny(200));
}
