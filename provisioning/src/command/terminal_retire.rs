//! `terminal retire`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::TerminalChange;

/// Which till to take out of use.
#[derive(clap::Args)]
#[command(
    after_help = "It cannot be undone. What the till sold and has not handed in is not accepted any more: if it still \
    runs,\nwait until its status line says that all sales are sent. A till that was stolen is blocked, not retired.\n\n\
    Example:\n  evertill-admin terminal retire T0001 --reason \"replaced by T0007\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The terminal, like T0001.
    terminal: TerminalId,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Retires.
pub async fn run(args: &Args) -> Outcome {
    let client = args.connection.open().await?;
    let change = TerminalChange::Retire { reason: args.reason.clone() };
    client.change_terminal(args.terminal, &change).await?;
    let rows = client.terminals().await?;
    let row = rows.into_iter().find(|row| row.terminal == args.terminal);
    let row = row.ok_or_else(|| format!("{} is retired, but is not in the list any more", args.terminal))?;
    let seen = row.last_seen.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let text = format!(
        "{} ({}) is retired: nothing more is taken from it. The server has {} entries of its journal; it was last \
         seen (UTC): {seen}. Keep its disk until the day is closed.",
        row.terminal, row.name, row.journal_sequence
    );
    Ok(Report::good(text, super::terminal_list::describe(&row)))
}
