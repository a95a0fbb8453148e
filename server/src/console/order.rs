//! The page of an order: all that is known of it, and the form for a refund.

use super::accept::{self, AcceptCard};
use super::finished::{self, FinishCard, Which};
use super::frame::{Frame, Notice, Tab, Tone, html};
use super::order_view::OrderView;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::order_group::{GroupError, OrderDetail, Refusal};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::money::Amount;
use evertill_shared::order::{OrderState, PaidBy, Parts};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::RefundState;
use serde::Deserialize;

/// Seconds between looks at an order on which something is under way, and at one at rest.
const BUSY: u32 = 2;
const CALM: u32 = 20;

/// The refund form, as it was filled in if it was.
#[derive(Clone, Debug, Default)]
pub(super) struct RefundForm {
    pub how: String,
    /// Made with the form: pressing twice asks once.
    pub request: String,
    /// What was left when the person looked; asked for again as it was if the answer is not known.
    pub left_minor: i64,
    /// Nothing was done: what is left is looked up anew.
    pub look_again: bool,
    pub all_left: String,
    pub currency: &'static str,
    pub whole: bool,
    pub part: bool,
    pub amount: String,
    pub reason: String,
}

/// What stands beside the order.
enum Refunding {
    /// The form.
    Form(RefundForm),
    /// Why there is none.
    Not(String),
}

#[derive(Template)]
#[template(path = "order.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    order: OrderView,
    accepting: Option<AcceptCard>,
    finishing: Option<FinishCard>,
    refunding: Refunding,
    live: u32,
    zone_note: String,
}

/// What was just done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    asked: String,
    accepted: Option<String>,
    finished: String,
    /// From which account that went back.
    at: String,
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(number): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    let number: OrderNumber = number.parse().map_err(|_| Problem::NoSuchOrder)?;
    let detail = match app.groups.order(number).await {
        Ok(detail) => detail,
        Err(error) => return unreachable_page(&error, number, &visit),
    };
    let notices = done.asked.split(',').filter_map(|asked| asked_notice(&detail, asked, &visit));
    let accepted = done.accepted.and_then(|_| accept::notice(&detail, &visit));
    let finished = finished::notice(&detail, &Which::new(done.finished, &done.at), &visit);
    let notices = notices.chain(accepted).chain(finished).collect();
    draw(&app, &visit, &detail, StatusCode::OK, notices, Typed::Nothing).await
}

/// What somebody typed into a form of the page, to be shown again.
pub(super) enum Typed {
    /// Nothing.
    Nothing,
    /// The refund form.
    Refund(RefundForm),
    /// Why the order is to be accepted.
    Acceptance(String),
    /// How something was finished at the wallet.
    Finish(String),
}

/// The order's page after something was not done, with why and with what was typed; the sentence alone if the order cannot be
/// read now.
pub(super) async fn draw_refused(
    app: &App,
    visit: &Visit,
    number: OrderNumber,
    sentence: String,
    typed: Typed,
) -> Result<Response, Problem> {
    let Ok(detail) = app.groups.order(number).await else {
        return Ok(super::problem::sentence_page(sentence, visit));
    };
    let (status, notices) = (StatusCode::UNPROCESSABLE_ENTITY, vec![Notice::bad(sentence)]);
    draw(app, visit, &detail, status, notices, typed).await
}

/// The order's page, with the form as it was filled in, if it was.
pub(super) async fn draw(
    app: &App,
    visit: &Visit,
    detail: &OrderDetail,
    status: StatusCode,
    mut notices: Vec<Notice>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (t, now) = (visit.words(), app.clock.now());
    let (mut filled_in, mut why, mut how) = (None, String::new(), String::new());
    match typed {
        Typed::Nothing => {}
        Typed::Refund(form) => filled_in = Some(form),
        Typed::Acceptance(typed) => why = typed,
        Typed::Finish(typed) => how = typed,
    }
    let finishing = match finished::card(app, visit, detail, how).await {
        Ok(card) => card,
        Err(error) => return unreachable_page(&error, detail.summary.number, visit),
    };
    if detail.summary.quarantined {
        notices.push(Notice::new(Tone::Doubt, t.quarantined_long));
    }
    if detail.summary.served_by.as_ref().is_some_and(|served| !served.on_staff) {
        notices.push(Notice::new(Tone::Doubt, t.cashier_not_on_staff_long));
    }
    let under_way = detail.payments.iter().any(|record| !record.payment.state.is_final())
        || detail.refunds.iter().any(|record| !record.refund.state.is_final());
    let page = Page {
        f: visit.frame(Tab::Orders),
        notices,
        order: OrderView::of(detail, &app.centre.policies(), now, visit),
        accepting: accept::card(app, visit, detail, why).await?,
        finishing,
        refunding: refunding(visit, detail, app.base.business_day(now), filled_in)?,
        live: if under_way { BUSY } else { CALM },
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(html(status, &page))
}

fn refunding(
    visit: &Visit,
    detail: &OrderDetail,
    today: BusinessDay,
    filled_in: Option<RefundForm>,
) -> Result<Refunding, Problem> {
    let (t, order) = (visit.words(), &detail.summary);
    let left = order.paid.checked_sub(order.held).unwrap_or(Amount::zero(order.total.currency));
    let open = detail.payments.iter().any(|record| !record.payment.state.is_final());
    let not = if order.state != OrderState::Paid && open {
        Some(t.refund_unknown_payment.to_owned())
    } else if order.state != OrderState::Paid {
        Some(t.refund_not_paid.to_owned())
    } else if order.quarantined {
        Some(t.quarantined_long.to_owned())
    } else if order.business_day != today {
        Some(fill(t.refund_not_today, &[&order.business_day.to_string(), &today.to_string()]))
    } else if !visit.who.role.may_refund() {
        Some(t.refund_only_managers.to_owned())
    } else if !left.is_positive() && filled_in.as_ref().is_none_or(|form| form.look_again) {
        Some(t.refund_nothing_left.to_owned())
    } else {
        None
    };
    if let Some(why) = not {
        return Ok(Refunding::Not(why));
    }
    let mut filled = filled_in.unwrap_or(RefundForm { look_again: true, ..RefundForm::default() });
    if filled.look_again {
        filled.left_minor = left.minor;
    }
    if filled.request.is_empty() {
        filled.request = fresh_request()?;
    }
    let offered = Amount::new(filled.left_minor, left.currency);
    let how = fill(t.refund_how, &[&order.sale.terminal.to_string()]);
    Ok(Refunding::Form(RefundForm {
        how: parts_left(detail, t).map_or(how.clone(), |parts| format!("{how} {parts}")),
        all_left: fill(t.refund_whole, &[&offered.to_string()]),
        currency: left.currency.code(),
        ..filled
    }))
}

/// Of an order that was paid in parts: what is left of each, in the order in which it goes back.
fn parts_left(detail: &OrderDetail, t: &'static Words) -> Option<String> {
    let order = &detail.summary;
    let paid_by = order.paid_by.as_ref().filter(|paid_by| matches!(paid_by, PaidBy::Split { .. }))?;
    let mut taken = Parts::none(order.paid.currency);
    for record in detail.refunds.iter().filter(|record| record.refund.state.holds_money()) {
        let part = if record.paid_by.wallet().is_some() { &mut taken.wallet } else { &mut taken.cash };
        *part = part.checked_add(record.refund.amount).ok()?;
    }
    let left = paid_by.parts_of(order.paid).less(&taken);
    let wallet = say::wallet(paid_by.wallet()?, t);
    Some(fill(t.refund_parts, &[&left.wallet.to_string(), wallet, &left.cash.to_string()]))
}

/// The id under which something is asked for, once.
pub(super) fn fresh_request() -> Result<String, Problem> {
    Ok(hex::encode(crate::base_store::random::<12>()?))
}

fn asked_notice(detail: &OrderDetail, asked: &str, visit: &Visit) -> Option<Notice> {
    let t = visit.words();
    let record = detail.refunds.iter().find(|record| record.refund.id.0 == asked)?;
    let (amount, terminal) = (record.refund.amount.to_string(), record.terminal.to_string());
    match record.refund.state {
        RefundState::Reserved => Some(Notice::new(Tone::Wait, fill(t.refund_asked, &[&amount, &terminal]))),
        state => {
            let (tone, word) = say::refund(state, record.terminal, t);
            Some(Notice::new(tone, format!("{amount}: {word}")))
        }
    }
}

fn unreachable_page(error: &GroupError, number: OrderNumber, visit: &Visit) -> Result<Response, Problem> {
    match error {
        GroupError::Refused(Refusal::NotFound(_)) => Err(Problem::NoSuchOrder),
        GroupError::Unavailable(_)
        | GroupError::Unknown(_)
        | GroupError::Overloaded
        | GroupError::Moving
        | GroupError::Elsewhere => Ok(super::problem::group_page(number, visit)),
        other => {
            tracing::error!(%other, %number, "an order cannot be shown");
            Err(Problem::Internal)
        }
    }
}
