//! `order accept`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::AcceptOrder;

/// Which order to believe.
#[derive(clap::Args)]
#[command(after_help = "Example (a manager does this, after comparing with the drawer and the paper):\n  \
    evertill-admin order accept 2026112014030712348151192 --reason \"the drawer holds the money\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login mei")]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The order's number, as on the receipt.
    number: OrderNumber,
    /// Why it is believed; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Accepts.
pub async fn run(args: &Args) -> Outcome {
    let accept = AcceptOrder { reason: args.reason.clone() };
    let accepted = args.connection.open().await?.accept_order(&args.number, &accept).await?;
    let state = accepted.terminal_state.map_or_else(|| "unknown".to_owned(), |state| state.to_string());
    let text = format!(
        "{} of {} at {} (which is {state} now) counts as a sale of {}.\nAccepted by {} at {}: {}",
        accepted.number.grouped(),
        accepted.total,
        accepted.terminal,
        accepted.business_day,
        accepted.accepted_by,
        accepted.accepted_at,
        accepted.reason,
    );
    let data = serde_json::json!({
        "number": accepted.number,
        "terminal": accepted.terminal.to_string(),
        "terminal_state": accepted.terminal_state,
        "accepted_by": accepted.accepted_by,
        "reason": accepted.reason,
    });
    Ok(Report::good(text, data))
}
