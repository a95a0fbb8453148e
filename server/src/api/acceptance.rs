//! Accepting into the books what a blocked till handed in.

use super::{Answer, Body, path_part};
use crate::app::App;
use crate::base_store::{AuditKind, NewAudit, OpenSession};
use crate::failure::Failure;
use crate::order_group::{Accept, Accepted, GroupError};
use crate::session::Person;
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::{AcceptOrder, AcceptedOrder, Role};

/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 200;

/// `POST /staff/v1/orders/{number}/accept`. Repeating it changes nothing and tells who accepted the order.
///
/// # Errors
/// Without the right or a reason; an order that is not in quarantine; a database that cannot be used.
pub async fn accept_order(
    State(app): State<App>,
    person: Person,
    Path(number): Path<String>,
    Body(asked): Body<AcceptOrder>,
) -> Answer<AcceptedOrder> {
    person.require(Role::may_accept, "accept orders out of quarantine")?;
    let number: OrderNumber = path_part(&number)?;
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        let text = format!("say why, in 1 to {LONGEST_REASON} characters");
        return Err(Failure::bad_request(text));
    }
    let accepted = accept(&app, &person.0, number, reason).await??;
    let order = app.groups.order(number).await?.summary;
    let terminal = order.sale.terminal;
    let terminal_state = app.base.terminal(terminal).await?.map(|known| known.record.state);
    Ok(Json(AcceptedOrder {
        number,
        total: order.total,
        business_day: order.business_day,
        terminal,
        terminal_state,
        accepted_by: accepted.by,
        reason: accepted.reason,
        accepted_at: accepted.at,
    }))
}

/// Writes down who wants it and why, then accepts; for the API and the console. What is not in quarantine is not
/// written down: nothing was decided.
///
/// # Errors
/// The base store's; inside, the group's.
pub async fn accept(
    app: &App,
    who: &OpenSession,
    number: OrderNumber,
    reason: &str,
) -> Result<Result<Accepted, GroupError>, crate::base_store::BaseError> {
    let waits = match app.groups.order(number).await {
        Ok(order) => order.summary.quarantined,
        Err(error) => return Ok(Err(error)),
    };
    if waits {
        app.base.audit_append(NewAudit::new(&who.login, AuditKind::OrderAccepted, number, reason)).await?;
    }
    let (by, login, reason) = (who.name.clone(), who.login.clone(), reason.to_owned());
    let accepted = app.groups.accept(Accept { number, by, login, reason, at: app.clock.now() }).await;
    if accepted.is_ok() {
        tracing::info!(%number, login = who.login, "an order was accepted out of quarantine");
    }
    Ok(accepted)
}
