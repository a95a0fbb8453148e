//! `store renew-certificate`.

use super::{Outcome, Report, ask};
use evertill_provisioning::pki::{renew_from_spare, renew_server_certificate};
use evertill_shared::clock::{Clock, SystemClock};
use std::path::PathBuf;

/// Which store.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  evertill-admin store renew-certificate --dir corner --root-passphrase-file passphrase.txt\n  \
    evertill-admin store renew-certificate --dir corner --use-spare /media/safe/corner-spare --root-passphrase-file \\\n    \
    passphrase.txt\n\n\
    Run it where the root is kept. Then copy tls.pem, tls.key and server-keys.json to each server and restart it;\n\
    tills need nothing, as they trust both roots. After --use-spare import the spare's root.pem into the browsers."
)]
pub struct Args {
    /// The store's directory: trust.json, server/ and, unless the spare is used, root/.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Issue from the spare root in this directory (root.pem, root.key), because the first root is lost or known to
    /// others. A new store has it in root/spare.
    #[arg(long, value_name = "SPARE_DIR")]
    use_spare: Option<PathBuf>,
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
    let (passphrase, now) = (passphrase.as_ref(), SystemClock.now());
    let renewed = match &args.use_spare {
        Some(spare) => renew_from_spare(&args.dir, spare, names, passphrase, now)?,
        None => renew_server_certificate(&args.dir, names, passphrase, now)?,
    };
    let browsers = match &args.use_spare {
        Some(spare) => {
            format!("\nThen import {} into the managers' browsers.", spare.join("root.pem").display())
        }
        None => String::new(),
    };
    let text = format!(
        "The server has a new certificate until {}, for {}.\n\
         Copy tls.pem, tls.key and server-keys.json from {} to each server, and restart it.{browsers}",
        renewed.ends,
        renewed.server_names.join(", "),
        args.dir.join("server").display()
    );
    let data = serde_json::json!({
        "certificate_ends": renewed.ends.to_string(), "server_names": renewed.server_names,
        "by_spare": args.use_spare.is_some(),
    });
    Ok(Report::good(text, data))
}
