//! `staff list`.

use super::connection::Connection;
use super::{Outcome, Report, table};

/// From which server.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin staff list --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
}

/// Lists them.
pub async fn run(args: &Args) -> Outcome {
    let staff = args.connection.open().await?.staff().await?;
    let row = |p: &evertill_shared::protocol::staff::StaffRow| {
        let left = p.left_at.map(|at| at.to_string()).unwrap_or_default();
        let yes = |has: bool| if has { "yes" } else { "" }.to_owned();
        let (pin, card) = (yes(p.has_pin), yes(p.has_card));
        vec![p.login.clone(), p.name.clone(), p.role.as_str().to_owned(), pin, card, left]
    };
    let rows: Vec<Vec<String>> = staff.iter().map(row).collect();
    let text = table::render(&["Login", "Name", "Role", "PIN", "Card", "Left (UTC)"], &rows);
    Ok(Report::good(text, serde_json::json!({ "staff": staff })))
}
