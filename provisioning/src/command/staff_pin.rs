//! `staff pin`.

use super::connection::Connection;
use super::{Outcome, Report, ask};
use evertill_shared::protocol::staff::SetPin;
use std::path::PathBuf;

/// Whose PIN.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin staff pin anna --server https://localhost:8443 --trust corner/trust.json --login bo\n\n\
    4 to 8 digits, not all the same and not in a row. Tills know it within seconds. Once anybody has a PIN, the tills of\n\
    the store lock; with no PIN at all they work without logging in."
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The name that the person logs in with.
    #[arg(value_name = "LOGIN")]
    person: String,
    /// A file with the PIN, readable by its owner only, or - for standard input; asked for otherwise.
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    pin_file: Option<PathBuf>,
    /// Take the PIN away.
    #[arg(long)]
    remove: bool,
}

/// Sets or removes it.
pub async fn run(args: &Args) -> Outcome {
    let pin = match (args.remove, &args.pin_file) {
        (true, _) => None,
        (false, Some(file)) => Some(ask::secret_from(file)?),
        (false, None) => Some(ask::hidden_twice("The PIN: ", "--pin-file")?),
    };
    if let Some(pin) = &pin {
        evertill_shared::cashier::check_pin(pin.expose())?;
    }
    let asked = SetPin { login: args.person.clone(), pin };
    let row = args.connection.open().await?.set_pin(&asked).await?;
    let text = match row.has_pin {
        true => format!("{} ({}) has a new PIN; tills know it within seconds.", row.name, row.login),
        false => format!("{} ({}) has no PIN any more.", row.name, row.login),
    };
    Ok(Report::good(text, serde_json::json!({ "login": row.login, "has_pin": row.has_pin })))
}
