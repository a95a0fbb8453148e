//! `cargo demo`.

use clap::Parser;
use evertill_tests::demo;
use std::path::PathBuf;
use std::process::ExitCode;

/// Brings up a whole shop on this machine: a store server with three order groups, a wallet simulator, and a till
/// with its window. Running it again continues the same shop. Ctrl-C ends all of it.
#[derive(Parser)]
#[command(
    name = "cargo demo",
    after_help = "Examples:\n  cargo demo\n  cargo demo -- --headless --out target/demo"
)]
struct Options {
    /// No display: a scripted cashier drives the real window, scanner and printer; pictures, receipts and
    /// summary.json are written to the folder given by --out. The last line printed is that JSON.
    #[arg(long)]
    headless: bool,
    /// Where the headless run writes.
    #[arg(long, default_value = "target/demo", value_name = "DIR")]
    out: PathBuf,
    /// Where the shop is kept (its databases, keys and logs).
    #[arg(long, default_value = "target/shop", value_name = "DIR")]
    shop: PathBuf,
    /// The last line printed is one JSON object (the headless run always does that).
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = if options.headless {
        demo::run_headless(&options.out).await
    } else {
        demo::run_window(&options.shop, options.json).await
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the demo ended: {error}");
            ExitCode::FAILURE
        }
    }
}
