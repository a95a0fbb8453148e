//! `server add`.

use super::{Outcome, Report, ask};
use evertill_provisioning::pki::{NewServer, add_server};
use evertill_shared::clock::{Clock, SystemClock};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Which server.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin server add --dir corner --id server-2 --listen 0.0.0.0:8443 \\\n    \
    --server-name tills.example --server-name 192.168.1.11\n\n\
    Run it where the root is kept. Then look through the new server.toml: on the same machine it shares the first\n\
    server's files; on another one the base store and the groups must be in PostgreSQL. Bring server-keys.json to each\n\
    server and restart it before the new one starts, so that every server vouches for all of them."
)]
pub struct Args {
    /// The store's directory: root/, trust.json, server/.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The new server's name: that of its directory and of its response key.
    #[arg(long, value_name = "NAME")]
    id: String,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// A name or address for its certificate, besides those that the store's last certificate has: its own, and the
    /// balancer's. May be given several times.
    #[arg(long, value_name = "NAME")]
    server_name: Vec<String>,
    /// A file (mode 0600) with the passphrase of the root key.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
}

/// Adds it.
pub fn run(args: &Args) -> Outcome {
    let passphrase = args.root_passphrase_file.as_deref().map(ask::secret_from).transpose()?;
    let new = NewServer { id: args.id.clone(), listen: args.listen, server_names: args.server_name.clone() };
    let added = add_server(&args.dir, &new, passphrase.as_ref(), SystemClock.now())?;
    let text = format!(
        "The files of {} are in {}; its certificate counts until {}, for {}.\n\
         Bring server-keys.json to every server and restart it, then start the new one: evertill-server --config {}",
        args.id,
        added.dir.display(),
        added.ends,
        added.server_names.join(", "),
        added.dir.join("server.toml").display()
    );
    let data = serde_json::json!({
        "dir": added.dir, "certificate_ends": added.ends.to_string(), "server_names": added.server_names,
    });
    Ok(Report::good(text, data))
}
