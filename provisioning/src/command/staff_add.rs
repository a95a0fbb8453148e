//! `staff add`.

use super::connection::Connection;
use super::{Outcome, Report, ask};
use evertill_provisioning::password;
use evertill_shared::protocol::staff::{NewStaff, Role};
use std::path::PathBuf;

/// Who.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin staff add --new-login anna --name \"Anna Chen\" --role cashier \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The name that the new person logs in with.
    #[arg(long, value_name = "NAME")]
    new_login: String,
    /// The name that others see.
    #[arg(long)]
    name: String,
    /// cashier, manager or it.
    #[arg(long, value_parser = role)]
    role: Role,
    /// A file (mode 0600) with the new person's first password. Without it you are asked.
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

fn role(word: &str) -> Result<Role, &'static str> {
    Role::from_word(word).ok_or("write cashier, manager or it")
}

/// Adds the person.
pub async fn run(args: &Args) -> Outcome {
    let password = match &args.new_password_file {
        Some(file) => ask::secret_from(file)?,
        None => {
            ask::hidden_twice(&format!("First password of {}: ", args.new_login), "--new-password-file FILE")?
        }
    };
    password::check(&password)?;
    let (login, name) = (args.new_login.clone(), args.name.clone());
    let client = args.connection.open().await?;
    client.add_staff(&NewStaff { login, name, role: args.role, password }).await?;
    let text = format!("{} can log in as {} ({}).", args.name, args.new_login, args.role.as_str());
    Ok(Report::good(text, serde_json::json!({ "login": args.new_login, "role": args.role })))
}
