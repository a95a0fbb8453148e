//! A refund that a till asks for where nobody stands who may approve it: it waits for a manager in the console.

use super::refunds::{Asker, new_refund, reserve_refund};
use super::till_refund::told;
use crate::app::{App, Caller};
use crate::base_store::{BaseError, Decider, RefundRequest, RequestState};
use crate::failure::Failure;
use crate::order_group::{GroupError, RefundRecord, Refusal};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer};
use evertill_shared::protocol::staff::AskRefund;

/// Keeps the request, or says how it stands. What the order's group would refuse anyway is refused at once: no manager need
/// look at it. The group decides all the same when it is asked.
pub(super) async fn wait_for_console(
    app: &App,
    caller: &Caller,
    (order, at): (OrderNumber, Timestamp),
    request: &AskRefundAtTill,
) -> Result<RefundAnswer, Failure> {
    let asked = asked_of(&request.request, request);
    if app.base.refund_request(caller.terminal, request.request.clone()).await?.is_none() {
        let nobodys =
            Asker { login: String::new(), name: String::new(), till: Some((caller.terminal, None)) };
        match app.groups.would_refuse_refund(new_refund(app, &nobodys, order, &asked, at)).await? {
            None => {}
            Some(Refusal::Refund(why)) => return Ok(RefundAnswer::Refused { why }),
            Some(other) => return Err(GroupError::Refused(other).into()),
        }
    }
    let new = RefundRequest {
        terminal: caller.terminal,
        request: request.request.clone(),
        order,
        amount: request.amount,
        reason: asked.reason,
        cashier: request.cashier.as_ref().map(|cashier| cashier.tidy()),
        asked_at: at,
        state: RequestState::Waiting,
    };
    let known = app.base.ask_for_refund(new).await?;
    match &known.state {
        RequestState::Waiting => {
            tracing::info!(%order, till = %caller.terminal, amount = %known.amount, "a refund waits for a manager");
            Ok(RefundAnswer::WaitsInConsole)
        }
        RequestState::Refused(by) => Ok(RefundAnswer::RefusedInConsole { by: by.name.clone() }),
        RequestState::Approved(by) | RequestState::Reserved(by) => {
            told(reserve_approved(app, &known, by, at).await?)
        }
    }
}

fn asked_of(request: &str, from: &AskRefundAtTill) -> AskRefund {
    AskRefund { request: request.to_owned(), amount: from.amount, reason: from.reason.trim().to_owned() }
}

/// Takes to the order's group what a manager has approved, under the till's own name for it: however often, it is reserved
/// once. What the group says for good is written down beside the request.
///
/// # Errors
/// The base store cannot be written. Inside: why the group refuses, or that it cannot be reached; then it may be asked again.
pub async fn reserve_approved(
    app: &App,
    request: &RefundRequest,
    by: &Decider,
    at: Timestamp,
) -> Result<Result<RefundRecord, GroupError>, BaseError> {
    let who = Asker {
        login: by.login.clone(),
        name: by.name.clone(),
        till: Some((request.terminal, request.cashier.clone())),
    };
    let asked = AskRefund {
        request: request.request.clone(),
        amount: request.amount,
        reason: request.reason.clone(),
    };
    let reserved = reserve_refund(app, &who, request.order, asked, at).await?;
    let known_for_good = match &reserved {
        Ok(_) => Some(true),
        Err(GroupError::Refused(_)) => Some(false),
        Err(_) => None,
    };
    if let Some(is_reserved) = known_for_good {
        app.base.refund_came_to((request.terminal, request.request.clone()), is_reserved).await?;
    }
    Ok(reserved)
}
