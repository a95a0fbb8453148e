use super::*;
use proptest::prelude::*;

fn book(number: &str, minor: i64, standing: Standing) -> BookRow {
    BookRow {
        movement: Movement::Payment,
        number: number.into(),
        amount: Amount::new(minor, Currency::CNY),
        fee_minor: None,
        standing,
        taken_back: false,
        order: format!("order of {number}"),
    }
}

fn bill(number: &str, minor: i64) -> BillRow {
    BillRow {
        movement: Movement::Payment,
        number: number.into(),
        amount: Amount::new(minor, Currency::CNY),
        fee_minor: 0,
        revoked: false,
        progress: Progress::Done,
        transaction: format!("T{number}"),
        line: 1,
    }
}

fn revoked(number: &str, minor: i64) -> BillRow {
    BillRow { revoked: true, line: 2, ..bill(number, minor) }
}

fn categories(result: &Reconciled) -> Vec<Category> {
    result.findings.iter().map(|finding| finding.category).collect()
}

fn run(books: Vec<BookRow>, bill: Vec<BillRow>) -> Reconciled {
    let result = reconcile(books, bill, Vec::new());
    assert_eq!(result.explained(), result.difference, "{result:?}");
    result
}

/// Days on which neither side says anything new.
fn quiet_days(mut result: Reconciled, days: usize) -> Reconciled {
    for _ in 0..days {
        result = reconcile(Vec::new(), Vec::new(), result.carried);
        assert_eq!(result.explained(), result.difference);
    }
    result
}

#[test]
fn what_both_have_alike_agrees_and_nothing_is_left() {
    let mut refund = book("R1", 200, Standing::Moved);
    refund.movement = Movement::Refund;
    let mut back = bill("R1", 200);
    back.movement = Movement::Refund;
    let result = run(vec![book("A", 550, Standing::Moved), refund], vec![back, bill("A", 550)]);
    assert_eq!((result.agreed, result.findings.len(), result.carried.len()), (2, 0, 0));
    assert!(result.difference.is_zero());
}

#[test]
fn a_payment_and_a_refund_under_the_same_number_do_not_meet() {
    let mut back = bill("A", 550);
    back.movement = Movement::Refund;
    let result = run(vec![book("A", 550, Standing::Moved)], vec![back]);
    assert_eq!((result.agreed, result.carried.len()), (0, 2));
}

#[test]
fn what_the_bill_does_not_have_is_looked_for_three_more_days_and_then_missing_at_the_channel() {
    let today = run(vec![book("A", 550, Standing::Moved)], vec![]);
    assert!(today.findings.is_empty());
    assert_eq!(today.carried.len(), 1);
    let third = quiet_days(today, 2);
    assert!(third.findings.is_empty());
    let fourth = quiet_days(third, 1);
    assert_eq!(categories(&fourth), [Category::MissingAtChannel]);
    assert_eq!(fourth.findings[0].difference.of(Currency::CNY), 550);
    assert!(fourth.carried.is_empty());
}

#[test]
fn what_our_books_do_not_have_is_looked_for_three_more_days_and_then_missing_here() {
    let third = quiet_days(run(vec![], vec![bill("A", 550)]), 2);
    assert_eq!(categories(&third), []);
    let fourth = quiet_days(third, 1);
    assert_eq!(categories(&fourth), [Category::MissingHere]);
    assert_eq!((fourth.findings[0].difference.of(Currency::CNY), &fourth.findings[0].order), (-550, &None));
}

#[test]
fn a_payment_at_midnight_meets_its_line_a_day_later_from_either_side() {
    let ours_first = run(vec![book("A", 550, Standing::Moved)], vec![]);
    let next = reconcile(vec![], vec![bill("A", 550)], ours_first.carried);
    assert_eq!((next.agreed, next.carried.len(), next.findings.len()), (1, 0, 0));
    let theirs_first = run(vec![], vec![bill("A", 550)]);
    let next = reconcile(vec![book("A", 550, Standing::Moved)], vec![], theirs_first.carried);
    assert_eq!((next.agreed, next.carried.len(), next.findings.len()), (1, 0, 0));
}

#[test]
fn each_side_of_a_dispute_has_its_own_name() {
    let result = quiet_days(run(vec![book("A", 550, Standing::NotMoved)], vec![bill("A", 550)]), 1);
    assert_eq!(categories(&result), [Category::PaidThereNotHere]);
    assert_eq!(result.findings[0].difference.of(Currency::CNY), -550);
    let result = run(vec![book("A", 550, Standing::Moved)], vec![bill("A", 550), revoked("A", 550)]);
    assert_eq!(categories(&result), [Category::PaidHereNotThere]);
    assert_eq!(
        (result.findings[0].difference.of(Currency::CNY), &result.findings[0].lines),
        (550, &vec![1, 2])
    );
}

#[test]
fn a_payment_that_was_taken_back_agrees_with_a_line_that_revokes_it_and_with_no_line_at_all() {
    let ours = || vec![book("A", 550, Standing::NotMoved)];
    assert_eq!(run(ours(), vec![bill("A", 550), revoked("A", 550)]).agreed, 1);
    assert_eq!(run(ours(), vec![]).agreed, 1);
}

#[test]
fn a_payment_before_midnight_may_be_taken_back_after_it() {
    let today = run(vec![book("A", 550, Standing::NotMoved)], vec![bill("A", 550)]);
    assert!(today.findings.is_empty());
    let tomorrow = reconcile(vec![], vec![revoked("A", 550)], today.carried);
    assert_eq!((tomorrow.agreed, tomorrow.findings.len(), tomorrow.carried.len()), (1, 0, 0));
}

#[test]
fn a_payment_that_the_bill_has_and_our_books_ended_without_is_told_and_handed_on_once() {
    let first = run(vec![book("A", 550, Standing::NotMoved)], vec![bill("A", 550)]);
    assert!(first.settled.is_empty(), "it may be taken back tomorrow");
    let told = quiet_days(first, 1);
    assert_eq!((categories(&told), told.settled.len()), (vec![Category::PaidThereNotHere], 1));
    let handed = &told.settled[0];
    assert!(handed.moved && handed.difference.is_zero(), "the finding says by how much: {handed:?}");
    assert_eq!((handed.number.as_str(), handed.transaction.as_deref()), ("A", Some("TA")));
    let next = quiet_days(told, 1);
    assert!(next.settled.is_empty() && next.findings.is_empty());
}

#[test]
fn known_or_unknown_no_other_amount_and_no_refund_is_handed_on_as_a_late_payment() {
    let told = quiet_days(run(vec![book("A", 550, Standing::NotMoved)], vec![bill("A", 5)]), 1);
    assert_eq!((categories(&told), told.settled.len()), (vec![Category::PaidThereNotHere], 0));
    let fields: Vec<_> = told.findings[0].fields.iter().map(|field| field.field).collect();
    assert_eq!(fields, ["standing", "amount_minor"]);
    let told = quiet_days(run(refund(Standing::NotMoved), refund_line(Progress::Done)), 1);
    assert_eq!((categories(&told), told.settled.len()), (vec![Category::PaidThereNotHere], 0));
}

#[test]
fn what_is_being_taken_back_waits_with_its_line_for_the_one_that_takes_it_back() {
    let being = |minor| BookRow { taken_back: true, ..book("A", minor, Standing::Unknown) };
    let first = run(vec![being(550)], vec![bill("A", 550)]);
    assert_eq!((first.settled.len(), first.findings.len(), first.carried.len()), (0, 0, 2));
    // It was taken back in the meantime, and the next bill says so.
    let mut carried = first.carried.clone();
    carried[0].row = Either::Book(book("A", 550, Standing::NotMoved));
    let next = reconcile(vec![], vec![revoked("A", 550)], carried);
    assert_eq!((next.agreed, next.findings.len(), next.carried.len()), (1, 0, 0));
    assert_eq!(next.explained(), next.difference);
    // Nothing comes: the bill has the last word after all.
    let third = quiet_days(first, 2);
    assert_eq!((third.settled.len(), third.carried.len()), (0, 2));
    let fourth = quiet_days(third, 1);
    assert!(fourth.settled[0].moved && fourth.carried.is_empty());
    // Another amount waits no longer than that, and is told.
    let other = quiet_days(run(vec![being(550)], vec![bill("A", 5)]), 3);
    assert_eq!(categories(&other), [Category::AmountDiffers]);
}

#[test]
fn what_older_servers_carried_is_read_and_what_is_carried_can_be_read_by_them() {
    let old = r#"{"row":{"book":{"movement":"payment","number":"A","amount":{"minor":550,"currency":"CNY"},"fee_minor":null,"standing":"unknown","order":"1"}},"days":1}"#;
    let read: Carried = serde_json::from_str(old).unwrap();
    assert!(matches!(&read.row, Either::Book(row) if !row.taken_back));
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
}

#[test]
fn a_line_that_takes_back_what_no_bill_had_is_told() {
    let result = run(vec![book("A", 550, Standing::NotMoved)], vec![revoked("A", 550)]);
    assert_eq!(categories(&result), [Category::RevokedAlone]);
    assert_eq!(result.findings[0].difference.of(Currency::CNY), 550);
}

#[test]
fn the_field_that_differs_is_named_with_both_values() {
    let result = run(vec![book("A", 550, Standing::Moved)], vec![bill("A", 505)]);
    assert_eq!(categories(&result), [Category::AmountDiffers]);
    let field = &result.findings[0].fields[0];
    assert_eq!((field.field, field.ours.as_str(), field.theirs.as_str()), ("amount_minor", "550", "505"));
    let mut dollars = bill("A", 550);
    dollars.amount.currency = "USD".parse().unwrap();
    let result = run(vec![book("A", 550, Standing::Moved)], vec![dollars]);
    assert_eq!(categories(&result), [Category::CurrencyDiffers]);
    let mut known_fee = book("A", 550, Standing::Moved);
    known_fee.fee_minor = Some(3);
    let result = run(vec![known_fee], vec![bill("A", 550)]);
    assert_eq!(categories(&result), [Category::FeeDiffers]);
    assert!(result.difference.is_zero(), "a fee is no part of the sale");
}

#[test]
fn one_number_that_moved_twice_is_a_duplicate_on_either_side() {
    let twice = run(vec![book("A", 550, Standing::Moved)], vec![bill("A", 550), bill("A", 550)]);
    assert_eq!(categories(&twice), [Category::Duplicate]);
    assert_eq!(twice.findings[0].difference.of(Currency::CNY), -550);
    let mut other = book("A", 550, Standing::Moved);
    other.order = "another order".into();
    let twice = run(vec![book("A", 550, Standing::Moved), other], vec![bill("A", 550)]);
    assert_eq!(categories(&twice), [Category::Duplicate]);
}

#[test]
fn known_or_unknown_the_bill_settles_what_nobody_knew() {
    let ours = || vec![book("A", 550, Standing::Unknown)];
    let paid = run(ours(), vec![bill("A", 550)]);
    assert!(paid.settled[0].moved && paid.findings.is_empty());
    assert_eq!(paid.settled[0].transaction.as_deref(), Some("TA"));
    let back = run(ours(), vec![bill("A", 550), revoked("A", 550)]);
    assert!(!back.settled[0].moved);
}

#[test]
fn known_or_unknown_no_number_of_bills_without_it_settles_anything_and_a_person_is_told() {
    let absent = quiet_days(run(vec![book("A", 550, Standing::Unknown)], vec![]), 2);
    assert_eq!((absent.settled.len(), absent.findings.len(), absent.carried.len()), (0, 0, 1));
    let told = quiet_days(absent, 1);
    assert_eq!((categories(&told), told.settled.len()), (vec![Category::UnknownHereNotThere], 0));
    assert!(told.findings[0].difference.is_zero() && told.carried.is_empty());
}

fn refund(standing: Standing) -> Vec<BookRow> {
    vec![BookRow { movement: Movement::Refund, ..book("R", 200, standing) }]
}

fn refund_line(progress: Progress) -> Vec<BillRow> {
    vec![BillRow { movement: Movement::Refund, progress, ..bill("R", 200) }]
}

#[test]
fn known_or_unknown_a_refund_that_is_only_accepted_or_failed_is_settled_by_no_bill() {
    for progress in [Progress::UnderWay, Progress::Failed] {
        let open = run(refund(Standing::Unknown), refund_line(progress));
        assert_eq!((open.settled.len(), open.findings.len(), open.carried.len()), (0, 0, 2));
        // The wallet was asked in the meantime: the carried row stands as it does by then.
        let known = |standing| {
            let mut carried = open.carried.clone();
            carried[0].row = Either::Book(refund(standing).remove(0));
            let result = reconcile(vec![], vec![], carried);
            assert_eq!(result.explained(), result.difference);
            (result.agreed, categories(&result), result.carried.len())
        };
        assert_eq!(known(Standing::NotMoved), (1, vec![], 0));
        let moved = if progress == Progress::Failed {
            (0, vec![Category::PaidHereNotThere], 0)
        } else {
            (1, vec![], 0)
        };
        assert_eq!(known(Standing::Moved), moved);
        let told = quiet_days(open, 3);
        assert_eq!((categories(&told), told.carried.len()), (vec![Category::UnknownHereNotThere], 0));
    }
    let done = run(refund(Standing::Unknown), refund_line(Progress::Done));
    assert!(done.settled[0].moved);
}

#[test]
fn a_refund_that_is_done_here_and_under_way_there_agrees_in_its_amount_or_not_at_all() {
    assert_eq!(run(refund(Standing::Moved), refund_line(Progress::UnderWay)).agreed, 1);
    let mut line = refund_line(Progress::UnderWay);
    line[0].amount.minor = 201;
    let result = run(refund(Standing::Moved), line);
    assert_eq!(categories(&result), [Category::AmountDiffers]);
    assert_eq!(result.findings[0].difference.of(Currency::CNY), 1);
}

#[test]
fn a_refund_that_nobody_here_knows_of_is_missing_here_however_far_it_is() {
    let told = quiet_days(run(vec![], refund_line(Progress::UnderWay)), 3);
    assert_eq!(categories(&told), [Category::MissingHere]);
}

#[test]
fn known_or_unknown_another_amount_settles_nothing() {
    let result = run(vec![book("A", 550, Standing::Unknown)], vec![bill("A", 5)]);
    assert!(result.settled.is_empty());
    assert_eq!(categories(&result), [Category::AmountDiffers]);
}

#[test]
fn a_carried_payment_that_is_known_today_counts_as_it_is_known_today() {
    let yesterday = run(vec![book("A", 550, Standing::Unknown)], vec![]);
    let today = reconcile(vec![book("A", 550, Standing::Moved)], vec![bill("A", 550)], yesterday.carried);
    assert_eq!((today.agreed, today.findings.len(), today.settled.len()), (1, 0, 0));
    assert_eq!(today.explained(), today.difference);
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Moved), Just(Standing::NotMoved), Just(Standing::Unknown)]
}

fn movement() -> impl Strategy<Value = Movement> {
    prop_oneof![Just(Movement::Payment), Just(Movement::Refund)]
}

fn progress() -> impl Strategy<Value = Progress> {
    prop_oneof![Just(Progress::Done), Just(Progress::UnderWay), Just(Progress::Failed)]
}

prop_compose! {
    fn any_book()(movement in movement(), number in 0..12u8, minor in 1..500i64, standing in standing(),
                  fee in proptest::option::of(0..3i64), order in 0..2u8, usd in any::<bool>(),
                  taken_back in any::<bool>()) -> BookRow {
        let currency = if usd { "USD".parse().unwrap() } else { Currency::CNY };
        BookRow { movement, number: number.to_string(), amount: Amount::new(minor, currency), fee_minor: fee,
                  standing, taken_back, order: order.to_string() }
    }
}

prop_compose! {
    fn any_bill()(movement in movement(), number in 0..12u8, minor in 1..500i64, revoked in any::<bool>(),
                  progress in progress(), fee_minor in 0..3i64, line in 1..99u64, usd in any::<bool>()) -> BillRow {
        let currency = if usd { "USD".parse().unwrap() } else { Currency::CNY };
        BillRow { movement, number: number.to_string(), amount: Amount::new(minor, currency), fee_minor, revoked,
                  progress, transaction: "T".into(), line }
    }
}

proptest! {
    /// Whatever stands on the two sides, on however many days: the difference is explained to the last minor unit.
    #[test]
    fn books_match_or_someone_is_told(
        days in proptest::collection::vec(
            (proptest::collection::vec(any_book(), 0..20), proptest::collection::vec(any_bill(), 0..20)), 1..6)
    ) {
        let mut carried = Vec::new();
        for (books, bill) in days {
            let result = reconcile(books, bill, carried);
            prop_assert_eq!(result.explained(), result.difference.clone());
            prop_assert!(result.carried.iter().all(|row| row.days < CARRY_DAYS));
            carried = result.carried;
        }
    }
}

#[test]
fn the_words_of_categories_and_movements_are_read_as_they_are_written() {
    for category in Category::ALL {
        assert_eq!(Category::from_word(category.as_str()), Some(category));
        assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
    }
    for movement in [Movement::Payment, Movement::Refund] {
        assert_eq!(Movement::from_word(movement.as_str()), Some(movement));
        assert_eq!(serde_json::to_value(movement).unwrap(), movement.as_str());
    }
    assert_eq!((Category::from_word("other"), Movement::from_word("")), (None, None));
}
