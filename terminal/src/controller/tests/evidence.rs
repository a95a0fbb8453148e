//! What a till sends with the rest of a sale: the entry that took the part in cash, and no other.

use super::rig::*;
use crate::controller::*;
use crate::sync::{PaymentQuestion as Q, Request};
use evertill_shared::journal::{Body, SignedEntry};
use evertill_shared::payment::PaymentState as P;

/// Tea for 450, of which that much is in the drawer; the rest is to be scanned.
fn part_of_tea(till: &mut Till, minor: i64) -> u64 {
    if till.controller.frozen.is_none() {
        till.scan(TEA);
    }
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor });
    till.act(UserAction::CashPart);
    if let Some(sale) = till.take_draft() {
        till.answer_draft(sale, 1);
    }
    till.controller.frozen.unwrap()
}

fn give_back(till: &mut Till) {
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashBack);
    till.confirm(true);
    till.confirm(true);
}

/// The place of the part that it takes, and how much.
fn read(part: Option<SignedEntry>) -> Option<(u64, i64)> {
    let entry = part?.read_unverified().unwrap();
    match entry.body {
        Body::CashPart { amount, .. } => Some((entry.sequence, amount.minor)),
        other => panic!("{other:?}"),
    }
}

/// What was sent beside the next request to charge.
fn sent_with_pay(till: &mut Till) -> ((u64, u8), Option<(u64, i64)>) {
    let sent = till.take(|request| match request {
        Request::Pay { sale, attempt, body, .. } => Some(((*sale, *attempt), body.cash_part.clone())),
        _ => None,
    });
    let (attempt, part) = sent.unwrap();
    (attempt, read(part))
}

fn parts(till: &Till) -> Vec<(u64, i64)> {
    let part = |entry: evertill_shared::journal::Entry| match entry.body {
        Body::CashPart { amount, .. } => Some((entry.sequence, amount.minor)),
        _ => None,
    };
    till.entries().into_iter().filter_map(part).collect()
}

#[test]
fn the_part_in_force_goes_with_the_rest_and_none_with_the_whole() {
    let mut till = Till::online();
    part_of_tea(&mut till, 200);
    till.scan(WECHAT);
    let (first, sent) = sent_with_pay(&mut till);
    assert_eq!(sent, Some(parts(&till)[0]));
    till.answer_payment(first, Q::Pay, P::Declined);
    // It went back, and the whole is asked for: no part goes with that.
    give_back(&mut till);
    till.act(UserAction::TenderCode);
    till.scan("134567890123456780");
    let (second, sent) = sent_with_pay(&mut till);
    assert_eq!((second.1, sent), (2, None));
    till.answer_payment(second, Q::Pay, P::Declined);
    // Another part is taken: that one goes with what is left, and not the one that went back.
    part_of_tea(&mut till, 150);
    till.scan("134567890123456781");
    let (third, sent) = sent_with_pay(&mut till);
    assert_eq!((third.1, sent), (3, Some(parts(&till)[1])));
    assert_eq!(sent.unwrap().1, 150);
}

#[test]
fn it_goes_with_taking_back_and_with_the_rest_in_cash_too() {
    let mut till = Till::online();
    part_of_tea(&mut till, 200);
    till.act(UserAction::ShowCode { wallet: crate::view::Wallet::Alipay });
    let shown = till.take(|request| match request {
        Request::ShowCode { sale, attempt, body, .. } => Some(((*sale, *attempt), body.cash_part.clone())),
        _ => None,
    });
    let (attempt, part) = shown.unwrap();
    assert_eq!(read(part), Some(parts(&till)[0]));
    till.answer_payment(attempt, Q::Pay, P::Waiting);
    till.act(UserAction::TakeBack);
    let taken = till.take(|request| match request {
        Request::TakeBack { body, .. } => Some(body.cash_part.clone()),
        _ => None,
    });
    assert_eq!(read(taken.unwrap()), Some(parts(&till)[0]));
    till.answer_payment(attempt, Q::TakeBack, P::Reversed);
    till.act(UserAction::TenderCash);
    till.act(UserAction::CashGiven { minor: 250 });
    till.act(UserAction::CashConfirm);
    assert_eq!(till.count(|body| matches!(body, Body::CashRest { .. })), 1);
    till.pass(60);
    let uploaded = till.take(|request| match request {
        Request::Adopt { body, .. } => Some(body.cash_part.clone()),
        _ => None,
    });
    assert_eq!(read(uploaded.unwrap()), Some(parts(&till)[0]));
}
