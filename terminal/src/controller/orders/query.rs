//! What somebody typed into the search of orders, or scanned: pure.

use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::SaleKey;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::{OrderNumber, OrderNumberError};

/// So many digits are the beginning of an order number; fewer are an amount.
const NUMBER_FROM: usize = 10;
/// Order numbers begin with a date. Those that a scanner reads may also be something else's digits: only dates on which
/// this program can have run count there.
const FIRST_DATE: Timestamp = Timestamp(1_577_836_800_000);
const LAST_DATE: Timestamp = Timestamp(4_102_444_800_000);

/// One order, by one of its two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Its number.
    Order(OrderNumber),
    /// The name of its sale on the till's disk, as it stands on receipts that were printed without a line.
    Sale(SaleKey),
}

impl Named {
    /// What a receipt's QR code holds. Exactly that: no other digits, spaces or spellings, so that nothing else that is
    /// scanned at a till is taken for it.
    pub fn scanned(text: &str) -> Option<Self> {
        if let Ok(key) = text.parse::<SaleKey>() {
            return (key.to_string() == text).then_some(Self::Sale(key));
        }
        let number = OrderNumber::try_from(text.to_owned()).ok()?;
        (FIRST_DATE..LAST_DATE).contains(&number.created_at()).then_some(Self::Order(number))
    }
}

/// What is searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Query {
    /// Nothing in particular.
    #[default]
    Nothing,
    /// One order.
    Named(Named),
    /// Orders with this total, in minor units.
    Amount(i64),
    /// Orders up to this minute of the day.
    Time(u16),
    /// Orders of a day.
    Day(BusinessDay),
    /// The beginning of something.
    Unfinished,
    /// An order number that lacks digits.
    MoreDigits(usize),
    /// Longer than an order number.
    TooManyDigits(usize),
    /// A digit of an order number is wrong.
    Mistyped,
    /// Nothing of all that.
    NotUnderstood,
}

impl Query {
    /// Reads what was typed so far.
    pub fn read(text: &str, currency: Currency) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        if text.contains(':') {
            return time(text);
        }
        if text.starts_with(['T', 't']) {
            let key = text.to_ascii_uppercase().parse();
            return key.map_or(Self::Unfinished, |key| Self::Named(Named::Sale(key)));
        }
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let spaced = text.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
        if let Ok(day) = text.parse() {
            return Self::Day(day);
        }
        if spaced && digits >= NUMBER_FROM {
            return number(text, digits);
        }
        if spaced && text.contains(['-', ' ']) {
            return Self::Unfinished;
        }
        let amount = Amount::parse_decimal(text.trim_end_matches('.'), currency);
        amount.ok().filter(|amount| amount.minor >= 0).map_or(Self::NotUnderstood, |a| Self::Amount(a.minor))
    }
}

fn number(text: &str, digits: usize) -> Query {
    match text.parse::<OrderNumber>() {
        Ok(number) => Query::Named(Named::Order(number)),
        Err(OrderNumberError::WrongLength(_)) if digits < OrderNumber::DIGITS => Query::MoreDigits(digits),
        Err(OrderNumberError::WrongLength(_)) => Query::TooManyDigits(digits),
        Err(_) => Query::Mistyped,
    }
}

fn time(text: &str) -> Query {
    let Some((hours, minutes)) = text.split_once(':') else { return Query::NotUnderstood };
    let part =
        |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten();
    match (part(hours), part(minutes), minutes.len()) {
        (Some(h), Some(m), 2) if h < 24 && m < 60 => Query::Time(h * 60 + m),
        (Some(h), _, 0) if h < 24 => Query::Unfinished,
        (Some(h), Some(m), 1) if h < 24 && m < 6 => Query::Unfinished,
        _ => Query::NotUnderstood,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::wallet;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp(1_795_183_387_123);

    fn an_order() -> OrderNumber {
        OrderNumber::new(AT, 48_151, 92.try_into().unwrap()).unwrap()
    }

    fn read(text: &str) -> Query {
        Query::read(text, Currency::CNY)
    }

    #[test]
    fn what_is_typed_is_told_apart() {
        assert_eq!(read(" "), Query::Nothing);
        assert_eq!(read("12.50"), Query::Amount(1250));
        assert_eq!((read("12"), read("12.")), (Query::Amount(1200), Query::Amount(1200)));
        assert_eq!((read("9:05"), read("23:59")), (Query::Time(545), Query::Time(1439)));
        assert_eq!((read("9:"), read("9:5")), (Query::Unfinished, Query::Unfinished));
        assert_eq!(read("2026-11-20"), Query::Day("2026-11-20".parse().unwrap()));
        assert_eq!((read("2026-11"), read("t1-1")), (Query::Unfinished, Query::Unfinished));
        let key: SaleKey = "T0001-1-42".parse().unwrap();
        assert_eq!(read("t0001-1-42"), Query::Named(Named::Sale(key)));
        for nonsense in ["tea", "24:00", "12:60", "-5", "1.234", "1e5", "一"] {
            let found = read(nonsense);
            assert!(matches!(found, Query::NotUnderstood | Query::Unfinished), "{nonsense}: {found:?}");
        }
    }

    #[test]
    fn a_slip_in_a_number_is_told_at_once() {
        let number = an_order();
        assert_eq!(read(&number.grouped()), Query::Named(Named::Order(number)));
        let text = number.to_string();
        assert_eq!(read(&text[..24]), Query::MoreDigits(24));
        assert_eq!(read(&format!("{text}1")), Query::TooManyDigits(26));
        assert_eq!(read(&text.replacen("2026", "2027", 1)), Query::Mistyped);
    }

    #[test]
    fn only_a_receipts_own_code_is_a_scanned_order() {
        let number = an_order();
        assert_eq!(Named::scanned(&number.to_string()), Some(Named::Order(number)));
        assert!(matches!(Named::scanned("T0001-1-42"), Some(Named::Sale(_))));
        let ancient = OrderNumber::new(Timestamp(0), 1, 1.try_into().unwrap()).unwrap();
        for other in [&number.grouped(), "T1-1-42", "t0001-1-42", "1-1-42", &ancient.to_string(), ""] {
            assert_eq!(Named::scanned(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_payment_code_is_an_order_and_no_order_a_payment_code(
            digits in "[0-9]{16,24}", at in 1_600_000_000_000_i64..4_000_000_000_000, random in any::<u32>(), tag in 0_u8..=99,
        ) {
            if wallet::detect(&digits).is_some() {
                prop_assert_eq!(Named::scanned(&digits), None);
            }
            let number = OrderNumber::new(Timestamp(at), random, tag.try_into().unwrap()).unwrap();
            prop_assert_eq!(wallet::detect(number.as_str()), None);
            prop_assert_eq!(Named::scanned(number.as_str()), Some(Named::Order(number)));
        }

        #[test]
        fn goods_of_any_number_system_are_no_orders(digits in "[0-9]{1,14}", gs1 in "01[0-9]{14}(21[0-9]{1,8}|17[0-9]{6}10[0-9]{1,8})") {
            prop_assert_eq!(Named::scanned(&digits), None);
            prop_assert_eq!(Named::scanned(&gs1), None);
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = (read(&text), Named::scanned(&text));
        }
    }
}
