//! The tills' shifts: what was in the drawers, what was counted, what is over or short; and rights that nobody held.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{DoubtedRight, ShiftRecord};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::cashier::Cashier;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::shift::{Act, Book, Closing, Deed, Differs, Tally};
use serde::Deserialize;

struct Row {
    href: String,
    terminal: String,
    began: String,
    ended: String,
    by: String,
    expected: String,
    counted: String,
    over: String,
    badges: Vec<Badge>,
}

struct DoubtRow {
    at: String,
    terminal: String,
    place: u64,
    right: &'static str,
    by: String,
    approved_by: String,
}

#[derive(Template)]
#[template(path = "shifts.html")]
struct ListPage {
    f: Frame,
    notices: Vec<Notice>,
    day: String,
    rows: Vec<Row>,
    doubts: Vec<DoubtRow>,
    zone_note: String,
}

/// Which day.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    day: String,
}

/// The shifts of a day; of today with those that have not ended yet.
pub(super) async fn list(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Shifts) {
        return Err(Problem::Forbidden);
    }
    let (t, today) = (visit.words(), app.base.business_day(app.clock.now()));
    let (day, notices) = match asked.day.trim() {
        "" => (today, Vec::new()),
        text => match text.parse::<BusinessDay>() {
            Ok(day) => (day, Vec::new()),
            Err(_) => (today, vec![Notice::bad(t.shift_bad_day)]),
        },
    };
    let shifts = app.base.shifts(day, day == today).await?;
    let doubts = app.base.doubted_rights(day).await?;
    let page = ListPage {
        f: visit.frame(Tab::Shifts),
        notices,
        day: day.to_string(),
        rows: shifts.iter().map(|shift| row(shift, &visit)).collect(),
        doubts: doubts.iter().map(|doubt| doubt_row(doubt, &visit)).collect(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn row(shift: &ShiftRecord, visit: &Visit) -> Row {
    let (book, t) = (&shift.book, visit.words());
    let closing = book.closed.as_ref().map(|closed| &closed.closing);
    let sum = |of: fn(&Closing) -> i64| closing.map_or_else(String::new, |closing| money(of(closing), book));
    Row {
        href: format!("/console/shifts/{}/{}/{}", shift.terminal, shift.epoch, book.opened),
        terminal: shift.terminal.to_string(),
        began: book.at.map_or_else(|| t.shift_not_seen.to_owned(), |at| visit.time(at)),
        ended: book.closed.as_ref().map(|closed| visit.time(closed.at)).unwrap_or_default(),
        by: person(book.cashier.as_ref()),
        expected: sum(|closing| closing.expected.minor),
        counted: sum(|closing| closing.counted().minor),
        over: sum(Closing::over_minor),
        badges: badges(shift, t),
    }
}

fn badges(shift: &ShiftRecord, t: &'static Words) -> Vec<Badge> {
    let book = &shift.book;
    let over = book.closed.as_ref().map(|closed| closed.closing.over_minor());
    let stands = match over {
        None => Badge::new(Tone::Wait, t.shift_open),
        Some(0) => Badge::new(Tone::Good, t.shift_exact),
        Some(over) if over > 0 => Badge::new(Tone::Doubt, t.shift_over),
        Some(_) => Badge::new(Tone::Bad, t.shift_short),
    };
    let differs = || Badge::new(Tone::Bad, t.shift_differs);
    let quarantined = || Badge::new(Tone::Doubt, t.quarantined);
    let rest = [(!book.differs().is_empty()).then(differs), shift.quarantined.then(quarantined)];
    std::iter::once(stands).chain(rest.into_iter().flatten()).collect()
}

fn doubt_row(doubt: &DoubtedRight, visit: &Visit) -> DoubtRow {
    DoubtRow {
        at: visit.time(doubt.at),
        terminal: doubt.terminal.to_string(),
        place: doubt.sequence,
        right: say::right(doubt.used.right, visit.words()),
        by: person(doubt.used.cashier.as_ref()),
        approved_by: person(doubt.used.approved_by.as_ref()),
    }
}

struct Figure {
    word: &'static str,
    count: String,
    amount: String,
    is_sum: bool,
}

struct CountRow {
    value: String,
    pieces: u32,
    sum: String,
}

struct ActRow {
    at: String,
    what: &'static str,
    why: &'static str,
    amount: String,
    by: String,
    approved_by: String,
}

#[derive(Template)]
#[template(path = "shift.html")]
struct ShiftPage {
    f: Frame,
    heading: String,
    notices: Vec<Notice>,
    day: String,
    row: Row,
    approved_by: String,
    counted_by: String,
    counted_approved_by: String,
    place: String,
    is_open: bool,
    figures: Vec<Figure>,
    counted: Vec<CountRow>,
    acts: Vec<ActRow>,
    doubts: Vec<DoubtRow>,
    zone_note: String,
}

/// One shift.
pub(super) async fn one(
    State(app): State<App>,
    Path((terminal, epoch, opened)): Path<(String, String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Shifts) {
        return Err(Problem::Forbidden);
    }
    let terminal: TerminalId = terminal.parse().map_err(|_| Problem::NotFound)?;
    let epoch: KeyEpoch = epoch.parse().map_err(|_| Problem::NotFound)?;
    // What the database cannot hold is no place.
    let opened = opened.parse::<u32>().map_err(|_| Problem::NotFound)?;
    let shift = app.base.shift(terminal, epoch, opened.into()).await?.ok_or(Problem::NotFound)?;
    let doubts = app.base.doubted_rights_in(&shift).await?;
    let (t, book) = (visit.words(), &shift.book);
    let closing = book.closed.as_ref().map(|closed| &closed.closing);
    let page = ShiftPage {
        f: visit.frame(Tab::Shifts),
        heading: fill(t.shift_heading, &[&terminal.to_string(), &shift.day.to_string()]),
        notices: notices(book, t),
        day: shift.day.to_string(),
        row: row(&shift, &visit),
        approved_by: person(book.approved_by.as_ref()),
        counted_by: person(closing.and_then(|closing| closing.cashier.as_ref())),
        counted_approved_by: person(closing.and_then(|closing| closing.approved_by.as_ref())),
        place: format!("{terminal}/{epoch}/{opened}"),
        is_open: book.is_open(),
        figures: closing.map_or_else(|| so_far(book, t), |closing| z_figures(closing, book, t)),
        counted: closing.map(|closing| counted(closing, book)).unwrap_or_default(),
        acts: book.acts.iter().map(|act| act_row(act, &visit)).collect(),
        doubts: doubts.iter().map(|doubt| doubt_row(doubt, &visit)).collect(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn notices(book: &Book, t: &'static Words) -> Vec<Notice> {
    let differs: Vec<&str> = book.differs().into_iter().map(|differs| differs_word(differs, t)).collect();
    let mut all = Vec::new();
    if !differs.is_empty() {
        all.push(Notice::bad(fill(t.shift_differs_long, &[&differs.join(t.shift_comma)])));
    }
    if book.at.is_none() || book.has_gap {
        all.push(Notice::new(Tone::Wait, t.shift_gap));
    }
    all
}

/// What was seen of a shift that has not ended: only the drawer.
fn so_far(book: &Book, t: &'static Words) -> Vec<Figure> {
    let voids =
        Figure { word: t.shift_voids, count: book.voids.to_string(), amount: String::new(), is_sum: false };
    vec![
        sum(t.shift_float, book.float.minor, book, false),
        tally(t.shift_cash_sales, book.cash_sales, book),
        tally(t.shift_paid_in, book.paid_in, book),
        tally(t.shift_paid_out, book.paid_out, book),
        voids,
        count(t.shift_no_sales, book.no_sales),
        sum(t.shift_so_far, book.drawer_minor(), book, true),
    ]
}

fn z_figures(closing: &Closing, book: &Book, t: &'static Words) -> Vec<Figure> {
    let totals = &closing.totals;
    let mut all = vec![tally(t.shift_cash_sales, totals.cash_sales, book)];
    all.extend(totals.wallet_sales.iter().map(|(wallet, sold)| tally(say::wallet(*wallet, t), *sold, book)));
    all.push(Figure { is_sum: true, ..tally(t.shift_all_sales, totals.sales(), book) });
    all.push(sum(t.shift_tax, totals.tax_minor, book, false));
    all.push(tally(t.shift_cash_refunds, totals.cash_refunds, book));
    let back = totals.wallet_refunds.iter();
    all.extend(back.map(|(wallet, back)| tally(say::wallet_refunds(*wallet, t), *back, book)));
    if totals.other_refunds.count > 0 {
        all.push(tally(t.shift_other_refunds, totals.other_refunds, book));
    }
    all.push(tally(t.shift_voids, totals.voids, book));
    all.push(count(t.shift_no_sales, totals.no_sales));
    if totals.foreign > 0 {
        all.push(count(t.shift_foreign, totals.foreign));
    }
    if closing.pending.unsent > 0 {
        all.push(count(t.shift_unsent, closing.pending.unsent));
    }
    if closing.pending.unknown.count > 0 {
        all.push(tally(t.shift_unknown, closing.pending.unknown, book));
    }
    all.push(sum(t.shift_float, totals.float_minor, book, false));
    all.push(tally(t.shift_paid_in, totals.paid_in, book));
    all.push(tally(t.shift_paid_out, totals.paid_out, book));
    all.push(sum(t.shift_expected, closing.expected.minor, book, true));
    all.push(sum(t.shift_counted, closing.counted().minor, book, true));
    all.push(sum(t.shift_over_or_short, closing.over_minor(), book, true));
    all
}

fn tally(word: &'static str, tally: Tally, book: &Book) -> Figure {
    Figure { word, count: tally.count.to_string(), amount: money(tally.minor, book), is_sum: false }
}

fn sum(word: &'static str, minor: i64, book: &Book, is_sum: bool) -> Figure {
    Figure { word, count: String::new(), amount: money(minor, book), is_sum }
}

fn count(word: &'static str, count: u32) -> Figure {
    Figure { word, count: count.to_string(), amount: String::new(), is_sum: false }
}

fn counted(closing: &Closing, book: &Book) -> Vec<CountRow> {
    let row = |row: &evertill_shared::shift::Counted| CountRow {
        value: money(row.value_minor, book),
        pieces: row.pieces,
        sum: money(row.value_minor.saturating_mul(i64::from(row.pieces)), book),
    };
    closing.counted.iter().filter(|row| row.pieces > 0).map(row).collect()
}

fn act_row(act: &Act, visit: &Visit) -> ActRow {
    let t = visit.words();
    let (what, why, amount) = match act.deed {
        Deed::PaidIn { amount, reason } => (t.shift_paid_in, say::cash_reason(reason, t), amount.to_string()),
        Deed::PaidOut { amount, reason } => {
            (t.shift_paid_out, say::cash_reason(reason, t), amount.to_string())
        }
        Deed::NoSale { reason } => (t.shift_no_sales, say::drawer_reason(reason, t), String::new()),
    };
    ActRow {
        at: visit.time(act.at),
        what,
        why,
        amount,
        by: person(act.cashier.as_ref()),
        approved_by: person(act.approved_by.as_ref()),
    }
}

fn differs_word(differs: Differs, t: &'static Words) -> &'static str {
    match differs {
        Differs::Float => t.shift_float,
        Differs::CashSales => t.shift_cash_sales,
        Differs::PaidIn => t.shift_paid_in,
        Differs::PaidOut => t.shift_paid_out,
        Differs::Voids => t.shift_voids,
        Differs::NoSales => t.shift_no_sales,
        Differs::Expected => t.shift_expected,
        Differs::Counted => t.shift_counted,
    }
}

/// The name, and the login, which is nobody else's; nothing where nobody is named.
fn person(person: Option<&Cashier>) -> String {
    person.map(|person| format!("{} ({})", person.name, person.login)).unwrap_or_default()
}

fn money(minor: i64, book: &Book) -> String {
    let currency: Currency = book.float.currency;
    say::money(minor, currency)
}
