//! Payments: charge a code or have one to show, see where an attempt stands, take it back.

use super::journal::one_history;
use super::orders::evidence::{Evidence, Requested};
use super::orders::{adoption, told};
use super::{Answer, Body, path_part};
use crate::app::{App, Caller};
use crate::failure::Failure;
use crate::order_centre::{Means, NewCharge};
use crate::order_group::{Adoption, NewPayment, PaymentRecord, Refusal};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use evertill_shared::id::Attempt;
use evertill_shared::journal::SignedEntry;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{PaymentView, ShowCode, StartPayment, TakeBack};

/// `POST /v1/orders/{number}/payments`: charges a code. The same attempt again is only looked at.
///
/// # Errors
/// A till that may not, entries that do not hold, an order or an earlier attempt that stands in the way, or a
/// group that cannot be reached. `outcome_unknown` means that the code may yet be charged.
pub async fn start_payment(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Body(request): Body<StartPayment>,
) -> Answer<PaymentView> {
    let entries = Entries {
        sale: &request.sale,
        adopted: &request.adopted,
        requested: &request.requested,
        cash_part: request.cash_part.as_ref(),
    };
    start(&app, &caller, &number, entries, Means::Scanned(request.auth_code)).await
}

/// `POST /v1/orders/{number}/shown`: asks for a code that the till shows. The same attempt again is only looked at.
///
/// # Errors
/// As for [`start_payment`]. `outcome_unknown` means that there may be a code yet: ask where the attempt stands.
pub async fn show_code(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Body(request): Body<ShowCode>,
) -> Answer<PaymentView> {
    let entries = Entries {
        sale: &request.sale,
        adopted: &request.adopted,
        requested: &request.requested,
        cash_part: request.cash_part.as_ref(),
    };
    start(&app, &caller, &number, entries, Means::Shown).await
}

/// What a till signed that it rests on, to begin an attempt.
#[derive(Clone, Copy)]
struct Entries<'a> {
    sale: &'a SignedEntry,
    adopted: &'a SignedEntry,
    requested: &'a SignedEntry,
    cash_part: Option<&'a SignedEntry>,
}

async fn start(
    app: &App,
    caller: &Caller,
    number: &str,
    entries: Entries<'_>,
    means: Means,
) -> Answer<PaymentView> {
    caller.require_money()?;
    let number: OrderNumber = path_part(number)?;
    let (adoption, requested) = read_entries(app, caller, number, entries).await?;
    let charge = NewCharge {
        guard: app.groups.guard(&caller.request_id, adoption.at),
        adoption,
        requested: requested.entry,
        cash_part: requested.cash_part,
        attempt: requested.attempt,
        wallet: requested.wallet,
        channel_number: requested.channel_number,
        amount: requested.amount,
        means,
    };
    let view = app.centre.start(charge).await.map_err(|error| told(error, number.as_str()))?;
    Ok(Json(view))
}

/// `GET /v1/orders/{number}/payments/{attempt}`, for the till that sold.
///
/// # Errors
/// No such attempt of this till, or a group that cannot be reached.
pub async fn get_payment(
    State(app): State<App>,
    caller: Caller,
    Path((number, attempt)): Path<(String, String)>,
) -> Answer<PaymentView> {
    caller.require_upload()?;
    let record = of_caller(&app, &caller, path_part(&number)?, path_part(&attempt)?).await?;
    Ok(Json(app.centre.view(&record.payment)))
}

/// `POST /v1/orders/{number}/payments/{attempt}/take-back`: takes an attempt back instead of waiting on. With the
/// signed entries in the body, one that never arrived is recorded as being taken back.
///
/// # Errors
/// As for [`start_payment`]; without a body also that there is no such attempt.
pub async fn take_back(
    State(app): State<App>,
    caller: Caller,
    Path((number, attempt)): Path<(String, String)>,
    body: Bytes,
) -> Answer<PaymentView> {
    caller.require_money()?;
    let number: OrderNumber = path_part(&number)?;
    let attempt: Attempt = path_part(&attempt)?;
    let at = app.clock.now();
    let guard = app.groups.guard(&caller.request_id, at);
    let missing = match without_entries(&body) {
        true => {
            of_caller(&app, &caller, number, attempt).await?;
            None
        }
        false => Some(missing_payment(&app, &caller, number, attempt, &body).await?),
    };
    let taken = app.centre.take_back(number, attempt, missing, guard).await;
    let taken = taken.map_err(|error| told(error, number.as_str()))?;
    Ok(Json(app.centre.view(&taken.record.payment)))
}

fn without_entries(body: &Bytes) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}" | b"null")
}

async fn missing_payment(
    app: &App,
    caller: &Caller,
    number: OrderNumber,
    attempt: Attempt,
    body: &Bytes,
) -> Result<NewPayment, Failure> {
    let request: TakeBack = serde_json::from_slice(body)
        .map_err(|_| Failure::bad_request("the body is not that of a request to take a payment back"))?;
    let entries = Entries {
        sale: &request.sale,
        adopted: &request.adopted,
        requested: &request.requested,
        cash_part: request.cash_part.as_ref(),
    };
    let (adoption, requested) = read_entries(app, caller, number, entries).await?;
    if requested.attempt != attempt {
        return Err(Failure::bad_request("the entry requests another attempt"));
    }
    let Requested { entry, cash_part, wallet, channel_number, amount, .. } = requested;
    Ok(NewPayment {
        guard: app.groups.guard(&caller.request_id, adoption.at),
        adoption,
        requested: entry,
        cash_part,
        intent: app.centre.intent_never_seen(attempt, wallet, channel_number, amount),
        lease: app.centre.lease(),
    })
}

async fn read_entries(
    app: &App,
    caller: &Caller,
    number: OrderNumber,
    Entries { sale, adopted, requested, cash_part }: Entries<'_>,
) -> Result<(Adoption, Requested), Failure> {
    let evidence = Evidence::of(app, caller);
    let sale = evidence.sale(sale)?;
    let requested = evidence.requested((requested, cash_part), &sale, number)?;
    let adopted = evidence.adopted(adopted, &sale, number)?;
    if requested.entry.place.sequence <= adopted.place.sequence {
        return Err(Failure::bad_request("the payment was requested before the number was chosen"));
    }
    let adoption = adoption(app, caller, number, sale, adopted).await;
    let mut entries = vec![&adoption.sale.entry, &adoption.adopted, &requested.entry];
    entries.extend(&requested.cash_part);
    one_history(app, caller, &entries).await?;
    Ok((adoption, requested))
}

async fn of_caller(
    app: &App,
    caller: &Caller,
    number: OrderNumber,
    attempt: Attempt,
) -> Result<PaymentRecord, Failure> {
    let record = app.groups.payment(number, attempt).await?;
    if record.terminal == caller.terminal { Ok(record) } else { Err(Refusal::NotFound("attempt").into()) }
}
