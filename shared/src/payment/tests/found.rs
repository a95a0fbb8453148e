//! An attempt that was sent nobody knows where.

use super::*;
use QueryOutcome::{Failed, NoSuchOrder, NotPaid, Reversed, Unknown, Waiting};

fn among(answers: &[(AccountId, QueryOutcome)], is_whole: bool) -> Found {
    found_among(answers, is_whole, &Others::default())
}

fn any_answer() -> impl Strategy<Value = QueryOutcome> {
    let failed = QueryOutcome::Failed(DeclineReason::PaymentFailed);
    prop_oneof![
        4 => Just(NoSuchOrder),
        1 => Just(Unknown),
        1 => Just(Reversed),
        1 => Just(NotPaid),
        1 => Just(Waiting),
        1 => Just(failed),
        1 => Just(paid()),
    ]
}

proptest! {
    #[test]
    fn nothing_is_believed_that_one_account_could_prove_wrong(
        said in proptest::collection::vec(any_answer(), 0..5),
        is_whole in any::<bool>(),
    ) {
        let answers: Vec<_> = (1..).map(AccountId).zip(said.iter().cloned()).collect();
        let found = among(&answers, is_whole);
        let is_live = |said: &&QueryOutcome| !matches!(said, NoSuchOrder | Unknown | Reversed | Failed(_));
        let holds = said.iter().filter(is_live).count();
        let in_doubt = !is_whole || said.contains(&Unknown);
        match &found.outcome {
            // The end is believed only when nobody may have taken it.
            NoSuchOrder => prop_assert!(!in_doubt && said.iter().all(|said| *said == NoSuchOrder)),
            Reversed | Failed(_) => prop_assert!(!in_doubt && holds == 0 && found.at.is_some()),
            Unknown => prop_assert!(found.at.is_none() && (in_doubt || holds > 1)),
            one => {
                prop_assert_eq!(holds, 1);
                // Whoever only knows the number is not taken for the one while another may have the money.
                prop_assert!(!in_doubt || *one == paid());
                let at = found.at.unwrap();
                prop_assert!(answers.contains(&(at, one.clone())));
            }
        }
        // Of several that have it one is left, and a payment rather than an order that may yet be paid.
        prop_assert_eq!(found.too_many.len(), holds.saturating_sub(1));
        let left = answers.iter().find(|(id, said)| is_live(&said) && !found.too_many.contains(id));
        prop_assert!(!said.contains(&paid()) || left.is_some_and(|(_, said)| *said == paid()));
        // What failed holds nothing up, and is left alone nowhere.
        let has_failed = answers.iter().filter(|(_, said)| matches!(said, Failed(_))).map(|(id, _)| *id);
        let has_failed: Vec<_> = has_failed.filter(|_| holds > 0).collect();
        prop_assert_eq!(found.failed, has_failed);
    }

    #[test]
    fn what_is_being_taken_back_is_never_kept_and_what_went_back_is_no_money(
        said in proptest::collection::vec(any_answer(), 0..5),
        told in proptest::collection::vec(any::<bool>(), 5),
        given_back in proptest::collection::vec(any::<bool>(), 5),
        is_whole in any::<bool>(),
    ) {
        let answers: Vec<_> = (1..).map(AccountId).zip(said.iter().cloned()).collect();
        let named = |flags: &[bool]| (1..).map(AccountId).zip(flags).filter(|(_, on)| **on).map(|(id, _)| id).collect();
        let others = Others { told: named(&told), given_back: named(&given_back) };
        let found = found_among(&answers, is_whole, &others);
        let holds = |id: &AccountId, said: &QueryOutcome| match said {
            NoSuchOrder | Unknown | Reversed | Failed(_) => false,
            said => *said != paid() || !others.given_back.contains(id),
        };
        for (id, said) in &answers {
            let is_live = holds(id, said);
            if others.told.contains(id) {
                prop_assert_eq!(found.too_many.contains(id), is_live, "asked for until it is done");
            }
            if is_live && found.at == Some(*id) {
                prop_assert!(!others.told.contains(id));
            }
        }
        // As long as one of them has it, nothing is believed of the attempt.
        if !found.too_many.is_empty() {
            prop_assert_eq!((found.outcome, found.at), (Unknown, None));
        }
    }
}

#[test]
fn what_failed_at_one_account_hides_no_payment_at_another() {
    let failed = || Failed(DeclineReason::PaymentFailed);
    let at = |one, other| among(&[(AccountId(1), one), (AccountId(2), other)], true);
    let found = at(failed(), paid());
    assert_eq!((found.outcome, found.at, found.too_many), (paid(), Some(AccountId(2)), vec![]));
    assert_eq!(found.failed, [AccountId(1)], "the wallet's word is to take it back");
    assert_eq!(at(failed(), Unknown).outcome, Unknown, "the other may have taken it");
    let found = at(Reversed, failed());
    assert_eq!((found.outcome, found.at), (failed(), Some(AccountId(2))), "what failed must surely end");
}

#[test]
fn an_account_that_only_knows_the_number_is_not_the_one_while_another_does_not_answer() {
    for knows in [NotPaid, Waiting] {
        let at = |other, is_whole| {
            let found = among(&[(AccountId(1), knows.clone()), (AccountId(2), other)], is_whole);
            (found.outcome, found.at)
        };
        assert_eq!(at(Unknown, true), (Unknown, None), "the other may have the money");
        assert_eq!(at(NoSuchOrder, false), (Unknown, None), "one that was not asked may");
        assert_eq!(at(NoSuchOrder, true), (knows.clone(), Some(AccountId(1))));
    }
}

#[test]
fn once_found_an_attempt_stays_where_it_was_found() {
    let mut payment = Payment { account: AccountId::NOT_KNOWN, ..start() };
    assert!(payment.found_at(AccountId(3)) && payment.found_at(AccountId(3)));
    assert!(!payment.found_at(AccountId(4)), "what that one says is not about this attempt");
    assert_eq!(payment.account, AccountId(3));
    let mut known = start();
    assert!(!known.found_at(AccountId(4)));
    assert_eq!(known.account, AccountId::OF_THE_FILE);
}

#[test]
fn one_charge_where_an_attempt_is_ended_it_is_found_only_when_it_is_over_there() {
    let others = Others { told: vec![AccountId(2)], given_back: vec![AccountId(3)] };
    let failed = Failed(DeclineReason::PaymentFailed);
    for (said, is_over) in
        [(paid(), false), (Waiting, false), (NotPaid, false), (Reversed, true), (failed, true)]
    {
        let may_be = [1, 2, 3].map(|id| others.may_be_found_at(AccountId(id), &said));
        assert_eq!(may_be, [true, is_over, false], "{said:?}");
    }
}

#[test]
fn what_goes_back_as_a_refund_is_not_found_as_the_attempts_own() {
    let others = Others { told: vec![AccountId(2)], given_back: vec![AccountId(2)] };
    let found = found_among(&[(AccountId(1), NoSuchOrder), (AccountId(2), paid())], true, &others);
    assert_eq!((found.outcome, found.at), (Reversed, None), "over, and nobody looks there again");
}
