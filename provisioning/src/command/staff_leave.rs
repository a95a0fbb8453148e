//! `staff leave`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::protocol::staff::PersonLeft;

/// Who left.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin staff leave anna --reason \"moved to another town\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The name that the person logged in with.
    #[arg(value_name = "LOGIN")]
    person: String,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Closes the account.
pub async fn run(args: &Args) -> Outcome {
    let left = PersonLeft { login: args.person.clone(), reason: args.reason.clone() };
    let row = args.connection.open().await?.person_left(&left).await?;
    let text = format!(
        "{} ({}) cannot log in any more, and has no session open. The name stays in the audit trail.",
        row.name, row.login
    );
    let data = serde_json::json!({ "login": row.login, "left_at": row.left_at.map(|at| at.to_string()) });
    Ok(Report::good(text, data))
}
