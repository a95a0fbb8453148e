//! A refund that is asked for at the till that sold, approved there by a manager's PIN, or by a one-time code that a manager
//! made in the console; or by nobody there, and then it waits in the console. The till only asks: who may
//! approve, which day it is, whose order it is and how much is left are decided here, once, at receipt.

use super::refund_request::{decide_at_till, wait_for_console};
use super::refunds::{Asker, check, for_till, new_refund, reserve_refund};
use super::{Answer, Body, path_part};
use crate::app::{App, Caller};
use crate::base_store::{CodeTry, Decider, PinCheck, PinTry};
use crate::failure::Failure;
use crate::order_group::{Foreseen, GroupError, RefundRecord, Refusal};
use crate::session::is_pin;
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::cashier::{PinError, check_pin};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, is_approval_code};
use evertill_shared::protocol::staff::{AskRefund, StaffRow};
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;

/// `POST /v1/orders/{number}/refunds`. The same request again asks once, also on another day.
///
/// # Errors
/// A till that may not move money; a request that makes no sense or was replayed; no such order, or a group that cannot be reached. What the rules say is no error but the answer.
pub async fn ask_refund_at_till(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Body(request): Body<AskRefundAtTill>,
) -> Answer<RefundAnswer> {
    caller.require_money()?;
    let at = app.clock.now();
    let number: OrderNumber = path_part(&number)?;
    let asked = AskRefund {
        request: request.request.clone(),
        amount: request.amount,
        reason: request.reason.clone(),
    };
    // Before the PIN: what makes no sense is no try.
    check(&asked)?;
    if request.in_console {
        return Ok(Json(wait_for_console(&app, &caller, (number, at), &request).await?));
    }
    let approved = match &request.code {
        Some(code) => approval_by_code(&app, &caller, (number, at), &asked, code.clone()).await?,
        None => approval(&app, &caller, &request).await?,
    };
    let approver = match approved {
        Ok(approver) => approver,
        Err(answer) => return Ok(Json(answer)),
    };
    let by = Decider { login: approver.login.clone(), name: approver.name.clone() };
    if let Some(answer) = decide_at_till(&app, &caller, (number, at), &asked, by).await? {
        return Ok(Json(answer));
    }
    let asker = Asker {
        login: approver.login,
        name: approver.name,
        till: Some((caller.terminal, request.cashier.as_ref().map(|cashier| cashier.tidy()))),
    };
    Ok(Json(told(reserve_refund(&app, &asker, number, asked, at).await?)?))
}

/// What the till is told of what its order's group said.
pub(super) fn told(reserved: Result<RefundRecord, GroupError>) -> Result<RefundAnswer, Failure> {
    match reserved {
        Ok(mut record) => {
            let one = |record: RefundRecord| Box::new(for_till(record));
            let cash = record.beside.take().map(|beside| one(*beside));
            Ok(RefundAnswer::Reserved { order: one(record), cash })
        }
        Err(GroupError::Refused(Refusal::Refund(why))) => Ok(RefundAnswer::Refused { why }),
        Err(GroupError::Refused(Refusal::Conflict(_))) => Ok(RefundAnswer::AskedBefore),
        Err(error) => Err(error.into()),
    }
}

/// Who approves, if the code that was scanned is theirs, counts, and is for this. It is used up by it, once for all, in the
/// transaction that writes down who approved what; the same request may ask again. What the order's group would refuse
/// anyway uses none up: nobody has to make another one for it. The group decides all the same when it is asked.
async fn approval_by_code(
    app: &App,
    caller: &Caller,
    (order, at): (OrderNumber, Timestamp),
    asked: &AskRefund,
    code: SecretText,
) -> Result<Result<StaffRow, RefundAnswer>, Failure> {
    if !is_approval_code(code.expose()) {
        return Err(Failure::bad_request("what was scanned is no code that approves something"));
    }
    let tried = CodeTry {
        code,
        till: caller.terminal,
        request_id: caller.request_id.clone(),
        request: asked.request.clone(),
        order,
        amount: asked.amount,
    };
    if let Err(why) = app.base.look_at_approval_code(&tried).await? {
        tracing::warn!(%order, till = %caller.terminal, ?why, "a scanned code approves nothing");
        return Ok(Err(RefundAnswer::CodeRefused { why }));
    }
    let nobodys = Asker { login: String::new(), name: String::new(), till: Some((caller.terminal, None)) };
    match app.groups.foresee_refund(new_refund(app, &nobodys, order, asked, at)).await? {
        Foreseen::Open | Foreseen::Stands(_) => {}
        Foreseen::Refused(refusal) => return told(Err(GroupError::Refused(refusal))).map(Err),
    }
    let used = app.base.use_approval_code(tried).await?;
    if let Err(why) = &used {
        tracing::warn!(%order, till = %caller.terminal, ?why, "a scanned code approves nothing");
    }
    Ok(used.map_err(|why| RefundAnswer::CodeRefused { why }))
}

/// Who approves, if the PIN is theirs and they hold the right; otherwise what the till is told. From the try to what came of
/// it all goes on if the till hangs up: else a right PIN would be counted as wrong exactly where the line is bad.
async fn approval(
    app: &App,
    caller: &Caller,
    request: &AskRefundAtTill,
) -> Result<Result<StaffRow, RefundAnswer>, Failure> {
    if check_pin(request.pin.expose()) == Err(PinError::NotDigits) {
        return Err(Failure::bad_request(PinError::NotDigits.to_string()));
    }
    let asked = PinTry {
        login: request.approver.trim().to_owned(),
        till: caller.terminal,
        request_id: caller.request_id.clone(),
        may: |role| Right::Refund.held_by(role),
    };
    let (app, pin) = (app.clone(), request.pin.clone());
    let tried = tokio::spawn(async move { tried(&app, &asked, pin).await }).await;
    tried.unwrap_or_else(|error| {
        tracing::error!(%error, "looking at a PIN failed in our own code");
        Err(Failure::new(
            ErrorCode::Internal,
            "the PIN could not be looked at: try again; tell IT if it stays",
        ))
    })
}

async fn tried(
    app: &App,
    asked: &PinTry,
    pin: SecretText,
) -> Result<Result<StaffRow, RefundAnswer>, Failure> {
    let (verifier, tries_left, wait) = match app.base.try_pin(asked).await? {
        PinCheck::Look { verifier, tries_left, wait } => (verifier, tries_left, wait),
        PinCheck::Nobody => return Ok(Err(RefundAnswer::NotApprover)),
        PinCheck::Wait(until) => {
            let seconds = until.since(app.clock.now()).as_secs().saturating_add(1);
            return Ok(Err(RefundAnswer::Wait { seconds }));
        }
    };
    let is_right = match is_pin(pin, verifier.clone()).await {
        Ok(is_right) => is_right,
        Err(failure) => {
            app.base.pin_was_not_looked_at(asked).await?;
            return Err(failure);
        }
    };
    if !is_right {
        tracing::warn!(login = asked.login, till = %asked.till, "a wrong PIN for a refund");
        return Ok(Err(if wait.is_zero() {
            RefundAnswer::WrongPin { tries_left }
        } else {
            RefundAnswer::Wait { seconds: wait.as_secs() }
        }));
    }
    let person = app.base.pin_was_right(asked, &verifier).await?;
    Ok(person.ok_or(RefundAnswer::NotApprover))
}
