//! A manager takes an order into the books that a blocked till handed in.

use super::frame::{Badge, Notice};
use super::order::{self, Typed};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::api::acceptance::{self, LONGEST_REASON};
use crate::app::App;
use crate::order_group::{Fact, GroupError, OrderDetail, Refusal};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::order_number::OrderNumber;

/// What a person sees before they decide.
pub(super) struct AcceptCard {
    pub terminal: String,
    /// Where that till stands now.
    pub badge: Badge,
    pub last_seen: String,
    /// Whether this person may decide.
    pub may: bool,
    /// The reason, as far as it was typed.
    pub why: String,
}

/// The card beside an order that waits.
pub(super) async fn card(
    app: &App,
    visit: &Visit,
    detail: &OrderDetail,
    why: String,
) -> Result<Option<AcceptCard>, Problem> {
    if !detail.summary.quarantined {
        return Ok(None);
    }
    let (t, terminal) = (visit.words(), detail.summary.sale.terminal);
    let till = app.base.terminals().await?.into_iter().find(|row| row.terminal == terminal);
    let last_seen = till.as_ref().and_then(|row| row.last_seen);
    Ok(Some(AcceptCard {
        terminal: till.as_ref().map_or(terminal.to_string(), |row| format!("{terminal} {}", row.name)),
        badge: say::terminal(till.and_then(|row| row.state), t),
        last_seen: last_seen.map_or(t.never_seen.to_owned(), |at| visit.time(at)),
        may: visit.who.role.may_accept(),
        why,
    }))
}

/// Said only if it is so: an address can be kept and opened again.
pub(super) fn notice(detail: &OrderDetail, visit: &Visit) -> Option<Notice> {
    let by = detail.story.iter().rev().find_map(|line| match &line.what {
        Fact::AcceptedFromQuarantine { who, .. } => Some(who),
        _ => None,
    });
    let by = by.filter(|_| !detail.summary.quarantined)?;
    Some(Notice::good(fill(visit.words().accepted, &[by])))
}

/// Accepts; the answer leads to the order's page.
pub(super) async fn accept(
    State(app): State<App>,
    Path(number): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_accept() {
        return Err(Problem::Forbidden);
    }
    let number: OrderNumber = number.parse().map_err(|_| Problem::NoSuchOrder)?;
    let (t, why) = (visit.words(), fields.get("why").to_owned());
    let sentence = if why.is_empty() || why.chars().count() > LONGEST_REASON {
        t.reason_needed.to_owned()
    } else {
        match acceptance::accept(&app, &visit.who, number, &why).await? {
            Ok(_) => {
                let address = format!("/console/orders/{number}?accepted=1");
                return Ok(Redirect::to(&address).into_response());
            }
            Err(GroupError::Refused(Refusal::NotFound(_))) => return Err(Problem::NoSuchOrder),
            Err(error) => not_accepted(&error, number, t),
        }
    };
    order::draw_refused(&app, &visit, number, sentence, Typed::Acceptance(why)).await
}

fn not_accepted(error: &GroupError, number: OrderNumber, t: &'static Words) -> String {
    match error {
        GroupError::Unavailable(_) | GroupError::Moving | GroupError::Elsewhere => {
            fill(t.group_unavailable, &[&number.tag().to_string()])
        }
        GroupError::Unknown(_) => t.outcome_unknown.into(),
        GroupError::Overloaded | GroupError::NoGroupAvailable | GroupError::NotTaking => t.overloaded.into(),
        GroupError::Internal(_) => t.internal_text.into(),
        GroupError::Refused(Refusal::NotQuarantined) => t.accept_not_quarantined.into(),
        GroupError::Refused(_) => t.not_possible.into(),
    }
}
