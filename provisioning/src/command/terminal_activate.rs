//! `terminal activate`.

use super::connection::Connection;
use super::{Outcome, Report, ask};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::{TerminalChange, TerminalRow};
use std::error::Error;

/// Which till.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  evertill-admin terminal activate T0001 \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo\n  \
    evertill-admin terminal activate T0001 --fingerprint \"AB12 CD34 …\" …   (as read from the till's screen)")]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The terminal, like T0001.
    terminal: TerminalId,
    /// The fingerprint as the till's own screen shows it. Without it you are asked to compare.
    #[arg(long)]
    fingerprint: Option<String>,
}

/// Compares and activates.
pub async fn run(args: &Args) -> Outcome {
    let client = args.connection.open().await?;
    let terminals = client.terminals().await?;
    let row = terminals
        .iter()
        .find(|row| row.terminal == args.terminal)
        .ok_or_else(|| format!("there is no {}: see evertill-admin terminal list", args.terminal))?;
    let fingerprint = compared(args, row)?;
    client
        .change_terminal(args.terminal, &TerminalChange::Activate { fingerprint: fingerprint.clone() })
        .await?;
    let text = format!("{} ({}) is active. Fingerprint: {fingerprint}", args.terminal, row.name);
    let data = serde_json::json!({ "terminal": args.terminal.to_string(), "fingerprint": fingerprint });
    Ok(Report::good(text, data))
}

/// The fingerprint, once a person has said that the till shows this one.
fn compared(args: &Args, row: &TerminalRow) -> Result<String, Box<dyn Error>> {
    let Some(registered) = &row.fingerprint else {
        return Err(format!(
            "{} has not registered yet: type its enrolment code at the till first",
            args.terminal
        )
        .into());
    };
    if let Some(given) = &args.fingerprint {
        return match plain(given) == plain(registered) {
            true => Ok(registered.clone()),
            false => Err(mismatch(args.terminal, given, registered).into()),
        };
    }
    let question = format!(
        "{} ({}) registered with code {} and this fingerprint:\n\n  {registered}\n\n\
         Look at the till's own screen. Does it show exactly the same? Type yes or no: ",
        args.terminal,
        row.name,
        row.registration_code.as_deref().unwrap_or("-"),
    );
    if ask::confirmed(&question, "--fingerprint with what the till shows")? {
        return Ok(registered.clone());
    }
    Err(format!(
        "{} was not activated. If the fingerprints differ, another device has registered in its place: \
                 make a new enrolment code.",
        args.terminal
    )
    .into())
}

fn mismatch(terminal: TerminalId, given: &str, registered: &str) -> String {
    format!(
        "the fingerprints differ, and {terminal} was not activated.\n  given:      {given}\n  registered: {registered}\n\
         Read it again from the till's screen. If it still differs, another device has registered in its place: \
         make a new enrolment code."
    )
}

/// Without spaces, and in capitals, however it was typed.
fn plain(fingerprint: &str) -> String {
    fingerprint.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_fingerprint_is_compared_however_it_was_typed() {
        assert_eq!(super::plain("ab12 CD34"), super::plain("AB12-cd34"));
        assert_ne!(super::plain("AB12 CD34"), super::plain("AB12 CD35"));
    }
}
