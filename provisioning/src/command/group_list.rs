//! `group list`.

use super::connection::Connection;
use super::{Outcome, Report, table};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::GroupRow;

/// From which server.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin group list --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
}

/// Lists them.
pub async fn run(args: &Args) -> Outcome {
    let groups = args.connection.open().await?.groups().await?;
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    let head = ["Group", "Database", "In use", "New orders", "Its orders are in", "Serves", "Last move"];
    Ok(Report::good(table::render(&head, &rows), serde_json::json!({ "groups": groups })))
}

fn row(group: &GroupRow) -> Vec<String> {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let serves: Vec<String> = group.serves.iter().map(GroupTag::to_string).collect();
    let last_move = group.last_move.as_ref().map(|last| {
        let problem = last.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
        let phase = last.phase.as_str().replace('_', " ");
        format!("to {}, {phase} ({} of {}){problem}", last.to, last.copied, last.total)
    });
    vec![
        group.tag.to_string(),
        group.place.clone(),
        yes(group.in_use),
        yes(group.in_use && group.standing == "active"),
        group.home.to_string(),
        serves.join(" "),
        last_move.unwrap_or_else(|| "-".into()),
    ]
}
