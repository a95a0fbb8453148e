//! A refund that a till asks for where nobody stands who may approve it: it waits for a manager in the console. Who comes to the
//! till after all decides about it as a manager in the console does, so that of all who decide one has.

use super::refunds::{Asker, new_refund, reserve_refund};
use super::till_refund::told;
use crate::app::{App, Caller};
use crate::base_store::{BaseError, CameTo, Decider, Decision, RefundRequest, RequestState};
use crate::failure::Failure;
use crate::order_group::{Foreseen, GroupError, RefundRecord, Refusal};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer};
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::RefundRefused;

/// Keeps the request, or says how it stands. What the order's group would refuse anyway is refused at once, and what stands
/// there is told: somebody approved it at the till, and the answer was lost. No manager need look at either, and none can
/// refuse what is reserved. The group decides all the same when it is asked.
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
        match app.groups.foresee_refund(new_refund(app, &nobodys, order, &asked, at)).await? {
            Foreseen::Open => {}
            Foreseen::Stands(there) => return told(Ok(*there)),
            Foreseen::Refused(refusal) => return told(Err(GroupError::Refused(refusal))),
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
    if known.state == RequestState::Waiting {
        tracing::info!(%order, till = %caller.terminal, amount = %known.amount, "a refund waits for a manager");
    }
    how_it_stands(app, &known, at).await
}

/// What the till is told of a request. What was approved and may not have reached its order's group is taken there.
async fn how_it_stands(app: &App, known: &RefundRequest, at: Timestamp) -> Result<RefundAnswer, Failure> {
    match &known.state {
        RequestState::Waiting => Ok(RefundAnswer::WaitsInConsole),
        RequestState::Refused(by) => Ok(RefundAnswer::RefusedInConsole { by: by.name.clone() }),
        RequestState::Forbidden(_, why) => Ok(RefundAnswer::Refused { why: why.clone() }),
        RequestState::Expired => {
            // It was judged when it came, so that day is the order's.
            let (sold_on, today) = (app.base.business_day(known.asked_at), app.base.business_day(at));
            Ok(RefundAnswer::Refused { why: RefundRefused::AnotherDay { sold_on, today } })
        }
        RequestState::Approved(by) | RequestState::Reserved(by) => {
            told(reserve_approved(app, known, by, at).await?)
        }
    }
}

/// Somebody who may has come to the till where a refund is asked for that waits in the console under the same name: they decide as
/// a manager there does, once. Nothing if nothing of that name is known there.
pub(super) async fn decide_at_till(
    app: &App,
    caller: &Caller,
    (order, at): (OrderNumber, Timestamp),
    asked: &AskRefund,
    by: Decider,
) -> Result<Option<RefundAnswer>, Failure> {
    let key = (caller.terminal, asked.request.clone());
    let Some(known) = app.base.refund_request(key.0, key.1.clone()).await? else { return Ok(None) };
    if (known.order, known.amount, known.reason.as_str()) != (order, asked.amount, asked.reason.trim()) {
        return Ok(Some(RefundAnswer::AskedBefore));
    }
    match app.base.decide_refund(key, Decision::Approve, by).await {
        Ok(known) => how_it_stands(app, &known, at).await.map(Some),
        // It was put away a moment ago.
        Err(BaseError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
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
        // A conflict: somebody approved it at the till before, under this name. That refund stands.
        Ok(_) | Err(GroupError::Refused(Refusal::Conflict(_))) => Some(CameTo::Reserved),
        Err(GroupError::Refused(Refusal::Refund(why))) => Some(CameTo::Forbidden(why.clone())),
        Err(GroupError::Refused(_)) => Some(CameTo::Refused),
        Err(_) => None,
    };
    if let Some(came_to) = known_for_good {
        app.base.refund_came_to((request.terminal, request.request.clone()), came_to).await?;
    }
    Ok(reserved)
}
