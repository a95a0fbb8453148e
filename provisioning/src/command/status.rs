//! `status`.

use super::connection::Servers;
use super::{Outcome, Report, table};
use evertill_provisioning::client::{ServerReport, probe_servers};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// From when on a certificate that ends is spoken of.
const SOON: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Which servers.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin status --server https://localhost:8443 --server https://192.168.1.10:8443 --trust corner/trust.json\n\n\
    No login is needed. The exit status is 0 only if every server is ready."
)]
pub struct Args {
    #[command(flatten)]
    servers: Servers,
}

/// Asks them all.
pub async fn run(args: &Args) -> Outcome {
    let reports = probe_servers(&args.servers.config()?, Arc::new(SystemClock)).await;
    let ready = reports.iter().all(|report| matches!(&report.health, Ok(health) if health.ready));
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    let text = table::render(&["Server", "State", "Keys end (UTC)", "Note"], &rows);
    let data: Vec<serde_json::Value> = reports.iter().map(describe).collect();
    Ok(Report { text, data: json!({ "ok": ready, "servers": data }), good: ready })
}

fn row(report: &ServerReport) -> Vec<String> {
    match &report.health {
        Ok(health) => {
            let note = match (health.ready, ends_soon(health.keys_end, SystemClock.now())) {
                (false, _) => health.detail.clone(),
                (true, true) => "renew soon: evertill-admin store renew-certificate".into(),
                (true, false) => String::new(),
            };
            let state = if health.ready { "ready" } else { "not ready" };
            let end = health.keys_end.map_or_else(|| "-".into(), |end| end.to_string());
            vec![report.server.clone(), state.into(), end, note]
        }
        Err(error) => vec![report.server.clone(), "no answer".into(), "-".into(), error.to_string()],
    }
}

fn ends_soon(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|end| end < now.plus(SOON))
}

fn describe(report: &ServerReport) -> serde_json::Value {
    match &report.health {
        Ok(health) => json!({
            "server": report.server, "reachable": true, "ready": health.ready, "detail": health.detail,
            "keys_end": health.keys_end.map(|end| end.to_string()),
            "renew_soon": ends_soon(health.keys_end, SystemClock.now()),
        }),
        Err(error) => {
            json!({ "server": report.server, "reachable": false, "ready": false, "detail": error.to_string() })
        }
    }
}
