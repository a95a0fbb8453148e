//! Is the process up, and can it take orders? For load balancers, and for IT.

use crate::app::App;
use crate::door::Readiness;
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
    /// The base store can be used, one group at least takes new orders, the time is agreed upon, and the server is not about
    /// to stop.
    pub ready: bool,
    /// The server finishes what is under way and takes no more.
    pub stopping: bool,
    /// Whether the base store can be used.
    pub base_store: bool,
    /// Whether this server's clock and the base store's are near enough to each other.
    pub time: bool,
    /// `healthy`, `slow` (new orders go there last), `skipped` or `test due`, by the group's tag.
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

/// `GET /health/ready`: 200 if orders can be taken, else 503. Found out by reading the base store and writing into
/// the groups, a second ago at most. A server that is about to stop asks nobody: it is not ready.
pub async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let stopping = app.door.is_stopping();
    let found = match stopping {
        true => Readiness { base_store: true, can_create: false },
        false => app.door.ready(|| look(&app)).await,
    };
    let timed = app.centre.time_is_agreed();
    let ready = found.base_store && found.can_create && timed && !app.door.is_stopping();
    let base_store = found.base_store;
    let health = app.groups.health();
    let jumps_away = health.iter().map(|g| (g.tag.to_string(), g.jumps_away)).collect();
    let groups = health.into_iter().map(|g| (g.tag.to_string(), g.standing)).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let refused = app.door.refused();
    (status, Json(Ready { ready, stopping, base_store, time: timed, groups, jumps_away, refused }))
}

/// A base store that hangs is as good as none: it is waited for no longer than a group.
async fn look(app: &App) -> Readiness {
    let base_store = tokio::time::timeout(app.groups.call_limit(), app.base.health());
    let (base_store, can_create) = tokio::join!(base_store, app.groups.can_create());
    Readiness { base_store: base_store.is_ok_and(|health| health.is_ok()), can_create }
}
