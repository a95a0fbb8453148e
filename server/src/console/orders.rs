//! The orders of a day: search, list, totals.

use super::frame::{Badge, Frame, Notice, Tab, Tone, ok};
use super::problem::Problem;
use super::say;
use super::visitor::{Visit, query_of};
use super::words::{Words, fill};
use crate::app::App;
use crate::order_group::lists::Standing;
use crate::order_group::overview::DayTotals;
use crate::order_group::{OrderFilter, OrderList, OrderSummary};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::{OrderNumber, OrderNumberError};
use serde::Deserialize;

/// How many orders are on a page.
const PER_PAGE: u32 = 50;
/// From this many digits on, a number is meant to be whole: too much for a part.
const NEARLY_WHOLE: usize = 18;

/// What was typed into the search.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    day: String,
    number: String,
    terminal: String,
    amount: String,
    state: String,
    before: String,
}

const STANDINGS: [(&str, Standing); 5] = [
    ("paid", Standing::Paid),
    ("not-paid", Standing::NotPaid),
    ("refunded", Standing::Refunded),
    ("quarantined", Standing::Quarantined),
    ("void", Standing::Void),
];

/// What the search comes to.
enum Wish {
    /// A list.
    List(OrderFilter),
    /// One order, by its whole number.
    Order(OrderNumber),
    /// It cannot be read; the text says what to mend.
    Unreadable(String),
}

impl Search {
    fn read(&self, today: BusinessDay, currency: Currency, t: &'static Words) -> (BusinessDay, Wish) {
        let Some(day) = part(&self.day, |day| day.parse().ok()) else {
            return (today, Wish::Unreadable(t.bad_day.into()));
        };
        let day = day.unwrap_or(today);
        (day, self.filter(day, currency, t).unwrap_or_else(Wish::Unreadable))
    }

    fn filter(&self, day: BusinessDay, currency: Currency, t: &'static Words) -> Result<Wish, String> {
        let mut filter = OrderFilter { most: PER_PAGE, ..OrderFilter::of_day(day) };
        match read_number(&self.number) {
            Ok(Typed::Nothing) => {}
            Ok(Typed::Whole(number)) => return Ok(Wish::Order(number)),
            Ok(Typed::Part(digits)) => filter.number_part = Some(digits),
            Err(error) => return Err(say::bad_number(&error, t)),
        }
        let terminal = part(&self.terminal, |text| text.parse().ok());
        filter.terminal = terminal.ok_or(t.bad_terminal)?;
        let amount = part(&self.amount, |text| Amount::parse_decimal(text, currency).ok());
        filter.total_minor = amount.ok_or(t.bad_amount)?.map(|amount| amount.minor);
        filter.standing =
            STANDINGS.iter().find(|(word, _)| *word == self.state).map(|(_, standing)| *standing);
        filter.before = self.before.parse().ok();
        Ok(Wish::List(filter))
    }

    /// The address of another part of this list.
    fn address(&self, day: BusinessDay, before: Option<OrderNumber>) -> String {
        let (day, before) = (day.to_string(), before.map(String::from).unwrap_or_default());
        let all = [
            ("day", day.as_str()),
            ("number", self.number.trim()),
            ("terminal", self.terminal.trim()),
            ("amount", self.amount.trim()),
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

#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Nothing,
    Part(String),
    Whole(OrderNumber),
}

/// A number as people type it: with spaces and dashes, whole or a part of it.
fn read_number(text: &str) -> Result<Typed, OrderNumberError> {
    match text.parse::<OrderNumber>() {
        Ok(number) => Ok(Typed::Whole(number)),
        Err(OrderNumberError::WrongLength(0)) => Ok(Typed::Nothing),
        Err(OrderNumberError::WrongLength(digits)) if digits < NEARLY_WHOLE => {
            Ok(Typed::Part(text.chars().filter(char::is_ascii_digit).collect()))
        }
        Err(error) => Err(error),
    }
}

struct Choice {
    value: &'static str,
    word: &'static str,
    chosen: bool,
}

struct Row {
    time: String,
    number: String,
    grouped: String,
    terminal: String,
    tender: &'static str,
    amount: String,
    badges: Vec<Badge>,
}

struct TenderLine {
    name: &'static str,
    paid: String,
    count: String,
    refunded: Option<String>,
}

struct Totals {
    paid: String,
    count: String,
    refunded: String,
    held: Option<String>,
    net: String,
    tenders: Vec<TenderLine>,
    notes: Vec<String>,
}

struct Pages {
    newest: Option<String>,
    older: Option<String>,
    word: String,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Page {
    f: Frame,
    heading: String,
    notices: Vec<Notice>,
    missing: Vec<Notice>,
    form: Search,
    states: Vec<Choice>,
    totals: Totals,
    rows: Vec<Row>,
    pages: Pages,
    zone_note: String,
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let (t, currency) = (visit.words(), visit.store.currency);
    let today = app.base.business_day(app.clock.now());
    let (day, wish) = search.read(today, currency, t);
    let mut notices = Vec::new();
    let list = match wish {
        Wish::Order(number) => return Ok(Redirect::to(&format!("/console/orders/{number}")).into_response()),
        Wish::List(filter) => app.groups.orders(filter).await,
        Wish::Unreadable(why) => {
            notices.push(Notice::bad(why));
            OrderList { orders: Vec::new(), more: false, unreachable: Vec::new() }
        }
    };
    let sums = app.groups.day_totals(day).await;
    let mut unreachable = [list.unreachable.clone(), sums.unreachable.clone()].concat();
    unreachable.sort_unstable();
    unreachable.dedup();
    let missing =
        unreachable.iter().map(|tag| Notice::new(Tone::Doubt, fill(t.group_missing, &[&tag.to_string()])));
    let is_today = day == today;
    let page = Page {
        f: visit.frame(Tab::Orders),
        heading: if is_today { t.todays_orders.into() } else { fill(t.orders_of, &[&day.to_string()]) },
        notices,
        missing: missing.collect(),
        states: choices(&search.state, t),
        totals: totals(&sums, currency, t),
        rows: list.orders.iter().map(|order| row(order, &visit, day)).collect(),
        pages: pages(&search, day, &list, t),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
        form: Search { day: day.to_string(), ..search },
    };
    Ok(ok(&page))
}

fn choices(chosen: &str, t: &'static Words) -> Vec<Choice> {
    let word = |value| match value {
        "paid" => t.order_paid,
        "not-paid" => t.order_adopted,
        "refunded" => t.refunded,
        "quarantined" => t.quarantined,
        "void" => t.order_void,
        _ => t.any_state,
    };
    let values = std::iter::once("").chain(STANDINGS.iter().map(|(value, _)| *value));
    values.map(|value| Choice { value, word: word(value), chosen: value == chosen }).collect()
}

fn row(order: &OrderSummary, visit: &Visit, day: BusinessDay) -> Row {
    let t = visit.words();
    Row {
        time: say::time_on(order.created_at, &visit.store.zone, &day.to_string()),
        number: order.number.to_string(),
        grouped: order.number.grouped(),
        terminal: order.sale.terminal.to_string(),
        tender: order.paid_by.as_ref().map_or("", |paid_by| say::tender(paid_by, t)),
        amount: order.total.to_string(),
        badges: say::order(order, t),
    }
}

fn totals(sums: &DayTotals, currency: Currency, t: &'static Words) -> Totals {
    let sum = |of: fn(&crate::order_group::overview::TenderTotal) -> i64| {
        sums.tenders.iter().fold(0_i64, |sum, tender| sum.saturating_add(of(tender)))
    };
    let (paid, refunded) = (sum(|x| x.paid_minor), sum(|x| x.refunded_minor));
    let held = sum(|x| x.held_minor).saturating_sub(refunded);
    let count = |orders: u64| fill(t.count_orders, &[&orders.to_string()]);
    let tender = |total: &crate::order_group::overview::TenderTotal| TenderLine {
        name: total.wallet.map_or(t.cash, |wallet| say::wallet(wallet, t)),
        paid: say::money(total.paid_minor, currency),
        count: count(total.orders),
        refunded: (total.refunded_minor > 0).then(|| say::money(total.refunded_minor, currency)),
    };
    let mut notes = Vec::new();
    if sums.quarantined > 0 {
        notes.push(fill(t.quarantine_note, &[&sums.quarantined.to_string()]));
    }
    Totals {
        paid: say::money(paid, currency),
        count: count(sums.tenders.iter().map(|tender| tender.orders).sum()),
        refunded: say::money(refunded, currency),
        held: (held > 0).then(|| say::money(held, currency)),
        net: say::money(paid.saturating_sub(refunded), currency),
        tenders: sums.tenders.iter().map(tender).collect(),
        notes,
    }
}

fn pages(search: &Search, day: BusinessDay, list: &OrderList, t: &'static Words) -> Pages {
    let last = list.orders.last().filter(|_| list.more).map(|order| order.number);
    let word = match (list.orders.len(), list.more || !search.before.is_empty()) {
        (0, _) => String::new(),
        (shown, true) => fill(t.shown_part, &[&shown.to_string()]),
        (shown, false) => fill(t.found_count, &[&shown.to_string()]),
    };
    Pages {
        newest: (!search.before.is_empty()).then(|| search.address(day, None)),
        older: last.map(|number| search.address(day, Some(number))),
        word,
    }
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
            assert_eq!(read_number(&text), Ok(Typed::Whole(number())), "{text}");
        }
    }

    #[test]
    fn a_part_is_looked_for_and_a_wrong_digit_is_told() {
        assert_eq!(read_number("123 45"), Ok(Typed::Part("12345".into())));
        assert_eq!(read_number("  "), Ok(Typed::Nothing));
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
}
