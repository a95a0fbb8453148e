//! `store create`.

use super::{Outcome, Report, ask};
use evertill_provisioning::pki::{FirstStaff, NewStore, create_store};
use evertill_shared::business_day::StoreZone;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::StoreId;
use evertill_shared::money::Currency;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::secret::SecretText;
use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the new store shall be.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin store create --dir corner --name \"Corner shop\" --store-id 1 \\\n    \
    --currency CNY --zone Asia/Shanghai --address \"1 Main Street\" --server-name till-server.lan \\\n    \
    --manager mei:\"Li Mei\" --it bo:\"Wang Bo\" --root-passphrase-file passphrase.txt\n\n\
    Passwords are asked for, or read from --passwords-file: lines of login:password, mode 0600."
)]
pub struct Args {
    /// The directory to make. It must not exist.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The store's name, as on receipts.
    #[arg(long)]
    name: String,
    /// The store's number, 1 to 999999. It stays for ever: wallets see it in every payment's number.
    #[arg(long, value_name = "N")]
    store_id: u32,
    /// ISO 4217 code.
    #[arg(long, default_value = "CNY")]
    currency: Currency,
    /// IANA time zone.
    #[arg(long, default_value = "Asia/Shanghai")]
    zone: StoreZone,
    /// When the business day starts, HH:MM in the store's zone.
    #[arg(long, default_value = "00:00", value_name = "HH:MM", value_parser = minutes)]
    cut_off: u16,
    /// A line of the address on receipts. May be given several times.
    #[arg(long, value_name = "LINE")]
    address: Vec<String>,
    /// A name or IP address under which tills reach the server. May be given several times.
    #[arg(long, value_name = "NAME")]
    server_name: Vec<String>,
    /// Where the server listens.
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// A manager: refunds, closes the day. May be given several times.
    #[arg(long, value_name = "LOGIN:NAME", required = true, value_parser = person)]
    manager: Vec<(String, String)>,
    /// Someone of IT: enrols, activates, blocks. May be given several times.
    #[arg(long, value_name = "LOGIN:NAME", required = true, value_parser = person)]
    it: Vec<(String, String)>,
    /// A cashier. May be given several times.
    #[arg(long, value_name = "LOGIN:NAME", value_parser = person)]
    cashier: Vec<(String, String)>,
    /// A file (mode 0600) of lines login:password, or - for standard input. Without it you are asked.
    #[arg(long, value_name = "FILE")]
    passwords_file: Option<PathBuf>,
    /// A file (mode 0600) with the passphrase that seals the keys of the root and of the spare root.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
}

/// Makes the store.
pub fn run(args: &Args) -> Outcome {
    if args.dir.exists() {
        return Err(evertill_provisioning::pki::PkiError::Exists(args.dir.clone()).into());
    }
    let info = StoreInfo {
        id: StoreId::try_from(args.store_id)?,
        name: args.name.clone(),
        address: args.address.clone(),
        currency: args.currency,
        zone: args.zone.clone(),
        cut_off_minutes: args.cut_off,
    };
    let root_passphrase = args.root_passphrase_file.as_deref().map(ask::secret_from).transpose()?;
    let plan = NewStore {
        info,
        server_names: args.server_name.clone(),
        listen: args.listen,
        staff: staff(args)?,
        root_passphrase,
    };
    let made = create_store(&args.dir, &plan, SystemClock.now())?;
    let dir = made.dir.display();
    let warning = if made.root_sealed {
        String::new()
    } else {
        format!(
            "\nWARNING: the root's keys {dir}/root/root.key and {dir}/root/spare/root.key are not sealed. Whoever has \
             one of these files can pose as this store's server. Keep them on disks that are locked away; better, \
             make the store with --root-passphrase-file.\n"
        )
    };
    let text = format!(
        "The store is made in {dir}.\n\n  \
         root/        the store's root: keep it off-line; needed only to renew certificates\n  \
         root/spare/  its replacement, which tills trust too: move it to another safe place\n  \
         trust.json   give it to every till\n  \
         server/      the server's own: evertill-server --config {dir}/server/server.toml\n\n\
         Import {dir}/root/root.pem into the managers' browsers. Its SHA-256 fingerprint:\n  {}\n\
         The spare's:\n  {}\n\
         The server's certificate ends {}: renew it before.\n{warning}",
        made.root_fingerprint, made.spare_fingerprint, made.certificate_ends
    );
    let data = serde_json::json!({
        "dir": made.dir,
        "trust": made.dir.join("trust.json"),
        "server_config": made.dir.join("server/server.toml"),
        "root_fingerprint": made.root_fingerprint,
        "spare_fingerprint": made.spare_fingerprint,
        "root_sealed": made.root_sealed,
        "certificate_ends": made.certificate_ends.to_string(),
    });
    Ok(Report::good(text, data))
}

fn staff(args: &Args) -> Result<Vec<FirstStaff>, Box<dyn Error>> {
    let mut known = match &args.passwords_file {
        Some(file) => passwords(file)?,
        None => HashMap::new(),
    };
    let roles = [(Role::Manager, &args.manager), (Role::It, &args.it), (Role::Cashier, &args.cashier)];
    let mut all = Vec::new();
    for (role, people) in roles {
        for (login, name) in people {
            let password = match known.remove(login) {
                Some(password) => password,
                None if args.passwords_file.is_some() => {
                    return Err(
                        format!("the passwords file has no line for {login}: add {login}:PASSWORD").into()
                    );
                }
                None => ask::hidden_twice(&format!("New password of {login}: "), "--passwords-file FILE")?,
            };
            all.push(FirstStaff { login: login.clone(), name: name.clone(), role, password });
        }
    }
    match known.keys().next() {
        Some(login) => {
            Err(format!("the passwords file has a line for {login}, who is not among the staff").into())
        }
        None => Ok(all),
    }
}

fn passwords(file: &Path) -> Result<HashMap<String, SecretText>, Box<dyn Error>> {
    let text = ask::secret_from(file)?;
    let mut all = HashMap::new();
    for (number, line) in text.expose().lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let (login, password) = line
            .split_once(':')
            .ok_or_else(|| format!("line {} of the passwords file is not login:password", number + 1))?;
        all.insert(login.to_owned(), SecretText::new(password.to_owned()));
    }
    Ok(all)
}

fn person(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((login, name)) if !login.is_empty() && !name.trim().is_empty() => {
            Ok((login.to_owned(), name.trim().to_owned()))
        }
        _ => Err("write LOGIN:NAME, for example mei:\"Li Mei\"".into()),
    }
}

fn minutes(text: &str) -> Result<u16, String> {
    let parts =
        text.split_once(':').and_then(|(h, m)| Some((h.parse::<u16>().ok()?, m.parse::<u16>().ok()?)));
    match parts {
        Some((hours @ 0..24, minutes @ 0..60)) => Ok(hours * 60 + minutes),
        _ => Err("write a time like 04:00".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_people_are_read_strictly() {
        assert_eq!(minutes("04:30"), Ok(270));
        assert!(minutes("24:00").is_err() && minutes("4").is_err() && minutes("04:60").is_err());
        assert_eq!(person("mei: Li Mei "), Ok(("mei".into(), "Li Mei".into())));
        assert!(person("mei").is_err() && person("mei:").is_err() && person(":x").is_err());
    }
}
