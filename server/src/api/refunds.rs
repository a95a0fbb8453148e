//! Refunds: a manager asks, the till that sold carries out.

use super::journal::one_history;
use super::orders::evidence::Evidence;
use super::orders::told;
use super::{Answer, Body, path_part};
use crate::app::{App, Caller};
use crate::failure::Failure;
use crate::order_group::{CarryOut, NewRefund, Refusal};
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::id::RefundId;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{CarryOutRefund, RefundInbox, RefundOrder};
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundRefused};

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 200;

/// `GET /v1/refunds`: what waits for this till.
///
/// # Errors
/// A till that may not move money.
pub async fn inbox(State(app): State<App>, caller: Caller) -> Answer<RefundInbox> {
    caller.require_money()?;
    let (records, groups_unreachable) = app.groups.refund_inbox(caller.terminal).await;
    let order = |record: crate::order_group::RefundRecord| RefundOrder {
        refund: record.refund,
        paid_by: record.paid_by,
    };
    Ok(Json(RefundInbox { refunds: records.into_iter().map(order).collect(), groups_unreachable }))
}

/// `POST /v1/orders/{number}/refunds/{refund}`: the till that sold carries it out. Repeating it only looks.
///
/// # Errors
/// A till that may not, another till's order, an entry that does not hold, or a group that cannot be reached.
pub async fn carry_out_refund(
    State(app): State<App>,
    caller: Caller,
    Path((number, refund)): Path<(String, String)>,
    Body(request): Body<CarryOutRefund>,
) -> Answer<Refund> {
    caller.require_money()?;
    let number: OrderNumber = path_part(&number)?;
    let refund = RefundId(refund);
    let (entry, amount, cashier) =
        Evidence::of(&app, &caller).refund(&request.carried_out, number, &refund)?;
    one_history(&app, &caller, &[&entry]).await?;
    let lease = app.centre.refund_lease();
    let guard = app.groups.guard(&caller.request_id, lease.now);
    let (terminal, cashier) = (caller.terminal, cashier.map(|cashier| cashier.tidy()));
    let asked = CarryOut { number, refund, amount, terminal, cashier, entry, lease, guard };
    let refund = app.centre.carry_out(asked).await.map_err(|error| told(error, number.as_str()))?;
    Ok(Json(refund))
}

/// `GET /v1/orders/{number}/refunds/{refund}`, for the till that sold.
///
/// # Errors
/// No such refund, another till's order, or a group that cannot be reached.
pub async fn get_refund(
    State(app): State<App>,
    caller: Caller,
    Path((number, refund)): Path<(String, String)>,
) -> Answer<Refund> {
    caller.require_upload()?;
    let record = app.groups.refund(path_part(&number)?, RefundId(refund)).await?;
    if record.terminal != caller.terminal {
        return Err(Refusal::Refund(RefundRefused::AnotherTill { sold_at: record.terminal }).into());
    }
    Ok(Json(record.refund))
}

/// Reserves a refund for a person of the staff: for the staff's API and the console, which have checked that
/// the person may. The same request again gets the same refund.
///
/// # Errors
/// Why the refund is refused, or that the order's group cannot be reached. After `outcome_unknown` the same
/// request may be sent again.
pub async fn reserve_refund(
    app: &App,
    number: OrderNumber,
    asked: AskRefund,
    staff_name: &str,
    staff_login: &str,
) -> Result<Refund, Failure> {
    check(&asked)?;
    let at = app.clock.now();
    let record = app.groups.reserve_refund(NewRefund {
        number,
        request: asked.request,
        amount: asked.amount,
        reason: asked.reason.trim().to_owned(),
        by: staff_name.to_owned(),
        login: staff_login.to_owned(),
        at,
        today: app.groups.business_day(at),
    });
    let record = record.await?;
    tracing::info!(%number, refund = %record.refund.id, amount = %record.refund.amount, staff_login,
        "a refund is reserved");
    Ok(record.refund)
}

fn check(asked: &AskRefund) -> Result<(), Failure> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if !(8..=40).contains(&asked.request.len()) || !asked.request.bytes().all(fits) {
        return Err(Failure::bad_request("the request's id must be 8 to 40 letters, digits or dashes"));
    }
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Failure::bad_request(format!(
            "say why the money goes back, in at most {LONGEST_REASON} characters"
        )));
    }
    Ok(())
}
