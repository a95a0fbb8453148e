//! What a till asks about itself: also while it is pending, and when it is blocked.

use super::Answer;
use super::journal::compare_with_journal;
use crate::app::{App, Caller};
use crate::base_store::BaseError;
use axum::Json;
use axum::extract::State;
use evertill_shared::protocol::terminal::TerminalStatus;

/// `GET /v1/terminal`.
///
/// # Errors
/// The base store cannot be read.
pub async fn status(State(app): State<App>, caller: Caller) -> Answer<TerminalStatus> {
    let terminal = caller.terminal;
    let refunds_waiting = async {
        if caller.state.may_move_money() { app.groups.refund_inbox(terminal).await.0.len() } else { 0 }
    };
    // A group that hangs is waited for once, not twice.
    let (refunds_waiting, furthest) =
        tokio::join!(refunds_waiting, app.groups.furthest_entries(terminal, caller.epoch));
    if caller.state.may_move_money() {
        compare_with_journal(&app, &caller, &furthest).await;
    }
    let known = app.base.terminal(terminal).await?.ok_or(BaseError::NotFound("terminal"))?;
    let refund_requests = match caller.state.may_move_money() {
        true => Some(app.base.waiting_refund_requests(terminal).await?),
        false => None,
    };
    let versions = app.base.versions().await?;
    let server_time = app.clock.now();
    Ok(Json(TerminalStatus {
        terminal,
        name: known.record.name.clone(),
        epoch: caller.epoch,
        state: known.record.state,
        store: app.base.store().clone(),
        server_time,
        business_day: app.base.business_day(server_time),
        journal_head: app.base.journal_head(terminal, caller.epoch).await?,
        furthest_used: furthest.into_iter().max_by_key(|head| head.sequence),
        catalogue_version: versions.catalogue,
        catalogue_name: Some(versions.catalogue_name),
        catalogue_parts: true,
        countersigns: true,
        staff_version: versions.staff,
        receipt_template: Some(versions.receipt_template),
        pictures: Some(versions.pictures),
        refunds_waiting: u32::try_from(refunds_waiting).unwrap_or(u32::MAX),
        wallets: app.centre.wallets(),
        shows: app.centre.shows(),
        splits: true,
        refunds_in_console: true,
        refund_requests,
        health: app.centre.wallet_health(server_time),
    }))
}
