//! `evertill-server-turned`: the store server, whole and unchanged, under a clock that is ahead, or steps
//! while it runs. For stories about yesterday's orders and wrong clocks: the product itself has no such switch.

use clap::Parser;
use evertill_server::config::Config;
use evertill_server::start;
use evertill_tests::rig::turned_clock::TurnedClock;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// The store server on a later day, for whole-system tests.
#[derive(Parser)]
struct Arguments {
    /// The settings, as for evertill-server.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// By how many days its clock is ahead.
    #[arg(long, default_value_t = 0)]
    days_ahead: u32,
    /// A file that says by how many milliseconds more it is ahead, and may be written at any time.
    #[arg(long, value_name = "FILE")]
    clock_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertill-server-turned: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut terminate = signal(SignalKind::terminate())?;
    let config = Config::load(&arguments.config)?;
    let ahead_ms = i64::from(arguments.days_ahead) * 24 * 60 * 60 * 1_000;
    let clock = TurnedClock::new(ahead_ms, arguments.clock_file);
    let server = start(config, Arc::new(clock)).await?;
    println!("{}", serde_json::json!({ "ready": true, "listen": server.addr.to_string() }));
    terminate.recv().await;
    server.stop().await;
    Ok(())
}
