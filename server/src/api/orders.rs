//! Orders: a number for a sale, the till's choice of it, cash, and how an order stands.

pub(super) mod evidence;

use super::journal::{one_history, signer};
use super::{Answer, Body, path_part};
use crate::app::{App, Caller};
use crate::failure::Failure;
use crate::order_group::lists::ServedBy;
use crate::order_group::{Adopt, Adoption, GroupError, KeptEntry, OrderDetail, Refusal, SaleOfTill};
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{AdoptOrder, CreateDraft, DraftCreated, OrderView};
use evidence::Evidence;

/// `POST /v1/drafts`: the only request that may go to any group.
///
/// # Errors
/// A till that may not sell, a sale that does not hold, a fork, or no group to take it.
pub async fn create_draft(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<CreateDraft>,
) -> Answer<DraftCreated> {
    caller.require_money()?;
    // A draft rests on the request's signature, which covers the entry and is by the same key. The entry's own is
    // checked, and its place held against the journal, when the draft is adopted: before that it counts for nothing.
    let sale = Evidence::of(&app, &caller).draft(&request.sale)?;
    let key = sale.key;
    let request = caller.request_id.rsplit(' ').next().unwrap_or_default();
    let created = app.groups.create_draft(sale, request).await;
    let (draft, jumps) = created.map_err(|error| told(error, &key.to_string()))?;
    Ok(Json(DraftCreated { number: draft.number, business_day: draft.business_day, jumps }))
}

/// `POST /v1/orders/{number}/adopt`. With cash the order is paid. From a blocked till only cash sales are taken,
/// into quarantine: they have happened, and a person decides.
///
/// # Errors
/// Entries that do not hold, another till's order, a fork, or a group that cannot be reached.
pub async fn adopt(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Body(request): Body<AdoptOrder>,
) -> Answer<OrderView> {
    caller.require_upload()?;
    if request.cash.is_none() {
        caller.require_money()?;
    }
    let number: OrderNumber = path_part(&number)?;
    // What has happened is taken under the key of its time; what is to happen, under the present key only.
    let caller = match &request.cash {
        Some(_) => signer(&app, &caller, Some(&request.sale)).await?,
        None => caller,
    };
    let evidence = Evidence::of(&app, &caller);
    let sale = evidence.sale(&request.sale)?;
    let part = request.cash_part.as_ref();
    let cash = request.cash.as_ref().map(|entry| evidence.cash((entry, part), &sale)).transpose()?;
    if cash.is_none() && part.is_some() {
        return Err(Failure::bad_request("a part in cash comes without the cash that paid the rest"));
    }
    let adopted = evidence.adopted(&request.adopted, &sale, number)?;
    let adoption = adoption(&app, &caller, number, sale, adopted).await;
    let mut entries = vec![&adoption.sale.entry, &adoption.adopted];
    entries.extend(cash.iter().flat_map(|cash| std::iter::once(&cash.entry).chain(&cash.part)));
    one_history(&app, &caller, &entries).await?;
    let guard = app.groups.guard(&caller.request_id, adoption.at);
    let policies = app.centre.policies();
    let adopted = app.groups.adopt(Adopt { adoption, cash, policies, guard }).await;
    adopted.map_err(|error| told(error, number.as_str()))?;
    Ok(Json(view(&app, &app.groups.order(number).await?)))
}

/// `GET /v1/orders/{number}`, for the till that sold.
///
/// # Errors
/// No such order of this till, or a group that cannot be reached.
pub async fn get_order(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Answer<OrderView> {
    caller.require_upload()?;
    let order = app.groups.order(path_part(&number)?).await?;
    if order.summary.sale.terminal != caller.terminal {
        return Err(Refusal::NotFound("order").into());
    }
    Ok(Json(view(&app, &order)))
}

/// What becomes of the till's choice of that number, which was checked; of a blocked till, for quarantine.
pub(super) async fn adoption(
    app: &App,
    caller: &Caller,
    number: OrderNumber,
    sale: SaleOfTill,
    adopted: KeptEntry,
) -> Adoption {
    let at = app.clock.now();
    let served_by = served_by(app, &sale).await;
    Adoption {
        number,
        sale,
        served_by,
        adopted,
        business_day: app.groups.business_day(at),
        at,
        quarantine: caller.state.upload_is_quarantined(),
    }
}

/// Who served, if the till says so. Somebody who is not on the staff is no reason to refuse money: the sale has
/// happened, and is marked for a person to look at.
async fn served_by(app: &App, sale: &SaleOfTill) -> Option<ServedBy> {
    let cashier = sale.sale.cashier.as_ref()?.tidy();
    let on_staff = app.base.is_on_staff(&cashier.login).await;
    if !on_staff {
        tracing::warn!(sale = %sale.key, "a till names a cashier who is not on the staff: the sale is marked");
    }
    Some(ServedBy { cashier, on_staff })
}

/// A conflict means that a till's journal has split: that is logged where it is found.
pub(super) fn told(error: GroupError, about: &str) -> Failure {
    if let GroupError::Refused(Refusal::Conflict(what)) = &error {
        tracing::error!(about, what, "one sale came with two contents: the till's journal has forked");
    }
    error.into()
}

fn view(app: &App, order: &OrderDetail) -> OrderView {
    let summary = &order.summary;
    OrderView {
        number: summary.number,
        sale: summary.sale,
        state: summary.state,
        business_day: summary.business_day,
        total: summary.total,
        paid_by: summary.paid_by.clone(),
        payments: order.payments.iter().map(|record| app.centre.view(&record.payment)).collect(),
        refunds: summary.refunds.clone(),
        quarantined: summary.quarantined,
    }
}
