//! The store server's program.

use clap::{Parser, Subcommand, ValueEnum};
use evertill_server::accounts::keyring;
use evertill_server::config::Config;
use evertill_server::merchant_view::Progress;
use evertill_server::precedence::stand_back;
use evertill_server::reconciling::Step;
use evertill_server::running::{
    AccountsDesk, BooksProgress, ReconcileOrder, ReconcilingDesk, RunningServer, add_person_of_it, audit,
    rebuild_view, retell_shifts, start,
};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::SystemClock;
use evertill_shared::id::AccountId;
use evertill_shared::ledger::{Account, Balances};
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A request is made of some hundred small pieces of memory, often given back by another thread than took them. With
/// the C library's allocator that took a tenth of the server's time: see `docs/intake-cost.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// No password is longer, nor what follows it.
const LONGEST_PASSWORD_FILE: u64 = 64 * 1024;

/// The store server: takes orders and payments from tills, and serves the console for managers and IT.
///
/// When it is ready it prints one line of JSON on stdout, {"ready":true,"listen":"127.0.0.1:8443"}, with the address of
/// its figures as "metrics" if it shows them. Its log goes to stderr; RUST_LOG=debug shows more. SIGTERM and SIGINT (Ctrl-C) stop it once what is
/// under way is finished.
#[derive(Parser)]
#[command(
    name = "evertill-server",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Example:\n  evertill-admin store create --help      # makes a store and its server.toml\n  \
                  evertill-server --config shop/server/server.toml\n  \
                  evertill-server view rebuild --config shop/server/server.toml\n  \
                  evertill-server reconcile --config shop/server/server.toml\n  \
                  evertill-server audit --config shop/server/server.toml\n  \
                  evertill-server shifts rebuild --config shop/server/server.toml\n  \
                  evertill-server accounts import --config shop/server/server.toml\n  \
                  evertill-server staff add-it --config shop/server/server.toml --login yan --name \"Zhao Yan\" \
                  --password-file -"
)]
struct Arguments {
    /// The settings: the server.toml that `evertill-admin store create` has made.
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,

    /// How the log is written: for programs, or for people.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Json)]
    log: LogForm,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogForm {
    /// One JSON object a line.
    Json,
    /// One plain line each.
    Text,
}

#[derive(Subcommand)]
enum Command {
    /// The merchant view: the copies of all orders that lists, searches and totals come from.
    #[command(subcommand)]
    View(ViewCommand),
    /// The merchant's accounts at the wallets, as rows of the base store.
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// The store's people, where nobody is left who may log in as IT.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// The tills' shifts, as they follow from what the tills have handed in.
    #[command(subcommand)]
    Shifts(ShiftsCommand),
    /// Proves the ledger: debits equal credits; it is the account of what the orders say, in every order group, and the
    /// drawers are what the shifts say, till by till.
    ///
    /// Servers may run meanwhile. It ends with status 1 and the rows in question if it is not so.
    #[command(after_help = "Example:\n  evertill-server audit --config shop/server/server.toml")]
    Audit {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Compares the wallets' bills with our books, as every server does each morning by itself.
    ///
    /// Without a day: every day that is due. Servers may run meanwhile; one of all compares a day. What is found stands in
    /// the console, too.
    #[command(after_help = "Examples:\n  evertill-server reconcile --config shop/server/server.toml\n  \
                            evertill-server reconcile --config shop/server/server.toml --channel wechat_pay \
                            --day 2026-11-20 --csv findings.csv")]
    Reconcile {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Of this wallet only: wechat_pay or alipay.
        #[arg(long, value_name = "WALLET")]
        channel: Option<Wallet>,
        /// Of this account there only: its number in the console; 0 is the settings file's.
        #[arg(long, value_name = "NUMBER", requires = "channel")]
        account: Option<u32>,
        /// This day of the wallet's, by China's clock. Days are compared in their order.
        #[arg(long, value_name = "DAY", requires = "channel")]
        day: Option<BusinessDay>,
        /// Compare that day although earlier ones are not: what moved on those is not compared.
        #[arg(long, requires = "day")]
        leave_out: bool,
        /// Write that day's findings into this file.
        #[arg(long, value_name = "FILE", requires = "day")]
        csv: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum AccountsCommand {
    /// Makes a key under which the secrets of accounts are sealed.
    ///
    /// Copy the file to every server of the store, name it in `account_keys` of each server.toml, and keep a copy where the
    /// database's copies are not: without it no account opens any more.
    #[command(
        after_help = "Example:\n  evertill-server accounts make-key --out shop/server/accounts.key\n  \
                      echo 'account_keys = [\"accounts.key\"]'   # a line for the top of server.toml"
    )]
    MakeKey {
        /// Where it goes. A file that is there is left alone.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Makes an account of each wallet that the settings name: [wechat] and [alipay], with what is in their files, sealed.
    ///
    /// It takes the new payments from then on, and the old ones are asked about there. Servers may run meanwhile. A merchant
    /// that has an account already is left alone; afterwards the sections and files may be removed.
    #[command(after_help = "Example:\n  evertill-server accounts import --config shop/server/server.toml")]
    Import {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Seals the secrets of all accounts anew under the first key of `account_keys`.
    ///
    /// To change the key: make a new one; write it behind the old one in `account_keys` of every server and restart them;
    /// then write it in front and restart them again; then run this; then take the old one out.
    #[command(after_help = "Example:\n  evertill-server accounts reseal --config shop/server/server.toml")]
    Reseal {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
enum StaffCommand {
    /// Adds a person with the role `it`, for a store of which nobody can log in as IT any more: a forgotten password.
    ///
    /// Whoever may read the server's files may do this; it stands in the audit trail as the server's own doing. Servers may run
    /// meanwhile. Everybody else is added by `evertill-admin staff add` or in the console.
    #[command(
        after_help = "Example:\n  evertill-server staff add-it --config shop/server/server.toml --login yan \
                      --name \"Zhao Yan\" --password-file -"
    )]
    AddIt {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The name to log in with; one that nobody has had.
        #[arg(long, value_name = "NAME")]
        login: String,
        /// The name that others see.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// A file with the first password; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
}

#[derive(Subcommand)]
enum ShiftsCommand {
    /// Tells the shifts once more from the tills' journals: those that were handed in to servers that kept no shifts yet, or
    /// of which a part was not looked at. The drawers' ledger comes with them.
    ///
    /// Servers and tills may run meanwhile: it goes on in small steps. It may be stopped at any time and begun anew, and leaves
    /// shifts that were seen as a whole as they are.
    #[command(after_help = "Example:\n  evertill-server shifts rebuild --config shop/server/server.toml")]
    Rebuild {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
enum ViewCommand {
    /// Makes the view anew from the order groups, and says how the one that was there differed.
    ///
    /// Servers may run meanwhile. The new view takes the place of the old one at once, when it is whole; until then,
    /// and if this fails or is stopped, the old one stays.
    #[command(after_help = "Example:\n  evertill-server view rebuild --config shop/server/server.toml")]
    Rebuild {
        /// The settings of a server of this store.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log {
        LogForm::Json => log.json().init(),
        LogForm::Text => log.with_ansi(false).init(),
    }
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(stand_back).build() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&format!("the system gives no threads: {error}")),
        };
    let done = match (arguments.command, arguments.config) {
        (Some(Command::View(ViewCommand::Rebuild { config })), _) => runtime.block_on(rebuild(&config)),
        (Some(Command::Accounts(AccountsCommand::MakeKey { out })), _) => make_key(&out),
        (Some(Command::Accounts(AccountsCommand::Import { config })), _) => {
            runtime.block_on(import_accounts(&config))
        }
        (Some(Command::Accounts(AccountsCommand::Reseal { config })), _) => runtime.block_on(reseal(&config)),
        (Some(Command::Staff(StaffCommand::AddIt { config, login, name, password_file })), _) => {
            runtime.block_on(add_it(&config, login, name, &password_file))
        }
        (Some(Command::Shifts(ShiftsCommand::Rebuild { config })), _) => {
            runtime.block_on(rebuild_shifts(&config))
        }
        (Some(Command::Audit { config }), _) => runtime.block_on(prove(&config)),
        (Some(Command::Reconcile { config, channel, account, day, leave_out, csv }), _) => {
            let account = account.map(AccountId);
            runtime.block_on(reconcile(&config, ReconcileOrder { channel, account, day, leave_out, csv }))
        }
        (None, Some(config)) => runtime.block_on(run(&config)),
        (None, None) => Err("--config is missing: name the server's settings".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => failed(&text),
    }
}

fn failed(text: &str) -> ExitCode {
    eprintln!("evertill-server: {text}");
    ExitCode::FAILURE
}

async fn rebuild(config: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let rebuilt = rebuild_view(config, Arc::new(SystemClock), |progress| {
        match progress {
            Progress::Copied(tag, orders) => eprint!("\rgroup {tag}: {orders} orders copied   "),
            Progress::Compared(orders) => eprint!("\r{orders} orders compared            "),
            Progress::Removing => eprint!("\rthe new view is in place; removing the old one "),
        }
        let _ = std::io::stderr().flush();
    });
    let rebuilt = rebuilt.await.map_err(|e| e.to_string())?;
    eprintln!();
    println!("The merchant view is made anew from the order groups: {} orders.", rebuilt.sales);
    for number in &rebuilt.left_out {
        println!(
            "Order {number} cannot be read in its group and is not in the view: look at its rows; the log says more."
        );
    }
    let found = rebuilt.differences;
    if found.is_none() {
        println!("It equals the one that was there.");
        return Ok(());
    }
    println!(
        "The one that was there differed: {} orders were missing, {} stood otherwise, {} are in no group; {} totals \
         of a day and tender were others.",
        found.missing, found.changed, found.extra, found.totals
    );
    for number in &found.named {
        println!("  {number}");
    }
    Ok(())
}

fn make_key(out: &Path) -> Result<(), String> {
    keyring::write_new(out).map_err(|error| format!("{}: {error}", out.display()))?;
    println!(
        "{} holds a new key. Name it in `account_keys` of every server's settings, and keep a copy of it where the \
         database's copies are not.",
        out.display()
    );
    Ok(())
}

async fn import_accounts(config: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let desk = AccountsDesk::open(&config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    let done = desk.accounts().import(&config, "server").await;
    desk.close().await;
    let done = done.map_err(|e| e.to_string())?;
    if done.is_empty() {
        println!("The settings name no wallet: there is nothing to import.");
    }
    for one in done {
        match one.account {
            Some(id) => println!("{} {}: account {id}, enabled.", one.wallet, one.merchant),
            None => println!("{} {}: there is an account already.", one.wallet, one.merchant),
        }
    }
    Ok(())
}

async fn reseal(config: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let desk = AccountsDesk::open(&config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    let done = desk.accounts().reseal("server".into()).await;
    desk.close().await;
    let sealed = done.map_err(|e| e.to_string())?;
    println!(
        "{sealed} secrets are sealed anew; all others were under the first key of `account_keys` already."
    );
    Ok(())
}

async fn add_it(config: &Path, login: String, name: String, password: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let password = password_in(password)?;
    let added = add_person_of_it(&config, Arc::new(SystemClock), (login, name), &password).await?;
    println!("{} can log in as IT. Have them change what was lost, and say who has left.", added.login);
    Ok(())
}

/// The first line of a file, or of standard input.
fn password_in(file: &Path) -> Result<SecretText, String> {
    let told = |error: std::io::Error| format!("{}: {error}: the password is not read", file.display());
    let mut text = SecretText::new(
        match file == Path::new("-") {
            true => std::io::read_to_string(std::io::stdin().lock().take(LONGEST_PASSWORD_FILE)),
            false => std::fs::read_to_string(file),
        }
        .map_err(told)?,
    );
    if let Some(line) = text.expose().lines().next().filter(|line| line.len() < text.expose().len()) {
        text = SecretText::new(line.to_owned());
    }
    Ok(text)
}

fn show(progress: BooksProgress) {
    match progress {
        BooksProgress::Orders(tag, orders) => eprint!("\rgroup {tag}: {orders} orders looked at   "),
        BooksProgress::Shifts(terminal, shifts) => eprint!("\r{terminal}: {shifts} shifts looked at   "),
        BooksProgress::Entries(terminal, upto, of) => eprint!("\r{terminal}: {upto} of {of} entries told   "),
    }
    let _ = std::io::stderr().flush();
}

async fn prove(config: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let audited = audit(config, Arc::new(SystemClock), show).await.map_err(|e| e.to_string())?;
    eprintln!();
    let (mut faults, mut orders) = (0_usize, Balances::default());
    for (tag, group) in &audited.groups {
        for (number, fault) in &group.faults {
            println!("group {tag}, order {number}: {fault}");
        }
        faults += group.faults.len();
        orders.add_all(&group.balances);
        println!("group {tag}: {} orders, {} faults", group.orders, group.faults.len());
    }
    faults += say_accounts("", &orders);
    let mut drawers = Balances::default();
    for till in &audited.drawers {
        for fault in &till.faults {
            println!("{}, key {}, shift {}: {}", till.terminal, till.epoch, fault.shift, fault.what);
        }
        faults += till.faults.len();
        drawers.add_all(&till.balances);
        println!(
            "{}, key {}: {} shifts, {} faults{}",
            till.terminal,
            till.epoch,
            till.shifts,
            till.faults.len(),
            held(&till.balances)
        );
    }
    faults += say_accounts("drawers, ", &drawers);
    if audited.drawers.iter().any(|till| !till.faults.is_empty()) {
        println!(
            "drawers are told anew from the journals by: evertill-server shifts rebuild; then audit once more"
        );
    }
    let from_before: u64 = audited.drawers.iter().map(|till| till.from_before).sum();
    if from_before > 0 {
        println!(
            "{from_before} shifts are from before the drawers' ledger and are not in it: run evertill-server shifts rebuild"
        );
    }
    if faults == 0 { Ok(()) } else { Err(format!("the ledger has {faults} faults: see above")) }
}

/// What is in the drawers of a till by its shifts that have not ended.
fn held(balances: &Balances) -> String {
    let drawer = balances.accounts().filter(|(_, account, ..)| *account == Account::Drawer.as_str());
    drawer
        .map(|(currency, _, debit, credit)| {
            format!(", in the drawer {} {currency}", debit.saturating_sub(credit))
        })
        .collect()
}

/// Prints accounts and what both sides come to; gives in how many currencies these differ.
fn say_accounts(which: &str, balances: &Balances) -> usize {
    for (currency, account, debit, credit) in balances.accounts() {
        println!("{which}{account}: debits {debit}, credits {credit} {currency} (minor units)");
    }
    let mut faults = 0;
    for (currency, debit, credit) in balances.totals() {
        println!("{which}all accounts: debits {debit}, credits {credit} {currency}");
        faults += usize::from(debit != credit);
    }
    faults
}

async fn rebuild_shifts(config: &Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let done = retell_shifts(config, Arc::new(SystemClock), show).await.map_err(|e| e.to_string())?;
    eprintln!();
    for journal in &done {
        println!(
            "{}, key {}: {} entries, {} shifts told anew",
            journal.terminal, journal.epoch, journal.entries, journal.shifts
        );
        if journal.missing > 0 {
            println!(
                "{}, key {}: {} more entries are in no group or of a later program; shifts with them are marked",
                journal.terminal, journal.epoch, journal.missing
            );
        }
    }
    if done.is_empty() {
        println!("No till has handed in anything yet.");
    }
    Ok(())
}

async fn reconcile(config: &Path, order: ReconcileOrder) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let desk = ReconcilingDesk::open(config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    let done = desk.carry_out(&order, step, |line| println!("{line}")).await;
    desk.close().await;
    done
}

/// Shows how far a comparison is.
fn step(step: Step) {
    match step {
        Step::Fetching => eprint!("\rfetching the bill               "),
        Step::Fetched(lines) => eprint!("\rthe bill has {lines} lines      "),
        Step::Reading(rows) => eprint!("\r{rows} rows of our books are read   "),
        Step::Comparing => eprint!("\rcomparing                       "),
        Step::Saving => eprintln!("\rwriting it down                 "),
    }
    let _ = std::io::stderr().flush();
}

async fn run(config: &Path) -> Result<(), String> {
    // Other parts of the process (the wallets' clients) find the provider here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let mut server = start(config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    announce(&server);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = server.ended() => return Err(format!("serving ended: {ended:?}")),
    }
    tracing::info!("stopping");
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

fn announce(server: &RunningServer) {
    let metrics = server.metrics_addr.map(|addr| format!(",\"metrics\":\"{addr}\"")).unwrap_or_default();
    let line = format!("{{\"ready\":true,\"listen\":\"{}\"{metrics}}}", server.addr);
    // Whoever started us may have closed our stdout; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
    let _ = std::io::stdout().flush();
    tracing::info!(listen = %server.addr, store = server.app.base.store().name, "ready");
}
