//! The tills' shifts: what was in the drawers, what was counted, what is over or short; and rights that nobody held.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::api::refunds::LONGEST_REASON;
use crate::app::App;
use crate::base_store::{
    BaseError, CountersignedDay, DOUBTS_PAGE, Doubt, DoubtKey, Doubted, GivenUp, SHIFTS_PAGE, ShiftRecord,
};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::cashier::Cashier;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::shift::{Act, Book, Closing, Deed, Differs, PartDoubt, Tally};
use evertill_shared::terminal_state::TerminalState;
use serde::Deserialize;
use std::borrow::Cow;

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
    /// Till, key, entry and place, as the form names it.
    key: String,
    at: String,
    terminal: String,
    place: u64,
    what: String,
    by: String,
    approved_by: String,
    /// Who looked into it, when, and what came of it.
    settled: String,
}

/// A till's day that was countersigned.
struct SaidRow {
    terminal: String,
    at: String,
    to: u64,
    apart: String,
}

#[derive(Template)]
#[template(path = "shifts.html")]
struct ListPage {
    f: Frame,
    notices: Vec<Notice>,
    day: String,
    rows: Vec<Row>,
    doubts: Vec<DoubtRow>,
    part_doubts: Vec<DoubtRow>,
    said: Vec<SaidRow>,
    may_settle: bool,
    back: String,
    /// Where the list goes on; nothing if that is all.
    more: String,
    more_doubts: String,
    /// It does not begin with the first.
    is_later: bool,
    zone_note: String,
}

/// Which day, and behind which shift, or which doubt.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    day: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    doubts_after: String,
    /// `why`: a doubt was to be settled without a word.
    #[serde(default)]
    missing: String,
}

/// What is said at the top because of the last touch.
fn missing(asked: &Asked, t: &'static Words) -> Option<Notice> {
    let words = match asked.missing.as_str() {
        "why" => t.doubt_why_needed,
        "found" => t.shift_found_needed,
        "not" => t.shift_not_given_up,
        _ => return None,
    };
    Some(Notice::bad(words))
}

/// `T0001/1/55`: a till, its key, an entry; and what follows.
fn place(text: &str) -> Option<(TerminalId, KeyEpoch, u64, &str)> {
    let mut parts = text.splitn(4, '/');
    let terminal = parts.next()?.parse().ok()?;
    let epoch = parts.next()?.parse().ok()?;
    // What the database cannot hold is no place.
    let sequence: u32 = parts.next()?.parse().ok()?;
    Some((terminal, epoch, sequence.into(), parts.next().unwrap_or_default()))
}

fn doubt_key(text: &str) -> Option<DoubtKey> {
    let (terminal, epoch, sequence, rest) = place(text)?;
    let place: u32 = rest.parse().ok()?;
    Some(DoubtKey { terminal, epoch, sequence, place: place.into() })
}

fn key_text(key: &DoubtKey) -> String {
    format!("{}/{}/{}/{}", key.terminal, key.epoch, key.sequence, key.place)
}

/// The address of this part of a day's lists: whoever settles something on it comes back to it.
fn this_part(
    of_day: &str,
    after: Option<(TerminalId, KeyEpoch, u64)>,
    doubts_after: Option<&DoubtKey>,
) -> String {
    let after = after.map(|(terminal, epoch, opened)| format!("&after={terminal}/{epoch}/{opened}"));
    let doubts_after = doubts_after.map(|key| format!("&doubts_after={}", key_text(key)));
    [Some(of_day.to_owned()), after, doubts_after].into_iter().flatten().collect()
}

/// The page without the one more, and the last of it if there was one more.
fn turn<T>(mut rows: Vec<T>, page: u32) -> (Vec<T>, bool) {
    let page = usize::try_from(page).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    (rows, more)
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
    let (day, mut notices) = match asked.day.trim() {
        "" => (today, Vec::new()),
        text => match text.parse::<BusinessDay>() {
            Ok(day) => (day, Vec::new()),
            Err(_) => (today, vec![Notice::bad(t.shift_bad_day)]),
        },
    };
    notices.extend(missing(&asked, t));
    let after = place(&asked.after).map(|(terminal, epoch, opened, _)| (terminal, epoch, opened));
    let doubts_after = doubt_key(&asked.doubts_after);
    let (shifts, more) = turn(app.base.shifts(day, day == today, after).await?, SHIFTS_PAGE);
    let (doubts, more_doubts) = turn(app.base.doubts_of(day, doubts_after).await?, DOUBTS_PAGE);
    let of_day = format!("/console/shifts?day={day}");
    let more = shifts
        .last()
        .filter(|_| more)
        .map(|last| format!("{of_day}&after={}/{}/{}", last.terminal, last.epoch, last.book.opened));
    let more_doubts = doubts.last().filter(|_| more_doubts);
    let more_doubts = more_doubts.map(|last| format!("{of_day}&doubts_after={}#doubts", key_text(&last.key)));
    let said = app.base.countersigned(day).await?;
    let page = ListPage {
        f: visit.frame(Tab::Shifts),
        notices,
        day: day.to_string(),
        rows: shifts.iter().map(|shift| row(shift, &visit)).collect(),
        doubts: doubt_rows(&doubts, is_right, &visit),
        part_doubts: doubt_rows(&doubts, |doubt| !is_right(doubt), &visit),
        said: said.iter().map(|said| said_row(said, &visit)).collect(),
        may_settle: visit.who.role.may_accept(),
        back: this_part(&of_day, after, doubts_after.as_ref()),
        more: more.unwrap_or_default(),
        more_doubts: more_doubts.unwrap_or_default(),
        is_later: after.is_some() || doubts_after.is_some(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn said_row(said: &CountersignedDay, visit: &Visit) -> SaidRow {
    let apart = if said.quarantined == 0 { String::new() } else { said.quarantined.to_string() };
    SaidRow { terminal: said.terminal.to_string(), at: visit.time(said.at), to: said.to, apart }
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
        _ if shift.unreadable => Badge::new(Tone::Bad, t.shift_unreadable),
        None if shift.given_up.is_some() => Badge::new(Tone::Doubt, t.shift_given_up),
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

fn is_right(doubt: &Doubt) -> bool {
    matches!(doubt.what, Doubted::Right(_))
}

fn doubt_rows(doubts: &[Doubt], which: fn(&Doubt) -> bool, visit: &Visit) -> Vec<DoubtRow> {
    doubts.iter().filter(|doubt| which(doubt)).map(|doubt| doubt_row(doubt, visit)).collect()
}

fn doubt_row(doubt: &Doubt, visit: &Visit) -> DoubtRow {
    let t = visit.words();
    let (what, by, approved_by) = match &doubt.what {
        Doubted::Right(used) => {
            let people = (person(used.cashier.as_ref()), person(used.approved_by.as_ref()));
            (say::right(used.right, t).to_owned(), people.0, people.1)
        }
        Doubted::Cash(PartDoubt { sale, said, held }) => {
            let said = [sale.to_string(), said.to_string(), held.to_string()];
            (fill(t.part_doubt, &said.each_ref().map(String::as_str)), String::new(), String::new())
        }
    };
    let settled = doubt.settled.as_ref();
    let settled = settled
        .map(|settled| fill(t.doubt_settled_by, &[&settled.who, &visit.time(settled.at), &settled.why]));
    DoubtRow {
        key: key_text(&doubt.key),
        at: visit.time(doubt.at),
        terminal: doubt.key.terminal.to_string(),
        place: doubt.key.sequence,
        what,
        by,
        approved_by,
        settled: settled.unwrap_or_default(),
    }
}

/// An address of these pages, and of nothing else.
fn is_here(back: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/?=&-_".contains(c);
    back.strip_prefix("/console/shifts")
        .is_some_and(|rest| (rest.is_empty() || rest.starts_with(['?', '/'])) && rest.chars().all(plain))
}

/// A manager says what came of a doubt; the answer leads back to where they were.
pub(super) async fn settle(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_accept() {
        return Err(Problem::Forbidden);
    }
    let key = doubt_key(fields.get("doubt")).ok_or(Problem::NotFound)?;
    let why = fields.get("why").to_owned();
    let back = fields.get("back");
    let back = if is_here(back) { back } else { "/console/shifts" };
    if why.is_empty() || why.chars().count() > LONGEST_REASON {
        let and = if back.contains('?') { '&' } else { '?' };
        return Ok(Redirect::to(&format!("{back}{and}missing=why")).into_response());
    }
    match app.base.settle_doubt(key, visit.who.login.clone(), why).await {
        Err(BaseError::NotFound(_)) => return Err(Problem::NotFound),
        settled => settled?,
    }
    Ok(Redirect::to(back).into_response())
}

struct Figure {
    word: Cow<'static, str>,
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
    part_doubts: Vec<DoubtRow>,
    may_settle: bool,
    /// Who gave it up, when, why, and what they found.
    given_up: String,
    may_give_up: bool,
    back: String,
    more_doubts: String,
    zone_note: String,
}

/// Whether a person may give up a shift: it has not ended, and its till will hardly end it.
async fn may_give_up(app: &App, shift: &ShiftRecord, visit: &Visit) -> Result<bool, Problem> {
    let is_open = shift.unreadable || shift.book.is_open();
    if !is_open || shift.given_up.is_some() || !visit.who.role.may_accept() {
        return Ok(false);
    }
    let till = app.base.terminal(shift.terminal).await?;
    let sells = till.is_some_and(|till| till.record.state == TerminalState::Active);
    Ok(!sells || shift.day < app.base.business_day(app.clock.now()))
}

fn given_up(given_up: &GivenUp, book: &Book, visit: &Visit) -> String {
    let GivenUp { who, why, at, found_minor } = given_up;
    fill(visit.words().shift_given_up_by, &[who, &visit.time(*at), why, &money(*found_minor, book)])
}

/// A manager gives up a shift that its till will never end.
pub(super) async fn give_up(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_accept() {
        return Err(Problem::Forbidden);
    }
    let (terminal, epoch, opened, _) = place(fields.get("shift")).ok_or(Problem::NotFound)?;
    let shift = app.base.shift(terminal, epoch, opened).await?.ok_or(Problem::NotFound)?;
    let here = format!("/console/shifts/{terminal}/{epoch}/{opened}");
    let again = |missing: &str| Redirect::to(&format!("{here}?missing={missing}")).into_response();
    let why = fields.get("why").to_owned();
    if why.is_empty() || why.chars().count() > LONGEST_REASON {
        return Ok(again("why"));
    }
    let found = Amount::parse_decimal(fields.get("found"), shift.book.float.currency);
    let Some(found) = found.ok().filter(|found| found.minor >= 0) else { return Ok(again("found")) };
    let place = (terminal, epoch, opened);
    match app.base.give_up_shift(place, found.minor, visit.who.login.clone(), why).await {
        Err(BaseError::Invalid(_)) => return Ok(again("not")),
        done => done?,
    }
    Ok(Redirect::to(&here).into_response())
}

/// One shift.
pub(super) async fn one(
    State(app): State<App>,
    Path((terminal, epoch, opened)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
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
    let (doubts, more_doubts) = turn(app.base.doubts_in(&shift).await?, DOUBTS_PAGE);
    // Those that do not go onto the shift's page are on its day's.
    let more_doubts = doubts.last().filter(|_| more_doubts);
    let more_doubts = more_doubts.map(|last| format!("/console/shifts?day={}#doubts", last.day));
    let (t, book) = (visit.words(), &shift.book);
    let closing = book.closed.as_ref().map(|closed| &closed.closing);
    let page = ShiftPage {
        f: visit.frame(Tab::Shifts),
        heading: fill(t.shift_heading, &[&terminal.to_string(), &shift.day.to_string()]),
        notices: missing(&asked, t).into_iter().chain(notices(&shift, t)).collect(),
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
        doubts: doubt_rows(&doubts, is_right, &visit),
        part_doubts: doubt_rows(&doubts, |doubt| !is_right(doubt), &visit),
        may_settle: visit.who.role.may_accept(),
        given_up: shift.given_up.as_ref().map(|by| given_up(by, book, &visit)).unwrap_or_default(),
        may_give_up: may_give_up(&app, &shift, &visit).await?,
        back: format!("/console/shifts/{terminal}/{epoch}/{opened}"),
        more_doubts: more_doubts.unwrap_or_default(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn notices(shift: &ShiftRecord, t: &'static Words) -> Vec<Notice> {
    if shift.unreadable {
        return vec![Notice::bad(t.shift_unreadable_long)];
    }
    let book = &shift.book;
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
    let voids = Figure {
        word: t.shift_voids.into(),
        count: book.voids.to_string(),
        amount: String::new(),
        is_sum: false,
    };
    let mut all = vec![
        sum(t.shift_float, book.float.minor, book, false),
        tally(t.shift_cash_sales, book.cash_sales, book),
        tally(t.shift_paid_in, book.paid_in, book),
        tally(t.shift_paid_out, book.paid_out, book),
    ];
    if book.parts_back.count > 0 {
        all.push(tally(t.shift_parts_back, book.parts_back, book));
    }
    all.extend([
        voids,
        count(t.shift_no_sales, book.no_sales),
        sum(t.shift_so_far, book.drawer_minor(), book, true),
    ]);
    all
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
    if totals.parts_back.count > 0 {
        all.push(tally(t.shift_parts_back, totals.parts_back, book));
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

fn tally(word: impl Into<Cow<'static, str>>, tally: Tally, book: &Book) -> Figure {
    Figure {
        word: word.into(),
        count: tally.count.to_string(),
        amount: money(tally.minor, book),
        is_sum: false,
    }
}

fn sum(word: &'static str, minor: i64, book: &Book, is_sum: bool) -> Figure {
    Figure { word: word.into(), count: String::new(), amount: money(minor, book), is_sum }
}

fn count(word: &'static str, count: u32) -> Figure {
    Figure { word: word.into(), count: count.to_string(), amount: String::new(), is_sum: false }
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
        Deed::PartBack { amount, later } => {
            let when = if later { t.part_back_later } else { "" };
            (t.shift_parts_back, when, amount.to_string())
        }
        Deed::PartKept { amount } => (t.shift_paid_in, t.part_kept, amount.to_string()),
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
        Differs::PartsBack => t.shift_parts_back,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_settles_something_comes_back_to_the_part_of_the_list_that_they_were_on() {
        let day = "/console/shifts?day=2026-11-20";
        assert_eq!(this_part(day, None, None), day);
        let (shift, doubt) = (place("T0001/1/55").unwrap(), doubt_key("T0002/1/7/3").unwrap());
        let part = this_part(day, Some((shift.0, shift.1, shift.2)), Some(&doubt));
        assert_eq!(part, format!("{day}&after=T0001/1/55&doubts_after=T0002/1/7/3"));
        assert!(is_here(&part), "and it is taken for one of these pages");
    }
}
