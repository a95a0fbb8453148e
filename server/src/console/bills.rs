//! The wallets' bills: what came of each day, and what a person must look at.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{BillRun, BillsOf, RunState, StoredField, StoredFinding, StoredSettled};
use crate::reconciling::csv;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::id::AccountId;
use evertill_shared::money::Currency;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::reconciliation::{Category, Movement};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;

/// How many runs are shown: two months of two wallets.
const RUNS: u32 = 120;
/// How many findings and settlements of a day are shown.
const MOST: u32 = 200;

struct RunRow {
    day: String,
    wallet: String,
    href: Option<String>,
    badge: Badge,
    bill_rows: u64,
    book_rows: u64,
    agreed: u64,
    findings: u64,
    settled: u64,
    carried: u64,
    difference: String,
    problem: String,
}

#[derive(Template)]
#[template(path = "bills.html")]
struct Page {
    f: Frame,
    rows: Vec<RunRow>,
    zone_note: String,
}

/// All days.
pub(super) async fn list(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Bills) {
        return Err(Problem::Forbidden);
    }
    let t = visit.words();
    let runs = app.base.bill_runs(RUNS).await?;
    let page = Page {
        f: visit.frame(Tab::Bills),
        rows: runs.iter().map(|run| run_row(run, &visit)).collect(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn run_row(run: &BillRun, visit: &Visit) -> RunRow {
    let (t, figures) = (visit.words(), &run.figures);
    let is_done = run.state == RunState::Done;
    let problem = run.problem.as_ref().filter(|_| !is_done).map(|problem| {
        let (tries, again) = (run.tries.to_string(), visit.time(run.next_at));
        fill(t.bill_again, &[problem, &tries, &again])
    });
    RunRow {
        day: run.day.to_string(),
        wallet: say::account(run.channel, run.account, t),
        href: is_done.then(|| address(run)),
        badge: badge(run, t),
        bill_rows: figures.bill_rows,
        book_rows: figures.book_rows,
        agreed: figures.agreed,
        findings: figures.findings,
        settled: figures.settled,
        carried: figures.carried,
        difference: money(&run.difference),
        problem: problem.unwrap_or_default(),
    }
}

fn address(run: &BillRun) -> String {
    format!("/console/bills/{}/{}/{}", run.channel.code(), run.account, run.day)
}

fn badge(run: &BillRun, t: &'static Words) -> Badge {
    match run.state {
        RunState::Waiting => Badge::new(Tone::Wait, t.bill_waiting),
        RunState::Refused => Badge::new(Tone::Bad, t.bill_refused),
        RunState::Done if run.figures.findings > 0 => Badge::new(Tone::Doubt, t.bill_has_findings),
        RunState::Done => Badge::new(Tone::Good, t.bill_good),
    }
}

struct FindingRow {
    number: String,
    movement: &'static str,
    order: Option<Order>,
    fields: Vec<Field>,
    lines: String,
    difference: String,
}

struct Order {
    number: String,
    grouped: String,
}

struct Field {
    name: String,
    ours: String,
    theirs: String,
}

struct Kind {
    word: &'static str,
    count: u64,
    rows: Vec<FindingRow>,
}

struct SettledRow {
    number: String,
    movement: &'static str,
    order: Option<Order>,
    badge: Badge,
}

#[derive(Template)]
#[template(path = "bill.html")]
struct DayPage {
    f: Frame,
    heading: String,
    run: RunRow,
    notices: Vec<Notice>,
    kinds: Vec<Kind>,
    settled: Vec<SettledRow>,
    csv: String,
}

/// The run of the day that the address names, for whoever may look at bills, once it is done: what an earlier try left
/// is nobody's business.
async fn done_run(
    app: &App,
    visit: &Visit,
    (channel, account, day): &(String, String, String),
) -> Result<(BillsOf, BillRun), Problem> {
    if !may_open(visit.who.role, Tab::Bills) {
        return Err(Problem::Forbidden);
    }
    let wallet: Wallet = channel.parse().map_err(|_| Problem::NotFound)?;
    let account: u32 = account.parse().map_err(|_| Problem::NotFound)?;
    let day: BusinessDay = day.parse().map_err(|_| Problem::NotFound)?;
    let of = BillsOf::new(wallet, AccountId(account));
    let run = app.base.bill_run(of, day).await?;
    Ok((of, run.filter(|run| run.state == RunState::Done).ok_or(Problem::NotFound)?))
}

/// One day.
pub(super) async fn day(
    State(app): State<App>,
    Path(which): Path<(String, String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    let (of, run) = done_run(&app, &visit, &which).await?;
    let (t, day) = (visit.words(), run.day);
    let categories = app.base.bill_categories(of, day).await?;
    let findings = app.base.bill_findings(of, day, (0, MOST)).await?;
    let settled = app.base.bill_settled(of, day, (0, MOST)).await?;
    let is_cut = run.figures.findings > u64::from(MOST) || run.figures.settled > u64::from(MOST);
    let notice = || Notice::new(Tone::Wait, fill(t.bill_more, &[&MOST.to_string()]));
    let page = DayPage {
        f: visit.frame(Tab::Bills),
        heading: fill(t.bill_heading, &[&day.to_string(), &say::account(of.channel, of.account, t)]),
        run: run_row(&run, &visit),
        notices: is_cut.then(notice).into_iter().collect(),
        kinds: categories.into_iter().map(|(kind, count)| kind_of(kind, count, &findings, t)).collect(),
        settled: settled.iter().map(|one| settled_row(one, t)).collect(),
        csv: format!("{}/findings.csv", address(&run)),
    };
    Ok(ok(&page))
}

/// One day's table.
pub(super) async fn table(
    State(app): State<App>,
    Path(which): Path<(String, String, String)>,
    visit: Visit,
) -> Result<Response, Problem> {
    let (of, run) = done_run(&app, &visit, &which).await?;
    let text = csv::of_day(&app.base, &[of], run.day).await?;
    let (channel, account, day) = (of.channel.code(), of.account, run.day);
    let file = format!("attachment; filename=\"bill-{channel}-{account}-{day}.csv\"");
    let head = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, file)];
    Ok((head, text).into_response())
}

fn kind_of(category: Category, count: u64, all: &[StoredFinding], t: &'static Words) -> Kind {
    let own = all.iter().filter(|finding| finding.category == category);
    Kind {
        word: category_word(category, t),
        count,
        rows: own.map(|finding| finding_row(finding, t)).collect(),
    }
}

fn finding_row(finding: &StoredFinding, t: &'static Words) -> FindingRow {
    let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
    FindingRow {
        number: finding.number.clone(),
        movement: movement_word(finding.movement, t),
        order: finding.order.as_deref().and_then(order),
        fields: finding.fields.iter().map(|field| field_of(field, t)).collect(),
        lines: lines.join(", "),
        difference: money(&finding.difference),
    }
}

fn order(number: &str) -> Option<Order> {
    let number: OrderNumber = number.parse().ok()?;
    Some(Order { number: number.to_string(), grouped: number.grouped() })
}

/// Amounts as people read them; the table has minor units.
fn field_of(field: &StoredField, t: &'static Words) -> Field {
    let yuan = |text: &str| match text.parse() {
        Ok(minor) => say::money(minor, Currency::CNY),
        Err(_) => text.to_owned(),
    };
    let standing = |text: &str| match text {
        "moved" => t.bill_moved.to_owned(),
        "not moved" => t.bill_not_moved.to_owned(),
        "unknown" => t.bill_not_known.to_owned(),
        other => other.to_owned(),
    };
    let (name, say): (&str, &dyn Fn(&str) -> String) = match field.field.as_str() {
        "amount_minor" => (t.field_amount, &yuan),
        "fee_minor" => (t.field_fee, &yuan),
        "currency" => (t.field_currency, &str::to_owned),
        "standing" => (t.field_standing, &standing),
        "account" => (t.field_account, &str::to_owned),
        other => (other, &str::to_owned),
    };
    Field { name: name.to_owned(), ours: say(&field.ours), theirs: say(&field.theirs) }
}

fn settled_row(settled: &StoredSettled, t: &'static Words) -> SettledRow {
    let (tone, word) = if settled.moved { (Tone::Good, t.bill_moved) } else { (Tone::Off, t.bill_not_moved) };
    SettledRow {
        number: settled.number.clone(),
        movement: movement_word(settled.movement, t),
        order: order(&settled.order),
        badge: Badge::new(tone, word),
    }
}

fn movement_word(movement: Movement, t: &'static Words) -> &'static str {
    match movement {
        Movement::Payment => t.bill_payment,
        Movement::Refund => t.bill_refund,
    }
}

fn category_word(category: Category, t: &'static Words) -> &'static str {
    match category {
        Category::MissingAtChannel => t.category_missing_at_channel,
        Category::MissingHere => t.category_missing_here,
        Category::PaidThereNotHere => t.category_paid_there_not_here,
        Category::PaidHereNotThere => t.category_paid_here_not_there,
        Category::AmountDiffers => t.category_amount_differs,
        Category::FeeDiffers => t.category_fee_differs,
        Category::Duplicate => t.category_duplicate,
        Category::CurrencyDiffers => t.category_currency_differs,
        Category::RevokedAlone => t.category_revoked_alone,
        Category::UnknownHereNotThere => t.category_unknown_here_not_there,
    }
}

/// Sums in every currency that has one; nothing as nothing.
fn money(sums: &BTreeMap<String, i64>) -> String {
    if sums.is_empty() {
        return "0".into();
    }
    let each = sums.iter().map(|(code, minor)| match code.parse() {
        Ok(currency) => say::money(*minor, currency),
        Err(_) => format!("{minor} {code}"),
    });
    each.collect::<Vec<_>>().join(", ")
}
