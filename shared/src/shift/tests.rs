//! The sums of a shift against books kept in the old way: every fact once as a debit and once as a credit.

use super::*;
use proptest::prelude::*;

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn fact() -> impl Strategy<Value = Fact> {
    let amount = || (1_i64..1_000_000).prop_map(cny);
    let wallet = || prop_oneof![Just(Wallet::WeChatPay), Just(Wallet::Alipay)];
    let place = prop_oneof![Just(Place::Drawer), wallet().prop_map(Place::Wallet), Just(Place::NotKnown)];
    prop_oneof![
        4 => (prop::option::of(wallet()), amount())
            .prop_map(|(wallet, amount)| Fact::Sold { wallet, amount, tax: cny(amount.minor / 10) }),
        2 => (place, amount()).prop_map(|(from, amount)| Fact::Refunded { from, amount }),
        2 => amount().prop_map(Fact::CashPart),
        1 => amount().prop_map(Fact::CashPartBack),
        1 => amount().prop_map(Fact::CashPartKept),
        1 => amount().prop_map(Fact::PaidIn),
        1 => amount().prop_map(Fact::PaidOut),
        1 => amount().prop_map(Fact::Voided),
        1 => Just(Fact::NoSale),
        1 => Just(Fact::CountBegun),
    ]
}

/// Account by account: debits less credits.
#[derive(Default)]
struct Books(BTreeMap<&'static str, i64>);

impl Books {
    fn post(&mut self, debit: &'static str, credit: &'static str, minor: i64) {
        *self.0.entry(debit).or_default() += minor;
        *self.0.entry(credit).or_default() -= minor;
    }

    fn of(&self, account: &str) -> i64 {
        self.0.get(account).copied().unwrap_or(0)
    }

    fn take(&mut self, fact: &Fact) {
        let place = |place: Place| match place {
            Place::Drawer => "drawer",
            Place::Wallet(Wallet::WeChatPay) => "wechat",
            Place::Wallet(Wallet::Alipay) => "alipay",
            Place::NotKnown => "not known",
        };
        match *fact {
            Fact::Sold { wallet, amount, .. } => {
                self.post(place(wallet.map_or(Place::Drawer, Place::Wallet)), "sales", amount.minor);
            }
            Fact::CashPart(amount) => self.post("drawer", "sales", amount.minor),
            Fact::CashPartBack(amount) => self.post("sales", "drawer", amount.minor),
            Fact::CashPartKept(amount) => self.post("sales", "safe", amount.minor),
            Fact::Refunded { from, amount } => self.post("refunds", place(from), amount.minor),
            Fact::PaidIn(amount) => self.post("drawer", "safe", amount.minor),
            Fact::PaidOut(amount) => self.post("safe", "drawer", amount.minor),
            Fact::Voided(_) | Fact::NoSale | Fact::CountBegun => {}
        }
    }
}

fn net(of: &BTreeMap<Wallet, Tally>, less: &BTreeMap<Wallet, Tally>, wallet: Wallet) -> i64 {
    let minor = |from: &BTreeMap<Wallet, Tally>| from.get(&wallet).map_or(0, |tally| tally.minor);
    minor(of) - minor(less)
}

proptest! {
    #[test]
    fn debits_equal_credits_and_every_sum_is_its_accounts(
        float in 0_i64..100_000, facts in prop::collection::vec(fact(), 0..60), pieces in prop::collection::vec(0_u32..500, 8),
    ) {
        let mut shift = Shift::open(2, Timestamp(0), cny(float), None).unwrap();
        let mut books = Books::default();
        books.post("drawer", "safe", float);
        for fact in &facts {
            shift.move_cash(fact).unwrap();
            books.take(fact);
        }
        let totals = &shift.totals;
        prop_assert_eq!(books.of("drawer"), totals.expected().minor);
        prop_assert_eq!(-books.of("sales"), totals.sales().minor);
        for (wallet, account) in [(Wallet::WeChatPay, "wechat"), (Wallet::Alipay, "alipay")] {
            prop_assert_eq!(books.of(account), net(&totals.wallet_sales, &totals.wallet_refunds, wallet));
        }
        prop_assert_eq!(-books.of("not known"), totals.other_refunds.minor);
        // The count takes all out that is there; over or short is the rest.
        let values = denominations(Currency::CNY).into_iter().zip(pieces);
        let counted: Vec<_> = values.map(|(value_minor, pieces)| Counted { value_minor, pieces }).collect();
        let closing = shift.closing(counted, Pending::default());
        books.post("safe", "drawer", closing.counted().minor);
        books.post("drawer", "over or short", closing.over_minor());
        prop_assert_eq!(books.of("drawer"), 0);
        prop_assert_eq!(books.0.values().sum::<i64>(), 0, "debits equal credits");
        shift.close(9, Timestamp(-1), &closing).unwrap();
        prop_assert!(shift.close(10, Timestamp(0), &closing).is_err(), "a shift ends once");
    }

    #[test]
    fn an_end_with_any_other_sum_is_refused(
        facts in prop::collection::vec(fact(), 1..20), which in 0..6, by in prop_oneof![-100_i64..0, 1_i64..100],
    ) {
        let mut shift = Shift::open(2, Timestamp(0), cny(10_000), None).unwrap();
        facts.iter().for_each(|fact| shift.take(fact));
        let mut closing = shift.closing(Vec::new(), Pending::default());
        match which {
            0 => closing.shift = 3,
            1 => closing.expected.minor += by,
            2 => closing.totals.cash_sales.minor += by,
            3 => closing.totals.no_sales += 1,
            4 => closing.counted = vec![Counted { value_minor: -by.abs(), pieces: 1 }],
            _ => closing.counted = vec![Counted { value_minor: 100, pieces: 1 }; 2],
        }
        let checked = shift.check_sums(&closing).and_then(|()| shift.close(9, Timestamp(0), &closing));
        prop_assert_eq!(checked, Err(ShiftError::DoesNotFit(closing.shift)));
        prop_assert!(shift.is_open());
    }
}

#[test]
fn amounts_beyond_all_bounds_refuse_no_payment() {
    let mut shift = Shift::open(2, Timestamp(0), cny(1), None).unwrap();
    for _ in 0..3 {
        shift.take(&Fact::Sold { wallet: None, amount: cny(i64::MAX), tax: cny(i64::MAX) });
    }
    assert_eq!((shift.totals.cash_sales.count, shift.totals.expected()), (3, cny(i64::MAX)));
}

#[test]
fn money_of_another_currency_is_in_no_sum_and_is_told() {
    let mut shift = Shift::open(2, Timestamp(0), cny(1), None).unwrap();
    let euro = Amount::new(500, "EUR".parse().unwrap());
    shift.take(&Fact::Sold { wallet: None, amount: euro, tax: euro });
    assert_eq!((shift.totals.foreign, shift.totals.cash_sales.count), (1, 0));
    assert_eq!(shift.move_cash(&Fact::PaidIn(euro)), Err(ShiftError::AnotherCurrency(euro)));
    for none in [0, -1] {
        assert_eq!(shift.move_cash(&Fact::PaidOut(cny(none))), Err(ShiftError::NoAmount(cny(none))));
    }
    assert_eq!(Shift::open(2, Timestamp(0), cny(-1), None), Err(ShiftError::NoAmount(cny(-1))));
}

#[test]
fn a_signed_end_of_another_program_is_read_and_its_sums_stand() {
    let mut shift = Shift::open(2, Timestamp(0), cny(100), None).unwrap();
    shift.take(&Fact::NoSale);
    let closing = shift.closing(Vec::new(), Pending::default());
    let mut text = serde_json::to_value(&closing).unwrap();
    text["totals"].as_object_mut().unwrap().remove("no_sales");
    text["totals"]["counted_by_weight"] = 7.into();
    text["pending"]["unseen"] = 1.into();
    let other: Closing = serde_json::from_value(text).unwrap();
    assert_eq!(other.totals.no_sales, 0);
    assert_eq!(shift.check_sums(&other), Err(ShiftError::DoesNotFit(2)), "we would not sign it");
    shift.close(9, Timestamp(1), &other).unwrap();
    assert_eq!((shift.totals, shift.closed.unwrap().closing), (other.totals.clone(), other));
}

#[test]
fn the_drawer_is_opened_once_to_be_counted_and_more_are_openings_without_a_sale() {
    let mut shift = Shift::open(2, Timestamp(0), cny(100), None).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        shift.take(&Fact::CountBegun);
        seen.push(shift.totals.no_sales);
    }
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn every_currency_has_notes_and_coins_from_large_to_small() {
    for code in ["CNY", "USD", "EUR", "JPY", "KWD", "KRW"] {
        let values = denominations(code.parse().unwrap());
        assert!(values.len() >= 8 && values.iter().all(|value| *value > 0), "{code}: {values:?}");
        assert!(values.windows(2).all(|pair| pair[0] > pair[1]), "{code}: {values:?}");
    }
    assert_eq!(denominations("EUR".parse().unwrap())[0], 50_000);
}

#[test]
fn a_shift_survives_storage() {
    let mut shift = Shift::open(2, Timestamp(7), cny(10_000), None).unwrap();
    shift.take(&Fact::Sold { wallet: Some(Wallet::Alipay), amount: cny(450), tax: cny(50) });
    shift.take(&Fact::Refunded { from: Place::Wallet(Wallet::WeChatPay), amount: cny(50) });
    let closing = shift.closing(vec![Counted { value_minor: 100, pieces: 99 }], Pending::default());
    assert_eq!((closing.counted(), closing.over_minor()), (cny(9_900), -100));
    shift.close(9, Timestamp(8), &closing).unwrap();
    let json = serde_json::to_string(&shift).unwrap();
    assert_eq!(serde_json::from_str::<Shift>(&json).unwrap(), shift);
}
