//! `terminal list`.

use super::connection::Connection;
use super::{Outcome, Report, table};
use evertill_shared::protocol::staff::TerminalRow;

/// From which server.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin terminal list --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
}

/// Lists them.
pub async fn run(args: &Args) -> Outcome {
    let terminals = args.connection.open().await?.terminals().await?;
    let rows: Vec<Vec<String>> = terminals.iter().map(row).collect();
    let head = ["Terminal", "Name", "State", "Code", "Last seen (UTC)", "Entries", "Fingerprint"];
    let data: Vec<serde_json::Value> = terminals.iter().map(describe).collect();
    Ok(Report::good(table::render(&head, &rows), serde_json::json!({ "terminals": data })))
}

fn row(terminal: &TerminalRow) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    vec![
        terminal.terminal.to_string(),
        terminal.name.clone(),
        terminal.state.map_or_else(|| "code not used".into(), |s| s.to_string()),
        or_dash(terminal.registration_code.clone()),
        or_dash(terminal.last_seen.map(|t| t.to_string())),
        terminal.journal_sequence.to_string(),
        or_dash(terminal.fingerprint.clone()),
    ]
}

/// A terminal as the JSON output shows it: as people name it, `T0001`.
pub fn describe(terminal: &TerminalRow) -> serde_json::Value {
    serde_json::json!({
        "terminal": terminal.terminal.to_string(),
        "name": terminal.name,
        "state": terminal.state,
        "registration_code": terminal.registration_code,
        "fingerprint": terminal.fingerprint,
        "last_seen": terminal.last_seen.map(|t| t.to_string()),
        "journal_sequence": terminal.journal_sequence,
    })
}
