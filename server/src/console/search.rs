//! What people look for in the orders of a day: the fields of the search, read.

use super::say;
use super::visitor::query_of;
use super::words::Words;
use crate::merchant_view::{SaleFilter, Span};
use crate::order_group::lists::Standing;
use evertill_shared::business_day::{BusinessDay, moment_on};
use evertill_shared::clock::Timestamp;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::{OrderNumber, OrderNumberError};
use evertill_shared::protocol::store::StoreInfo;
use serde::Deserialize;
use std::time::Duration;

/// How many orders are on a page.
const PER_PAGE: u32 = 50;
/// From this many digits on, a number is meant to be whole: too much for a part.
const NEARLY_WHOLE: usize = 18;
/// The longest code that is looked for.
const LONGEST_CODE: usize = 64;

/// What was typed into the search.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    pub day: String,
    pub number: String,
    pub terminal: String,
    pub cashier: String,
    pub amount: String,
    pub from: String,
    pub to: String,
    pub code: String,
    pub state: String,
    pub before: String,
}

/// Stands for sales of nobody in particular; no login is like it.
pub(super) const NOBODY: &str = "(nobody)";

const STANDINGS: [(&str, Standing); 5] = [
    ("paid", Standing::Paid),
    ("not-paid", Standing::NotPaid),
    ("refunded", Standing::Refunded),
    ("quarantined", Standing::Quarantined),
    ("void", Standing::Void),
];

/// What the search comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A list.
    List(SaleFilter),
    /// One order, by its whole number.
    Order(OrderNumber),
}

impl Search {
    /// The day, and what is looked for on it, or what to mend.
    pub fn read(
        &self,
        today: BusinessDay,
        store: &StoreInfo,
        t: &'static Words,
    ) -> (BusinessDay, Result<Typed, String>) {
        match part(&self.day, |day| day.parse().ok()) {
            None => (today, Err(t.bad_day.into())),
            Some(day) => {
                let day = day.unwrap_or(today);
                (day, self.filter(day, store, t))
            }
        }
    }

    fn filter(&self, day: BusinessDay, store: &StoreInfo, t: &'static Words) -> Result<Typed, String> {
        let mut filter = SaleFilter { most: PER_PAGE, ..SaleFilter::of_day(day) };
        match read_number(&self.number) {
            Ok(Number::Nothing) => {}
            Ok(Number::Whole(number)) => return Ok(Typed::Order(number)),
            Ok(Number::Part(digits)) => filter.number_part = Some(digits),
            Err(error) => return Err(say::bad_number(&error, t)),
        }
        let terminal = part(&self.terminal, |text| text.parse().ok());
        filter.terminal = terminal.ok_or(t.bad_terminal)?;
        filter.cashier = match self.cashier.trim() {
            "" => None,
            NOBODY => Some(String::new()),
            login => Some(login.chars().take(LONGEST_CODE).collect()),
        };
        let amounts = part(&self.amount, |text| amounts(text, store.currency));
        filter.total_minor = amounts.ok_or(t.bad_amount)?.unwrap_or_default();
        let moment = |text: &str| {
            let minutes = minutes(text)?;
            moment_on(day, minutes, &store.zone, store.cut_off_minutes)
        };
        let (from, to) = (part(&self.from, moment), part(&self.to, moment));
        filter.created = Span { from: from.ok_or(t.bad_time)?, to: to.ok_or(t.bad_time)?.map(end_of) };
        filter.codes = Some(self.code.trim().chars().take(LONGEST_CODE).collect::<String>())
            .filter(|code| !code.is_empty())
            .into_iter()
            .collect();
        filter.standing =
            STANDINGS.iter().find(|(word, _)| *word == self.state).map(|(_, standing)| *standing);
        filter.before = self.before.parse().ok();
        Ok(Typed::List(filter))
    }

    /// The address of another part of this list.
    pub fn address(&self, day: BusinessDay, before: Option<OrderNumber>) -> String {
        let (day, before) = (day.to_string(), before.map(String::from).unwrap_or_default());
        let all = [
            ("day", day.as_str()),
            ("number", self.number.trim()),
            ("terminal", self.terminal.trim()),
            ("cashier", self.cashier.trim()),
            ("amount", self.amount.trim()),
            ("from", self.from.trim()),
            ("to", self.to.trim()),
            ("code", self.code.trim()),
            ("state", self.state.as_str()),
            ("before", before.as_str()),
        ];
        let given: Vec<(&str, &str)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("/console/orders?{}", query_of(&given))
    }
}

/// `Some(None)` for an empty field, `None` for one that cannot be read.
fn part<V>(text: &str, read: impl Fn(&str) -> Option<V>) -> Option<Option<V>> {
    let text = text.trim();
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

/// `12.50`, or `10-20`; a range may be open at one end.
fn amounts(text: &str, currency: Currency) -> Option<Span<i64>> {
    let minor = |text: &str| Amount::parse_decimal(text, currency).ok().map(|amount| amount.minor);
    match text.split_once(['-', '–', '~']) {
        None => minor(text).map(|minor| Span { from: Some(minor), to: Some(minor) }),
        Some((from, to)) => {
            let (from, to) = (part(from, minor)?, part(to, minor)?);
            (from.is_some() || to.is_some()).then_some(Span { from, to })
        }
    }
}

/// `09:30`, in minutes after midnight.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| hours * 60 + minutes)
}

/// The last moment of a minute.
fn end_of(minute: Timestamp) -> Timestamp {
    minute.plus(Duration::from_millis(59_999))
}

#[derive(Debug, PartialEq, Eq)]
enum Number {
    Nothing,
    Part(String),
    Whole(OrderNumber),
}

/// A number as people type it: with spaces and dashes, whole or a part of it.
fn read_number(text: &str) -> Result<Number, OrderNumberError> {
    match text.parse::<OrderNumber>() {
        Ok(number) => Ok(Number::Whole(number)),
        Err(OrderNumberError::WrongLength(0)) => Ok(Number::Nothing),
        Err(OrderNumberError::WrongLength(digits)) if digits < NEARLY_WHOLE => {
            Ok(Number::Part(text.chars().filter(char::is_ascii_digit).collect()))
        }
        Err(error) => Err(error),
    }
}

/// A state that can be chosen.
pub(super) struct Choice {
    pub value: &'static str,
    pub word: &'static str,
    pub chosen: bool,
}

/// All of them.
pub(super) fn choices(search: &Search, t: &'static Words) -> Vec<Choice> {
    let word = |value| match value {
        "paid" => t.order_paid,
        "not-paid" => t.order_adopted,
        "refunded" => t.refunded,
        "quarantined" => t.quarantined,
        "void" => t.order_void,
        _ => t.any_state,
    };
    let values = std::iter::once("").chain(STANDINGS.iter().map(|(value, _)| *value));
    values.map(|value| Choice { value, word: word(value), chosen: value == search.state }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::order_number::GroupTag;

    fn number() -> OrderNumber {
        OrderNumber::new(Timestamp(1_795_000_000_000), 48_151, GroupTag::try_from(2).unwrap()).unwrap()
    }

    #[test]
    fn a_whole_number_opens_its_order_however_it_is_written() {
        for text in
            [number().to_string(), number().grouped(), format!(" {} ", number().grouped().replace(' ', "-"))]
        {
            assert_eq!(read_number(&text), Ok(Number::Whole(number())), "{text}");
        }
    }

    #[test]
    fn a_part_is_looked_for_and_a_wrong_digit_is_told() {
        assert_eq!(read_number("123 45"), Ok(Number::Part("12345".into())));
        assert_eq!(read_number("  "), Ok(Number::Nothing));
        let mut wrong = number().to_string().into_bytes();
        wrong[18] = if wrong[18] == b'9' { b'0' } else { wrong[18] + 1 };
        let wrong = String::from_utf8(wrong).unwrap();
        assert_eq!(read_number(&wrong), Err(OrderNumberError::CheckDigit));
        assert_eq!(read_number(&wrong[..24]), Err(OrderNumberError::WrongLength(24)));
        assert_eq!(read_number("T0001"), Err(OrderNumberError::NotDigits('T')));
    }

    #[test]
    fn the_address_of_the_next_part_keeps_the_search() {
        let search = Search { number: "12 3".into(), terminal: "T0001".into(), ..Search::default() };
        let day: BusinessDay = "2026-11-20".parse().unwrap();
        let address = search.address(day, Some(number()));
        assert_eq!(
            address,
            format!("/console/orders?day=2026-11-20&number=12%203&terminal=T0001&before={}", number())
        );
    }

    fn store() -> StoreInfo {
        crate::order_group::testing::store()
    }

    fn filter(search: &Search) -> Result<SaleFilter, String> {
        let day = "2026-11-20".parse().unwrap();
        match search.read(day, &store(), &super::super::words::ENGLISH).1? {
            Typed::List(filter) => Ok(filter),
            Typed::Order(number) => panic!("{number} is no list"),
        }
    }

    #[test]
    fn amounts_are_one_or_a_range() {
        let amount = |text: &str| filter(&Search { amount: text.into(), ..Search::default() });
        let span = |from, to| Span { from, to };
        for (text, expected) in [
            ("", span(None, None)),
            ("12.50", span(Some(1250), Some(1250))),
            (" 10-20.5 ", span(Some(1000), Some(2050))),
            ("10 – 20", span(Some(1000), Some(2000))),
            ("10-", span(Some(1000), None)),
            ("-20", span(None, Some(2000))),
        ] {
            assert_eq!(amount(text).unwrap().total_minor, expected, "{text}");
        }
        for text in ["-", "ten", "1-2-3", "10-x", "1.234"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_of_the_stores_day_to_the_end_of_the_minute() {
        let times =
            |from: &str, to: &str| filter(&Search { from: from.into(), to: to.into(), ..Search::default() });
        // Two in the afternoon in Shanghai.
        let noon = crate::order_group::testing::NOON;
        let span = times("14:00", "14:00").unwrap().created;
        assert_eq!(span, Span { from: Some(noon), to: Some(noon.plus(Duration::from_millis(59_999))) });
        assert_eq!(times("14:00", "").unwrap().created.to, None);
        for text in ["24:00", "9", "09:60", "a:b"] {
            assert!(times(text, "").is_err(), "{text}");
        }
    }

    #[test]
    fn a_cashier_is_a_login_or_nobody() {
        let cashier =
            |text: &str| filter(&Search { cashier: text.into(), ..Search::default() }).unwrap().cashier;
        assert_eq!(cashier("mei").as_deref(), Some("mei"));
        assert_eq!(cashier(NOBODY).as_deref(), Some(""));
        assert_eq!(cashier(" "), None);
        let search = Search { cashier: NOBODY.into(), ..Search::default() };
        let address = search.address("2026-11-20".parse().unwrap(), None);
        assert_eq!(address, "/console/orders?day=2026-11-20&cashier=%28nobody%29");
    }

    #[test]
    fn a_code_is_looked_for_as_it_was_typed() {
        let code = |text: &str| filter(&Search { code: text.into(), ..Search::default() }).unwrap().codes;
        assert_eq!(code(" 6901234567892 "), ["6901234567892"]);
        assert!(code("  ").is_empty());
        assert_eq!(code(&"9".repeat(500))[0].len(), LONGEST_CODE);
    }
}
