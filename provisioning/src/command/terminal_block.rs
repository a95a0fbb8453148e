//! `terminal block` and `terminal unblock`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::TerminalChange;

/// Which till to stop.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin terminal block T0001 --reason \"stolen last night\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct BlockArgs {
    #[command(flatten)]
    connection: Connection,
    /// The terminal, like T0001.
    terminal: TerminalId,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Which till to let work again.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin terminal unblock T0001 --reason \"found in the back office\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct UnblockArgs {
    #[command(flatten)]
    connection: Connection,
    /// The terminal, like T0001.
    terminal: TerminalId,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Blocks.
pub async fn block(args: &BlockArgs) -> Outcome {
    let change = TerminalChange::Block { reason: args.reason.clone() };
    args.connection.open().await?.change_terminal(args.terminal, &change).await?;
    let text = format!(
        "{} is blocked: no new order, charge or refund from it. What it sold honestly can still be uploaded, and \
         waits for a person to accept it.",
        args.terminal
    );
    Ok(report(text, args.terminal, "blocked"))
}

/// Unblocks.
pub async fn unblock(args: &UnblockArgs) -> Outcome {
    let change = TerminalChange::Unblock { reason: args.reason.clone() };
    args.connection.open().await?.change_terminal(args.terminal, &change).await?;
    Ok(report(format!("{} works again.", args.terminal), args.terminal, "active"))
}

fn report(text: String, terminal: TerminalId, state: &str) -> Report {
    Report::good(text, serde_json::json!({ "terminal": terminal.to_string(), "state": state }))
}
