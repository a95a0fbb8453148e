//! `store renew-certificate`.

use super::{Outcome, Report, ask};
use evertill_provisioning::pki::renew_server_certificate;
use evertill_shared::clock::{Clock, SystemClock};
use std::path::PathBuf;

/// Which store.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin store renew-certificate --dir corner --root-passphrase-file passphrase.txt\n\n\
    Run it where the root is kept. Then copy tls.pem, tls.key and server-keys.json to each server and restart it;\n\
    tills need nothing."
)]
pub struct Args {
    /// The store's directory, with its root.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Names and addresses for the new certificate instead of those it has. May be given several times.
    #[arg(long, value_name = "NAME")]
    server_name: Vec<String>,
    /// A file (mode 0600) with the passphrase of the root key.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
}

/// Renews it.
pub fn run(args: &Args) -> Outcome {
    let passphrase = args.root_passphrase_file.as_deref().map(ask::secret_from).transpose()?;
    let names = Some(args.server_name.as_slice()).filter(|names| !names.is_empty());
    let renewed = renew_server_certificate(&args.dir, names, passphrase.as_ref(), SystemClock.now())?;
    let text = format!(
        "The server has a new certificate until {}, for {}.\n\
         Copy tls.pem, tls.key and server-keys.json from {} to each server, and restart it.",
        renewed.ends,
        renewed.server_names.join(", "),
        args.dir.join("server").display()
    );
    let data = serde_json::json!({
        "certificate_ends": renewed.ends.to_string(), "server_names": renewed.server_names,
    });
    Ok(Report::good(text, data))
}
