//! Is the process up, and can it take orders? For load balancers, and for IT.

use crate::app::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;

/// The process is up. Says nothing of databases.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Live {
    /// Always true: who is not, does not answer.
    pub live: bool,
}

/// Whether orders can be taken, and what is in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// The base store can be used, and one group at least takes new orders.
    pub ready: bool,
    /// Whether the base store can be used.
    pub base_store: bool,
    /// `healthy`, `skipped` or `test due`, by the group's tag.
    pub groups: BTreeMap<String, &'static str>,
    /// New orders that jumped away from each group since the start, by its tag.
    pub jumps_away: BTreeMap<String, u64>,
    /// Requests refused since the start, by code.
    pub refused: BTreeMap<String, u64>,
}

/// `GET /health/live`.
pub async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// `GET /health/ready`: 200 if orders can be taken, else 503. Found out by writing, a second ago at most.
pub async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let base_store = app.base.health().await.is_ok();
    let can_create = app.door.ready(|| app.groups.can_create()).await;
    let ready = base_store && can_create;
    let health = app.groups.health();
    let jumps_away = health.iter().map(|g| (g.tag.to_string(), g.jumps_away)).collect();
    let groups = health.into_iter().map(|g| (g.tag.to_string(), g.standing)).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, base_store, groups, jumps_away, refused: app.door.refused() }))
}
