//! `terminal code`.

use super::connection::Connection;
use super::{Outcome, Report};

/// For which till.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin terminal code --name \"Till 1, front\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo")]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// What the till will be called.
    #[arg(long)]
    name: String,
}

/// Makes the code.
pub async fn run(args: &Args) -> Outcome {
    let made = args.connection.open().await?.enrolment_code(&args.name).await?;
    // The one place that shows it: the code is made to be read by the person who asked.
    let code = made.code.expose();
    let text = format!(
        "Enrolment code for {} ({}): {code}\n\n\
         Type it at the till before {}. Then compare the fingerprint that the till shows:\n  \
         evertill-admin terminal activate {} …",
        made.terminal, args.name, made.expires_at, made.terminal
    );
    let data = serde_json::json!({
        "terminal": made.terminal.to_string(), "code": code, "expires_at": made.expires_at.to_string(),
    });
    Ok(Report::good(text, data))
}
