//! The orders of a day: search, list, totals. They come from the merchant view; nothing here decides about money.

use super::frame::{Badge, Frame, Notice, Tab, Tone, ok};
use super::problem::Problem;
use super::say;
use super::search::{NOBODY, Search, Typed, choices};
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::merchant_view::{CashierTotal, DayTotals, Page as View, SaleFilter, SaleList, TenderTotal};
use crate::order_group::OrderSummary;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Currency;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a page waits for what was sold a moment ago.
const CATCH_UP: Duration = Duration::from_millis(500);
/// A group whose sales are in up to a time longer ago than this is said to lag.
const LAG: Duration = Duration::from_secs(10);

struct Row {
    time: String,
    number: String,
    grouped: String,
    terminal: String,
    cashier: String,
    tender: String,
    amount: String,
    badges: Vec<Badge>,
}

struct TenderLine {
    name: &'static str,
    paid: String,
    count: String,
    refunded: Option<String>,
}

struct CashierLine {
    name: String,
    href: String,
    paid: String,
    cash: String,
    count: String,
    refunded: Option<String>,
}

/// A cashier that can be chosen.
struct CashierChoice {
    value: String,
    name: String,
    chosen: bool,
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
    states: Vec<super::search::Choice>,
    cashiers: Vec<CashierChoice>,
    by_cashier: Vec<CashierLine>,
    totals: Totals,
    complete: Option<String>,
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
    let t = visit.words();
    let today = app.base.business_day(app.clock.now());
    let (day, wish) = search.read(today, &visit.store, t);
    let mut notices = Vec::new();
    let mut filter = None;
    app.view.catch_up(CATCH_UP).await;
    match wish {
        Ok(Typed::Order(number)) => return Ok(to_order(number)),
        Ok(Typed::List(wanted)) => match with_codes(&app, wanted).await {
            Ok(wanted) => filter = Some(wanted),
            Err(number) => return Ok(to_order(number)),
        },
        Err(why) => notices.push(Notice::bad(why)),
    }
    let view = app.view.page(day, filter).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the orders of a day cannot be listed");
        notices.push(Notice::bad(t.view_missing));
        View::default()
    });
    let is_today = day == today;
    let page = Page {
        f: visit.frame(Tab::Orders),
        heading: if is_today { t.todays_orders.into() } else { fill(t.orders_of, &[&day.to_string()]) },
        missing: if notices.is_empty() { missing(&app, &view, &visit, day) } else { Vec::new() },
        notices,
        states: choices(&search, t),
        cashiers: cashier_choices(&app, &view, &search, t).await,
        by_cashier: by_cashier(&view, day, visit.store.currency, t),
        totals: totals(&view.totals, visit.store.currency, t),
        complete: complete(&app, &view, &visit, day),
        rows: view.list.sales.iter().map(|order| row(order, &visit, day)).collect(),
        pages: pages(&search, day, &view.list, t),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
        form: Search { day: day.to_string(), ..search },
    };
    Ok(ok(&page))
}

fn to_order(number: OrderNumber) -> Response {
    Redirect::to(&format!("/console/orders/{number}")).into_response()
}

/// A code that was typed may be a barcode: then it is meant for the goods that bear it. A number of a wallet's opens
/// its order, whatever the day.
async fn with_codes(app: &App, mut filter: SaleFilter) -> Result<SaleFilter, OrderNumber> {
    let Some(code) = filter.codes.first().cloned() else { return Ok(filter) };
    if let Ok(found) = app.view.by_wallet_number(code.clone()).await
        && let [number] = found[..]
    {
        return Err(number);
    }
    match app.base.catalogue(None).await {
        Ok(catalogue) => {
            let goods = catalogue.products.into_iter().flatten();
            let bearing = goods.filter(|product| product.barcodes.contains(&code));
            filter.codes.extend(bearing.map(|product| product.id));
        }
        Err(error) => tracing::warn!(%error, "goods cannot be found by their barcodes now"),
    }
    Ok(filter)
}

/// The groups whose sales lag, or are not all in.
fn missing(app: &App, view: &View, visit: &Visit, day: BusinessDay) -> Vec<Notice> {
    let (t, now, unread) = (visit.words(), app.clock.now(), app.view.unread());
    let notice = |tag: GroupTag| {
        let reach = view.reach.iter().find(|reach| reach.tag == tag);
        let until = reach.filter(|reach| reach.filled).and_then(|reach| reach.complete_until);
        let name = tag.to_string();
        match until {
            None => Some(fill(t.group_filling, &[&name])),
            Some(until) if unread.contains(&tag) || now.since(until) > LAG => {
                Some(fill(t.group_behind, &[&name, &time(until, visit, day)]))
            }
            Some(_) => None,
        }
    };
    let sentences = app.groups.tags().into_iter().filter_map(notice);
    sentences.map(|sentence| Notice::new(Tone::Doubt, sentence)).collect()
}

fn complete(app: &App, view: &View, visit: &Visit, day: BusinessDay) -> Option<String> {
    let until = view.complete_until(&app.groups.tags())?.min(app.clock.now());
    Some(fill(visit.words().complete_until, &[&time(until, visit, day)]))
}

fn time(at: Timestamp, visit: &Visit, day: BusinessDay) -> String {
    say::time_on(at, &visit.store.zone, &day.to_string())
}

fn row(order: &OrderSummary, visit: &Visit, day: BusinessDay) -> Row {
    let t = visit.words();
    Row {
        time: say::time_on(order.created_at, &visit.store.zone, &day.to_string()),
        number: order.number.to_string(),
        grouped: order.number.grouped(),
        terminal: order.sale.terminal.to_string(),
        cashier: order.served_by.as_ref().map_or_else(String::new, say::served_by),
        tender: order.paid_by.as_ref().map_or(String::new(), |paid_by| say::tender(paid_by, t)),
        amount: order.total.to_string(),
        badges: say::order(order, t),
    }
}

fn totals(sums: &DayTotals, currency: Currency, t: &'static Words) -> Totals {
    let sum = |of: fn(&TenderTotal) -> i64| {
        sums.tenders.iter().fold(0_i64, |sum, tender| sum.saturating_add(of(tender)))
    };
    let (paid, refunded) = (sum(|x| x.paid_minor), sum(|x| x.refunded_minor));
    let held = sum(|x| x.held_minor).saturating_sub(refunded);
    let count = |orders: u64| fill(t.count_orders, &[&orders.to_string()]);
    let tender = |total: &TenderTotal| TenderLine {
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

/// Everybody of the staff, those who left too, and whoever else sold on that day.
async fn cashier_choices(app: &App, view: &View, search: &Search, t: &'static Words) -> Vec<CashierChoice> {
    let staff = app.base.staff().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the staff cannot be listed: the choice has those of the day only");
        Vec::new()
    });
    let mut names: BTreeMap<String, String> =
        staff.into_iter().map(|person| (person.login, person.name)).collect();
    for total in view.cashiers.iter().filter(|total| !total.login.is_empty()) {
        names.entry(total.login.clone()).or_insert_with(|| total.name.clone());
    }
    let choice = |value: String, name: String| CashierChoice { chosen: value == search.cashier, value, name };
    let fixed = [(String::new(), t.any_cashier.to_owned()), (NOBODY.into(), t.no_cashier.to_owned())];
    let people = names.into_iter().map(|(login, name)| (login.clone(), format!("{name} ({login})")));
    fixed.into_iter().chain(people).map(|(value, name)| choice(value, name)).collect()
}

/// What each cashier sold; nothing on a day on which nobody logged in.
fn by_cashier(view: &View, day: BusinessDay, currency: Currency, t: &'static Words) -> Vec<CashierLine> {
    if view.cashiers.iter().all(|total| total.login.is_empty()) {
        return Vec::new();
    }
    let line = |total: &CashierTotal| {
        let cashier = if total.login.is_empty() { NOBODY } else { &total.login };
        let search = Search { cashier: cashier.to_owned(), ..Search::default() };
        CashierLine {
            name: match total.login.as_str() {
                "" => t.no_cashier.to_owned(),
                login => format!("{} ({login})", total.name),
            },
            href: search.address(day, None),
            paid: say::money(total.paid_minor, currency),
            cash: say::money(total.cash_minor, currency),
            count: fill(t.count_orders, &[&total.orders.to_string()]),
            refunded: (total.refunded_minor > 0).then(|| say::money(total.refunded_minor, currency)),
        }
    };
    view.cashiers.iter().map(line).collect()
}

fn pages(search: &Search, day: BusinessDay, list: &SaleList, t: &'static Words) -> Pages {
    let last = list.sales.last().filter(|_| list.more).map(|order| order.number);
    let word = match (list.sales.len(), list.more || !search.before.is_empty()) {
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
