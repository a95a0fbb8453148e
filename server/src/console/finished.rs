//! A manager says that they have finished at the wallet what it could hand to nobody.

use super::frame::Notice;
use super::order::{self, Typed};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::fill;
use crate::api::acceptance::LONGEST_REASON;
use crate::app::App;
use crate::base_store::{AuditKind, NewAudit};
use crate::order_group::{Fact, FinishedByHand, GroupError, OrderDetail, Refusal};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::RefundId;
use evertill_shared::order_number::OrderNumber;

/// What waits for a person, and what they say about it.
pub(super) struct FinishCard {
    pub waiting: Vec<Waiting>,
    /// Whether this person may say so.
    pub may: bool,
    /// How it was done, as far as it was typed.
    pub why: String,
}

/// Money that the wallet has and hands to nobody.
pub(super) struct Waiting {
    pub refund: String,
    pub what: String,
}

/// The card beside an order of which something waits for a person.
pub(super) async fn card(
    app: &App,
    visit: &Visit,
    detail: &OrderDetail,
    why: String,
) -> Result<Option<FinishCard>, GroupError> {
    let t = visit.words();
    let refunds = detail.refunds.iter().filter(|record| record.by_hand && !record.refund.state.is_final());
    let refunds = refunds.map(|record| &record.refund);
    let mut waiting: Vec<_> = refunds.map(|refund| (refund.id.0.clone(), refund.amount)).collect();
    let may_go_back = |line: &Fact| matches!(line, Fact::NotGivenBack { .. });
    if detail.story.iter().any(|line| may_go_back(&line.what)) {
        let give_backs = app.groups.give_backs_of(detail.summary.number).await?;
        let by_hand = give_backs.iter().filter(|one| one.is_open && one.by_hand);
        waiting.extend(by_hand.map(|one| (one.refund().0, one.amount)));
    }
    if waiting.is_empty() {
        return Ok(None);
    }
    let waiting = waiting.into_iter().map(|(refund, amount)| {
        let what = fill(t.finish_amount, &[&amount.to_string(), &refund]);
        Waiting { refund, what }
    });
    Ok(Some(FinishCard { waiting: waiting.collect(), may: visit.who.role.may_refund(), why }))
}

/// Said only if it is so: an address can be kept and opened again.
pub(super) fn notice(detail: &OrderDetail, refund: &str, visit: &Visit) -> Option<Notice> {
    let is = |fact: &Fact| matches!(fact, Fact::FinishedByHand { refund: one, .. } if one.0 == refund);
    let is_so = detail.story.iter().any(|line| is(&line.what));
    is_so.then(|| Notice::good(fill(visit.words().finish_done, &[refund])))
}

/// Takes it in; the answer leads to the order's page. Written down before it is done, as everything of which a person says
/// that it is so.
pub(super) async fn finish(
    State(app): State<App>,
    Path(number): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_refund() {
        return Err(Problem::Forbidden);
    }
    let number: OrderNumber = number.parse().map_err(|_| Problem::NoSuchOrder)?;
    let (t, why, refund) = (visit.words(), fields.get("why").to_owned(), fields.get("refund").to_owned());
    // Pressed again, because the answer did not come: it was done.
    if let Ok(detail) = app.groups.order(number).await
        && notice(&detail, &refund, &visit).is_some()
    {
        let address = format!("/console/orders/{number}?finished={refund}#refunds");
        return Ok(Redirect::to(&address).into_response());
    }
    let unsaid = |error: &GroupError| say::not_reserved(error, number.tag(), visit.store.currency, t);
    let waits = is_waiting(&app, &visit, number, &refund).await;
    let sentence = if why.is_empty() || why.chars().count() > LONGEST_REASON {
        t.reason_needed.to_owned()
    } else if let Err(error) = &waits {
        unsaid(error)
    } else if waits == Ok(false) {
        t.finish_not_waiting.to_owned()
    } else {
        let said = format!("{refund}: {why}");
        app.base
            .audit_append(NewAudit::new(&visit.who.login, AuditKind::RefundFinished, number, said))
            .await?;
        let (who, login) = (visit.who.name.clone(), visit.who.login.clone());
        let id = RefundId(refund.clone());
        let finished =
            FinishedByHand { number, refund: id, who, login, why: why.clone(), at: app.clock.now() };
        match app.groups.finish_by_hand(finished).await {
            Ok(()) => {
                let address = format!("/console/orders/{number}?finished={refund}#refunds");
                return Ok(Redirect::to(&address).into_response());
            }
            Err(GroupError::Refused(Refusal::NotFound(_))) => t.finish_not_waiting.to_owned(),
            Err(error) => unsaid(&error),
        }
    };
    order::draw_refused(&app, &visit, number, sentence, Typed::Finish(why)).await
}

/// Whether that refund waits for a person, as far as can be seen; it is decided in the order's group. What does not is not
/// written down: nothing was decided.
async fn is_waiting(app: &App, visit: &Visit, number: OrderNumber, refund: &str) -> Result<bool, GroupError> {
    let detail = app.groups.order(number).await?;
    let card = card(app, visit, &detail, String::new()).await?;
    Ok(card.is_some_and(|card| card.waiting.iter().any(|one| one.refund == refund)))
}
