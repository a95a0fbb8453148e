use super::*;
use crate::order_group::testing::{NOON, Till, cny, store, tag};
use evertill_shared::terminal_state::TerminalState;

fn caller(till: &Till) -> Caller {
    Caller {
        terminal: till.terminal,
        epoch: 1,
        key: till.key.public(),
        state: TerminalState::Active,
        request_id: "r".into(),
    }
}

fn number() -> OrderNumber {
    OrderNumber::new(NOON, 5, tag(0)).unwrap()
}

fn payment(sale: &SaleOfTill, change: impl FnOnce(&mut Body)) -> Body {
    let mut body = Body::PaymentRequested {
        sale: sale.key.sequence,
        number: number(),
        attempt: 1,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(store().id, sale.key, 1),
        amount: sale.sale.total,
    };
    change(&mut body);
    body
}

#[test]
fn entries_of_this_till_that_belong_together_are_taken() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let sale = till.sale(500);
    assert_eq!(evidence.sale(&sale.entry.signed), Ok(sale.clone()));
    let (_, adopted) = till.write(Body::Adopted { sale: sale.key.sequence, number: number() });
    assert!(evidence.adopted(&adopted, &sale, number()).is_ok());
    let (_, requested) = till.write(payment(&sale, |_| ()));
    let requested = evidence.requested((&requested, None), &sale, number()).unwrap();
    assert_eq!((requested.attempt, requested.amount), (1, cny(500)));
    let body = Body::CashTaken { sale: sale.key.sequence, given: cny(1_000), change: cny(500) };
    assert!(evidence.cash((&till.write(body).1, None), &sale).is_ok());
}

#[test]
fn another_tills_entries_and_changed_ones_are_refused() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    assert!(evidence.sale(&Till::new(2).sale(500).entry.signed).is_err(), "another till's");
    let mut changed = till.sale(500).entry.signed;
    changed.text = changed.text.replace("\"Tea\"", "\"Gold\"");
    assert!(evidence.sale(&changed).is_err(), "changed after signing");
    assert!(evidence.draft(&changed).is_ok(), "a draft rests on the signature of the request");
    assert!(evidence.draft(&Till::new(2).sale(500).entry.signed).is_err(), "another till's");
    let other_epoch = Caller { epoch: 2, ..caller.clone() };
    let evidence = Evidence::new(&other_epoch, &store);
    assert!(evidence.sale(&till.sale(500).entry.signed).is_err(), "of another key epoch");
}

#[test]
fn a_sale_that_does_not_add_up_or_is_another_stores_is_refused() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let good = till.sale(500).sale;
    let mut wrong_total = good.clone();
    wrong_total.total = cny(400);
    let (_, signed) = till.write(Body::Sale(wrong_total));
    assert!(Evidence::new(&caller, &store).sale(&signed).is_err());
    assert!(Evidence::new(&caller, &store).draft(&signed).is_err());
    let mut elsewhere = good;
    elsewhere.store = evertill_shared::id::StoreId::try_from(8).unwrap();
    let (_, signed) = till.write(Body::Sale(elsewhere));
    assert!(Evidence::new(&caller, &store).sale(&signed).is_err());
    assert!(Evidence::new(&caller, &store).draft(&signed).is_err());
    let (_, signed) = till.write(Body::SaleVoided { sale: 1 });
    assert!(Evidence::new(&caller, &store).sale(&signed).is_err());
    assert!(Evidence::new(&caller, &store).draft(&signed).is_err());
}

#[test]
fn a_payment_for_another_sale_amount_or_channel_number_is_refused() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let (other, sale) = (till.sale(900), till.sale(500));
    type Change<'a> = Box<dyn Fn(&mut Body) + 'a>;
    let changes: Vec<Change<'_>> = vec![
        Box::new(|b| {
            if let Body::PaymentRequested { sale, .. } = b {
                *sale = other.key.sequence
            }
        }),
        Box::new(|b| {
            if let Body::PaymentRequested { amount, .. } = b {
                *amount = cny(499)
            }
        }),
        Box::new(|b| {
            if let Body::PaymentRequested { attempt, .. } = b {
                *attempt = 2
            }
        }),
        Box::new(|b| {
            if let Body::PaymentRequested { channel_number, .. } = b {
                *channel_number = ChannelNumber::new(store.id, other.key, 1);
            }
        }),
        Box::new(|b| {
            if let Body::PaymentRequested { number, .. } = b {
                *number = OrderNumber::new(NOON, 6, tag(0)).unwrap();
            }
        }),
    ];
    for (index, change) in changes.iter().enumerate() {
        let (_, signed) = till.write(payment(&sale, change));
        assert!(evidence.requested((&signed, None), &sale, number()).is_err(), "change {index}");
    }
}

#[test]
fn cash_that_is_not_the_total_and_entries_before_the_sale_are_refused() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let (_, early) = till.write(Body::Adopted { sale: 3, number: number() });
    let sale = till.sale(500);
    assert_eq!(sale.key.sequence, 3);
    assert!(evidence.adopted(&early, &sale, number()).is_err());
    for (given, change) in [(499, 0), (501, 0), (400, -100)] {
        let body = Body::CashTaken { sale: 3, given: cny(given), change: cny(change) };
        assert!(evidence.cash((&till.write(body).1, None), &sale).is_err(), "{given} {change}");
    }
}

/// A part of that sale is taken in cash, and the wallet is to be asked for the rest.
fn rest(sale: &SaleOfTill, amount: i64, cash: i64) -> Body {
    Body::RestRequested {
        sale: sale.key.sequence,
        number: number(),
        attempt: 1,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(store().id, sale.key, 1),
        amount: cny(amount),
        cash: cny(cash),
    }
}

fn part(till: &Till, sale: &SaleOfTill, minor: i64) -> SignedEntry {
    till.part(sale, cny(minor)).signed
}

#[test]
fn never_over_a_rest_is_the_total_less_the_cash_part_and_nothing_else() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let sale = till.sale(500);
    let asked = |amount, cash| {
        let part = part(&till, &sale, cash);
        let (_, signed) = till.write(rest(&sale, amount, cash));
        evidence.requested((&signed, Some(&part)), &sale, number()).map(|requested| requested.amount)
    };
    for cash in 1..500 {
        assert_eq!(asked(500 - cash, cash), Ok(cny(500 - cash)));
    }
    for (amount, cash) in [(500, 0), (0, 500), (501, -1), (400, 99), (400, 101), (500, 100), (i64::MAX, 1)] {
        assert!(asked(amount, cash).is_err(), "{amount} after {cash}");
    }
}

#[test]
fn the_rest_in_cash_is_all_that_was_missing() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let sale = till.sale(500);
    let rest = |given, change, cash| {
        let part = part(&till, &sale, cash);
        let (given, change, cash) = (cny(given), cny(change), cny(cash));
        let body = Body::CashRest { sale: sale.key.sequence, given, change, part: cash };
        let (_, signed) = till.write(body);
        evidence.cash((&signed, Some(&part)), &sale).map(|cash| (cash.given.minor, cash.change.minor))
    };
    assert_eq!(rest(400, 100, 200), Ok((600, 100)));
    for (given, change, part) in [
        (300, 1, 200),
        (300, 0, 201),
        (500, 0, 0),
        (0, 0, 500),
        (300, -1, 199),
        (600, 0, -100),
        (i64::MAX, 0, 1),
    ] {
        assert!(rest(given, change, part).is_err(), "{given} {change} {part}");
    }
}

#[test]
fn a_rest_is_not_believed_without_the_entry_that_took_the_part() {
    let (till, store) = (Till::new(1), store());
    let caller = caller(&till);
    let evidence = Evidence::new(&caller, &store);
    let other = till.sale(500);
    let sale_at = other.key.sequence + 3;
    let (early, of_other) = (
        till.write(Body::CashPart { sale: sale_at, amount: cny(200), cashier: None }).1,
        till.part(&other, cny(200)).signed,
    );
    let sale = till.sale(500);
    assert_eq!(sale.key.sequence, sale_at);
    let good = part(&till, &sale, 200);
    let another_sum = part(&till, &sale, 199);
    let (_, back) = till.write(Body::CashPartBack {
        sale: sale_at,
        amount: cny(200),
        later: false,
        cashier: None,
        approved_by: None,
    });
    let (_, asked) = till.write(rest(&sale, 300, 200));
    let (given, change) = (cny(300), cny(0));
    let (_, in_cash) = till.write(Body::CashRest { sale: sale_at, given, change, part: cny(200) });
    let late = part(&till, &sale, 200);
    let stranger = Till::new(2);
    stranger.put_back_to(sale_at + 1);
    let strangers = stranger.part(&sale, cny(200)).signed;
    let mut changed = another_sum.clone();
    changed.text = changed.text.replace("\"minor\":199", "\"minor\":200");

    let requested = evidence.requested((&asked, Some(&good)), &sale, number()).unwrap();
    assert_eq!(requested.cash_part.unwrap().signed, good);
    assert_eq!(evidence.cash((&in_cash, Some(&good)), &sale).unwrap().part.unwrap().signed, good);
    let wrong = [
        ("none", None),
        ("before the sale", Some(&early)),
        ("another sale's", Some(&of_other)),
        ("another sum", Some(&another_sum)),
        ("the one that went back", Some(&back)),
        ("after the rest", Some(&late)),
        ("another till's", Some(&strangers)),
        ("changed after signing", Some(&changed)),
        ("the request itself", Some(&asked)),
    ];
    for (what, part) in wrong {
        assert!(evidence.requested((&asked, part), &sale, number()).is_err(), "{what}");
        assert!(evidence.cash((&in_cash, part), &sale).is_err(), "{what}");
    }
    let missing = evidence.requested((&asked, None), &sale, number()).unwrap_err();
    assert!(missing.message.contains("took a part in cash"), "{missing:?}");
    // Nor does a part go with what rests on none.
    let (_, whole) = till.write(payment(&sale, |_| ()));
    assert!(evidence.requested((&whole, Some(&good)), &sale, number()).is_err());
    let (_, all) = till.write(Body::CashTaken { sale: sale_at, given: cny(500), change });
    assert!(evidence.cash((&all, Some(&good)), &sale).is_err());
}
